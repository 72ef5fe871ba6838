package oidc_test

import (
	"encoding/json"
	"os/exec"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/oauth"
)

// decryptInNode is a relying party that has nothing but RFC 7516 and RFC 7518, and the cryptography of Node.js: it decrypts
// a JWE, verifies the JWS in it, and prints the claims.
const decryptInNode = `
const crypto = require('node:crypto');
const { token, key, keys } = JSON.parse(require('node:fs').readFileSync(0));
const decode = part => Buffer.from(part, 'base64url');
const [protectedHeader, encryptedKey, iv, ciphertext, tag] = token.split('.');
const header = JSON.parse(decode(protectedHeader));
const privateKey = crypto.createPrivateKey({ key, format: 'jwk' });
const length = { A128GCM: 16, A256GCM: 32 }[header.enc];
const number = n => { const b = Buffer.alloc(4); b.writeUInt32BE(n); return b; };
const agree = (alg, size) => { // ECDH-ES, RFC 7518 section 4.6: one round of the Concat KDF
  const publicKey = crypto.createPublicKey({ key: header.epk, format: 'jwk' });
  return crypto.createHash('sha256').update(Buffer.concat([
    number(1), crypto.diffieHellman({ privateKey, publicKey }),
    number(alg.length), Buffer.from(alg), number(0), number(0), number(8 * size),
  ])).digest().subarray(0, size);
};
const contentKey = {
  'RSA-OAEP-256': () => crypto.privateDecrypt({ key: privateKey, oaepHash: 'sha256' }, decode(encryptedKey)),
  'ECDH-ES': () => agree(header.enc, length),
  'ECDH-ES+A256KW': () => {
    const unwrap = crypto.createDecipheriv('id-aes256-wrap', agree(header.alg, 32), Buffer.alloc(8, 0xa6));
    return Buffer.concat([unwrap.update(decode(encryptedKey)), unwrap.final()]);
  },
}[header.alg]();
const decipher = crypto.createDecipheriv({ 16: 'aes-128-gcm', 32: 'aes-256-gcm' }[length], contentKey, decode(iv));
decipher.setAAD(Buffer.from(protectedHeader)).setAuthTag(decode(tag));
const jws = Buffer.concat([decipher.update(decode(ciphertext)), decipher.final()]).toString();
const [signed, payload, signature] = jws.split('.');
const { kid } = JSON.parse(decode(signed));
const signer = crypto.createPublicKey({ key: keys.keys.find(k => k.kid === kid), format: 'jwk' });
if (!crypto.verify('sha256', Buffer.from(signed + '.' + payload), { key: signer, dsaEncoding: 'ieee-p1363' }, decode(signature)))
  throw new Error('the signature is wrong');
process.stdout.write(decode(payload));
`

func TestEncryptedTokensAreReadWithoutAnyLibraryOfOurs(t *testing.T) {
	t.Parallel()
	private := encryptionKeys(t)
	for _, alg := range oauth.KeyAlgorithms() {
		for _, enc := range oauth.ContentEncryptions() {
			t.Run(string(alg)+" "+string(enc), func(t *testing.T) {
				t.Parallel()
				f := newFixture(t)
				c := f.clients["health"]
				c.UserinfoEncryption = oauth.Encryption{KeyAlgorithm: alg, Content: enc}
				c.IDTokenEncryption = c.UserinfoEncryption
				c.Keys.Keys = []jose.JSONWebKey{{Key: private[alg].Public(), KeyID: "for-me", Use: "enc"}}
				x := f.extended(t, "health", "openid email")
				userinfo := f.call("GET", "/userinfo", "", "Authorization", "Bearer "+x.AccessToken).Body.String()
				for _, token := range []string{userinfo, x.Response["id_token"]} {
					input, err := json.Marshal(map[string]any{
						"token": token, "key": jose.JSONWebKey{Key: private[alg]},
						"keys": json.RawMessage(serve(f.JWKSHandler(), "GET").Body.Bytes()),
					})
					require.NoError(t, err)
					node := exec.CommandContext(t.Context(), "node", "-e", decryptInNode)
					node.Stdin = strings.NewReader(string(input))
					output, err := node.CombinedOutput()
					require.NoError(t, err, string(output))
					var claims map[string]any
					require.NoError(t, json.Unmarshal(output, &claims), string(output))
					assert.Equal(t, x.Grant.Subject, claims["sub"])
					assert.Equal(t, "health", claims["aud"])
				}
			})
		}
	}
}
