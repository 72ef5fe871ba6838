package directory

import (
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/authenticator/internal/knowledge"
)

// Form returns the form of Knowledge, as it was configured.
func (d *Directory) Form(_ context.Context, factor authenticator.Factor) (*authenticator.Form, error) {
	if factor != authenticator.Knowledge || len(d.questions.fields) == 0 {
		return nil, fail(authenticator.Unsupported, errors.New("directory: the factor has no form"))
	}
	return d.form.Clone(), nil
}

// questions are the fields of the form, ready to read answers.
type questions struct {
	fields []*knowledge.Field
	// key is of this process alone: answers are compared by their MACs, which all have one length.
	key []byte
}

func newQuestions(form authenticator.Form) (questions, error) {
	q := questions{key: randomBytes(sha256.Size)}
	if form.Identifier == nil && len(form.Fields) == 0 {
		return q, nil
	}
	var errs []error
	fail := func(err error) { errs = append(errs, fmt.Errorf("directory: Form: %w", err)) }
	if len(form.Fields) == 0 {
		fail(errors.New("has no fields besides the Identifier: whoever knows that would be let in"))
	} else if !slices.ContainsFunc(form.Fields, authenticator.FormField.Proves) {
		fail(errors.New("no field has to be filled in with what not everybody knows: whoever knows the identifier would be let in"))
	}
	if err := form.Validate(); err != nil {
		fail(err)
		return q, errors.Join(errs...)
	}
	for _, f := range form.Fields {
		for _, spec := range specs(f) {
			field, err := knowledge.NewField(spec)
			if err != nil {
				fail(fmt.Errorf("field %q: %w", f.Name, err))
			}
			q.fields = append(q.fields, field)
		}
	}
	return q, errors.Join(errs...)
}

// specs describe a field once for each of its languages, or once if it has none.
func specs(f authenticator.FormField) []knowledge.Spec {
	spec := knowledge.Spec{
		Name: f.Name, Type: string(f.Type), Format: f.Format, Pattern: f.Pattern, MaxLength: f.MaxLength, Optional: f.Optional,
		Prefixes: f.Prefixes, Loose: true,
	}
	for _, o := range f.Options {
		spec.Options = append(spec.Options, o.Value)
	}
	if len(f.Languages)+len(f.OptionalLanguages) == 0 {
		spec.Keeps = func(answer string) bool { return f.Broken(answer) == nil }
		return []knowledge.Spec{spec}
	}
	var list []knowledge.Spec
	for i, language := range append(slices.Clip(f.Languages), f.OptionalLanguages...) {
		spec.Name, spec.Optional = f.Name+"#"+language, f.Optional || i >= len(f.Languages)
		spec.Keeps = func(answer string) bool { return f.Broken(answer, language) == nil }
		list = append(list, spec)
	}
	return list
}

// match reports whether all answers are the person's. It looks at every one, whatever the others say, and does the same
// for nobody. The cause says why a response, whoever it is about, cannot be right.
func (q questions) match(person *Person, response string) (matches bool, cause error) {
	keys, err := q.read(response)
	if err != nil {
		return false, fmt.Errorf("directory: %w", err)
	}
	matches = true
	for i, f := range q.fields {
		var known string
		if person != nil {
			name, _, _ := strings.Cut(f.Name, "#")
			known = cmp.Or(person.Answers[f.Name], person.Answers[name])
		}
		if keys[i] == "" { // it is optional
			continue
		}
		// What the person is not known to know is read from a text too, so that it takes as long.
		stored, usable := f.Key(cmp.Or(known, keys[i]))
		right := hmac.Equal(keyed(q.key, stored), keyed(q.key, keys[i]))
		matches = right && usable && known != "" && matches
	}
	return matches, nil
}

// read returns the key of each answer. The errors do not repeat any.
func (q questions) read(response string) ([]string, error) {
	texts, err := knowledge.ParseResponse(response)
	if err != nil {
		return nil, err
	}
	keys := make([]string, len(q.fields))
	answered := 0
	for i, f := range q.fields {
		text, ok := texts[f.Name]
		if !ok && f.Optional {
			continue
		}
		if !ok {
			return nil, fmt.Errorf("field %q is missing", f.Name)
		}
		answer, err := f.Answer(text)
		if err != nil {
			return nil, err
		}
		keys[i] = answer.Key
		answered++
	}
	if len(texts) != answered {
		return nil, errors.New("the response has a field that is not in the form")
	}
	return keys, nil
}
