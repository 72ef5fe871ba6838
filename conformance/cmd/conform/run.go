package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"

	"github.com/gosignet/signet/conformance"
)

// The exit statuses.
const (
	statusPassed = 0
	statusFailed = 1
	statusUsage  = 2
)

// run does what the arguments say and returns the exit status.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	command := check
	if len(args) > 0 {
		switch args[0] {
		case "init":
			command, args = initialize, args[1:]
		case "oidf":
			command, args = writeSuite, args[1:]
		}
	}
	passed, err := command(ctx, args, stdout)
	switch {
	case errors.Is(err, flag.ErrHelp):
		fmt.Fprint(stderr, usage)
		return statusUsage
	case err != nil:
		fmt.Fprintln(stderr, err)
		return statusUsage
	case !passed:
		return statusFailed
	}
	return statusPassed
}

const usage = `Usage:
  conform -config config.json [flags]     check a provider
  conform init -issuer URL -user ID -password SECRET -out DIR
                                          write a configuration with fresh test keys, and its clients' registrations
  conform oidf -issuer URL -user ID -password SECRET -out DIR
                                          write configurations for the OpenID Foundation's suite, and their clients' registrations

Flags of a check:
  -config FILE   the target, as init writes it
  -issuer URL    the issuer, in place of the one in the file
  -group LIST    only these groups, separated by commas
  -check REGEXP  only checks whose ID matches
  -strict        count warnings as failures
  -v             show what was sent and answered; it holds codes and tokens
  -junit FILE    write a report as JUnit XML
  -html FILE     write a report as one HTML page
  -ca FILE       trust the certificates in the PEM file too
  -list          list the groups and their checks, and check nothing

The exit status is 0 if nothing failed, 1 if something did, and 2 if the checks could not begin.
`

type checkFlags struct {
	config, issuer, group, check, junit, html, ca string
	strict, verbose, list                         bool
}

func parseCheck(args []string) (*checkFlags, error) {
	c := new(checkFlags)
	f := newFlags("conform")
	f.StringVar(&c.config, "config", "", "")
	f.StringVar(&c.issuer, "issuer", "", "")
	f.StringVar(&c.group, "group", "", "")
	f.StringVar(&c.check, "check", "", "")
	f.StringVar(&c.junit, "junit", "", "")
	f.StringVar(&c.html, "html", "", "")
	f.StringVar(&c.ca, "ca", "", "")
	f.BoolVar(&c.strict, "strict", false, "")
	f.BoolVar(&c.verbose, "v", false, "")
	f.BoolVar(&c.list, "list", false, "")
	return c, parse(f, args)
}

// newFlags returns a set whose messages run shows.
func newFlags(name string) *flag.FlagSet {
	f := flag.NewFlagSet(name, flag.ContinueOnError)
	f.SetOutput(io.Discard)
	return f
}

func parse(f *flag.FlagSet, args []string) error {
	if err := f.Parse(args); err != nil {
		return err
	}
	if f.NArg() > 0 {
		return fmt.Errorf("unexpected argument %q; -help lists the flags", f.Arg(0))
	}
	return nil
}

// check checks a provider and writes the reports.
func check(ctx context.Context, args []string, stdout io.Writer) (bool, error) {
	c, err := parseCheck(args)
	if err != nil {
		return false, err
	}
	if c.list {
		return true, list(stdout)
	}
	target, err := c.target()
	if err != nil {
		return false, err
	}
	report, err := target.Check(ctx)
	if err != nil {
		return false, err
	}
	return report.Passed(), c.write(report, stdout)
}

func list(stdout io.Writer) error {
	var b strings.Builder
	for _, g := range conformance.Groups() {
		fmt.Fprintf(&b, "%s: %s, %d checks\n", g.Name, g.Title, len(g.Checks))
		for _, c := range g.Checks {
			fmt.Fprintf(&b, "  %s\n      %s (%s)\n", c.ID, c.Title, c.Clause)
		}
	}
	_, err := io.WriteString(stdout, b.String())
	return err
}

// target reads the configuration and applies the flags.
func (c *checkFlags) target() (*conformance.Target, error) {
	if c.config == "" {
		return nil, errors.New("-config is required; conform init writes one")
	}
	file, err := os.Open(c.config)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	target, err := conformance.ReadTarget(file)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", c.config, err)
	}
	if c.issuer != "" {
		target.Issuer = c.issuer
	}
	target.Strict = target.Strict || c.strict
	if err := c.only(target); err != nil {
		return nil, err
	}
	if c.ca != "" {
		if target.Transport, err = trusting(c.ca); err != nil {
			return nil, err
		}
	}
	return target, nil
}

// only leaves the groups and the checks that were asked for.
func (c *checkFlags) only(target *conformance.Target) error {
	if c.group != "" {
		groups := strings.Split(c.group, ",")
		for _, name := range groups {
			if _, ok := target.Profiles[name]; !ok {
				return fmt.Errorf("-group: the configuration has no profile %q", name)
			}
		}
		for name := range target.Profiles {
			if !slices.Contains(groups, name) {
				delete(target.Profiles, name)
			}
		}
	}
	if c.check != "" {
		pattern, err := regexp.Compile(c.check)
		if err != nil {
			return fmt.Errorf("-check: %w", err)
		}
		target.Only = func(_, id string) bool { return pattern.MatchString(id) }
	}
	return nil
}

// trusting returns a transport that also trusts the certificates of the file.
func trusting(file string) (http.RoundTripper, error) {
	pem, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("-ca: %w", err)
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool()
	}
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("-ca: %s has no certificate in PEM", file)
	}
	transport, ok := http.DefaultTransport.(*http.Transport)
	if !ok {
		return nil, errors.New("-ca: the default transport cannot be changed")
	}
	transport = transport.Clone()
	transport.TLSClientConfig = &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
	return transport, nil
}

func (c *checkFlags) write(report *conformance.Report, stdout io.Writer) error {
	if err := report.WriteText(stdout, c.verbose); err != nil {
		return err
	}
	return errors.Join(writeFile(c.junit, report.WriteJUnit), writeFile(c.html, report.WriteHTML))
}

// writeFile does nothing without a name. What is written may hold secrets of test clients.
func writeFile(name string, write func(io.Writer) error) error {
	if name == "" {
		return nil
	}
	file, err := os.OpenFile(name, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	return errors.Join(write(file), file.Close())
}
