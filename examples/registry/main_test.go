package main

import (
	"bytes"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/examples/registry/register"
)

func openFile(t testing.TB) *register.Register {
	file, err := os.Open("register.csv")
	require.NoError(t, err)
	defer file.Close()
	r, err := register.Open(file, register.Iterations)
	require.NoError(t, err)
	return r
}

// A person of the register goes through the pages as a browser would, up to the question what to share.
func TestAPersonLogsIn(t *testing.T) {
	t.Parallel()
	server := httptest.NewUnstartedServer(nil)
	server.Config.Handler = newProvider(openFile(t), "http://"+server.Listener.Addr().String())
	server.Start()
	defer server.Close()
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	browser := &http.Client{Jar: jar}
	read := func(res *http.Response, err error) (string, *url.URL) {
		require.NoError(t, err)
		defer res.Body.Close()
		var body bytes.Buffer
		_, err = body.ReadFrom(res.Body)
		require.NoError(t, err)
		return body.String(), res.Request.URL
	}
	page, at := read(browser.Get(server.URL + "/authorize?client_id=portal&redirect_uri=http://localhost:8081/callback" +
		"&response_type=code&scope=openid+profile&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256"))
	form := url.Values{}
	for _, m := range regexp.MustCompile(`<input[^>]*>`).FindAllString(page, -1) {
		if name := attribute(m, "name"); name != "" {
			form.Set(name, attribute(m, "value"))
		}
	}
	form.Set("identifier", "8051437269")
	form.Set("response", "271828")
	action := at.ResolveReference(must(url.Parse(attribute(regexp.MustCompile(`<form[^>]*>`).FindString(page), "action"))))
	page, _ = read(browser.PostForm(action.String(), form))
	assert.Contains(t, page, "My Portal")
	assert.Contains(t, page, "/consent\"", "the form of consent follows a right PIN")
	assert.NotContains(t, page, "Prove who you are")
}

func attribute(tag, name string) string {
	m := regexp.MustCompile(` ` + name + `="([^"]*)"`).FindStringSubmatch(tag)
	if m == nil {
		return ""
	}
	return strings.ReplaceAll(m[1], "&amp;", "&")
}
