package authenticator_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/authenticator"
)

func TestLabelIsInTheLanguageThatThePersonPrefers(t *testing.T) {
	t.Parallel()
	field := authenticator.FormField{Name: "dob", Labels: map[string]string{
		"en": "Date of birth", "km": "ថ្ងៃខែឆ្នាំកំណើត", "pt": "Data de nascimento", "zh-Hant": "出生日期",
	}}
	tests := []struct {
		name            string
		locales         []string
		label, language string
	}{
		{"exactly", []string{"km"}, "ថ្ងៃខែឆ្នាំកំណើត", "km"},
		{"the first that is there", []string{"fr", "pt", "km"}, "Data de nascimento", "pt"},
		{"a region falls back to its language", []string{"pt-BR"}, "Data de nascimento", "pt"},
		{"a region falls back to its script", []string{"zh-hant-TW"}, "出生日期", "zh-Hant"},
		{"an extension falls away whole", []string{"km-u-nu-khmr"}, "ថ្ងៃខែឆ្នាំកំណើត", "km"},
		{"case does not count", []string{"KM"}, "ថ្ងៃខែឆ្នាំកំណើត", "km"},
		{"another language's detail is not used", []string{"zh"}, "Date of birth", "en"},
		{"none is there: English", []string{"fr"}, "Date of birth", "en"},
		{"none is asked for: English", nil, "Date of birth", "en"},
		{"an empty tag is nothing", []string{""}, "Date of birth", "en"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			label, language := field.Label(tt.locales)
			assert.Equal(t, tt.label, label)
			assert.Equal(t, tt.language, language)
		})
	}

	t.Run("no label at all: the name", func(t *testing.T) {
		t.Parallel()
		label, language := authenticator.FormField{Name: "dob"}.Label([]string{"km"})
		assert.Equal(t, "dob", label)
		assert.Empty(t, language)
	})
}

func TestLabelDoesNotWriteToTheListOfLanguages(t *testing.T) {
	t.Parallel()
	all := []string{"km", "fr"}
	authenticator.FormField{Name: "dob"}.Label(all[:1])
	assert.Equal(t, []string{"km", "fr"}, all)
}

func TestFormCanStandInAConfigurationFile(t *testing.T) {
	t.Parallel()
	const text = `{
		"identifier": {"name": "policyNumber", "labels": {"en": "Policy number"}, "pattern": "[A-Z]{2}[0-9]{6}", "maxLength": 8},
		"fields": [{"name": "fullName"}, {"name": "dob", "type": "date", "format": "dd/mm/yyyy"}]
	}`
	var form authenticator.Form
	require.NoError(t, json.Unmarshal([]byte(text), &form))
	assert.Equal(t, authenticator.Form{
		Identifier: &authenticator.FormField{
			Name: "policyNumber", Labels: map[string]string{"en": "Policy number"}, Pattern: "[A-Z]{2}[0-9]{6}", MaxLength: 8,
		},
		Fields: []authenticator.FormField{
			{Name: "fullName"},
			{Name: "dob", Type: authenticator.FieldDate, Format: "dd/mm/yyyy"},
		},
	}, form)

	again, err := json.Marshal(form)
	require.NoError(t, err)
	assert.JSONEq(t, text, string(again))
}

