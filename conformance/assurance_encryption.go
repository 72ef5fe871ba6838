package conformance

import (
	"encoding/base64"
	"encoding/json"
	"mime"
	"net/http"
	"slices"
	"strings"

	"github.com/go-jose/go-jose/v4"
)

// userinfoEncryptionChecks have a check for each way to encrypt.
var userinfoEncryptionChecks = func() []Check {
	var all []Check
	for _, alg := range []jose.KeyAlgorithm{jose.RSA_OAEP_256, jose.ECDH_ES, jose.ECDH_ES_A256KW} {
		for _, enc := range []jose.ContentEncryption{jose.A128GCM, jose.A256GCM} {
			all = append(all, Check{
				ID:     "userinfo-encrypted-" + string(alg) + "-" + string(enc),
				Title:  "Userinfo is signed and then encrypted with " + string(alg) + " and " + string(enc) + " to the key of the client",
				Clause: "OpenID Connect Core 1.0, 5.3.2 and 16.14",
				run:    assured(encryptedUserinfo(alg, enc)),
			})
		}
	}
	return all
}()

// encryptedUserinfo is skipped unless the algorithms are announced and a client is registered for them.
func encryptedUserinfo(alg jose.KeyAlgorithm, enc jose.ContentEncryption) func(*trial) {
	return func(t *trial) {
		m := t.metadata()
		if !m.listHas("userinfo_encryption_alg_values_supported", string(alg)) || !m.listHas("userinfo_encryption_enc_values_supported", string(enc)) {
			t.skip("userinfo_encryption_alg_values_supported and userinfo_encryption_enc_values_supported do not have %s and %s", alg, enc)
		}
		i := slices.IndexFunc(t.profile.EncryptedClients, func(c *Client) bool {
			return c.UserinfoEncryptionAlg == alg && c.UserinfoEncryptionEnc == enc
		})
		if i < 0 {
			t.skip("encrypted_clients has none that is registered for %s and %s", alg, enc)
		}
		request := wanting(anyFramework(), nil, t.assuredClaims()...)
		f := t.flowOf(t.profile.EncryptedClients[i], 1)
		f.params.Set("claims", t.claimsParameter(nil, request))
		tokens := f.tokens()
		claims := f.openUserinfo(f.get(tokens.access))
		if claims["sub"] != tokens.id["sub"] {
			t.fail("the sub of userinfo is %v and that of the ID Token %v", claims["sub"], tokens.id["sub"])
		}
		if len(t.verifiedIn("userinfo", claims, request)) == 0 {
			t.fail("encrypted userinfo has no verified claims, though all were asked for")
		}
	}
}

// openUserinfo decrypts and verifies an answer, and checks that it is for the client. Where it cannot the check ends.
func (f *flow) openUserinfo(a *answer) object {
	t := f.t
	if a.status != http.StatusOK {
		t.fatal("userinfo must answer with 200, not with %v", a)
	}
	if kind, _, err := mime.ParseMediaType(a.header.Get("Content-Type")); err != nil || kind != "application/jwt" {
		t.fail("encrypted userinfo is not application/jwt but %q", a.header.Get("Content-Type"))
	}
	text := strings.TrimSpace(string(a.body))
	if strings.Count(text, ".") != 4 {
		t.fatal("userinfo is not encrypted: %s", short(text))
	}
	key, _ := f.client.encryptionKey()
	f.encryptedTo(text, key)
	sealed, err := jose.ParseEncryptedCompact(text, []jose.KeyAlgorithm{f.client.UserinfoEncryptionAlg}, []jose.ContentEncryption{f.client.UserinfoEncryptionEnc})
	if err != nil {
		t.fatal("userinfo is not encrypted with %s and %s: %v", f.client.UserinfoEncryptionAlg, f.client.UserinfoEncryptionEnc, err)
	}
	inner, err := sealed.Decrypt(key.Key)
	if err != nil {
		t.fatal("userinfo cannot be decrypted with the key of the client: %v", err)
	}
	_, claims := t.verified("the JWT in encrypted userinfo", string(inner))
	if claims["iss"] != t.target.Issuer {
		t.fail("the iss of userinfo is %v and not the issuer", claims["iss"])
	}
	f.forMe("userinfo", claims)
	t.claimFormats("userinfo", claims)
	return claims
}

// encryptedTo checks what the header says in clear: that there is a JWT inside, and which key opens it.
func (f *flow) encryptedTo(text string, key jose.JSONWebKey) {
	first, _, _ := strings.Cut(text, ".")
	raw, err := base64.RawURLEncoding.DecodeString(first)
	var header object
	if err != nil || json.Unmarshal(raw, &header) != nil {
		f.t.fatal("the header of encrypted userinfo is not a JSON object: %s", short(first))
	}
	if cty, _ := header["cty"].(string); !strings.EqualFold(cty, "JWT") {
		f.t.fail("the cty of encrypted userinfo is %q and must be JWT (RFC 7519 5.2)", cty)
	}
	if key.KeyID != "" && header["kid"] != key.KeyID {
		f.t.warn("the kid of encrypted userinfo is %v and not the %q of the client's key", header["kid"], key.KeyID)
	}
}
