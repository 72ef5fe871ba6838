package conformance_test

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"strings"

	"github.com/gosignet/signet/conformance"
	"github.com/gosignet/signet/conformance/internal/model"
)

// A target names the provider, two clients for each group of checks, and what a person types on which page.
func ExampleReadTarget() {
	target, err := conformance.ReadTarget(strings.NewReader(`{
		"issuer": "https://op.example",
		"profiles": {"oidc-config": {}},
		"login": {
			"steps": [
				{"submit": "login_with_pwd"},
				{"fill": {"identifier": "2740198356", "response": "secret"}, "submit": "verify_password"},
				{"check_all": true, "submit": "continue"}
			],
			"cancel": "cancel"
		}
	}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(target.Issuer, target.Validate())
	// Output: https://op.example <nil>
}

// Checks can run in process, against a handler.
func ExampleTarget_Check() {
	var provider http.Handler = model.New(model.Config{Issuer: "https://op.example"})
	target := conformance.Target{
		Issuer:    "https://op.example",
		Profiles:  map[string]*conformance.Profile{"oidc-config": {}},
		Transport: conformance.InProcess(provider),
		Only:      func(_, id string) bool { return strings.HasPrefix(id, "discovery-s") || id == "jwks-response" },
	}
	report, err := target.Check(context.Background())
	if err != nil {
		fmt.Println(err)
		return
	}
	report.Duration = 0
	report.WriteText(os.Stdout, false)
	// Output:
	// https://op.example
	//
	// oidc-config
	//   passed   discovery-subject-types
	//   passed   discovery-scopes
	//   failed   jwks-response
	//            failed: jwks_uri must answer with 200 and a key set, not with 200 application/json {"keys":null}
	//            The key set is JSON with at least one key, all of which can be read (RFC 7517, 5)
	//
	// 3 checks: 2 passed, 1 failed, 0 with warnings, 0 skipped in 0s
}
