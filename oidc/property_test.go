package oidc_test

import (
	"context"
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
	"github.com/gosignet/signet/oauth"
	"github.com/gosignet/signet/oidc"
)

// worldClaims are those of the random worlds, in two groups: the second is for nobody to ask for.
var (
	worldClaims  = []string{"name", "given_name", "family_name", "nickname", "gender", "email", "email_verified", "tax_class"}
	worldHidden  = []string{"blood_type", "religion"}
	worldLocales = []string{"en", "km", "th"}
	worldScopes  = map[string][]string{"profile": {"name", "nickname"}, "email": {"email", "email_verified"}}
	worldMarks   = []string{"(p:", "(v:", "(d:", "(e:", "(s:", `"endpoint"`, "#km"}
)

// draw is a source of decisions that is the same for the same seed.
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

// some returns each of the words with a chance of one in so many.
func (d *draw) some(words []string, in int) []string {
	return slices.DeleteFunc(slices.Clone(words), func(string) bool { return !d.once(in) })
}

// world is a random request with the client's registration, the person's decision, and what the identity system says. Each
// value says in a mark of its own where it is from: (p:name), (v:name), (d:name) from a document, (s:name) from a source,
// and (e:number) for the number of the document.
type world struct {
	client    oauth.Client
	scope     []string
	locales   []string
	request   map[string]map[string]any
	consented []string
	said      authenticator.Claims
}

func newWorld(d *draw) *world {
	w := &world{
		client:  oauth.Client{ID: "health", RedirectURIs: []string{"https://health.example/callback"}},
		scope:   append([]string{"openid"}, d.some([]string{"profile", "email"}, 3)...),
		locales: d.some(worldLocales, 3),
		request: map[string]map[string]any{},
	}
	everything := slices.Concat(worldClaims, worldHidden)
	if d.once(3) {
		w.client.Claims = d.some(everything, 2)
	}
	for _, target := range d.some([]string{"userinfo", "id_token"}, 2) {
		w.request[target] = w.target(d)
	}
	w.consented = append(d.some(worldClaims, 2), worldHidden...)
	w.say(d, everything)
	return w
}

func (w *world) target(d *draw) map[string]any {
	target := map[string]any{}
	for _, name := range d.some(worldClaims, 3) {
		switch d.below(4) {
		case 0:
			target[name] = map[string]any{"essential": true}
		case 1:
			target[name] = map[string]any{"value": mark("p", name)}
		default:
			target[name] = nil
		}
		if d.once(5) {
			target[name+"#th"] = nil
		}
	}
	var elements []any
	for range d.below(4) {
		claims := map[string]any{}
		for _, name := range append(d.some(worldClaims, 2), "gender") {
			claims[name] = map[string]any{"essential": d.once(2)}
		}
		verification := map[string]any{"trust_framework": nil}
		if d.once(2) {
			verification["trust_framework"] = map[string]any{"value": []string{"gold", "silver", "lead"}[d.below(3)]}
		}
		if d.once(2) {
			document := map[string]any{"type": map[string]any{"value": "document"}}
			if d.once(2) {
				document["document_details"] = map[string]any{"document_number": nil}
			}
			derived := map[string]any{}
			for _, name := range d.some(slices.Concat(worldClaims, worldHidden), 2) {
				derived[name] = nil
			}
			document["derived_claims"] = derived
			verification["evidence"] = []any{document}
		}
		elements = append(elements, map[string]any{"verification": verification, "claims": claims})
	}
	if elements != nil {
		target["verified_claims"] = elements
	}
	return target
}

func (w *world) say(d *draw, names []string) {
	w.said.Values = values(d, "p", names)
	for range d.below(4) {
		derived, err := json.Marshal(values(d, "d", names))
		if err != nil {
			panic(err)
		}
		w.said.Verified = append(w.said.Verified, authenticator.VerifiedClaims{
			Verification: json.RawMessage(fmt.Sprintf(`{"trust_framework":%q,"evidence":[{"type":"document",
				"document_details":{"document_number":"(e:number)"},"derived_claims":%s}]}`,
				[]string{"gold", "silver", "lead"}[d.below(3)], derived)),
			Values: values(d, "v", names),
		})
	}
	for range d.below(4) {
		held := append(d.some(names, 30), names[d.below(len(names))])
		payload, err := json.Marshal(values(d, "s", held))
		if err != nil {
			panic(err)
		}
		source := authenticator.ClaimSource{Names: held, JWT: signed(es256, string(payload))}
		if d.once(2) {
			source = authenticator.ClaimSource{Names: held, Endpoint: "https://a.example", AccessToken: "a"}
		}
		w.said.Sources = append(w.said.Sources, source)
	}
}

