package signet_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet"
	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/authenticator/mock"
	"github.com/gosignet/signet/esignet"
	"github.com/gosignet/signet/keystore"
	"github.com/gosignet/signet/keystore/keystoretest"
	"github.com/gosignet/signet/login"
	"github.com/gosignet/signet/oauth"
	"github.com/gosignet/signet/openapi"
	"github.com/gosignet/signet/registry"
	"github.com/gosignet/signet/store/memory"
)

const apiIssuer = "https://id.example"

// apiWorld is a provider with everything switched on, which samples of requests are made for.
type apiWorld struct {
	*testing.T
	provider     *signet.Provider
	key          *ecdsa.PrivateKey
	signer       jose.Signer
	phone        *rsa.PrivateKey // of a wallet
	csrf, cookie string
	// administrator manages clients and binds wallets, anybody has a token for neither.
	administrator, anybody http.Header
}

// on is the world in a subtest.
func (w *apiWorld) on(t *testing.T) *apiWorld {
	copied := *w
	copied.T = t
	return &copied
}

func newAPIWorld(t *testing.T) *apiWorld {
	t.Helper()
	w := &apiWorld{T: t}
	var err error
	w.key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	w.signer, err = jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: w.key, KeyID: "1"}}, nil)
	require.NoError(t, err)
	w.phone, err = rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	backend, err := memory.New(memory.Config{})
	require.NoError(t, err)
	t.Cleanup(func() { backend.Close() })
	people, err := mock.New(mock.Config{Password: password, Store: backend, Factors: mock.AllFactors()})
	require.NoError(t, err)
	keys, err := keystore.Generate(jose.ES256)
	require.NoError(t, err)
	clients, err := registry.New(registry.Config{Ledger: backend})
	require.NoError(t, err)
	t.Cleanup(func() { clients.Close() })
	_, err = clients.Create(t.Context(), "test", &oauth.Client{
		ID: "portal", Names: map[string]string{"": "Health Portal"}, RedirectURIs: []string{"https://rp.example/cb"},
		Keys:               jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: w.key.Public(), KeyID: "1"}}},
		AssertionAlgorithm: jose.ES256, Scopes: []string{"openid", "profile", "email", "consents"}, PKCEOptional: true,
	})
	require.NoError(t, err)
	bearer := w.administration()
	secret := make([]byte, 32)
	rand.Read(secret)
	many := login.Limit{Attempts: 60_000, Window: time.Hour}
	w.provider, err = signet.New(signet.Config{
		Issuer: apiIssuer, Clients: clients, Authenticator: people, Keys: keystoretest.WithBindingCA(t, keys, time.Now()), Store: backend, Ledger: backend,
		PairwiseSecret: secret, IdentifierLimit: many, SourceLimit: many, Sessions: login.Sessions{Idle: time.Hour},
		ESignet: &signet.ESignet{Bearer: bearer, Management: &esignet.ManagementConfig{
			Clients: clients, Ledger: backend, Bearer: bearer, Scopes: []string{"openid", "profile"}, Certificates: keys,
		}},
		Wallet: &signet.Wallet{
			Notifier: backend, Accept: []authenticator.FactorSet{{authenticator.Password}}, UnsignedConsent: true,
		},
	})
	require.NoError(t, err)
	res := w.call(httptest.NewRequest(http.MethodGet, apiIssuer+"/v1/esignet/csrf/token", nil))
	var token struct{ Token string }
	require.NoError(t, json.Unmarshal(res.Body.Bytes(), &token))
	w.csrf, w.cookie = token.Token, res.Result().Cookies()[0].String()
	return w
}

// administration issues tokens of another issuer.
func (w *apiWorld) administration() *esignet.Bearer {
	w.Helper()
	const issuer = "https://iam.example"
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(w, err)
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: key, KeyID: "iam"}}, nil)
	require.NoError(w, err)
	token := func(scope string) http.Header {
		return http.Header{"Authorization": {"Bearer " + signES(w.T, signer, object{
			"iss": issuer, "sub": "administrator", "exp": time.Now().Add(time.Hour).Unix(), "scope": scope,
		})}}
	}
	w.administrator = token(strings.Join([]string{
		"add_oidc_client", "update_oidc_client", "get_certificate", "upload_certificate", esignet.ScopeBindingOTP, esignet.ScopeWalletBinding,
	}, " "))
	w.anybody = token("openid")
	bearer, err := esignet.NewBearer(esignet.BearerConfig{
		Issuer: issuer, Keys: []jose.JSONWebKey{{Key: key.Public(), KeyID: "iam", Algorithm: string(jose.ES256), Use: "sig"}},
	})
	require.NoError(w, err)
	return bearer
}

