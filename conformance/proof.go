package conformance

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// newDPoPKey returns a fresh ES256 key.
func (t *trial) newDPoPKey() jose.JSONWebKey {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.fatal("%v", err)
	}
	return jose.JSONWebKey{Key: key, Algorithm: string(jose.ES256)}
}

// dpopProof returns a proof for the request (RFC 9449 4.2), with ath if there is an access token.
func (f *flow) dpopProof(method, target, accessToken string) *jws {
	target, _, _ = strings.Cut(target, "?")
	claims := map[string]any{
		"jti": randomText(24, alphanumeric), "htm": method, "htu": target, "iat": time.Now().Unix(),
	}
	if accessToken != "" {
		claims["ath"] = digest(accessToken)
	}
	if nonce := f.nonces[target]; nonce != "" {
		claims["nonce"] = nonce
	}
	proof := newJWS(f.dpopKey, "dpop+jwt", claims)
	proof.header["jwk"] = publicJWK(f.dpopKey)
	return proof
}

// thumbprint returns the dpop_jkt of the DPoP key.
func (f *flow) thumbprint() string {
	sum, err := f.dpopKey.Thumbprint(crypto.SHA256)
	if err != nil {
		f.t.fatal("%v", err)
	}
	return base64url(sum)
}

// keepNonce takes the nonce over that an answer brings, for the endpoint that it came from.
func (f *flow) keepNonce(endpoint string, a *answer) {
	endpoint, _, _ = strings.Cut(endpoint, "?")
	if nonce := a.header.Get("DPoP-Nonce"); nonce != "" {
		f.nonces[endpoint] = nonce
	}
}

// isNonceDemand says whether an authorization server wants the request again with a nonce (RFC 9449 8).
func isNonceDemand(a *answer) bool {
	return a.status == http.StatusBadRequest && a.errorCode() == "use_dpop_nonce" && a.header.Get("DPoP-Nonce") != ""
}

// isResourceNonceDemand is isNonceDemand for resource servers (RFC 9449 9).
func isResourceNonceDemand(a *answer) bool {
	return a.status == http.StatusUnauthorized && a.header.Get("DPoP-Nonce") != "" &&
		strings.Contains(a.header.Get("WWW-Authenticate"), "use_dpop_nonce")
}

// publicJWK returns the public half of a key as the JSON of a jwk header.
func publicJWK(key jose.JSONWebKey) map[string]any {
	return jwkMembers(jose.JSONWebKey{Key: key.Public().Key})
}

// privateJWK returns the whole key.
func privateJWK(key jose.JSONWebKey) map[string]any { return jwkMembers(jose.JSONWebKey{Key: key.Key}) }

func jwkMembers(key jose.JSONWebKey) map[string]any {
	var members map[string]any
	if text, err := json.Marshal(key); err == nil {
		_ = json.Unmarshal(text, &members) // what was just written can be read
	}
	return members
}

// challenge returns the S256 code challenge of a verifier (RFC 7636 4.2).
func challenge(verifier string) string { return digest(verifier) }

func digest(s string) string {
	sum := sha256.Sum256([]byte(s))
	return base64url(sum[:])
}

// claimOf returns a parameter in the type that it has in a request object.
func claimOf(name, value string) any {
	switch name {
	case "max_age":
		if seconds, err := strconv.Atoi(value); err == nil {
			return seconds
		}
	case "claims":
		return json.RawMessage(value)
	}
	return value
}
