package login_test

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/captcha"
	"github.com/gosignet/signet/login"
)

// puzzle is a captcha whose solution is "solved".
type puzzle struct {
	fail error

	mu      sync.Mutex
	sources []netip.Addr
}

func (p *puzzle) Widget(context.Context) (*captcha.Widget, error) {
	return &captcha.Widget{Kind: "puzzle"}, nil
}

func (p *puzzle) Verify(_ context.Context, response string, source netip.Addr) (bool, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.sources = append(p.sources, source)
	return response == "solved", p.fail
}

func withCaptcha(p *puzzle, after int, on ...login.Use) func(*login.Config) {
	return func(c *login.Config) { c.Captcha, c.CaptchaOn, c.CaptchaAfter = p, on, after }
}

func TestCaptchaIsDemandedForEachUse(t *testing.T) {
	t.Parallel()
	p := &puzzle{}
	w := newWorld(t, withCaptcha(p, 0))
	ctx := from(t, "192.0.2.7")
	handle := w.begin(acrCode)
	s, err := w.SendCode(ctx, handle, alice)
	require.ErrorIs(t, err, login.ErrCaptcha)
	require.Equal(t, "puzzle", s.Captcha.Kind)
	require.Equal(t, login.StepIdentify, s.Step)
	require.Equal(t, alice, s.Identifier, "to be shown again")
	require.Equal(t, 3, s.CodesLeft)

	s, err = w.SolveCaptcha(ctx, handle, "wrong")
	require.ErrorIs(t, err, login.ErrCaptcha)
	require.NotNil(t, s.Captcha)
	require.Nil(t, w.ok(w.SolveCaptcha(ctx, handle, "solved")).Captcha)
	require.Nil(t, w.ok(w.SolveCaptcha(ctx, handle, "solved")).Captcha, "repeated")
	require.Equal(t, []netip.Addr{netip.MustParseAddr("192.0.2.7"), netip.MustParseAddr("192.0.2.7")}, p.sources)

	s = w.ok(w.SendCode(ctx, handle, alice))
	require.Equal(t, login.StepVerify, s.Step)
	require.NotNil(t, s.Captcha, "for the answer")
	_, err = w.Answer(ctx, handle, nobodyID, right(alice, authenticator.OTP))
	require.ErrorIs(t, err, login.ErrCaptcha)
	w.ok(w.SolveCaptcha(ctx, handle, "solved"))
	s, err = w.Answer(ctx, handle, nobodyID, wrong(authenticator.OTP))
	require.Equal(t, authenticator.WrongCredentials, reasonOf(t, err))
	require.NotNil(t, s.Captcha, "a solution is good for one answer")
	w.ok(w.SolveCaptcha(ctx, handle, "solved"))
	s = w.ok(w.Answer(ctx, handle, nobodyID, right(alice, authenticator.OTP)))
	require.Equal(t, login.StepConsent, s.Step)
	require.Nil(t, s.Captcha)

	answers, codes := w.people.asked()
	require.Equal(t, 2, answers)
	require.Equal(t, 1, codes)
	require.Contains(t, w.trail.lines(), "captcha_checked success")
	require.Contains(t, w.trail.lines(), "captcha_checked refused not_solved")
}

func TestCaptchaIsDemandedOnlyOnWhatIsConfigured(t *testing.T) {
	t.Parallel()
	w := newWorld(t, withCaptcha(&puzzle{}, 0, login.UseCode))
	handle := w.begin(acrCode)
	require.NotNil(t, w.ok(w.State(t.Context(), handle)).Captcha)
	w.ok(w.SolveCaptcha(t.Context(), handle, "solved"))
	require.Nil(t, w.ok(w.SendCode(t.Context(), handle, alice)).Captcha)

	w.clock.advance(30 * time.Second)
	s, err := w.SendCode(t.Context(), handle, nobodyID)
	require.ErrorIs(t, err, login.ErrCaptcha)
	require.NotNil(t, s.Captcha, "it is shown for the code that was asked for")
	require.Equal(t, s, w.ok(w.State(t.Context(), handle)), "after a reload")
	w.ok(w.Answer(t.Context(), handle, nobodyID, right(alice, authenticator.OTP)))

	password := w.begin(acrPassword)
	require.Nil(t, w.ok(w.State(t.Context(), password)).Captcha)
	_, err = w.SolveCaptcha(t.Context(), password, "solved")
	require.ErrorIs(t, err, login.ErrStep)
	w.ok(w.Answer(t.Context(), password, alice, right(alice, authenticator.Password)))
}

