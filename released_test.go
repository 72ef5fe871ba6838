package signet_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet"
	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/login"
	"github.com/gosignet/signet/oauth"
	"github.com/gosignet/signet/oidc"
)

var (
	drawnClaims  = []string{"name", "nickname", "gender", "birthdate", "given_name"}
	drawnLocales = []string{"km", "th"}
)

// talker releases all claims, in all languages and verified ones too, whatever it is asked for: the provider alone keeps
// them back. Each value says in a mark which one it is.
type talker struct{ authenticator.Authenticator }

func (talker) Factors() []authenticator.Factor { return []authenticator.Factor{authenticator.Password} }

func (talker) Claims(context.Context, *authenticator.ClaimsRequest) (*authenticator.Claims, error) {
	c := &authenticator.Claims{Values: map[string]json.RawMessage{}}
	verified := map[string]json.RawMessage{}
	for _, name := range drawnClaims {
		for _, tag := range append([]string{""}, drawnLocales...) {
			if tag != "" {
				tag = "#" + tag
			}
			c.Values[name+tag] = fmt.Appendf(nil, `"(p:%s)"`, name)
			verified[name+tag] = fmt.Appendf(nil, `"(v:%s)"`, name)
		}
	}
	c.Verified = []authenticator.VerifiedClaims{{Verification: json.RawMessage(`{"trust_framework":"gold"}`), Values: verified}}
	return c, nil
}

// lots draws the same for the same seed.
type lots struct{ seed, count uint64 }

func (l *lots) below(n uint64) uint64 {
	l.count++
	sum := sha256.Sum256(binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(nil, l.seed), l.count))
	return binary.BigEndian.Uint64(sum[:]) % n
}

// some returns each of the names with a chance of one half.
func (l *lots) some(names []string) []string {
	return slices.DeleteFunc(slices.Clone(names), func(string) bool { return l.below(2) == 0 })
}

// drawnRequest is what a client asks for: claims by the place where it wants them.
type drawnRequest struct {
	plain, verified map[string][]string
	profile         bool
	locales         []string
}

func drawRequest(l *lots) *drawnRequest {
	r := &drawnRequest{plain: map[string][]string{}, verified: map[string][]string{}, profile: l.below(3) == 0, locales: l.some(drawnLocales)}
	for _, target := range []string{"userinfo", "id_token"} {
		r.plain[target] = l.some(l.some(drawnClaims))
		r.verified[target] = l.some(l.some(drawnClaims))
	}
	return r
}

// parameter is the claims parameter.
func (r *drawnRequest) parameter(t *testing.T) string {
	all := map[string]any{}
	for target := range r.plain {
		asked := map[string]any{}
		for i, name := range r.plain[target] {
			asked[name] = map[string]bool{"essential": i == 0}
		}
		if names := r.verified[target]; len(names) > 0 {
			claims := map[string]any{}
			for _, name := range names {
				claims[name] = nil
			}
			asked["verified_claims"] = map[string]any{"verification": map[string]any{"trust_framework": nil}, "claims": claims}
		}
		all[target] = asked
	}
	text, err := json.Marshal(all)
	require.NoError(t, err)
	return string(text)
}

// asks reports whether the claim is wanted in the place.
func (r *drawnRequest) asks(target, kind, name string) bool {
	if kind == "v" {
		return slices.Contains(r.verified[target], name)
	}
	return slices.Contains(r.plain[target], name) ||
		r.profile && target == "userinfo" && slices.Contains([]string{"name", "nickname"}, name)
}

