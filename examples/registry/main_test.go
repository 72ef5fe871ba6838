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

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/authenticator/authenticatortest"
)

func openFile(t testing.TB) *register {
	file, err := os.Open("register.csv")
	require.NoError(t, err)
	defer file.Close()
	r, err := open(file, iterations)
	require.NoError(t, err)
	return r
}

func TestRegisterKeepsTheContract(t *testing.T) {
	t.Parallel()
	const people = "id,national_id,salt,pin,name,name#en,birthdate,phone_number\n"
	row := "p-1,8051437269,salt," + hash("salt", "271828", 1) + ",សុខ ដារ៉ា,Sok Dara,1990-05-14,+85500000269\n"
	authenticatortest.Run(t, func(t testing.TB) authenticatortest.Subject {
		r, err := open(strings.NewReader(people+row), 1) // one iteration, because the kit asks hundreds of times
		require.NoError(t, err)
		return authenticatortest.Subject{
			Authenticator: r,
			Person:        authenticator.Identifier{Value: "8051437269"},
			Unknown:       authenticator.Identifier{Value: "1000000000"},
			Answers:       map[authenticator.Factor]authenticatortest.Answer{authenticator.PIN: {Right: "271828", Wrong: "271829"}},
			Claims:        []string{"name", "birthdate", "phone_number"},
			Languages:     []string{"name#en"},
		}
	})
}

func TestMainIsUnder150Lines(t *testing.T) {
	t.Parallel()
	source, err := os.ReadFile("main.go")
	require.NoError(t, err)
	assert.Less(t, bytes.Count(source, []byte("\n")), 150)
}

func TestARegisterThatIsWrongIsRefused(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "id,national_id,pin\n,1,x\n", "id,national_id,pin\na,1,\n", "id,national_id,pin\na,1,x\nb,1,x\n", "id\na,b\n"} {
		_, err := open(strings.NewReader(text), 1)
		assert.Error(t, err, text)
	}
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