func TestTextsHaveLanguagesOfTwoAndOfThreeLetters(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		texts          authenticator.Texts
		locales        []string
		text, language string
	}{
		"a text of three letters":         {authenticator.Texts{"eng": "Name", "khm": "ឈ្មោះ"}, []string{"km"}, "ឈ្មោះ", "khm"},
		"a wish of three letters":         {authenticator.Texts{"en": "Name", "km": "ឈ្មោះ"}, []string{"khm"}, "ឈ្មោះ", "km"},
		"a wish with a region":            {authenticator.Texts{"en": "Name", "khm": "ឈ្មោះ"}, []string{"km-KH"}, "ឈ្មោះ", "khm"},
		"the exact code goes first":       {authenticator.Texts{"khm": "b", "km": "a"}, []string{"km"}, "a", "km"},
		"none: the one for all others":    {authenticator.Texts{"en": "Name", "": "N"}, []string{"km"}, "N", ""},
		"none: English of three letters":  {authenticator.Texts{"ara": "x", "eng": "Name"}, []string{"km"}, "Name", "eng"},
		"none: the first":                 {authenticator.Texts{"fra": "Nom", "khm": "ឈ្មោះ"}, []string{"ar"}, "Nom", "fra"},
		"none at all":                     {nil, []string{"ar"}, "", ""},
		"what is no language is no match": {authenticator.Texts{"x-y": "a", "en": "b"}, []string{"??", "xyzzy"}, "b", "en"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text, language := c.texts.In(c.locales)
			assert.Equal(t, c.text, text)
			assert.Equal(t, c.language, language)
		})
	}
}

func TestLanguageTagsAreThoseOfLessDetailToo(t *testing.T) {
	t.Parallel()
	for tag, want := range map[string][]string{
		"km": {"km", "khm"}, "pt-BR": {"pt-BR", "pt", "por"}, "zh-Hant-TW": {"zh-Hant-TW", "zh-Hant", "zh", "zho"}, "no language": {"no language"}, "": nil,
	} {
		assert.Equal(t, want, authenticator.LanguageTags(tag), tag)
	}
}

func TestFormThatNobodyCouldFillInIsRefused(t *testing.T) {
	t.Parallel()
	ok := authenticator.FormField{Name: "ok"}
	many := make([]authenticator.FormField, 33)
	for name, c := range map[string]struct {
		field authenticator.FormField
		want  string
	}{
		"a bad name":              {authenticator.FormField{Name: "a b"}, "a name is 1 to 64 letters"},
		"a type that is none":     {authenticator.FormField{Name: "a", Type: "color"}, `type "color" is not known`},
		"a format without a date": {authenticator.FormField{Name: "a", Format: "dd"}, "only dates have a format"},
		"a bad format":            {authenticator.FormField{Name: "a", Type: authenticator.FieldDate, Format: "dd"}, "a date format has"},
		"a date with a pattern":   {authenticator.FormField{Name: "a", Type: authenticator.FieldDate, Pattern: "x"}, "have a pattern"},
		"a photo with rules":      {authenticator.FormField{Name: "a", Type: authenticator.FieldPhoto, Rules: []authenticator.FormRule{{Pattern: "x"}}}, "have rules"},
		"a bad rule":              {authenticator.FormField{Name: "a", Rules: []authenticator.FormRule{{Pattern: "("}}}, "pattern: "},
		"a negative length":       {authenticator.FormField{Name: "a", MaxLength: -1}, "maxLength is not within"},
		"a large photo":           {authenticator.FormField{Name: "a", Type: authenticator.FieldPhoto, MaxLength: authenticator.MaxPhoto + 1}, "maxLength is not within"},
		"a choice of nothing":     {authenticator.FormField{Name: "a", Type: authenticator.FieldChoice}, "a choice has options"},
		"options of a text":       {authenticator.FormField{Name: "a", Options: []authenticator.FormOption{{Value: "x"}}}, "a choice has options"},
		"an option twice": {authenticator.FormField{
			Name: "a", Type: authenticator.FieldChoice, Options: []authenticator.FormOption{{Value: "x"}, {Value: "x"}},
		}, "option 2: "},
		"a bad prefix":             {authenticator.FormField{Name: "a", Type: authenticator.FieldPhone, Prefixes: []string{"+", "+1"}}, "prefix 1: is no dialling code"},
		"prefixes of a text":       {authenticator.FormField{Name: "a", Prefixes: []string{"+1"}}, "only phone numbers have prefixes"},
		"a language twice":         {authenticator.FormField{Name: "a", Languages: []string{"km", "khm"}}, "there twice"},
		"a date in languages":      {authenticator.FormField{Name: "a", Type: authenticator.FieldDate, Languages: []string{"km"}}, "only texts have languages"},
		"a text that is confirmed": {authenticator.FormField{Name: "a", Confirm: true}, "only passwords are confirmed"},
		"fixed without a value":    {authenticator.FormField{Name: "a", Fixed: true}, "is fixed, and has no value"},
		"a password that is there": {authenticator.FormField{Name: "a", Type: authenticator.FieldPassword, Value: "x"}, "begins empty"},
		"a value that is no option": {authenticator.FormField{
			Name: "a", Type: authenticator.FieldChoice, Value: "y", Options: []authenticator.FormOption{{Value: "x"}},
		}, "value: is none of the options"},
		"a half tick":     {authenticator.FormField{Name: "a", Type: authenticator.FieldCheckbox, Value: "perhaps"}, "neither true nor false"},
		"a bad number":    {authenticator.FormField{Name: "a", Type: authenticator.FieldPhone, Prefixes: []string{"+1"}, Value: "+2 3"}, "is no phone number"},
		"an empty label":  {authenticator.FormField{Name: "a", Labels: authenticator.Texts{"en": ""}}, "labels: are not"},
		"the name of two": {authenticator.FormField{Name: "ok"}, `field "ok" is there twice`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			form := authenticator.Form{Fields: []authenticator.FormField{ok, c.field}}
			assert.ErrorContains(t, form.Validate(), c.want)
		})
	}
	assert.NoError(t, (&authenticator.Form{Fields: []authenticator.FormField{ok}}).Validate())
	assert.Error(t, (&authenticator.Form{}).Validate())
	assert.Error(t, (&authenticator.Form{Fields: many}).Validate())
	assert.Error(t, (*authenticator.Form)(nil).Validate())
	assert.ErrorContains(t, (&authenticator.Form{Fields: []authenticator.FormField{ok}, Identifier: &authenticator.FormField{
		Name: "photo", Type: authenticator.FieldPhoto,
	}}).Validate(), "the identifier is one text")
	assert.ErrorContains(t, (&authenticator.Form{Fields: []authenticator.FormField{
		{Name: "pw", Type: authenticator.FieldPassword, Confirm: true}, {Name: "pw_confirm"},
	}}).Validate(), "second field of a password")
	assert.ErrorContains(t, (&authenticator.Form{Fields: []authenticator.FormField{ok}, Messages: map[authenticator.Message]authenticator.Texts{
		"color": {"en": "x"},
	}}).Validate(), `message "color"`)
}

