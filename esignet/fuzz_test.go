package esignet_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/esignet"
	"github.com/gosignet/signet/registry"
	"github.com/gosignet/signet/store/memory"
)

// wellFormed checks that a call was answered as all are, and tells nothing from inside.
func wellFormed(t *testing.T, recorder *httptest.ResponseRecorder) {
	t.Helper()
	require.Equal(t, http.StatusOK, recorder.Code)
	var answer struct {
		ResponseTime string
		Response     json.RawMessage
		Errors       []esignet.Error
	}
	require.NoError(t, json.Unmarshal(recorder.Body.Bytes(), &answer))
	require.NotNil(t, answer.Errors)
	require.Equal(t, len(answer.Errors) > 0, string(answer.Response) == "null")
	for _, e := range answer.Errors {
		require.NotEmpty(t, e.Code)
		require.True(t, e.Code != "unknown_error" || e.Message == "unknown_error", e.Message)
	}
}

// FuzzWallets sends requests to all calls of wallets and of the pages that wait for them. In the requests T, L and C in braces are
// a transaction, the link transaction and its code.
func FuzzWallets(f *testing.F) {
	calls := []string{
		"/linked-authorization/link-code", "/linked-authorization/link-status", "/linked-authorization/link-auth-code",
		"/linked-authorization/send-otp", "/linked-authorization/link-transaction", "/linked-authorization/v2/link-transaction",
		"/linked-authorization/authenticate", "/linked-authorization/v2/authenticate", "/linked-authorization/consent",
		"/linked-authorization/v2/consent", "/binding/binding-otp", "/binding/v2/binding-otp", "/binding/wallet-binding",
	}
	for i, request := range []string{
		`{"transactionId":"{T}"}`,
		`{"transactionId":"{T}","linkCode":"{C}"}`,
		`{"transactionId":"{T}","linkedCode":"{C}"}`,
		`{"transactionId":"{L}","individualId":"2740198356","otpChannels":["email","phone"]}`,
		`{"linkCode":"{C}"}`,
		`{"linkCode":7}`,
		`{"linkedTransactionId":"{L}","individualId":"2740198356","challengeList":[{"authFactorType":"OTP","challenge":"111111","format":"alpha-numeric"}]}`,
		`{"linkedTransactionId":"{L}","individualId":"2740198356","challengeList":[{"authFactorType":"WLA","challenge":"` +
			strings.Repeat("e30.e30.", 70) + `","format":"jwt"}]}`,
		`{"linkedTransactionId":"{L}","acceptedClaims":["name"],"permittedAuthorizeScopes":null}`,
		`{"linkedTransactionId":"{L}","acceptedClaims":[],"permittedAuthorizeScopes":[true],"signature":"e30.e30"}`,
		`{"individualId":" ","otpChannels":[]}`,
		`{"individualId":"2740198356","otpChannels":["email"],"captchaToken":null}`,
		`{"individualId":"2740198356","challengeList":[{"authFactorType":"OTP","challenge":111111,"format":"alpha-numeric"}],
			"authFactorType":"WLA","format":"jwt","publicKey":{"kty":"RSA","n":"AQAB","e":"AQAB"}}`,
	} {
		f.Add(uint8(i), request)
	}
	w := newWalletAPI(f, func(o *options) { o.wallet.Wait = time.Millisecond })
	f.Fuzz(func(t *testing.T, call uint8, request string) {
		w := *w
		w.TB = t
		transaction, code, linked := w.linked()
		request = strings.NewReplacer("{T}", transaction, "{L}", linked, "{C}", code).Replace(request)
		body := `{"requestTime":"` + time.Now().UTC().Format("2006-01-02T15:04:05.000Z") + `","request":` + request + `}`
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, esignet.DefaultPrefix+calls[int(call)%len(calls)], strings.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		withCSRFToken(r)
		recorder := httptest.NewRecorder()
		w.api.ServeHTTP(recorder, r)
		wellFormed(t, recorder)
	})
}

