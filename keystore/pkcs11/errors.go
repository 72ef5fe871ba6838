//go:build cgo

package pkcs11

import (
	"errors"

	p11 "github.com/miekg/pkcs11"
)

// errAway says that the token is not there, or not in order.
var errAway = errors.New("pkcs11: the token is away")

// code returns what a library answered, or CKR_OK for an error that is none of a library.
func code(err error) p11.Error {
	found, _ := errors.AsType[p11.Error](err)
	return found
}

// broken reports whether a new session may help after an error: the session or the login is gone, or a handle is, or the
// token or the way to it is in trouble. Makers have codes of their own for the last.
func broken(err error) bool {
	if errors.Is(err, errAway) {
		return true
	}
	switch c := code(err); c {
	case p11.CKR_SESSION_HANDLE_INVALID, p11.CKR_SESSION_CLOSED, p11.CKR_USER_NOT_LOGGED_IN, p11.CKR_OPERATION_ACTIVE,
		p11.CKR_OBJECT_HANDLE_INVALID, p11.CKR_KEY_HANDLE_INVALID,
		p11.CKR_DEVICE_REMOVED, p11.CKR_DEVICE_ERROR, p11.CKR_TOKEN_NOT_PRESENT, p11.CKR_TOKEN_NOT_RECOGNIZED, p11.CKR_SLOT_ID_INVALID,
		p11.CKR_CRYPTOKI_NOT_INITIALIZED, p11.CKR_GENERAL_ERROR, p11.CKR_FUNCTION_FAILED:
		return true
	default:
		return c >= p11.CKR_VENDOR_DEFINED
	}
}

// unsupported reports whether a token said that it cannot make or use such a key.
func unsupported(err error) bool {
	switch code(err) {
	case p11.CKR_MECHANISM_INVALID, p11.CKR_MECHANISM_PARAM_INVALID, p11.CKR_DOMAIN_PARAMS_INVALID, p11.CKR_KEY_SIZE_RANGE,
		p11.CKR_KEY_TYPE_INCONSISTENT, p11.CKR_FUNCTION_NOT_SUPPORTED, ckrCurveNotSupported:
		return true
	}
	return false
}

// full reports whether a token has no room.
func full(err error) bool { return code(err) == p11.CKR_DEVICE_MEMORY }

// What PKCS#11 3.0 added.
const (
	ckkECEdwards           = 0x40
	ckmECEdwardsKeyPairGen = 0x1055
	ckmEdDSA               = 0x1057
	ckrCurveNotSupported   = 0x140
)
