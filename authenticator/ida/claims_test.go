package ida_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/authenticator/ida"
	"github.com/gosignet/signet/authenticator/ida/idatest"
)

// logIn logs Asha in with her PIN.
func logIn(t testing.TB, a *ida.Authenticator) *authenticator.Identity {
	t.Helper()
	identity, err := a.Authenticate(t.Context(), request(asha, challenge(authenticator.PIN, people[asha].PIN)))
	require.NoError(t, err)
	return identity
}

func claimsRequest(identity *authenticator.Identity, names ...string) *authenticator.ClaimsRequest {
	return &authenticator.ClaimsRequest{Transaction: transaction, ClientID: clientID, Identity: *identity, Names: names}
}

func encryptedClaims(s *stub, c *ida.Config) {
	s.Encrypted, c.Decrypter = true, idatest.DecryptionKey().Key
}

func TestOnlyWhatWasConsentedToIsReleased(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		names, locales []string
		want           map[string]any
	}{
		"nothing":       {nil, nil, map[string]any{}},
		"one":           {[]string{"email"}, nil, map[string]any{"email": "asha@example.org"}},
		"an object":     {[]string{"address"}, nil, map[string]any{"address": people[asha].Claims["address"]}},
		"a photograph":  {[]string{"picture"}, nil, map[string]any{"picture": people[asha].Claims["picture"]}},
		"not there":     {[]string{"zoneinfo", "gender"}, nil, map[string]any{}},
		"in a language": {[]string{"name"}, []string{"fr-CA", "x-none", "!"}, map[string]any{"name": "Asha Rao", "name#fr": "Acha Rao"}},
	}
	for how, configure := range map[string]func(*stub, *ida.Config){"signed": func(*stub, *ida.Config) {}, "encrypted": encryptedClaims} {
		for name, tt := range tests {
			t.Run(how+"/"+name, func(t *testing.T) {
				t.Parallel()
				a, _ := start(t, configure)
				r := claimsRequest(logIn(t, a), tt.names...)
				r.Locales = tt.locales
				claims, err := a.Claims(t.Context(), r)
				require.NoError(t, err)
				got := map[string]any{}
				for name, raw := range claims.Values {
					var v any
					require.NoError(t, json.Unmarshal(raw, &v))
					got[name] = v
				}
				assert.Equal(t, tt.want, got)
			})
		}
	}
}

func TestLocalesAreSentAsIDAKnowsThem(t *testing.T) {
	t.Parallel()
	var sent any
	a, s := start(t)
	s.OnExchange = func(request map[string]any) { sent = request["locales"] }
	r := claimsRequest(logIn(t, a), "name")
	r.Locales = []string{"km", "fr-CA", "fr", "hi-Deva", "ar", "en", "kn", "ta", "xx", ""}
	_, err := a.Claims(t.Context(), r)
	require.NoError(t, err)
	assert.Equal(t, []any{"khm", "fra", "hin", "ara", "eng", "kan", "tam"}, sent)
}

func TestAKYCTokenServesOnce(t *testing.T) {
	t.Parallel()
	a, s := start(t)
	identity := logIn(t, a)
	_, err := a.Claims(t.Context(), claimsRequest(identity, "name"))
	require.NoError(t, err)
	_, err = a.Claims(t.Context(), claimsRequest(identity, "name"))
	assert.Equal(t, authenticator.Unavailable, reasonOf(t, err))
	assert.ErrorContains(t, err, "IDA-KYE-003")
	assert.Equal(t, 2, s.Count("kyc-exchange"))
}

func TestClaimsNeedTheStateOfTheLogin(t *testing.T) {
	t.Parallel()
	a, s := start(t)
	other := claimsRequest(logIn(t, a), "name")
	other.ClientID = "client-2"
	for name, r := range map[string]*authenticator.ClaimsRequest{
		"no state":       claimsRequest(&authenticator.Identity{Subject: "x"}, "name"),
		"something else": claimsRequest(&authenticator.Identity{Subject: "x", State: []byte(`{"a":1}`)}, "name"),
		"another client": other,
	} {
		_, err := a.Claims(t.Context(), r)
		assert.Equal(t, authenticator.Unavailable, reasonOf(t, err), name)
	}
	assert.Zero(t, s.Count("kyc-exchange"))
}

