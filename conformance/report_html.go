package conformance

import (
	_ "embed"
	"html/template"
	"io"
	"time"
)

//go:embed report.html
var reportHTML string

var reportPage = template.Must(template.New("report").Funcs(template.FuncMap{
	"passed":  func(r *Report) int { return r.Count(Passed) },
	"failed":  func(r *Report) int { return r.Count(Failed) },
	"warned":  func(r *Report) int { return r.Count(Warned) },
	"skipped": func(r *Report) int { return r.Count(Skipped) },
	"round":   func(d time.Duration) time.Duration { return d.Round(time.Millisecond) },
	"utc":     func(at time.Time) string { return at.UTC().Format("2006-01-02 15:04:05 UTC") },
	"title": func(name string) string {
		g, _ := group(name)
		return g.title
	},
}).Parse(reportHTML))

// WriteHTML writes the report as one page that needs nothing else. It holds what was sent and answered, codes and tokens
// among it.
func (r *Report) WriteHTML(w io.Writer) error { return reportPage.Execute(w, r) }
