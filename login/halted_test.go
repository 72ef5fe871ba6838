package login_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/authenticator/idtoken"
	"github.com/gosignet/signet/keystore"
	"github.com/gosignet/signet/login"
	"github.com/gosignet/signet/oauth"
)

const (
	acrIDToken = "urn:example:id-token"
	returnTo   = "https://signup.example.org/return"
)

// returning is a world with a portal that logs people in by the ID Token that they bring from the login that they left.
type returning struct{ *verifying }

// Bearer makes the world the [idtoken.Identities].
func (w *returning) Bearer(ctx context.Context, t *idtoken.Token) (*authenticator.Identity, error) {
	return w.Halted(ctx, t.Subject, t.Nonce)
}

func newReturning(t *testing.T, config ...func(*login.Config)) *returning {
	t.Helper()
	w := &returning{}
	ring, err := keys()
	require.NoError(t, err)
	w.verifying = newVerifying(t, append([]func(*login.Config){func(c *login.Config) {
		c.Portal = "signup"
		c.ACRs = append(c.ACRs, authenticator.ACR{Value: acrIDToken, Alternatives: []authenticator.FactorSet{{authenticator.IDToken}}})
		method, err := idtoken.New(idtoken.Config{
			Issuer: "https://id.example.org", Keys: ring, Audience: []string{"signup"}, Identities: w, Store: c.Store, Now: c.Now,
		})
		require.NoError(t, err)
		c.Methods = append(c.Methods, method)
	}}, config...)...)
	w.other = &oauth.Client{
		ID: "signup", Names: map[string]string{"": "Sign-up"}, RedirectURIs: []string{returnTo}, Scopes: []string{"openid"},
		ACRValues: []string{acrIDToken},
	}
	return w
}

// left is a login of alice that she left for the portal.
func (w *returning) left() (handle string, d *login.Departure) {
	w.Helper()
	handle = w.paused()
	d, err := w.StartVerification(w.Context(), handle, returnURI)
	require.NoError(w, err)
	return handle, d
}

// portalRequest is the portal's own, with the nonce.
func portalRequest(nonce string) *oauth.AuthorizationRequest {
	return &oauth.AuthorizationRequest{
		ClientID: "signup", RedirectURI: returnTo, Scope: []string{"openid"}, Parameters: map[string]string{"nonce": nonce},
	}
}

// welcomed is the portal's login of whoever left the halted one with the nonce.
func (w *returning) welcomed(halted, nonce string) (handle string) {
	w.Helper()
	handle, s, err := w.Begin(login.WithReturning(w.Context(), halted), portalRequest(nonce), "")
	require.NoError(w, err)
	require.Equal(w, authenticator.IDToken, s.Factor)
	return handle
}

func (w *returning) answer(handle, token string) (*login.State, error) {
	return w.Answer(w.Context(), handle, nobodyID, authenticator.Challenge{Factor: authenticator.IDToken, Response: token})
}

// said are the claims of the ID Token.
func said(t testing.TB, token string) map[string]any {
	t.Helper()
	data, err := base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[1])
	require.NoError(t, err)
	var claims map[string]any
	require.NoError(t, json.Unmarshal(data, &claims))
	return claims
}

// forged is the ID Token with another claim, signed by the provider as it is never.
func forged(t testing.TB, token, name string, value any) string {
	t.Helper()
	claims := said(t, token)
	claims[name] = value
	ring, err := keys()
	require.NoError(t, err)
	key, err := ring.Signer(t.Context(), keystore.TokenSigning, jose.ES256)
	require.NoError(t, err)
	changed, err := key.SignJSON(t.Context(), "JWT", claims)
	require.NoError(t, err)
	return changed
}

