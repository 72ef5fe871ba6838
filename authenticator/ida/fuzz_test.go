package ida_test

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/authenticator/ida"
	"github.com/gosignet/signet/authenticator/ida/idatest"
)

// canned answers every call with the same, without a network.
type canned struct {
	status int
	body   []byte
}

func (c *canned) RoundTrip(*http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	w.WriteHeader(c.status)
	w.Write(c.body)
	return w.Result(), nil
}

// fuzzed returns an Authenticator whose IDA answers what is in canned. It never suspends calls.
func fuzzed(f *testing.F) (*ida.Authenticator, *canned, *stub) {
	s := startStub(f)
	c, transport := s.Config(), &canned{status: 200}
	withDecoys(s, &c)
	c.IDACertificateURL, c.IDACertificate = "", idatest.EncryptionKey().Certificate
	c.SigningService, c.SigningCertificates = nil, append(c.SigningCertificates, idatest.SigningKey().Certificate)
	c.Transport, c.Failures, c.Verifications = transport, 1<<62, true
	a, err := ida.New(c)
	require.NoError(f, err)
	return a, transport, s
}

func checkError(t *testing.T, err error) {
	t.Helper()
	assert.NotEmpty(t, reasonOf(t, err))
	assert.Less(t, len(err.Error()), 500)
}

func FuzzAuthenticateAnswer(f *testing.F) {
	a, transport, _ := fuzzed(f)
	for _, seed := range []string{
		`{"transactionID":"` + idaID + `","response":{"kycToken":"k","authToken":"a","kycStatus":true},"errors":null}`,
		`{"response":{"kycToken":"k","authToken":"a","kycStatus":true,"verifiedClaimsMetadata":"{\"name\":[{\"trust_framework\":\"x\"}],\"a\":\"null\"}"}}`,
		`{"response":{"kycStatus":false},"errors":[{"errorCode":"IDA-OTA-004"}]}`,
		`{"response":null,"errors":[]}`, `[]`, `null`, ``, `{"response":{"kycToken":"k","authToken":"\ud800","kycStatus":true}}`,
	} {
		f.Add(200, []byte(seed))
		f.Add(500, []byte(seed))
	}
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		if status < 200 || status > 999 {
			return
		}
		transport.status, transport.body = status, body
		identity, err := a.Authenticate(t.Context(), request(asha, challenge(authenticator.PIN, "1")))
		if err != nil {
			assert.Nil(t, identity)
			checkError(t, err)
			return
		}
		assert.Equal(t, 2, status/100)
		assert.NotEmpty(t, identity.Subject)
		assert.True(t, utf8.ValidString(identity.Subject))
		assert.LessOrEqual(t, len(identity.Subject), 256)
		assert.LessOrEqual(t, len(identity.State), 8<<10)
	})
}

