package ida_test

import (
	"crypto/x509"
	"encoding/base64"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/authenticator/ida"
	"github.com/gosignet/signet/authenticator/ida/idatest"
)

// segment is a finger of Asha's as a device captures it, with changes to what it signed. A nil value removes a member.
func segment(changes map[string]any) map[string]any {
	signed := map[string]any{
		"digitalId": "a JWT", "bioType": "Finger", "bioSubType": "Left Thumb", "bioValue": people[asha].Biometrics, "deviceCode": "d1",
		"transactionId": idaID, "timestamp": "2026-01-31T15:45:00.000+05:30", "purpose": "Auth", "env": "Staging",
		"domainUri": idatest.DomainURI, "requestedScore": 70, "qualityScore": 80.5,
	}
	maps.Copy(signed, changes)
	maps.DeleteFunc(signed, func(_ string, v any) bool { return v == nil })
	return idatest.Segment(signed, idatest.DeviceKey())
}

func with(segment map[string]any, name string, value any) map[string]any {
	segment[name] = value
	return segment
}

func TestCapturesAreCheckedBeforeTheyAreSent(t *testing.T) {
	t.Parallel()
	many := make([]map[string]any, 14)
	for i := range many {
		many[i] = segment(nil)
	}
	text := func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }
	forged := segment(nil)
	forged["data"] = forged["data"].(string)[:len(forged["data"].(string))-6] + "AAAAAA"
	at := func(d time.Duration) map[string]any {
		return segment(map[string]any{"timestamp": began.Add(d).Format(time.RFC3339Nano)})
	}
	tests := map[string]struct {
		response string
		why      string // "" if it is sent
	}{
		"as it should be":         {idatest.Capture(segment(nil)), ""},
		"two segments":            {idatest.Capture(segment(nil), segment(map[string]any{"bioSubType": "Left IndexFinger"})), ""},
		"without an error":        {idatest.Capture(with(segment(nil), "error", nil)), ""},
		"five minutes old":        {idatest.Capture(at(-5 * time.Minute)), ""},
		"no base64url":            {"{}", "it is not base64url"},
		"no JSON":                 {text("x"), "it is no JSON object"},
		"an array":                {text("[]"), "it is no JSON object"},
		"no biometrics":           {text("{}"), "0 segments"},
		"more than a person has":  {idatest.Capture(many...), "14 segments"},
		"too long":                {strings.Repeat("A", 2<<20+1), "more than 2097152 bytes"},
		"an error of the device":  {idatest.Capture(with(segment(nil), "error", map[string]any{"errorCode": "101"})), "is an error of the device"},
		"no hash":                 {idatest.Capture(with(segment(nil), "hash", "")), "lacks data"},
		"no session key":          {idatest.Capture(with(segment(nil), "sessionKey", "")), "lacks data"},
		"no thumbprint":           {idatest.Capture(with(segment(nil), "thumbprint", "")), "lacks data"},
		"no version":              {idatest.Capture(with(segment(nil), "specVersion", "")), "lacks data"},
		"data that is not signed": {idatest.Capture(with(segment(nil), "data", "e30.e30.")), "its data is no JWS"},
		"data that is no object":  {idatest.Capture(idatest.Segment([]int{1}, idatest.DeviceKey())), "its data is no JSON object"},
		"a forged signature":      {idatest.Capture(forged), "its signature is wrong"},
		"an unknown device":       {idatest.Capture(idatest.Segment(map[string]any{}, otherKey())), "does not lead to a root"},
		"captured earlier":        {idatest.Capture(at(-5*time.Minute - time.Second)), "it was not captured now"},
		"captured in the future":  {idatest.Capture(at(6 * time.Minute)), "it was not captured now"},
		"without a time":          {idatest.Capture(segment(map[string]any{"timestamp": nil})), "it has no timestamp"},
		"of something else":       {idatest.Capture(segment(map[string]any{"bioType": "Voice"})), "its bioType"},
		"without a value":         {idatest.Capture(segment(map[string]any{"bioValue": nil})), "it has no bioValue"},
		"without a device":        {idatest.Capture(segment(map[string]any{"digitalId": nil})), "it has no digitalId"},
		"for registration":        {idatest.Capture(segment(map[string]any{"purpose": "Registration"})), "its purpose is not Auth"},
		"of another login":        {idatest.Capture(segment(map[string]any{"transactionId": "0123456789"})), "it is of another transaction"},
		"of another environment":  {idatest.Capture(segment(map[string]any{"env": "Developer"})), "it is of another environment"},
		"for another domain":      {idatest.Capture(segment(map[string]any{"domainUri": "https://elsewhere.example.org"})), "it is for another domain"},
	}
	a, s := start(t, func(_ *stub, c *ida.Config) {
		c.DeviceRoots = x509.NewCertPool()
		c.DeviceRoots.AddCert(idatest.DeviceRoot().Certificate)
	})
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			before := s.Count("kyc-auth")
			_, err := a.Authenticate(t.Context(), request(asha, challenge(authenticator.Biometrics, tt.response)))
			if tt.why == "" {
				assert.NoError(t, err)
				return
			}
			assert.Equal(t, authenticator.WrongCredentials, reasonOf(t, err))
			assert.ErrorContains(t, err, tt.why)
			assert.Equal(t, before, s.Count("kyc-auth"), "nothing is sent")
		})
	}
}
