package main

import (
	"html"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// visitor is a person with a browser without JavaScript.
type visitor struct {
	t      *testing.T
	client *http.Client
	at     *url.URL
	page   string
	header http.Header
}

func visit(t *testing.T, address string) *visitor {
	t.Helper()
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	v := &visitor{t: t, client: &http.Client{Jar: jar}}
	v.open(address)
	return v
}

func (v *visitor) open(address string) {
	v.t.Helper()
	res, page := get(v.t, v.client, address)
	v.at, v.page, v.header = res.Request.URL, page, res.Header
}

// press sends the form that the button is in, with the fields filled in: names and values in turn.
func (v *visitor) press(id string, fields ...string) {
	v.t.Helper()
	form, button := v.form(id)
	values := url.Values{}
	for _, input := range append(regexp.MustCompile(`<input[^>]*>`).FindAllString(form, -1), button) {
		if name := attribute(input, "name"); name != "" && (attribute(input, "type") != "checkbox" || strings.Contains(input, " checked")) {
			values.Add(name, attribute(input, "value"))
		}
	}
	for i := 0; i < len(fields); i += 2 {
		values.Set(fields[i], fields[i+1])
	}
	action, err := v.at.Parse(attribute(form, "action"))
	require.NoError(v.t, err)
	res, err := v.client.PostForm(action.String(), values)
	require.NoError(v.t, err)
	defer res.Body.Close()
	v.at, v.page, v.header = res.Request.URL, readAll(v.t, res), res.Header
}

// form returns the form with the button, and the tag of the button.
func (v *visitor) form(id string) (form, button string) {
	v.t.Helper()
	for _, form := range regexp.MustCompile(`(?s)<form.*?</form>`).FindAllString(v.page, -1) {
		if button := regexp.MustCompile(`<button[^>]* id="` + id + `"[^>]*>`).FindString(form); button != "" {
			return form, button
		}
	}
	require.Failf(v.t, "no such button", "%q at %s:\n%s", id, v.at, v.page)
	return "", ""
}

// shows reports whether there is a button with the id.
func (v *visitor) shows(id string) bool { return strings.Contains(v.page, ` id="`+id+`"`) }

// attribute returns an attribute of the first tag.
func attribute(tag, name string) string {
	tag, _, _ = strings.Cut(tag, ">")
	if m := regexp.MustCompile(` ` + name + `="([^"]*)"`).FindStringSubmatch(tag); m != nil {
		return html.UnescapeString(m[1])
	}
	return ""
}