func TestAPersonLeavesForThePortalWithAnIDTokenOfTheirLogin(t *testing.T) {
	t.Parallel()
	w := newReturning(t)
	require.Equal(t, "signup", w.Portal())
	handle, d := w.left()
	assert.Equal(t, w.portal.uri, d.URI)
	assert.Equal(t, 5*time.Minute, d.Lifetime)
	assert.Len(t, d.Nonce, 43)
	now := float64(w.clock.Now().Unix())
	assert.Equal(t, map[string]any{
		"iss": "https://id.example.org", "sub": handle, "aud": "signup", "nonce": d.Nonce, "acr": acrPassword, "amr": []any{"pwd"},
		"auth_time": now, "iat": now, "exp": now + 300,
	}, said(t, d.IDToken), "it names the login, and not the person")
}

func TestWhoComesBackFromThePortalIsWhoLeft(t *testing.T) {
	t.Parallel()
	w := newReturning(t)
	halted, d := w.left()
	handle := w.welcomed(halted, d.Nonce)
	s := w.ok(w.answer(handle, d.IDToken))
	if s.Step == login.StepConsent {
		s = w.ok(w.Decide(t.Context(), handle, login.Decision{}))
	}
	require.Equal(t, login.StepDone, s.Step)
	g := w.authorizer.lastGrant(t)
	assert.Equal(t, w.openID.Subject(w.other, alicesSubject), g.Subject, "as the portal may know her")
	assert.Equal(t, acrIDToken, g.ACR)
	assert.Equal(t, []string{"idt"}, g.AMR)

	s = w.ok(w.ResumeVerification(t.Context(), halted, back("s3cr3t")))
	assert.Equal(t, login.StepConsent, s.Step, "the login that she left goes on")
	_, err := w.Halted(t.Context(), halted, d.Nonce)
	assert.Equal(t, authenticator.WrongCredentials, reasonOf(t, err), "it is halted no longer")
}

func TestNobodyIsWelcomedForALoginThatIsNotHalted(t *testing.T) {
	t.Parallel()
	for name, prepare := range map[string]func(w *returning) (halted, nonce string){
		"there is none": func(w *returning) (string, string) {
			_, d := w.left()
			return strings.Repeat("x", 43), d.Nonce
		},
		"nobody left it":       func(w *returning) (string, string) { return w.paused(), "" },
		"it is at consent":     func(w *returning) (string, string) { return w.atConsent(request("")), "" },
		"nobody has logged in": func(w *returning) (string, string) { return w.begin(acrPassword), "" },
		"it was left with another nonce": func(w *returning) (string, string) {
			halted, _ := w.left()
			return halted, strings.Repeat("x", 43)
		},
		"it was left with no nonce": func(w *returning) (string, string) {
			halted, _ := w.left()
			return halted, ""
		},
		"it was left with that nonce by somebody else": func(w *returning) (string, string) {
			_, d := w.left()
			halted, _ := w.left()
			return halted, d.Nonce
		},
		"it was left anew": func(w *returning) (string, string) {
			halted, d := w.left()
			_, err := w.StartVerification(w.Context(), halted, returnURI)
			require.NoError(w, err)
			return halted, d.Nonce
		},
		"it went on": func(w *returning) (string, string) {
			halted, d := w.left()
			w.ok(w.ResumeVerification(w.Context(), halted, back("s3cr3t")))
			return halted, d.Nonce
		},
		"it went on without": func(w *returning) (string, string) {
			halted, d := w.left()
			w.ok(w.ResumeVerification(w.Context(), halted, nil))
			return halted, d.Nonce
		},
		"it was given up": func(w *returning) (string, string) {
			halted, d := w.left()
			w.ok(w.Cancel(w.Context(), halted))
			return halted, d.Nonce
		},
		"its time is over": func(w *returning) (string, string) {
			halted, d := w.left()
			w.clock.advance(10*time.Minute + time.Second)
			return halted, d.Nonce
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newReturning(t)
			halted, nonce := prepare(w)
			_, err := w.Halted(t.Context(), halted, nonce)
			assert.Equal(t, authenticator.WrongCredentials, reasonOf(t, err))
			_, _, err = w.Begin(login.WithReturning(t.Context(), halted), portalRequest(nonce), "")
			requireUnwelcome(t, err)
		})
	}
}

