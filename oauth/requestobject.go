package oauth

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/gosignet/signet/internal/jwt"
	"github.com/gosignet/signet/keystore"
)

// typeRequestObject is the typ of request objects (RFC 9101 section 10.8).
const typeRequestObject = "oauth-authz-req+jwt"

// maxRequestObjectWindow bounds, under FAPI, how long a request object is valid and how long ago its nbf may be (FAPI 2.0
// Message Signing section 5.3.1).
const maxRequestObjectWindow = time.Hour

// jsonParameters are the parameters whose value is JSON: as a claim, it is there as it is (RFC 9101 section 4).
var jsonParameters = []string{"authorization_details", "claims", "registration"}

// errRequestObject is the answer to a request object that says nothing that could be believed.
func errRequestObject(description string, cause error) *Error {
	return &Error{Code: InvalidRequestObject, Description: description, Cause: cause}
}

// openRequestObject returns the parameters of a request: those of the request object, if one was sent by value, and then
// no others (RFC 9101 section 5). A client that is not registered for request objects has none to open; [checkUnsupported]
// refuses what it sends.
//
// The redirect URI is known from the object alone. As long as the object is not known to be right there is no place to
// send an error to but the page.
func (s *Server) openRequestObject(ctx context.Context, client *Client, f form) (form, error) {
	if client.RequestObjectAlgorithm == "" {
		return f, nil
	}
	object, err := f.get("request")
	if err != nil || object == "" {
		return f, err
	}
	if f.values.Has("request_uri") {
		return f, refuse(InvalidRequest, "request and request_uri exclude each other")
	}
	if object, err = s.decryptRequestObject(ctx, client, object); err != nil {
		return f, err
	}
	claims, err := s.verifyRequestObject(ctx, client, object)
	return form{object: claims}, err
}

// decryptRequestObject opens a request object that is encrypted, as a client may if it is registered for it (RFC 9101
// section 6.1). Inside is one that is signed; what is encrypted is believed no more for it.
func (s *Server) decryptRequestObject(ctx context.Context, client *Client, object string) (string, error) {
	if strings.Count(object, ".") != 4 {
		return object, nil
	}
	if s.decrypter == nil || client.RequestObjectEncryption == "" {
		return "", errRequestObject("the client is not registered for encrypted request objects", nil)
	}
	content, err := s.decrypter.Decrypt(ctx, object)
	if errors.Is(err, keystore.ErrDecrypt) {
		return "", errRequestObject("the request object cannot be decrypted", err)
	}
	return string(content), err
}

// verifyRequestObject returns the claims of a request object that the client signed for this server (RFC 9101 section
// 6). Unlike an assertion, a request object may be sent again while it is valid: the person who does so gets no further
// than the one for whom it was made.
func (s *Server) verifyRequestObject(ctx context.Context, client *Client, object string) (*jwt.Claims, error) {
	const unverified = "the request object is not a JWT that the client signed with its registered algorithm"
	token, err := jwt.Parse(object, s.algorithms)
	if err != nil {
		return nil, errRequestObject(unverified, err)
	}
	if token.Algorithm != client.RequestObjectAlgorithm {
		return nil, errRequestObject(unverified, nil)
	}
	payload, err := s.verify(ctx, client, token, func(cause error) *Error { return errRequestObject(unverified, cause) })
	if err != nil {
		return nil, err
	}
	claims, err := jwt.DecodeClaims(payload)
	if err != nil {
		return nil, errRequestObject("the claims of the request object are malformed", err)
	}
	fapi := s.profile(client).fapi2()
	if why := s.checkRequestObject(client, token, claims, fapi); why != "" {
		return nil, errRequestObject(why, nil)
	}
	if why := checkRequestObjectTime(claims, s.now(), fapi); why != "" {
		return nil, errRequestObject(why, nil)
	}
	return claims, nil
}

// checkRequestObject says what is wrong with the object, if anything is.
func (s *Server) checkRequestObject(client *Client, token *jwt.Token, c *jwt.Claims, fapi bool) string {
	typed := token.HasType(typeRequestObject)
	id, err := c.Text("client_id")
	switch {
	case !typed && (fapi || !token.HasType("") && !token.HasType("JWT")):
		return "the typ of the request object is another"
	case !typed && c.Subject == client.ID:
		// Whoever got hold of it could authenticate as the client (RFC 9101 section 10.8).
		return "the request object could be taken for a client assertion, because sub is the client"
	case err != nil || id != client.ID:
		return "client_id of the request object is not the client"
	case c.Issuer != client.ID:
		return "iss of the request object is not the client"
	case !c.Audience.Contains(s.issuer):
		return "aud of the request object is not the issuer"
	case c.Member("request") != nil || c.Member("request_uri") != nil:
		return "a request object must not hold request or request_uri"
	}
	return ""
}

// checkRequestObjectTime is the same for the time of validity, which FAPI demands and bounds.
func checkRequestObjectTime(c *jwt.Claims, now time.Time, fapi bool) string {
	switch {
	case c.CheckTime(now, clockSkew) != nil:
		return "the request object has expired or is not valid yet"
	case !fapi:
	case c.ExpiresAt.IsZero() || c.NotBefore.IsZero():
		return "the request object needs exp and nbf"
	case now.Sub(c.NotBefore) > maxRequestObjectWindow:
		return "nbf of the request object is too long ago"
	case c.ExpiresAt.Sub(c.NotBefore) > maxRequestObjectWindow:
		return "exp of the request object is too far ahead"
	}
	return ""
}

// parameterText returns the claim of a request object as the parameter would be sent without one, empty if it is not
// there or null. Numbers and truth values keep their spelling. What has no such form is an error, so that nothing is
// overlooked that the client asked for.
func parameterText(name string, claim []byte) (string, error) {
	switch {
	case claim == nil || string(claim) == "null":
		return "", nil
	case claim[0] == '"':
		var text string
		// A replacement character stands for what was no text: half of a surrogate pair.
		if err := json.Unmarshal(claim, &text); err != nil || strings.ContainsRune(text, '\uFFFD') {
			return "", errRequestObject("the parameter "+name+" of the request object is not text", err)
		}
		return text, nil
	case (claim[0] == '{' || claim[0] == '[') && !slices.Contains(jsonParameters, name):
		return "", errRequestObject("the parameter "+name+" of the request object has the wrong type", nil)
	}
	return string(claim), nil
}
