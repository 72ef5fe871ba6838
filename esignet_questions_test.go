package signet_test

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet"
	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/authenticator/mock"
	"github.com/gosignet/signet/esignet"
)

func TestESignetTakesAnswersToQuestions(t *testing.T) {
	t.Parallel()
	w := newESWorld(t)
	answers := func(name any) map[string]any {
		data, err := json.Marshal(map[string]any{"fullName": name, "dateOfBirth": "1991-04-17"})
		require.NoError(t, err)
		return map[string]any{"authFactorType": "KBI", "format": "base64url-encoded-json", "challenge": base64.RawURLEncoding.EncodeToString(data)}
	}
	const name = "Amélie Béranger-Noël"
	for _, right := range []any{name, []any{map[string]any{"language": "fra", "value": ""}, map[string]any{"language": "eng", "value": name}}} {
		a := w.answerWith("v3/", w.beginWith("mosip:idp:acr:knowledge"), "", answers(right))
		require.Empty(t, a.Errors)
		assert.Contains(t, string(a.Response), `"consentAction":"`)
	}
	tx := w.beginWith("mosip:idp:acr:knowledge")
	assert.Equal(t, "auth_failed", w.answerWith("v3/", tx, "", answers("Somebody Else Altogether")).code())
	for _, malformed := range []any{"", "  ", nil, []any{}, []any{map[string]any{"value": " "}}, 7, strings.Repeat("a", 101)} {
		assert.Equal(t, "invalid_challenge", w.answerWith("v3/", tx, "", answers(malformed)).code(), "%v", malformed)
	}
	garbage := answers(name)
	garbage["challenge"] = strings.Repeat("*", 60)
	assert.Equal(t, "invalid_challenge", w.answerWith("v3/", tx, "", garbage).code())
}

func TestESignetAsksAndTakesEveryTypeOfQuestion(t *testing.T) {
	t.Parallel()
	questions := []authenticator.FormField{
		{Name: "fullName", Labels: authenticator.Texts{"en": "Name"}, Languages: []string{"eng"}, OptionalLanguages: []string{"khm"}, Rules: []authenticator.FormRule{
			{Pattern: "^[A-Z]", Errors: authenticator.Texts{"en": "A capital"}, Language: "en"},
		}},
		{Name: "dateOfBirth", Type: authenticator.FieldDate, Labels: authenticator.Texts{"en": "Born"}, Format: "dd/MM/yyyy", Group: "g"},
		{Name: "phone", Type: authenticator.FieldPhone, Labels: authenticator.Texts{"en": "Phone"}, Prefixes: []string{"+999"}, Optional: true, Hints: authenticator.Texts{"en": "Yours"}},
		{Name: "gender", Type: authenticator.FieldChoice, Labels: authenticator.Texts{"en": "Sex"}, Optional: true, Options: []authenticator.FormOption{
			{Value: "Female", Labels: authenticator.Texts{"en": "F", "km": "ស្រី"}},
		}},
		{Name: "truth", Type: authenticator.FieldCheckbox, Labels: authenticator.Texts{"en": "True"}, Optional: true},
		{Name: "word", Type: authenticator.FieldPassword, Labels: authenticator.Texts{"en": "Word"}, Optional: true, Confirm: true},
		{Name: "face", Type: authenticator.FieldPhoto, Labels: authenticator.Texts{"en": "Face"}},
	}
	w := newESWorld(t, func(c *signet.Config) {
		people, err := mock.New(mock.Config{Password: "correct horse", Store: c.Store, Factors: mock.AllFactors(), Questions: questions})
		require.NoError(t, err)
		c.Authenticator = people
		c.ESignet.Challenges = esignet.DefaultChallenges()
		c.ESignet.Challenges["KBI"] = esignet.Challenge{Format: "base64url-encoded-json", MinLength: 50, MaxLength: 4_000_000}
	})
	_, details := w.begin(uuid.NewString())
	var d struct {
		Configs map[string]json.RawMessage `json:"configs"`
	}
	require.NoError(t, json.Unmarshal(details, &d))
	form, err := authenticator.ParseFormSchema(d.Configs["auth.factor.kbi.field-details"], "individualId")
	require.NoError(t, err)
	questions[0].Type, questions[0].Rules[0].Language = authenticator.FieldText, "en"
	assert.Equal(t, questions, form.Fields, "the schema says what the form says")

	answer := func(changes map[string]any) string {
		answers := map[string]any{
			"fullName":    []any{map[string]any{"language": "eng", "value": "Amélie Béranger-Noël"}},
			"dateOfBirth": "17/04/1991", "face": "data:image/jpeg;base64,/9j/4AA=",
		}
		for name, value := range changes {
			answers[name] = value
		}
		data, err := json.Marshal(answers)
		require.NoError(t, err)
		a := w.answerWith("v3/", w.beginWith("mosip:idp:acr:knowledge"), "", map[string]any{
			"authFactorType": "KBI", "format": "base64url-encoded-json", "challenge": base64.RawURLEncoding.EncodeToString(data),
		})
		if len(a.Errors) == 0 {
			return ""
		}
		return a.code()
	}
	assert.Empty(t, answer(nil))
	for name, changes := range map[string]map[string]any{
		"a language that nobody asked for": {"fullName": []any{map[string]any{"language": "eng", "value": "A"}, map[string]any{"language": "ara", "value": "B"}}},
		"a language is missing":            {"fullName": []any{map[string]any{"language": "khm", "value": "A"}}},
		"no list":                          {"fullName": "A"},
		"against the rules":                {"fullName": []any{map[string]any{"language": "eng", "value": "amélie"}}},
		"another country":                  {"phone": "+1234"},
		"no option":                        {"gender": "x"},
		"no tick":                          {"truth": "perhaps"},
		"an empty photo":                   {"face": ""},
	} {
		assert.Equal(t, "invalid_challenge", answer(changes), name)
	}
	assert.Equal(t, "auth_failed", answer(map[string]any{"truth": true, "word": "x", "word_confirm": "x"}), "which the mock does not know of her")
}

func TestESignetTellsThePagesWhatToAskFor(t *testing.T) {
	t.Parallel()
	w := newESWorld(t)
	_, details := w.begin(uuid.NewString())
	var d struct{ Configs map[string]any }
	require.NoError(t, json.Unmarshal(details, &d))
	for name, value := range map[string]any{
		"issuer": w.URL, "otp.length": 6.0, "password.max-length": 30.0, "resend.otp.delay.secs": 180.0, "sbi.port.range": "4501-4600",
		"send.otp.channels": "email,phone", "captcha.enable": "", "wallet.config": []any{},
		"auth.factor.kbi.individual-id-field": "individualId", "preauth-screen-timeout-in-secs": 600.0,
	} {
		assert.Equal(t, value, d.Configs[name], name)
	}
	form, ok := d.Configs["auth.factor.kbi.field-details"].(map[string]any)
	require.True(t, ok)
	names := []any{}
	for _, f := range form["schema"].([]any) {
		names = append(names, f.(map[string]any)["id"])
	}
	assert.Equal(t, []any{"individualId", "fullName", "dateOfBirth"}, names)

	w = newESWorld(t, func(c *signet.Config) { c.Captcha = oneCaptcha{} })
	_, details = w.begin(uuid.NewString())
	require.NoError(t, json.Unmarshal(details, &d))
	assert.Equal(t, "send-otp,bio,idt,kbi,otp,pin,pwd,wla", d.Configs["captcha.enable"])
}