func TestRulesAreForTheTextsThatTheyName(t *testing.T) {
	t.Parallel()
	rule := func(pattern, language string) []authenticator.FormRule {
		return []authenticator.FormRule{{Pattern: ".", Language: ""}, {Pattern: pattern, Language: language}}
	}
	for name, c := range map[string]struct {
		field     authenticator.FormField
		text      string
		languages []string
		broken    bool
	}{
		"any language":             {authenticator.FormField{Rules: rule("^a$", "")}, "b", []string{"km"}, true},
		"that of the text":         {authenticator.FormField{Rules: rule("^a$", "khm")}, "b", []string{"km", "khm"}, true},
		"another":                  {authenticator.FormField{Rules: rule("^a$", "en")}, "b", []string{"km"}, false},
		"anywhere, unless it says": {authenticator.FormField{Rules: rule("a", "")}, "bab", nil, false},
		"a date as its format has it": {authenticator.FormField{
			Type: authenticator.FieldDate, Format: "dd/mm/yyyy", Rules: rule("^01/", ""),
		}, "1990-02-01", nil, false},
		"the digits after the prefix": {authenticator.FormField{
			Type: authenticator.FieldPhone, Prefixes: []string{"+8", "+855"}, Rules: rule("^1", ""),
		}, "+85512", nil, false},
		"what is no pattern": {authenticator.FormField{Rules: rule("(", "")}, "x", nil, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			broken := c.field.Broken(c.text, c.languages...)
			if c.broken {
				assert.Same(t, &c.field.Rules[1], broken)
			} else {
				assert.Nil(t, broken)
			}
		})
	}
}
