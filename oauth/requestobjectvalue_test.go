package oauth_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/oauth"
)

// parametersOf lets an ordinary client send request objects to a provider with the parameters of OpenID Connect.
func parametersOf(tb testing.TB) *provider {
	tb.Helper()
	return signs(newProvider(tb, func(c *oauth.Config) {
		c.Extension = &extension{parameters: []string{"nonce", "claims", "max_age", "prompt"}}
	}))
}

func TestRequestObjectByValueIsTheRequest(t *testing.T) {
	t.Parallel()
	p := parametersOf(t)
	for _, typ := range []string{"", "JWT", "jwt", typeRequestObject} {
		object := sign(t, jose.ES256, p.portal.key, typ, p.portal.requestClaims(map[string]any{"nbf": nil, "exp": nil, "state": "inside"}))
		query := p.portal.byValue(object)
		query.Set("state", "outside")
		query.Set("redirect_uri", "https://zebra.example/cb")
		parameters := response(t, p.authorize(query))
		require.NotEmpty(t, parameters.Get("code"), typ)
		require.Equal(t, "inside", parameters.Get("state"))
		parameters = response(t, post(p.AuthorizationHandler(p.login), query))
		require.NotEmpty(t, parameters.Get("code"), "by POST")
	}
}

// A client that is not registered for request objects has none: the request outside says where the answer goes.
func TestRequestObjectOfAClientThatIsNotRegisteredForThem(t *testing.T) {
	t.Parallel()
	p := newProvider(t)
	query := with(p.portal.request(), "request", p.portal.requestObject(t, nil))
	requireAuthorizationError(t, p.authorize(query), oauth.RequestNotSupported)
}

// As long as the object is not known to be right, the redirect URI is nobody's, inside and outside.
func TestErrorInTheRequestObjectIsShown(t *testing.T) {
	t.Parallel()
	p := parametersOf(t)
	p.clinic.client.RequestObjectAlgorithm = jose.ES256
	now := p.clock.Now()
	honest := p.portal.requestObject(t, nil)
	for name, c := range map[string]struct {
		query url.Values
		code  oauth.ErrorCode
	}{
		"expired":                  {p.portal.byValue(p.portal.requestObject(t, map[string]any{"exp": now.Add(-time.Minute).Unix()})), oauth.InvalidRequestObject},
		"not valid yet":            {p.portal.byValue(p.portal.requestObject(t, map[string]any{"nbf": now.Add(time.Minute).Unix()})), oauth.InvalidRequestObject},
		"for somebody else":        {p.portal.byValue(p.portal.requestObject(t, map[string]any{"aud": "https://zebra.example"})), oauth.InvalidRequestObject},
		"of another client":        {p.portal.byValue(p.clinic.requestObject(t, nil)), oauth.InvalidRequestObject},
		"in another's name":        {p.clinic.byValue(honest), oauth.InvalidRequestObject},
		"not signed":               {p.portal.byValue("e30.e30."), oauth.InvalidRequestObject},
		"too long":                 {p.portal.byValue(strings.Repeat("A", 20<<10)), oauth.InvalidRequestObject},
		"an assertion":             {p.portal.byValue(p.portal.assertion(t, nil)), oauth.InvalidRequestObject},
		"a DPoP proof, by its typ": {p.portal.byValue(sign(t, jose.ES256, p.portal.key, "dpop+jwt", p.portal.requestClaims(nil))), oauth.InvalidRequestObject},
		"usable as an assertion":   {p.portal.byValue(sign(t, jose.ES256, p.portal.key, "", p.portal.requestClaims(map[string]any{"sub": "portal"}))), oauth.InvalidRequestObject},
		"twice":                    {with(p.portal.byValue(""), "request", honest, honest), oauth.InvalidRequest},
		"with a request_uri":       {with(p.portal.byValue(honest), "request_uri", "https://zebra.example"), oauth.InvalidRequest},
		"without a client":         {url.Values{"request": {honest}}, oauth.InvalidRequest},
		"no redirect URI":          {p.portal.byValue(p.portal.requestObject(t, map[string]any{"redirect_uri": nil})), oauth.InvalidRequest},
		"foreign redirect URI":     {p.portal.byValue(p.portal.requestObject(t, map[string]any{"redirect_uri": "https://zebra.example"})), oauth.InvalidRequest},
		"redirect URI that lists":  {p.portal.byValue(p.portal.requestObject(t, map[string]any{"redirect_uri": []string{"https://portal.example/cb"}})), oauth.InvalidRequestObject},
	} {
		t.Run(name, func(t *testing.T) {
			rec := p.authorize(with(with(c.query, "redirect_uri", "https://portal.example/cb"), "state", "outside"))
			require.Equal(t, http.StatusBadRequest, rec.Code)
			require.Empty(t, rec.Header().Get("Location"))
			require.Equal(t, c.code, p.login.shown.Code)
			requireDescription(t, p.login.shown.Description)
			require.NotContains(t, p.login.shown.Description, zebra)
		})
	}
}

