package esignet_test

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/captcha"
	"github.com/gosignet/signet/esignet"
	"github.com/gosignet/signet/login"
	"github.com/gosignet/signet/store/memory"
)

const linkedPath = "/linked-authorization/"

// claims and scopes of the request.
var (
	asked  = []string{"name"}
	scopes = []string{"appointments"}
)

func TestPersonLogsInWithALinkedWallet(t *testing.T) {
	t.Parallel()
	w := newWalletAPI(t)
	w.bind()
	transaction := w.begin()
	shown := w.succeeds(linkedPath+"link-code", members{"transactionId": transaction})
	assert.Equal(t, transaction, shown["transactionId"])
	assert.Regexp(t, `^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$`, shown["expireDateTime"])
	code := shown["linkCode"]
	var waiting sync.WaitGroup
	waiting.Go(func() {
		answer := w.succeeds(linkedPath+"link-status", members{"transactionId": transaction, "linkCode": code})
		assert.Equal(t, members{"linkStatus": "LINKED"}, answer)
	})
	request := w.succeeds(linkedPath+"v2/link-transaction", members{"linkCode": code})
	waiting.Wait()
	assert.Equal(t, members{"@none": "Surgery", "fra": "Chirurgie"}, request["clientName"])
	assert.Equal(t, "https://clinic.example.org/logo.png", request["logoUrl"])
	assert.Equal(t, []any{"appointments"}, request["authorizeScopes"])
	assert.Equal(t, []any{}, request["credentialScopes"])
	assert.Equal(t, []any{[]any{members{"type": "WLA", "count": 0.0, "subTypes": nil}}, []any{members{"type": "OTP", "count": 0.0, "subTypes": nil}}},
		request["authFactors"])
	linked := request["linkTransactionId"]
	proved := w.succeeds(linkedPath+"v2/authenticate", members{
		"linkedTransactionId": linked, "individualId": grace, "challengeList": challenges(w.proof()),
	})
	assert.Equal(t, members{"linkedTransactionId": linked, "consentAction": "CAPTURE"}, proved)
	var codes [2]members
	for i := range codes {
		waiting.Go(func() {
			codes[i] = w.succeeds(linkedPath+"link-auth-code", members{"transactionId": transaction, "linkedCode": code})
		})
	}
	w.succeeds(linkedPath+"v2/consent", members{
		"linkedTransactionId": linked, "acceptedClaims": asked, "permittedAuthorizeScopes": scopes, "signature": w.signature(asked, scopes),
	})
	waiting.Wait()
	assert.Equal(t, "af0ifjsldkj", codes[0]["state"])
	assert.Equal(t, clinicCallback, codes[0]["redirectUri"])
	assert.NotEmpty(t, codes[0]["code"])
	assert.Equal(t, codes[0], codes[1], "a consented transaction has one code (H18)")
	again := w.succeeds(linkedPath+"link-auth-code", members{"transactionId": transaction, "linkedCode": code})
	assert.Equal(t, codes[0], again)
}

func TestFirstVersionsOfLinkedLogins(t *testing.T) {
	t.Parallel()
	w := newWalletAPI(t, func(o *options) { o.linker.UnsignedConsent = true })
	w.bind()
	transaction := w.begin()
	code := w.linkCode(transaction)
	request := w.succeeds(linkedPath+"link-transaction", members{"linkCode": code})
	assert.Equal(t, "Surgery", request["clientName"])
	assert.NotContains(t, request, "credentialScopes")
	linked := request["linkTransactionId"]
	id := members{"linkedTransactionId": linked}
	assert.Equal(t, id, w.succeeds(linkedPath+"authenticate", members{
		"linkedTransactionId": linked, "individualId": grace, "challengeList": challenges(w.proof()),
	}))
	decision := members{"linkedTransactionId": linked, "acceptedClaims": asked}
	assert.Equal(t, id, w.succeeds(linkedPath+"consent", decision))
	answer := w.succeeds(linkedPath+"link-auth-code", members{"transactionId": transaction, "linkedCode": code})
	assert.NotEmpty(t, answer["code"])
}

