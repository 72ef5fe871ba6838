package ui

import (
	"cmp"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/gosignet/signet/authenticator"
)

// answerIn is the answer in one of several languages.
type answerIn struct {
	Language string `json:"language"`
	Value    string `json:"value"`
}

// read takes over what was typed, and returns what it means: what the response has, or nil for an optional field that is
// empty. It says in Error what is the matter.
func (q *question) read(l *locale, form url.Values) any {
	if q.Fixed {
		if q.field.Value == "" {
			return nil
		}
		return q.field.Value
	}
	var answer string
	switch q.field.Type {
	case authenticator.FieldCheckbox:
		q.Value = strconv.FormatBool(form.Get(q.Name) == "true")
		if q.Value == "false" && q.Required {
			q.Error = q.Missing
		}
		return q.Value
	case authenticator.FieldPhoto:
		answer = q.readPhoto(l, form.Get(q.Name))
	case authenticator.FieldDate:
		answer = q.readDate(l, form)
	case authenticator.FieldChoice:
		answer = form.Get(q.Name)
		q.put(answer)
		if !q.chosen() {
			answer = ""
		}
		if answer == "" && q.Required {
			q.Error = q.Missing
		}
	case authenticator.FieldPassword:
		answer = q.readPassword(l, form)
	default:
		if q.Kind == languagesKind {
			return q.readLanguages(l, form)
		}
		answer = q.readText(l, form)
	}
	if q.Error == "" && answer == "" {
		return nil
	}
	if q.Error == "" && q.field.Type != authenticator.FieldPhoto {
		q.checkRules(l, answer, l.names...)
	}
	return answer
}

func (q *question) chosen() bool {
	for _, o := range q.Options {
		if o.Chosen {
			return true
		}
	}
	return false
}

// readText reads texts, digits and phone numbers.
func (q *question) readText(l *locale, form url.Values) string {
	q.Value = strings.TrimSpace(form.Get(q.Name))
	value, prefix := q.Value, ""
	digits := q.Digits || q.field.Type == authenticator.FieldPhone
	if digits {
		value = normalizeCode(value)
	}
	q.choosePrefix(form.Get(q.Name + ".prefix"))
	if q.field.Type == authenticator.FieldPhone && value != "" {
		prefix, value = q.readNumber(value)
		if len(q.field.Prefixes) == 0 && strings.HasPrefix(value, "+") {
			prefix, value = "+", value[1:]
		}
	}
	if value == "" && prefix == "" {
		if q.Required {
			q.Error = q.Missing
		}
		return ""
	}
	q.check(l, value, digits)
	return prefix + value
}

// readNumber returns the prefix and the rest of a phone number, which may have been pasted whole.
func (q *question) readNumber(typed string) (prefix, rest string) {
	if len(q.field.Prefixes) == 0 {
		return "", typed
	}
	prefix, rest = q.field.Prefixes[0], typed
	for _, p := range q.Prefixes {
		if p.Chosen {
			prefix = p.Value
		}
	}
	if own, pasted, ok := q.field.Number(typed); ok && strings.HasPrefix(own, "+") {
		prefix, rest = own, pasted
		q.choosePrefix(own)
		q.Value = rest
	}
	return prefix, rest
}

// check says what is the matter with a text that is there.
func (q *question) check(l *locale, value string, digits bool) {
	problem := ""
	switch n := utf8.RuneCountInString(value); {
	case n > q.MaxLength || q.identifies && len(value) > maxIdentifierBytes:
		q.Error = l.count("answer.too_long", q.MaxLength, "label", q.Label)
		return
	case !utf8.ValidString(value) || strings.ContainsFunc(value, unicode.IsControl):
		problem = "answer.pattern"
	case digits && (value == "" || strings.ContainsFunc(value, func(r rune) bool { return r < '0' || r > '9' })):
		problem = "answer.digits"
	case !matches(q.field.Pattern, value):
		problem = "answer.pattern"
	}
	if problem != "" {
		q.Error = l.text(problem, "label", q.Label)
	}
}

func (q *question) checkRules(l *locale, answer string, languages ...string) {
	if rule := q.field.Broken(answer, languages...); rule != nil {
		q.Error = cmp.Or(l.in(rule.Errors).Text, l.text("answer.pattern", "label", q.Label))
	}
}

// matches reports whether the whole text matches. A pattern that is none is the identity system's mistake, which nobody
// who logs in can do anything about: it then decides on the answer alone.
func matches(pattern, text string) bool {
	re, err := regexp.Compile(`\A(?:` + pattern + `)\z`)
	return pattern == "" || err != nil || re.MatchString(text)
}

// readPassword leaves a password as it was typed, and never shows it again.
func (q *question) readPassword(l *locale, form url.Values) string {
	value := form.Get(q.Name)
	switch {
	case value == "":
		if q.Required {
			q.Error = q.Missing
		}
		return ""
	case q.Confirm != "" && form.Get(q.Name+"_confirm") != value:
		q.Error, q.ErrorID = q.say(l, authenticator.MessageMismatch, l.text("answer.mismatch", "label", q.Label)), q.ID+"_confirm"
	default:
		q.Value = value
		q.check(l, value, false)
	}
	return value
}

