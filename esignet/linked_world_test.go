package esignet_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/authenticator/wla"
	"github.com/gosignet/signet/consent"
	"github.com/gosignet/signet/esignet"
	"github.com/gosignet/signet/keystore"
	"github.com/gosignet/signet/login"
	"github.com/gosignet/signet/oauth"
	"github.com/gosignet/signet/oidc"
	"github.com/gosignet/signet/store/memory"
	"github.com/gosignet/signet/wallet"
)

const (
	clinicCallback = "https://clinic.example.org/callback"
	grace          = "2740198356"
)

var walletSecret = []byte(strings.Repeat("s", 32))

// rsaKeys are made once: they take long.
var rsaKeys = sync.OnceValues(func() ([2]*rsa.PrivateKey, error) {
	first, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return [2]*rsa.PrivateKey{}, err
	}
	second, err := rsa.GenerateKey(rand.Reader, 2048)
	return [2]*rsa.PrivateKey{first, second}, err
})

// walletAPI is a provider with wallets, over a store that it may share with others.
type walletAPI struct {
	testing.TB
	flow   *login.Flow
	linker *wallet.Linker
	binder *wallet.Binder
	store  *memory.Store
	api    *esignet.API
	key    *rsa.PrivateKey
	// certificate is that of the wallet, once it is bound.
	certificate *x509.Certificate
}

// options change a walletAPI.
type options struct {
	linker  wallet.LinkerConfig
	wallet  esignet.WalletConfig
	login   login.Config
	backend *memory.Store
}

func newWalletAPI(t testing.TB, change ...func(*options)) *walletAPI {
	t.Helper()
	o := &options{wallet: esignet.WalletConfig{OpenBinding: true, Wait: 20 * time.Second}}
	for _, f := range change {
		f(o)
	}
	if o.backend == nil {
		var err error
		o.backend, err = memory.New(memory.Config{})
		require.NoError(t, err)
	}
	m := o.backend
	keys, err := keystore.Generate(jose.ES256)
	require.NoError(t, err)
	pair, err := rsaKeys()
	require.NoError(t, err)
	w := &walletAPI{TB: t, key: pair[0], store: m}
	registry, err := wallet.NewRegistry(wallet.RegistryConfig{Ledger: m, Secret: walletSecret})
	require.NoError(t, err)
	proofs, err := wla.New(wla.Config{Bindings: registry, Identities: persons{}, Store: m})
	require.NoError(t, err)
	acrs := authenticator.ACRs{
		{Value: "wallet", Alternatives: []authenticator.FactorSet{{authenticator.Wallet}}},
		{Value: "code", Alternatives: []authenticator.FactorSet{{authenticator.OTP}}},
	}
	openID, err := oidc.New(oidc.Config{
		Issuer: "https://id.example.org", UserinfoEndpoint: "https://id.example.org/userinfo",
		JWKSURI: "https://id.example.org/jwks", Keys: keys, Clients: surgery{}, Claims: persons{},
		PairwiseSecret: walletSecret, ACRValues: acrs.Values(),
	})
	require.NoError(t, err)
	server, err := oauth.New(oauth.Config{
		Issuer:    "https://id.example.org",
		Endpoints: oauth.Endpoints{Authorization: "https://id.example.org/authorize", Token: "https://id.example.org/token"},
		Clients:   surgery{}, Keys: keys, Store: m, Extension: openID,
	})
	require.NoError(t, err)
	o.login.Authorizer, o.login.OpenID, o.login.Clients, o.login.Authenticator = server, openID, surgery{}, persons{}
	o.login.Methods, o.login.ACRs, o.login.Store, o.login.Secret = []authenticator.Method{proofs}, acrs, m, walletSecret
	w.flow, err = login.New(o.login)
	require.NoError(t, err)
	o.linker.Flow, o.linker.Bindings, o.linker.Store = w.flow, registry, m
	if o.linker.Notifier == nil {
		o.linker.Notifier = m
	}
	w.linker, err = wallet.NewLinker(o.linker)
	require.NoError(t, err)
	w.binder, err = wallet.NewBinder(wallet.BinderConfig{
		Registry: registry, Store: m, Verifier: persons{}, Accept: []authenticator.FactorSet{{authenticator.OTP}},
		Attempts: w.flow, Keys: walletAuthority(t),
	})
	require.NoError(t, err)
	o.wallet.Linker, o.wallet.Binder = w.linker, w.binder
	w.api, err = esignet.New(esignet.Config{Wallet: &o.wallet, Store: m})
	require.NoError(t, err)
	return w
}

