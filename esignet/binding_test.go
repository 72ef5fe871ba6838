package esignet_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/esignet"
)

func TestWalletIsBound(t *testing.T) {
	t.Parallel()
	w := newWalletAPI(t)
	sent := w.succeeds("/binding/binding-otp", members{"individualId": grace, "otpChannels": []string{"email"}})
	assert.Equal(t, members{"maskedEmail": "g***@example.org", "maskedMobile": "** 12"}, sent)
	bound := w.succeeds("/binding/wallet-binding", w.binding())
	assert.Contains(t, bound["certificate"], "BEGIN CERTIFICATE")
	assert.Regexp(t, `^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$`, bound["expireDateTime"])
	userID := func(bound members) string {
		sealed, err := jose.ParseEncryptedCompact(bound["walletUserId"].(string),
			[]jose.KeyAlgorithm{jose.RSA_OAEP_256}, []jose.ContentEncryption{jose.A256GCM})
		require.NoError(t, err)
		assert.Equal(t, "phone", sealed.Header.KeyID)
		assert.Equal(t, "JWT", sealed.Header.ExtraHeaders["cty"])
		id, err := sealed.Decrypt(w.key)
		require.NoError(t, err)
		return string(id)
	}
	again := w.succeeds("/binding/wallet-binding", w.binding())
	assert.Equal(t, userID(bound), userID(again), "the next binding keeps the walletUserId")
}

// TestEveryRuleOfBinding breaks one rule at a time of a request that is otherwise right.
func TestEveryRuleOfBinding(t *testing.T) {
	t.Parallel()
	w := newWalletAPI(t)
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	wla := members{"authFactorType": "PIN", "challenge": "111111", "format": "number"}
	for name, c := range map[string]struct {
		member string
		value  any
		code   string
	}{
		"nobody":                {"individualId", " ", "invalid_individual_id"},
		"no challenge":          {"challengeList", nil, "invalid_no_of_challenges"},
		"a wrong challenge":     {"challengeList", challenges(otp("1")), "invalid_challenge"},
		"an unknown factor":     {"challengeList", challenges(members{"authFactorType": "NEW", "challenge": "1", "format": "x"}), "invalid_auth_factor_type"},
		"a wrong format":        {"challengeList", challenges(members{"authFactorType": "OTP", "challenge": "111111", "format": "x"}), "invalid_challenge_format"},
		"what does not do":      {"challengeList", challenges(wla), "invalid_auth_factor_type_or_challenge_format"},
		"no key":                {"publicKey", nil, "invalid_public_key"},
		"a key in a string":     {"publicKey", "{}", "unknown_error"},
		"no public key":         {"publicKey", members{"kty": "oct", "k": "AAAA"}, "invalid_public_key"},
		"nothing can be sealed": {"publicKey", jose.JSONWebKey{Key: ec.Public()}, "failed_to_create_jwe"},
		"no type":               {"authFactorType", "", "invalid_auth_factor_type"},
		"another type":          {"authFactorType", "OTP", "invalid_auth_factor_type_or_challenge_format"},
		"no format":             {"format", "", "invalid_challenge_format"},
		"another format":        {"format", "xml", "invalid_auth_factor_type_or_challenge_format"},
		"a code that is wrong":  {"challengeList", challenges(otp("999999")), "key_binding_failed"},
	} {
		request := w.binding()
		request[c.member] = c.value
		assert.Equal(t, c.code, w.call("/binding/wallet-binding", request).code(), name)
	}
	for _, path := range []string{"/binding/binding-otp", "/binding/v2/binding-otp"} {
		for name, c := range map[string]struct {
			request members
			code    string
		}{
			"nobody":             {members{"individualId": "", "otpChannels": []string{"email"}}, "invalid_identifier"},
			"no channel":         {members{"individualId": grace}, "invalid_otp_channel"},
			"an unknown channel": {members{"individualId": grace, "otpChannels": []string{"pigeon"}}, "invalid_otp_channel"},
		} {
			assert.Equal(t, c.code, w.call(path, c.request).code(), "%s: %s", path, name)
		}
	}
	captcha := members{"individualId": grace, "otpChannels": []string{"email"}, "captchaToken": "x"}
	assert.Equal(t, "unknown_error", w.call("/binding/binding-otp", captcha).code(), "the first version knows no captcha")
	w.succeeds("/binding/v2/binding-otp", captcha)

	w.bind()
	stolen := w.binding()
	stolen["individualId"] = "8012345679"
	assert.Equal(t, "duplicate_public_key", w.call("/binding/wallet-binding", stolen).code())
}