// readLanguages returns the texts that are there, in the order of the languages.
func (q *question) readLanguages(l *locale, form url.Values) any {
	var list []answerIn
	for _, part := range q.Parts {
		part.Value = strings.TrimSpace(form.Get(part.Name))
		before := q.Error
		q.Error = ""
		switch {
		case part.Value == "" && part.Required:
			q.Error = q.Missing
		case part.Value != "":
			if q.check(l, part.Value, false); q.Error == "" {
				q.checkRules(l, part.Value, part.code)
			}
			list = append(list, answerIn{part.code, part.Value})
		}
		part.Invalid = q.Error != ""
		if part.Invalid && before == "" {
			q.ErrorID = part.ID
		}
		q.Error = cmp.Or(before, q.Error)
	}
	if len(list) == 0 {
		return nil
	}
	return list
}

// readDate returns the date as yyyy-MM-dd.
func (q *question) readDate(l *locale, form url.Values) string {
	var numbers [3]int
	empty, wrong := 0, false
	for i, part := range q.Parts {
		part.Value = strings.TrimSpace(form.Get(part.Name))
		digits := normalizeCode(part.Value)
		n, err := strconv.ParseUint(digits, 10, 16)
		if digits == "" {
			empty++
		} else if err != nil || part == q.Parts[2] && len(digits) != 4 {
			wrong = true
		}
		numbers[i] = int(n)
	}
	day, month, year := numbers[0], numbers[1], numbers[2]
	date := time.Date(year, time.Month(month), day, 0, 0, 0, 0, time.UTC)
	switch {
	case empty == len(q.Parts):
		if q.Required {
			q.Error = q.Missing
		}
	case empty > 0, wrong, year < 1, date.Day() != day, int(date.Month()) != month:
		q.Error = l.text("answer.date", "label", q.Label)
	default:
		return fmt.Sprintf("%04d-%02d-%02d", year, month, day)
	}
	for _, part := range q.Parts {
		part.Invalid = q.Error != ""
	}
	return ""
}

// splitDate reads a date that the form gives: as "yyyy-MM-dd", or in its own format.
func splitDate(value, format string) (year, month, day string, ok bool) {
	layout := strings.NewReplacer("yyyy", "2006", "MM", "01", "mm", "01", "dd", "02").Replace(format)
	for _, l := range []string{time.DateOnly, layout} {
		if t, err := time.Parse(l, value); err == nil {
			return t.Format("2006"), t.Format("1"), t.Format("2"), true
		}
	}
	return "", "", "", false
}

// setPhoto prepares a photo.
func (q *question) setPhoto(l *locale) {
	q.MaxLength = cmp.Or(q.field.MaxLength, authenticator.MaxPhoto)
	if q.Hint.Text == "" {
		q.Hint.Text = l.text("answer.photo_hint", "size", l.megabytes(q.MaxLength))
	}
	q.Missing = q.say(l, authenticator.MessageRequired, l.text("answer.photo_missing", "label", q.Label))
	q.Camera = toJSON(map[string]string{
		"denied":  q.message(l, authenticator.MessageCameraDenied, l.text("answer.camera_denied")),
		"busy":    q.message(l, authenticator.MessageCameraBusy, l.text("answer.camera_busy")),
		"missing": q.message(l, authenticator.MessageCameraMissing, l.text("answer.camera_missing")),
		"ready":   l.text("answer.photo_ready"),
	})
}

// megabytes writes a number of bytes, rounded down to tenths of a MB.
func (l *locale) megabytes(n int) string {
	return l.digits(strings.TrimSuffix(strconv.FormatFloat(max(0.1, float64(n*10>>20)/10), 'f', 1, 64), ".0"))
}

func (q *question) readPhoto(l *locale, data string) string {
	q.Value = ""
	switch {
	case data == "":
		if q.Required {
			q.Error = q.Missing
		}
	case len(data) > q.MaxLength:
		q.Error = l.text("answer.photo_large", "label", q.Label, "size", l.megabytes(q.MaxLength))
	case http.DetectContentType([]byte(data[:min(len(data), 512)])) != "image/jpeg":
		q.Error = l.text("answer.photo_format", "label", q.Label)
	default:
		q.Value = "given"
		return base64.RawURLEncoding.EncodeToString([]byte(data))
	}
	return ""
}

// forget asks again for what a page that is shown again cannot hold: files, and secrets, which it must not.
func (q *question) forget(l *locale) {
	switch {
	case q.Error != "":
	case q.field.Type == authenticator.FieldPassword && q.Value != "":
		q.Error = l.text("answer.again", "label", q.Label)
	case q.field.Type == authenticator.FieldPhoto && q.Value != "":
		q.Error = l.text("answer.photo_again", "label", q.Label)
	}
	if q.field.Type == authenticator.FieldPassword {
		q.Value = ""
	}
}