func walletAuthority(t testing.TB) keystore.Keystore {
	t.Helper()
	keys, err := keystore.Generate(jose.ES256)
	require.NoError(t, err)
	key, err := keys.Signer(t.Context(), keystore.TokenSigning, jose.ES256)
	require.NoError(t, err)
	der, err := key.CreateCertificate(t.Context(), &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Wallets"}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().AddDate(1, 0, 0),
	}, key.Public().Key)
	require.NoError(t, err)
	certificate, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	key, err = key.WithCertificates([]*x509.Certificate{certificate}, time.Now())
	require.NoError(t, err)
	authority, err := keystore.NewMemory(key)
	require.NoError(t, err)
	return authority
}

// reply is an answer of the API.
type reply struct {
	Response map[string]any `json:"response"`
	Errors   []struct {
		Code    string `json:"errorCode"`
		Message string `json:"errorMessage"`
	} `json:"errors"`
}

// code is that of the only error, or empty.
func (r *reply) code() string {
	if len(r.Errors) != 1 {
		return ""
	}
	return r.Errors[0].Code
}

func envelopeOf(t testing.TB, request any) []byte {
	body, err := json.Marshal(map[string]any{
		"requestTime": time.Now().UTC().Format("2006-01-02T15:04:05.000Z"), "request": request,
	})
	require.NoError(t, err)
	return body
}

func (w *walletAPI) call(path string, request any) *reply {
	w.Helper()
	r := httptest.NewRequestWithContext(w.Context(), http.MethodPost, esignet.DefaultPrefix+path, bytes.NewReader(envelopeOf(w, request)))
	r.Header.Set("Content-Type", "application/json")
	withCSRFToken(r)
	recorder := httptest.NewRecorder()
	w.api.ServeHTTP(recorder, r)
	assert.Equal(w, http.StatusOK, recorder.Code, path)
	answer := new(reply)
	require.NoError(w, json.Unmarshal(recorder.Body.Bytes(), answer), recorder.Body.String())
	return answer
}

// succeeds returns the response of a call that is no error.
func (w *walletAPI) succeeds(path string, request any) map[string]any {
	w.Helper()
	answer := w.call(path, request)
	require.Empty(w, answer.Errors, path)
	require.NotNil(w, answer.Response, path)
	return answer.Response
}

// begin begins a login in a browser.
func (w *walletAPI) begin() string {
	w.Helper()
	handle, _, err := w.flow.Begin(w.Context(), &oauth.AuthorizationRequest{
		ClientID: "surgery", RedirectURI: clinicCallback, Scope: []string{"openid", "profile", "appointments"}, State: "af0ifjsldkj",
	}, "")
	require.NoError(w, err)
	return handle
}

func (w *walletAPI) linkCode(transaction string) string {
	w.Helper()
	return w.succeeds("/linked-authorization/link-code", members{"transactionId": transaction})["linkCode"].(string)
}

// linked is a login that a wallet took over.
func (w *walletAPI) linked() (transaction, code, linked string) {
	w.Helper()
	transaction = w.begin()
	code = w.linkCode(transaction)
	response := w.succeeds("/linked-authorization/v2/link-transaction", members{"linkCode": code})
	return transaction, code, response["linkTransactionId"].(string)
}

type members = map[string]any

func challenges(list ...members) []members { return list }