func FuzzSendCodeAnswer(f *testing.F) {
	a, transport, _ := fuzzed(f)
	for _, seed := range []string{
		`{"transactionID":"` + idaID + `","response":{"maskedEmail":"XXa@example.org","maskedMobile":null}}`,
		`{"transactionID":"` + idaID + `","response":null,"errors":[{"errorCode":"IDA-MLC-018"}]}`, `{"response":{}}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		transport.body = body
		receipt, err := a.SendCode(t.Context(), codeRequest(asha))
		if err != nil {
			checkError(t, err)
			return
		}
		assert.NotEmpty(t, receipt.Destinations)
		for _, d := range receipt.Destinations {
			assert.True(t, utf8.ValidString(d) && len(d) <= 256)
		}
	})
}

// What IDA signed may still be anything: only claims that were asked for come out.
func FuzzReleasedClaims(f *testing.F) {
	a, transport, s := fuzzed(f)
	for _, seed := range []string{
		`{"sub":"s","name":"Asha","name#fra":"Acha","email":null}`, `{"name#":1}`, `{"name#a#b":1}`, `{"sub":1}`, `{"exp":1e400}`,
		`[]`, `null`, `{"name":{"a":[1,2]},"sub":"s","sub":"other"}`,
	} {
		f.Add([]byte(seed))
	}
	state := []byte(`{"kyc_token":"k","individual_id":"i","transaction":"` + idaID + `","client_id":"` + clientID + `"}`)
	f.Fuzz(func(t *testing.T, payload []byte) {
		if !json.Valid(payload) {
			return
		}
		answer, err := json.Marshal(map[string]any{"response": map[string]any{"encryptedKyc": s.Sign(json.RawMessage(payload))}})
		require.NoError(t, err)
		transport.body = answer
		r := claimsRequest(&authenticator.Identity{Subject: "s", State: state}, "name", "email")
		r.Verified = []string{"name"}
		claims, err := a.Claims(t.Context(), r)
		if err != nil {
			checkError(t, err)
			return
		}
		for name, value := range claims.Values {
			base, _, _ := strings.Cut(name, "#")
			assert.Contains(t, []string{"name", "email"}, base)
			assert.True(t, json.Valid(value))
		}
		for _, v := range claims.Verified {
			for name, value := range v.Values {
				assert.Equal(t, claims.Values[name], value)
			}
		}
	})
}

func FuzzExchangeAnswer(f *testing.F) {
	a, transport, s := fuzzed(f)
	f.Add([]byte(`{"response":{"encryptedKyc":"` + s.Sign(map[string]any{"name": "Asha"}) + `"}}`))
	f.Add([]byte(`{"response":{"encryptedKyc":"e30.e30.e30"}}`))
	f.Add([]byte(`{"response":{"encryptedKyc":""},"errors":[{}]}`))
	state := []byte(`{"kyc_token":"k","transaction":"` + idaID + `","client_id":"` + clientID + `"}`)
	f.Fuzz(func(t *testing.T, body []byte) {
		transport.body = body
		_, err := a.Claims(t.Context(), claimsRequest(&authenticator.Identity{Subject: "s", State: state}, "name"))
		if err != nil {
			checkError(t, err)
		}
	})
}

// A capture comes from the person's browser, that is, from a stranger.
func FuzzCapture(f *testing.F) {
	a, transport, _ := fuzzed(f)
	transport.body = []byte(`{"response":{"kycStatus":true,"kycToken":"k","authToken":"a"}}`)
	// Nobody verifies the signature here: another key would cost every process of the fuzzer a second.
	jws := func(payload string) string {
		encode := base64.RawURLEncoding.EncodeToString
		return encode([]byte(`{"alg":"RS256"}`)) + "." + encode([]byte(payload)) + ".AAAA"
	}
	for _, payload := range []string{
		`{"digitalId":"d","bioType":"Face","bioValue":"v","transactionId":"` + idaID + `","timestamp":"2026-01-31T10:15:30Z",` +
			`"purpose":"Auth","env":"Staging","domainUri":"` + idatest.DomainURI + `"}`,
		`{"timestamp":"2026-01-31T10:15:30.123+25:00"}`, `[]`,
	} {
		f.Add([]byte(`{"biometrics":[{"specVersion":"1.0","data":"` + jws(payload) + `","hash":"h","sessionKey":"k","thumbprint":"t",` +
			`"error":{"errorCode":"0"}}]}`))
	}
	f.Add([]byte(`{"biometrics":[{"error":{"errorCode":{}}}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		response := base64.RawURLEncoding.EncodeToString(data)
		_, err := a.Authenticate(t.Context(), request(asha, challenge(authenticator.Biometrics, response)))
		if err != nil {
			checkError(t, err)
		}
	})
}

func FuzzCertificates(f *testing.F) {
	s := startStub(f)
	f.Add(idatest.EncryptionKey().Certificate.Raw)
	f.Add([]byte("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"))
	f.Fuzz(func(t *testing.T, body []byte) {
		c := s.Config()
		c.Transport = &canned{status: 200, body: body}
		a, err := ida.New(c)
		require.NoError(t, err)
		_, err = a.Authenticate(t.Context(), request(asha, challenge(authenticator.PIN, "1")))
		checkError(t, err)
	})
}
