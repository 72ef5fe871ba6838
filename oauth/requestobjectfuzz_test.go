package oauth_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/oauth"
)

// FuzzRequestObjectParameter puts any JSON value into an honest request object, as any of the parameters. What the
// extension gets is what encoding/json reads there, or the request is refused; nothing is overlooked.
func FuzzRequestObjectParameter(f *testing.F) {
	parameters := []string{"nonce", "claims", "max_age", "prompt"}
	p := newProvider(f, quiet, func(c *oauth.Config) { c.Extension = &extension{parameters: parameters} })
	signs(p)
	for i, value := range []string{
		`300`, `-0`, `1e400`, `0.10`, `"text"`, `""`, `null`, `true`, `{}`, `{"a": [1, {"b":null}]}`, `[]`, `["login"]`, `"\ud800"`,
		`"\ufffd"`, `"\ud83c\uddf0"`, `"\u0000"`, ` 1 `, "\"\xff\"", `1, "scope":"openid"`, `1}`, `{"a":1,"a":2}`, `"\/"`, `"<>&"`,
	} {
		f.Add(byte(i), value)
	}
	f.Fuzz(func(t *testing.T, index byte, value string) {
		name := parameters[int(index)%len(parameters)]
		claims, err := json.Marshal(p.portal.requestClaims(nil))
		require.NoError(t, err)
		text := strings.TrimSuffix(string(claims), "}") + `,"` + name + `":` + value + "}"
		p.login.begun, p.login.shown = nil, nil
		rec := serve(p.AuthorizationHandler(p.login), authorizationRequest(p.portal.byValue(signText(t, p.portal, text))))
		if p.login.begun == nil {
			requireRefusal(t, p, rec.Code, rec.Header().Get("Location"))
			return
		}
		var read map[string]json.RawMessage
		require.NoError(t, json.Unmarshal([]byte(text), &read), "what is not JSON is refused")
		var want string
		raw := strings.TrimSpace(string(read[name]))
		switch raw[0] {
		case '"':
			require.NoError(t, json.Unmarshal([]byte(raw), &want))
		case 'n':
		case '{', '[':
			require.Equal(t, "claims", name, "no other parameter is JSON")
			want = raw
		default:
			want = raw
		}
		require.Equal(t, want, p.login.begun.Parameters[name])
	})
}

// FuzzRequestObject sends anything as a request object. Only an object that the client signed leads to a login.
func FuzzRequestObject(f *testing.F) {
	p := signs(newProvider(f, quiet))
	good := p.portal.requestObject(f, nil)
	part := strings.Split(good, ".")
	for _, seed := range []string{
		good, "", ".", "..", "....", part[0] + "." + part[1] + ".", "eyJhbGciOiJub25lIn0." + part[1] + ".", "e30.e30.e30",
		part[0] + ".bnVsbA." + part[2], part[0] + "." + part[1] + "\n." + part[2], strings.Repeat("A", 20<<10),
		sign(f, jose.ES256, p.clinic.key, typeRequestObject, p.portal.requestClaims(nil)),
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, object string) {
		p.login.begun, p.login.shown = nil, nil
		rec := serve(p.AuthorizationHandler(p.login), authorizationRequest(p.portal.byValue(object)))
		if p.login.begun != nil {
			// ES256 signatures cannot be guessed, but (r, -s) is one too: the claims decide.
			require.Equal(t, part[:2], strings.Split(object, ".")[:2])
			return
		}
		require.NotNil(t, p.login.shown, "there is no redirect URI to believe")
		requireRefusal(t, p, rec.Code, rec.Header().Get("Location"))
	})
}

// FuzzResponseForm posts back what any client sends as its state: the form has the parameters of the response, and the
// page no more than that.
func FuzzResponseForm(f *testing.F) {
	for _, state := range []string{"s", `"><script>alert(1)</script>`, "&quot;", "'", "\x00", "\r\n", "\xff", "</form>", "ខ្មែរ"} {
		f.Add(state)
	}
	p := newProvider(f, quiet)
	query := with(p.portal.request(), "response_mode", "form_post")
	f.Fuzz(func(t *testing.T, state string) {
		rec := p.authorize(with(query, "state", state))
		action, parameters := responseForm(t, rec)
		require.Equal(t, "https://portal.example/cb", action)
		require.Equal(t, []string{issuer}, parameters["iss"])
		require.Len(t, scripts.FindAllString(rec.Body.String(), -1), 1)
		require.Equal(t, 1, strings.Count(rec.Body.String(), "<script"))
		require.Equal(t, strings.Count(rec.Body.String(), "<input"), len(parameters))
		if parameters.Has("code") {
			require.Equal(t, state, parameters.Get("state"))
			return
		}
		require.NotContains(t, parameters, "state", "what cannot come back as it was is left out")
	})
}

func authorizationRequest(form url.Values) *http.Request {
	r, err := http.NewRequest(http.MethodPost, "/authorize", strings.NewReader(form.Encode()))
	if err != nil {
		panic(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return r
}

// requireRefusal expects an error, at the client or on a page, and no more.
func requireRefusal(tb testing.TB, p *provider, status int, location string) {
	tb.Helper()
	if p.login.shown != nil {
		require.Empty(tb, location)
		require.Equal(tb, http.StatusBadRequest, status)
		requireDescription(tb, p.login.shown.Description)
		return
	}
	require.True(tb, strings.HasPrefix(location, "https://portal.example/cb?error="), location)
}
