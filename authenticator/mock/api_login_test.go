package mock_test

import (
	"crypto/sha3"
	"encoding/base64"
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/authenticator/mock"
)

func sendOTP(changes object) object {
	return with(object{"transactionId": "tx12345678", "individualId": noor, "otpChannels": []string{"email", "phone"}}, changes)
}

func with(all, changes object) object {
	for name, value := range changes {
		if all[name] = value; value == nil {
			delete(all, name)
		}
	}
	return all
}

func TestACodeIsSentToMaskedAddresses(t *testing.T) {
	t.Parallel()
	s := withNoor(t)
	for channels, want := range map[string]string{
		`["email","phone"]`: `{"transactionId":"tx12345678","maskedEmail":"nXXr@example.org","maskedMobile":"XXXXXXX100571"}`,
		`["EMAIL"]`:         `{"transactionId":"tx12345678","maskedEmail":"nXXr@example.org","maskedMobile":null}`,
		`["phone"]`:         `{"transactionId":"tx12345678","maskedEmail":null,"maskedMobile":"XXXXXXX100571"}`,
	} {
		a := s.post("/send-otp/rp/client", sendOTP(object{"otpChannels": json.RawMessage(channels)}))
		require.Empty(t, a.Errors)
		assert.JSONEq(t, want, string(a.Response), channels)
	}
}

func TestSendingACodeIsChecked(t *testing.T) {
	t.Parallel()
	s := serve(t, func(c *mock.APIConfig) { c.Schema = mock.SignupSchema })
	require.Empty(t, s.create(object{"individualId": noor, "phone": "+919000000000", "password": "x", "fullName": texts("eng", "Noor")}).codes())
	for name, tt := range map[string]struct {
		changes object
		codes   []string
	}{
		"a blank transaction":     {object{"transactionId": " "}, codes("invalid_transaction_id")},
		"no person":               {object{"individualId": nil}, codes("invalid_individual_id")},
		"an unknown person":       {object{"individualId": "99999"}, codes("invalid_individual_id")},
		"no channels":             {object{"otpChannels": nil}, codes("invalid_otp_channel")},
		"empty channels":          {object{"otpChannels": []string{}}, codes("invalid_otp_channel")},
		"an unknown channel":      {object{"otpChannels": []string{"phone", "pigeon"}}, codes("invalid_otp_channel")},
		"somebody without e-mail": {object{"otpChannels": []string{"email"}}, codes("no_email_mobile_found")},
		"everything":              {object{"transactionId": "", "individualId": "", "otpChannels": nil}, codes("invalid_transaction_id", "invalid_individual_id", "invalid_otp_channel")},
		"nothing":                 {nil, codes()},
	} {
		assert.Equal(t, tt.codes, s.post("/send-otp/rp/client", sendOTP(tt.changes)).codes(), name)
	}
	assert.Equal(t, "transactionId: invalid_transaction_id", s.post("/send-otp/rp/client", sendOTP(object{"transactionId": ""})).Errors[0].Message)
	assert.Equal(t, codes("unknown_error"), s.call("POST", "/send-otp/rp/client", "{").codes())
}

// authenticate asks whether the answers are right, with version "" or "/v2".
func (s *service) authenticate(version string, answers object) *answer {
	s.t.Helper()
	return s.post(version+"/kyc-auth/rp/client", with(object{"transactionId": "tx12345678", "individualId": noor}, answers))
}

type kycAuth struct {
	Status    bool                `json:"authStatus"`
	Token     string              `json:"kycToken"`
	Pseudonym string              `json:"partnerSpecificUserToken"`
	Metadata  map[string][]object `json:"claimMetadata"`
}

func encode(v any) string {
	data, _ := json.Marshal(v)
	return base64.RawURLEncoding.EncodeToString(data)
}