func TestUnsignedConsentIsRefusedUnlessConfigured(t *testing.T) {
	t.Parallel()
	w := newWalletAPI(t)
	w.bind()
	_, _, linked := w.linked()
	w.succeeds(linkedPath+"authenticate", members{
		"linkedTransactionId": linked, "individualId": grace, "challengeList": challenges(w.proof()),
	})
	assert.Equal(t, "invalid_signature_format", w.call(linkedPath+"consent", members{"linkedTransactionId": linked}).code())
}

func TestLinkedLoginByOneTimeCode(t *testing.T) {
	t.Parallel()
	w := newWalletAPI(t)
	_, _, linked := w.linked()
	sent := w.succeeds(linkedPath+"send-otp", members{
		"transactionId": linked, "individualId": grace, "otpChannels": []string{"email", "phone"},
	})
	assert.Equal(t, members{"transactionId": linked, "maskedEmail": "g***@example.org", "maskedMobile": "** 12"}, sent)
	proof := members{"linkedTransactionId": linked, "individualId": grace, "challengeList": challenges(otp("999999"))}
	assert.Equal(t, "auth_failed", w.call(linkedPath+"v2/authenticate", proof).code())
	proof["challengeList"] = challenges(otp("111111"))
	assert.Equal(t, "CAPTURE", w.succeeds(linkedPath+"v2/authenticate", proof)["consentAction"])
}

// TestEveryRuleOfLinkedCalls breaks one rule at a time of a request that is otherwise right.
func TestEveryRuleOfLinkedCalls(t *testing.T) {
	t.Parallel()
	w := newWalletAPI(t)
	long := strings.Repeat("a", 600)
	for path, rules := range map[string]struct {
		right  members
		broken map[string][2]any // by member: the value, and the code
	}{
		"link-code":           {members{"transactionId": "t"}, map[string][2]any{"transactionId": {" ", "invalid_transaction_id"}}},
		"link-transaction":    {members{"linkCode": "c"}, map[string][2]any{"linkCode": {"", "invalid_link_code"}}},
		"v2/link-transaction": {members{"linkCode": "c"}, map[string][2]any{"linkCode": {nil, "invalid_link_code"}}},
		"link-status": {members{"transactionId": "t", "linkCode": "c"}, map[string][2]any{
			"transactionId": {"", "invalid_transaction_id"}, "linkCode": {"", "invalid_link_code"},
		}},
		"link-auth-code": {members{"transactionId": "t", "linkedCode": "c"}, map[string][2]any{
			"transactionId": {"", "invalid_transaction_id"}, "linkedCode": {"", "invalid_link_code"},
		}},
		"send-otp": {members{"transactionId": "t", "individualId": "i", "otpChannels": []string{"email"}}, map[string][2]any{
			"transactionId": {"", "invalid_transaction_id"}, "individualId": {"", "invalid_identifier"},
			"otpChannels": {[]string{}, "invalid_otp_channel"},
		}},
		"v2/authenticate": {members{"linkedTransactionId": "t", "individualId": "i", "challengeList": challenges(otp("111111"))}, map[string][2]any{
			"linkedTransactionId": {"", "invalid_transaction_id"}, "individualId": {"", "invalid_identifier"},
			"challengeList": {challenges(), "invalid_no_of_challenges"},
		}},
		"authenticate": {members{"linkedTransactionId": "t", "individualId": "i", "challengeList": challenges(otp("111111"))}, map[string][2]any{
			"linkedTransactionId": {"", "invalid_transaction_id"}, "individualId": {"", "invalid_identifier"},
			"challengeList": {challenges(otp("111111"), otp("111111"), otp("111111"), otp("111111"), otp("111111"), otp("111111")), "invalid_no_of_challenges"},
		}},
		"consent": {members{"linkedTransactionId": "t"}, map[string][2]any{
			"linkedTransactionId": {"", "invalid_transaction_id"}, "acceptedClaims": {[]string{" "}, "invalid_accepted_claim"},
			"permittedAuthorizeScopes": {[]string{""}, "invalid_permitted_scope"},
		}},
		"v2/consent": {members{"linkedTransactionId": "t", "signature": "a.b"}, map[string][2]any{
			"linkedTransactionId": {"", "invalid_transaction_id"}, "acceptedClaims": {[]string{" "}, "invalid_accepted_claim"},
			"permittedAuthorizeScopes": {[]string{""}, "invalid_permitted_scope"}, "signature": {"a.b.c", "invalid_signature_format"},
		}},
	} {
		for member, rule := range rules.broken {
			request := members{}
			for k, v := range rules.right {
				request[k] = v
			}
			request[member] = rule[0]
			answer := w.call(linkedPath+path, request)
			if assert.Equal(t, rule[1], answer.code(), "%s: %s", path, member) {
				assert.Equal(t, "request."+member+": "+answer.code(), answer.Errors[0].Message)
			}
		}
		unknown := w.call(linkedPath+path, rules.right)
		assert.Contains(t, []string{"invalid_transaction", "invalid_link_code"}, unknown.code(), "%s: nobody's", path)
		assert.Equal(t, "unknown_error", w.call(linkedPath+path, members{"surprise": 1}).code(), path)
	}
	for name, c := range map[string]struct {
		challenge members
		code      string
	}{
		"no type":              {members{"challenge": "111111", "format": "alpha-numeric"}, "invalid_auth_factor_type"},
		"lower case":           {members{"authFactorType": "otp", "challenge": "111111", "format": "alpha-numeric"}, "invalid_auth_factor_type"},
		"no format":            {members{"authFactorType": "OTP", "challenge": "111111"}, "invalid_challenge_format"},
		"another format":       {members{"authFactorType": "OTP", "challenge": "111111", "format": "number"}, "invalid_challenge_format"},
		"blank":                {otp("      "), "invalid_challenge"},
		"too short":            {otp("11111"), "invalid_challenge"},
		"too long":             {otp("1111111"), "invalid_challenge"},
		"PIN":                  {members{"authFactorType": "PIN", "challenge": "12345", "format": "number"}, "invalid_challenge"},
		"password":             {members{"authFactorType": "PWD", "challenge": "1234567", "format": "alpha-numeric"}, "invalid_challenge"},
		"short JWT":            {members{"authFactorType": "WLA", "challenge": "a.b.c", "format": "jwt"}, "invalid_challenge"},
		"biometrics":           {members{"authFactorType": "BIO", "challenge": "short", "format": "encoded-json"}, "invalid_challenge"},
		"answers in no base64": {members{"authFactorType": "KBI", "challenge": "!" + long[:60], "format": "base64url-encoded-json"}, "invalid_challenge"},
	} {
		answer := w.call(linkedPath+"v2/authenticate", members{
			"linkedTransactionId": "t", "individualId": "i", "challengeList": challenges(c.challenge),
		})
		if assert.Equal(t, c.code, answer.code(), name) {
			assert.Equal(t, "request.challengeList[0]: "+c.code, answer.Errors[0].Message, name)
		}
	}
}

