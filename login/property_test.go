package login_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/login"
	"github.com/gosignet/signet/oauth"
	"github.com/gosignet/signet/oidc"
)

// draw is a source of choices that is the same for the same seed.
type draw struct {
	seed  []byte
	count uint64
}

func (d *draw) below(n int) int {
	d.count++
	sum := sha256.Sum256(binary.BigEndian.AppendUint64(slices.Clone(d.seed), d.count))
	return int(binary.BigEndian.Uint32(sum[:]) % uint32(n))
}

func (d *draw) once(in int) bool { return d.below(in) == 0 }

func (d *draw) some(words []string, in int) []string {
	return slices.DeleteFunc(slices.Clone(words), func(string) bool { return !d.once(in) })
}

var (
	claimNames = []string{"name", "given_name", "email", "birthdate", "gender"}
	frameworks = []string{"", "gold", "silver"}
)

// permissions are what a person was shown, and whether they allowed it the last time: the test's own memory, made of
// nothing but what is shown.
type permissions map[string]bool

// ways are what a person is shown of each name: the claim as it is, or for a verification.
func ways(s *login.State) map[string][]string {
	shown := map[string][]string{}
	for _, name := range slices.Concat(s.Essential, s.Voluntary) {
		at := slices.IndexFunc(s.Verified, func(v oidc.VerifiedItem) bool { return v.Name == name })
		if at < 0 || s.Verified[at].Plain {
			shown[name] = append(shown[name], "plain "+name)
		}
		if at >= 0 {
			v := s.Verified[at]
			kinds := v.TrustFrameworks
			if kinds == nil {
				kinds = []string{"any", "gold", "silver"}
			}
			way := "verified " + name + " |" + strings.Join(kinds, "|") + "|"
			if v.Evidence {
				way += "evidence|"
			}
			shown[name] = append(shown[name], way)
		}
	}
	return shown
}

// has reports whether something was allowed that shows the mark: of verifications one that includes the kind. A wider one
// that was refused later is another thing that was shown.
func (k permissions) has(mark string) bool {
	of, kind := mark[:strings.LastIndexByte(mark, ' ')], mark[strings.LastIndexByte(mark, ' ')+1:]
	for way, ok := range k {
		if ok && (way == mark || strings.HasPrefix(way, of+" |") && strings.Contains(way, "|"+kind+"|")) {
			return true
		}
	}
	return false
}

func (k permissions) decide(s *login.State, d login.Decision) {
	for name, all := range ways(s) {
		for _, way := range all {
			k[way] = slices.Contains(d.Claims, name)
		}
	}
	for _, scope := range s.Scopes {
		k["scope "+scope] = slices.Contains(d.Scopes, scope)
	}
}

// randomRequest asks for claims as they are and verified, and for scopes.
func randomRequest(d *draw) *oauth.AuthorizationRequest {
	req := request(acrPassword)
	req.Scope = append([]string{"openid"}, d.some([]string{"email", "appointments", "records"}, 2)...)
	claims := map[string]any{}
	for _, place := range []string{"userinfo", "id_token"} {
		asked := map[string]any{}
		for _, name := range d.some(claimNames, 3) {
			asked[name] = map[string]any{"essential": d.once(2)}
		}
		var elements []any
		for range d.below(3) {
			wanted := map[string]any{}
			for _, name := range append(d.some(claimNames, 2), "name") {
				wanted[name] = map[string]any{"essential": d.once(3)}
			}
			verification := map[string]any{"trust_framework": nil}
			if kind := frameworks[d.below(3)]; kind != "" {
				verification["trust_framework"] = map[string]any{"value": kind}
			}
			if d.once(3) {
				verification["evidence"] = []any{map[string]any{"type": map[string]any{"value": "document"}, "document_details": map[string]any{"document_number": nil}}}
			}
			elements = append(elements, map[string]any{"verification": verification, "claims": wanted})
		}
		if elements != nil {
			asked["verified_claims"] = elements
		}
		claims[place] = asked
	}
	parameter, err := json.Marshal(claims)
	if err != nil {
		panic(err)
	}
	req.Parameters["claims"] = string(parameter)
	if d.once(6) {
		req.Parameters["prompt"] = "consent"
	}
	return req
}

// sayEverything has the identity system release all that it knows, whatever it is asked for; each value says what it is.
func sayEverything(p *people) {
	p.said = map[string]json.RawMessage{}
	values := map[string]map[string]json.RawMessage{"gold": {}, "silver": {}}
	for _, name := range claimNames {
		at := ""
		if name == "email" {
			at = "@mail.example"
		}
		p.said[name] = json.RawMessage(fmt.Sprintf(`"(plain %s)%s"`, name, at))
		for kind, all := range values {
			all[name] = json.RawMessage(fmt.Sprintf(`"(verified %s %s)%s"`, name, kind, at))
		}
	}
	p.verifications = func(*authenticator.ClaimsRequest) (all []authenticator.VerifiedClaims, err error) {
		for kind, said := range values {
			all = append(all, authenticator.VerifiedClaims{Values: said, Verification: json.RawMessage(
				`{"trust_framework":"` + kind + `","evidence":[{"type":"document","document_details":{"document_number":"(evidence)"}}]}`)})
		}
		return all, nil
	}
}

