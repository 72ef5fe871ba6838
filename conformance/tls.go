package conformance

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strings"
)

const tlsClause = "FAPI 2.0 Security Profile, 5.2.1; BCP 195"

// tlsChecks concern https issuers. They shake hands byte by byte, because a good TLS library refuses to offer what a
// server must refuse; certificates do not matter here.
var tlsChecks = []Check{
	{ID: "tls-good-versions", Title: "TLS 1.2 with a good suite or TLS 1.3 works at every host", Clause: tlsClause, run: everyHost(goodVersions)},
	{ID: "tls-old-versions", Title: "TLS 1.0 and TLS 1.1 are refused at every host", Clause: tlsClause, run: everyHost(oldVersions)},
	{ID: "tls-1.3", Title: "TLS 1.3 is offered, and preferred to TLS 1.2", Clause: "BCP 195, RFC 9325, 3.1.1", run: everyHost(prefersTLS13)},
	{ID: "tls-1.2-suites", Title: "The endpoints for machines accept only the suites of FAPI 2.0 under TLS 1.2", Clause: tlsClause, run: everyHost(goodSuites)},
}

// host is a TLS server, and whether only browsers talk to it.
type host struct {
	address, name string
	browsersOnly  bool
}

var goodTLS12 = []uint16{
	tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
	tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
	tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
}

// dheTLS12 are suites with finite-field keys and authenticated encryption: frowned upon, not forbidden.
var dheTLS12 = []uint16{0x009e, 0x009f, 0xccaa}

// everyHost returns a check of all hosts that the document names. It is skipped for issuers without TLS.
func everyHost(look func(*trial, host)) func(*trial) {
	return func(t *trial) {
		if !strings.HasPrefix(t.target.Issuer, "https:") {
			t.skip("the issuer is not an https URL")
		}
		for _, h := range t.hosts() {
			look(t, h)
		}
	}
}

func (t *trial) hosts() []host {
	var all []host
	for _, name := range []string{
		"token_endpoint", "userinfo_endpoint", "registration_endpoint", "pushed_authorization_request_endpoint",
		"jwks_uri", "authorization_endpoint",
	} {
		u, err := url.Parse(t.metadata().text(name))
		if err != nil || u.Scheme != "https" {
			continue
		}
		h := host{address: u.Host, name: u.Hostname(), browsersOnly: name == "authorization_endpoint"}
		if u.Port() == "" {
			h.address += ":443"
		}
		if !slices.ContainsFunc(all, func(other host) bool { return other.address == h.address }) {
			all = append(all, h)
		}
	}
	if u, err := url.Parse(t.profile.resource()); err == nil && u.Scheme == "https" {
		all = append(all, host{address: u.Host, name: u.Hostname()})
	}
	return all
}

func (p *Profile) resource() string {
	if p == nil {
		return ""
	}
	return p.Resource
}

func goodVersions(t *trial, h host) {
	_, err12 := t.hello(h, clientHello{version: tls.VersionTLS12, suites: goodTLS12})
	_, err13 := t.hello(h, clientHello{version: tls.VersionTLS13, suites: suites13})
	if err12 != nil && err13 != nil {
		t.fail("%s accepts neither TLS 1.2 with a good suite (%v) nor TLS 1.3 (%v)", h.address, err12, err13)
	}
}

func oldVersions(t *trial, h host) {
	for _, version := range []uint16{tls.VersionTLS10, tls.VersionTLS11} {
		hello, err := t.hello(h, clientHello{version: version, suites: append(slices.Clone(suitesCBC), goodTLS12...)})
		switch alert := alertError(0); {
		case err == nil:
			t.fail("%s accepts %s", h.address, tls.VersionName(hello.version))
		case errors.As(err, &alert) && alert != alertHandshakeFailure && alert != alertProtocolVersion:
			t.fail("%s refuses %s with the alert %d instead of handshake_failure or protocol_version", h.address, tls.VersionName(version), alert)
		}
	}
}

func prefersTLS13(t *trial, h host) {
	if _, err := t.hello(h, clientHello{version: tls.VersionTLS13, suites: suites13}); err != nil {
		t.warn("%s does not offer TLS 1.3: %v", h.address, err)
		return
	}
	both, err := t.hello(h, clientHello{version: tls.VersionTLS13, orOlder: true, suites: append(slices.Clone(suites13), goodTLS12...)})
	if err != nil {
		t.fail("%s accepts TLS 1.3 and refuses who offers TLS 1.2 too: %v", h.address, err)
	} else if both.version != tls.VersionTLS13 {
		t.fail("%s prefers %s to TLS 1.3", h.address, tls.VersionName(both.version))
	}
}

// goodSuites offers what must not be accepted, without anything better.
func goodSuites(t *trial, h host) {
	if h.browsersOnly {
		return
	}
	if hello, err := t.hello(h, clientHello{version: tls.VersionTLS12, suites: dheTLS12}); err == nil {
		t.warn("%s accepts the suite %#04x with a finite-field key", h.address, hello.suite)
	}
	for _, suite := range badTLS12() {
		if _, err := t.hello(h, clientHello{version: tls.VersionTLS12, suites: []uint16{suite}}); err == nil {
			t.fail("%s accepts the suite %s under TLS 1.2", h.address, suiteName(suite))
		}
	}
}

// badTLS12 are the suites that a server may not accept, of those that any server is likely to have.
func badTLS12() []uint16 {
	bad := slices.Clone(suitesCBC)
	for _, s := range append(tls.CipherSuites(), tls.InsecureCipherSuites()...) {
		if slices.Contains(s.SupportedVersions, tls.VersionTLS12) && !slices.Contains(goodTLS12, s.ID) && !slices.Contains(bad, s.ID) {
			bad = append(bad, s.ID)
		}
	}
	return bad
}

func suiteName(id uint16) string { return fmt.Sprintf("%s (%#04x)", tls.CipherSuiteName(id), id) }

var errClosed = fmt.Errorf("the connection was closed: %w", io.EOF)