func TestWhatAWalletMayNotDo(t *testing.T) {
	t.Parallel()
	w := newWalletAPI(t)
	w.bind()
	_, _, linked := w.linked()
	proof := members{"linkedTransactionId": linked, "individualId": grace, "challengeList": challenges(w.proof(), otp("111111"))}
	pin := members{"authFactorType": "PIN", "challenge": "123456", "format": "number"}
	proof["challengeList"] = challenges(pin)
	assert.Equal(t, "auth_factor_mismatch", w.call(linkedPath+"v2/authenticate", proof).code())
	assert.Equal(t, "invalid_otp_channel", w.call(linkedPath+"send-otp", members{
		"transactionId": linked, "individualId": grace, "otpChannels": []string{"pigeon"},
	}).code())
	assert.Equal(t, "invalid_transaction", w.call(linkedPath+"v2/consent", members{
		"linkedTransactionId": linked, "signature": "a.b",
	}).code(), "before the person proved who they are")

	proof["challengeList"] = challenges(w.proof())
	proof["individualId"] = "8012345679"
	assert.Equal(t, "invalid_challenge", w.call(linkedPath+"v2/authenticate", proof).code(), "the wallet is another person's")
	proof["individualId"] = grace
	proof["challengeList"] = challenges(w.proof())
	w.succeeds(linkedPath+"v2/authenticate", proof)
	for name, c := range map[string]struct {
		claims, scopes []string
		signature, not string
	}{
		"more than was asked":         {[]string{"name", "salary"}, nil, w.signature([]string{"name", "salary"}, nil), "invalid_accepted_claim"},
		"a scope that was not asked":  {asked, []string{"payments"}, w.signature(asked, []string{"payments"}), "invalid_permitted_scope"},
		"a signature on another list": {asked, scopes, w.signature(asked, nil), "invalid_signature_format"},
		"a signature of nobody":       {asked, scopes, "e30.AAAA", "invalid_signature_format"},
	} {
		assert.Equal(t, c.not, w.call(linkedPath+"v2/consent", members{
			"linkedTransactionId": linked, "acceptedClaims": c.claims, "permittedAuthorizeScopes": c.scopes, "signature": c.signature,
		}).code(), name)
	}
	w.succeeds(linkedPath+"v2/consent", members{
		"linkedTransactionId": linked, "acceptedClaims": asked, "permittedAuthorizeScopes": scopes, "signature": w.signature(asked, scopes),
	})
	assert.Equal(t, "invalid_transaction", w.call(linkedPath+"v2/authenticate", proof).code(), "the login is over")
}

