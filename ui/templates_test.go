package ui_test

import (
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/assert"

	"github.com/gosignet/signet/login"
	"github.com/gosignet/signet/ui"
)

func TestADeploymentReplacesOneTemplate(t *testing.T) {
	t.Parallel()
	pages, flow := newPages(t, func(c *ui.Config) {
		c.Templates = fstest.MapFS{"choose.html": {Data: []byte(`{{define "main"}}<h1>{{.Heading}}</h1><p id="own">{{t "common.cancel"}}</p>{{end}}`)}}
	})
	flow.put("handle", &login.State{Step: login.StepChoose})
	assert.Contains(t, get(pages, "handle", "choose").Body.String(), `<p id="own">Cancel`)
}

func TestNewRefusesTemplatesThatDoNotWork(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ file, content, problem string }{
		"an unknown name":    {"chose.html", ``, "no template chose.html"},
		"a syntax error":     {"choose.html", `{{define "main"}}{{if}}{{end}}`, "choose"},
		"an unknown text":    {"choose.html", `{{define "main"}}{{t "choose.nothing_like_it"}}{{end}}`, "choose.nothing_like_it"},
		"an unknown member":  {"choose.html", `{{define "main"}}{{.Hedding}}{{end}}`, "Hedding"},
		"an unknown part":    {"choose.html", `{{define "main"}}{{template "nothing" .}}{{end}}`, "nothing"},
		"an ambiguous place": {"choose.html", `{{define "main"}}<a href="{{if .Heading}}/{{end}}{{end}}`, "choose"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := ui.New(ui.Config{Flow: newFakeFlow(), Templates: fstest.MapFS{c.file: {Data: []byte(c.content)}}})
			assert.ErrorContains(t, err, c.problem)
		})
	}
}
