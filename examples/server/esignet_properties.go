package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// property is what becomes of a property of eSignet: flags, or the reason why it becomes nothing.
type property struct {
	flags func(value string) ([]string, error)
	note  string
}

// seconds makes a flag of a number of seconds.
func secondsFlag(name string) property {
	return property{flags: func(v string) ([]string, error) {
		n, err := strconv.Atoi(v)
		if err != nil || n <= 0 {
			return nil, errors.New("is no number of seconds")
		}
		return []string{fmt.Sprintf("-%s=%ds", name, n)}, nil
	}}
}

// attempts is a number of them.
func attempts(v string) (int, error) {
	n, err := strconv.Atoi(v)
	if err != nil || n <= 0 {
		return 0, errors.New("is no number of attempts")
	}
	return n, nil
}

// answerFlags say how often people may answer. eSignet then ends the login and blocks the identifier, and has nobody wait before.
func answerFlags(v string) ([]string, error) {
	n, err := attempts(v)
	if err != nil {
		return nil, err
	}
	return []string{
		fmt.Sprintf("-attempts-per-login=%d", n), fmt.Sprintf("-attempts-per-person=%d", n), fmt.Sprintf("-delay-after=%d", n+1),
	}, nil
}

// codeFlags say how many codes are sent.
func codeFlags(v string) ([]string, error) {
	n, err := attempts(v)
	return []string{fmt.Sprintf("-codes-per-login=%d", n)}, err
}

func valueFlag(name string) property {
	return property{flags: func(v string) ([]string, error) { return []string{"-" + name + "=" + v}, nil }}
}

func only(value, otherwise string) property {
	return property{flags: func(v string) ([]string, error) {
		if strings.Join(itemsOf(v), ",") != value {
			return nil, errors.New(otherwise)
		}
		return nil, nil
	}}
}

// itemsOf are the texts of a list, which is written {'a','b'} or a,b.
func itemsOf(v string) []string {
	literal, err := parseSpEL(v)
	items, ok := literal.([]any)
	if err != nil || !ok {
		return strings.Split(v, ",")
	}
	var texts []string
	for _, item := range items {
		texts = append(texts, fmt.Sprint(item))
	}
	return texts
}

func algorithmFlags(v string) ([]string, error) {
	text := strings.Join(itemsOf(v), ",")
	if new(algorithms).set(text) != nil {
		return nil, fmt.Errorf("has an algorithm that is none of %v", signatureAlgorithms)
	}
	return []string{"-algorithms=" + text}, nil
}

// properties are those that there is something to say of, without "mosip.esignet." before them.
var properties = map[string]property{
	"discovery.issuer-id":                      valueFlag("issuer"),
	"access-token-expire-seconds":              secondsFlag("access-token-lifetime"),
	"preauthentication-expire-in-secs":         secondsFlag("login-lifetime"),
	"link-code-expire-in-secs":                 secondsFlag("link-code-lifetime"),
	"linked-transaction-expire-in-secs":        secondsFlag("link-transaction-lifetime"),
	"amr-acr-mapping-file-path":                {flags: func(v string) ([]string, error) { return []string{"-acrs=" + strings.TrimPrefix(v, "file:")}, nil }},
	"authenticate.attempts":                    {flags: answerFlags},
	"send-otp.attempts":                        {flags: codeFlags},
	"authenticate.invocation-gap-secs":         {note: "eSignet does not look at it; wrong answers have people wait here: -delay, -delay-after"},
	"send-otp.invocation-gap-secs":             {note: "eSignet does not look at it; the identity system says when a code can be sent again: resend_after in -identity"},
	"server.profile":                           {flags: serverProfile},
	"captcha.required":                         {flags: captchaFlags},
	"supported.grant.types":                    only("authorization_code", "authorization_code is the only grant type here"),
	"supported.response.types":                 only("code", "code is the only response type here"),
	"supported.client.auth.methods":            only("private_key_jwt", "private_key_jwt is the only method here"),
	"supported-pkce-methods":                   only("S256", "S256 is the only method here"),
	"client-assertion.unique.jti.required":     only("true", "an assertion is always accepted once"),
	"supported.client.auth.signing.algorithms": {flags: algorithmFlags},
	"signup-id-token-audience":                 valueFlag("signup-client"),
	"ui.eKYC-steps.url":                        valueFlag("signup-url"),
	"id-token-expire-seconds":                  {note: "ID Tokens live as long as they need to be looked at"},
	"nonce-expire-seconds":                     {note: "replays of nonces are for relying parties to find"},
	"cache.store.individual-id":                {note: "what is stored is sealed by its bearer, always"},
	"cache.secure.individual-id":               {note: "what is stored is sealed by its bearer, always"},
	"cache.security.secretkey.reference-id":    {note: "keys of what is stored are derived from what its bearer holds"},
	"cache.security.algorithm-name":            {note: "AES-256-GCM, always"},
	"domain.url":                               {note: "the issuer is the base of all URLs"},
}

func serverProfile(v string) ([]string, error) {
	switch v {
	case "none":
		return nil, nil
	case "fapi2.0":
		return []string{"-profile=fapi2"}, nil
	}
	return nil, errors.New("is a profile of your own: give the clients its members one by one")
}

// captchaSteps returns what -captcha-on says for eSignet's steps.
func captchaSteps(v string) (string, error) {
	steps := map[string]bool{}
	for step := range strings.SplitSeq(v, ",") {
		switch strings.TrimSpace(step) {
		case "send-otp", "binding-otp":
			steps["code"] = true
		case "pwd", "pin", "bio", "kbi":
			steps["answer"] = true
		case "":
		default:
			return "", fmt.Errorf("knows a step %q that is none here", step)
		}
	}
	return strings.Join(slices.Sorted(maps.Keys(steps)), ","), nil
}

