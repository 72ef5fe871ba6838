package conformance_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"testing"

	"github.com/gosignet/signet/conformance"
	"github.com/gosignet/signet/conformance/internal/model"
)

// FuzzAnswers has a provider answer everything with the same strange thing: nothing may fall over.
func FuzzAnswers(f *testing.F) {
	f.Add(200, "application/json", "", `{"issuer":"https://op.example","jwks_uri":"https://op.example/jwks","scopes_supported":[1],"ui_locales_supported":["x-"],"keys":[{"kty":"RSA","n":"AQ","e":"AQ"},{"kty":"EC"},{}]}`)
	f.Add(200, "text/html", "", `<form action="https://rp.example/callback"><input name=code><select name=x>`)
	f.Add(302, "", "https://rp.example/callback?response=a.b.c&state=%zz#code=", "")
	f.Add(401, "application/json", "", `{"error":"use_dpop_nonce","error_description":"\\\""}`)
	_, target := provider(model.Config{}, "oidc-config", "oidc", "fapi2-security", "fapi2-message-signing-jarm")
	// None of these waits for anything to expire.
	prompt := []string{
		"oidcc-server", "user-rejects-authentication", "oidcc-prompt-none-not-logged-in", "userinfo-claim-formats", "par-response",
		"discovery-unknown-members", "jarm-error-response", "token-error-response", sp + "ensure-request-object-without-exp-fails",
	}
	f.Fuzz(func(t *testing.T, status int, contentType, location, body string) {
		target := target
		target.Transport = conformance.InProcess(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", contentType)
			w.Header().Set("DPoP-Nonce", location)
			if location != "" {
				w.Header().Set("Location", location)
			}
			w.WriteHeader(200 + max(0, status)%300)
			io.WriteString(w, body)
		}))
		target.Only = func(group, id string) bool { return group == "oidc-config" || slices.Contains(prompt, id) }
		if _, err := target.Check(t.Context()); err != nil {
			t.Fatal(err)
		}
	})
}

// FuzzVerifiedClaims has a provider say anything in verified_claims: nothing may fall over.
func FuzzVerifiedClaims(f *testing.F) {
	f.Add(`{"verification":{"trust_framework":"urn:example:register","time":"x","evidence":[{"type":"document","check_details":[{}]}]},"claims":{"given_name":"Ada"}}`)
	f.Add(`[{"verification":{"trust_framework":1,"assurance_process":[]},"claims":{"address":{},"nationalities":[7,7],"given_name#":null}},null]`)
	f.Add(`{"verification":{"trust_framework":{},"evidence":[null,[]]},"claims":[]}`)
	f.Fuzz(func(t *testing.T, text string) {
		var answer any
		if json.Unmarshal([]byte(text), &answer) != nil {
			return
		}
		say := func(m map[string]any) { m["verified_claims"] = answer }
		_, target := provider(model.Config{Tamper: model.Tamper{Userinfo: say, IDToken: say}}, ida)
		target.Only = func(_, id string) bool { return id == "verified-claims-minimum" || id == "verified-claims-list" }
		if _, err := target.Check(t.Context()); err != nil {
			t.Fatal(err)
		}
	})
}

// FuzzPages puts a strange page where people log in.
func FuzzPages(f *testing.F) {
	f.Add(`<form id=verify_password method=post><input name=username><textarea id=password>`)
	f.Add(`<meta http-equiv=refresh content="0;url=https://rp.example/callback?code=x&state=y">`)
	f.Add(`<form action="https://rp.example/callback" method=post><input name=code value=x><button form=nothing id=continue>`)
	f.Add(`<a id=continue href="%zz">x</a><select id=username name=x><option selected></select>`)
	op, target := provider(model.Config{}, "oidc")
	target.Only = func(_, id string) bool { return id == "oidcc-server" || id == "user-rejects-authentication" }
	f.Fuzz(func(t *testing.T, page string) {
		target := target
		target.Transport = conformance.InProcess(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != "/login" {
				op.ServeHTTP(w, r)
				return
			}
			w.Header().Set("Content-Type", "text/html")
			io.WriteString(w, page)
		}))
		if _, err := target.Check(t.Context()); err != nil {
			t.Fatal(err)
		}
	})
}

// FuzzServerHello answers a ClientHello with strange bytes.
func FuzzServerHello(f *testing.F) {
	f.Add([]byte{21, 3, 3, 0, 2, 2, 40})
	f.Add([]byte{22, 3, 3, 0, 4, 2, 0, 0, 0})
	hello := append([]byte{22, 3, 3, 0, 50, 2, 0, 0, 46, 3, 3}, make([]byte, 44)...)
	f.Add(hello)
	f.Add(append(hello[:43], 255, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0))
	f.Fuzz(func(t *testing.T, answer []byte) {
		listener, err := net.Listen("tcp", "localhost:0")
		if err != nil {
			t.Fatal(err)
		}
		defer listener.Close()
		go func() {
			for {
				conn, err := listener.Accept()
				if err != nil {
					return
				}
				conn.Write(answer)
				conn.Close()
			}
		}()
		issuer := "https://" + listener.Addr().String()
		document := fmt.Sprintf(`{"issuer":%q,"token_endpoint":%q}`, issuer, issuer+"/token")
		target := conformance.Target{Issuer: issuer, Profiles: map[string]*conformance.Profile{"fapi2-tls": {}}}
		target.Only = func(_, id string) bool { return id == "tls-good-versions" || id == "tls-old-versions" }
		target.Transport = conformance.InProcess(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, document) }))
		if _, err := target.Check(t.Context()); err != nil {
			t.Fatal(err)
		}
	})
}