func TestLinkCodesAreFew(t *testing.T) {
	t.Parallel()
	w := newWalletAPI(t, func(o *options) { o.linker.MaxCodes = 3 })
	transaction := w.begin()
	first := w.linkCode(transaction)
	w.linkCode(transaction)
	w.linkCode(transaction)
	assert.Equal(t, "link_code_limit_reached", w.call(linkedPath+"link-code", members{"transactionId": transaction}).code())
	assert.Equal(t, "invalid_link_code", w.call(linkedPath+"v2/link-transaction", members{"linkCode": first}).code(), "two work at a time")
	assert.Equal(t, "invalid_link_code", w.call(linkedPath+"link-auth-code", members{"transactionId": transaction, "linkedCode": first}).code())
}

func TestOfTwoWalletsOneGetsTheLogin(t *testing.T) {
	t.Parallel()
	w := newWalletAPI(t)
	code := w.linkCode(w.begin())
	var won, lost atomic.Int32
	var race sync.WaitGroup
	for range 8 {
		race.Go(func() {
			switch answer := w.call(linkedPath+"v2/link-transaction", members{"linkCode": code}); {
			case answer.Response != nil:
				won.Add(1)
			case answer.code() == "invalid_link_code":
				lost.Add(1)
			}
		})
	}
	race.Wait()
	assert.EqualValues(t, 1, won.Load())
	assert.EqualValues(t, 7, lost.Load())
}

func TestLimitsHoldForWallets(t *testing.T) {
	t.Parallel()
	w := newWalletAPI(t, func(o *options) { o.login.MaxAttempts, o.login.Delay.Free = 2, 10 })
	_, _, linked := w.linked()
	w.succeeds(linkedPath+"send-otp", members{"transactionId": linked, "individualId": grace, "otpChannels": []string{"email"}})
	wrong := members{"linkedTransactionId": linked, "individualId": grace, "challengeList": challenges(otp("999999"))}
	assert.Equal(t, "auth_failed", w.call(linkedPath+"v2/authenticate", wrong).code())
	w.call(linkedPath+"v2/authenticate", wrong)
	assert.Equal(t, "no_attempts_left", w.call(linkedPath+"authenticate", wrong).code(), "of all versions together (H06)")
}

// riddle is a captcha whose solution is known.
type riddle struct{}

func (riddle) Widget(context.Context) (*captcha.Widget, error) { return &captcha.Widget{}, nil }

func (riddle) Verify(_ context.Context, response string, _ netip.Addr) (bool, error) {
	return response == "solved", nil
}

func TestCaptchaIsAskedForInAllVersions(t *testing.T) {
	t.Parallel()
	w := newWalletAPI(t, func(o *options) {
		o.login.Captcha, o.login.CaptchaOn = riddle{}, []login.Use{login.UseAnswer, login.UseCode}
	})
	_, _, linked := w.linked()
	code := members{"transactionId": linked, "individualId": grace, "otpChannels": []string{"email"}}
	assert.Equal(t, "invalid_captcha", w.call(linkedPath+"send-otp", code).code())
	code["captchaToken"] = "guessed"
	assert.Equal(t, "invalid_captcha", w.call(linkedPath+"send-otp", code).code())
	code["captchaToken"] = "solved"
	w.succeeds(linkedPath+"send-otp", code)
	proof := members{"linkedTransactionId": linked, "individualId": grace, "challengeList": challenges(otp("111111"))}
	for _, path := range []string{"authenticate", "v2/authenticate"} {
		assert.Equal(t, "invalid_captcha", w.call(linkedPath+path, proof).code(), path)
	}
	proof["captchaToken"] = "solved"
	w.succeeds(linkedPath+"v2/authenticate", proof)
	delete(code, "transactionId")
	delete(code, "captchaToken")
	for _, path := range []string{"/binding/binding-otp", "/binding/v2/binding-otp"} {
		assert.Equal(t, "invalid_captcha", w.call(path, code).code(), path)
	}
}

