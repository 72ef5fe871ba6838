package mock_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha3"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// exchange asks for claims of a login that it makes, with version 1 to 3.
func (s *service) exchange(version string, changes object) *answer {
	s.t.Helper()
	var login kycAuth
	s.authenticate("", object{"pin": "111222"}).into(s.t, &login)
	return s.post(version+"/kyc-exchange/rp/client", s.exchangeRequest(login.Token, changes))
}

func (s *service) exchangeRequest(token string, changes object) object {
	return with(object{
		"requestDateTime": s.clock.now().Format("2006-01-02T15:04:05.000"), "transactionId": "tx12345678", "individualId": noor, "kycToken": token,
	}, changes)
}

// payload verifies what an exchange gave, and returns what it says beyond sub, iss and aud.
func payload(t *testing.T, a *answer) object {
	t.Helper()
	var result struct{ KYC string }
	a.into(t, &result)
	return verifyJWS(t, result.KYC)
}

func verifyJWS(t *testing.T, compact string) object {
	t.Helper()
	jws, err := jose.ParseSignedCompact(compact, []jose.SignatureAlgorithm{jose.RS256})
	require.NoError(t, err)
	data, err := jws.Verify(apiKey().Public())
	require.NoError(t, err)
	header, err := base64.RawURLEncoding.DecodeString(strings.Split(compact, ".")[0])
	require.NoError(t, err)
	assert.JSONEq(t, `{"alg":"RS256","kid":"`+jws.Signatures[0].Protected.KeyID+`"}`, string(header))
	var claims object
	require.NoError(t, json.Unmarshal(data, &claims))
	sum := sha3.Sum256([]byte(noor + "rp"))
	assert.Equal(t, base64.RawURLEncoding.EncodeToString(sum[:]), claims["sub"])
	assert.Equal(t, issuer, claims["iss"])
	assert.Equal(t, "client", claims["aud"])
	for _, name := range []string{"sub", "iss", "aud"} {
		delete(claims, name)
	}
	return claims
}

func TestClaimsAreExchanged(t *testing.T) {
	t.Parallel()
	framework := func(members object) object { return object{"trust_framework": members} }
	verified := object{"verification": object{"trust_framework": "ABC TF", "time": "2026-01-31T10:15:00.000"}, "claims": object{"name": "Noor Example"}}
	for name, tt := range map[string]struct {
		request   object
		from      string // the first version that looks at it
		want      object
		wantOlder object
	}{
		"claims in English": {request: object{"acceptedClaims": []string{"name", "birthdate", "email", "phone_number", "gender", "locale", "picture", "nickname"}},
			want: object{"name": "Noor Example", "birthdate": "1987/11/25", "email": "noor@example.org", "phone_number": "+999000100571",
				"gender": "Female", "locale": "eng", "picture": "data:image/png;base64,AAAA"}},
		"claims in another language":    {request: object{"acceptedClaims": []string{"name"}, "claimLocales": []string{"fra"}}, want: object{"name": "Noor Exemple"}},
		"claims in BCP 47":              {request: object{"acceptedClaims": []string{"name"}, "claimLocales": []string{"fr-CA"}}, want: object{"name": "Noor Exemple"}},
		"claims in two languages":       {request: object{"acceptedClaims": []string{"name", "given_name"}, "claimLocales": []string{"fra", "eng"}}, want: object{"name#eng": "Noor Example", "name#fra": "Noor Exemple", "given_name": "Noor"}},
		"claims in no such language":    {request: object{"acceptedClaims": []string{"name"}, "claimLocales": []string{"khm", "xx"}}, want: object{"name": "Noor Example"}},
		"an address":                    {request: object{"acceptedClaims": []string{"address"}, "claimLocales": []string{"fra"}}, want: object{"address": object{"street_address": "1 rue", "locality": "Ville", "region": "Region", "country": "Country", "postal_code": "45009", "zoneinfo": "Africa/Nairobi"}}},
		"nothing":                       {request: object{}, want: object{}},
		"names of no claims":            {request: object{"acceptedClaims": []string{"", "pin", "password", "individualId", "address.locality"}}, want: object{}},
		"details":                       {request: object{"acceptedClaims": []string{"email"}, "acceptedClaimDetail": object{"name": object{"essential": true}, "gender": json.RawMessage("null")}}, from: "/v2", want: object{"email": "noor@example.org", "name": "Noor Example", "gender": "Female"}, wantOlder: object{"email": "noor@example.org"}},
		"verified claims":               {request: object{"acceptedClaims": []string{"name", "email"}, "acceptedClaimDetail": object{"verified_claims": []object{{"verification": framework(nil), "claims": object{"name": nil, "email": nil}}}}}, from: "/v2", want: object{"email": "noor@example.org", "verified_claims": []any{verified}}, wantOlder: object{"name": "Noor Example", "email": "noor@example.org"}},
		"verified claims of a value":    {request: object{"acceptedClaimDetail": object{"verified_claims": object{"verification": framework(object{"trust_framework": object{"value": "ABC TF"}}), "claims": object{"name": nil}}}}, from: "/v2", want: object{"verified_claims": []any{verified}}, wantOlder: object{}},
		"verified claims of values":     {request: object{"acceptedClaimDetail": object{"verified_claims": object{"verification": object{"trust_framework": object{"values": []string{"x", "ABC TF"}}}, "claims": object{"name": nil}}}}, from: "/v2", want: object{"verified_claims": []any{verified}}, wantOlder: object{}},
		"verified claims of no one":     {request: object{"acceptedClaims": []string{"name"}, "acceptedClaimDetail": object{"verified_claims": object{"verification": object{"trust_framework": object{"value": "x"}}, "claims": object{"name": nil}}}}, from: "/v2", want: object{"name": "Noor Example"}, wantOlder: object{"name": "Noor Example"}},
		"verified claims in a language": {request: object{"claimLocales": []string{"eng", "fra"}, "acceptedClaimDetail": object{"verified_claims": object{"verification": framework(nil), "claims": object{"name": nil}}}}, from: "/v2", want: object{"verified_claims": []any{object{"verification": verified["verification"], "claims": object{"name#eng": "Noor Example", "name#fra": "Noor Exemple"}}}}, wantOlder: object{}},
	} {
		for _, version := range []string{"", "/v2", "/v3"} {
			t.Run(name+version, func(t *testing.T) {
				t.Parallel()
				s := withNoor(t)
				require.Empty(t, s.verify(verifiedName("ABC TF")).Errors)
				want := tt.want
				if version < tt.from {
					want = tt.wantOlder
				}
				assert.Equal(t, want, payload(t, s.exchange(version, tt.request)))
			})
		}
	}
}

