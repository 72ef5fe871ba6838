package mock_test

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/authenticator/mock"
)

func TestKnowledgeIsComparedAsPeopleWrite(t *testing.T) {
	t.Parallel()
	m, _ := everything(t)
	for response, right := range map[string]bool{
		knowledge("Sok Dara", "1990-02-27"):                true,
		knowledge("  SOK   dara ", " 1990-02-27 "):         true,
		knowledge("សុខ ដារ៉ា", "1990-02-27"):               true,
		knowledge("Sok Dara", "១៩៩០-០២-២៧"):                true,
		knowledge("Sok Dara", "1990/02/27"):                true,
		knowledge("Sok Dara", "1990-02-28"):                false,
		knowledge("Sok Dara", ""):                          false,
		knowledge("", "1990-02-27"):                        false,
		knowledge("Sok", "1990-02-27"):                     false,
		knowledge(strings.Repeat("x", 1025), "1990-02-27"): false,
		`{"fullName":"Sok Dara"}`:                          false,
		`{"dateOfBirth":"1990-02-27"}`:                     false,
		`{"fullName":"Sok Dara","dateOfBirth":19900227}`:   false,
		`{}`: false,
		`[]`: false,
		strings.Repeat(" ", 16<<10) + knowledge("x", "1990-02-27"): false,
	} {
		_, err := authenticate(t, m, dara, authenticator.Challenge{Factor: authenticator.Knowledge, Response: response})
		if right {
			assert.NoError(t, err, response)
		} else {
			requireReason(t, authenticator.WrongCredentials, err)
		}
	}
	amelie := authenticator.Identifier{Value: "2740198356"}
	decomposed := "Ame\u0301lie Be\u0301ranger-Noe\u0308l"
	_, err := authenticate(t, m, amelie, authenticator.Challenge{Factor: authenticator.Knowledge, Response: knowledge(decomposed, "1991-04-17")})
	require.NoError(t, err)
}

func TestTheFormCanBeAnother(t *testing.T) {
	t.Parallel()
	questions := []authenticator.FormField{
		{Name: "phone", Type: authenticator.FieldDigits}, {Name: "dateOfBirth", Type: authenticator.FieldDate, Format: "dd/MM/yyyy"}, {Name: "pet"},
	}
	personas, err := read(`[{"national_id":"12345","knowledge":{"pet":"Ada the cat"},
		"claims":{"name":"Name","phone_number":"+999 000-100","birthdate":"1970-01-31"}}]`)
	require.NoError(t, err)
	m, _ := everything(t, func(c *mock.Config) { c.Questions, c.Personas = questions, personas })
	form, err := m.Form(t.Context(), authenticator.Knowledge)
	require.NoError(t, err)
	assert.Equal(t, questions, form.Fields)
	assert.Nil(t, form.Identifier)
	_, err = m.Form(t.Context(), authenticator.PIN)
	requireReason(t, authenticator.Unsupported, err)
	for pet, right := range map[string]bool{"ada the CAT": true, "Bob": false} {
		response, err := json.Marshal(map[string]string{"phone": "+999000100", "dateOfBirth": "31/01/1970", "pet": pet})
		require.NoError(t, err)
		_, err = authenticate(t, m, authenticator.Identifier{Value: "12345"}, authenticator.Challenge{Factor: authenticator.Knowledge, Response: string(response)})
		assert.Equal(t, right, err == nil, pet)
	}
}

func TestTheFormMayHaveEveryTypeOfQuestion(t *testing.T) {
	t.Parallel()
	personas, err := read(`[{"national_id":"12345","knowledge":{"sex":"f","truth":"true","home":"+855 12 34"},"claims":{"name":"Name"}}]`)
	require.NoError(t, err)
	m, _ := everything(t, func(c *mock.Config) {
		c.Personas = personas
		c.Questions = []authenticator.FormField{
			{Name: "sex", Type: authenticator.FieldChoice, Options: []authenticator.FormOption{{Value: "f"}, {Value: "m"}}},
			{Name: "truth", Type: authenticator.FieldCheckbox}, {Name: "home", Type: authenticator.FieldPhone, Prefixes: []string{"+855"}},
			{Name: "fullName", Languages: []string{"eng", "khm"}}, {Name: "pet", Optional: true}, {Name: "face", Type: authenticator.FieldPhoto},
		}
	})
	assert.Greater(t, authenticator.TraitsOf(m, authenticator.Knowledge).MaxResponse, authenticator.MaxPhoto*4/3)
	face := base64.RawURLEncoding.EncodeToString([]byte("\xff\xd8\xff\xe0 a face"))
	rest := `"sex": "f", "truth": "true", "home": "+8551234", "fullName": [{"language": "eng", "value": "Name"}]`
	for response, right := range map[string]bool{
		`{` + rest + `, "face": "` + face + `"}`:               true,
		`{` + rest + `, "face": "eA"}`:                         false,
		`{` + rest + `, "face": "` + face + `", "pet": "Ada"}`: false,
		`{"sex": "m", "truth": "true", "home": "+8551234", "fullName": [{"language": "eng", "value": "Name"}], "face": "` + face + `"}`: false,
		`{"sex": "f", "truth": "true", "home": "+8551234", "fullName": [], "face": "` + face + `"}`:                                     false,
		`{"sex": "f", "truth": "true", "home": "+8551234", "fullName": [{"language": "eng", "value": "Nam"}], "face": "` + face + `"}`:  false,
	} {
		_, err = authenticate(t, m, authenticator.Identifier{Value: "12345"}, authenticator.Challenge{Factor: authenticator.Knowledge, Response: response})
		assert.Equal(t, right, err == nil, response)
	}
}

