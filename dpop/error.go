package dpop

import "errors"

// ErrorCode is an error code of RFC 9449, or of RFC 6750 where a bound token is presented.
type ErrorCode string

const (
	// InvalidProof says that the proof is missing, wrong, used, or by another key.
	InvalidProof ErrorCode = "invalid_dpop_proof"
	// UseNonce says that the proof must be made again, with the nonce of the answer.
	UseNonce ErrorCode = "use_dpop_nonce"
	// InvalidToken says that the access token is not valid, or not to be used in this way.
	InvalidToken ErrorCode = "invalid_token"
)

// Error is why a proof, or a token with it, is refused. The answer has the status 400 at the token endpoint and at PAR,
// and 401 at a resource.
type Error struct {
	// Code is for the client. It is empty if a resource was asked for without any access token: such a client is told
	// how to come, and nothing else (RFC 6750 section 3.1).
	Code ErrorCode
	// Description is for the client: a fixed text that OAuth allows in error_description.
	Description string
	// Nonce belongs into the answer's DPoP-Nonce header field. It is there with UseNonce only.
	Nonce string
	// Needed is what the login of the token lacks. It is there with InsufficientAuthentication only.
	Needed Authentication
	// Cause is for logs, and may be nil. It holds no key, token or proof.
	Cause error
}

// Error returns the code, if there is one, the description and the cause, for logs.
func (e *Error) Error() string {
	text := "dpop: "
	if e.Code != "" {
		text += string(e.Code) + ": "
	}
	text += e.Description
	if e.Cause != nil {
		text += ": " + e.Cause.Error()
	}
	return text
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Cause }

// ErrInvalidToken is what a [TokenVerifier] wraps to say that the token is unknown, expired, revoked, or not meant for
// this resource.
var ErrInvalidToken = errors.New("dpop: invalid access token")

func refuse(description string, cause error) *Error {
	return &Error{Code: InvalidProof, Description: description, Cause: cause}
}
