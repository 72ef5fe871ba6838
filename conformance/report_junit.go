package conformance

import (
	"encoding/xml"
	"io"
	"strconv"
	"strings"
	"time"
)

type junitSuites struct {
	XMLName xml.Name     `xml:"testsuites"`
	Name    string       `xml:"name,attr"`
	Suites  []junitSuite `xml:"testsuite"`
}

type junitSuite struct {
	Name      string      `xml:"name,attr"`
	Tests     int         `xml:"tests,attr"`
	Failures  int         `xml:"failures,attr"`
	Skipped   int         `xml:"skipped,attr"`
	Time      string      `xml:"time,attr"`
	Timestamp string      `xml:"timestamp,attr"`
	Cases     []junitCase `xml:"testcase"`
}

type junitCase struct {
	Name      string        `xml:"name,attr"`
	ClassName string        `xml:"classname,attr"`
	Time      string        `xml:"time,attr"`
	Failure   *junitMessage `xml:"failure"`
	Skipped   *junitMessage `xml:"skipped"`
	Output    string        `xml:"system-out,omitempty"`
}

type junitMessage struct {
	Message string `xml:"message,attr"`
	Text    string `xml:",chardata"`
}

// WriteJUnit writes the report as JUnit XML, in which warnings are the output of a case that passed.
func (r *Report) WriteJUnit(w io.Writer) error {
	suites := junitSuites{Name: r.Issuer}
	for _, name := range r.Groups() {
		suite := junitSuite{Name: name, Timestamp: r.Started.UTC().Format(time.RFC3339)}
		total := time.Duration(0)
		for _, result := range r.Group(name) {
			suite.Tests++
			total += result.Duration
			c := junitCase{Name: result.ID, ClassName: name, Time: seconds(result.Duration)}
			switch result.Status {
			case Failed:
				suite.Failures++
				c.Failure = &junitMessage{
					Message: printable(strings.Join(result.Failures, "; ")),
					Text:    printable(result.Title + " (" + result.Clause + ")\n" + strings.Join(result.Log, "\n")),
				}
			case Skipped:
				suite.Skipped++
				c.Skipped = &junitMessage{Message: printable(result.Skipped)}
			}
			if len(result.Warnings) > 0 {
				c.Output = printable("warning: " + strings.Join(result.Warnings, "\nwarning: "))
			}
			suite.Cases = append(suite.Cases, c)
		}
		suite.Time = seconds(total)
		suites.Suites = append(suites.Suites, suite)
	}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	e := xml.NewEncoder(w)
	e.Indent("", "  ")
	if err := e.Encode(suites); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}

func seconds(d time.Duration) string { return strconv.FormatFloat(d.Seconds(), 'f', 3, 64) }

// printable replaces what no XML document may hold.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < 0x20 && r != '\n' && r != '\t' {
			return '\uFFFD'
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
}