// administrated is a request with a token of an administrator, which needs no proof against forgery.
func (w *apiWorld) administrated(request object) *sample {
	s := w.envelope(request)
	s.header = w.administrator.Clone()
	return s
}

func (w *apiWorld) call(r *http.Request) *httptest.ResponseRecorder {
	res := httptest.NewRecorder()
	w.provider.ServeHTTP(res, r)
	return res
}

// served are the described paths that the provider has.
func (w *apiWorld) served() map[string]bool {
	w.Helper()
	document, err := openapi.For(apiIssuer, w.provider.Patterns())
	require.NoError(w, err)
	var d struct{ Paths map[string]any }
	require.NoError(w, json.Unmarshal(document, &d))
	served := make(map[string]bool)
	for path := range d.Paths {
		served[path] = true
	}
	return served
}

// form are parameters with the client's assertion.
func (w *apiWorld) form(pairs ...string) url.Values {
	w.Helper()
	form := url.Values{"client_id": {"portal"}, "client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"}}
	form.Set("client_assertion", signES(w.T, w.signer, map[string]any{
		"iss": "portal", "sub": "portal", "aud": apiIssuer, "exp": time.Now().Add(time.Minute).Unix(), "jti": uuid.NewString(),
	}))
	for i := 0; i+1 < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
	}
	return form
}

const apiVerifier = "vvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvv"

func authorizationPairs() []string {
	return []string{"client_id", "portal", "redirect_uri", "https://rp.example/cb", "response_type", "code", "scope", "openid profile consents",
		"nonce", uuid.NewString(), "state", "st", "code_challenge", hashOf([]byte(apiVerifier)), "code_challenge_method", "S256"}
}

func values(pairs []string) url.Values {
	v := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		v.Set(pairs[i], pairs[i+1])
	}
	return v
}

// envelope is a request of eSignet's API with its proof against forgery.
func (w *apiWorld) envelope(request object) *sample {
	return &sample{
		header: http.Header{"X-Xsrf-Token": {w.csrf}, "Cookie": {w.cookie}},
		path:   map[string]string{},
		json:   object{"requestTime": time.Now().UTC().Format("2006-01-02T15:04:05.000Z"), "request": request},
	}
}

func (w *apiWorld) post(path string, s *sample) json.RawMessage {
	w.Helper()
	res := w.call(s.request(operation{method: http.MethodPost, path: "/v1/esignet" + path}))
	var a esAnswer
	require.NoError(w, json.Unmarshal(res.Body.Bytes(), &a))
	require.Empty(w, a.Errors, path)
	return a.Response
}

func (w *apiWorld) tokenForm(pkce bool) url.Values {
	form := w.form("grant_type", "authorization_code", "code", w.code(pkce), "redirect_uri", "https://rp.example/cb")
	if pkce {
		form.Set("code_verifier", apiVerifier)
	}
	return form
}

func (w *apiWorld) token() string {
	w.Helper()
	s := &sample{form: w.tokenForm(true)}
	res := w.call(s.request(operation{method: http.MethodPost, path: "/token"}))
	require.Equal(w, http.StatusOK, res.Code, res.Body)
	var t struct {
		Token string `json:"access_token"`
	}
	require.NoError(w, json.Unmarshal(res.Body.Bytes(), &t))
	return t.Token
}

func (w *apiWorld) authorized() *sample {
	w.Helper()
	return &sample{header: http.Header{"Authorization": {"Bearer " + w.token()}}, path: map[string]string{}, query: url.Values{}}
}

// withConsent names the person's consent.
func (w *apiWorld) withConsent() *sample {
	w.Helper()
	s := w.authorized()
	res := w.call(s.request(operation{method: http.MethodGet, path: "/consents"}))
	var body struct {
		Consents []struct {
			ID string `json:"consent_id"`
		}
	}
	require.NoError(w, json.Unmarshal(res.Body.Bytes(), &body))
	require.NotEmpty(w, body.Consents)
	s.path["consent_id"] = body.Consents[0].ID
	return s
}