// requireUnwelcome is the refusal of a Begin for somebody who does not return.
func requireUnwelcome(t testing.TB, err error) {
	t.Helper()
	e, ok := errors.AsType[*oauth.Error](err)
	require.True(t, ok, "%v", err)
	require.Equal(t, oauth.InvalidRequest, e.Code)
	require.Equal(t, "id_token_hint", e.Parameter)
}

func TestALoginThatWasLeftForNoPortalIsNotHalted(t *testing.T) {
	t.Parallel()
	v := newVerifying(t)
	handle := v.paused()
	d, err := v.StartVerification(t.Context(), handle, returnURI)
	require.NoError(t, err)
	require.Empty(t, d.Nonce)
	_, err = v.Halted(t.Context(), handle, d.Nonce)
	require.Equal(t, authenticator.WrongCredentials, reasonOf(t, err))
}

func TestNobodyIsWelcomedAtAnotherClient(t *testing.T) {
	t.Parallel()
	w := newReturning(t)
	halted, d := w.left()
	req := request(acrPassword)
	req.Parameters["nonce"] = d.Nonce
	_, _, err := w.Begin(login.WithReturning(t.Context(), halted), req, "")
	requireUnwelcome(t, err)
}

func TestAnotherClientIsNotOfferedIDTokens(t *testing.T) {
	t.Parallel()
	w := newReturning(t)
	_, s, err := w.Begin(t.Context(), request(""), "")
	require.NoError(t, err)
	require.Len(t, s.Options, 3)
	assert.NotContains(t, s.Options, authenticator.FactorSet{authenticator.IDToken})
	w.client.ACRValues = []string{acrIDToken}
	_, _, err = w.Begin(t.Context(), request(""), "")
	e, ok := errors.AsType[*oauth.Error](err)
	require.True(t, ok, "%v", err)
	assert.Equal(t, oauth.UnmetAuthenticationRequirements, e.Code)
}

func TestAnIDTokenThatIsNotOfWhoLeftIsRefused(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]func(w *returning, halted string, d *login.Departure) (handle, token string){
		"no token": func(w *returning, halted string, d *login.Departure) (string, string) {
			return w.welcomed(halted, d.Nonce), "a.b.c"
		},
		"tampered": func(w *returning, halted string, d *login.Departure) (string, string) {
			parts := strings.Split(d.IDToken, ".")
			parts[1] = strings.Split(forged(w, d.IDToken, "iat", 1), ".")[1]
			return w.welcomed(halted, d.Nonce), strings.Join(parts, ".")
		},
		"for another client": func(w *returning, halted string, d *login.Departure) (string, string) {
			return w.welcomed(halted, d.Nonce), forged(w, d.IDToken, "aud", "clinic")
		},
		"of another login": func(w *returning, halted string, d *login.Departure) (string, string) {
			other, _ := w.left()
			return w.welcomed(halted, d.Nonce), forged(w, d.IDToken, "sub", other)
		},
		"of somebody else who left": func(w *returning, halted string, d *login.Departure) (string, string) {
			_, other := w.left()
			return w.welcomed(halted, d.Nonce), other.IDToken
		},
		"of a handover": func(w *returning, halted string, d *login.Departure) (string, string) {
			return w.welcomed(halted, d.Nonce), forged(w, d.IDToken, "amr", []string{"idt"})
		},
		"expired": func(w *returning, halted string, d *login.Departure) (string, string) {
			handle := w.welcomed(halted, d.Nonce)
			w.clock.advance(d.Lifetime + 11*time.Second)
			return handle, d.IDToken
		},
		"after that the login went on": func(w *returning, halted string, d *login.Departure) (string, string) {
			handle := w.welcomed(halted, d.Nonce)
			w.ok(w.ResumeVerification(w.Context(), halted, back("s3cr3t")))
			return handle, d.IDToken
		},
		"after that the login was left anew": func(w *returning, halted string, d *login.Departure) (string, string) {
			handle := w.welcomed(halted, d.Nonce)
			_, err := w.StartVerification(w.Context(), halted, returnURI)
			require.NoError(w, err)
			return handle, d.IDToken
		},
		"a second time": func(w *returning, halted string, d *login.Departure) (string, string) {
			first, second := w.welcomed(halted, d.Nonce), w.welcomed(halted, d.Nonce)
			w.ok(w.answer(first, d.IDToken))
			return second, d.IDToken
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newReturning(t)
			halted, d := w.left()
			handle, token := answer(w, halted, d)
			s, err := w.answer(handle, token)
			require.Equal(t, authenticator.WrongCredentials, reasonOf(t, err))
			require.Equal(t, authenticator.IDToken, s.Factor, "the login stays where it was")
		})
	}
}

