package remote_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/go-jose/go-jose/v4"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/authenticator/remote"
)

// FuzzAnswer lets the server answer whatever comes.
func FuzzAnswer(f *testing.F) {
	for _, s := range []string{
		`{"subject": "grace-1", "state": "AP9reWM="}`, `{"values": {"name": "Grace", "address": {"country": "Kenya"}}}`,
		`{"destinations": ["+254 ** *** 820"], "length": 6, "expires_at": "2026-03-01T12:05:00Z"}`,
		`{"versions": [1], "factors": ["otp", "pwd", "kba"], "codes": true, "forms": ["kba"]}`,
		`{"identifier": {"name": "a"}, "fields": [{"name": "b", "type": "date", "labels": {"en": "Born"}, "maxLength": 7}]}`,
		`{"values": {}, "verified": [{"verification": {"trust_framework": "x"}, "values": {"name": "G"}}], "original": "e30.AA.AA.AA.AA"}`,
		`{"values": {}, "sources": [{"names": ["a"], "jwt": "e30.e30.AA"}, {"names": ["b"], "endpoint": "https://a.example.org"}]}`,
		`{"versions": [1], "factors": ["otp", "pop"], "codes": true, "devices": ["pop"], "traits": {"pop": {"identifies": true}}, "keys": true}`,
		`{"options": {"challenge": "AAAA"}, "state": "AAEC"}`, `{"keys": [{"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}`,
		`{"title": "Forbidden", "status": 403, "reason": "locked", "retry_at": "2026-03-01T12:05:00+03:00"}`,
		`{"verified": [{"verification": {"trust_framework": "x"}, "names": ["name", "name#sw"]}], "unverified": ["email"]}`, `{"verified": []}`,
		"", "null", "[]", `{"subject": "\ud800"}`, "{\"subject\": \"\xff\"}", `{"subject": "a", "subject": "b"}`, `{"values": {"a": nul}}`,
	} {
		f.Add(200, s)
		f.Add(403, s)
	}
	f.Fuzz(func(t *testing.T, status int, body string) {
		if status < 200 || status > 599 {
			status = 200
		}
		started := false
		c, err := remote.New(context.Background(), remote.Config{
			BaseURL: "https://people.example.org", MaxFailures: 1 << 30,
			Transport: transport(func(r *http.Request) (*http.Response, error) {
				if r.URL.Path == "/v1/capabilities" && !started {
					started = true
					return answerOf(200, `{"versions": [1], "factors": ["otp", "pop"], "codes": true, "devices": ["pop"], "keys": true, "recall": true, "bindings": true, "verifications": true}`), nil
				}
				return answerOf(status, body), nil
			}),
		})
		if err != nil {
			t.Fatal(err)
		}
		identity, err := c.Authenticate(context.Background(), login())
		check(t, err)
		if err == nil && (identity.Subject == "" || len(identity.Subject) > 256 || len(identity.State) > 8<<10 || !utf8.ValidString(identity.Subject)) {
			t.Fatalf("%+v", identity)
		}
		claims, err := c.Claims(context.Background(), claimsOf(authenticator.Identity{Subject: "grace-1"}))
		check(t, err)
		if err == nil {
			for name, value := range claims.Values {
				if !json.Valid(value) || !utf8.Valid(value) {
					t.Fatalf("%q: %q", name, value)
				}
			}
			for _, v := range claims.Verified {
				if !json.Valid(v.Verification) || v.Verification[0] != '{' || len(v.Values) == 0 {
					t.Fatalf("%q", v.Verification)
				}
			}
			if n := strings.Count(claims.Original, "."); claims.Original != "" && n != 2 && n != 4 {
				t.Fatalf("%q", claims.Original)
			}
		}
		device, err := c.Challenge(context.Background(), deviceFor(authenticator.Passkey))
		check(t, err)
		if err == nil && (!json.Valid(device.Options) || len(device.State) > 4<<10) {
			t.Fatalf("%+v", device)
		}
		today, err := c.Recall(context.Background(), &authenticator.Identity{Subject: "grace-1"})
		check(t, err)
		if err == nil && today.Subject != "grace-1" {
			t.Fatalf("%+v", today)
		}
		binding, err := c.BindKey(context.Background(), bindingFor())
		check(t, err)
		if err == nil && (binding.Identity.Subject == "" || len(binding.Identity.State) > 8<<10 || len(binding.Certificate) > 16<<10) {
			t.Fatalf("%+v", binding)
		}
		verified, err := c.Verifications(context.Background(), claimsOf(authenticator.Identity{Subject: "grace-1"}))
		check(t, err)
		for i, v := range verified {
			isVerified := len(v.Verification) > 0
			if isVerified && (!json.Valid(v.Verification) || v.Verification[0] != '{') || !isVerified && i < len(verified)-1 || len(v.Values) == 0 {
				t.Fatalf("%d: %+v", i, verified)
			}
			for name, value := range v.Values {
				if string(value) != "null" || !utf8.ValidString(name) {
					t.Fatalf("%q: %q", name, value)
				}
			}
		}
		keys, err := c.PublicKeys(context.Background())
		check(t, err)
		var set jose.JSONWebKeySet
		if err == nil && json.Unmarshal(keys, &set) != nil {
			t.Fatalf("%s", keys)
		}
		receipt, err := c.SendCode(context.Background(), codeFor())
		check(t, err)
		if err == nil && (receipt.Length < 0 || receipt.Length > 32 || len(receipt.Destinations) > 8) {
			t.Fatalf("%+v", receipt)
		}
		for _, path := range []string{"/v1/capabilities", "/v1/forms/kba"} {
			_, _ = remote.New(context.Background(), remote.Config{
				BaseURL: "https://people.example.org",
				Transport: transport(func(r *http.Request) (*http.Response, error) {
					if r.URL.Path != path {
						return answerOf(200, `{"versions": [1], "factors": ["kba"], "codes": false, "forms": ["kba"]}`), nil
					}
					return answerOf(status, body), nil
				}),
			})
		}
	})
}