func values(d *draw, kind string, names []string) map[string]json.RawMessage {
	all := map[string]json.RawMessage{}
	for _, name := range names {
		quoted, err := json.Marshal(mark(kind, name))
		if err != nil {
			panic(err)
		}
		if !d.once(4) {
			all[name] = quoted
		}
		for _, locale := range d.some(worldLocales, 4) {
			all[name+"#"+locale] = quoted
		}
	}
	return all
}

// mark is a value that says where it is from. E-mail addresses have a form to keep.
func mark(kind, name string) any {
	switch name {
	case "email":
		return "(" + kind + ":email)@mail.example"
	case "email_verified":
		return true
	}
	return "(" + kind + ":" + name + ")"
}

func TestNothingIsReleasedThatWasNotAskedAndConsented(t *testing.T) {
	t.Parallel()
	released := map[string]int{}
	for seed := range 400 {
		checkWorld(t, newWorld(&draw{seed: binary.BigEndian.AppendUint64(nil, uint64(seed))}), released)
	}
	for _, kind := range worldMarks {
		require.Positive(t, released[kind], "no world released any %s: the test sees nothing", kind)
	}
}

func FuzzNothingIsReleasedThatWasNotAskedAndConsented(f *testing.F) {
	f.Add([]byte("seed"))
	f.Fuzz(func(t *testing.T, seed []byte) { checkWorld(t, newWorld(&draw{seed: seed}), map[string]int{}) })
}

// checkWorld checks what is released in both ways of fetching, which is the same.
func checkWorld(t *testing.T, w *world, released map[string]int) {
	t.Helper()
	require.Equal(t, w.release(t, released), w.release(t, released, atUserinfo))
}

func (w *world) release(t *testing.T, released map[string]int, mode ...func(*oidc.Config)) (answers []map[string]any) {
	t.Helper()
	f := newFixture(t, append(mode, sources, func(c *oidc.Config) {
		c.ClaimsSupported = slices.Concat(worldClaims, worldHidden)
		c.Scopes = worldScopes
		c.Assurance = oidc.Assurance{TrustFrameworks: []string{"gold", "silver"}, Claims: worldClaims[:7]}
		c.Claims = speaker{&w.said}
	})...)
	f.clients["health"] = &w.client
	parameter, err := json.Marshal(w.request)
	require.NoError(t, err)
	r, err := f.parse(t.Context(), "health", strings.Join(w.scope, " "),
		"claims", string(parameter), "claims_locales", strings.Join(w.locales, " "))
	require.NoError(t, err)
	shown := f.Asked(&w.client, r, w.scope)
	x := f.exchangeFor(t, &w.client, r, w.scope, w.consented)
	f.extend(t, x)
	_, token := open(t, x.Response["id_token"])
	userinfo := f.userinfo(t, x)
	for name, answer := range map[string]map[string]any{"userinfo": userinfo, "id_token": token} {
		w.check(t, name, answer, shown, released)
		encoded, err := json.Marshal(answer)
		require.NoError(t, err)
		requireValidAnswer(t, encoded)
	}
	return []map[string]any{userinfo, token}
}

// speaker releases the same for everybody.
type speaker struct{ said *authenticator.Claims }

func (s speaker) Claims(context.Context, *authenticator.ClaimsRequest) (*authenticator.Claims, error) {
	return s.said, nil
}

