package conformance_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/conformance"
	"github.com/gosignet/signet/conformance/internal/model"
)

// defect is one thing that a provider does wrong, and the check that must notice.
type defect struct {
	name, group, check string
	want               conformance.Status
	config             model.Config
	target             func(*model.Provider, *conformance.Target)
}

// unbroken are the checks that no broken provider here is caught by, and why.
var unbroken = map[string]string{
	"discovery-parameter-support":                 "it notes, and asks for nothing",
	sp + "dpop-negative-tests/header-in-capitals": "net/http gives handlers one spelling of every name, so that no Go provider can be broken here",
	"tls-good-versions":                           "see tls_test.go",
	"tls-old-versions":                            "see tls_test.go",
	"tls-1.3":                                     "see tls_test.go",
	"tls-1.2-suites":                              "see tls_test.go",
}

const sp = "fapi2-security-profile-final-"

// breaks has a provider break a rule, which each of the checks must find.
func breaks(group string, rule model.Rule, want conformance.Status, checks ...string) []defect {
	var all []defect
	for _, check := range checks {
		all = append(all, defect{name: "not: " + string(rule), group: group, check: check, want: want, config: model.Config{Broken: rule}})
	}
	return all
}

// tampers has a provider send something wrong.
func tampers(group, name string, tamper model.Tamper, want conformance.Status, checks ...string) []defect {
	var all []defect
	for _, check := range checks {
		all = append(all, defect{name: name, group: group, check: check, want: want, config: model.Config{Tamper: tamper}})
	}
	return all
}

func defects() []defect {
	return slices.Concat(discoveryDefects(), oidcDefects(), logoutDefects(), fapiDefects(), dpopDefects(), signingDefects(), refreshDefects(),
		assuranceDefects(), encryptionDefects())
}

func TestEveryDefectIsCaughtByItsCheck(t *testing.T) {
	t.Parallel()
	for _, d := range defects() {
		t.Run(d.group+"/"+d.check+"/"+d.name, func(t *testing.T) {
			t.Parallel()
			op, target := provider(d.config, d.group)
			if d.target != nil {
				d.target(op, &target)
			}
			target.Only = func(_, id string) bool { return id == d.check }
			report := check(t, target)
			require.Len(t, report.Results, 1, "the group has no such check")
			result := report.Results[0]
			assert.Equal(t, d.want.String(), result.Status.String(), "%v %v %v", result.Failures, result.Warnings, result.Skipped)
		})
	}
}

func TestEveryCheckCanFail(t *testing.T) {
	t.Parallel()
	caught := map[string]bool{}
	for _, d := range defects() {
		caught[d.check] = true
	}
	for _, group := range conformance.Groups() {
		for _, c := range group.Checks {
			if unbroken[c.ID] == "" {
				assert.True(t, caught[c.ID], "nothing shows that %s can fail", c.ID)
			}
		}
	}
}

func TestChecksAreNamedOnceInAGroupAndSayWhereTheyComeFrom(t *testing.T) {
	t.Parallel()
	for _, group := range conformance.Groups() {
		seen := map[string]bool{}
		for _, c := range group.Checks {
			assert.False(t, seen[c.ID], "%s is twice in %s", c.ID, group.Name)
			seen[c.ID] = true
			assert.NotEmpty(t, c.Title, c.ID)
			assert.NotEmpty(t, c.Clause, c.ID)
		}
	}
}