func TestErrorInAParameterOfTheRequestObjectGoesToTheClient(t *testing.T) {
	t.Parallel()
	p := parametersOf(t)
	for name, c := range map[string]struct {
		changes map[string]any
		code    oauth.ErrorCode
	}{
		"scope that lists":              {map[string]any{"scope": []string{"openid"}}, oauth.InvalidRequestObject},
		"prompt that lists":             {map[string]any{"prompt": []string{"login"}}, oauth.InvalidRequestObject},
		"nonce with half a surrogate":   {map[string]any{"nonce": json.RawMessage(`"\ud800"`)}, oauth.InvalidRequestObject},
		"response_type that is boolean": {map[string]any{"response_type": true}, oauth.UnsupportedResponseType},
		"unregistered scope":            {map[string]any{"scope": zebra}, oauth.InvalidScope},
		"registration":                  {map[string]any{"registration": map[string]any{}}, oauth.RegistrationNotSupported},
		"fragment":                      {map[string]any{"response_mode": "fragment"}, oauth.InvalidRequest},
		"no challenge":                  {map[string]any{"code_challenge": nil}, oauth.InvalidRequest},
	} {
		t.Run(name, func(t *testing.T) {
			parameters := response(t, p.authorize(p.portal.byValue(p.portal.requestObject(t, c.changes))))
			require.Equal(t, string(c.code), parameters.Get("error"), parameters)
			require.Equal(t, "state-of-portal", parameters.Get("state"))
			require.NotContains(t, parameters, "code")
		})
	}
}

func TestStateOfTheRequestObjectThatIsNoTextIsLeftOut(t *testing.T) {
	t.Parallel()
	p := parametersOf(t)
	parameters := response(t, p.authorize(p.portal.byValue(p.portal.requestObject(t, map[string]any{"state": []string{"a"}}))))
	require.Equal(t, "invalid_request_object", parameters.Get("error"))
	require.NotContains(t, parameters, "state")
}

// A pushing client's object is no way around pushing.
func TestRequestObjectByValueDoesNotReplacePushing(t *testing.T) {
	t.Parallel()
	p := newMessageSigning(t)
	parameters := response(t, p.authorize(p.portal.byValue(p.portal.requestObject(t, nil))))
	require.Equal(t, "invalid_request", parameters.Get("error"))
	require.Equal(t, "state-of-portal", parameters.Get("state"))
}

// Numbers and objects reach whoever reads the parameter as they were sent: they are not ignored, and not changed.
func TestTypedClaimsOfTheRequestObjectAreRead(t *testing.T) {
	t.Parallel()
	p := parametersOf(t)
	for name, c := range map[string]struct {
		parameter string
		sent      string
		want      string
	}{
		"max_age as a number":      {"max_age", `300`, "300"},
		"max_age as zero":          {"max_age", `0`, "0"},
		"max_age as text":          {"max_age", `"300"`, "300"},
		"max_age beyond a double":  {"max_age", `90071992547409931`, "90071992547409931"},
		"max_age with an exponent": {"max_age", `3e2`, "3e2"},
		"claims as an object":      {"claims", `{"userinfo": {"name": {"essential":true}}, "n": 1.50}`, `{"userinfo": {"name": {"essential":true}}, "n": 1.50}`},
		"claims as text":           {"claims", `"{\"userinfo\":{}}"`, `{"userinfo":{}}`},
		"claims as a list":         {"claims", `[]`, "[]"},
		"nonce with escapes":       {"nonce", `"\u00e9\n\ud83c\uddf0\"\/"`, "é\n🇰\"/"},
		"nonce as a number":        {"nonce", `1.0`, "1.0"},
		"nonce as a truth value":   {"nonce", `false`, "false"},
		"null":                     {"nonce", `null`, ""},
		"empty text":               {"nonce", `""`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			object := sign(t, jose.ES256, p.portal.key, typeRequestObject, p.portal.requestClaims(nil))
			object = signText(t, p.portal, withMember(t, object, c.parameter, c.sent))
			response(t, p.authorize(p.portal.byValue(object)))
			require.Equal(t, c.want, p.login.begun.Parameters[c.parameter])
		})
	}
}

// What readers of JSON understand differently is refused as a whole.
func TestRequestObjectWithAMemberTwiceIsRefused(t *testing.T) {
	t.Parallel()
	p := parametersOf(t)
	object := signText(t, p.portal, withMember(t, p.portal.requestObject(t, nil), "scope", `"records"`))
	rec := p.authorize(p.portal.byValue(object))
	require.Equal(t, http.StatusBadRequest, rec.Code)
	require.Equal(t, oauth.InvalidRequestObject, p.login.shown.Code)
}

// withMember returns the claims of the object as text with one more, which is there as it is written.
func withMember(tb testing.TB, object, name, value string) string {
	tb.Helper()
	jws, err := jose.ParseSignedCompact(object, []jose.SignatureAlgorithm{jose.ES256})
	require.NoError(tb, err)
	claims := string(jws.UnsafePayloadWithoutVerification())
	key, err := json.Marshal(name)
	require.NoError(tb, err)
	return strings.TrimSuffix(claims, "}") + "," + string(key) + ":" + value + "}"
}

// signText signs the claims as they are written.
func signText(tb testing.TB, c *party, claims string) string {
	tb.Helper()
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: c.key}, (&jose.SignerOptions{}).WithType(typeRequestObject))
	require.NoError(tb, err)
	jws, err := signer.Sign([]byte(claims))
	require.NoError(tb, err)
	object, err := jws.CompactSerialize()
	require.NoError(tb, err)
	return object
}
