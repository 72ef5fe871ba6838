package signet_test

import (
	"crypto/rand"
	"encoding/json"
	"encoding/pem"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/consent"
)

// binding is a request to bind alice's wallet. It is proved by her password: codes are not sent as often as samples are made.
func (w *apiWorld) binding() *sample {
	return w.administrated(object{
		"individualId": alice, "authFactorType": "WLA", "format": "jwt",
		"challengeList": []any{object{"authFactorType": "PWD", "challenge": password, "format": "alpha-numeric"}},
		"publicKey":     jose.JSONWebKey{Key: w.phone.Public(), KeyID: "phone"},
	})
}

// unguarded is a request of a wallet, which needs no proof against forgery.
func (w *apiWorld) unguarded(request object) *sample {
	s := w.envelope(request)
	s.header = nil
	return s
}

// bind binds alice's wallet, and returns what it signs with until it is bound again.
func (w *apiWorld) bind() jose.Signer {
	w.Helper()
	var b struct{ Certificate string }
	require.NoError(w, json.Unmarshal(w.post("/binding/wallet-binding", w.binding()), &b))
	block, _ := pem.Decode([]byte(b.Certificate))
	require.NotNil(w, block)
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.RS256, Key: w.phone}, &jose.SignerOptions{
		ExtraHeaders: map[jose.HeaderKey]any{"x5t#S256": consent.Thumbprint(block.Bytes)},
	})
	require.NoError(w, err)
	return signer
}

// linkedLogin is a transaction that has a code, and that of the wallet, if one opened it.
type linkedLogin struct{ browser, code, wallet string }

func (w *apiWorld) shown() linkedLogin {
	w.Helper()
	details := w.details(3, true)
	details["acrValues"] = "mosip:idp:acr:generated-code mosip:idp:acr:linked-wallet"
	var d struct{ TransactionID, LinkCode string }
	require.NoError(w, json.Unmarshal(w.post("/authorization/v3/oauth-details", w.envelope(details)), &d))
	l := linkedLogin{browser: d.TransactionID}
	a := w.post("/linked-authorization/link-code", w.envelope(object{"transactionId": l.browser}))
	require.NoError(w, json.Unmarshal(a, &d))
	l.code = d.LinkCode
	return l
}

func (w *apiWorld) linked() linkedLogin {
	w.Helper()
	l := w.shown()
	var d struct{ LinkTransactionID string }
	a := w.post("/linked-authorization/v2/link-transaction", w.unguarded(object{"linkCode": l.code}))
	require.NoError(w, json.Unmarshal(a, &d))
	l.wallet = d.LinkTransactionID
	return l
}

// walletProof is a request to prove who the person is with the wallet.
func (w *apiWorld) walletProof(l linkedLogin, wallet jose.Signer) *sample {
	w.Helper()
	now := time.Now()
	proof := signES(w.T, wallet, object{
		"iss": "wallet", "sub": alice, "aud": "esignet-binding", "iat": now.Unix(), "exp": now.Add(time.Minute).Unix(), "jti": rand.Text(),
	})
	return w.unguarded(object{"linkedTransactionId": l.wallet, "individualId": alice, "challengeList": []any{
		object{"authFactorType": "WLA", "challenge": proof, "format": "jwt"},
	}})
}

// walletConsent is a login in which only the consent is missing, and the request of it.
func (w *apiWorld) walletConsent(signed bool) (linkedLogin, *sample) {
	w.Helper()
	l, wallet := w.linked(), w.bind()
	w.post("/linked-authorization/v2/authenticate", w.walletProof(l, wallet))
	request := object{
		"linkedTransactionId": l.wallet, "acceptedClaims": []any{"name"}, "permittedAuthorizeScopes": []any{"consents"},
	}
	if signed {
		jws, err := wallet.Sign(consent.WalletPayload(consent.Decision{Claims: []string{"name"}, Scopes: []string{"consents"}}))
		require.NoError(w, err)
		signature, err := jws.CompactSerialize()
		require.NoError(w, err)
		parts := strings.Split(signature, ".")
		request["signature"] = parts[0] + "." + parts[2]
	}
	return l, w.unguarded(request)
}

