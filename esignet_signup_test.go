package signet_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet"
	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/authenticator/idtoken"
	"github.com/gosignet/signet/esignet"
	"github.com/gosignet/signet/login"
)

func TestESignetTakesPeopleToTheSignUpPortalAndBack(t *testing.T) {
	t.Parallel()
	for name, begin := range map[string]func(*returnWorld, string) esAnswer{
		"by oauth-details": func(w *returnWorld, hint string) esAnswer {
			return w.post("/authorization/v3/oauth-details", esTransaction{}, w.portalRequest(hint))
		},
		"by a pushed request": (*returnWorld).push,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newReturnWorld(t)
			left, hint := w.leave()
			said := claimsOf(t, hint)
			nonce, path, _ := strings.Cut(w.cookie(left).Value, "~###~")
			assert.Equal(t, "urlInfo1", path)
			assert.Len(t, nonce, 43)
			now := time.Now().Unix()
			assert.InDelta(t, now, said["iat"], 60)
			assert.InDelta(t, now, said["auth_time"], 60)
			assert.Equal(t, said["iat"].(float64)+300, said["exp"])
			for _, name := range []string{"iat", "exp", "auth_time"} {
				delete(said, name)
			}
			assert.Equal(t, map[string]any{
				"iss": w.URL, "sub": left.id, "aud": "signup", "nonce": nonce, "acr": "mosip:idp:acr:password", "amr": []any{"pwd"},
			}, said, "no access token belongs to it")

			tx := w.begun(begin(w, hint))
			assert.Equal(t, "invalid_request", begin(w, hint).code(), "its nonce is used up")
			a := w.answer("v3/", tx, left.id, idt(hint))
			require.Empty(t, a.Errors)
			assert.JSONEq(t, `{"transactionId":"`+tx.id+`","consentAction":"NOCAPTURE"}`, string(a.Response))
			a = w.post("/authorization/auth-code", tx, map[string]any{"transactionId": tx.id})
			require.Empty(t, a.Errors)
			var c struct{ Code, Nonce, State, RedirectURI string }
			require.NoError(t, json.Unmarshal(a.Response, &c))
			assert.Equal(t, nonce, c.Nonce)
			assert.Equal(t, "urlInfo1", c.State)
			assert.Equal(t, signUpCallback, c.RedirectURI)
			tokens := w.redeemFor("signup", signUpCallback, c.Code)
			identity := claimsOf(t, tokens["id_token"].(string))
			assert.Equal(t, idTokenACR, identity["acr"])
			assert.Equal(t, nonce, identity["nonce"])
			assert.Equal(t, w.subjectAt("signup", w.esPortal.subject), identity["sub"], "it is the person who left, as the portal may know them")

			a = w.post("/authorization/complete-signup-redirect", left, map[string]any{"transactionId": left.id})
			require.Empty(t, a.Errors)
			assert.JSONEq(t, `{"status":"COMPLETED"}`, string(a.Response))
			tokens = w.redeemFor("portal", "https://rp.example/cb", w.code(left, "email"))
			assert.Equal(t, w.subjectAt("portal", w.esPortal.subject), w.subject(tokens))
		})
	}
}

