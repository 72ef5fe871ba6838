package ida_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/authenticator/ida"
)

func codeRequest(individual string) *authenticator.CodeRequest {
	return &authenticator.CodeRequest{
		Transaction: transaction, ClientID: clientID, Identifier: authenticator.Identifier{Value: individual},
	}
}

func withDecoys(_ *stub, c *ida.Config) {
	c.Decoys = []ida.Decoy{{Email: "XXhXXa@example.org", Mobile: "+855XXXXXX5566"}}
	c.Secret = []byte(strings.Repeat("s", 32))
}

func TestReceiptsSayWhatIDASays(t *testing.T) {
	t.Parallel()
	a, _ := start(t, withDecoys, func(_ *stub, c *ida.Config) {
		c.CodeLength, c.CodeLifetime, c.ResendAfter = 6, 3*time.Minute, 30*time.Second
	})
	receipt, err := a.SendCode(t.Context(), codeRequest(asha))
	require.NoError(t, err)
	assert.Equal(t, &authenticator.CodeReceipt{
		Destinations: []string{"XXhXXa@example.org", "XXXXXX5566"}, Length: 6,
		ExpiresAt: began.Add(3 * time.Minute), ResendAfter: began.Add(30 * time.Second),
	}, receipt)
}

func TestReceiptsOfUnknownPeopleLookLikeOthers(t *testing.T) {
	t.Parallel()
	a, _ := start(t, withDecoys)
	receipt := func(id string) []string {
		r, err := a.SendCode(t.Context(), codeRequest(id))
		require.NoError(t, err)
		return r.Destinations
	}
	first := receipt(nobody)
	require.Len(t, first, 2)
	assert.Regexp(t, `^XX[a-z]XX[a-z]@example\.org$`, first[0])
	assert.Regexp(t, `^\+855XXXXXX[0-9]{4}$`, first[1])
	assert.Equal(t, first, receipt(nobody), "always the same")
	assert.NotEqual(t, first, receipt("1000000002"), "another for another")
	assert.NotEqual(t, "+855XXXXXX5566", first[1], "not the decoy itself")
}

func TestWithoutDecoysNoReceiptNamesADestination(t *testing.T) {
	t.Parallel()
	a, _ := start(t)
	known, err := a.SendCode(t.Context(), codeRequest(asha))
	require.NoError(t, err)
	unknown, err := a.SendCode(t.Context(), codeRequest(nobody))
	require.NoError(t, err)
	assert.Equal(t, known, unknown)
	assert.Equal(t, &authenticator.CodeReceipt{}, unknown)
}

func TestDestinationsThatNobodyCouldReadAreLeftOut(t *testing.T) {
	t.Parallel()
	body := fmt.Sprintf(`{"transactionID":%q,"response":{"maskedEmail":"%0257d","maskedMobile":"a\u0000b"}}`, idaID, 1)
	a, _ := start(t, withDecoys, answering("otp", body))
	receipt, err := a.SendCode(t.Context(), codeRequest(asha))
	require.NoError(t, err)
	require.Len(t, receipt.Destinations, 2)
	assert.Regexp(t, `^\+855XXXXXX[0-9]{4}$`, receipt.Destinations[1], "as if there were none")
}

func TestWhatIDARefusesToSend(t *testing.T) {
	t.Parallel()
	tests := []struct {
		code   string
		reveal bool
		reason authenticator.Reason // "" if there is a receipt
	}{
		{"IDA-MLC-018", true, ""},
		{"IDA-MLC-002", true, ""},
		{"IDA-MLC-014", true, ""}, // no address
		{"IDA-MLC-022", true, ""},
		{"IDA-MLC-009", true, ""},
		{"IDA-OTA-001", false, ""},
		{"IDA-OTA-001", true, authenticator.TooSoon},
		{"IDA-OTA-006", false, ""},
		{"IDA-OTA-006", true, authenticator.Locked},
		{"IDA-MPA-005", false, authenticator.Unsupported},
		{"IDA-OTA-002", false, authenticator.Unavailable},
		{"IDA-MPA-007", false, authenticator.Unavailable},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprint(tt.code, " revealed ", tt.reveal), func(t *testing.T) {
			t.Parallel()
			body := fmt.Sprintf(`{"transactionID":%q,"response":null,"errors":[{"errorCode":%q}]}`, idaID, tt.code)
			a, s := start(t, withDecoys, answering("otp", body), func(_ *stub, c *ida.Config) { c.RevealLocks = tt.reveal })
			receipt, err := a.SendCode(t.Context(), codeRequest(asha))
			if tt.reason == "" {
				require.NoError(t, err)
				assert.Len(t, receipt.Destinations, 2)
			} else {
				assert.Equal(t, tt.reason, reasonOf(t, err))
			}
			assert.Equal(t, 1, s.Count("otp"))
		})
	}
}