func TestAnExchangeBelongsToItsLoginAndTime(t *testing.T) {
	t.Parallel()
	s := withNoor(t)
	at := func(d time.Duration, layout string) object {
		return object{"requestDateTime": s.clock.now().Add(d).Format(layout)}
	}
	for name, tt := range map[string]struct {
		changes object
		codes   []string
	}{
		"another token":       {object{"kycToken": "another"}, codes("mock-ida-006")},
		"no token":            {object{"kycToken": nil}, codes("mock-ida-006")},
		"another transaction": {object{"transactionId": "another"}, codes("mock-ida-006")},
		"another person":      {object{"individualId": dara.Value}, codes("mock-ida-006")},
		"before the login":    {at(-time.Second, "2006-01-02T15:04:05"), codes("mock-ida-007")},
		"too late":            {at(181*time.Second, "2006-01-02T15:04:05"), codes("mock-ida-007")},
		"no time":             {object{"requestDateTime": nil}, codes("mock-ida-007")},
		"at the last moment":  {at(180*time.Second+999*time.Millisecond, "2006-01-02T15:04:05.000"), codes()},
		"a time with a zone":  {at(0, "2006-01-02T15:04:05.000Z"), codes()},
		"a short time":        {at(0, "2006-01-02T15:04"), codes()},
		"an array":            {object{"requestDateTime": []int{2026, 1, 31, 10, 15, 1, 5000000}}, codes()},
		"a short array":       {object{"requestDateTime": []int{2026, 1, 31, 10, 15}}, codes()},
		"half an array":       {object{"requestDateTime": []int{2026, 1}}, codes("unknown_error")},
		"no date":             {object{"requestDateTime": "soon"}, codes("unknown_error")},
		"no readable request": {object{"acceptedClaims": 1}, codes("unknown_error")},
		"no readable details": {object{"acceptedClaimDetail": object{"verified_claims": "x"}}, codes("mock-ida-008")},
		"a JWE without key":   {object{"respType": "JWE"}, codes("mock-ida-008")},
	} {
		assert.Equal(t, tt.codes, s.exchange("/v3", tt.changes).codes(), name)
	}
}

func TestATokenGivesClaimsOnce(t *testing.T) {
	t.Parallel()
	s := withNoor(t)
	var login kycAuth
	s.authenticate("", object{"pin": "111222"}).into(t, &login)
	assert.Equal(t, codes("mock-ida-008"), s.post("/v3/kyc-exchange/rp/client", s.exchangeRequest(login.Token, object{"respType": "JWE"})).codes(), "which can be tried again")
	var successes atomic.Int32
	var wg sync.WaitGroup
	for range 10 {
		wg.Go(func() {
			switch a := s.post("/kyc-exchange/rp/client", s.exchangeRequest(login.Token, nil)); {
			case len(a.Errors) == 0:
				successes.Add(1)
			default:
				assert.Equal(t, codes("mock-ida-006"), a.codes())
			}
		})
	}
	wg.Wait()
	assert.EqualValues(t, 1, successes.Load())

	s.authenticate("", object{"pin": "111222"}).into(t, &login)
	late := s.exchangeRequest(login.Token, object{"requestDateTime": s.clock.now().Add(time.Hour).Format("2006-01-02T15:04:05")})
	assert.Equal(t, codes("mock-ida-007"), s.post("/kyc-exchange/rp/client", late).codes())
	assert.Equal(t, codes("mock-ida-006"), s.post("/kyc-exchange/rp/client", s.exchangeRequest(login.Token, nil)).codes(), "it has expired")
}