func TestESignetRefusesIDTokenHintsOfOthers(t *testing.T) {
	t.Parallel()
	for name, hint := range map[string]func(w *returnWorld, tx esTransaction, hint string) string{
		"empty":              func(*returnWorld, esTransaction, string) string { return "" },
		"not of three parts": func(_ *returnWorld, _ esTransaction, hint string) string { return hint + ".x" },
		"not JSON":           func(*returnWorld, esTransaction, string) string { return "a.b.c" },
		"unsigned": func(_ *returnWorld, _ esTransaction, hint string) string {
			return hint[:strings.LastIndex(hint, ".")+1]
		},
		"of another signature":  func(_ *returnWorld, _ esTransaction, hint string) string { return hint[:len(hint)-8] + "AAAAAAAA" },
		"signed by its own key": func(w *returnWorld, _ esTransaction, hint string) string { return w.selfSigned(hint) },
		"of another issuer": func(w *returnWorld, _ esTransaction, hint string) string {
			return w.forge(hint, map[string]any{"iss": "https://other.example"})
		},
		"for another client": func(w *returnWorld, _ esTransaction, hint string) string {
			return w.forge(hint, map[string]any{"aud": "portal"})
		},
		"for others too": func(w *returnWorld, _ esTransaction, hint string) string {
			return w.forge(hint, map[string]any{"aud": []string{"signup", "portal"}})
		},
		"without a subject": func(w *returnWorld, _ esTransaction, hint string) string {
			return w.forge(hint, map[string]any{"sub": nil})
		},
		"without a nonce": func(w *returnWorld, _ esTransaction, hint string) string {
			return w.forge(hint, map[string]any{"nonce": nil})
		},
		"of another nonce": func(w *returnWorld, _ esTransaction, hint string) string {
			return w.forge(hint, map[string]any{"nonce": "x"})
		},
		"expired": func(w *returnWorld, _ esTransaction, hint string) string {
			w.clock.advance(5*time.Minute + 20*time.Second)
			return hint
		},
		"without the cookie": func(w *returnWorld, tx esTransaction, hint string) string {
			w.setCookie(tx.id, "")
			return hint
		},
		"with a cookie without separator": func(w *returnWorld, tx esTransaction, hint string) string {
			w.setCookie(tx.id, "urlInfo")
			return hint
		},
		"with the cookie of another nonce": func(w *returnWorld, tx esTransaction, hint string) string {
			w.setCookie(tx.id, strings.Repeat("x", 43)+"~###~urlInfo")
			return hint
		},
		"of a login that is not there": func(w *returnWorld, tx esTransaction, hint string) string {
			stranger := strings.Repeat("x", 43)
			w.setCookie(stranger, w.cookie(tx).Value)
			return w.forge(hint, map[string]any{"sub": stranger})
		},
		"of a login that is not halted any more": func(w *returnWorld, tx esTransaction, hint string) string {
			require.Empty(w, w.post("/authorization/complete-signup-redirect", tx, map[string]any{"transactionId": tx.id}).Errors)
			return hint
		},
		"of a login that was left with another nonce": func(w *returnWorld, tx esTransaction, hint string) string {
			other := strings.Repeat("x", 43)
			w.setCookie(tx.id, other+"~###~urlInfo")
			return w.forge(hint, map[string]any{"nonce": other})
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newReturnWorld(t)
			left, good := w.leave()
			assert.Equal(t, "invalid_id_token_hint", w.post("/authorization/v3/oauth-details", esTransaction{}, w.portalRequest(hint(w, left, good))).code())
		})
	}
	t.Run("pushed, without the cookie", func(t *testing.T) {
		t.Parallel()
		w := newReturnWorld(t)
		left, hint := w.leave()
		w.setCookie(left.id, "")
		assert.Equal(t, "invalid_id_token_hint", w.push(hint).code())
	})
	t.Run("at another client", func(t *testing.T) {
		t.Parallel()
		w := newReturnWorld(t)
		_, hint := w.leave()
		request := w.details(uuid.NewString())
		request["idTokenHint"] = hint
		assert.Equal(t, "invalid_id_token_hint", w.post("/authorization/v3/oauth-details", esTransaction{}, request).code())
	})
}

