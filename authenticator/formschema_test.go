package authenticator_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/authenticator"
)

// schemaOfAll has all seven controls and all properties, in codes of three letters and of two.
const schemaOfAll = `{
	"schema": [
		{"id": "policy", "controlType": "textbox", "labelName": {"eng": "Policy", "kh": "លេខ"}, "required": true, "cssClasses": ["wide"],
			"validators": [{"regex": "^\\d{4}$", "error": {"en": "Four digits", "khm": "បួនខ្ទង់"}, "langCode": null}]},
		{"id": "name", "controlType": "textbox", "type": "simpleType", "labelName": {"eng": "Name", "en": "Full name"}, "required": true,
			"capsLockCheck": true, "maxLength": 50,
			"validators": [{"regex": "^[\\u1780-\\u17FF ]+$", "error": {"khm": "ខ្មែរ"}, "langCode": "khm"}, {"regex": "^\\p{Script=Latin}", "langCode": "eng"}]},
		{"id": "secret", "controlType": "password", "labelName": {"eng": "Secret"}, "required": true},
		{"id": "dob", "controlType": "date", "labelName": {"eng": "Born"}, "required": true, "alignmentGroup": "birth", "info": {"eng": "As on your card"}},
		{"id": "issued", "controlType": "date", "labelName": {"eng": "Issued"}, "format": "dd/mm/yyyy", "alignmentGroup": "birth"},
		{"id": "gender", "controlType": "dropdown", "labelName": {"eng": "Gender"}, "required": true, "placeholder": {"eng": "Choose one"}},
		{"id": "agree", "controlType": "checkbox", "labelName": {"eng": "I agree"}, "required": true},
		{"id": "mobile", "controlType": "phone", "labelName": {"eng": "Mobile"}, "prefix": ["+855", {"value": "+33", "label": "FRA"}]},
		{"id": "face", "controlType": "photo", "labelName": {"eng": "Face"}, "acceptedFileTypes": ["image/jpeg"]},
		{"id": "country", "controlType": "textbox", "labelName": {"eng": "Country"}, "disabled": true}
	],
	"allowedValues": {
		"gender": {"m": {"eng": "Male"}, "f": {"eng": "Female", "khm": "ស្រី"}},
		"agree": true,
		"country": "Meridian"
	},
	"i18nValues": {"errors": {"required": {"eng": "This is needed"}, "passwordMismatch": {"eng": "Not the same"}, "other": {"eng": "x"}}},
	"language": {"mandatory": ["eng", "khm"], "optional": ["fra"], "langCodeMap": {"eng": "en", "khm": "km", "kh": "km"}}
}`

func TestSchemaBecomesAForm(t *testing.T) {
	t.Parallel()
	form, err := authenticator.ParseFormSchema([]byte(schemaOfAll), "policy")
	require.NoError(t, err)
	assert.Equal(t, &authenticator.Form{
		Identifier: &authenticator.FormField{
			Name: "policy", Type: authenticator.FieldText, Labels: authenticator.Texts{"en": "Policy", "km": "លេខ"},
			Rules: []authenticator.FormRule{{Pattern: `^\d{4}$`, Errors: authenticator.Texts{"en": "Four digits", "km": "បួនខ្ទង់"}}},
		},
		Fields: []authenticator.FormField{
			{
				Name: "name", Type: authenticator.FieldText, Labels: authenticator.Texts{"en": "Full name"}, CapsLock: true, MaxLength: 50,
				Languages: []string{"eng", "khm"}, OptionalLanguages: []string{"fra"}, Rules: []authenticator.FormRule{
					{Pattern: `^[\x{1780}-\x{17FF} ]+$`, Errors: authenticator.Texts{"km": "ខ្មែរ"}, Language: "km"},
					{Pattern: `^\p{Latin}`, Language: "en"},
				},
			},
			{Name: "secret", Type: authenticator.FieldPassword, Labels: authenticator.Texts{"en": "Secret"}, Confirm: true},
			{
				Name: "dob", Type: authenticator.FieldDate, Labels: authenticator.Texts{"en": "Born"}, Format: "yyyy/MM/dd", Group: "birth",
				Hints: authenticator.Texts{"en": "As on your card"},
			},
			{Name: "issued", Type: authenticator.FieldDate, Labels: authenticator.Texts{"en": "Issued"}, Format: "dd/mm/yyyy", Group: "birth", Optional: true},
			{
				Name: "gender", Type: authenticator.FieldChoice, Labels: authenticator.Texts{"en": "Gender"}, Placeholders: authenticator.Texts{"en": "Choose one"},
				Options: []authenticator.FormOption{
					{Value: "m", Labels: authenticator.Texts{"en": "Male"}}, {Value: "f", Labels: authenticator.Texts{"en": "Female", "km": "ស្រី"}},
				},
			},
			{Name: "agree", Type: authenticator.FieldCheckbox, Labels: authenticator.Texts{"en": "I agree"}, Value: "true"},
			{Name: "mobile", Type: authenticator.FieldPhone, Labels: authenticator.Texts{"en": "Mobile"}, Optional: true, Prefixes: []string{"+855", "+33"}},
			{Name: "face", Type: authenticator.FieldPhoto, Labels: authenticator.Texts{"en": "Face"}, Optional: true},
			{Name: "country", Type: authenticator.FieldText, Labels: authenticator.Texts{"en": "Country"}, Optional: true, Fixed: true, Value: "Meridian"},
		},
		Messages: map[authenticator.Message]authenticator.Texts{
			authenticator.MessageRequired: {"en": "This is needed"}, authenticator.MessageMismatch: {"en": "Not the same"},
		},
	}, form)
}

