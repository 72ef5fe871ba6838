package authenticator

import (
	"errors"
	"fmt"
	"slices"
)

const maxACRBytes = 128

// ACR is an Authentication Context Class: a name that a client can ask for, and the ways to reach it.
type ACR struct {
	// Value is the name, such as "urn:example:loa:2" or "mosip:idp:acr:generated-code": at most 128 bytes of printable
	// ASCII without spaces, because a request lists several, separated by spaces.
	Value string
	// Alternatives are sets of factors in order of preference. The ACR is met when all factors of one set succeeded.
	Alternatives []FactorSet
}

// MetBy reports whether the factors that succeeded meet the ACR.
func (a ACR) MetBy(succeeded []Factor) bool {
	return slices.ContainsFunc(a.Alternatives, func(s FactorSet) bool { return s.MetBy(succeeded) })
}

// FactorSet is a set of factors that must all succeed. A set of one is the ordinary case, a set of two is two-factor
// authentication. The order is the one in which a page asks.
type FactorSet []Factor

// MetBy reports whether every factor of the set is among those that succeeded. Nothing meets the empty set.
func (s FactorSet) MetBy(succeeded []Factor) bool {
	return len(s) > 0 && !slices.ContainsFunc(s, func(f Factor) bool { return !slices.Contains(succeeded, f) })
}

// Equal reports whether both sets hold the same factors, in whatever order.
func (s FactorSet) Equal(other FactorSet) bool {
	return len(s) == 0 && len(other) == 0 || s.MetBy(other) && other.MetBy(s)
}

// ACRs are the Authentication Context Classes of a deployment, or those that one request may end in, in order of
// preference.
type ACRs []ACR

// Alternative is one way to log in: the factors to ask for, and the ACR that they reach.
type Alternative struct {
	ACR     string
	Factors FactorSet
}

// Values returns the names, in order: what discovery publishes as acr_values_supported.
func (a ACRs) Values() []string {
	values := make([]string, len(a))
	for i := range a {
		values[i] = a[i].Value
	}
	return values
}

// Select narrows the ACRs of a deployment to those that a login may end in, most preferred first: the requested ones
// that the client is registered for, in the order of the request; without a request all that the client is registered
// for, in the order of its registration; without a registration all. Values that the deployment does not know are
// left out.
//
// The result is empty when nothing of the request can be met. It is then up to the caller: an essential request must
// fail, a voluntary one goes on with Select(nil, registered) ([OpenID Connect Core, section 5.5.1.1]).
//
// [OpenID Connect Core, section 5.5.1.1]: https://openid.net/specs/openid-connect-core-1_0.html#acrSemantics
func (a ACRs) Select(requested, registered []string) ACRs {
	return a.only(registered).only(requested)
}

func (a ACRs) only(values []string) ACRs {
	if len(values) == 0 {
		return slices.Clone(a)
	}
	var selected ACRs
	for _, value := range values {
		named := func(acr ACR) bool { return acr.Value == value }
		if i := slices.IndexFunc(a, named); i >= 0 && !slices.ContainsFunc(selected, named) {
			selected = append(selected, a[i])
		}
	}
	return selected
}

// Alternatives returns what to offer the person: the factor sets of every ACR, in order. Of several equal sets only
// the first is offered, for the ACR that is preferred.
func (a ACRs) Alternatives() []Alternative {
	var alternatives []Alternative
	for _, acr := range a {
		for _, set := range acr.Alternatives {
			if !slices.ContainsFunc(alternatives, func(o Alternative) bool { return o.Factors.Equal(set) }) {
				alternatives = append(alternatives, Alternative{ACR: acr.Value, Factors: set})
			}
		}
	}
	return alternatives
}

// Met returns the ACR that the factors reached, the first one if they reached several: the acr of the ID Token, when
// it is asked of what Select returned. It reports false when they reached none.
func (a ACRs) Met(succeeded []Factor) (value string, ok bool) {
	i := slices.IndexFunc(a, func(acr ACR) bool { return acr.MetBy(succeeded) })
	if i < 0 {
		return "", false
	}
	return a[i].Value, true
}

// Strongest returns, of the ACRs that the factors reached, the one that takes the most of them, and of equals the first: the
// acr of the ID Token when the client did not ask for any. It reports false when they reached none.
func (a ACRs) Strongest(succeeded []Factor) (value string, ok bool) {
	most := 0
	for _, acr := range a {
		for _, set := range acr.Alternatives {
			if len(set) > most && set.MetBy(succeeded) {
				value, most = acr.Value, len(set)
			}
		}
	}
	return value, most > 0
}

// Validate reports everything that is wrong with the ACRs of a deployment whose Authenticator supports the given
// factors: a missing, ill-formed or repeated name, an ACR that nothing can meet, a set that is empty or repeated, a
// factor that is repeated in its set or not supported.
func (a ACRs) Validate(supported []Factor) error {
	var errs []error
	problem := func(format string, args ...any) { errs = append(errs, fmt.Errorf("authenticator: "+format, args...)) }

	if len(a) == 0 {
		problem("no ACR is configured")
	}
	for i, f := range supported {
		if !validName(string(f)) {
			problem("factor %q: a name is 1 to %d lower-case letters, digits, '_' and '-'", f, maxNameBytes)
		}
		if slices.Contains(supported[:i], f) {
			problem("factor %q: supported twice", f)
		}
	}
	for i, acr := range a {
		if !validACRValue(acr.Value) {
			problem("ACR %q: a value is 1 to %d bytes of printable ASCII without spaces", acr.Value, maxACRBytes)
		}
		if slices.ContainsFunc(a[:i], func(o ACR) bool { return o.Value == acr.Value }) {
			problem("ACR %q: configured twice", acr.Value)
		}
		if len(acr.Alternatives) == 0 {
			problem("ACR %q: no set of factors reaches it", acr.Value)
		}
		for j, set := range acr.Alternatives {
			if len(set) == 0 {
				problem("ACR %q: factor set %d is empty", acr.Value, j+1)
			}
			if slices.ContainsFunc(acr.Alternatives[:j], set.Equal) {
				problem("ACR %q: factor set %d repeats an earlier one", acr.Value, j+1)
			}
			for k, f := range set {
				if !slices.Contains(supported, f) {
					problem("ACR %q: factor %q is not supported", acr.Value, f)
				}
				if slices.Contains(set[:k], f) {
					problem("ACR %q: factor %q is twice in one set", acr.Value, f)
				}
			}
		}
	}
	return errors.Join(errs...)
}

func validACRValue(v string) bool {
	for i := range len(v) {
		if v[i] <= ' ' || v[i] > '~' {
			return false
		}
	}
	return v != "" && len(v) <= maxACRBytes
}
