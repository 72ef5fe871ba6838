// Package outbound calls URLs that others registered, such as a client's jwks_uri, without being led to what only the
// provider can reach.
package outbound

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"syscall"
	"time"
)

// ErrPrivateAddress says that a URL leads to an address that is not a public one.
var ErrPrivateAddress = errors.New("outbound: the address is not a public one")

// special are the ranges that are not reached from the Internet, or lead back inside, besides those that netip knows
// (IANA's registries of special-purpose addresses, RFC 6890).
var special = func() []netip.Prefix {
	var prefixes []netip.Prefix
	for _, s := range []string{
		"0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15", "198.51.100.0/24",
		"203.0.113.0/24", "240.0.0.0/4",
		// ::/96 and the translations of IPv4 would reach by IPv6 what is refused by IPv4.
		"::/96", "64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "2001::/23", "2001:db8::/32", "2002::/16", "fec0::/10",
	} {
		prefixes = append(prefixes, netip.MustParsePrefix(s))
	}
	return prefixes
}()

// public reports whether an address is one that anybody on the Internet could call.
func public(a netip.Addr) bool {
	a = a.Unmap()
	return a.IsGlobalUnicast() && !a.IsPrivate() && a.Zone() == "" &&
		!slices.ContainsFunc(special, func(p netip.Prefix) bool { return p.Contains(a) })
}

// NewClient returns a client that calls public addresses only, unless allowPrivate lets it call all, and that keeps up to
// maxIdle connections. The address is checked when it is dialled, after names are resolved, so that no name can lead
// elsewhere a moment later; there is no proxy that would do the dialling instead, and no redirect is followed: it is the
// answer. A call is bounded by its context, and the caller bounds what it reads of the body.
func NewClient(allowPrivate bool, maxIdle int) *http.Client {
	dialer := &net.Dialer{Timeout: 5 * time.Second}
	if !allowPrivate {
		dialer.Control = func(_, address string, _ syscall.RawConn) error {
			to, err := netip.ParseAddrPort(address)
			if err != nil || !public(to.Addr()) {
				return fmt.Errorf("%w: %s", ErrPrivateAddress, address)
			}
			return nil
		}
	}
	return &http.Client{
		Transport: &http.Transport{
			DialContext:            dialer.DialContext,
			ForceAttemptHTTP2:      true,
			MaxIdleConns:           maxIdle,
			IdleConnTimeout:        30 * time.Second,
			TLSHandshakeTimeout:    5 * time.Second,
			MaxResponseHeaderBytes: 16 << 10,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}