// registration is a request to manage a client.
func (w *apiWorld) registration(create bool) *sample {
	w.Helper()
	r := object{
		"clientName": "Clinic", "userClaims": []any{"name"}, "authContextRefs": []any{"mosip:idp:acr:generated-code"},
		"logoUri": "https://clinic.example/logo.png", "redirectUris": []any{"https://clinic.example/cb"},
		"grantTypes": []any{"authorization_code"}, "clientAuthMethods": []any{"private_key_jwt"},
	}
	id := uuid.NewString()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(w, err)
	public, err := json.Marshal(jose.JSONWebKey{Key: key.Public(), KeyID: "1"})
	require.NoError(w, err)
	create1 := object{"clientId": id, "publicKey": json.RawMessage(public), "relyingPartyId": "health"}
	for name, value := range r {
		create1[name] = value
	}
	s := w.administrated(create1)
	if create {
		return s
	}
	w.post("/client-mgmt/client", s)
	r["status"] = "ACTIVE"
	s = w.administrated(r)
	s.path["client_id"] = id
	return s
}

// sample is a valid request to an operation, with what has to be there for it.
func (w *apiWorld) sample(o operation) *sample {
	w.Helper()
	switch o.id {
	case "authorize":
		return &sample{query: values(authorizationPairs())}
	case "authorizePost":
		return &sample{form: values(authorizationPairs())}
	case "pushRequest", "esignetPAR":
		return &sample{form: w.form(authorizationPairs()...)}
	case "token", "esignetTokenV2":
		return &sample{header: http.Header{}, form: w.tokenForm(true)}
	case "esignetTokenV1":
		return &sample{form: w.tokenForm(false)}
	case "introspect", "revoke":
		return &sample{form: w.form("token", w.token())}
	case "userinfo", "userinfoPost", "esignetUserinfo", "listConsents":
		return w.authorized()
	case "getConsent", "withdrawConsent", "getReceipt":
		return w.withConsent()
	case "signInButton":
		return &sample{path: map[string]string{"file": "sign-in-button-plugin.js"}}
	case "logout", "logoutPost", "loginPage", "accountPage":
		return &sample{basic: true}
	case "oauthDetailsV1", "oauthDetailsV2", "oauthDetailsV3":
		return w.envelope(w.details(int(o.id[len(o.id)-1]-'0'), true))
	case "parOauthDetails":
		s := &sample{form: w.form(authorizationPairs()...)}
		res := w.call(s.request(operation{method: http.MethodPost, path: "/par"}))
		var pushed struct {
			URI string `json:"request_uri"`
		}
		require.NoError(w, json.Unmarshal(res.Body.Bytes(), &pushed))
		return w.envelope(object{"clientId": "portal", "requestUri": pushed.URI})
	case "sendOTP":
		tx := w.begun(true)
		return w.inside(tx, otpRequest(tx))
	case "authenticateV1", "authenticateV2", "authenticateV3":
		tx := w.coded(true)
		return w.inside(tx, answerRequest(tx))
	case "authCode":
		tx := w.proved(true)
		return w.inside(tx, object{"transactionId": tx.id, "acceptedClaims": []any{}, "permittedAuthorizeScopes": []any{}})
	case "claimDetails":
		tx := w.proved(true)
		s := w.inside(tx, nil)
		s.json = nil
		return s
	case "prepareSignup": // there is no sign-up portal: it is refused
		tx := w.proved(true)
		s := w.inside(tx, object{"transactionId": tx.id, "pathFragment": "verify"})
		s.refused = true
		return s
	case "completeSignup": // and nobody comes back from it
		tx := w.proved(true)
		s := w.inside(tx, object{"transactionId": tx.id})
		s.basic = true
		return s
	case "createClientV1", "createClientV2", "createClientV3", "updateClientV1", "updateClientV2", "updateClientV3", "patchClient":
		return w.registration(strings.HasPrefix(o.id, "create"))
	case "getCertificate":
		// The keys have no certificates.
		return &sample{header: w.administrator.Clone(), query: url.Values{"applicationId": {"OIDC_SERVICE"}}, refused: true}
	case "uploadCertificate":
		s := w.administrated(object{"applicationId": "OIDC_SERVICE", "certificateData": "none"})
		s.refused = true
		return s
	}
	if strings.Contains(o.path, "/linked-authorization/") || strings.Contains(o.path, "/binding/") {
		return w.walletSample(o)
	}
	return &sample{}
}
