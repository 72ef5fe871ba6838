package esignet

import (
	"cmp"
	"encoding/base64"
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/gosignet/signet/authenticator"
)

// flatten turns answers to a form as pages of this API give them into those that an Authenticator takes. Answers in several
// languages, [{"language": …, "value": …}, …], stay where the form asks for them; otherwise the first that says something
// stands for all. Without a form none asks for any.
func flatten(form *authenticator.Form, response string) string {
	var answers map[string]json.RawMessage
	if json.Unmarshal([]byte(response), &answers) != nil || answers == nil {
		return response
	}
	fields := map[string]authenticator.FormField{}
	if form != nil {
		for _, f := range form.Fields {
			fields[f.Name] = f
			if f.Confirm {
				delete(answers, f.Name+"_confirm")
			}
		}
	}
	for name, answer := range answers {
		f := fields[name]
		var languages []struct {
			Value string `json:"value"`
		}
		switch text, isText := str(answer); {
		case f.Type == authenticator.FieldPhoto && isText:
			answers[name] = textJSON(photo(text))
		case string(answer) == "true", string(answer) == "false":
			answers[name] = textJSON(string(answer))
		case len(f.Languages)+len(f.OptionalLanguages) > 0 || json.Unmarshal(answer, &languages) != nil:
		default:
			first := ""
			for _, l := range languages {
				first = cmp.Or(first, strings.TrimSpace(l.Value))
			}
			answers[name] = textJSON(first)
		}
	}
	flat, err := json.Marshal(answers)
	if err != nil {
		return response
	}
	return string(flat)
}

func textJSON(s string) json.RawMessage {
	b, _ := json.Marshal(s) // a string always can be
	return b
}

// photo is a photo in base64url, from a data URL or any other base64.
func photo(s string) string {
	if _, data, ok := strings.Cut(s, ";base64,"); ok {
		s = data
	}
	return strings.TrimRight(strings.NewReplacer("+", "-", "/", "_").Replace(s), "=")
}

// fits reports whether the answers are of the form.
func fits(form *authenticator.Form, response string) bool {
	var answers map[string]json.RawMessage
	if json.Unmarshal([]byte(response), &answers) != nil {
		return false
	}
	if form == nil {
		return true
	}
	for _, f := range form.Fields {
		answer, there := answers[f.Name]
		if !there && f.Optional {
			continue
		}
		if len(f.Languages)+len(f.OptionalLanguages) > 0 {
			if !fitsLanguages(f, answer) {
				return false
			}
		} else if s, ok := str(answer); !ok || !fitsField(f, s) {
			return false
		}
	}
	return true
}

// fitsLanguages reports whether the answer is a list with all languages that have to be there, and no others.
func fitsLanguages(f authenticator.FormField, answer json.RawMessage) bool {
	var list []struct{ Language, Value string }
	if json.Unmarshal(answer, &list) != nil {
		return false
	}
	left := append(slices.Clip(f.Languages), f.OptionalLanguages...)
	for _, l := range list {
		i := slices.Index(left, l.Language)
		if i < 0 || !fitsField(f, l.Value, l.Language) {
			return false
		}
		left = slices.Delete(left, i, i+1)
	}
	return !slices.ContainsFunc(f.Languages, func(l string) bool { return slices.Contains(left, l) })
}

func fitsField(f authenticator.FormField, s string, languages ...string) bool {
	own, longest, ok := s, cmp.Or(f.MaxLength, 100), true
	switch f.Type {
	case authenticator.FieldPhoto:
		data, err := base64.RawURLEncoding.DecodeString(s)
		return err == nil && len(data) > 0 && len(data) <= cmp.Or(f.MaxLength, authenticator.MaxPhoto)
	case authenticator.FieldCheckbox:
		return s == "true" || s == "false" && f.Optional
	case authenticator.FieldChoice:
		return slices.ContainsFunc(f.Options, func(o authenticator.FormOption) bool { return o.Value == s })
	case authenticator.FieldPhone:
		_, own, ok = f.Number(s)
	}
	if !ok || strings.TrimSpace(own) == "" || utf8.RuneCountInString(own) > longest {
		return false
	}
	if f.Pattern != "" {
		if pattern, err := regexp.Compile(`\A(?:` + f.Pattern + `)\z`); err == nil && !pattern.MatchString(own) {
			return false
		}
	}
	return f.Broken(s, languages...) == nil
}
