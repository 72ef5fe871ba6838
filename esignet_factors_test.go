package signet_test

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet"
	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/captcha"
	"github.com/gosignet/signet/consent"
	"github.com/gosignet/signet/esignet"
	"github.com/gosignet/signet/keystore/keystoretest"
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
	tx, _ := w.beginAs(request)
	return tx
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

func TestESignetTakesABiometricCapture(t *testing.T) {
	t.Parallel()
	w := newESWorld(t)
	capture := func(at time.Time) map[string]any {
		encoded := func(v any) string {
			data, err := json.Marshal(v)
			require.NoError(t, err)
			return base64.RawURLEncoding.EncodeToString(data)
		}
		// Nobody verifies the signature, because nobody knows the devices of the mock.
		data := encoded(map[string]any{"alg": "RS256"}) + "." + encoded(map[string]any{
			"digitalId": "a JWT", "bioType": "Face", "bioValue": "a face", "transactionId": "0123456789",
			"timestamp": at.Format(time.RFC3339Nano), "purpose": "Auth", "env": "Developer",
		}) + "." + strings.Repeat("A", 342)
		return map[string]any{"authFactorType": "BIO", "format": "encoded-json", "challenge": encoded(map[string]any{"biometrics": []any{
			map[string]any{"specVersion": "1.0", "data": data, "hash": "the hash", "sessionKey": "the key", "thumbprint": "the thumbprint"},
		}})}
	}
	tx := w.beginWith("mosip:idp:acr:biometrics")
	assert.Equal(t, "auth_failed", w.answerWith("v3/", tx, "", capture(time.Now().Add(-time.Hour))).code(), "it is an old one")
	a := w.answerWith("v3/", tx, "", capture(time.Now()))
	require.Empty(t, a.Errors)
	assert.Contains(t, string(a.Response), `"consentAction":"CAPTURE"`)
	w.redeem(w.code(tx, "name"))
}

func TestESignetTakesWhatABoundWalletSigned(t *testing.T) {
	t.Parallel()
	w := newESWorld(t, func(c *signet.Config) {
		c.Keys = keystoretest.WithBindingCA(t, c.Keys, time.Now())
		c.Wallet = &signet.Wallet{Accept: []authenticator.FactorSet{{authenticator.Password}}}
		c.ESignet.OpenBinding = true
	})
	phone, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	a := w.post("/binding/wallet-binding", esTransaction{}, map[string]any{
		"individualId": alice, "authFactorType": "WLA", "format": "jwt", "challengeList": []any{esPassword},
		"publicKey": jose.JSONWebKey{Key: phone.Public(), KeyID: "phone"},
	})
	require.Empty(t, a.Errors)
	var bound struct{ Certificate string }
	require.NoError(t, json.Unmarshal(a.Response, &bound))
	block, _ := pem.Decode([]byte(bound.Certificate))
	require.NotNil(t, block)
	proof := func(key *rsa.PrivateKey) map[string]any {
		signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.RS256, Key: key}, &jose.SignerOptions{
			ExtraHeaders: map[jose.HeaderKey]any{"x5t#S256": consent.Thumbprint(block.Bytes)},
		})
		require.NoError(t, err)
		now := time.Now()
		return map[string]any{"authFactorType": "WLA", "format": "jwt", "challenge": signES(t, signer, map[string]any{
			"iss": "wallet", "sub": alice, "aud": "esignet-binding", "iat": now.Unix(), "exp": now.Add(time.Minute).Unix(), "jti": uuid.NewString(),
		})}
	}
	stranger, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	tx := w.beginWith("mosip:idp:acr:linked-wallet")
	assert.Equal(t, "auth_failed", w.answerWith("v3/", tx, "", proof(stranger)).code())
	right := proof(phone)
	require.Empty(t, w.answerWith("v3/", tx, "", right).Errors)
	w.redeem(w.code(tx, "name"))
	tx = w.beginWith("mosip:idp:acr:linked-wallet")
	assert.Equal(t, "auth_failed", w.answerWith("v3/", tx, "", right).code(), "a proof counts once")
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
