package directory

import (
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/authenticator/internal/knowledge"
)

// Form returns the form of Knowledge, as it was configured.
func (d *Directory) Form(_ context.Context, factor authenticator.Factor) (*authenticator.Form, error) {
	if factor != authenticator.Knowledge || len(d.questions.fields) == 0 {
		return nil, fail(authenticator.Unsupported, errors.New("directory: the factor has no form"))
	}
	form := cloneForm(d.form)
	return &form, nil
}

func cloneForm(f authenticator.Form) authenticator.Form {
	if f.Identifier != nil {
		identifier := *f.Identifier
		identifier.Labels = maps.Clone(identifier.Labels)
		f.Identifier = &identifier
	}
	f.Fields = slices.Clone(f.Fields)
	for i := range f.Fields {
		f.Fields[i].Labels = maps.Clone(f.Fields[i].Labels)
	}
	return f
}

// questions are the fields of the form, ready to read answers.
type questions struct {
	fields []*knowledge.Field
	// key is of this process alone: answers are compared by their MACs, which all have one length.
	key []byte
}

func newQuestions(form authenticator.Form) (questions, error) {
	q := questions{key: randomBytes(sha256.Size)}
	var errs []error
	seen := make(map[string]bool)
	read := func(f authenticator.FormField) *knowledge.Field {
		field, err := knowledge.NewField(knowledge.Spec{
			Name: f.Name, Type: string(f.Type), Format: f.Format, Pattern: f.Pattern, MaxLength: f.MaxLength, Loose: true,
		})
		if err != nil {
			errs = append(errs, fmt.Errorf("directory: Form: field %q: %w", f.Name, err))
		}
		if seen[f.Name] {
			errs = append(errs, fmt.Errorf("directory: Form: field %q is there twice", f.Name))
		}
		seen[f.Name] = true
		return field
	}
	if form.Identifier != nil {
		read(*form.Identifier)
		if len(form.Fields) == 0 {
			errs = append(errs, errors.New("directory: Form has no fields besides the Identifier: whoever knows that would be let in"))
		}
	}
	for _, f := range form.Fields {
		q.fields = append(q.fields, read(f))
	}
	return q, errors.Join(errs...)
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
			known = person.Answers[f.Name]
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
	for i, f := range q.fields {
		text, ok := texts[f.Name]
		if !ok {
			return nil, fmt.Errorf("field %q is missing", f.Name)
		}
		answer, err := f.Answer(text)
		if err != nil {
			return nil, err
		}
		keys[i] = answer.Key
	}
	if len(texts) != len(q.fields) {
		return nil, errors.New("the response has a field that is not in the form")
	}
	return keys, nil
}
