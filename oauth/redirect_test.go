package oauth_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/oauth"
)

func TestRedirectURIPatternsMatchWithinOneOrigin(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		pattern, uri string
		accepted     bool
	}{
		{"https://rp.example/cb", "https://rp.example/cb", true},
		{"https://rp.example/cb", "https://rp.example/cb/", false},
		{"https://rp.example/cb?x=1", "https://rp.example/cb?x=1", true},
		{"https://rp.example/cb?x=1", "https://rp.example/cbQx=1", false}, // no wildcard of ours
		{"https://rp.example/*", "https://rp.example/x?a=b", true},
		{"https://rp.example/*", "https://rp.example/x", true},
		{"https://rp.example/*", "https://rp.example/", true},
		{"https://rp.example/*", "https://rp.example/a/b", false},
		{"https://rp.example/*", "https://rp.example", false},
		{"https://rp.example/a*c/d", "https://rp.example/abbbc/d", true},
		{"https://rp.example/a*c/d", "https://rp.example/ac/d", true},
		{"https://rp.example/a*c/d", "https://rp.example/ab/c/d", false},
		{"https://rp.example/**", "https://rp.example/a/b", true},
		{"https://rp.example/**", "https://rp.example/a/b/", true},
		{"https://rp.example/**", "https://rp.example", true},
		{"https://rp.example/**/end", "https://rp.example/a/b/end", true},
		{"https://rp.example/**/end", "https://rp.example/end", true},
		{"https://rp.example/**/end", "https://rp.example/a/b/other", false},
		{"residentapp://oauth/*", "residentapp://oauth/done", true},
		{"residentapp://oauth", "residentapp://oauth", true},
		{"residentapp://oauth", "otherapp://oauth", false},
		// Another origin, however it is spelled.
		{"https://rp.example/**", "https://rp.example.evil.example/a", false},
		{"https://rp.example/**", "https://rp.example@evil.example/a", false},
		{"https://rp.example/**", "https://rp.example:8443/a", false},
		{"https://rp.example/**", "http://rp.example/a", false},
		{"https://rp.example/**", "https://evil.example/https://rp.example/a", false},
		{"https://rp.example/**", `https://rp.example\@evil.example/a`, false},
		{"https://rp.example/**", "https://RP.example/a", false},
		// Another path than it looks.
		{"https://rp.example/app/**", "https://rp.example/app/../admin", false},
		{"https://rp.example/app/**", "https://rp.example/app/%2e%2E/admin", false},
		{"https://rp.example/app/*", "https://rp.example/app/..", false},
		{"https://rp.example/**", "https://rp.example//evil.example/a", false},
		{"https://rp.example/*", "https://rp.example/x#fragment", false},
		{"https://rp.example/*", "https://rp.example/x?code=1", false},
	} {
		t.Run(c.pattern+" "+c.uri, func(t *testing.T) {
			t.Parallel()
			require.NoError(t, oauth.CheckRedirectURIPattern(c.pattern))
			client := &oauth.Client{RedirectURIPatterns: []string{c.pattern}}
			require.Equal(t, c.accepted, client.AcceptsRedirectURI(c.uri))
		})
	}
}

func TestPatternThatCouldLeaveItsOriginIsRefused(t *testing.T) {
	t.Parallel()
	for _, pattern := range []string{
		"", "*", "**", "https://*", "https://*.rp.example/cb", "https://rp.example*", "*://rp.example/cb", "https:///cb",
		"http://rp.example/*", "javascript://rp.example/*", "data://x/*", "file://x/*", "intent://x/*", "com.example.app:/cb",
		"https://user@rp.example/*", "https://rp.example/*#x", "https://rp.example//*", "https://rp.example/../*",
		"https://rp.example/cb?code=*",
	} {
		require.Error(t, oauth.CheckRedirectURIPattern(pattern), pattern)
	}
}

func TestClientWithPatternIsSentToWhatItMatches(t *testing.T) {
	t.Parallel()
	p := newProvider(t)
	p.portal.client.RedirectURIPatterns = []string{"https://portal.example/apps/*"}
	require.ErrorContains(t, p.portal.client.Validate(), "sector identifier")
	p.portal.client.RelyingPartyID = "health"
	require.NoError(t, p.portal.client.Validate())
	require.ErrorContains(t, p.portal.client.ValidateProfile(oauth.ProfileFAPI2, false), "it has patterns")
	for uri, accepted := range map[string]bool{"https://portal.example/apps/one": true, "https://portal.example/other": false} {
		p.login.shown = nil
		w := p.authorize(with(p.portal.request(), "redirect_uri", uri))
		require.Equal(t, accepted, p.login.shown == nil, "%s: %d", uri, w.Code)
	}
}

func TestRelyingPartyIsTheSectorOfItsClients(t *testing.T) {
	t.Parallel()
	a, b := &oauth.Client{RelyingPartyID: "health"}, &oauth.Client{RelyingPartyID: "health", RedirectURIs: []string{"https://b.example/cb"}}
	require.Equal(t, a.Sector(), b.Sector())
	named := &oauth.Client{RedirectURIs: []string{"https://health/cb"}}
	require.NotEqual(t, named.Sector(), a.Sector(), "nobody gets into the sector by the name of a host")
	a.SectorIdentifier = "sector.example"
	require.Equal(t, "sector.example", a.Sector())
}

func FuzzRedirectURIPattern(f *testing.F) {
	for _, seed := range [][2]string{
		{"https://rp.example/**", "https://rp.example/a/b"}, {"https://rp.example/*", "https://rp.example@evil.example/"},
		{"residentapp://oauth/*", "residentapp://oauth/x"}, {"https://rp.example/a*b*/**/c", "https://rp.example/aab/c"},
		{"https://rp.example:443/*", "https://rp.example/x"}, {"https://[::1]/*", "https://[::1]/x"},
	} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, pattern, uri string) {
		client := &oauth.Client{RedirectURIPatterns: []string{pattern}}
		if oauth.CheckRedirectURIPattern(pattern) != nil || !client.AcceptsRedirectURI(uri) {
			return
		}
		p, err := url.Parse(pattern)
		require.NoError(t, err)
		u, err := url.Parse(uri)
		require.NoError(t, err)
		require.Equal(t, p.Scheme, u.Scheme)
		require.Equal(t, p.Host, u.Host)
		require.Nil(t, u.User)
		require.NotContains(t, strings.Split(u.Path, "/"), "..")
		require.NotContains(t, uri, "#")
	})
}