func TestESignetTakesIDTokensOfThoseWhoReturnOnly(t *testing.T) {
	t.Parallel()
	challenge := func(s string) map[string]any {
		c := idt("x")
		c["challenge"] = s
		return c
	}
	type leg struct {
		*returnWorld
		left, tx esTransaction
		hint     string
	}
	for name, c := range map[string]struct {
		code string
		try  func(l leg) esAnswer
	}{
		"another format": {"invalid_challenge_format", func(l leg) esAnswer {
			c := idt(l.hint)
			c["format"] = "jwt"
			return l.answer("v3/", l.tx, l.left.id, c)
		}},
		"too short": {"invalid_challenge", func(l leg) esAnswer { return l.answer("v3/", l.tx, l.left.id, challenge("e30")) }},
		"too long": {"invalid_challenge", func(l leg) esAnswer {
			return l.answer("v3/", l.tx, l.left.id, idt(strings.Repeat("x", 2000)))
		}},
		"another factor": {"auth_factor_mismatch", func(l leg) esAnswer { return l.answer("v3/", l.tx, l.left.id, esPassword) }},
		"not base64":     {"auth_failed", func(l leg) esAnswer { return l.answer("v3/", l.tx, l.left.id, challenge(strings.Repeat("%", 40))) }},
		"not JSON": {"auth_failed", func(l leg) esAnswer {
			return l.answer("v3/", l.tx, l.left.id, challenge(base64.RawURLEncoding.EncodeToString([]byte(strings.Repeat("x", 40)))))
		}},
		"no token":           {"auth_failed", func(l leg) esAnswer { return l.answer("v3/", l.tx, l.left.id, idt("")) }},
		"two answers":        {"auth_failed", func(l leg) esAnswer { return l.answer("v3/", l.tx, l.left.id, idt(l.hint), esPassword) }},
		"the first version":  {"auth_failed", func(l leg) esAnswer { return l.answer("", l.tx, l.left.id, idt(l.hint)) }},
		"the second version": {"auth_failed", func(l leg) esAnswer { return l.answer("v2/", l.tx, l.left.id, idt(l.hint)) }},
		"no JWT":             {"invalid_token", func(l leg) esAnswer { return l.answer("v3/", l.tx, l.left.id, idt("a.b.c and more")) }},
		"a key of its own":   {"invalid_token", func(l leg) esAnswer { return l.answer("v3/", l.tx, l.left.id, idt(l.selfSigned(l.hint))) }},
		"another person":     {"invalid_individual_id", func(l leg) esAnswer { return l.answer("v3/", l.tx, alice, idt(l.hint)) }},
		"no cookie":          {"auth_failed", func(l leg) esAnswer { l.setCookie(l.left.id, ""); return l.answer("v3/", l.tx, l.left.id, idt(l.hint)) }},
		"another cookie": {"auth_failed", func(l leg) esAnswer {
			l.setCookie(l.left.id, "x~###~y")
			return l.answer("v3/", l.tx, l.left.id, idt(l.hint))
		}},
		"another issuer's": {"invalid_token", func(l leg) esAnswer {
			return l.answer("v3/", l.tx, l.left.id, idt(l.forge(l.hint, map[string]any{"iss": "https://other.example"})))
		}},
		"another client's": {"invalid_token", func(l leg) esAnswer {
			return l.answer("v3/", l.tx, l.left.id, idt(l.forge(l.hint, map[string]any{"aud": "portal"})))
		}},
		"without an end": {"invalid_token", func(l leg) esAnswer {
			return l.answer("v3/", l.tx, l.left.id, idt(l.forge(l.hint, map[string]any{"exp": nil})))
		}},
		"without a beginning": {"invalid_token", func(l leg) esAnswer {
			return l.answer("v3/", l.tx, l.left.id, idt(l.forge(l.hint, map[string]any{"iat": nil})))
		}},
		"without a subject": {"invalid_token", func(l leg) esAnswer {
			return l.answer("v3/", l.tx, l.left.id, idt(l.forge(l.hint, map[string]any{"sub": nil})))
		}},
		"of a login by an ID Token": {"invalid_token", func(l leg) esAnswer {
			return l.answer("v3/", l.tx, l.left.id, idt(l.forge(l.hint, map[string]any{"amr": []string{"idt"}})))
		}},
		"expired": {"invalid_token", func(l leg) esAnswer {
			l.clock.advance(5*time.Minute + 20*time.Second)
			return l.answer("v3/", l.tx, l.left.id, idt(l.hint))
		}},
		"another nonce": {"auth_failed", func(l leg) esAnswer {
			l.setCookie(l.left.id, "x~###~y")
			return l.answer("v3/", l.tx, l.left.id, idt(l.forge(l.hint, map[string]any{"nonce": "x"})))
		}},
		"a login that is not halted any more": {"auth_failed", func(l leg) esAnswer {
			require.Empty(l, l.post("/authorization/complete-signup-redirect", l.left, map[string]any{"transactionId": l.left.id}).Errors)
			return l.answer("v3/", l.tx, l.left.id, idt(l.hint))
		}},
		"a transaction that was not begun with it": {"auth_failed", func(l leg) esAnswer {
			request := l.portalRequest("")
			delete(request, "idTokenHint")
			return l.answer("v3/", l.begun(l.post("/authorization/v3/oauth-details", esTransaction{}, request)), l.left.id, idt(l.hint))
		}},
		"a second time": {"auth_failed", func(l leg) esAnswer {
			other, hint := l.leave()
			tx := l.begun(l.post("/authorization/v3/oauth-details", esTransaction{}, l.portalRequest(hint)))
			require.Empty(l, l.answer("v3/", tx, other.id, idt(hint)).Errors)
			return l.answer("v3/", l.tx, other.id, idt(hint))
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := leg{returnWorld: newReturnWorld(t)}
			l.left, l.hint = l.leave()
			l.tx = l.begun(l.post("/authorization/v3/oauth-details", esTransaction{}, l.portalRequest(l.hint)))
			assert.Equal(t, c.code, c.try(l).code())
		})
	}
}

