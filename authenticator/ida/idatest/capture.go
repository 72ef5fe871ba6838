package idatest

import (
	"encoding/base64"
	"encoding/json"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// Capture returns a person's response to a challenge of biometrics, from a device that was given IDA's ID of the login
// ([ida.TransactionID]).
func (s *Server) Capture(individual, transactionID string) string {
	return Capture(Segment(map[string]any{
		"digitalId": "a JWT", "bioType": "Finger", "bioSubType": "Left Thumb", "bioValue": s.People[individual].Biometrics,
		"deviceCode": "d1", "transactionId": transactionID, "timestamp": s.Now().UTC().Format(time.RFC3339Nano), "purpose": "Auth",
		"env": "Staging", "domainUri": DomainURI, "requestedScore": 70, "qualityScore": 80.5,
	}, DeviceKey()))
}

// Capture makes a response of segments.
func Capture(segments ...map[string]any) string {
	data, err := json.Marshal(map[string]any{"biometrics": segments})
	must(err)
	return base64.RawURLEncoding.EncodeToString(data)
}

// Segment makes a segment of a capture: what the device signed, and the rest that the Server wants to see unchanged.
func Segment(signed any, device Identity) map[string]any {
	payload, err := json.Marshal(signed)
	must(err)
	options := (&jose.SignerOptions{}).WithHeader("x5c", []string{base64.StdEncoding.EncodeToString(device.Certificate.Raw)})
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.RS256, Key: device.Key}, options)
	must(err)
	jws, err := signer.Sign(payload)
	must(err)
	data, err := jws.CompactSerialize()
	must(err)
	return map[string]any{
		"specVersion": "1.0", "data": data, "hash": "the hash", "sessionKey": "the key", "thumbprint": "the thumbprint",
		"error": map[string]any{"errorCode": "0", "errorInfo": "Success"},
	}
}
