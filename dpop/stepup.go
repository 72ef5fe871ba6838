package dpop

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"
)

// InsufficientAuthentication says that the person has to prove more, or anew, before the token is good enough (RFC 9470
// section 3).
const InsufficientAuthentication ErrorCode = "insufficient_user_authentication"

// Authentication is what a resource demands of the login that a token comes from (RFC 9470). The zero value demands
// nothing.
type Authentication struct {
	// ACRValues are the authentication contexts of which the login must have met one, in order of preference. They stand in
	// challenges: printable ASCII without spaces, quotes and backslashes.
	ACRValues []string
	// MaxAge is how long ago the person may have authenticated, in whole seconds. Zero means any time.
	MaxAge time.Duration
}

// Require lets a request through to next if its token comes from a login that is good enough. It goes inside
// [Resource.Handler]. Otherwise the answer is 401 with the challenge of RFC 9470 section 3, from which a client knows the
// acr_values and max_age to authorize with again; the provider then asks the person for what is missing.
func (s *Resource) Require(a Authentication, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		access, ok := FromContext(r.Context())
		if !ok {
			s.Refuse(w, r, errors.New("dpop: the request came around the Resource"))
			return
		}
		if why := s.lacks(a, access.Token); why != "" {
			s.Refuse(w, r, &Error{Code: InsufficientAuthentication, Description: why, Needed: a})
			return
		}
		next.ServeHTTP(w, r)
	})
}

// lacks says what the login of the token lacks, if anything.
func (s *Resource) lacks(a Authentication, t *Token) string {
	switch {
	case len(a.ACRValues) > 0 && (t.ACR == "" || !slices.Contains(a.ACRValues, t.ACR)):
		return "a stronger authentication is needed"
	case a.MaxAge > 0 && (t.AuthTime.IsZero() || s.verifier.now().Sub(t.AuthTime) > a.MaxAge):
		return "a more recent authentication is needed"
	}
	return ""
}

// acrValues is what stands in the challenge. A value that could end the quoted string is left out.
func (a Authentication) acrValues() string {
	return strings.Join(slices.DeleteFunc(slices.Clone(a.ACRValues), func(v string) bool {
		return strings.ContainsFunc(v, func(r rune) bool { return r <= ' ' || r > '~' || r == '"' || r == '\\' })
	}), " ")
}