// After two wrong answers: in one login, of one person in several logins, or from one source to several people.
func TestCaptchaIsDemandedAfterWrongAnswers(t *testing.T) {
	t.Parallel()
	const here, elsewhere = "192.0.2.1", "198.51.100.1"
	for name, test := range map[string]struct {
		logins                    int
		first, second, third      authenticator.Identifier
		firstFrom, secondFrom     string
		demanded, shownBeforehand bool
	}{
		"in a login":     {1, alice, bob, alice, here, elsewhere, true, true},
		"of a person":    {3, alice, alice, alice, here, elsewhere, true, false},
		"from a source":  {3, alice, bob, alice, "203.0.113.1", "203.0.113.1", true, false},
		"of one another": {3, bob, alice, alice, here, elsewhere, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, withCaptcha(&puzzle{}, 2))
			handles := []string{w.begin(acrPassword), w.begin(acrPassword), w.begin(acrPassword)}
			at := func(i int) string { return handles[i%test.logins] }
			_, err := w.Answer(from(t, test.firstFrom), at(0), test.first, wrong(authenticator.Password))
			require.Equal(t, authenticator.WrongCredentials, reasonOf(t, err))
			_, err = w.Answer(from(t, test.secondFrom), at(1), test.second, wrong(authenticator.Password))
			require.Equal(t, authenticator.WrongCredentials, reasonOf(t, err))

			require.Equal(t, test.shownBeforehand, w.ok(w.State(t.Context(), at(2))).Captcha != nil)
			third := "203.0.113.1"
			s, err := w.Answer(from(t, third), at(2), test.third, right(test.third, authenticator.Password))
			if !test.demanded {
				require.NoError(t, err)
				return
			}
			require.ErrorIs(t, err, login.ErrCaptcha)
			require.NotNil(t, s.Captcha)
			w.ok(w.SolveCaptcha(t.Context(), at(2), "solved"))
			w.ok(w.Answer(from(t, third), at(2), test.third, right(test.third, authenticator.Password)))
		})
	}
}

func TestConcurrentAnswersDoNotShareAPass(t *testing.T) {
	t.Parallel()
	w, flows := instances(t, withCaptcha(&puzzle{}, 0), func(c *login.Config) {
		c.MaxAttempts, c.IdentifierLimit.Attempts, c.Delay.Free = 100, 100, 101
	})
	handle := w.begin(acrPassword)
	w.ok(w.SolveCaptcha(t.Context(), handle, "solved"))
	var refused atomic.Int32
	together(64, func(i int) {
		_, err := flows[i%2].Answer(t.Context(), handle, alice, wrong(authenticator.Password))
		if errors.Is(err, login.ErrCaptcha) {
			refused.Add(1)
		}
	})
	answers, _ := w.people.asked()
	require.Equal(t, 1, answers)
	require.EqualValues(t, 63, refused.Load())
	require.NotNil(t, w.ok(w.State(t.Context(), handle)).Captcha)
}

// An answer that is not looked at leaves the pass, and one without a pass leaves the turn of its identifier.
func TestPassAndTurnAreTakenTogether(t *testing.T) {
	t.Parallel()
	w := newWorld(t, withCaptcha(&puzzle{}, 0))
	solve := func() string {
		handle := w.begin(acrPassword)
		w.ok(w.SolveCaptcha(t.Context(), handle, "solved"))
		return handle
	}
	for range 3 {
		_, err := w.Answer(t.Context(), solve(), alice, wrong(authenticator.Password))
		require.Equal(t, authenticator.WrongCredentials, reasonOf(t, err))
	}
	handle := solve()
	s, err := w.Answer(t.Context(), handle, alice, right(alice, authenticator.Password))
	require.Equal(t, authenticator.TooSoon, reasonOf(t, err))
	require.Nil(t, s.Captcha)
	w.clock.advance(time.Second)
	_, err = w.Answer(t.Context(), w.begin(acrPassword), alice, wrong(authenticator.Password))
	require.ErrorIs(t, err, login.ErrCaptcha)
	w.ok(w.Answer(t.Context(), handle, alice, right(alice, authenticator.Password)))
}

func TestOutageOfTheCaptchaFailsClosed(t *testing.T) {
	t.Parallel()
	p := &puzzle{fail: errors.New("no answer from the service")}
	w := newWorld(t, withCaptcha(p, 0))
	handle := w.begin(acrPassword)
	s, err := w.SolveCaptcha(t.Context(), handle, "solved")
	require.Equal(t, authenticator.Unavailable, reasonOf(t, err))
	require.NotNil(t, s.Captcha)
	_, err = w.Answer(t.Context(), handle, alice, right(alice, authenticator.Password))
	require.ErrorIs(t, err, login.ErrCaptcha)
	require.Contains(t, w.trail.lines(), "captcha_checked failed unavailable")
	answers, _ := w.people.asked()
	require.Zero(t, answers)
}

func TestResponseThatIsNoneIsNotVerified(t *testing.T) {
	t.Parallel()
	p := &puzzle{}
	w := newWorld(t, withCaptcha(p, 0))
	handle := w.begin(acrPassword)
	for _, response := range []string{"", strings.Repeat("a", 8<<10+1)} {
		_, err := w.SolveCaptcha(t.Context(), handle, response)
		require.ErrorIs(t, err, login.ErrCaptcha)
	}
	require.Empty(t, p.sources)
}

func TestWithoutACaptchaThereIsNothingToSolve(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	handle := w.begin(acrPassword)
	s, err := w.SolveCaptcha(t.Context(), handle, "solved")
	require.ErrorIs(t, err, login.ErrStep)
	require.Nil(t, s.Captcha)
}

func TestNewReportsWhatIsWrongWithLimits(t *testing.T) {
	t.Parallel()
	_, err := login.New(login.Config{
		SourceLimit: login.Limit{Attempts: -1, Window: 1}, Delay: login.Delay{Free: -1, First: 1, Max: -1},
		CaptchaAfter: -1, CaptchaOn: []login.Use{"consent"},
	})
	for _, field := range []string{
		"SourceLimit.Attempts", "SourceLimit.Window", "Delay.Free", "Delay.First", "Delay.Max", "CaptchaAfter", "CaptchaOn",
	} {
		assert.ErrorContains(t, err, "Config."+field)
	}
}
