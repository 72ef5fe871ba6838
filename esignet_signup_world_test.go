package signet_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet"
	"github.com/gosignet/signet/authenticator/mock"
	"github.com/gosignet/signet/keystore"
	"github.com/gosignet/signet/oauth"
)

const (
	signUpCallback = "https://signup.example/identity-verification"
	idTokenACR     = "mosip:idp:acr:id-token"
)

// signUpClients are those of a world, and the sign-up portal.
type signUpClients struct {
	oauth.ClientStore
	portal *oauth.Client
}

func (c *signUpClients) Client(ctx context.Context, id string) (*oauth.Client, error) {
	if id == c.portal.ID {
		return c.portal, nil
	}
	return c.ClientStore.Client(ctx, id)
}

// returnWorld is a world with a sign-up portal that comes back by itself, which the test plays.
type returnWorld struct {
	*esWorld
	esPortal
	people *verifiable
	config signet.Config
	clock  *testClock
	key    *keystore.Key // the provider's
}

func newReturnWorld(t *testing.T) *returnWorld {
	t.Helper()
	w := &returnWorld{clock: &testClock{}}
	clients := &signUpClients{}
	w.esWorld = newESWorld(t, assurances, func(c *signet.Config) {
		clients.ClientStore = c.Clients
		w.people = &verifiable{Mock: c.Authenticator.(*mock.Mock)}
		w.verify = func() { w.people.verified = true }
		c.Clients, c.Authenticator, c.Verifier, c.ESignet.SignUpClient = clients, w.people, &w.esPortal, "signup"
		c.Now = w.clock.now
		var err error
		w.key, err = c.Keys.Signer(t.Context(), keystore.TokenSigning, jose.ES256)
		require.NoError(t, err)
		w.config = *c
		clients.portal = &oauth.Client{
			ID: "signup", Names: map[string]string{"": "Sign-up"}, RedirectURIs: []string{signUpCallback},
			AssertionAlgorithm: jose.ES256, Scopes: []string{"openid"}, ACRValues: []string{idTokenACR},
		}
	})
	clients.portal.Keys = jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: w.esWorld.key.Public(), KeyID: "1"}}}
	return w
}

// post is that of a browser with the world's clock.
func (w *returnWorld) post(path string, tx esTransaction, request any) esAnswer {
	w.Helper()
	body, err := json.Marshal(map[string]any{"requestTime": w.clock.now().UTC().Format("2006-01-02T15:04:05.000Z"), "request": request})
	require.NoError(w, err)
	return w.send(http.MethodPost, path, tx, body)
}

// leave takes alice through a login that lacks a verified claim, and to the sign-up portal with the ID Token.
func (w *returnWorld) leave() (tx esTransaction, hint string) {
	w.Helper()
	tx = w.authenticated(map[string]any{"verified_claims": byFramework(civilRegister, map[string]any{"email": map[string]any{"essential": true}})})
	a := w.post("/authorization/prepare-signup-redirect", tx, map[string]any{"transactionId": tx.id, "pathFragment": "urlInfo 1"})
	require.Empty(w, a.Errors)
	var r struct{ TransactionID, IDToken string }
	require.NoError(w, json.Unmarshal(a.Response, &r))
	require.Equal(w, tx.id, r.TransactionID)
	return tx, r.IDToken
}

// portalRequest is what the portal asks for, with the ID Token.
func (w *returnWorld) portalRequest(hint string) map[string]any {
	request := w.details("the portal's own")
	maps.Copy(request, map[string]any{
		"clientId": "signup", "scope": "openid", "redirectUri": signUpCallback, "state": "the portal's own", "idTokenHint": hint,
	})
	delete(request, "acrValues")
	delete(request, "claims")
	return request
}

// answer logs the person in by the ID Token.
func (w *returnWorld) answer(version string, tx esTransaction, id string, challenges ...map[string]any) esAnswer {
	w.Helper()
	return w.post("/authorization/"+version+"authenticate", tx, map[string]any{
		"transactionId": tx.id, "individualId": id, "challengeList": challenges,
	})
}

func idt(token string) map[string]any {
	data, err := json.Marshal(map[string]string{"token": token, "code": "code"})
	if err != nil {
		panic(err)
	}
	return map[string]any{"authFactorType": "IDT", "format": "base64url-encoded-json", "challenge": base64.RawURLEncoding.EncodeToString(data)}
}