// check compares what one token holds with what the request says, what the person was shown, and what they allowed.
func (w *world) check(
	t *testing.T, target string, answer map[string]any, shown oidc.ClaimSet, released map[string]int,
) {
	t.Helper()
	text := reveal(t, answer)
	for _, kind := range worldMarks {
		released[kind] += strings.Count(text, kind)
	}
	plain, verified := w.allowed(target, shown)
	anywhere, _ := w.allowed("userinfo", shown)
	more, _ := w.allowed("id_token", shown)
	anywhere = append(anywhere, more...)
	for _, name := range slices.Concat(worldClaims, worldHidden) {
		requireOnlyIf(t, slices.Contains(plain, name), text, "(p:"+name+")")
		requireOnlyIf(t, slices.Contains(verified, name), text, "(v:"+name+")")
		requireOnlyIf(t, slices.Contains(verified, name), text, "(d:"+name+")")
		requireOnlyIf(t, slices.Contains(anywhere, name), text, "(s:"+name+")")
		if _, there := answer[name]; there {
			require.Contains(t, plain, name)
		}
	}
	requireOnlyIf(t, w.asksFor(target, "document_number"), text, "(e:number)")
	requireOnlyIf(t, len(verified) > 0, text, `"verified_claims"`)
	locales := w.locales
	if request, err := json.Marshal(w.request); err == nil && strings.Contains(string(request), "#th") {
		locales = append(slices.Clone(locales), "th")
	}
	whole, err := json.Marshal(answer) // but not the inside of what another source signed
	require.NoError(t, err)
	for _, locale := range worldLocales {
		requireOnlyIf(t, slices.Contains(locales, locale), string(whole), "#"+locale+`"`)
	}
	names, _ := answer["_claim_names"].(map[string]any)
	for name := range names {
		require.Contains(t, plain, name)
	}
}

// allowed returns what the request asks for in the target, and the person was shown and allowed.
func (w *world) allowed(target string, shown oidc.ClaimSet) (plain, verified []string) {
	asked := map[string]bool{}
	for name := range w.request[target] {
		name, _, _ = strings.Cut(name, "#")
		asked[name] = true
	}
	for _, s := range w.scope {
		for _, name := range worldScopes[s] {
			asked[name] = asked[name] || target == "userinfo"
		}
	}
	isAllowed := func(name string) (shownPlain, shownVerified bool) {
		if w.client.Claims != nil && !slices.Contains(w.client.Claims, name) {
			return false, false
		}
		for _, as := range []string{name, strings.TrimSuffix(name, "_verified")} {
			if !slices.Contains(w.consented, as) || !slices.Contains(slices.Concat(shown.Essential, shown.Voluntary), as) {
				continue
			}
			at := slices.IndexFunc(shown.Verified, func(item oidc.VerifiedItem) bool { return item.Name == as })
			shownPlain = shownPlain || at < 0 || shown.Verified[at].Plain
			shownVerified = shownVerified || at >= 0
		}
		return shownPlain, shownVerified
	}
	for _, name := range worldClaims {
		p, v := isAllowed(name)
		if asked[name] && p {
			plain = append(plain, name)
		}
		elements, _ := w.request[target]["verified_claims"].([]any)
		if v && slices.ContainsFunc(elements, func(e any) bool {
			_, ok := e.(map[string]any)["claims"].(map[string]any)[name]
			return ok
		}) {
			verified = append(verified, name)
		}
	}
	return plain, verified
}

func (w *world) asksFor(target, element string) bool {
	request, err := json.Marshal(w.request[target]["verified_claims"])
	return err == nil && strings.Contains(string(request), element)
}

// reveal returns everything in an answer as text, with what is in the JWTs of sources.
func reveal(t *testing.T, answer map[string]any) string {
	t.Helper()
	text, err := json.Marshal(answer)
	require.NoError(t, err)
	from, _ := answer["_claim_sources"].(map[string]any)
	for _, source := range from {
		if jwt, ok := source.(map[string]any)["JWT"].(string); ok {
			payload, err := base64.RawURLEncoding.DecodeString(strings.Split(jwt, ".")[1])
			require.NoError(t, err)
			text = append(text, payload...)
		}
	}
	return string(text)
}

func requireOnlyIf(t *testing.T, allowed bool, text, mark string) {
	t.Helper()
	if !allowed && strings.Contains(text, mark) {
		t.Fatalf("%s was released", mark)
	}
}
