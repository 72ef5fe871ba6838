package esignet

import (
	"encoding/json"
	"net/http"

	"github.com/gosignet/signet/oidc"
)

// metadata is that of the provider, with the endpoints of the API. It says what is supported, and not what eSignet says.
func (p *authorization) metadata() oidc.Metadata {
	server := p.Server.Metadata()
	server.TokenEndpoint = p.base + "/oauth/v2/token"
	server.PushedAuthorizationRequestEndpoint = p.base + "/oauth/par"
	m := p.OpenID.Metadata(server)
	m.UserinfoEndpoint = p.base + "/oidc/userinfo"
	return m
}

// document serves what is the same for everybody, to scripts of any origin too.
func document(value any) http.Handler {
	body, err := json.Marshal(value)
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if err != nil {
			problem(w, http.StatusInternalServerError)
			return
		}
		w.Header().Set("Access-Control-Allow-Origin", "*")
		w.Header().Set("Content-Type", "application/json")
		w.Write(body)
	})
}