func TestCapturesAreChecked(t *testing.T) {
	t.Parallel()
	m, c := everything(t)
	segment := func(name string, value any) object {
		s := finger(c.now(), nil)
		s[name] = value
		return s
	}
	many := make([]map[string]any, 14)
	for i := range many {
		many[i] = finger(c.now(), nil)
	}
	text := func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }
	signed := func(name string, value any) string { return capture(finger(c.now(), map[string]any{name: value})) }
	for name, tt := range map[string]struct {
		response string
		right    bool
	}{
		"as it should be":        {capture(finger(c.now(), nil)), true},
		"two segments":           {capture(finger(c.now(), nil), finger(c.now(), map[string]any{"bioType": "Face"})), true},
		"without an error":       {capture(segment("error", nil)), true},
		"five minutes old":       {capture(finger(c.now().Add(-5*time.Minute), nil)), true},
		"captured earlier":       {capture(finger(c.now().Add(-5*time.Minute-time.Second), nil)), false},
		"captured in the future": {capture(finger(c.now().Add(6*time.Minute), nil)), false},
		"no base64url":           {"{}", false},
		"no JSON":                {text("x"), false},
		"an array":               {text("[]"), false},
		"no biometrics":          {text("{}"), false},
		"more than a person has": {capture(many...), false},
		"too long":               {strings.Repeat("A", 512<<10+1), false},
		"an error of the device": {capture(segment("error", object{"errorCode": "101"})), false},
		"no hash":                {capture(segment("hash", "")), false},
		"no session key":         {capture(segment("sessionKey", "")), false},
		"no thumbprint":          {capture(segment("thumbprint", "")), false},
		"no version":             {capture(segment("specVersion", "")), false},
		"no JWS":                 {capture(segment("data", "e30.e30.")), false},
		"without a time":         {signed("timestamp", nil), false},
		"of something else":      {signed("bioType", "Voice"), false},
		"without a value":        {signed("bioValue", nil), false},
		"without a device":       {signed("digitalId", nil), false},
		"for registration":       {signed("purpose", "Registration"), false},
		"of no login":            {signed("transactionId", nil), false},
	} {
		_, err := authenticate(t, m, dara, authenticator.Challenge{Factor: authenticator.Biometrics, Response: tt.response})
		if tt.right {
			assert.NoError(t, err, name)
		} else {
			requireReason(t, authenticator.WrongCredentials, err)
		}
	}
}

func TestClaimsComeInTheLanguagesThatThereAre(t *testing.T) {
	t.Parallel()
	m, _ := everything(t)
	for locale, want := range map[string][]string{
		"en": {"name", "name#en"}, "en-GB": {"name", "name#en"}, "fr": {"name"}, "": {"name"}, "x-": {"name"},
	} {
		claims, err := m.Claims(t.Context(), &authenticator.ClaimsRequest{
			Identity: authenticator.Identity{Subject: dara.Value}, Names: []string{"name"}, Locales: []string{locale},
		})
		require.NoError(t, err)
		var names []string
		for name := range claims.Values {
			names = append(names, name)
		}
		assert.ElementsMatch(t, want, names, locale)
	}
}

func TestOnlyWhatIsAskedForIsReleasedAsVerified(t *testing.T) {
	t.Parallel()
	m, _ := everything(t)
	claims, err := m.Claims(t.Context(), &authenticator.ClaimsRequest{
		Identity: authenticator.Identity{Subject: dara.Value}, Names: []string{"name", "birthdate", "email"}, Verified: []string{"name", "email"},
		Locales: []string{"en"},
	})
	require.NoError(t, err)
	require.Len(t, claims.Verified, 1)
	var how map[string]any
	require.NoError(t, json.Unmarshal(claims.Verified[0].Verification, &how))
	assert.Equal(t, "urn:example:civil-register", how["trust_framework"])
	assert.Contains(t, how, "time")
	assert.Contains(t, how, "evidence")
	values, err := json.Marshal(claims.Verified[0].Values)
	require.NoError(t, err)
	assert.JSONEq(t, `{"name":"សុខ ដារ៉ា","name#en":"Sok Dara"}`, string(values))
	assert.Len(t, claims.Values, 4)
}