var partnerPrivateKey = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
})

func partnerKey(t *testing.T, kid string) object {
	t.Helper()
	key, err := json.Marshal(jose.JSONWebKey{Key: partnerPrivateKey().Public(), KeyID: kid})
	require.NoError(t, err)
	return object{"partnerId": "rp", "clientId": "client", "key": string(key), "status": "ACTIVE"}
}

func TestClaimsAreEncryptedToThePartner(t *testing.T) {
	t.Parallel()
	s := withNoor(t)
	var saved string
	s.post("/partner", s.wrap(partnerKey(t, "old"))).into(t, &saved)
	assert.NotEmpty(t, saved)
	require.Empty(t, s.post("/partner", s.wrap(partnerKey(t, "new"))).codes(), "in place of the old one")
	for _, member := range []string{"respType", "responseType"} {
		var result struct{ KYC string }
		s.exchange("/v3", object{"acceptedClaims": []string{"name"}, member: "JWE"}).into(t, &result)
		jwe, err := jose.ParseEncryptedCompact(result.KYC, []jose.KeyAlgorithm{jose.RSA_OAEP_256}, []jose.ContentEncryption{jose.A256GCM})
		require.NoError(t, err)
		assert.Equal(t, "new", jwe.Header.KeyID)
		assert.Equal(t, "JWT", jwe.Header.ExtraHeaders[jose.HeaderContentType])
		jws, err := jwe.Decrypt(partnerPrivateKey())
		require.NoError(t, err)
		assert.Equal(t, object{"name": "Noor Example"}, verifyJWS(t, string(jws)))
	}
	for _, version := range []string{"", "/v2"} {
		assert.Equal(t, object{}, payload(t, s.exchange(version, object{"respType": "JWE"})), "before version 3 it is a JWS")
	}
	assert.Equal(t, object{}, payload(t, s.exchange("/v3", object{"respType": "JWS"})))
}

func TestPartnersAreChecked(t *testing.T) {
	t.Parallel()
	s := serve(t)
	weak, err := rsa.GenerateKey(rand.Reader, 1024)
	require.NoError(t, err)
	weakKey, err := json.Marshal(jose.JSONWebKey{Key: weak.Public()})
	require.NoError(t, err)
	private, err := json.Marshal(jose.JSONWebKey{Key: partnerPrivateKey()})
	require.NoError(t, err)
	for name, tt := range map[string]struct {
		changes object
		codes   []string
	}{
		"a blank partner":  {object{"partnerId": " "}, codes("invalid_partner_id")},
		"a blank client":   {object{"clientId": nil}, codes("invalid_client_id")},
		"a long partner":   {object{"partnerId": strings.Repeat("x", 257)}, codes("invalid_partner_id")},
		"a blank key":      {object{"key": ""}, codes("invalid_request")},
		"nothing":          {object{"partnerId": "", "clientId": "", "key": ""}, codes("invalid_partner_id", "invalid_client_id", "invalid_request")},
		"no JWK":           {object{"key": "x"}, codes("mock-ida-008")},
		"another key type": {object{"key": `{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}`}, codes("mock-ida-008")},
		"a weak key":       {object{"key": string(weakKey)}, codes("mock-ida-008")},
		"a private key":    {object{"key": string(private)}, codes("mock-ida-008")},
		"any status":       {object{"status": "INACTIVE"}, codes()},
	} {
		assert.Equal(t, tt.codes, s.post("/partner", s.wrap(with(partnerKey(t, "x"), tt.changes))).codes(), name)
	}
}

func TestTheSigningCertificateIsPublished(t *testing.T) {
	t.Parallel()
	s := withNoor(t)
	var keys struct {
		All []struct {
			KeyID           string
			CertificateData string
			IssuedAt        time.Time
			ExpiryAt        time.Time
		} `json:"allCertificates"`
	}
	s.call("GET", "/keys.json", "").into(t, &keys)
	require.Len(t, keys.All, 1)
	block, _ := pem.Decode([]byte(keys.All[0].CertificateData))
	certificate, err := x509.ParseCertificate(block.Bytes)
	require.NoError(t, err)
	assert.Equal(t, s.clock.now(), keys.All[0].IssuedAt)
	assert.Equal(t, s.clock.now().AddDate(0, 0, 1095), keys.All[0].ExpiryAt)
	var result struct{ KYC string }
	s.exchange("", nil).into(t, &result)
	jws, err := jose.ParseSignedCompact(result.KYC, []jose.SignatureAlgorithm{jose.RS256})
	require.NoError(t, err)
	assert.Equal(t, keys.All[0].KeyID, jws.Signatures[0].Protected.KeyID)
	_, err = jws.Verify(certificate.PublicKey)
	assert.NoError(t, err)
	assert.Equal(t, http.StatusOK, s.call("GET", "/keys.json", "").Status)
}
