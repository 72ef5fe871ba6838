package esignet

import "net/http"

// guarded stands in for the protection against forged requests, which comes with the part Authorization.
func (a *API) guarded(h http.Handler) http.Handler { return h }
