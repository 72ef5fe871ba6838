package esignet

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf16"

	"github.com/gosignet/signet/authenticator"
)

// Challenge is what the answer to a challenge of a factor has to look like.
type Challenge struct {
	Format string
	// MinLength and MaxLength bound the answer, in UTF-16 units.
	MinLength, MaxLength int
}

// DefaultChallenges returns the formats of eSignet 1.8.
func DefaultChallenges() map[string]Challenge {
	return map[string]Challenge{
		"OTP": {"alpha-numeric", 6, 6},
		"PIN": {"number", 6, 6},
		"PWD": {"alpha-numeric", 8, 30},
		"BIO": {"encoded-json", 500, 500_000},
		"WLA": {"jwt", 500, 1000},
		"KBI": {"base64url-encoded-json", 50, 500},
		"IDT": {"base64url-encoded-json", 20, 2000},
	}
}

// makeRoom lets requests of the envelope be as long as the longest answer needs: a face, in the main. Long answers are of
// characters that take one byte.
func (a *API) makeRoom(formats map[string]Challenge) {
	for _, c := range formats {
		a.maxBody = max(a.maxBody, int64(maxBody+c.MaxLength))
	}
}

// challenge is the answer to a challenge, as requests have it.
type challenge struct {
	AuthFactorType text `json:"authFactorType"`
	Challenge      text `json:"challenge"`
	Format         text `json:"format"`
}

// wrongChallenge is the code of what is wrong with the form of a challenge, or empty if nothing is.
func wrongChallenge(formats map[string]Challenge, c *challenge) string {
	format, ok := formats[string(c.AuthFactorType)]
	n := len(utf16.Encode([]rune(string(c.Challenge))))
	if blank(c.Challenge) {
		n = 0
	}
	switch {
	case !ok:
		return invalidFactor
	case string(c.Format) != format.Format:
		return invalidChallengeFormat
	case n < format.MinLength || n > format.MaxLength:
		return invalidChallenge
	}
	return ""
}

// challenged is a request with answers to challenges.
type challenged interface{ challenges() []challenge }

// formatted is a check that there are as many challenges as a request may have, each of the format of its factor.
func formatted[Q challenged](formats map[string]Challenge) func(Q, *violations) {
	return func(q Q, v *violations) {
		list := q.challenges()
		if len(list) < 1 || len(list) > 5 {
			v.check(false, "request.challengeList", "invalid_no_of_challenges")
			return
		}
		for i := range list {
			code := wrongChallenge(formats, &list[i])
			v.check(code == "", fmt.Sprintf("request.challengeList[%d]", i), code)
		}
	}
}

func challengeError(code string, i int) error {
	return &Error{Code: code, Message: fmt.Sprintf("request.challengeList[%d]: %s", i, code)}
}

// answers reads the challenges of a request.
func answers(list []challenge) ([]authenticator.Challenge, error) {
	all := make([]authenticator.Challenge, len(list))
	for i := range list {
		factor := factorOf(string(list[i].AuthFactorType))
		response, ok := decodeChallenge(factor, string(list[i].Challenge))
		if !ok {
			return nil, challengeError(invalidChallenge, i)
		}
		if factor == authenticator.Knowledge {
			response = flatten(nil, response)
		}
		all[i] = authenticator.Challenge{Factor: factor, Response: response}
	}
	return all, nil
}

// factorTypes are the API's names of factors. Those of a deployment's own are in upper case there, and in lower case here.
var factorTypes = map[authenticator.Factor]string{authenticator.Knowledge: "KBI"}

func typeOf(f authenticator.Factor) string {
	if t, ok := factorTypes[f]; ok {
		return t
	}
	return strings.ToUpper(string(f))
}

func factorOf(t string) authenticator.Factor {
	for f, name := range factorTypes {
		if name == t {
			return f
		}
	}
	return authenticator.Factor(strings.ToLower(t))
}

// decodeChallenge is the answer as the factor is defined.
func decodeChallenge(f authenticator.Factor, s string) (string, bool) {
	switch f {
	case authenticator.Knowledge:
		data, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(s, "="))
		return string(data), err == nil
	case authenticator.Biometrics: // base64 there, base64url here
		s = strings.TrimRight(strings.NewReplacer("+", "-", "/", "_").Replace(s), "=")
		_, err := base64.RawURLEncoding.DecodeString(s)
		return s, err == nil
	case authenticator.IDToken: // within a JSON object there
		data, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(s, "="))
		var o struct {
			Token string `json:"token"`
		}
		return o.Token, err == nil && json.Unmarshal(data, &o) == nil && o.Token != ""
	}
	return s, true
}
