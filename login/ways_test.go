package login_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/consent"
	"github.com/gosignet/signet/login"
	"github.com/gosignet/signet/oauth"
)

// verifiedName asks for the name as it is, in the element of verified_claims, or both.
func verifiedName(plain bool, elements ...string) *oauth.AuthorizationRequest {
	req := request(acrPassword)
	req.Scope = []string{"openid"}
	claims := map[string]any{}
	if plain {
		claims["name"] = nil
	}
	var verified []json.RawMessage
	for _, e := range elements {
		verified = append(verified, json.RawMessage(e))
	}
	if verified != nil {
		claims["verified_claims"] = verified
	}
	parameter, err := json.Marshal(map[string]any{"userinfo": claims})
	if err != nil {
		panic(err)
	}
	req.Parameters["claims"] = string(parameter)
	return req
}

const (
	anyFramework = `{"verification":{"trust_framework":null},"claims":{"name":null}}`
	goldOnly     = `{"verification":{"trust_framework":{"value":"gold"}},"claims":{"name":null}}`
	forAge       = `{"verification":{"trust_framework":null},"claims":{"name":{"purpose":"To greet you"}}}`
	withEvidence = `{"verification":{"trust_framework":null,"evidence":[{"type":{"value":"document"}}]},"claims":{"name":null}}`
)

// Whether a session or the ledger remembers: who shared a claim in one way has not shared it in another.
func TestAClaimIsRememberedInTheWayInWhichItWasShared(t *testing.T) {
	t.Parallel()
	type requested = func() *oauth.AuthorizationRequest
	both := func(elements ...string) requested {
		return func() *oauth.AuthorizationRequest { return verifiedName(true, elements...) }
	}
	only := func(elements ...string) requested {
		return func() *oauth.AuthorizationRequest { return verifiedName(false, elements...) }
	}
	for name, test := range map[string]struct {
		decided, next requested
		refused       bool
		asked         bool
	}{
		"plain, then plain":           {decided: both(), next: both()},
		"plain, then verified":        {decided: both(), next: only(anyFramework), asked: true},
		"plain, then both":            {decided: both(), next: both(anyFramework), asked: true},
		"verified, then verified":     {decided: only(anyFramework), next: only(anyFramework)},
		"verified, then plain":        {decided: only(anyFramework), next: both(), asked: true},
		"both, then each":             {decided: both(anyFramework), next: only(anyFramework)},
		"both, then plain":            {decided: both(anyFramework), next: both()},
		"any, then one framework":     {decided: only(anyFramework), next: only(goldOnly), asked: true},
		"another purpose":             {decided: only(anyFramework), next: only(forAge), asked: true},
		"evidence":                    {decided: only(anyFramework), next: only(withEvidence), asked: true},
		"with evidence, then without": {decided: only(withEvidence), next: only(anyFramework), asked: true},
		"refused plain":               {decided: both(), next: both(), refused: true},
		"refused plain, verified":     {decided: both(), next: only(anyFramework), refused: true, asked: true},
	} {
		for _, remembering := range []string{"session", "ledger"} {
			t.Run(name+", "+remembering, func(t *testing.T) {
				t.Parallel()
				var w *world
				if remembering == "ledger" {
					w = newMemory(t).world
				} else {
					w, _ = newSessionWorld(t)
				}
				handle := w.atConsent(test.decided())
				d := login.Decision{Claims: []string{"name"}}
				if test.refused {
					d = login.Decision{}
				}
				w.ok(w.Decide(t.Context(), handle, d))
				session, err := w.KeepSession(t.Context(), handle, "")
				require.NoError(t, err)
				_, s, err := w.Begin(t.Context(), test.next(), session)
				require.NoError(t, err)
				require.Equal(t, test.asked, s.Step == login.StepConsent, s.Step)
			})
		}
	}
}

// A claim that was shared in one way and refused in another is asked for again when it is asked for in both.
func TestAClaimThatWasDecidedInTwoWaysIsAskedForAgain(t *testing.T) {
	t.Parallel()
	for _, remembering := range []string{"session", "ledger"} {
		var w *world
		if remembering == "ledger" {
			w = newMemory(t).world
		} else {
			w, _ = newSessionWorld(t)
		}
		session := ""
		for i, req := range []*oauth.AuthorizationRequest{verifiedName(true), verifiedName(false, anyFramework), verifiedName(true, anyFramework)} {
			handle, s, err := w.Begin(t.Context(), req, session)
			require.NoError(t, err)
			if s.Step == login.StepVerify {
				s = w.ok(w.Answer(t.Context(), handle, alice, right(alice, authenticator.Password)))
			}
			require.Equal(t, login.StepConsent, s.Step, i)
			d := login.Decision{Claims: []string{"name"}}
			if i == 1 {
				d = login.Decision{}
			}
			if i == 2 && remembering == "ledger" {
				require.Equal(t, consent.Widened, s.AskedBecause)
				require.Equal(t, []string{"name"}, s.New)
			}
			w.ok(w.Decide(t.Context(), handle, d))
			session, err = w.KeepSession(t.Context(), handle, session)
			require.NoError(t, err)
		}
	}
}
