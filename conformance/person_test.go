package conformance_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/conformance"
	"github.com/gosignet/signet/conformance/internal/model"
)

// detour leads people through pages of other kinds before the provider's own.
type detour struct{ provider http.Handler }

func (d detour) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	page := func(body string) {
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprint(w, "<!doctype html><title>Detour</title>"+strings.ReplaceAll(body, "QUERY", r.URL.RawQuery))
	}
	switch r.URL.Path {
	case "/login":
		if r.Method == http.MethodGet && !r.URL.Query().Has("seen") {
			page(`<a id="to-form" href="/form?QUERY">Next</a><script>document.write("<form>")</script>`)
			return
		}
	case "/form":
		page(`<form id="odd" method="post" action="/answer?QUERY">
			<select name="language"><option>en<option value="fr" selected>French</select>
			<input type="radio" name="way" value="otp" checked><input type="radio" name="way" value="password" id="by-password">
			<textarea name="note">as it is</textarea><input name="off" value="x" disabled>
			<input type="checkbox" name="news" checked><input type="checkbox" name="terms"></form>
			<button id="send" name="pressed" value="yes" form="odd">Send</button>`)
		return
	case "/answer":
		w.Header().Set("Location", "/landed?"+r.URL.RawQuery)
		w.WriteHeader(http.StatusTemporaryRedirect) // the form is sent again
		return
	case "/landed":
		r.ParseForm()
		if got := r.PostForm.Encode(); got != "language=km&note=as+it+is&pressed=yes&terms=on&way=password" {
			page("access_denied: " + got)
			return
		}
		page(`<meta http-equiv="Refresh" content="0; URL='/login?seen=1&amp;QUERY'">`)
		return
	}
	d.provider.ServeHTTP(w, r)
}

func TestAPersonFillsInFormsOfAllKinds(t *testing.T) {
	t.Parallel()
	op, target := provider(model.Config{}, "oidc")
	target.Transport = conformance.InProcess(detour{op})
	target.Login.Steps = append([]conformance.Step{
		{Submit: "to-form"},
		{Match: "odd", Fill: map[string]string{"language": "km", "by-password": "password", "way": "password", "news": "", "terms": "yes"}, Submit: "send"},
	}, target.Login.Steps...)
	target.Only = func(_, id string) bool { return id == "oidcc-server" }
	report := check(t, target)
	assert.Equal(t, conformance.Passed, report.Results[0].Status, "%v", report.Results[0])
}

func TestAFieldThatIsNotThereFailsTheCheck(t *testing.T) {
	t.Parallel()
	_, target := provider(model.Config{}, "oidc")
	target.Login.Steps[0].Fill["pin"] = "1234"
	target.Only = func(_, id string) bool { return id == "oidcc-server" }
	report := check(t, target)
	assert.Equal(t, []string{`log in: the form has no field "pin"`}, report.Results[0].Failures)
}

// hook is a Person in Go.
type hook struct{ script conformance.Script }

func (h hook) Act(ctx context.Context, page *conformance.Page, wish conformance.Wish) (*http.Request, error) {
	if page.Has("consent-form") && wish == conformance.LogIn {
		return page.Submit(ctx, "continue", map[string]string{"all": "yes"}, false)
	}
	return h.script.Act(ctx, page, wish)
}

func TestAPersonCanBeAGoProgram(t *testing.T) {
	t.Parallel()
	_, target := provider(model.Config{}, "oidc")
	target.Login.Steps = target.Login.Steps[:1]
	target.Person = hook{target.Login}
	target.Only = func(_, id string) bool { return id == "oidcc-server" || id == "user-rejects-authentication" }
	report := check(t, target)
	require.Len(t, report.Results, 2)
	assert.Equal(t, 2, report.Count(conformance.Passed))
}

func TestALoginThatGoesRoundInCirclesEnds(t *testing.T) {
	t.Parallel()
	_, target := provider(model.Config{}, "oidc")
	target.Login.Steps[0].Fill["password"] = "wrong"
	target.Only = func(_, id string) bool { return id == "oidcc-server" }
	report := check(t, target)
	require.Len(t, report.Results[0].Failures, 1)
	assert.Contains(t, report.Results[0].Failures[0], "the login does not end")
}