func TestAnswersAreJudged(t *testing.T) {
	t.Parallel()
	right := object{"fullName": "Noor Example", "dateOfBirth": "1987-11-25"}
	for name, tt := range map[string]struct {
		answers object
		status  bool
		codes   []string
	}{
		"a PIN":                      {object{"pin": "111222"}, true, codes()},
		"a wrong PIN":                {object{"pin": "111223"}, false, codes("auth_failed")},
		"a password":                 {object{"password": "Secret@123"}, true, codes()},
		"a wrong password":           {object{"password": "secret@123"}, false, codes()},
		"any biometrics":             {object{"biometrics": "x"}, true, codes()},
		"knowledge":                  {object{"kbi": encode(right)}, true, codes()},
		"knowledge of a wrong date":  {object{"kbi": encode(object{"fullName": "Noor Example", "dateOfBirth": "1987-11-26"})}, false, codes()},
		"knowledge of half":          {object{"kbi": encode(object{"fullName": "Noor Example"})}, false, codes()},
		"knowledge of nothing":       {object{"kbi": encode(object{})}, false, codes()},
		"knowledge that is no JSON":  {object{"kbi": "eA"}, false, codes("auth-failed")},
		"knowledge not in base64url": {object{"kbi": "{}"}, false, codes("auth-failed")},
		"a token":                    {object{"tokens": []string{"a JWT"}}, true, codes()},
		"an empty token":             {object{"tokens": []string{""}}, false, codes("auth_failed")},
		"a code nobody asked for":    {object{"otp": "111111"}, false, codes("invalid_transaction")},
		"nothing":                    {object{}, false, codes()},
		"no tokens":                  {object{"tokens": []string{}}, false, codes()},
		"something unknown":          {object{"shibboleth": "x"}, false, codes()},
		"two right answers":          {object{"pin": "111222", "password": "Secret@123"}, true, codes()},
		"a right and a wrong answer": {object{"password": "wrong", "kbi": encode(right), "tokens": []string{"a JWT"}}, false, codes()},
		"no transaction":             {object{"transactionId": "", "pin": "111222"}, false, codes("invalid_transaction_id")},
		"a blank person":             {object{"individualId": " ", "pin": "111222"}, false, codes("invalid_individual_id")},
		"an unknown person":          {object{"individualId": "99999", "pin": "111222"}, false, codes("invalid_individual_id")},
	} {
		for _, version := range []string{"", "/v2"} {
			t.Run(name+version, func(t *testing.T) {
				t.Parallel()
				a := withNoor(t).authenticate(version, tt.answers)
				assert.Equal(t, tt.codes, a.codes())
				if len(tt.codes) > 0 {
					return
				}
				if !tt.status {
					assert.JSONEq(t, `{"authStatus":false}`, string(a.Response))
					return
				}
				var result kycAuth
				a.into(t, &result)
				sum := sha3.Sum256([]byte(noor + "rp"))
				assert.True(t, result.Status)
				assert.Equal(t, base64.RawURLEncoding.EncodeToString(sum[:]), result.Pseudonym)
				assert.Len(t, result.Token, 43)
				assert.Nil(t, result.Metadata)
			})
		}
	}
}

func TestACodeIsOfItsTransactionAndUsedOnce(t *testing.T) {
	t.Parallel()
	s := withNoor(t)
	require.Empty(t, s.post("/send-otp/rp/client", sendOTP(nil)).codes())
	assert.Equal(t, codes("invalid_transaction"), s.authenticate("", object{"otp": "111111", "transactionId": "another"}).codes())
	assert.Equal(t, codes("invalid_transaction"), s.authenticate("", object{"otp": "111111", "individualId": dara.Value}).codes())
	assert.Equal(t, codes("auth_failed"), s.authenticate("", object{"otp": "111112"}).codes())
	assert.JSONEq(t, `{"authStatus":false}`, string(s.authenticate("", object{"otp": "111111", "password": "wrong"}).Response))
	var result kycAuth
	s.authenticate("", object{"otp": "111111"}).into(t, &result)
	assert.True(t, result.Status)
	assert.Equal(t, codes("invalid_transaction"), s.authenticate("", object{"otp": "111111"}).codes())

	require.Empty(t, s.post("/send-otp/rp/client", sendOTP(nil)).codes())
	s.clock.advance(9 * time.Minute)
	require.Empty(t, s.post("/send-otp/rp/client", sendOTP(nil)).codes(), "it lives longer")
	s.clock.advance(9 * time.Minute)
	s.authenticate("", object{"otp": "111111"}).into(t, &result)
	assert.True(t, result.Status)

	require.Empty(t, s.post("/send-otp/rp/client", sendOTP(nil)).codes())
	s.clock.advance(10*time.Minute + time.Second)
	assert.Equal(t, codes("invalid_transaction"), s.authenticate("", object{"otp": "111111"}).codes())
}

func TestMetadataSaysWhatIsVerified(t *testing.T) {
	t.Parallel()
	s := withNoor(t)
	require.Empty(t, s.verify(verifiedName("ABC TF")).Errors)
	require.Empty(t, s.verify(object{"individualId": noor, "active": true, "verificationDetail": object{"locality": object{"trust_framework": "T"}}}).Errors)
	var result kycAuth
	s.authenticate("/v2", object{"pin": "111222", "claimMetadataRequired": true}).into(t, &result)
	assert.Equal(t, []object{{"trust_framework": "ABC TF", "verification_process": "EKYC", "time": "2025-03-01T09:00Z"}}, result.Metadata["name"])
	assert.Equal(t, []object{{"trust_framework": "T"}}, result.Metadata["address.locality"])
	assert.Equal(t, []object{}, result.Metadata["email"], "there, and not verified")
	assert.NotContains(t, result.Metadata, "nickname", "not there")
	assert.NotContains(t, result.Metadata, "")

	var first kycAuth
	s.authenticate("", object{"pin": "111222", "claimMetadataRequired": true}).into(t, &first)
	assert.Nil(t, first.Metadata)
}