// Whatever was asked and decided in earlier logins, a client gets nothing that the person was not shown, in these words,
// and allowed the last time: with a session's memory, with that of the ledger, and after withdrawals.
func TestNothingIsReleasedThatWasNotShownAndAllowed(t *testing.T) {
	t.Parallel()
	released := map[string]int{}
	for seed := range 120 {
		checkLogins(t, &draw{seed: binary.BigEndian.AppendUint64(nil, uint64(seed))}, released)
	}
	for _, kind := range []string{"(plain", "(verified", "(evidence", "silent", "asked"} {
		require.Positive(t, released[kind], "no login had any %s: the test sees nothing", kind)
	}
}

func FuzzNothingIsReleasedThatWasNotShownAndAllowed(f *testing.F) {
	f.Add([]byte("seed"))
	f.Fuzz(func(t *testing.T, seed []byte) { checkLogins(t, &draw{seed: seed}, map[string]int{}) })
}

func checkLogins(t *testing.T, d *draw, released map[string]int) {
	t.Helper()
	var w *world
	var m *memoryOf
	if d.once(3) {
		w, _ = newSessionWorld(t)
	} else {
		m = newMemory(t)
		w = m.world
	}
	w.client.RequireEssentialClaims, w.client.ConsentForSession = d.once(4), d.once(4)
	sayEverything(w.people)
	allowed, session := permissions{}, ""
	for range 6 {
		handle, s, err := w.Begin(t.Context(), randomRequest(d), session)
		require.NoError(t, err)
		if s.Step == login.StepVerify {
			s = w.ok(w.Answer(t.Context(), handle, alice, right(alice, authenticator.Password)))
		}
		kind := "silent"
		if s.Step == login.StepConsent {
			kind = "asked"
			decision := login.Decision{Claims: d.some(claimNames, 2), Scopes: d.some(s.Scopes, 2)}
			if s.Required {
				decision.Claims = append(decision.Claims, s.Essential...)
			}
			allowed.decide(s, decision)
			s = w.ok(w.Decide(t.Context(), handle, decision))
		}
		require.Equal(t, login.StepDone, s.Step)
		released[kind]++
		checkRelease(t, w, allowed, released)
		if session, err = w.KeepSession(t.Context(), handle, session); m != nil && d.once(5) {
			clear(allowed)
			m.withdrawAll()
		}
		require.NoError(t, err)
	}
}

func (m *memoryOf) withdrawAll() {
	m.Helper()
	records, err := m.registry.List(m.Context(), alicesSubject)
	require.NoError(m, err)
	for _, r := range records {
		_, err := m.registry.Withdraw(m.Context(), alicesSubject, r.ID)
		require.NoError(m, err)
	}
}

// checkRelease compares what the client gets for the last grant with what is allowed.
func checkRelease(t *testing.T, w *world, allowed permissions, released map[string]int) {
	t.Helper()
	grant := w.authorizer.lastGrant(t)
	for _, scope := range grant.Scope {
		if scope == "appointments" || scope == "records" {
			require.True(t, allowed["scope "+scope], scope)
		}
	}
	x := &oauth.Exchange{Client: w.client, Grant: &grant, IssuedAt: w.clock.Now()}
	require.NoError(t, w.openID.Extend(t.Context(), x))
	payload := payloadOf(t, x.Response["id_token"])
	text := string(x.Data) + payload
	for _, name := range claimNames {
		marks := []string{"plain " + name, "verified " + name + " gold", "verified " + name + " silver"}
		for _, mark := range marks {
			if strings.Contains(text, "("+mark+")") && !allowed.has(mark) {
				t.Fatalf("(%s) was released, allowed: %v", mark, allowed)
			}
		}
	}
	told := slices.ContainsFunc(claimNames, func(name string) bool { return allowed.has("verified " + name + " evidence") })
	require.True(t, told || !strings.Contains(text, "(evidence)"), "evidence was released")
	for _, kind := range []string{"(plain", "(verified", "(evidence"} {
		released[kind] += strings.Count(text, kind)
	}
}

func payloadOf(t *testing.T, token string) string {
	t.Helper()
	parts := strings.Split(token, ".")
	require.Len(t, parts, 3)
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	require.NoError(t, err)
	return string(payload)
}
