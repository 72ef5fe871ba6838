package remote_test

import (
	"context"
	"encoding/json"
	"net/http"
	"testing"
	"unicode/utf8"

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
		`{"title": "Forbidden", "status": 403, "reason": "locked", "retry_at": "2026-03-01T12:05:00+03:00"}`,
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
					return answerOf(200, `{"versions": [1], "factors": ["otp", "pwd"], "codes": true}`), nil
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