func TestOlderSchemaIsAList(t *testing.T) {
	t.Parallel()
	form, err := authenticator.ParseFormSchema([]byte(`[
		{"id": "policyNumber", "type": "text", "format": ""},
		{"id": "fullName", "type": "text", "format": "", "regex": "^.{1,50}$"},
		{"id": "dob", "type": "date", "format": "dd/mm/yyyy"}, {"id": "since", "type": "date"}
	]`), "policyNumber")
	require.NoError(t, err)
	assert.Equal(t, &authenticator.Form{
		Identifier: &authenticator.FormField{Name: "policyNumber", Type: authenticator.FieldText},
		Fields: []authenticator.FormField{
			{Name: "fullName", Type: authenticator.FieldText, Rules: []authenticator.FormRule{{Pattern: "^.{1,50}$"}}},
			{Name: "dob", Type: authenticator.FieldDate, Format: "dd/mm/yyyy"}, {Name: "since", Type: authenticator.FieldDate},
		},
	}, form)
}

func TestEveryMistakeInASchemaIsToldAtOnce(t *testing.T) {
	t.Parallel()
	_, err := authenticator.ParseFormSchema([]byte(`{
		"schema": [
			{"id": "a", "controlType": "colour", "labelName": {"eng": "A"}, "requird": true},
			{"id": "b", "controlType": "textbox", "labelName": {"not a language": "B"}, "validators": [{"regex": "(?=x)"}, {"regex": "("}, {"regex": "x", "error": 1}, null]},
			{"id": "c", "controlType": "date", "labelName": "C", "type": "simpleType", "required": "yes"},
			{"id": "d", "controlType": "photo", "labelName": {"eng": "D"}, "acceptedFileTypes": ["image/png"], "prefix": [1]},
			{"id": "e", "controlType": "textbox", "type": "simpleType"},
			null
		],
		"allowedValues": {"x": "y", "b": [1]},
		"language": {"langCodeMap": {"eng": "??"}, "more": 1},
		"version": 2
	}`), "policy")
	require.Error(t, err)
	for _, want := range []string{
		`schema[0] ("a").controlType: is none of textbox`, `schema[0] ("a").requird: is not known`,
		`schema[1] ("b").labelName: "not a language" is no language`, `schema[1] ("b").validators[0].regex: looks around, which only JavaScript can`,
		`schema[1] ("b").validators[1].regex: error parsing regexp`, `schema[1] ("b").validators[2].error: is not texts by name`,
		`schema[1] ("b").validators[3]: is not an object`, `schema[2] ("c").type: only a textbox is simpleType`,
		`schema[2] ("c").required: is not true or false`, `schema[3] ("d").acceptedFileTypes: photos are JPEG`, `schema[3] ("d").prefix[0]`,
		`schema[4] ("e").labelName: is missing`, `schema[4] ("e").type: simpleType needs language.mandatory`, `schema[5]: is not an object`,
		`allowedValues.x: is for none of the fields`, `allowedValues.b: is no text`, `langCodeMap: "eng" is no language`,
		`language.more: is not known`, `version: is not known`,
	} {
		assert.ErrorContains(t, err, want)
	}

	for name, c := range map[string]struct{ schema, identifier, want string }{
		"no JSON":                         {`{`, "", "is not an object"},
		"a text":                          {`"x"`, "", "is not an object"},
		"nothing":                         {`{}`, "", "a form has 1 to 32 fields"},
		"a list of texts":                 {`["x"]`, "", "is not a list"},
		"an identifier that is not there": {`[{"id": "a"}]`, "b", "individual-id-field: is none of the fields"},
		"nothing but the identifier":      {`[{"id": "a"}]`, "a", "a form has 1 to 32 fields"},
		"a name twice":                    {`[{"id": "a"}, {"id": "a"}]`, "", `field "a" is there twice`},
		"a choice of nothing":             {`{"schema": [{"id": "a", "controlType": "dropdown", "labelName": "A"}]}`, "", "a choice has options"},
		"an option twice":                 {`{"schema": [{"id": "a", "controlType": "dropdown", "labelName": "A"}], "allowedValues": {"a": {"x": {}, "x": {}}}}`, "", `"x" is there twice`},
		"a bad date":                      {`[{"id": "a", "type": "date", "format": "dd.mm"}]`, "", "a date format has yyyy"},
		"too much":                        {`[` + strings.Repeat(" ", 1<<20) + `]`, "", "more than 1048576 bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := authenticator.ParseFormSchema([]byte(c.schema), c.identifier)
			assert.ErrorContains(t, err, c.want)
		})
	}
}

func FuzzFormSchema(f *testing.F) {
	f.Add(schemaOfAll, "policy")
	f.Add(`[{"id": "dob", "type": "date", "format": "dd/mm/yyyy"}]`, "")
	f.Add(`{"schema": [{"id": "a", "controlType": "phone", "labelName": "A", "prefix": [{"value": "+1"}, null]}], "allowedValues": {"a": 1e3}}`, "")
	f.Add(`{"schema": [null, {}], "allowedValues": {"": {}}, "i18nValues": {"errors": []}, "language": {"mandatory": [""]}}`, "a")
	f.Fuzz(func(t *testing.T, schema, identifier string) {
		form, err := authenticator.ParseFormSchema([]byte(schema), identifier)
		if err != nil {
			return
		}
		require.NoError(t, form.Validate())
		require.Equal(t, identifier != "", form.Identifier != nil)
		require.Equal(t, form, form.Clone())
		text, err := json.Marshal(form)
		require.NoError(t, err)
		var again authenticator.Form
		require.NoError(t, json.Unmarshal(text, &again))
		for _, field := range form.Fields {
			field.Label([]string{"km"})
			field.Broken("x", "km")
		}
	})
}
