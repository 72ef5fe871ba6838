package conformance_test

import (
	"encoding/xml"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/conformance"
)

func report() *conformance.Report {
	result := func(group, id string, status conformance.Status) *conformance.Result {
		return &conformance.Result{
			Check: conformance.Check{ID: id, Title: "It works", Clause: "RFC 6749, 1"}, Group: group, Status: status,
			Duration: 1500 * time.Millisecond, Log: []string{"GET /<script>\x01: 200"},
		}
	}
	r := &conformance.Report{Issuer: "https://op.example", Started: time.Unix(0, 0), Duration: 2 * time.Second, Results: []*conformance.Result{
		result("oidc", "good", conformance.Passed), result("oidc", "frowned-upon", conformance.Warned),
		result("oidc", "bad", conformance.Failed), result("fapi2-security", "absent", conformance.Skipped),
	}}
	r.Results[1].Warnings = []string{"should not"}
	r.Results[2].Failures = []string{"must not <b>"}
	r.Results[3].Skipped = "not there"
	return r
}

func TestTextReportHasALineForEachCheckAndReasons(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	require.NoError(t, report().WriteText(&b, false))
	assert.Equal(t, `https://op.example

oidc
  passed   good
  warning  frowned-upon
           warning: should not
  failed   bad
           failed: must not <b>
           It works (RFC 6749, 1)

fapi2-security
  skipped  absent
           skipped: not there

4 checks: 1 passed, 1 failed, 1 with warnings, 1 skipped in 2s
`, b.String())
	b.Reset()
	require.NoError(t, report().WriteText(&b, true))
	assert.Equal(t, 4, strings.Count(b.String(), "GET /"))
}

func TestJUnitReportCanBeReadBack(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	require.NoError(t, report().WriteJUnit(&b))
	var suites struct {
		Suites []struct {
			Name     string `xml:"name,attr"`
			Tests    int    `xml:"tests,attr"`
			Failures int    `xml:"failures,attr"`
			Skipped  int    `xml:"skipped,attr"`
			Time     string `xml:"time,attr"`
			Cases    []struct {
				Name    string `xml:"name,attr"`
				Failure *struct {
					Message string `xml:"message,attr"`
				} `xml:"failure"`
				Output string `xml:"system-out"`
			} `xml:"testcase"`
		} `xml:"testsuite"`
	}
	require.NoError(t, xml.Unmarshal([]byte(b.String()), &suites))
	require.Len(t, suites.Suites, 2)
	oidc := suites.Suites[0]
	assert.Equal(t, []any{"oidc", 3, 1, 0, "4.500"}, []any{oidc.Name, oidc.Tests, oidc.Failures, oidc.Skipped, oidc.Time})
	assert.Equal(t, "must not <b>", oidc.Cases[2].Failure.Message)
	assert.Nil(t, oidc.Cases[1].Failure)
	assert.Equal(t, "warning: should not", oidc.Cases[1].Output)
	assert.Equal(t, 1, suites.Suites[1].Skipped)
}

func TestHTMLReportIsOnePageThatNeedsNothingElse(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	require.NoError(t, report().WriteHTML(&b))
	page := b.String()
	assert.Contains(t, page, "must not &lt;b&gt;")
	assert.NotContains(t, page, "<script")
	assert.NotContains(t, page, "src=")
	assert.NotContains(t, page, "<link")
	for _, id := range []string{"good", "frowned-upon", "bad", "absent"} {
		assert.Contains(t, page, "<code>"+id+"</code>")
	}
}

// full is a disk that is full.
type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("no space left") }

func TestReportsReportThatTheyCannotBeWritten(t *testing.T) {
	t.Parallel()
	assert.Error(t, report().WriteText(full{}, false))
	assert.Error(t, report().WriteJUnit(full{}))
	assert.Error(t, report().WriteHTML(full{}))
}
