package e2e_test

import (
	"bytes"
	"crypto/rand"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/zitadel/oidc/v3/pkg/client/rp"
	httphelper "github.com/zitadel/oidc/v3/pkg/http"
	"github.com/zitadel/oidc/v3/pkg/oidc"
	"golang.org/x/net/html"
	"golang.org/x/oauth2"

	"github.com/gosignet/signet/authenticator/mock"
	"github.com/gosignet/signet/oauth"
)

// TestForeignRelyingPartyLogsIn has a relying party that is none of ours, handlers and all, log somebody in who uses
// nothing but HTML forms.
func TestForeignRelyingPartyLogsIn(t *testing.T) {
	t.Parallel()
	server, home := listen(t, "127.0.0.1:0")
	key := newKey(t)
	w := newWorld(t, &oauth.Client{
		ID:                 "foreign",
		Names:              map[string]string{"": "Foreign"},
		RedirectURIs:       []string{home + "/callback"},
		Keys:               jose.JSONWebKeySet{Keys: []jose.JSONWebKey{key.Public()}},
		AssertionAlgorithm: jose.ES256,
		Scopes:             []string{"openid", "email"},
		UserinfoJSON:       true,
	})
	secret := make([]byte, 32)
	rand.Read(secret)
	party, err := rp.NewRelyingPartyOIDC(t.Context(), w.issuer, "foreign", "", home+"/callback", []string{"openid", "email"},
		rp.WithPKCE(httphelper.NewCookieHandler(secret, secret, httphelper.WithUnsecure())),
		rp.WithJWTProfile(func() (jose.Signer, error) {
			return jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: key}, nil)
		}),
		rp.WithAuthStyle(oauth2.AuthStyleInParams),
		rp.WithSigningAlgsFromDiscovery(),
	)
	require.NoError(t, err)
	mux := http.NewServeMux()
	mux.Handle("/login", rp.AuthURLHandler(rand.Text, party))
	mux.Handle("/callback", rp.CodeExchangeHandler(rp.UserinfoCallback(
		func(w http.ResponseWriter, _ *http.Request, tokens *oidc.Tokens[*oidc.IDTokenClaims], _ string, _ rp.RelyingParty, info *oidc.UserInfo) {
			assert.NotEmpty(t, tokens.IDTokenClaims.AccessTokenHash)
			assert.Equal(t, "code", tokens.IDTokenClaims.AuthenticationContextClassReference)
			assert.Equal(t, info.Subject, tokens.IDTokenClaims.Subject)
			io.WriteString(w, "hello "+info.Email)
		}), party))
	server.Config.Handler = mux
	server.Start()
	t.Cleanup(server.Close)

	v := newVisitor(t)
	v.open(home + "/login")
	v.submit("login_with_otp", nil)
	v.submit("get_otp", url.Values{"identifier": {w.person.NationalID}})
	v.submit("verify_otp", url.Values{"response": {mock.OTP}})
	v.submit("continue", url.Values{"claim": {"email"}})
	assert.Equal(t, "hello "+w.person.Claims["email"].(string), v.body)
}

// visitor reads pages and sends their forms, as a browser would that knows no scripts and no styles.
type visitor struct {
	t    *testing.T
	http *http.Client
	at   *url.URL
	page *html.Node
	body string
}

func newVisitor(t *testing.T) *visitor {
	t.Helper()
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	return &visitor{t: t, http: &http.Client{Jar: jar}}
}

func (v *visitor) open(address string) {
	v.t.Helper()
	v.read(v.http.Get(address))
}

func (v *visitor) read(res *http.Response, err error) {
	v.t.Helper()
	require.NoError(v.t, err)
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	require.NoError(v.t, err)
	require.Equal(v.t, http.StatusOK, res.StatusCode, "%s: %s", res.Request.URL, body)
	v.at, v.body = res.Request.URL, string(body)
	v.page, err = html.Parse(bytes.NewReader(body))
	require.NoError(v.t, err)
}

// submit sends the form of a button, with what is written into its fields.
func (v *visitor) submit(buttonID string, written url.Values) {
	v.t.Helper()
	button := find(v.page, func(n *html.Node) bool { return attribute(n, "id") == buttonID })
	require.NotNil(v.t, button, "no button %s at %s:\n%s", buttonID, v.at, v.body)
	form := button
	for form != nil && form.Data != "form" {
		form = form.Parent
	}
	require.NotNil(v.t, form, "button %s is in no form", buttonID)
	values := url.Values{}
	for n := range form.Descendants() {
		if n.Data == "input" && (attribute(n, "type") != "checkbox" || hasAttribute(n, "checked")) {
			values.Add(attribute(n, "name"), attribute(n, "value"))
		}
	}
	if name := attribute(button, "name"); name != "" {
		values.Set(name, attribute(button, "value"))
	}
	for name, value := range written {
		values[name] = value
	}
	action, err := v.at.Parse(attribute(form, "action"))
	require.NoError(v.t, err)
	require.Equal(v.t, "post", attribute(form, "method"))
	v.read(v.http.PostForm(action.String(), values))
}

// textOf is what an element of the page says.
func (v *visitor) textOf(id string) string {
	v.t.Helper()
	element := find(v.page, func(n *html.Node) bool { return attribute(n, "id") == id })
	require.NotNil(v.t, element, "no %s at %s:\n%s", id, v.at, v.body)
	var text strings.Builder
	for n := range element.Descendants() {
		if n.Type == html.TextNode {
			text.WriteString(n.Data)
		}
	}
	return text.String()
}

func find(root *html.Node, match func(*html.Node) bool) *html.Node {
	for n := range root.Descendants() {
		if match(n) {
			return n
		}
	}
	return nil
}

func hasAttribute(n *html.Node, name string) bool {
	return slices.ContainsFunc(n.Attr, func(a html.Attribute) bool { return a.Key == name })
}

func attribute(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}
