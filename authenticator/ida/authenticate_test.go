package ida_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/authenticator/ida"
	"github.com/gosignet/signet/authenticator/ida/idatest"
)

const (
	asha        = "8267411571"
	sok         = "5544332211"
	nobody      = "1000000001"
	transaction = "Zt-aB3_dE5fG7hI9kL"
	idaID       = "Lk9Ih7Gf5E" // the transaction as IDA's, by hand
)

func start(t testing.TB, change ...func(*stub, *ida.Config)) (*ida.Authenticator, *stub) {
	t.Helper()
	s := startStub(t)
	c := s.Config()
	for _, f := range change {
		f(s, &c)
	}
	a, err := ida.New(c)
	require.NoError(t, err)
	return a, s
}

func request(individual string, challenges ...authenticator.Challenge) *authenticator.Request {
	return &authenticator.Request{
		Transaction: transaction, ClientID: clientID, Identifier: authenticator.Identifier{Value: individual}, Challenges: challenges,
	}
}

func challenge(f authenticator.Factor, response string) authenticator.Challenge {
	return authenticator.Challenge{Factor: f, Response: response}
}

func reasonOf(t testing.TB, err error) authenticator.Reason {
	t.Helper()
	e, ok := errors.AsType[*authenticator.Error](err)
	require.True(t, ok, "no *authenticator.Error but %v", err)
	return e.Reason
}

func sendCode(t testing.TB, a *ida.Authenticator, individual string) {
	t.Helper()
	_, err := a.SendCode(t.Context(), &authenticator.CodeRequest{
		Transaction: transaction, ClientID: clientID, Identifier: authenticator.Identifier{Value: individual},
	})
	require.NoError(t, err)
}

func TestPeopleLogInWithEveryFactorInBothVersions(t *testing.T) {
	t.Parallel()
	p := people[asha]
	otp, pin := challenge(authenticator.OTP, p.OTP), challenge(authenticator.PIN, p.PIN)
	factors := map[string][]authenticator.Challenge{
		"one-time code":                  {otp},
		"one-time code in other digits":  {challenge(authenticator.OTP, "३४५ ६७८")},
		"PIN":                            {pin},
		"password":                       {challenge(authenticator.Password, p.Password)},
		"biometrics":                     {challenge(authenticator.Biometrics, idatest.Capture(segment(nil)))},
		"one-time code and PIN together": {otp, pin},
	}
	for _, version := range []ida.Version{ida.V1, ida.V2} {
		for name, challenges := range factors {
			t.Run(fmt.Sprintf("V%d/%s", version, name), func(t *testing.T) {
				t.Parallel()
				a, s := start(t, func(s *stub, c *ida.Config) { s.Version, c.Version = version, version })
				sendCode(t, a, asha)

				identity, err := a.Authenticate(t.Context(), request(asha, challenges...))
				require.NoError(t, err)
				assert.Equal(t, p.Token, identity.Subject)

				claims, err := a.Claims(t.Context(), &authenticator.ClaimsRequest{
					Transaction: transaction, ClientID: clientID, Identity: *identity, Names: []string{"name"},
				})
				require.NoError(t, err)
				assert.JSONEq(t, `"Asha Rao"`, string(claims.Values["name"]))
				assert.Equal(t, 1, s.Count("kyc-auth"))
			})
		}
	}
}