// cookie is the one that the browser left with.
func (w *returnWorld) cookie(tx esTransaction) *http.Cookie {
	w.Helper()
	at, err := url.Parse(w.URL)
	require.NoError(w, err)
	cookies := w.browser.Jar.Cookies(at)
	i := slices.IndexFunc(cookies, func(c *http.Cookie) bool { return c.Name == tx.id })
	require.GreaterOrEqual(w, i, 0)
	return cookies[i]
}

func (w *returnWorld) setCookie(name, value string) {
	w.Helper()
	at, err := url.Parse(w.URL)
	require.NoError(w, err)
	w.browser.Jar.SetCookies(at, []*http.Cookie{{Name: name, Value: value, Path: "/", Secure: true}})
}

// claimsOf are those of a JWT.
func claimsOf(t testing.TB, token string) map[string]any {
	t.Helper()
	data, err := base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[1])
	require.NoError(t, err)
	var claims map[string]any
	require.NoError(t, json.Unmarshal(data, &claims))
	return claims
}

// forge is the ID Token with other claims, signed by the provider as it is never.
func (w *returnWorld) forge(token string, change map[string]any) string {
	w.Helper()
	claims := claimsOf(w, token)
	for name, value := range change {
		if claims[name] = value; value == nil {
			delete(claims, name)
		}
	}
	forged, err := w.key.SignJSON(w.Context(), "JWT", claims)
	require.NoError(w, err)
	return forged
}

func (w *returnWorld) subject(tokens map[string]any) string {
	w.Helper()
	sub, _ := claimsOf(w, tokens["id_token"].(string))["sub"].(string)
	require.NotEmpty(w, sub)
	return sub
}

// redeemFor redeems a code as the client.
func (w *returnWorld) redeemFor(client, redirectURI, code string) map[string]any {
	w.Helper()
	form := w.tokenForm(code)
	form.Set("client_id", client)
	form.Set("redirect_uri", redirectURI)
	w.signAs(client, "/oauth/v2/token", form)
	res, tokens := w.postForm("/oauth/v2/token", form, "")
	require.Equal(w, http.StatusOK, res.StatusCode, tokens)
	return tokens
}

func (w *returnWorld) signAs(client, path string, values url.Values) {
	w.Helper()
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: w.esWorld.key, KeyID: "1"}}, nil)
	require.NoError(w, err)
	values.Set("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
	values.Set("client_assertion", signES(w.T, signer, map[string]any{
		"iss": client, "sub": client, "aud": w.URL + "/v1/esignet" + path, "exp": w.clock.now().Add(time.Minute).Unix(), "jti": uuid.NewString(),
	}))
}

// push begins the portal's transaction with a pushed request.
func (w *returnWorld) push(hint string) esAnswer {
	w.Helper()
	form := url.Values{"client_id": {"signup"}, "scope": {"openid"}, "response_type": {"code"}, "redirect_uri": {signUpCallback},
		"nonce": {uuid.NewString()}, "state": {"the portal's own"}, "id_token_hint": {hint},
		"code_challenge": {w.details("")["codeChallenge"].(string)}, "code_challenge_method": {"S256"}}
	w.signAs("signup", "/oauth/par", form)
	res, pushed := w.postForm("/oauth/par", form, "")
	require.Equal(w, http.StatusCreated, res.StatusCode, pushed)
	return w.post("/authorization/par-oauth-details", esTransaction{}, map[string]any{"clientId": "signup", "requestUri": pushed["request_uri"]})
}

func (w *returnWorld) begun(a esAnswer) esTransaction {
	w.Helper()
	require.Empty(w, a.Errors)
	var d struct {
		TransactionID string
		AuthFactors   [][]struct{ Type string }
	}
	require.NoError(w, json.Unmarshal(a.Response, &d))
	require.Len(w, d.AuthFactors, 1)
	require.Equal(w, "IDT", d.AuthFactors[0][0].Type)
	return esTransaction{d.TransactionID, browserHash(w.T, a.Response)}
}

// subjectAt is what a client is told of the person.
func (w *returnWorld) subjectAt(client, person string) string {
	w.Helper()
	registered, err := w.config.Clients.Client(w.Context(), client)
	require.NoError(w, err)
	provider, err := signet.New(w.config)
	require.NoError(w, err)
	return provider.OpenID.Subject(registered, person)
}

// selfSigned has a key in its header, with which it verifies.
func (w *returnWorld) selfSigned(token string) string {
	w.Helper()
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: w.esWorld.key}, (&jose.SignerOptions{EmbedJWK: true}).WithType("JWT"))
	require.NoError(w, err)
	return signES(w.T, signer, claimsOf(w, token))
}