func FuzzChallenge(f *testing.F) {
	encoded := func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }
	types := []string{"KBI", "BIO", "IDT", "PWD"}
	f.Add(uint8(0), encoded(`{"fullName":[{"language":"eng","value":" Amina "},{"value":"x"}],"dob":"1990-01-01"}`))
	f.Add(uint8(0), encoded(`{"fullName":[{"value":1}],"dob":[],"x":null}`))
	f.Add(uint8(0), encoded(`[]`))
	f.Add(uint8(1), "e30=")
	f.Add(uint8(1), "+/+/")
	f.Add(uint8(2), encoded(`{"token":"a.b.c"}`))
	f.Add(uint8(2), encoded(`{"token":""}`))
	f.Add(uint8(3), "a\x00b")
	f.Fuzz(func(t *testing.T, kind uint8, challenge string) {
		factor := types[int(kind)%len(types)]
		response, ok := esignet.DecodeChallenge(factor, challenge)
		if !ok {
			return
		}
		switch factor {
		case "KBI":
			flat := esignet.Flatten(nil, response)
			require.Equal(t, flat, esignet.Flatten(nil, flat), "what is flat stays as it is")
			require.Equal(t, json.Valid([]byte(response)), json.Valid([]byte(flat)))
		case "BIO":
			_, err := base64.RawURLEncoding.DecodeString(response)
			require.NoError(t, err)
		case "IDT":
			require.NotEmpty(t, response)
		default:
			require.Equal(t, challenge, response)
		}
	})
}

func FuzzClaims(f *testing.F) {
	for _, parameter := range []string{
		`{"userinfo":{"name":{"essential":true,"purpose":"to greet"},"email":null},"id_token":null}`,
		`{"userinfo":{"verified_claims":{"verification":{"trust_framework":{"value":"eidas"},"time":null,"evidence":[{"type":{"value":"document"}}]},
			"claims":{"name":{"essential":true}}}}}`,
		`{"userinfo":{"verified_claims":[{"verification":{"trust_framework":null},"claims":{"name":{"essential":true}}}]}}`,
		`{"userinfo":[],"id_token":1}`,
		`{"userinfo":{"verified_claims":{"verification":null,"claims":null}}}`,
		`{"userinfo":{"verified_claims":[{"verification":{"trust_framework":null},"claims":null}]}}`,
	} {
		f.Add([]byte(parameter))
	}
	f.Fuzz(func(t *testing.T, parameter []byte) {
		valid := esignet.ClaimsObeySchema(parameter)
		essential := esignet.EssentialVerified(string(parameter))
		var indented bytes.Buffer
		if json.Indent(&indented, parameter, "", " ") == nil {
			require.Equal(t, valid, esignet.ClaimsObeySchema(indented.Bytes()), "space means nothing")
			require.ElementsMatch(t, essential, esignet.EssentialVerified(indented.String()))
			if valid {
				code := esignet.ClaimsCode(string(parameter))
				require.Contains(t, []string{"", "invalid_verified_claims"}, code)
				require.Equal(t, code, esignet.ClaimsCode(indented.String()))
			}
		}
	})
}

// FuzzClient registers what forms have: it is refused, or a client that may be used.
func FuzzClient(f *testing.F) {
	o := newOffice(f)
	for _, change := range []members{
		{}, {"publicKey": members{"kty": "oct", "k": "AA"}}, {"redirectUris": []any{nil, "https://*.example/**"}}, {"clientName": ""},
		{"clientNameLangMap": members{"fra": "Clinique", "@none": "x"}}, {"authContextRefs": []any{nil, "a b"}}, {"clientId": 7},
		{"additionalConfig": members{"purpose": nil, "userinfo_response_type": "JWE"}}, {"unknown": nil},
	} {
		request := form(f)
		maps.Copy(request, change)
		fields, err := json.Marshal(request)
		require.NoError(f, err)
		f.Add(uint8(0), fields)
		f.Add(uint8(2), fields)
	}
	f.Fuzz(func(t *testing.T, path uint8, fields []byte) {
		if !json.Valid(fields) {
			return
		}
		o := &office{TB: t, api: o.api, clients: o.clients, now: o.now}
		a := o.call("POST", paths[int(path)%len(paths)], json.RawMessage(fields))
		require.Equal(t, http.StatusOK, a.status)
		if a.Response != nil {
			require.NoError(t, o.client(a.Response.ClientID).Validate())
		}
	})
}

