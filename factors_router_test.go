package signet_test

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet"
	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/authenticator/mock"
	"github.com/gosignet/signet/authenticator/router"
	"github.com/gosignet/signet/login"
)

const unavailableText = "The ID system does not answer at the moment. Please try again in a few minutes."

// Two identity systems, one for each client. While the portal's takes its time, as many logins wait for it as may, further
// ones are told so at once, and those of the clinic do not notice.
func TestSlowSystemDoesNotSlowTheOther(t *testing.T) {
	t.Parallel()
	const inFlight = 4
	slow := &identitySystem{}
	asked, release := make(chan struct{}, inFlight), make(chan struct{})
	w := newFactorsWorld(t, func(c *signet.Config) {
		healthy := c.Authenticator.(*identitySystem)
		slow.Mock = healthy.Mock
		systems, err := router.New(router.Config{
			Systems: []router.System{
				{Name: "slow", Authenticator: slow, MaxInFlight: inFlight, Timeout: time.Minute}, {Name: "healthy", Authenticator: healthy},
			},
			Choose: router.ByClient(map[string][]string{"portal": {"slow"}}, "healthy"),
			Store:  c.Store, Now: c.Now, Logger: c.Logger,
		})
		require.NoError(t, err)
		c.Authenticator, c.AuthenticatorTimeout = systems, time.Minute
	})
	slow.set(func(ctx context.Context, r *authenticator.Request) (*authenticator.Identity, error) {
		asked <- struct{}{}
		<-release
		return slow.Mock.Authenticate(ctx, r)
	}, nil)
	// The instances have the router in common, as two that run on one machine; each would have its own bound.
	waiting := make(chan *login.State, inFlight)
	var group sync.WaitGroup
	for _, somebody := range w.system.Personas()[2 : 2+inFlight] {
		handle := w.beginFlow(w.portal, authenticator.Password)
		group.Go(func() {
			state, err := w.answer(handle, somebody.NationalID, authenticator.Password, password)
			assert.NoError(t, err)
			waiting <- state
		})
		<-asked
	}

	person := w.from("192.0.2.9")
	page := person.begin(authenticator.Password)
	page = person.submit(page, "/verify/pwd", "identifier", alice, "response", password)
	assert.Equal(t, "verify/pwd", page.page())
	assert.Equal(t, unavailableText, page.banner())
	assert.Equal(t, http.StatusServiceUnavailable, page.status, "whatever watches the provider sees it too")
	assert.Equal(t, "30", page.header.Get("Retry-After"))
	assert.Contains(t, page.body, "You have 5 attempts left.", "an answer at which nobody looked costs nothing")
	assert.EqualValues(t, inFlight, slow.answers.Load(), "nobody else is asked")
	for range 3 {
		token, _ := w.from("192.0.2.10").login(w.clinic, bob, "acr_values", factorsACR(authenticator.Password))
		assert.Equal(t, []string{"pwd"}, token.AMR)
	}

	close(release)
	group.Wait()
	for range inFlight {
		assert.Equal(t, login.StepConsent, (<-waiting).Step)
	}
	slow.set(nil, nil)
	page = person.submit(page, "/verify/pwd", "identifier", alice, "response", password)
	assert.Equal(t, "consent", page.page(), "once the system answers again, the same page goes on")
	assert.Equal(t, http.StatusOK, page.status)
}

