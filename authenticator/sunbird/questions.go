package sunbird

import (
	"crypto/subtle"
	"errors"
	"fmt"
	"slices"

	"github.com/gosignet/signet/authenticator"
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

// read returns the answer to each question. The response may repeat the identifier, but must not contradict it.
func (q questions) read(id authenticator.Identifier, response string) ([]answer, error) {
	if err := id.Validate(); err != nil {
		return nil, err
	}
	texts, err := parseResponse(response)
	if err != nil {
		return nil, err
	}
	answers := make([]answer, len(q))
	if answers[0], err = q[0].answer(id.Value); err != nil {
		return nil, err
	}
	if repeated, ok := texts[q[0].name]; ok {
		if a, err := q[0].answer(repeated); err != nil || a.key != answers[0].key {
			return nil, errors.New("sunbird: the response is about another identifier")
		}
		delete(texts, q[0].name)
	}
	for i, f := range q[1:] {
		text, ok := texts[f.name]
		if !ok {
			return nil, fmt.Errorf("sunbird: field %q is missing", f.name)
		}
		if answers[i+1], err = f.answer(text); err != nil {
			return nil, err
		}
	}
	if len(texts) != len(q)-1 {
		return nil, errors.New("sunbird: the response has a field that is not in the form")
	}
	return answers, nil
}

// filters is what the registry is asked for.
func (q questions) filters(answers []answer) map[string]filter {
	filters := make(map[string]filter, len(q))
	for i, f := range q {
		if !f.compareOnly {
			filters[f.name] = filter{Eq: answers[i].filter}
		}
	}
	return filters
}

// match reports whether the record has all the answers. It looks at every one, whatever the others say.
func (q questions) match(r record, answers []answer) bool {
	right := 1
	for i, f := range q {
		right &= subtle.ConstantTimeCompare([]byte(f.recordKey(r[f.name])), []byte(answers[i].key))
	}
	return right == 1
}