func captchaFlags(v string) ([]string, error) {
	steps, err := captchaSteps(v)
	if err != nil || steps == "" {
		return nil, err
	}
	return []string{"-captcha=altcha", "-captcha-on=" + steps}, nil
}

// uiProperty has the settings of eSignet's pages.
const uiProperty = "ui.config.key-values"

// pagesOfReference makes the file of -pages of the settings, and says what is in none.
func pagesOfReference(value string) (file string, notes []string, err error) {
	literal, err := parseSpEL(value)
	if err != nil {
		return "", nil, err
	}
	settings, ok := literal.(map[string]any)
	if !ok {
		return "", nil, errLiteral
	}
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		key := slices.IndexFunc(referenceKeys, func(k referenceKey) bool { return k.name == name })
		reason := "has no equivalent"
		if key >= 0 && referenceKeys[key].read != nil {
			reason = checkSetting(name, settings[name])
		} else if key >= 0 {
			reason = referenceKeys[key].note
		}
		if reason != "" {
			notes = append(notes, name+": "+reason)
			delete(settings, name)
		}
	}
	if len(settings) == 0 {
		return "", notes, nil
	}
	data, err := json.MarshalIndent(settings, "", "  ")
	return string(data), notes, err
}

// checkSetting says what is wrong with the value, as the server would.
func checkSetting(name string, value any) string {
	data, err := json.Marshal(map[string]any{name: value})
	if err == nil {
		err = new(pages).read(data, "")
	}
	if err != nil {
		return strings.ReplaceAll(strings.TrimPrefix(err.Error(), name+": "), "\n", "; ")
	}
	return ""
}

// importProperties is the command.
func importProperties(_ context.Context, t *terminal, _ []string) error {
	data, err := t.input()
	if err != nil {
		return err
	}
	values, err := parseProperties(data)
	if err != nil {
		return err
	}
	var flags, without, unknown []string
	var pages string
	used := map[string]bool{} // in what became something
	for _, name := range slices.Sorted(maps.Keys(values)) {
		short := strings.TrimPrefix(name, "mosip.esignet.")
		p, known := properties[short]
		references := map[string]bool{}
		value, err := resolve(values, values[name], 0, references)
		switch {
		case short == uiProperty && err == nil:
			var notes []string
			pages, notes, err = pagesOfReference(value)
			without = append(without, notes...)
		case name == "spring.datasource.url" || strings.Contains(short, "database.") || strings.Contains(name, "redis"):
			err = errors.New("say where what lasts is with -store, and what does not with -state")
		case !known || short == name:
			unknown = append(unknown, name)
			continue
		case err != nil:
		case p.flags == nil:
			err = errors.New(p.note)
		default:
			var more []string
			if more, err = p.flags(value); err == nil {
				flags = append(flags, more...)
			}
		}
		if err != nil {
			without = append(without, name+": "+err.Error()) // the value may be a secret
			continue
		}
		maps.Copy(used, references)
	}
	for _, name := range unknown {
		if !used[name] {
			without = append(without, name+": has no equivalent")
		}
	}
	fmt.Fprintln(t.stdout, "# flags of the server")
	for _, f := range flags {
		fmt.Fprintln(t.stdout, f)
	}
	if pages != "" {
		fmt.Fprintln(t.stdout, "# the file of -pages\n"+pages)
	}
	fmt.Fprintln(t.stdout, "# without an equivalent")
	for _, line := range slices.Sorted(slices.Values(without)) {
		fmt.Fprintln(t.stdout, "# "+line)
	}
	return nil
}

// parseProperties reads Java's format: names and values between = or :, comments, and lines that go on after a backslash.
func parseProperties(data []byte) (map[string]string, error) {
	values := map[string]string{}
	lines := bufio.NewScanner(bytes.NewReader(data))
	lines.Buffer(nil, maxInput)
	for whole := ""; lines.Scan(); {
		line := strings.TrimLeft(lines.Text(), " \t\f")
		if whole == "" && (line == "" || line[0] == '#' || line[0] == '!') {
			continue
		}
		whole += line
		if n := len(whole) - len(strings.TrimRight(whole, `\`)); n%2 == 1 {
			whole = whole[:len(whole)-1]
			continue
		}
		name, value := whole, ""
		if i := strings.IndexAny(whole, "=: \t"); i >= 0 {
			name, value = whole[:i], strings.TrimSpace(strings.TrimLeft(whole[i:], "=: \t"))
		}
		values[name] = strings.NewReplacer(`\:`, ":", `\=`, "=", `\\`, `\`).Replace(value)
		whole = ""
	}
	return values, lines.Err()
}

// resolve replaces ${name} and ${name:default}, and notes the names.
func resolve(values map[string]string, value string, depth int, names map[string]bool) (string, error) {
	if depth > 16 {
		return "", errors.New("refers to itself")
	}
	var out strings.Builder
	for {
		before, rest, found := strings.Cut(value, "${")
		out.WriteString(before)
		if !found {
			return out.String(), nil
		}
		reference, after, found := strings.Cut(rest, "}")
		if !found {
			return "", errors.New("has a ${ without a }")
		}
		name, otherwise, has := strings.Cut(reference, ":")
		names[name] = true
		other, ok := values[name]
		if !ok && !has {
			return "", fmt.Errorf("refers to %s, which is not in the file", name)
		}
		if !ok {
			other = otherwise
		}
		resolved, err := resolve(values, other, depth+1, names)
		if err != nil {
			return "", err
		}
		out.WriteString(resolved)
		value = after
	}
}
