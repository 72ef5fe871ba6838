package dpop

import (
	"strconv"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// challenge is the value of a WWW-Authenticate header field (RFC 9449 section 7.1). The error is nil, or its code empty,
// where there is nothing to tell; the algorithms are for the scheme DPoP only.
func challenge(scheme string, e *Error, algorithms []jose.SignatureAlgorithm) string {
	var parameters []string
	if e != nil && e.Code != "" {
		parameters = append(parameters, `error="`+string(e.Code)+`"`, `error_description="`+e.Description+`"`)
		if values := e.Needed.acrValues(); values != "" {
			parameters = append(parameters, `acr_values="`+values+`"`)
		}
		if e.Needed.MaxAge > 0 {
			parameters = append(parameters, `max_age="`+strconv.FormatInt(int64(e.Needed.MaxAge/time.Second), 10)+`"`)
		}
	}
	if len(algorithms) > 0 {
		names := make([]string, len(algorithms))
		for i, alg := range algorithms {
			names[i] = string(alg)
		}
		parameters = append(parameters, `algs="`+strings.Join(names, " ")+`"`)
	}
	return strings.TrimSuffix(scheme+" "+strings.Join(parameters, ", "), " ")
}

// challengeError returns the error of the DPoP challenge in the values of WWW-Authenticate, which may have several
// challenges each (RFC 9110 section 11.6.1). It is empty if there is none.
func challengeError(values []string) string {
	for _, value := range values {
		scheme := ""
		for rest := value; rest != ""; {
			var item string
			item, rest = cutItem(rest)
			name, after := cutToken(item)
			parameter := strings.TrimLeft(after, " \t")
			if name != "" && !strings.HasPrefix(parameter, "=") { // a scheme, and its first parameter
				scheme = name
				name, after = cutToken(parameter)
				parameter = strings.TrimLeft(after, " \t")
			}
			if strings.EqualFold(scheme, Scheme) && strings.EqualFold(name, "error") && strings.HasPrefix(parameter, "=") {
				return unquote(strings.Trim(parameter[1:], " \t"))
			}
		}
	}
	return ""
}

// cutItem returns what is before the first comma outside of quotes, without the space around it, and what is after.
func cutItem(s string) (item, rest string) {
	quoted := false
	for i := 0; i < len(s); i++ {
		switch {
		case quoted && s[i] == '\\':
			i++
		case s[i] == '"':
			quoted = !quoted
		case s[i] == ',' && !quoted:
			return strings.Trim(s[:i], " \t"), s[i+1:]
		}
	}
	return strings.Trim(s, " \t"), ""
}

// cutToken returns the token (RFC 9110 section 5.6.2) at the beginning, and what is after.
func cutToken(s string) (token, rest string) {
	for i := range len(s) {
		c := s[i]
		if !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("!#$%&'*+-.^_`|~", c) >= 0) {
			return s[:i], s[i:]
		}
	}
	return s, ""
}

// unquote returns the text of a quoted string; what is not quoted is returned as it is.
func unquote(s string) string {
	if len(s) < 2 || s[0] != '"' || s[len(s)-1] != '"' {
		return s
	}
	s = s[1 : len(s)-1]
	if !strings.Contains(s, `\`) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) {
			i++
		}
		b.WriteByte(s[i])
	}
	return b.String()
}
