package main

import (
	"errors"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// proxies are the addresses whose X-Forwarded-For and X-Forwarded-Proto are believed. Whatever else sends them makes
// them up.
type proxies []netip.Prefix

// add takes networks and single addresses, separated by commas.
func (p *proxies) add(text string) error {
	for part := range strings.SplitSeq(text, ",") {
		part = strings.TrimSpace(part)
		prefix, err := netip.ParsePrefix(part)
		if address, addressErr := netip.ParseAddr(part); addressErr == nil {
			prefix, err = netip.PrefixFrom(address, address.BitLen()), nil
		}
		if err != nil {
			return errors.New("not a list of networks like 10.0.0.0/8,2001:db8::1")
		}
		*p = append(*p, prefix.Masked())
	}
	return nil
}

func (p proxies) trust(address netip.Addr) bool {
	return slices.ContainsFunc(p, func(prefix netip.Prefix) bool { return prefix.Contains(address) })
}

// client is the address from which the request came: that of the connection, or the last one that a trusted proxy names
// and that is not one itself. It is for logs and for limits.
func (p proxies) client(r *http.Request) netip.Addr {
	client := parseAddress(r.RemoteAddr)
	hops := forwarded(r, "X-Forwarded-For")
	for i := len(hops) - 1; i >= 0 && p.trust(client); i-- {
		hop := parseAddress(hops[i])
		if !hop.IsValid() {
			break
		}
		client = hop
	}
	return client
}

// addressed has the handler see the address of the client in place of that of a proxy. The proxy's is needed no more.
func (p proxies) addressed(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if client := p.client(r); client.IsValid() && client != parseAddress(r.RemoteAddr) {
			forwarded := *r
			forwarded.RemoteAddr = netip.AddrPortFrom(client, 0).String()
			r = &forwarded
		}
		next.ServeHTTP(w, r)
	})
}

// https reports whether the request came through TLS: to the server, or to the trusted proxy in front of it.
func (p proxies) https(r *http.Request) bool {
	if r.TLS != nil {
		return true
	}
	schemes := forwarded(r, "X-Forwarded-Proto")
	return p.trust(parseAddress(r.RemoteAddr)) && len(schemes) > 0 && strings.EqualFold(schemes[len(schemes)-1], "https")
}

// requireHTTPS refuses what came unprotected. Nothing is redirected: the secrets of the request are out already, and the
// sender should notice.
func (p proxies) requireHTTPS(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !p.https(r) {
			answer(w, http.StatusForbidden, "only https is served here, directly or through a trusted proxy")
			return
		}
		next.ServeHTTP(w, r)
	})
}

// forwarded lists what proxies added to a header, the nearest one last.
func forwarded(r *http.Request, header string) []string {
	var list []string
	for _, value := range r.Header.Values(header) {
		for part := range strings.SplitSeq(value, ",") {
			list = append(list, strings.TrimSpace(part))
		}
	}
	return list
}

// parseAddress takes an address with or without a port. What is none gives the zero Addr, which nobody trusts.
func parseAddress(text string) netip.Addr {
	if withPort, err := netip.ParseAddrPort(text); err == nil {
		return withPort.Addr().Unmap().WithZone("")
	}
	address, err := netip.ParseAddr(text)
	if err != nil {
		return netip.Addr{}
	}
	return address.Unmap().WithZone("")
}