// direct carries calls to a handler without a network, so that they can take the time of a synctest bubble.
type direct struct{ http.Handler }

func (d direct) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body == nil {
		r.Body = http.NoBody
	}
	w := httptest.NewRecorder()
	d.ServeHTTP(w, r)
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	return w.Result(), nil
}

func TestRefusalsAndReceiptsTakeTheSameTimeForEverybody(t *testing.T) {
	t.Parallel()
	s := startStub(t)
	s.Override = func(call string, _ http.ResponseWriter, r *http.Request) bool {
		if call == "otp" || call == "kyc-auth" {
			time.Sleep(time.Duration(s.Count(call)) * 100 * time.Millisecond) // of the bubble: each call takes longer
		}
		return false
	}
	c := s.Config()
	c.Transport, c.AnswerTime = direct{s}, 0
	synctest.Test(t, func(t *testing.T) {
		a, err := ida.New(c)
		require.NoError(t, err)
		for _, id := range []string{asha, nobody, sok} {
			began := time.Now()
			_, err = a.SendCode(t.Context(), codeRequest(id))
			require.NoError(t, err)
			assert.Equal(t, 2*time.Second, time.Since(began), "a receipt for %s", id)

			began = time.Now()
			_, err = a.Authenticate(t.Context(), request(id, challenge(authenticator.PIN, "000000")))
			require.Equal(t, authenticator.WrongCredentials, reasonOf(t, err))
			assert.Equal(t, 2*time.Second, time.Since(began), "a refusal of %s", id)
		}
		began := time.Now()
		_, err = a.Authenticate(t.Context(), request(asha, challenge(authenticator.PIN, people[asha].PIN)))
		require.NoError(t, err)
		assert.Equal(t, 400*time.Millisecond, time.Since(began), "who is right need not wait")
	})
}

func TestACodeComesByTheChannelsThatThePersonChose(t *testing.T) {
	t.Parallel()
	for channel, want := range map[authenticator.Channel][2]string{
		authenticator.Email: {"XXhXXa@example.org", `^XX[a-z]XX[a-z]@example\.org$`}, authenticator.Phone: {"XXXXXX5566", `^\+855XXXXXX[0-9]{4}$`},
	} {
		t.Run(string(channel), func(t *testing.T) {
			t.Parallel()
			a, _ := start(t, withDecoys, func(s *stub, _ *ida.Config) { s.Channels = []string{string(channel)} })
			assert.Equal(t, []authenticator.Channel{ida.Email, ida.Phone}, a.Channels())
			r := codeRequest(asha)
			r.Channels = []authenticator.Channel{channel}
			receipt, err := a.SendCode(t.Context(), r)
			require.NoError(t, err)
			assert.Equal(t, []string{want[0]}, receipt.Destinations)

			r.Identifier.Value = nobody
			receipt, err = a.SendCode(t.Context(), r)
			require.NoError(t, err)
			require.Len(t, receipt.Destinations, 1)
			assert.Regexp(t, want[1], receipt.Destinations[0])
		})
	}
}

func TestAChannelThatIsNotThereIsUnsupported(t *testing.T) {
	t.Parallel()
	a, s := start(t, func(_ *stub, c *ida.Config) { c.Channels = []ida.Channel{ida.Email} })
	r := codeRequest(asha)
	r.Channels = []authenticator.Channel{ida.Email, ida.Phone}
	_, err := a.SendCode(t.Context(), r)
	assert.Equal(t, authenticator.Unsupported, reasonOf(t, err))
	assert.Zero(t, s.Count("otp"))
}
