package conformance

import (
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// fapiAlgorithms are the signature algorithms of FAPI 2.0 (5.4.1 there), as discovery names them.
var fapiAlgorithms = []string{"PS256", "ES256", "EdDSA", "Ed25519"}

// goodIDToken checks an ID Token and returns its header and claims.
func (f *flow) goodIDToken(text, accessToken string) (header, claims map[string]any) {
	t := f.t
	header, claims = t.verified("the ID Token", text)
	if claims["iss"] != t.target.Issuer {
		t.fail("the iss of the ID Token is %v and not the issuer", claims["iss"])
	}
	f.forMe("the ID Token", claims)
	t.goodTimes("the ID Token", claims)
	f.sameNonce(claims)
	t.goodSubject(claims)
	if acr, ok := claims["acr"]; ok && !isText(acr) {
		t.fail("the acr of the ID Token is not a non-empty string: %v", acr)
	}
	if at, ok := claims["auth_time"]; ok {
		if seconds, isNumber := at.(float64); !isNumber || !plausible(seconds) {
			t.fail("the auth_time of the ID Token is not a time in the last years: %v", at)
		}
	}
	alg, _ := header["alg"].(string)
	t.hashClaim(alg, claims, "at_hash", accessToken)
	if state := f.params.Get("state"); state != "" {
		t.hashClaim(alg, claims, "s_hash", state)
	}
	f.onlyRequested(claims)
	t.claimFormats("the ID Token", claims)
	return header, claims
}

// verified checks a signature and what the header must say, and returns header and claims. Without a good signature the
// check ends.
func (t *trial) verified(what, text string) (header, claims map[string]any) {
	header = jwsHeader(text)
	if header == nil {
		t.fatal("%s is not a signed JWT: %s", what, short(text))
	}
	allowed := fapiAlgorithms
	if !t.plan.fapi {
		allowed = append(slices.Clone(allowed), "RS256")
	}
	alg, _ := header["alg"].(string)
	if !slices.Contains(allowed, alg) {
		t.fatal("%s is signed with %q, which is none of %s", what, alg, strings.Join(allowed, ", "))
	}
	kid, _ := header["kid"].(string)
	if kid == "" {
		t.fail("the header of %s has no kid", what)
	}
	key := t.keySet().choose(t, what, kid, alg)
	signed, err := jose.ParseSignedCompact(text, []jose.SignatureAlgorithm{jose.SignatureAlgorithm(alg)})
	if err != nil {
		t.fatal("%s is not a signed JWT: %v", what, err)
	}
	payload, err := signed.Verify(key)
	if err != nil {
		t.fatal("the signature of %s does not verify with the provider's key %s", what, kid)
	}
	if json.Unmarshal(payload, &claims) != nil || claims == nil {
		t.fatal("the payload of %s is not a JSON object", what)
	}
	return header, claims
}

// jwsHeader returns the header of a compact JWS, or nil.
func jwsHeader(text string) map[string]any {
	first, rest, _ := strings.Cut(text, ".")
	raw, err := base64.RawURLEncoding.DecodeString(first)
	if err != nil || strings.Count(rest, ".") != 1 {
		return nil
	}
	var header map[string]any
	if json.Unmarshal(raw, &header) != nil {
		return nil
	}
	return header
}

// forMe checks the audience.
func (f *flow) forMe(what string, claims map[string]any) {
	if claims["aud"] != f.client.ID && !slices.Contains(stringsOf(claims["aud"]), f.client.ID) {
		f.t.fail("the aud of %s is %v and does not contain the client", what, claims["aud"])
	}
}

func (t *trial) goodTimes(what string, claims map[string]any) {
	exp, ok := claims["exp"].(float64)
	if left := until(exp); !ok || left <= 0 || left > 50*year {
		t.fail("the exp of %s is not a time to come: %v", what, claims["exp"])
	}
	iat, ok := claims["iat"].(float64)
	if !ok || until(iat).Abs() > 5*time.Minute {
		t.fail("the iat of %s is not within five minutes of now: %v", what, claims["iat"])
	}
}

func (f *flow) sameNonce(claims map[string]any) {
	want, sent := f.params["nonce"]
	nonce, present := claims["nonce"]
	switch {
	case sent && nonce != want[0]:
		f.t.fail("the nonce of the ID Token is %v and not the %q of the request", nonce, want[0])
	case !sent && present:
		f.t.fail("the request had no nonce, and the ID Token has %v", nonce)
	}
}

func (t *trial) goodSubject(claims map[string]any) {
	sub, _ := claims["sub"].(string)
	if sub == "" || len(sub) > 255 || strings.ContainsFunc(sub, func(r rune) bool { return r < 0x20 || r > 0x7e }) {
		t.fail("the sub of the ID Token is not 1 to 255 printable ASCII characters: %v", claims["sub"])
	}
}

// hashClaim checks at_hash and its like (OpenID Connect Core 3.1.3.6), if present.
func (t *trial) hashClaim(alg string, claims map[string]any, name, value string) {
	got, ok := claims[name]
	if !ok {
		return
	}
	sum := sha256.Sum256([]byte(value))
	want := base64url(sum[:16])
	if alg == string(jose.EdDSA) {
		long := sha512.Sum512([]byte(value))
		want = base64url(long[:32])
	}
	if got != want {
		t.fail("the %s of the ID Token is %v and should be %s", name, got, want)
	}
}

// protocolClaims are those that an ID Token has of itself.
var protocolClaims = []string{
	"iss", "sub", "aud", "exp", "iat", "nbf", "jti", "auth_time", "nonce", "acr", "amr", "azp", "at_hash", "c_hash",
	"s_hash", "sid",
}

// scopeClaims are the claims that scopes ask for (OpenID Connect Core 5.4).
var scopeClaims = map[string][]string{
	"profile": {"name", "family_name", "given_name", "middle_name", "nickname", "preferred_username", "profile",
		"picture", "website", "gender", "birthdate", "zoneinfo", "locale", "updated_at"},
	"email":   {"email", "email_verified"},
	"address": {"address"},
	"phone":   {"phone_number", "phone_number_verified"},
}

// onlyRequested warns of claims that nobody asked for.
func (f *flow) onlyRequested(claims map[string]any) {
	allowed := slices.Clone(protocolClaims)
	if f.t.plan.fapi {
		for _, scope := range strings.Fields(f.params.Get("scope")) {
			allowed = append(allowed, scopeClaims[scope]...)
		}
	}
	var requested struct {
		IDToken map[string]any `json:"id_token"`
	}
	if text := f.params.Get("claims"); text != "" && json.Unmarshal([]byte(text), &requested) == nil {
		for name := range requested.IDToken {
			allowed = append(allowed, name)
		}
	}
	for name := range claims {
		base, _, _ := strings.Cut(name, "#")
		if !slices.Contains(allowed, base) {
			f.t.warn("the ID Token has the claim %s, which nobody asked for", name)
		}
	}
}

func isText(v any) bool {
	s, ok := v.(string)
	return ok && s != ""
}

// until returns the time to the number of seconds since 1970, bounded so that it cannot overflow.
func until(seconds float64) time.Duration {
	const most = 1 << 40
	return time.Until(time.Unix(int64(max(-most, min(seconds, most))), 0))
}

// plausible says whether a time is between 1990 and now, give or take a minute.
func plausible(seconds float64) bool {
	return seconds >= 631152000 && until(seconds) < time.Minute
}
