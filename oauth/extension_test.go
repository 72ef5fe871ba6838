package oauth_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/oauth"
)

// extension is a scripted Extension.
type extension struct {
	parameters []string
	checkErr   error
	extend     func(*oauth.Exchange) error
}

func (e *extension) Parameters() []string { return e.parameters }

func (e *extension) CheckRequest(context.Context, *oauth.Client, *oauth.AuthorizationRequest) error {
	return e.checkErr
}

func (e *extension) Extend(_ context.Context, x *oauth.Exchange) error {
	if e.extend == nil {
		return nil
	}
	return e.extend(x)
}

func TestExtensionAddsToTheTokenResponse(t *testing.T) {
	t.Parallel()
	var seen oauth.Exchange
	p := newProvider(t, func(c *oauth.Config) {
		c.Extension = &extension{extend: func(x *oauth.Exchange) error {
			seen = *x
			x.Response = map[string]string{"id_token": `with "quotes"`}
			x.Data = json.RawMessage(`{"claims":["name"]}`)
			return nil
		}}
	})
	rec := post(p.TokenHandler(), p.portal.redemption(t, p.code(t, p.portal)))
	require.Equal(t, http.StatusOK, rec.Code)
	body := decode[map[string]any](t, rec)
	require.Equal(t, `with "quotes"`, body["id_token"])

	require.Equal(t, "portal", seen.Client.ID)
	require.Equal(t, body["access_token"], seen.AccessToken)
	require.JSONEq(t, string(p.login.grant.Data), string(seen.Grant.Data))

	token, err := p.AccessToken(t.Context(), seen.AccessToken)
	require.NoError(t, err)
	require.JSONEq(t, `{"claims":["name"]}`, string(token.Data))
	require.Empty(t, token.Grant.Data, "what the code carried is gone")
	require.Equal(t, seen.IssuedAt, token.IssuedAt)
}

func TestErrorOfTheExtensionEndsTheExchangeWithoutAToken(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		err    error
		status int
		code   oauth.ErrorCode
	}{
		"for the client": {&oauth.Error{Code: oauth.InvalidGrant, Description: "the consent was withdrawn"}, 400, oauth.InvalidGrant},
		"of a backend":   {errors.New("zebra: connection refused"), 503, oauth.ServerError},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var token string
			p := newProvider(t, func(config *oauth.Config) {
				config.Extension = &extension{extend: func(x *oauth.Exchange) error {
					token = x.AccessToken
					return c.err
				}}
			})
			code := p.code(t, p.portal)
			rec := post(p.TokenHandler(), p.portal.redemption(t, code))
			requireRefused(t, rec, c.status, c.code)
			require.NotContains(t, rec.Body.String(), zebra)
			require.Empty(t, p.store.keysOf("token:"))
			require.False(t, p.live(t, token))

			c.err = nil
			p.redeem(t, p.portal, code)
		})
	}
}