// TestNothingLeavesThatWasNotShownAndAllowed has a person decide at random on random requests, of which later ones fall
// back on decisions that are remembered, and looks at all that reaches the client, in every encoding.
func TestNothingLeavesThatWasNotShownAndAllowed(t *testing.T) {
	t.Parallel()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	encrypted := oauth.Encryption{KeyAlgorithm: jose.ECDH_ES, Content: jose.A256GCM}
	var l lots
	w := newConsentWorld(t, func(c *oauth.Client) {
		c.Keys.Keys = append(slices.Clone(c.Keys.Keys), jose.JSONWebKey{Key: private.Public(), KeyID: "enc", Algorithm: string(jose.ECDH_ES), Use: "enc"})
		c.UserinfoJSON = l.seed%3 == 0
		if l.seed%3 == 1 {
			c.UserinfoEncryption = encrypted
		}
		if l.seed%2 == 1 {
			c.IDTokenEncryption = encrypted
		}
	}, func(c *signet.Config) {
		c.Authenticator, c.ACRs = talker{c.Authenticator}, c.ACRs[1:2] // by password
		c.Scopes, c.ClaimsSupported = map[string][]string{"profile": {"name", "nickname"}}, drawnClaims
		c.Assurance = oidc.Assurance{TrustFrameworks: []string{"gold"}, Claims: drawnClaims}
	})
	granted := map[string]bool{} // the last decision on each kind of each claim
	released, remembered := map[string]int{}, 0
	for seed := range uint64(90) {
		l = lots{seed: seed}
		r := drawRequest(&l)
		var scope []string
		if r.profile {
			scope = []string{"profile"}
		}
		handle, s := w.reach(w.request(scope, "claims", r.parameter(t), "claims_locales", strings.Join(r.locales, " ")), "")
		if s.Step == login.StepConsent {
			allowed := l.some(drawnClaims)
			for _, name := range slices.Concat(s.Essential, s.Voluntary) {
				at := slices.IndexFunc(s.Verified, func(item oidc.VerifiedItem) bool { return item.Name == name })
				if at < 0 || s.Verified[at].Plain {
					granted["(p:"+name+")"] = slices.Contains(allowed, name)
				}
				if at >= 0 {
					granted["(v:"+name+")"] = slices.Contains(allowed, name)
				}
			}
			s, err = w.provider.Login.Decide(t.Context(), handle, login.Decision{Claims: allowed})
			require.NoError(t, err)
		} else {
			remembered++
		}
		require.Equal(t, login.StepDone, s.Step)
		for target, text := range w.everything(s.Response.Parameters.Get("code"), private) {
			for _, name := range drawnClaims {
				for _, kind := range []string{"p", "v"} {
					mark := "(" + kind + ":" + name + ")"
					if strings.Contains(text, mark) {
						released[target+kind]++
						require.True(t, granted[mark], "seed %d: %s is in %s, and was not allowed", seed, mark, target)
						require.True(t, r.asks(target, kind, name), "seed %d: %s is in %s, and was not asked for there", seed, mark, target)
					}
				}
			}
			for _, tag := range drawnLocales {
				require.True(t, slices.Contains(r.locales, tag) || !strings.Contains(text, "#"+tag), "seed %d: %s in %s", seed, tag, target)
			}
		}
	}
	for _, kind := range []string{"userinfop", "userinfov", "id_tokenp", "id_tokenv"} {
		require.Positive(t, released[kind], "nothing was released as %s: the test sees nothing", kind)
	}
	require.Positive(t, remembered, "every login asked")
}

// everything is what a code brings, in clear.
func (w *consentWorld) everything(code string, key *ecdsa.PrivateKey) map[string]string {
	w.Helper()
	response, err := w.Client().PostForm(w.URL+"/token", w.authenticated(url.Values{
		"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {w.portal.RedirectURIs[0]},
	}))
	require.NoError(w, err)
	defer response.Body.Close()
	require.Equal(w, http.StatusOK, response.StatusCode)
	var tokens struct {
		IDToken     string `json:"id_token"`
		AccessToken string `json:"access_token"`
	}
	require.NoError(w, json.NewDecoder(response.Body).Decode(&tokens))
	r, err := http.NewRequestWithContext(w.Context(), http.MethodGet, w.URL+"/userinfo", nil)
	require.NoError(w, err)
	r.Header.Set("Authorization", "Bearer "+tokens.AccessToken)
	info, err := w.Client().Do(r)
	require.NoError(w, err)
	defer info.Body.Close()
	require.Equal(w, http.StatusOK, info.StatusCode)
	body, err := io.ReadAll(info.Body)
	require.NoError(w, err)
	return map[string]string{
		"userinfo": w.inClear(string(body), key), "id_token": w.inClear(tokens.IDToken, key), "access_token": w.inClear(tokens.AccessToken, key),
	}
}

// inClear takes the encryption and the signature off.
func (w *consentWorld) inClear(text string, key *ecdsa.PrivateKey) string {
	w.Helper()
	if strings.Count(text, ".") == 4 {
		jwe, err := jose.ParseEncryptedCompact(text, []jose.KeyAlgorithm{jose.ECDH_ES}, []jose.ContentEncryption{jose.A256GCM})
		require.NoError(w, err)
		plain, err := jwe.Decrypt(key)
		require.NoError(w, err)
		text = string(plain)
	}
	if strings.HasPrefix(text, "{") {
		return text
	}
	var claims json.RawMessage
	w.verify(text, &claims)
	return string(claims)
}