// FuzzClientDetail takes rows of another database over, whose columns may hold anything.
func FuzzClientDetail(f *testing.F) {
	key, err := json.Marshal(clinicJWK())
	require.NoError(f, err)
	f.Add(`{"@none":"Clinic","fra":"Clinique"}`, `["https://clinic.example/cb"]`, `["name"]`, string(key), `{"consent_expire_in_mins":60}`)
	f.Add(`Clinic`, `[null]`, ``, `{}`, `null`)
	f.Add(`{"@none":1}`, `{}`, `"name"`, `[]`, `[]`)
	f.Fuzz(func(t *testing.T, name, redirectURIs, claims, key, config string) {
		m, err := memory.New(memory.Config{})
		require.NoError(t, err)
		defer m.Close()
		clients, err := registry.New(registry.Config{Ledger: m})
		require.NoError(t, err)
		defer clients.Close()
		c := &esignet.ManagementConfig{Clients: clients, Ledger: m, ACRs: []string{"acr-1"}, Claims: []string{"name"}, Scopes: []string{"openid"}}
		client, err := c.ImportClient(t.Context(), &esignet.ClientDetail{
			ID: "clinic", Name: name, RelyingPartyID: "health", LogoURI: "https://clinic.example/logo.png", RedirectURIs: redirectURIs,
			Claims: claims, ACRValues: `["acr-1"]`, PublicKey: key, GrantTypes: `["authorization_code"]`, AuthMethods: `["private_key_jwt"]`,
			Status: "ACTIVE", AdditionalConfig: config,
		})
		if err == nil {
			require.NoError(t, client.Validate())
		}
	})
}

// FuzzBearer signs claims as the issuer does: whoever gets in has an issuer, a time and the scope.
func FuzzBearer(f *testing.F) {
	i := newIAM(f)
	bearer, err := esignet.NewBearer(esignet.BearerConfig{Issuer: realm, JWKSURI: i.uri, AllowPrivate: true})
	require.NoError(f, err)
	guarded := bearer.Guard("wallet_binding", http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	for _, claims := range []string{
		`{"iss":"` + realm + `","exp":4102444800,"scope":"openid wallet_binding"}`,
		`{"iss":"` + realm + `","exp":4102444800,"scp":["wallet_binding"]}`,
		`{"iss":"` + realm + `","exp":4102444800,"scp":{"wallet_binding":true},"scope":null}`,
		`{"iss":"` + realm + `","exp":"4102444800","scope":"wallet_binding"}`,
		`{"scope":"wallet_binding"}`,
	} {
		f.Add([]byte(claims), "")
	}
	f.Add([]byte("{}"), "Bearer a.b.c")
	f.Fuzz(func(t *testing.T, claims []byte, header string) {
		r := httptest.NewRequest(http.MethodPost, "/", nil)
		if header == "" {
			token, err := i.key.Sign(t.Context(), "JWT", claims)
			require.NoError(t, err)
			header = "Bearer " + token
		}
		r.Header.Set("Authorization", header)
		recorder := httptest.NewRecorder()
		guarded.ServeHTTP(recorder, r)
		if recorder.Code == http.StatusOK {
			var c members
			require.NoError(t, json.Unmarshal(claims, &c))
			require.Equal(t, realm, c["iss"])
			require.NotNil(t, c["exp"])
			return
		}
		require.Contains(t, []int{http.StatusUnauthorized, http.StatusForbidden}, recorder.Code)
		require.NotEmpty(t, recorder.Header().Get("WWW-Authenticate"))
	})
}
