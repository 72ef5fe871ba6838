package signet_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet"
	"github.com/gosignet/signet/oauth"
)

// redeemable is a code of alice.
func (w *esWorld) redeemable() string {
	w.Helper()
	return w.code(w.authenticated(map[string]any{"name": map[string]any{"essential": true}}), "name")
}

// redeem redeems a code, as its client does.
func (w *esWorld) redeem(code string) {
	w.Helper()
	res, tokens := w.form("/oauth/v2/token", w.tokenForm(code), "")
	require.Equal(w, http.StatusOK, res.StatusCode, tokens)
}

func TestESignetValidatesTokenRequests(t *testing.T) {
	t.Parallel()
	w := newESWorld(t)
	code := w.redeemable()
	for _, c := range []struct{ parameter, value, problem, description string }{
		{"grant_type", "", "unsupported_grant_type", "unsupported_grant_type"},
		{"grant_type", "implicit", "unsupported_grant_type", "unsupported_grant_type"},
		{"code", " ", "invalid_grant", "invalid_grant"},
		{"code", "unknown", "invalid_grant", "invalid_grant"},
		{"client_id", "another", "invalid_request", "invalid_client_id"},
		{"redirect_uri", "", "invalid_request", "invalid_redirect_uri"},
		{"redirect_uri", "/cb", "invalid_request", "invalid_redirect_uri"},
		{"redirect_uri", "https://rp.example/other", "invalid_request", "invalid_redirect_uri"},
		{"client_assertion_type", "urn:x", "invalid_client", "invalid_client"},
		{"client_assertion", "", "invalid_client", "invalid_client"},
		{"client_assertion", "a.b.c", "invalid_client", "invalid_client"},
		{"code_verifier", strings.Repeat("w", 43), "invalid_grant", "invalid_grant"},
		{"code_verifier", "", "invalid_grant", "invalid_grant"},
	} {
		form := w.tokenForm(code)
		for _, path := range []string{"/oauth/token", "/oauth/v2/token"} {
			res, body := w.formWith(path, form, c.parameter, c.value)
			assert.Equal(t, http.StatusBadRequest, res.StatusCode)
			assert.Equal(t, map[string]any{"error": c.problem, "error_description": c.description}, body, "%s %s=%s", path, c.parameter, c.value)
			assert.Equal(t, "no-store", res.Header.Get("Cache-Control"))
			assert.Equal(t, "no-cache", res.Header.Get("Pragma"))
		}
	}
	res, body := w.form("/oauth/token", w.tokenForm(code), "")
	assert.Equal(t, http.StatusBadRequest, res.StatusCode)
	assert.Equal(t, "invalid_grant", body["error"], "the first version drops the verifier, so that a code with a challenge is not redeemed there")
}

// formWith is form with one parameter changed, the assertion's too; empty removes it.
func (w *esWorld) formWith(path string, values url.Values, parameter, value string) (*http.Response, map[string]any) {
	w.Helper()
	values = maps.Clone(values)
	w.sign(path, values)
	if values.Set(parameter, value); value == "" {
		values.Del(parameter)
	}
	return w.postForm(path, values, "")
}

func TestESignetRefusesTheAssertionOfAnotherEndpoint(t *testing.T) {
	t.Parallel()
	w := newESWorld(t)
	form := w.tokenForm(w.redeemable())
	w.sign("/oauth/elsewhere", form)
	_, body := w.postForm("/oauth/v2/token", form, "")
	assert.Equal(t, "invalid_client", body["error"])
	w.sign("/oauth/v2/token", form)
	res, body := w.postForm("/oauth/v2/token", form, "")
	require.Equal(t, http.StatusOK, res.StatusCode, "what was refused did not use up the code: %v", body)
	_, body = w.postForm("/oauth/v2/token", form, "")
	assert.Equal(t, "invalid_client", body["error"], "an assertion is good for once")
}

func TestESignetRefusesWhatIsNoForm(t *testing.T) {
	t.Parallel()
	w := newESWorld(t)
	for _, path := range []string{"/oauth/token", "/oauth/v2/token", "/oauth/par"} {
		for media, status := range map[string]int{"application/json": http.StatusUnsupportedMediaType, "application/x-www-form-urlencoded": http.StatusBadRequest} {
			res, err := w.Client().Post(w.URL+"/v1/esignet"+path, media, strings.NewReader("%zz"))
			require.NoError(t, err)
			res.Body.Close()
			assert.Equal(t, status, res.StatusCode, path)
		}
		res, err := w.Client().Post(w.URL+"/v1/esignet"+path, "application/x-www-form-urlencoded", strings.NewReader("a="+strings.Repeat("b", 1<<20)))
		require.NoError(t, err)
		res.Body.Close()
		assert.Equal(t, http.StatusRequestEntityTooLarge, res.StatusCode, path)
	}
}

// A code is its client's: whoever steals it learns nothing, and its client redeems it as if nothing had happened.
func TestESignetRedeemsCodesForTheirOwnClientOnly(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"/oauth/token", "/oauth/v2/token"} {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			thief, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
			require.NoError(t, err)
			w := newESWorld(t, func(c *signet.Config) {
				portal, err := c.Clients.Client(t.Context(), "portal")
				require.NoError(t, err)
				portal.PKCEOptional = true // as the first version needs it
				other := *portal
				other.ID, other.Keys = "thief", jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: thief.Public(), KeyID: "1"}}}
				c.Clients, err = oauth.NewStaticClients(portal, &other)
				require.NoError(t, err)
			})
			request := broken(broken(w.details(uuid.NewString()), "codeChallenge", undefined), "codeChallengeMethod", undefined)
			tx, _ := w.beginAs(request)
			require.Empty(t, w.sendOTP(tx, alice).Errors)
			require.Empty(t, w.authenticate(tx, alice, "111111").Errors)
			form := w.tokenForm(w.code(tx, "name"))
			form.Del("code_verifier")

			signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: thief, KeyID: "1"}}, nil)
			require.NoError(t, err)
			for clientID, c := range map[string]struct{ problem, description string }{
				"thief":  {"invalid_grant", "invalid_grant"},
				"":       {"invalid_grant", "invalid_grant"},
				"portal": {"invalid_request", "invalid_client_id"},
			} {
				stolen := maps.Clone(form)
				stolen.Set("client_id", clientID)
				stolen.Set("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
				stolen.Set("client_assertion", signES(t, signer, map[string]any{
					"iss": "thief", "sub": "thief", "aud": w.URL + "/v1/esignet" + path, "exp": time.Now().Add(time.Minute).Unix(), "jti": uuid.NewString(),
				}))
				res, body := w.postForm(path, stolen, "")
				assert.Equal(t, http.StatusBadRequest, res.StatusCode)
				assert.Equal(t, map[string]any{"error": c.problem, "error_description": c.description}, body, "as %q", clientID)
			}
			res, tokens := w.form(path, form, "")
			require.Equal(t, http.StatusOK, res.StatusCode, tokens)
			assert.Equal(t, http.StatusOK, w.userinfo("Bearer "+tokens["access_token"].(string), "").StatusCode)
			res, body := w.form(path, form, "")
			assert.Equal(t, http.StatusBadRequest, res.StatusCode)
			assert.Equal(t, "invalid_grant", body["error"], "once")
		})
	}
}