// The type of the identifier, which the page says, reaches the router, for codes and answers alike.
func TestIdentifierTypeChoosesTheSystem(t *testing.T) {
	t.Parallel()
	residents := &identitySystem{}
	w := newFactorsWorld(t, func(c *signet.Config) {
		citizens := c.Authenticator.(*identitySystem)
		residents.Mock = citizens.Mock
		systems, err := router.New(router.Config{
			Systems: []router.System{{Name: "citizens", Authenticator: citizens}, {Name: "residents", Authenticator: residents}},
			Choose:  router.ByType(map[string][]string{mock.NationalID: {"residents"}}, "citizens"),
			Store:   c.Store, Now: c.Now, Logger: c.Logger,
		})
		require.NoError(t, err)
		c.Authenticator = systems
	})
	typed := authenticator.Identifier{Type: mock.NationalID, Value: alice}
	flow := w.provider.Login
	state, err := flow.Answer(t.Context(), w.beginFlow(w.portal, authenticator.Password), typed,
		authenticator.Challenge{Factor: authenticator.Password, Response: password})
	require.NoError(t, err)
	assert.Equal(t, login.StepConsent, state.Step)
	handle := w.beginFlow(w.portal, authenticator.OTP)
	_, err = flow.SendCode(t.Context(), handle, typed)
	require.NoError(t, err)
	state, err = flow.Answer(t.Context(), handle, authenticator.Identifier{}, authenticator.Challenge{Factor: authenticator.OTP, Response: mock.OTP})
	require.NoError(t, err)
	assert.Equal(t, login.StepConsent, state.Step)
	assert.EqualValues(t, 2, residents.answers.Load())
	assert.EqualValues(t, 1, residents.codes.Load())
	assert.Zero(t, w.system.answers.Load()+w.system.codes.Load())
}

// fallback is a router over two systems that are not there, each of which says whether somebody looked at the answer.
func fallback(t *testing.T, c *signet.Config, people *identitySystem, unasked ...bool) *router.Router {
	var list []router.System
	for i, nobodyLooked := range unasked {
		away := &identitySystem{Mock: people.Mock}
		away.set(func(context.Context, *authenticator.Request) (*authenticator.Identity, error) {
			return nil, &authenticator.Error{Reason: authenticator.Unavailable, Unasked: nobodyLooked}
		}, nil)
		list = append(list, router.System{Name: string(rune('a' + i)), Authenticator: away})
	}
	systems, err := router.New(router.Config{Systems: list, Store: c.Store, Now: c.Now, Logger: c.Logger})
	require.NoError(t, err)
	return systems
}

// A login in which a system that looked at the answer did not say what it thinks costs an attempt, whatever system was asked
// besides.
func TestFallbackThatIsNotAskedDoesNotGiveAnAttemptBack(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		first, second bool // nobody looked
		left          int
	}{
		"neither looked":      {true, true, 5},
		"the first looked":    {false, true, 4},
		"the fallback looked": {true, false, 4},
		"both of them looked": {false, false, 4},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newFactorsWorld(t, func(c *signet.Config) {
				c.Authenticator = fallback(t, c, c.Authenticator.(*identitySystem), test.first, test.second)
			})
			state, err := w.answer(w.beginFlow(w.portal, authenticator.Password), alice, authenticator.Password, password)
			requireReason(t, err, authenticator.Unavailable)
			require.Equal(t, login.StepVerify, state.Step)
			assert.Equal(t, test.left, state.AttemptsLeft)
		})
	}
}

// When the system says when it is back, so does the page on which a code was asked for.
func TestPageOfACodeThatCannotBeSentSaysWhenToComeBack(t *testing.T) {
	t.Parallel()
	w := newFactorsWorld(t)
	w.system.set(nil, func(context.Context, *authenticator.CodeRequest) (*authenticator.CodeReceipt, error) {
		return nil, &authenticator.Error{Reason: authenticator.Unavailable, RetryAt: w.clock.now().Add(time.Hour)}
	})
	b := w.from("192.0.2.1")
	page := b.submit(b.begin(authenticator.OTP), "/identify/otp", "identifier", alice, "channel", "phone")
	assert.Equal(t, "identify/otp", page.page())
	assert.Equal(t, unavailableText, page.banner())
	assert.Equal(t, http.StatusServiceUnavailable, page.status)
	seconds, err := strconv.Atoi(page.header.Get("Retry-After"))
	require.NoError(t, err)
	assert.InDelta(t, 3600, seconds, 60)
	path, _, _ := strings.Cut(page.path, "?")
	assert.Equal(t, http.StatusOK, b.open(path).status, "the page itself works")
}