func TestWaitingEndsInTime(t *testing.T) {
	t.Parallel()
	rsaKeys()
	synctest.Test(t, func(t *testing.T) {
		w := newWalletAPI(t, func(o *options) { o.wallet.Wait = 25 * time.Second })
		transaction := w.begin()
		code := w.linkCode(transaction)
		began := time.Now()
		answer := w.call(linkedPath+"link-status", members{"transactionId": transaction, "linkCode": code})
		assert.Equal(t, "response_timeout", answer.code())
		assert.NotEqual(t, "response_timeout", answer.Errors[0].Message, "is said in words")
		assert.Equal(t, 25*time.Second, time.Since(began))
		w.call(linkedPath+"link-status", members{"transactionId": transaction, "linkCode": code})
		assert.Equal(t, "invalid_link_code", w.call(linkedPath+"link-status", members{"transactionId": transaction, "linkCode": code}).code(),
			"the code expires while the browser waits")
	})
}

func TestConnectionIsCutWhileABrowserWaits(t *testing.T) {
	t.Parallel()
	w := newWalletAPI(t)
	w.bind()
	server := httptest.NewServer(w.api)
	defer server.Close()
	transaction, code, linked := w.linked()
	ctx, cut := context.WithCancel(t.Context())
	body := envelopeOf(t, members{"transactionId": transaction, "linkedCode": code})
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, server.URL+esignet.DefaultPrefix+linkedPath+"link-auth-code", bytes.NewReader(body))
	require.NoError(t, err)
	request.Header.Set("Content-Type", "application/json")
	var waiting sync.WaitGroup
	waiting.Go(func() {
		_, err := server.Client().Do(request)
		assert.ErrorIs(t, err, context.Canceled)
	})
	cut()
	waiting.Wait()
	w.succeeds(linkedPath+"v2/authenticate", members{"linkedTransactionId": linked, "individualId": grace, "challengeList": challenges(w.proof())})
	w.succeeds(linkedPath+"v2/consent", members{
		"linkedTransactionId": linked, "acceptedClaims": asked, "permittedAuthorizeScopes": scopes, "signature": w.signature(asked, scopes),
	})
	answer := w.succeeds(linkedPath+"link-auth-code", members{"transactionId": transaction, "linkedCode": code})
	assert.NotEmpty(t, answer["code"], "nothing is lost with a connection")
}

func TestWalletLogsInThroughAnotherInstance(t *testing.T) {
	t.Parallel()
	m, err := memory.New(memory.Config{})
	require.NoError(t, err)
	share := func(o *options) { o.backend = m }
	one, two := newWalletAPI(t, share), newWalletAPI(t, share)
	two.bind()
	transaction := one.begin()
	code := one.linkCode(transaction)
	var waiting sync.WaitGroup
	waiting.Go(func() {
		one.succeeds(linkedPath+"link-status", members{"transactionId": transaction, "linkCode": code})
	})
	linked := two.succeeds(linkedPath+"v2/link-transaction", members{"linkCode": code})["linkTransactionId"]
	waiting.Wait()
	two.succeeds(linkedPath+"v2/authenticate", members{"linkedTransactionId": linked, "individualId": grace, "challengeList": challenges(two.proof())})
	two.succeeds(linkedPath+"v2/consent", members{
		"linkedTransactionId": linked, "acceptedClaims": asked, "permittedAuthorizeScopes": scopes, "signature": two.signature(asked, scopes),
	})
	answer := one.succeeds(linkedPath+"link-auth-code", members{"transactionId": transaction, "linkedCode": code})
	assert.NotEmpty(t, answer["code"])
}
