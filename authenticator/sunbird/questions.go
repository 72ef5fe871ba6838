package sunbird

import (
	"crypto/subtle"
	"errors"
	"fmt"
	"slices"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/authenticator/internal/knowledge"
)

// questions is the form, ready to read answers and to compare them with a record. The identifier comes first.
type questions []*field

func newQuestions(c Config) (questions, error) {
	var q questions
	for _, f := range fieldsOf(c.Form) {
		read, err := newField(f, slices.Contains(c.CompareOnly, f.Name))
		if err != nil {
			return nil, err
		}
		q = append(q, read)
	}
	return q, nil
}

// read returns the answer to each question, which is empty for one that is optional. The response may repeat the identifier, but must not contradict it.
func (q questions) read(id authenticator.Identifier, response string) ([]knowledge.Answer, error) {
	if err := id.Validate(); err != nil {
		return nil, err
	}
	texts, err := knowledge.ParseResponse(response)
	if err != nil {
		return nil, fmt.Errorf("sunbird: %w", err)
	}
	answers := make([]knowledge.Answer, len(q))
	if answers[0], err = q[0].Answer(id.Value); err != nil {
		return nil, fmt.Errorf("sunbird: %w", err)
	}
	if repeated, ok := texts[q[0].Name]; ok {
		if a, err := q[0].Answer(repeated); err != nil || a.Key != answers[0].Key {
			return nil, errors.New("sunbird: the response is about another identifier")
		}
		delete(texts, q[0].Name)
	}
	answered := 0
	for i, f := range q[1:] {
		text, ok := texts[f.Name]
		if !ok && f.Optional {
			continue
		}
		if !ok {
			return nil, fmt.Errorf("sunbird: field %q is missing", f.Name)
		}
		if answers[i+1], err = f.Answer(text); err != nil {
			return nil, fmt.Errorf("sunbird: %w", err)
		}
		answered++
	}
	if len(texts) != answered {
		return nil, errors.New("sunbird: the response has a field that is not in the form")
	}
	return answers, nil
}

// filters is what the registry is asked for.
func (q questions) filters(answers []knowledge.Answer) map[string]filter {
	filters := make(map[string]filter, len(q))
	for i, f := range q {
		if !f.compareOnly && answers[i].Key != "" {
			filters[f.Name] = filter{Eq: answers[i].Tidy}
		}
	}
	return filters
}

// match reports whether the record has all the answers. It looks at every one, whatever the others say.
func (q questions) match(r record, answers []knowledge.Answer) bool {
	right := 1
	for i, f := range q {
		if answers[i].Key == "" { // it is optional
			continue
		}
		right &= subtle.ConstantTimeCompare([]byte(f.recordKey(r[f.Name])), []byte(answers[i].Key))
	}
	return right == 1
}
