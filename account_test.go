package signet_test

import (
	"encoding/json"
	"io"
	"net/http"
	"testing"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/login"
	"github.com/gosignet/signet/oauth"
	"github.com/gosignet/signet/ui"
)

// ask sends a request with an access token, and returns the status and the body.
func (w *consentWorld) ask(method, path, access string) (int, string) {
	w.Helper()
	r, err := http.NewRequestWithContext(w.Context(), method, w.URL+path, nil)
	require.NoError(w, err)
	if access != "" {
		r.Header.Set("Authorization", "Bearer "+access)
	}
	response, err := w.Client().Do(r)
	require.NoError(w, err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	require.NoError(w, err)
	return response.StatusCode, string(body)
}

func TestPeopleWithdrawOnTheAccountPages(t *testing.T) {
	t.Parallel()
	w := newConsentWorld(t, nil)
	_, done := w.decide(w.request([]string{"email"}), email)
	access, claims := w.tokens(done)
	b := w.browser()
	page, pages := b.walkTo(b.open("/account/"), alice, "/account/")
	require.NotContains(t, pages, "consent", "the pages ask for nothing")
	require.Contains(t, page.body, "PORTAL")

	id := claims["grant_id"].(string)
	page = b.submit(b.open("/account/consents/"+id+"/withdraw"), "/withdraw")
	require.Equal(t, http.StatusOK, page.status)
	require.False(t, w.live(access))
}

// walkTo answers pages by password until the browser is at the path.
func (b *browser) walkTo(s *shown, person, path string) (end *shown, pages []string) {
	b.Helper()
	for range 10 {
		if s.client != "" { // the provider's own, with its full address
			s = b.open(s.client[len(b.URL):] + "?" + s.query.Encode())
		}
		if s.path == path {
			return s, pages
		}
		pages = append(pages, s.page())
		switch s.page() {
		case "choose":
			s = b.submit(s, "/choose", "option", "1")
		case "verify/pwd":
			s = b.submit(s, "/verify/pwd", "identifier", person, "response", password)
		default:
			b.Fatalf("%s is no page of a login: %s", s.page(), s.body)
		}
	}
	b.Fatalf("the login does not end: %v %s", pages, s.body)
	return nil, nil
}

func TestTheAPIOfConsentsIsForClientsThatMay(t *testing.T) {
	t.Parallel()
	w := newConsentWorld(t, func(c *oauth.Client) {
		if c.ID == "portal" {
			c.Scopes = []string{"openid", "email", "consents"}
		}
	})
	_, done := w.decide(w.request([]string{"email", "consents"}), login.Decision{Claims: []string{"email"}})
	refused, _ := w.tokens(done)
	status, _ := w.ask(http.MethodGet, "/consents", refused)
	require.Equal(t, http.StatusForbidden, status, "the person did not allow it")

	_, done = w.decide(w.request([]string{"email", "consents"}, "prompt", "consent"), login.Decision{
		Claims: []string{"email"}, Scopes: []string{"consents"},
	})
	access, claims := w.tokens(done)
	status, body := w.ask(http.MethodGet, "/consents", access)
	require.Equal(t, http.StatusOK, status, body)
	require.Contains(t, body, claims["grant_id"])
	status, _ = w.ask(http.MethodDelete, "/consents/"+claims["grant_id"].(string), access)
	require.Equal(t, http.StatusOK, status)
	status, _ = w.ask(http.MethodGet, "/consents", access)
	require.Equal(t, http.StatusUnauthorized, status, "it ended with the consent")

	_, body = w.ask(http.MethodGet, "/.well-known/openid-configuration", "")
	require.Contains(t, body, `"consents"`)
}

// The keys of receipts outlive those of tokens, and never verify a token.
func TestReceiptsAreVerifiedWithKeysOfTheirOwnDocument(t *testing.T) {
	t.Parallel()
	w := newConsentWorld(t, nil)
	w.decide(w.request([]string{"email"}), email)
	receipt := w.list(w.account())[0].Receipt
	jws, err := jose.ParseSignedCompact(receipt, []jose.SignatureAlgorithm{jose.ES256})
	require.NoError(t, err)
	for _, path := range []string{"/receipt-keys.json", "/jwks.json"} {
		status, body := w.ask(http.MethodGet, path, "")
		require.Equal(t, http.StatusOK, status)
		var keys jose.JSONWebKeySet
		require.NoError(t, json.Unmarshal([]byte(body), &keys))
		_, err := jws.Verify(keys)
		require.NoError(t, err, path)
	}
	status, _ := w.ask(http.MethodPost, "/receipt-keys.json", "")
	require.Equal(t, http.StatusMethodNotAllowed, status)
}

func TestNobodyElseIsTheAccountPages(t *testing.T) {
	t.Parallel()
	w := newConsentWorld(t, nil)
	s := w.browser().open("/authorize?client_id=" + ui.AccountClientID +
		"&response_type=code&scope=openid&redirect_uri=https%3A%2F%2Fportal.example%2Fcallback")
	require.Equal(t, http.StatusBadRequest, s.status)
	require.Empty(t, s.client)
}
