package signet_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"net/netip"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet"
	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/captcha"
	"github.com/gosignet/signet/esignet"
	"github.com/gosignet/signet/login"
)

// oneCaptcha is solved by one word.
type oneCaptcha struct{}

func (oneCaptcha) Widget(context.Context) (*captcha.Widget, error) { return &captcha.Widget{}, nil }

func (oneCaptcha) Verify(_ context.Context, response string, _ netip.Addr) (bool, error) {
	return response == "solved", nil
}

func (w *esWorld) answerWith(version string, tx esTransaction, captchaToken string, challenges ...map[string]any) esAnswer {
	w.Helper()
	request := map[string]any{"transactionId": tx.id, "individualId": alice, "challengeList": challenges}
	if captchaToken != "" {
		request["captchaToken"] = captchaToken
	}
	return w.post("/authorization/"+version+"authenticate", tx, request)
}

func (w *esWorld) beginWith(acr string) esTransaction {
	w.Helper()
	request := w.details(uuid.NewString())
	request["acrValues"] = acr
	a := w.post("/authorization/v3/oauth-details", esTransaction{}, request)
	require.Empty(w, a.Errors)
	var d struct{ TransactionID string }
	require.NoError(w, json.Unmarshal(a.Response, &d))
	return esTransaction{d.TransactionID, browserHash(w.T, a.Response)}
}

var (
	esPassword = map[string]any{"authFactorType": "PWD", "challenge": "correct horse", "format": "alpha-numeric"}
	esCode     = map[string]any{"authFactorType": "OTP", "challenge": "111111", "format": "alpha-numeric"}
	esPIN      = map[string]any{"authFactorType": "PIN", "challenge": "246810", "format": "number"}
)

func TestESignetTakesEachFactor(t *testing.T) {
	t.Parallel()
	w := newESWorld(t)
	for acr, c := range map[string]map[string]any{"mosip:idp:acr:password": esPassword, "mosip:idp:acr:static-code": esPIN} {
		tx := w.beginWith(acr)
		a := w.answerWith("v2/", tx, "", c)
		require.Empty(t, a.Errors, acr)
		assert.Contains(t, string(a.Response), `"consentAction":"CAPTURE"`)
		assert.Equal(t, "invalid_transaction", w.answerWith("v2/", tx, "", c).code(), "it is authenticated already")
	}
	tx := w.beginWith("mosip:idp:acr:password")
	a := w.answerWith("", tx, "", esPassword)
	require.Empty(t, a.Errors)
	assert.JSONEq(t, `{"transactionId":"`+tx.id+`"}`, string(a.Response), "the first version says no more")
	assert.Equal(t, "unknown_error", w.answerWith("v2/", w.beginWith("mosip:idp:acr:password"), "x", esPassword).code(), "captchaToken is of the third")
}

func TestESignetReadsAnswersToQuestions(t *testing.T) {
	t.Parallel()
	w := newESWorld(t)
	tx := w.beginWith("mosip:idp:acr:knowledge")
	knowledge := func(s string) map[string]any {
		return map[string]any{"authFactorType": "KBI", "format": "base64url-encoded-json", "challenge": base64.RawURLEncoding.EncodeToString([]byte(s))}
	}
	a := w.answerWith("v3/", tx, "", knowledge(`{"nothing that is asked for":"but it is long enough"}`))
	require.Equal(t, "invalid_challenge", a.code())
	assert.Equal(t, "request.challengeList[0]: invalid_challenge", a.Errors[0].ErrorMessage)
}

func TestESignetTakesSeveralFactorsAtOnce(t *testing.T) {
	t.Parallel()
	for name, set := range map[string]authenticator.FactorSet{
		"code first": {authenticator.OTP, authenticator.Password}, "code last": {authenticator.PIN, authenticator.Password, authenticator.OTP},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newESWorld(t, func(c *signet.Config) {
				c.ACRs = authenticator.ACRs{{Value: "all", Alternatives: []authenticator.FactorSet{set}}}
				c.Captcha, c.CaptchaOn = oneCaptcha{}, []login.Use{login.UseAnswer}
			})
			tx := w.beginWith("all")
			require.Empty(t, w.sendOTP(tx, alice).Errors)
			assert.Equal(t, "auth_factor_mismatch", w.answerWith("v3/", tx, "solved", esCode).code())
			assert.Equal(t, "invalid_captcha", w.answerWith("v3/", tx, "", esPassword, esCode, esPIN).code())
			wrong := map[string]any{"authFactorType": "PWD", "challenge": "wrong horse", "format": "alpha-numeric"}
			assert.Equal(t, "auth_failed", w.answerWith("v3/", tx, "solved", wrong, esCode, esPIN).code())
			assert.Equal(t, "invalid_captcha", w.answerWith("v3/", tx, "", esPassword, esCode, esPIN).code(), "the solution is used up")
			a := w.answerWith("v3/", tx, "solved", esPassword, esCode, esPIN)
			require.Empty(t, a.Errors, "one solution is for one call")
			assert.Contains(t, string(a.Response), `"consentAction":"CAPTURE"`)
		})
	}
}

func TestESignetAsksForCaptchasInEveryVersion(t *testing.T) {
	t.Parallel()
	w := newESWorld(t, func(c *signet.Config) { c.Captcha, c.CaptchaOn = oneCaptcha{}, []login.Use{login.UseAnswer} })
	for _, version := range []string{"", "v2/", "v3/"} {
		assert.Equal(t, "invalid_captcha", w.answerWith(version, w.beginWith("mosip:idp:acr:password"), "", esPassword).code(), version)
	}
	tx := w.beginWith("mosip:idp:acr:password")
	assert.Equal(t, "invalid_captcha", w.answerWith("v3/", tx, "wrong", esPassword).code())
	assert.Empty(t, w.answerWith("v3/", tx, "solved", esPassword).Errors)
}

func TestESignetSaysWhatIsWrongWithItsConfiguration(t *testing.T) {
	t.Parallel()
	_, err := esignet.New(esignet.Config{Authorization: &esignet.AuthorizationConfig{UI: map[string]any{"1": 2}}})
	for _, missing := range []string{"Store", "Flow", "Server", "OpenID", "Pushed", "DPoP", "Clients", "Origin", "Issuer", "UI"} {
		assert.ErrorContains(t, err, missing)
	}
}
