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