func TestWrongAnswersAndUnknownPeopleLookTheSame(t *testing.T) {
	t.Parallel()
	a, _ := start(t)
	sendCode(t, a, asha)
	tests := map[string]*authenticator.Request{
		"wrong code":                    request(asha, challenge(authenticator.OTP, "000000")),
		"wrong PIN":                     request(asha, challenge(authenticator.PIN, "000000")),
		"wrong password":                request(asha, challenge(authenticator.Password, "guess")),
		"another's finger":              request(asha, challenge(authenticator.Biometrics, idatest.Capture(segment(map[string]any{"bioValue": "sok's"})))),
		"right code, wrong PIN":         request(asha, challenge(authenticator.OTP, people[asha].OTP), challenge(authenticator.PIN, "0")),
		"no code asked for":             request(sok, challenge(authenticator.OTP, people[sok].OTP)),
		"unknown person with a code":    request(nobody, challenge(authenticator.OTP, "345678")),
		"unknown person with a finger":  request(nobody, challenge(authenticator.Biometrics, idatest.Capture(segment(nil)))),
		"unknown person, bad password":  request(nobody, challenge(authenticator.Password, "guess")),
		"no answer":                     request(asha),
		"empty code":                    request(asha, challenge(authenticator.OTP, " ")),
		"code longer than any can be":   request(asha, challenge(authenticator.OTP, fmt.Sprintf("%065d", 1))),
		"password longer than any is":   request(asha, challenge(authenticator.Password, fmt.Sprintf("%01025d", 1))),
		"biometrics that are no object": request(asha, challenge(authenticator.Biometrics, "W10")),
	}
	for name, r := range tests {
		t.Run(name, func(t *testing.T) {
			identity, err := a.Authenticate(t.Context(), r)
			assert.Nil(t, identity)
			assert.Equal(t, authenticator.WrongCredentials, reasonOf(t, err))
		})
	}
}

func TestFactorsThatAreNotConfiguredAreUnsupported(t *testing.T) {
	t.Parallel()
	a, s := start(t, func(_ *stub, c *ida.Config) { c.Factors = nil })
	assert.Equal(t, []authenticator.Factor{authenticator.OTP}, a.Factors())
	for _, r := range []*authenticator.Request{
		request(asha, challenge(authenticator.PIN, "1")),
		request(asha, challenge(authenticator.Knowledge, "{}")),
		request(asha, challenge(authenticator.OTP, "1"), challenge(authenticator.OTP, "2")),
	} {
		_, err := a.Authenticate(t.Context(), r)
		assert.Equal(t, authenticator.Unsupported, reasonOf(t, err))
	}
	assert.Zero(t, s.Count("kyc-auth"))
}

func TestTransactionID(t *testing.T) {
	t.Parallel()
	for transaction, want := range map[string]string{
		"Zt-aB3_dE5fG7hI9kL": "Lk9Ih7Gf5E",
		"abc":                "cbacbacbac",
		"_a-":                "aaaaaaaaaa",
		"-_-":                "",
		"":                   "",
	} {
		assert.Equal(t, want, ida.TransactionID(transaction), transaction)
	}
}

func TestATransactionWithoutAnIDIsRefused(t *testing.T) {
	t.Parallel()
	a, s := start(t)
	r := request(asha, challenge(authenticator.PIN, "1"))
	r.Transaction = "--"
	_, err := a.Authenticate(t.Context(), r)
	assert.Equal(t, authenticator.Unavailable, reasonOf(t, err))
	_, err = a.SendCode(t.Context(), &authenticator.CodeRequest{Transaction: "--", Identifier: r.Identifier})
	assert.Equal(t, authenticator.Unavailable, reasonOf(t, err))
	assert.Zero(t, s.Count("kyc-auth")+s.Count("otp"))
}

func TestEveryClientCanBeAPartner(t *testing.T) {
	t.Parallel()
	a, _ := start(t, func(s *stub, c *ida.Config) {
		s.PartnerID, s.APIKey = "bank", "client-1"
		c.Partner = ida.Partner{}
		c.PartnerOf = partners{"client-1": {ID: "bank"}, "spaced": {ID: "b c"}}.of
	})
	identity, err := a.Authenticate(t.Context(), request(asha, challenge(authenticator.PIN, people[asha].PIN)))
	require.NoError(t, err, "the ID of the client is the API key")

	for _, client := range []string{"unknown", "spaced"} {
		r := request(asha, challenge(authenticator.PIN, people[asha].PIN))
		r.ClientID = client
		_, err = a.Authenticate(t.Context(), r)
		assert.Equal(t, authenticator.Unavailable, reasonOf(t, err), client)
	}
	_, err = a.Claims(t.Context(), &authenticator.ClaimsRequest{ClientID: "spaced", Identity: *identity})
	assert.ErrorContains(t, err, "another client's")
}