func TestESignetOffersIDTokensToTheSignUpPortalAlone(t *testing.T) {
	t.Parallel()
	w := newReturnWorld(t)
	request := w.details(uuid.NewString())
	delete(request, "acrValues")
	_, response := w.beginAs(request)
	assert.Contains(t, string(response), `"PWD"`)
	assert.NotContains(t, string(response), `"IDT"`)
}

func TestASignUpPortalNeedsWhatTakesPeopleThereAndBack(t *testing.T) {
	t.Parallel()
	withIDToken := []authenticator.Method{idTokens{}}
	for name, c := range map[string]struct {
		change   func(*signet.Config)
		problems []string
	}{
		"whoever sends people, and an ACR that it reaches": {func(c *signet.Config) {
			c.Verifier, c.ACRs = nil, signet.DefaultACRs([]authenticator.Factor{authenticator.Password})
		}, []string{"SignUpClient needs a Verifier", "SignUpClient needs one of ACRs"}},
		"one method, beside all else that is wrong": {func(c *signet.Config) {
			c.Methods, c.Verifier, c.Store = withIDToken, nil, nil
		}, []string{"verifies them too (idt)", "SignUpClient needs a Verifier", "Config.Store is missing"}},
		"no method where nobody comes back": {func(c *signet.Config) {
			c.Methods, c.ESignet = withIDToken, &signet.ESignet{}
		}, []string{"without a SignUpClient nobody brings the ID Tokens"}},
		"somebody who says what is verified": {func(c *signet.Config) {
			c.Authenticator = struct{ authenticator.Authenticator }{c.Authenticator}
		}, []string{"Verifier needs an Authenticator that is an Assurer"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			config := newReturnWorld(t).config
			c.change(&config)
			_, err := signet.New(config)
			for _, problem := range c.problems {
				require.ErrorContains(t, err, problem)
			}
		})
	}
}

// idTokens is a method that verifies ID Tokens.
type idTokens struct{ authenticator.Challenger }

func (idTokens) Factors() []authenticator.Factor {
	return []authenticator.Factor{authenticator.IDToken}
}

func (idTokens) Authenticate(context.Context, *authenticator.Request) (*authenticator.Identity, error) {
	return nil, &authenticator.Error{Reason: authenticator.WrongCredentials}
}

func TestESignetHasTheReaderOfItsPortalsIDTokens(t *testing.T) {
	t.Parallel()
	w := newReturnWorld(t)
	w.config.ACRs = signet.DefaultACRs([]authenticator.Factor{authenticator.Password, authenticator.IDToken})
	with, err := signet.New(w.config)
	require.NoError(t, err)
	w.config.ESignet, w.config.Verifier, w.config.ACRs = nil, nil, nil
	without, err := signet.New(w.config)
	require.NoError(t, err)
	reader := func(audience string) *idtoken.Method {
		m, err := idtoken.New(idtoken.Config{
			Issuer: w.config.Issuer, Keys: w.config.Keys, Audience: []string{audience}, Store: w.config.Store,
			Identities: struct{ idtoken.Identities }{},
		})
		require.NoError(t, err)
		return m
	}
	for name, c := range map[string]struct {
		flow    *login.Flow
		signUp  *idtoken.Method
		problem string
	}{
		"none":             {with.Login, nil, "SignUp is required: Flow has a Portal"},
		"another client's": {with.Login, reader("other"), `does not take the ID Tokens of Flow's Portal, "signup"`},
		"no portal":        {without.Login, reader("signup"), "SignUp: Flow has no Portal"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := esignet.New(esignet.Config{Authorization: &esignet.AuthorizationConfig{Flow: c.flow, SignUp: c.signUp}})
			require.ErrorContains(t, err, c.problem)
			require.ErrorContains(t, err, "Store is required", "all problems at once")
		})
	}
}
