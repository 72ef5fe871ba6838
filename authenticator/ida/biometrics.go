package ida

import (
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/gosignet/signet/authenticator"
)

// maxSegments is ten fingers, two irises and a face.
const maxSegments = 13

// segment is one finger, iris or face of a capture, as IDA wants it: what the device gave, without its error.
type segment struct {
	Data        string `json:"data"`
	Hash        string `json:"hash"`
	SessionKey  string `json:"sessionKey"`
	SpecVersion string `json:"specVersion"`
	Thumbprint  string `json:"thumbprint"`
}

// deviceAlgorithms are those with which devices sign.
var deviceAlgorithms = []jose.SignatureAlgorithm{jose.RS256, jose.PS256, jose.ES256}

// capture reads what a device gave and checks that it is for this login. It is not changed. The errors quote nothing.
func (a *Authenticator) capture(transaction, response string) ([]segment, error) {
	if limit := authenticator.TraitsOf(a, authenticator.Biometrics).MaxResponse; len(response) > limit {
		return nil, fmt.Errorf("more than %d bytes", limit)
	}
	data, err := base64url.DecodeString(response)
	if err != nil {
		return nil, errors.New("it is not base64url")
	}
	var captured struct {
		Biometrics []struct {
			segment
			Error *struct {
				Code json.RawMessage `json:"errorCode"`
			} `json:"error"`
		} `json:"biometrics"`
	}
	if err := json.Unmarshal(data, &captured); err != nil {
		return nil, errors.New("it is no JSON object with biometrics")
	}
	if n := len(captured.Biometrics); n == 0 || n > maxSegments {
		return nil, fmt.Errorf("%d segments, not 1 to %d", n, maxSegments)
	}
	var segments []segment
	for i, b := range captured.Biometrics {
		if b.Error != nil && strings.Trim(string(b.Error.Code), `"`) != "0" {
			return nil, fmt.Errorf("segment %d is an error of the device", i+1)
		}
		if slices.Contains([]string{b.Data, b.Hash, b.SessionKey, b.SpecVersion, b.Thumbprint}, "") {
			return nil, fmt.Errorf("segment %d lacks data, hash, sessionKey, specVersion or thumbprint", i+1)
		}
		if err := a.checkSegment(transaction, b.Data); err != nil {
			return nil, fmt.Errorf("segment %d: %w", i+1, err)
		}
		segments = append(segments, b.segment)
	}
	return segments, nil
}

// checkSegment checks what the device signed.
func (a *Authenticator) checkSegment(transaction, data string) error {
	jws, err := jose.ParseSignedCompact(data, deviceAlgorithms)
	if err != nil {
		return errors.New("its data is no JWS")
	}
	if err := a.checkDevice(jws); err != nil {
		return err
	}
	var signed struct {
		Type        string          `json:"bioType"`
		Value       string          `json:"bioValue"`
		Transaction string          `json:"transactionId"`
		Timestamp   string          `json:"timestamp"`
		Purpose     string          `json:"purpose"`
		Environment string          `json:"env"`
		DomainURI   string          `json:"domainUri"`
		DigitalID   json.RawMessage `json:"digitalId"`
	}
	if err := json.Unmarshal(jws.UnsafePayloadWithoutVerification(), &signed); err != nil {
		return errors.New("its data is no JSON object")
	}
	at, err := time.Parse(time.RFC3339Nano, signed.Timestamp)
	switch {
	case err != nil:
		return errors.New("it has no timestamp")
	case a.config.Now().Sub(at).Abs() > a.config.CaptureMaxAge:
		return errors.New("it was not captured now")
	case !slices.Contains([]string{"Finger", "Iris", "Face"}, signed.Type):
		return errors.New("its bioType is not Finger, Iris or Face")
	case signed.Value == "":
		return errors.New("it has no bioValue")
	case len(signed.DigitalID) == 0 || string(signed.DigitalID) == "null":
		return errors.New("it has no digitalId")
	case signed.Purpose != "Auth":
		return errors.New("its purpose is not Auth")
	case signed.Transaction != transaction:
		return errors.New("it is of another transaction")
	case signed.Environment != a.config.Environment:
		return errors.New("it is of another environment")
	case signed.DomainURI != a.config.DomainURI:
		return errors.New("it is for another domain")
	}
	return nil
}

// checkDevice verifies the signature of a device whose certificate leads to one of the roots, if there are any.
func (a *Authenticator) checkDevice(jws *jose.JSONWebSignature) error {
	if a.config.DeviceRoots == nil {
		return nil
	}
	chains, err := jws.Signatures[0].Protected.Certificates(x509.VerifyOptions{
		Roots:       a.config.DeviceRoots,
		CurrentTime: a.config.Now(),
		KeyUsages:   []x509.ExtKeyUsage{x509.ExtKeyUsageAny},
	})
	if err != nil {
		return errors.New("its certificate does not lead to a root of devices")
	}
	if _, err := jws.Verify(chains[0][0].PublicKey); err != nil {
		return errors.New("its signature is wrong")
	}
	return nil
}