type partners map[string]ida.Partner

func (p partners) of(_ context.Context, client string) (ida.Partner, error) {
	if partner, ok := p[client]; ok {
		return partner, nil
	}
	return ida.Partner{}, errors.New("no such client")
}

func TestTheIdentifierIsNormalized(t *testing.T) {
	t.Parallel()
	a, _ := start(t, func(_ *stub, c *ida.Config) {
		c.Normalize = func(id authenticator.Identifier) authenticator.Identifier {
			id.Value = strings.ReplaceAll(id.Value, " ", "")
			return id
		}
	})
	sendCode(t, a, "8267 411 571")
	_, err := a.Authenticate(t.Context(), request("82674 11571", challenge(authenticator.OTP, people[asha].OTP)))
	assert.NoError(t, err)
}

func TestTheSignatureNamesTheKeyIfConfigured(t *testing.T) {
	t.Parallel()
	a, _ := start(t, func(s *stub, c *ida.Config) { s.KeyID, c.KeyID = "the-kid", "the-kid" })
	_, err := a.Authenticate(t.Context(), request(asha, challenge(authenticator.PIN, people[asha].PIN)))
	assert.NoError(t, err)
}

func TestAnswersOfKYCAuthThatCannotBeUsed(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 8<<10)
	for name, tt := range map[string]struct {
		response string
		reason   authenticator.Reason
	}{
		"no status":          {`{"kycToken":"k","authToken":"a"}`, authenticator.WrongCredentials},
		"status false":       {`{"kycToken":"k","authToken":"a","kycStatus":false}`, authenticator.WrongCredentials},
		"no KYC token":       {`{"authToken":"a","kycStatus":true}`, authenticator.Unavailable},
		"no subject":         {`{"kycToken":"k","kycStatus":true}`, authenticator.Unavailable},
		"subject too long":   {`{"kycToken":"k","authToken":"` + long[:257] + `","kycStatus":true}`, authenticator.Unavailable},
		"KYC token too long": {`{"kycToken":"` + long + `","authToken":"a","kycStatus":true}`, authenticator.Unavailable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, s := start(t, answering("kyc-auth", `{"transactionID":"`+idaID+`","response":`+tt.response+`,"errors":null}`))
			_, err := a.Authenticate(t.Context(), request(asha, challenge(authenticator.PIN, "1")))
			assert.Equal(t, tt.reason, reasonOf(t, err))
			assert.Equal(t, 1, s.Count("kyc-auth"))
		})
	}
}

// answering has the stub answer a call with a text.
func answering(call, body string) func(*stub, *ida.Config) {
	return func(s *stub, _ *ida.Config) {
		s.Override = func(c string, w http.ResponseWriter, _ *http.Request) bool {
			if c == call {
				fmt.Fprint(w, body)
			}
			return c == call
		}
	}
}

func TestManyLogInAtOnce(t *testing.T) {
	t.Parallel()
	a, s := start(t)
	var wg sync.WaitGroup
	for i := range 40 {
		wg.Go(func() {
			r := request(asha, challenge(authenticator.PIN, people[asha].PIN))
			r.Transaction = fmt.Sprintf("transaction%d", i)
			identity, err := a.Authenticate(t.Context(), r)
			if assert.NoError(t, err) {
				claims, err := a.Claims(t.Context(), &authenticator.ClaimsRequest{ClientID: clientID, Identity: *identity, Names: []string{"email"}})
				assert.NoError(t, err)
				assert.Len(t, claims.Values, 1)
			}
		})
	}
	wg.Wait()
	assert.Equal(t, 1, s.Count("certificate"), "IDA's certificate is fetched once")
	assert.Equal(t, 1, s.Count("signing"), "so are those of its signatures")
	assert.Equal(t, 40, s.Count("kyc-auth"))
	assert.Equal(t, 40, s.Count("kyc-exchange"))
}
