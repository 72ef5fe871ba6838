package mock

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
)

const (
	maxCapture = 512 << 10
	// maxSegments is ten fingers, two irises and a face.
	maxSegments = 13
)

// deviceAlgorithms are those with which devices sign.
var deviceAlgorithms = []jose.SignatureAlgorithm{jose.RS256, jose.PS256, jose.ES256}

// checkCapture checks what a device gave, as far as one can who has no certificates of devices: what has to be there, and
// that it was captured just now. Whose it is nobody knows: eSignet's mock accepts every capture for everybody. The errors
// quote nothing.
func (m *Mock) checkCapture(response string) error {
	if len(response) > maxCapture {
		return fmt.Errorf("more than %d bytes", maxCapture)
	}
	data, err := base64.RawURLEncoding.DecodeString(response)
	if err != nil {
		return errors.New("not base64url")
	}
	var captured struct {
		Biometrics []struct {
			Data        string `json:"data"`
			Hash        string `json:"hash"`
			SessionKey  string `json:"sessionKey"`
			SpecVersion string `json:"specVersion"`
			Thumbprint  string `json:"thumbprint"`
			Error       *struct {
				Code json.RawMessage `json:"errorCode"`
			} `json:"error"`
		} `json:"biometrics"`
	}
	if json.Unmarshal(data, &captured) != nil {
		return errors.New("no JSON object with biometrics")
	}
	if n := len(captured.Biometrics); n == 0 || n > maxSegments {
		return fmt.Errorf("%d segments, not 1 to %d", n, maxSegments)
	}
	for i, b := range captured.Biometrics {
		if b.Error != nil && strings.Trim(string(b.Error.Code), `"`) != "0" {
			return fmt.Errorf("segment %d is an error of the device", i+1)
		}
		if slices.Contains([]string{b.Data, b.Hash, b.SessionKey, b.SpecVersion, b.Thumbprint}, "") {
			return fmt.Errorf("segment %d lacks data, hash, sessionKey, specVersion or thumbprint", i+1)
		}
		if err := m.checkSegment(b.Data); err != nil {
			return fmt.Errorf("segment %d: %w", i+1, err)
		}
	}
	return nil
}

// checkSegment checks what the device signed.
func (m *Mock) checkSegment(data string) error {
	jws, err := jose.ParseSignedCompact(data, deviceAlgorithms)
	if err != nil {
		return errors.New("its data is no JWS")
	}
	var signed struct {
		Type        string          `json:"bioType"`
		Value       string          `json:"bioValue"`
		Transaction string          `json:"transactionId"`
		Timestamp   string          `json:"timestamp"`
		Purpose     string          `json:"purpose"`
		DigitalID   json.RawMessage `json:"digitalId"`
	}
	if json.Unmarshal(jws.UnsafePayloadWithoutVerification(), &signed) != nil {
		return errors.New("its data is no JSON object")
	}
	at, err := time.Parse(time.RFC3339Nano, signed.Timestamp)
	switch {
	case err != nil:
		return errors.New("it has no timestamp")
	case m.now().Sub(at).Abs() > m.captureMaxAge:
		return errors.New("it was not captured now")
	case !slices.Contains([]string{"Finger", "Iris", "Face"}, signed.Type):
		return errors.New("its bioType is not Finger, Iris or Face")
	case signed.Value == "":
		return errors.New("it has no bioValue")
	case len(signed.DigitalID) == 0 || string(signed.DigitalID) == "null":
		return errors.New("it has no digitalId")
	case signed.Purpose != "Auth":
		return errors.New("its purpose is not Auth")
	case signed.Transaction == "":
		return errors.New("it is of no transaction")
	}
	return nil
}
