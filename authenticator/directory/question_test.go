package directory_test

import (
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/authenticator/directory"
)

func TestKnowledgeLogsInHoweverItIsWritten(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for _, response := range []string{
		answersSok,
		`{"name": "Sok Dara", "born": "27/02/1990"}`,
		`{"born": "២៧/០២/១៩៩០", "name": "SOK, DARA."}`,
		`{"name": "sokdara", "born": " 1990-02-27 "}`,
	} {
		identity, err := f.Authenticate(t.Context(), answer(exampleTxn, sokID, known(response)))
		require.NoError(t, err, response)
		assert.Equal(t, "person-1", identity.Subject)
	}
}

func TestAllAnswersMustBeRightAndNobodyHearsWhichWasNot(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for _, response := range []string{
		answersNo, `{"name": "Sok Dara", "born": "1990-02-28"}`, `{"name": "Chan", "born": "2000-01-01"}`,
	} {
		_, err := f.Authenticate(t.Context(), answer(exampleTxn, sokID, known(response)))
		assert.Equal(t, &authenticator.Error{Reason: authenticator.WrongCredentials}, err)
	}
}

func TestAResponseThatCannotBeRightIsWrongForEverybody(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for _, response := range []string{
		"", "null", "[]", `{"name": "Sok Dara"}`, `{"name": "Sok Dara", "born": "1990-02-27", "id": "8051437269"}`,
		`{"name": "", "born": "1990-02-27"}`, `{"name": "Sok Dara", "born": "31/02/1990"}`, `{"name": "Sok Dara", "name": "Sok Dara", "born": "1990-02-27"}`,
		`{"name": "` + strings.Repeat("x", 101) + `", "born": "1990-02-27"}`, `{"name": ["Sok Dara"], "born": "1990-02-27"}`,
	} {
		_, wrong := f.Authenticate(t.Context(), answer(exampleTxn, sokID, known(response)))
		failure := requireReason(t, authenticator.WrongCredentials, wrong)
		require.Error(t, failure.Err, "the operator hears what is wrong with it")
		assert.NotContains(t, failure.Error(), "Sok")
		_, unknown := f.Authenticate(t.Context(), answer(exampleTxn, unknownID, known(response)))
		assert.Equal(t, wrong.Error(), unknown.Error())
	}
}

// An empty answer in the register must not be one that anybody can give.
func TestPeopleOfWhomTheRegisterDoesNotKnowAllCannotUseKnowledge(t *testing.T) {
	t.Parallel()
	for name, answers := range map[string]map[string]string{
		"none": nil, "one is missing": {"name": "Sok Dara"}, "one is empty": {"name": "Sok Dara", "born": ""},
		"one is blank": {"name": " - ", "born": "27/02/1990"}, "one is no date": {"name": "Sok Dara", "born": "1990"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t, func(c *directory.Config) {
				c.Lookup = func(context.Context, authenticator.Identifier) (*directory.Person, error) {
					return &directory.Person{Subject: "person-1", Answers: answers}, nil
				}
			})
			_, err := f.Authenticate(t.Context(), answer(exampleTxn, sokID, known(answersSok)))
			assert.Equal(t, &authenticator.Error{Reason: authenticator.WrongCredentials}, err)
		})
	}
}

func TestTheFormIsTheConfiguredOneAndNobodyElses(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	got, err := f.Form(t.Context(), authenticator.Knowledge)
	require.NoError(t, err)
	assert.Equal(t, &form, got)

	got.Fields[0].Labels["en"] = "changed"
	got.Identifier.Name = "changed"
	again, err := f.Form(t.Context(), authenticator.Knowledge)
	require.NoError(t, err)
	assert.Equal(t, &form, again)

	_, err = f.Form(t.Context(), authenticator.Password)
	requireReason(t, authenticator.Unsupported, err)
	_, err = withHash(t, "").Form(t.Context(), authenticator.Knowledge)
	requireReason(t, authenticator.Unsupported, err)
}

