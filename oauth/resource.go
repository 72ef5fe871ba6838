package oauth

import (
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"unicode/utf8"
)

// maxResources bounds how many resources one request may name.
const maxResources = 16

// Resource is a protected resource that access tokens can be restricted to (RFC 8707).
type Resource struct {
	// Identifier is what clients name in the parameter resource, and what becomes the aud of tokens: an absolute URI
	// without fragment.
	Identifier string
	// Scopes are the scopes that mean something at this resource alone. A token that has one is for the resource, whether
	// or not the client named it.
	Scopes []string
}

// resources are those of the server.
type resources []Resource

// of returns the resource that the scope belongs to, or empty.
func (r resources) of(scope string) string {
	for i := range r {
		if slices.Contains(r[i].Scopes, scope) {
			return r[i].Identifier
		}
	}
	return ""
}

func (r resources) known(identifier string) bool {
	return slices.ContainsFunc(r, func(known Resource) bool { return known.Identifier == identifier })
}

// check returns every mistake in the configuration.
func (r resources) check() (errs []error) {
	seen := map[string]bool{}
	for i, resource := range r {
		u, err := url.Parse(resource.Identifier)
		if err != nil || !u.IsAbs() || u.Fragment != "" || len(resource.Identifier) > maxURI {
			errs = append(errs, fmt.Errorf("oauth: Config.Resources: %q is not an absolute URI without fragment", resource.Identifier))
		}
		if r[:i].known(resource.Identifier) {
			errs = append(errs, fmt.Errorf("oauth: Config.Resources: %q is there twice", resource.Identifier))
		}
		for _, scope := range resource.Scopes {
			if !validScope(scope) || seen[scope] {
				errs = append(errs, fmt.Errorf("oauth: Config.Resources: scope %q is malformed or belongs to two resources", scope))
			}
			seen[scope] = true
		}
	}
	return errs
}

// requestedResources reads the parameter resource, which may be repeated (RFC 8707 section 2). A server without resources
// does not know the parameter.
func (s *Server) requestedResources(f form) ([]string, error) {
	if len(s.resources) == 0 {
		return nil, nil
	}
	values, err := f.all("resource")
	if err != nil {
		return nil, err
	}
	if len(values) > maxResources {
		return nil, refuse(InvalidTarget, "there are too many resources")
	}
	var requested []string
	for _, identifier := range values {
		if !s.resources.known(identifier) {
			return nil, refuse(InvalidTarget, "a requested resource is unknown")
		}
		if !slices.Contains(requested, identifier) {
			requested = append(requested, identifier)
		}
	}
	return requested, nil
}

// granted returns the resources that a code is good for: those that the client named, and those of the granted scopes.
func (r resources) granted(requested, scope []string) []string {
	granted := slices.Clone(requested)
	for _, name := range scope {
		if identifier := r.of(name); identifier != "" && !slices.Contains(granted, identifier) {
			granted = append(granted, identifier)
		}
	}
	return granted
}

// target restricts a token to the resources that the token request names, out of those that the code is good for, and to
// the scopes that mean something there. Without any it is for all of them, and for the provider itself if there is a scope
// of no resource, such as openid, or no resource at all.
func (s *Server) target(named []string, code *codeRecord) (audience, scope []string, err error) {
	for _, identifier := range named {
		if !slices.Contains(code.Resources, identifier) {
			return nil, nil, refuse(InvalidTarget, "the code is not good for a requested resource")
		}
	}
	if len(named) == 0 {
		unbound := slices.ContainsFunc(code.Grant.Scope, func(name string) bool { return s.resources.of(name) == "" })
		if len(code.Resources) == 0 {
			return nil, code.Grant.Scope, nil
		}
		audience = slices.Clone(code.Resources)
		if unbound {
			audience = append(audience, s.audience...)
		}
		return audience, code.Grant.Scope, nil
	}
	for _, name := range code.Grant.Scope {
		if owner := s.resources.of(name); owner == "" || slices.Contains(named, owner) {
			scope = append(scope, name)
		}
	}
	return named, scope, nil
}

// all returns the values of a parameter that may be repeated. As a claim of a request object it is text, or an array of
// texts.
func (f form) all(name string) ([]string, error) {
	if f.object == nil {
		values := slices.DeleteFunc(slices.Clone(f.values[name]), func(v string) bool { return v == "" })
		if slices.ContainsFunc(values, func(v string) bool { return !utf8.ValidString(v) }) {
			return nil, refuse(InvalidRequest, "the parameter "+name+" is not UTF-8")
		}
		return values, nil
	}
	claim := f.object.Member(name)
	if len(claim) == 0 || claim[0] != '[' {
		value, err := parameterText(name, claim)
		if err != nil || value == "" {
			return nil, err
		}
		return []string{value}, nil
	}
	var claims []json.RawMessage
	if err := json.Unmarshal(claim, &claims); err != nil {
		return nil, errRequestObject("the parameter "+name+" of the request object is malformed", err)
	}
	var values []string
	for _, c := range claims {
		if len(c) == 0 || c[0] != '"' {
			return nil, errRequestObject("the parameter "+name+" of the request object has the wrong type", nil)
		}
		value, err := parameterText(name, c)
		if err != nil {
			return nil, err
		}
		values = append(values, value)
	}
	return values, nil
}
