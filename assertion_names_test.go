package signet_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// eSignet tells a client that there is not from an assertion that is not the client's.
func TestESignetSaysWhetherTheClientOrItsAssertionIsWrong(t *testing.T) {
	t.Parallel()
	w := newESWorld(t)
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: w.key, KeyID: "1"}}, nil)
	require.NoError(t, err)
	code := w.redeemable()
	for name, c := range map[string]struct{ client, issuer, subject, problem, description string }{
		"nobody":             {"nobody", "nobody", "nobody", "invalid_request", "invalid_client_id"},
		"nobody, unnamed":    {"", "nobody", "nobody", "invalid_client", "invalid_client"},
		"another":            {"nobody", "portal", "portal", "invalid_request", "invalid_client_id"},
		"another's sub":      {"portal", "portal", "nobody", "invalid_client", "invalid_client"},
		"another's iss":      {"portal", "nobody", "portal", "invalid_client", "invalid_client"},
		"another's iss, sub": {"portal", "nobody", "nobody", "invalid_client", "invalid_client"},
	} {
		for _, path := range []string{"/oauth/token", "/oauth/v2/token"} {
			form := w.tokenForm(code)
			form.Set("client_id", c.client)
			form.Set("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
			form.Set("client_assertion", signES(t, signer, map[string]any{
				"iss": c.issuer, "sub": c.subject, "aud": w.URL + "/v1/esignet" + path, "exp": time.Now().Add(time.Minute).Unix(), "jti": uuid.NewString(),
			}))
			res, body := w.postForm(path, form, "")
			assert.Equal(t, http.StatusBadRequest, res.StatusCode)
			assert.Equal(t, map[string]any{"error": c.problem, "error_description": c.description}, body, "%s at %s", name, path)
		}
	}
}

func TestESignetSaysWhatIsWrongWithThePKCEOfAPushedRequest(t *testing.T) {
	t.Parallel()
	w := newESWorld(t)
	for challenge, description := range map[string]string{"": "use_pkce", "too short": "invalid_pkce_challenge"} {
		form := w.pushForm()
		if form.Set("code_challenge", challenge); challenge == "" {
			form.Del("code_challenge")
			form.Del("code_challenge_method")
		}
		res, body := w.form("/oauth/par", form, "")
		assert.Equal(t, http.StatusBadRequest, res.StatusCode)
		assert.Equal(t, map[string]any{"error": "invalid_request", "error_description": description}, body)
	}
}
