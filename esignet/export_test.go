package esignet

import (
	"context"
	"errors"
	"net/http"

	"github.com/gosignet/signet/oauth"
)

var (
	Mask      = mask
	Unmasks   = unmasks
	Stringify = stringify
	Encode    = encode

	ValidRedirectURI  = validRedirectURI
	Flatten           = flatten
	EssentialVerified = essentialVerified
)

// DecodeChallenge reads an answer to a factor of the API's type.
func DecodeChallenge(factor, s string) (string, bool) { return decodeChallenge(factorOf(factor), s) }

// ClaimsObeySchema reads a claims parameter, and says whether it obeys the schema.
func ClaimsObeySchema(data []byte) bool {
	var c claims
	return decodeValue(data, &c) == nil && c.valid()
}

// ClaimsCode is the code of what is wrong with a claims parameter that obeys the schema, or empty.
func ClaimsCode(parameter string) string {
	err := checkClaims(&oauth.AuthorizationRequest{Scope: []string{"openid"}, Parameters: map[string]string{"claims": parameter}})
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Code
	}
	return ""
}

// EchoDetails is the envelope around an authorization request, which is answered as it was understood.
func EchoDetails(a *API) http.Handler {
	return enveloped(a, func(_ context.Context, _ *http.Request, d *detailsV3) (any, error) { return d.parameters(), nil })
}
