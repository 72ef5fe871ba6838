package knowledge_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/authenticator/internal/knowledge"
)

func TestEachTypeIsComparedInItsWay(t *testing.T) {
	t.Parallel()
	choice := knowledge.Spec{Name: "f", Type: "choice", Options: []string{"m", "F "}}
	phone := knowledge.Spec{Name: "f", Type: "phone", Prefixes: []string{"+8", "+855"}, Pattern: "[0-9]{4}", MaxLength: 6}
	for name, c := range map[string]struct {
		spec        knowledge.Spec
		typed, tidy string
		registered  string // what means the same
	}{
		"a password as it is":         {knowledge.Spec{Name: "f", Type: "password"}, " Ab ", " Ab ", " Ab "},
		"a choice":                    {choice, "F ", "F ", "F "},
		"a check box":                 {knowledge.Spec{Name: "f", Type: "checkbox"}, "true", "true", "TRUE"},
		"a phone number":              {phone, "+855 1234", "+8551234", "855 12-34"},
		"a number without a prefix":   {knowledge.Spec{Name: "f", Type: "phone"}, "១២ 34", "1234", "1234"},
		"a text in one of languages":  {knowledge.Spec{Name: "f#khm"}, "Sok", "Sok", "SOK"},
		"a text that keeps its rules": {knowledge.Spec{Name: "f", Keeps: func(s string) bool { return s == "a b" }}, "a  b", "a b", "A B"},
		"a date by its rules": {knowledge.Spec{
			Name: "f", Type: "date", Format: "dd/MM/yyyy", Keeps: func(s string) bool { return s == "1990-02-27" },
		}, "27/02/1990", "27/02/1990", "1990-02-27"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f, err := knowledge.NewField(c.spec)
			require.NoError(t, err)
			a, err := f.Answer(c.typed)
			require.NoError(t, err)
			assert.Equal(t, c.tidy, a.Tidy)
			key, ok := f.Key(c.registered)
			assert.True(t, ok)
			assert.Equal(t, a.Key, key)
		})
	}
	for name, c := range map[string]struct {
		spec  knowledge.Spec
		typed string
	}{
		"an empty password":     {knowledge.Spec{Name: "f", Type: "password"}, ""},
		"no option":             {choice, "x"},
		"half a tick":           {knowledge.Spec{Name: "f", Type: "checkbox"}, "yes"},
		"another country":       {phone, "+331234"},
		"a prefix alone":        {phone, "+855"},
		"too few digits":        {phone, "+855123"},
		"too many digits":       {phone, "+8551234567"},
		"letters":               {phone, "+85512a4"},
		"what breaks its rules": {knowledge.Spec{Name: "f", Keeps: func(string) bool { return false }}, "a"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f, err := knowledge.NewField(c.spec)
			require.NoError(t, err)
			_, err = f.Answer(c.typed)
			assert.ErrorContains(t, err, `field "f"`)
		})
	}
	_, err := knowledge.NewField(knowledge.Spec{Name: "f", Type: "photo"})
	assert.ErrorContains(t, err, "a photo cannot be compared")
	_, err = knowledge.NewField(knowledge.Spec{Name: "f#a#b"})
	assert.ErrorContains(t, err, "a name is")
}

func TestAnswersInSeveralLanguagesAreTextsOfTheirOwn(t *testing.T) {
	t.Parallel()
	texts, err := knowledge.ParseResponse(`{"name": [{"language": "eng", "value": "Sok"}, {"language": "khm", "value": "សុខ"}], "born": "1990", "none": []}`)
	require.NoError(t, err)
	assert.Equal(t, map[string]string{"name#eng": "Sok", "name#khm": "សុខ", "born": "1990"}, texts)
	for _, response := range []string{
		`{"name": [{"language": "eng", "value": "a"}, {"language": "eng", "value": "b"}]}`, `{"name#eng": "a"}`, `{"name": ["a"]}`, `{"name": [null]}`,
		`{"name": [{"value": "a"}]}`, `{"name": [{"language": "eng"}]}`, `{"name": [{"language": "e#", "value": "a"}]}`, `{"name": true}`,
	} {
		_, err := knowledge.ParseResponse(response)
		assert.Error(t, err, response)
	}
}