// FuzzKnowledge answers with whatever comes: it is right or wrong, and no error repeats a part of it.
func FuzzKnowledge(f *testing.F) {
	for _, s := range []string{answersSok, answersNo, "", "{", "null", `{"name":"\ud800","born":""}`, `{"name":"Sok Dara","born":"٢٧/٠٢/١٩٩٠"}`} {
		f.Add(s)
	}
	d := newFixture(f)
	f.Fuzz(func(t *testing.T, response string) {
		_, err := d.Authenticate(t.Context(), answer(exampleTxn, sokID, known(response)))
		_, unknown := d.Authenticate(t.Context(), answer(exampleTxn, unknownID, known(response)))
		requireReason(t, authenticator.WrongCredentials, unknown)
		if err != nil {
			requireReason(t, authenticator.WrongCredentials, err)
			assert.Equal(t, unknown.Error(), err.Error())
		} else if !strings.Contains(response, "born") {
			t.Fatalf("%q logs in", response)
		}
	})
}

func TestAnswersMayBeOfEveryTypeButPhotos(t *testing.T) {
	t.Parallel()
	f := newFixture(t, func(c *directory.Config) {
		c.Form = authenticator.Form{Fields: []authenticator.FormField{
			{Name: "word", Type: authenticator.FieldPassword},
			{Name: "gender", Type: authenticator.FieldChoice, Options: []authenticator.FormOption{{Value: "m"}, {Value: "f"}}},
			{Name: "member", Type: authenticator.FieldCheckbox, Optional: true},
			{Name: "home", Type: authenticator.FieldPhone, Prefixes: []string{"+855"}, Optional: true},
			{Name: "name", Languages: []string{"eng", "khm"}, OptionalLanguages: []string{"fra"}, Rules: []authenticator.FormRule{{Pattern: "^[A-Z]", Language: "eng"}}},
		}}
		c.Lookup = func(context.Context, authenticator.Identifier) (*directory.Person, error) {
			return &directory.Person{Subject: "person-1", Answers: map[string]string{
				"word": "Ab", "gender": "f", "member": "true", "home": "+855 12 34", "name": "Sok Dara", "name#khm": "សុខ ដារ៉ា",
			}}, nil
		}
	})
	const both = `{"language": "eng", "value": "Sok Dara"}, {"language": "khm", "value": "សុខ ដារ៉ា"}`
	for response, right := range map[string]bool{
		`{"word": "Ab", "gender": "f", "name": [` + both + `]}`:                                                                                 true,
		`{"word": "Ab", "gender": "f", "member": "true", "home": "+8551234", "name": [` + both + `, {"language": "fra", "value": "Sok Dara"}]}`: true,
		`{"word": "ab", "gender": "f", "name": [` + both + `]}`:                                                                                 false,
		`{"word": "Ab", "gender": "m", "name": [` + both + `]}`:                                                                                 false,
		`{"word": "Ab", "gender": "f", "member": "false", "name": [` + both + `]}`:                                                              false,
		`{"word": "Ab", "gender": "f", "home": "+8551235", "name": [` + both + `]}`:                                                             false,
		`{"word": "Ab", "gender": "f", "name": [{"language": "eng", "value": "Sok Dara"}]}`:                                                     false,
		`{"word": "Ab", "gender": "f", "name": [` + both + `, {"language": "deu", "value": "Sok Dara"}]}`:                                       false,
		`{"word": "Ab", "gender": "f", "name": "Sok Dara"}`:                                                                                     false,
		`{"word": "Ab", "gender": "f", "name": [{"language": "eng", "value": "sok dara"}, {"language": "khm", "value": "សុខ ដារ៉ា"}]}`:          false,
	} {
		_, err := f.Authenticate(t.Context(), answer(exampleTxn, sokID, known(response)))
		assert.Equal(t, right, err == nil, response)
	}
}

// Otherwise an empty form would let in whoever knows an identifier.
func TestSomethingMustBeProved(t *testing.T) {
	t.Parallel()
	for name, fields := range map[string][]authenticator.FormField{
		"all may be left out": {{Name: "a", Optional: true}},
		"all is shown":        {{Name: "a", Value: "x", Fixed: true}},
		"a tick":              {{Name: "a", Type: authenticator.FieldCheckbox}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := directory.New(directory.Config{Form: authenticator.Form{Fields: fields}})
			assert.ErrorContains(t, err, "no field has to be filled in with what not everybody knows")
		})
	}
	_, err := directory.New(directory.Config{Form: authenticator.Form{Fields: []authenticator.FormField{{Name: "a", Type: authenticator.FieldPhoto}}}})
	assert.ErrorContains(t, err, "a photo cannot be compared")
}