// walletSample is a valid request to an operation of wallets, or of browsers that wait for them.
func (w *apiWorld) walletSample(o operation) *sample {
	w.Helper()
	switch o.id {
	case "linkCode":
		return w.envelope(object{"transactionId": w.begun(true).id})
	case "linkTransactionV1", "linkTransactionV2":
		return w.unguarded(object{"linkCode": w.shown().code})
	case "linkStatus":
		l := w.linked()
		return w.envelope(object{"transactionId": l.browser, "linkCode": l.code})
	case "linkedSendOTP":
		return w.envelope(otpRequest(apiLogin{id: w.linked().wallet}))
	case "linkedAuthenticateV1", "linkedAuthenticateV2":
		return w.walletProof(w.linked(), w.bind())
	case "linkedConsentV1", "linkedConsentV2":
		_, s := w.walletConsent(o.id == "linkedConsentV2")
		return s
	case "linkAuthCode":
		l, s := w.walletConsent(true)
		w.post("/linked-authorization/v2/consent", s)
		return w.envelope(object{"transactionId": l.browser, "linkedCode": l.code})
	case "bindingOTPV1", "bindingOTPV2":
		return w.administrated(object{"individualId": rand.Text(), "otpChannels": []any{"email", "phone"}}) // who gets none is not told
	case "walletBinding":
		return w.binding()
	}
	require.Fail(w, "no sample", o.id)
	return nil
}

func TestWhatWalletsAreToldIsDescribed(t *testing.T) {
	t.Parallel()
	d := newDescribed(t)
	w := newAPIWorld(t)
	operations := map[string]operation{}
	for _, o := range d.operations() {
		operations[o.id] = o
	}
	for name, test := range map[string]struct {
		operation string
		member    string
		to        any
		code      string
	}{
		"a key that nothing can be encrypted to": {"walletBinding", "publicKey", jose.JSONWebKey{Key: w.key.Public()}, "failed_to_create_jwe"},
		"a proof of another kind":                {"walletBinding", "challengeList", otpChallenge(), "invalid_auth_factor_type_or_challenge_format"},
		"a channel that there is not":            {"bindingOTPV2", "otpChannels", []any{"pigeon"}, "invalid_otp_channel"},
		"a code of nobody":                       {"linkTransactionV2", "linkCode", "none", "invalid_link_code"},
		"a login of nobody":                      {"linkCode", "transactionId", "none", "invalid_transaction"},
		"a code of another login":                {"linkStatus", "linkCode", "none", "invalid_link_code"},
		"a person who did not sign":              {"linkedAuthenticateV2", "individualId", "somebody", "invalid_challenge"},
		"a claim that nobody asked for":          {"linkedConsentV1", "acceptedClaims", []any{"salary"}, "invalid_accepted_claim"},
		"a scope that nobody asked for":          {"linkedConsentV1", "permittedAuthorizeScopes", []any{"pay"}, "invalid_permitted_scope"},
		"a signature of something else":          {"linkedConsentV2", "acceptedClaims", []any{}, "invalid_signature_format"},
		"the decision of another login":          {"linkAuthCode", "linkedCode", "none", "invalid_link_code"},
	} {
		t.Run(name, func(t *testing.T) {
			w, o := w.on(t), operations[test.operation]
			s := w.sample(o)
			s.json = with(s.json, []string{"request", test.member}, test.to)
			d.refused(t, o, w.call(s.request(o)), []string{test.code}, name)
		})
	}
}

func otpChallenge() []any {
	return []any{object{"authFactorType": "OTP", "challenge": "000000", "format": "alpha-numeric"}}
}
