package signet_test

import (
	"encoding/json"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
)

func (w *apiWorld) details(version int, pkce bool) object {
	d := object{"clientId": "portal", "scope": "openid profile consents", "responseType": "code", "redirectUri": "https://rp.example/cb",
		"nonce": uuid.NewString(), "state": "st", "acrValues": "mosip:idp:acr:generated-code", "prompt": "consent"}
	if version > 1 && pkce {
		d["codeChallenge"], d["codeChallengeMethod"] = hashOf([]byte(apiVerifier)), "S256"
	}
	return d
}

// apiLogin is a transaction of eSignet's API.
type apiLogin struct{ id, hash string }

func (w *apiWorld) inside(tx apiLogin, request object) *sample {
	s := w.envelope(request)
	s.header.Set("oauth-details-key", tx.id)
	s.header.Set("oauth-details-hash", tx.hash)
	return s
}

func (w *apiWorld) begun(pkce bool) apiLogin {
	w.Helper()
	a := w.post("/authorization/v3/oauth-details", w.envelope(w.details(3, pkce)))
	var d struct{ TransactionID string }
	require.NoError(w, json.Unmarshal(a, &d))
	return apiLogin{d.TransactionID, hashOf(a)}
}

func otpRequest(tx apiLogin) object {
	return object{"transactionId": tx.id, "individualId": alice, "otpChannels": []any{"email", "phone"}}
}

func answerRequest(tx apiLogin) object {
	return object{"transactionId": tx.id, "individualId": alice, "challengeList": []any{
		object{"authFactorType": "OTP", "challenge": "111111", "format": "alpha-numeric"},
	}}
}

func (w *apiWorld) coded(pkce bool) apiLogin {
	w.Helper()
	tx := w.begun(pkce)
	w.post("/authorization/send-otp", w.inside(tx, otpRequest(tx)))
	return tx
}

func (w *apiWorld) proved(pkce bool) apiLogin {
	w.Helper()
	tx := w.coded(pkce)
	w.post("/authorization/v3/authenticate", w.inside(tx, answerRequest(tx)))
	return tx
}

func (w *apiWorld) code(pkce bool) string {
	w.Helper()
	tx := w.proved(pkce)
	a := w.post("/authorization/auth-code", w.inside(tx, object{
		"transactionId": tx.id, "acceptedClaims": []any{}, "permittedAuthorizeScopes": []any{"consents"},
	}))
	var c struct{ Code string }
	require.NoError(w, json.Unmarshal(a, &c))
	return c.Code
}
