package ui

import (
	"net/http"
	"net/netip"

	"github.com/gosignet/signet/login"
)

// withSource tells the login where the request comes from. Behind proxies the address is right only if the server puts
// the person's into the request first.
func withSource(r *http.Request) *http.Request {
	source, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return r
	}
	return r.WithContext(login.WithSource(r.Context(), source.Addr().Unmap()))
}
