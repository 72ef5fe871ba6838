package mock_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/authenticator/mock"
)

// FuzzAPI sends every endpoint every body: whatever it is, there is an answer in its envelope.
func FuzzAPI(f *testing.F) {
	targets := []string{
		"POST /identity", "PUT /identity", "POST /identity/add-verified-claim", "POST /partner", "POST /send-otp/rp/client",
		"POST /kyc-auth/rp/client", "POST /v2/kyc-auth/rp/client", "POST /kyc-exchange/rp/client", "POST /v3/kyc-exchange/rp/client",
	}
	c := newClock()
	wrapped := func(request any) []byte {
		data, err := json.Marshal(object{"requestTime": c.now().Format("2006-01-02T15:04:05.000Z"), "request": request})
		require.NoError(f, err)
		return data
	}
	for i := range targets {
		f.Add(i, wrapped(identity(nil)))
		f.Add(i, wrapped(object{"individualId": dara.Value, "active": true, "verificationDetail": object{"fullName": object{"trust_framework": "T"}}}))
		f.Add(i, wrapped(object{"partnerId": "rp", "clientId": "client", "key": "{}"}))
		for _, body := range []string{
			`{"transactionId":"1","individualId":"8051437269","otpChannels":["phone","email"]}`,
			`{"transactionId":"1","individualId":"8051437269","pin":"246810","claimMetadataRequired":true}`,
			`{"transactionId":"1","individualId":"8051437269","otp":"111111","kbi":"e30","tokens":[""],"password":"","biometrics":""}`,
			`{"requestDateTime":[2026,1,31,10,15],"transactionId":"1","individualId":"8051437269","kycToken":"TOKEN","acceptedClaims":["name","address"],
			  "claimLocales":["eng","khm"],"acceptedClaimDetail":{"verified_claims":[{"verification":{"trust_framework":{"values":["T"]}},"claims":{"name":null}}]}}`,
			`{"requestDateTime":"2026-01-31T10:15","kycToken":"TOKEN","transactionId":"1","individualId":"8051437269","respType":"JWE"}`,
		} {
			f.Add(i, []byte(body))
		}
	}
	f.Fuzz(func(t *testing.T, target int, body []byte) {
		m, _ := everything(t)
		handler, err := mock.NewAPI(mock.APIConfig{Mock: m, Issuer: issuer, Key: apiKey()})
		require.NoError(t, err)
		send := func(target, body string) *answer {
			method, path, _ := strings.Cut(target, " ")
			w := httptest.NewRecorder()
			handler.ServeHTTP(w, httptest.NewRequest(method, mock.BasePath+path, strings.NewReader(body)))
			a := &answer{}
			require.NoError(t, json.NewDecoder(w.Body).Decode(a))
			assert.Contains(t, []int{http.StatusOK, http.StatusRequestEntityTooLarge}, w.Code)
			assert.True(t, len(a.Errors) > 0 != (string(a.Response) != "null"), "a response or errors")
			return a
		}
		if target < 0 || target >= len(targets) {
			target = 0
		}
		var login kycAuth
		send("POST /kyc-auth/rp/client", `{"transactionId":"1","individualId":"8051437269","pin":"246810"}`).into(t, &login)
		send(targets[target], strings.ReplaceAll(string(body), "TOKEN", login.Token))
		for _, p := range m.Personas() {
			send("GET /identity/"+p.NationalID, "")
		}
	})
}