func TestAnIDTokenAnswersALoginThatWaitsForItOnly(t *testing.T) {
	t.Parallel()
	for name, begin := range map[string]func(w *returning, halted string, d *login.Departure) (handle string){
		"one that was not begun for it": func(w *returning, _ string, d *login.Departure) string {
			handle, _, err := w.Begin(w.Context(), portalRequest(d.Nonce), "")
			require.NoError(w, err)
			return handle
		},
		"one that had a wrong one": func(w *returning, halted string, d *login.Departure) string {
			handle := w.welcomed(halted, d.Nonce)
			_, err := w.answer(handle, "a.b.c")
			require.Equal(w, authenticator.WrongCredentials, reasonOf(w, err))
			return handle
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newReturning(t)
			halted, d := w.left()
			_, err := w.answer(begin(w, halted, d), d.IDToken)
			require.ErrorIs(t, err, login.ErrStep)
			w.ok(w.answer(w.welcomed(halted, d.Nonce), d.IDToken))
		})
	}
}

func TestAnIDTokenOfALoginIsUsedOnceInARace(t *testing.T) {
	t.Parallel()
	w := newReturning(t)
	halted, d := w.left()
	handles, errs := make([]string, 8), make([]error, 8)
	for i := range handles {
		handles[i] = w.welcomed(halted, d.Nonce)
	}
	together(len(handles), func(i int) { _, errs[i] = w.answer(handles[i], d.IDToken) })
	right := 0
	for _, err := range errs {
		if err == nil {
			right++
			continue
		}
		assert.Equal(t, authenticator.WrongCredentials, reasonOf(t, err))
	}
	assert.Equal(t, 1, right)
}

func TestARepeatedAnswerOfWhoReturnedStaysRight(t *testing.T) {
	t.Parallel()
	w := newReturning(t)
	halted, d := w.left()
	handle := w.welcomed(halted, d.Nonce)
	first := w.ok(w.answer(handle, d.IDToken))
	again := w.ok(w.answer(handle, d.IDToken))
	assert.Equal(t, first.Step, again.Step, "a double click")
}

func TestNobodyLeavesForAPortalThatIsNotRegistered(t *testing.T) {
	t.Parallel()
	w := newReturning(t)
	w.other = nil
	handle := w.paused()
	_, err := w.StartVerification(t.Context(), handle, returnURI)
	require.ErrorIs(t, err, oauth.ErrUnknownClient)
	require.Equal(t, login.StepVerification, w.ok(w.State(t.Context(), handle)).Step)
	_, err = w.Halted(t.Context(), handle, "")
	require.Equal(t, authenticator.WrongCredentials, reasonOf(t, err), "the login is not halted")
}

func TestAnOutageIsNoRefusalOfWhoReturns(t *testing.T) {
	t.Parallel()
	w := newReturning(t)
	halted, d := w.left()
	handle := w.welcomed(halted, d.Nonce)
	w.store.cut(true)
	_, err := w.Halted(t.Context(), halted, d.Nonce)
	require.ErrorIs(t, err, errOutage)
	_, _, err = w.Begin(login.WithReturning(t.Context(), halted), portalRequest(d.Nonce), "")
	require.ErrorIs(t, err, errOutage)
	_, refused := errors.AsType[*oauth.Error](err)
	require.False(t, refused, "the portal may try again: %v", err)
	w.store.cut(false)
	w.ok(w.answer(handle, d.IDToken))
}