func TestAllThatIsWrongWithARequestIsSaidAtOnce(t *testing.T) {
	t.Parallel()
	w := newWalletAPI(t)
	wrong := challenges(otp("1"), otp("111111"), members{"authFactorType": "otp"}, members{"authFactorType": "OTP", "format": "x"})
	inList := []string{
		"request.challengeList[0]: invalid_challenge", "request.challengeList[2]: invalid_auth_factor_type",
		"request.challengeList[3]: invalid_challenge_format",
	}
	for path, c := range map[string]struct {
		request members
		wrong   []string
	}{
		"/binding/wallet-binding": {
			members{"challengeList": wrong, "publicKey": w.binding()["publicKey"], "authFactorType": "WLA", "format": "jwt"},
			append([]string{"request.individualId: invalid_individual_id"}, inList...),
		},
		"/linked-authorization/v2/authenticate": {
			members{"challengeList": wrong},
			append([]string{"request.linkedTransactionId: invalid_transaction_id", "request.individualId: invalid_identifier"}, inList...),
		},
		"/binding/binding-otp": {
			members{"otpChannels": []string{"email", "pigeon"}},
			[]string{"request.individualId: invalid_identifier", "request.otpChannels: invalid_otp_channel"},
		},
	} {
		var messages []string
		for _, e := range w.call(path, c.request).Errors {
			messages = append(messages, e.Message)
		}
		assert.ElementsMatch(t, c.wrong, messages, path)
	}
}

func TestBindingAsksForAScope(t *testing.T) {
	t.Parallel()
	var scopes []string
	w := newWalletAPI(t, func(o *options) {
		o.wallet.OpenBinding = false
		o.wallet.Guard = func(scope string, _ http.Handler) http.Handler {
			scopes = append(scopes, scope)
			return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) })
		}
	})
	assert.Equal(t, []string{esignet.ScopeBindingOTP, esignet.ScopeBindingOTP, esignet.ScopeWalletBinding}, scopes)
	for _, path := range []string{"binding-otp", "v2/binding-otp", "wallet-binding"} {
		recorder := httptest.NewRecorder()
		w.api.ServeHTTP(recorder, httptest.NewRequest(http.MethodPost, esignet.DefaultPrefix+"/binding/"+path, nil))
		assert.Equal(t, http.StatusForbidden, recorder.Code, path)
	}
}

func TestBindingIsNotOpenByOversight(t *testing.T) {
	t.Parallel()
	w := newWalletAPI(t)
	_, err := esignet.New(esignet.Config{
		Store:  w.store,
		Wallet: &esignet.WalletConfig{Linker: w.linker, Binder: w.binder, Wait: 1 << 62},
	})
	assert.ErrorContains(t, err, "Binder needs Guard")
	assert.ErrorContains(t, err, "Wait")
}

// A country has codes of its own length, and a wallet gives the same ones as a browser.
func TestWalletsAnswerInTheFormatsOfTheDeployment(t *testing.T) {
	t.Parallel()
	w := newWalletAPI(t, func(o *options) {
		o.wallet.Challenges = map[string]esignet.Challenge{"OTP": {Format: "digits", MinLength: 6, MaxLength: 8}}
	})
	request := w.binding()
	answer := w.call("/binding/wallet-binding", request)
	assert.Equal(t, "invalid_challenge_format", answer.code(), "that of eSignet")
	request["challengeList"] = challenges(members{"authFactorType": "OTP", "challenge": "111111", "format": "digits"})
	w.succeeds("/binding/wallet-binding", request)
}