func otp(code string) members {
	return members{"authFactorType": "OTP", "challenge": code, "format": "alpha-numeric"}
}

func (w *walletAPI) binding() members {
	return members{
		"individualId": grace, "challengeList": challenges(otp("111111")), "authFactorType": "WLA", "format": "jwt",
		"publicKey": jose.JSONWebKey{Key: w.key.Public(), KeyID: "phone"},
	}
}

func (w *walletAPI) bind() {
	w.Helper()
	response := w.succeeds("/binding/wallet-binding", w.binding())
	block, _ := pem.Decode([]byte(response["certificate"].(string)))
	require.NotNil(w, block)
	var err error
	w.certificate, err = x509.ParseCertificate(block.Bytes)
	require.NoError(w, err)
}

func (w *walletAPI) sign(payload []byte) string {
	w.Helper()
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.RS256, Key: w.key}, &jose.SignerOptions{
		ExtraHeaders: map[jose.HeaderKey]any{"x5t#S256": consent.Thumbprint(w.certificate.Raw)},
	})
	require.NoError(w, err)
	jws, err := signer.Sign(payload)
	require.NoError(w, err)
	compact, err := jws.CompactSerialize()
	require.NoError(w, err)
	return compact
}

func (w *walletAPI) proof() members {
	w.Helper()
	claims, err := json.Marshal(members{
		"iss": "wallet", "sub": grace, "aud": "esignet-binding", "iat": time.Now().Unix(),
		"exp": time.Now().Add(time.Minute).Unix(), "jti": rand.Text(),
	})
	require.NoError(w, err)
	return members{"authFactorType": "WLA", "challenge": w.sign(claims), "format": "jwt"}
}

// signature is that of a decision, without the payload.
func (w *walletAPI) signature(claims, scopes []string) string {
	parts := strings.Split(w.sign(consent.WalletPayload(consent.Decision{Claims: claims, Scopes: scopes})), ".")
	return parts[0] + "." + parts[2]
}

// persons is an identity system in which everybody's code is 111111.
type persons struct{}

func (persons) Factors() []authenticator.Factor { return []authenticator.Factor{authenticator.OTP} }

func (persons) Authenticate(_ context.Context, r *authenticator.Request) (*authenticator.Identity, error) {
	if r.Challenges[0].Response != "111111" {
		return nil, &authenticator.Error{Reason: authenticator.WrongCredentials}
	}
	return &authenticator.Identity{Subject: "person " + r.Identifier.Value}, nil
}

func (persons) SendCode(context.Context, *authenticator.CodeRequest) (*authenticator.CodeReceipt, error) {
	return &authenticator.CodeReceipt{Destinations: []string{"g***@example.org", "** 12"}}, nil
}

func (persons) Claims(context.Context, *authenticator.ClaimsRequest) (*authenticator.Claims, error) {
	return &authenticator.Claims{}, nil
}

func (persons) Recall(_ context.Context, earlier *authenticator.Identity) (*authenticator.Identity, error) {
	return &authenticator.Identity{Subject: earlier.Subject}, nil
}

// surgery is the only client.
type surgery struct{}

func (surgery) Client(_ context.Context, id string) (*oauth.Client, error) {
	if id != "surgery" {
		return nil, oauth.ErrUnknownClient
	}
	return &oauth.Client{
		ID: "surgery", Names: map[string]string{"": "Surgery", "fr": "Chirurgie"}, RedirectURIs: []string{clinicCallback},
		Scopes: []string{"openid", "profile", "appointments"}, LogoURIs: map[string]string{"": "https://clinic.example.org/logo.png"},
	}, nil
}

// withCSRFToken makes a request one of a page that could read a token.
func withCSRFToken(r *http.Request) {
	const secret = "0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d"
	r.AddCookie(&http.Cookie{Name: "XSRF-TOKEN", Value: secret})
	r.Header.Set("X-XSRF-TOKEN", esignet.Mask(secret))
}