// FuzzRequest lets the provider ask whatever comes.
func FuzzRequest(f *testing.F) {
	for path, body := range map[string]string{
		"/v1/authenticate": loginBody, "/v1/recall": `{"identity":{"subject":"grace-1","state":"AP8="}}`,
		"/v1/codes":         `{"identifier":{"value":"4409173820"},"channels":["phone"],"acrs":["urn:example:loa:2"]}`,
		"/v1/claims":        `{"identity":{"subject":"grace-1"},"names":["name"],"verified":["name"]}`,
		"/v1/verifications": `{"identity":{"subject":"grace-1"},"names":["name"],"verified":["name"]}`,
		"/v1/challenges":    `{"transaction":"t","client_id":"c","factor":"pop"}`,
		"/v1/key-bindings":  `{"authentication":` + loginBody + `,"factor":"wla","key":{"kty":"OKP"},"header":{"partner-id":"p"}}`,
	} {
		f.Add(path, body)
	}
	people := newPeople()
	people.before = func(context.Context) { people.asked = nil }
	handler := must(remote.Handler(people, remote.ServerConfig{ClientCertificate: true}))
	f.Fuzz(func(t *testing.T, path, body string) {
		if !slices.Contains([]string{"/v1/authenticate", "/v1/recall", "/v1/codes", "/v1/claims", "/v1/challenges", "/v1/key-bindings", "/v1/verifications"}, path) {
			return
		}
		r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(body))
		r.TLS = verified()
		r.Header.Set("Authenticator-Version", "1")
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		if !slices.Contains([]int{200, 400, 413, 422}, w.Code) {
			t.Fatalf("%s %q: %d", path, body, w.Code)
		}
	})
}

// check fails unless the error, if there is one, has a reason.
func check(t *testing.T, err error) {
	t.Helper()
	if err == nil {
		return
	}
	e, ok := err.(*authenticator.Error)
	if !ok || e.Reason == "" {
		t.Fatalf("%v", err)
	}
}