func TestClaimsThatIDADidNotMakeForThePersonAreRefused(t *testing.T) {
	t.Parallel()
	good := map[string]any{"sub": people[asha].Token, "name": "Asha Rao"}
	tests := map[string]struct {
		configure func(*stub, *ida.Config)
		why       string
	}{
		"signed by another": {func(s *stub, _ *ida.Config) { s.Signing = otherKey() }, "none of IDA's certificates"},
		"signed by another, fixed certificates": {func(s *stub, c *ida.Config) {
			c.SigningService, c.SigningCertificates = nil, append(c.SigningCertificates, otherKey().Certificate)
		}, "none of IDA's certificates"},
		"signed with an expired certificate": {func(s *stub, _ *ida.Config) {
			old := idatest.Certify("IDA signing", idatest.SigningKey().Key, nil, began.AddDate(-2, 0, 0), began.Add(-time.Second))
			s.Published = []idatest.Identity{old}
		}, "none of IDA's certificates"},
		"about another person": {func(s *stub, _ *ida.Config) {
			s.Forge = func(claims map[string]any) { claims["sub"] = people[sok].Token }
		}, "another person"},
		"about somebody that is no text": {func(s *stub, _ *ida.Config) {
			s.Forge = func(claims map[string]any) { claims["sub"] = 1 }
		}, "another person"},
		"expired": {func(s *stub, _ *ida.Config) {
			s.Forge = func(claims map[string]any) { claims["exp"] = began.Unix() }
		}, "expired"},
		"not signed": {released(func(*stub) string { return "eyJhbGciOiJub25lIn0.e30." }), "no JWS"},
		"signed with a shared secret": {released(func(s *stub) string {
			signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.HS256, Key: idatest.SigningKey().Certificate.Raw}, nil)
			must(err)
			jws, err := signer.Sign([]byte(`{}`))
			must(err)
			token, err := jws.CompactSerialize()
			must(err)
			return token
		}), "no JWS"},
		"changed": {released(func(s *stub) string {
			header, rest, _ := strings.Cut(s.Sign(good), ".")
			_, signature, _ := strings.Cut(rest, ".")
			return header + ".e30." + signature
		}), "none of IDA's certificates"},
		"no object":                   {released(func(s *stub) string { return s.Sign([]int{1}) }), "no JSON object"},
		"null":                        {released(func(s *stub) string { return s.Sign(nil) }), "no JSON object"},
		"nothing":                     {released(func(*stub) string { return "" }), "without claims"},
		"signed, though to be secret": {func(s *stub, c *ida.Config) { encryptedClaims(s, c); released((*stub).signedOnly)(s, c) }, "no JWE"},
		"encrypted for another": {func(s *stub, c *ida.Config) {
			encryptedClaims(s, c)
			released(func(s *stub) string { return idatest.Encrypt(otherKey(), "x.y.z", jose.NONE) })(s, c)
		}, "cannot be decrypted"},
		"compressed": {func(s *stub, c *ida.Config) {
			encryptedClaims(s, c)
			released(func(s *stub) string {
				return idatest.Encrypt(idatest.DecryptionKey(), strings.Repeat("x", 1000), jose.DEFLATE)
			})(s, c)
		}, "compressed"},
		"secret, though to be signed": {released(func(*stub) string { return idatest.Encrypt(idatest.DecryptionKey(), "x.y.z", jose.NONE) }), "no JWS"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, s := start(t, tt.configure)
			claims, err := a.Claims(t.Context(), claimsRequest(logIn(t, a), "name"))
			assert.Nil(t, claims)
			assert.Equal(t, authenticator.Unavailable, reasonOf(t, err))
			assert.ErrorContains(t, err, tt.why)
			assert.Equal(t, 1, s.Count("kyc-exchange"))
		})
	}
}

// released has the stub release a text.
func released(make func(*stub) string) func(*stub, *ida.Config) {
	return func(s *stub, _ *ida.Config) { s.Released = func() string { return make(s) } }
}

// signedOnly signs without encrypting.
func (s *stub) signedOnly() string {
	encrypted := s.Encrypted
	s.Encrypted = false
	defer func() { s.Encrypted = encrypted }()
	return s.Sign(map[string]any{"sub": people[asha].Token})
}

func TestFixedSigningCertificatesNeedNoAccount(t *testing.T) {
	t.Parallel()
	a, s := start(t, func(_ *stub, c *ida.Config) {
		c.SigningService = nil
		c.SigningCertificates = append(c.SigningCertificates, otherKey().Certificate, idatest.SigningKey().Certificate)
	})
	claims, err := a.Claims(t.Context(), claimsRequest(logIn(t, a), "name"))
	require.NoError(t, err)
	assert.Len(t, claims.Values, 1)
	assert.Zero(t, s.Count("signing")+s.Count("token"))
}

func TestANewSigningCertificateIsFetchedWhenItIsNeeded(t *testing.T) {
	t.Parallel()
	a, s := start(t)
	exchange := func() error {
		_, err := a.Claims(t.Context(), claimsRequest(logIn(t, a), "name"))
		return err
	}
	require.NoError(t, exchange())
	require.Equal(t, 1, s.Count("signing"))

	s.Set(func() { s.Signing, s.Published = otherKey(), []idatest.Identity{idatest.SigningKey(), otherKey()} })
	require.Error(t, exchange(), "it was asked a moment ago")
	require.Equal(t, 1, s.Count("signing"))

	s.clock.advance(time.Minute)
	s.Set(func() { s.AccessToken = "another" }) // the account's token has expired as well
	require.NoError(t, exchange())
	assert.Equal(t, 3, s.Count("signing"), "one with the old token")
	assert.Equal(t, 2, s.Count("token"))

	s.clock.advance(time.Hour)
	require.NoError(t, exchange())
	assert.Equal(t, 4, s.Count("signing"), "after an hour it is asked anyway")
}

func TestSigningCertificatesThatCannotBeFetched(t *testing.T) {
	t.Parallel()
	tests := map[string]func(*stub, *ida.Config){
		"account refused": func(s *stub, c *ida.Config) {
			s.Override = func(call string, w http.ResponseWriter, _ *http.Request) bool { return call == "token" }
		},
		"token that is no cookie": func(s *stub, c *ida.Config) {
			s.Override = func(call string, w http.ResponseWriter, _ *http.Request) bool {
				if call == "token" {
					w.Header().Set("Authorization", "a; b=c")
				}
				return call == "token"
			}
		},
		"an error":        answering("signing", `{"response":null,"errors":[{"errorCode":"KER-KMS-001"}]}`),
		"none":            answering("signing", `{"response":{"allCertificates":[]}}`),
		"no certificates": answering("signing", `{"response":{"allCertificates":[{"certificateData":"x"}]}}`),
		"no JSON":         answering("signing", `<html>`),
	}
	for name, configure := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, _ := start(t, configure)
			_, err := a.Claims(t.Context(), claimsRequest(logIn(t, a), "name"))
			assert.Equal(t, authenticator.Unavailable, reasonOf(t, err))
			assert.ErrorContains(t, err, "IDA's signing certificates")
		})
	}
}
