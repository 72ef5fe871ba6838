package signet_test

import (
	"context"
	"fmt"
	"net/http"
	"net/netip"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet"
	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/authenticator/mock"
	"github.com/gosignet/signet/captcha"
	"github.com/gosignet/signet/login"
	"github.com/gosignet/signet/store"
)

// The attacks come over HTTP, as a program sends forms, at two instances in turn.

const (
	lockedText = "For your security, this ID cannot log in for a while."
	waitText   = "After wrong answers you have to wait"
)

// guess tries a password in a login of its own, and returns what the page says.
func (w *factorsWorld) guess(address, person, response string) *shown {
	w.Helper()
	b := w.from(address)
	return b.submit(b.begin(authenticator.Password), "/verify/pwd", "identifier", person, "response", response)
}

// Many addresses guess at one person: three answers are looked at, then one after each delay, ten in all. How the number is
// written makes no difference. When the block ends, the person gets in.
func TestAttackOnOnePersonFromManyAddresses(t *testing.T) {
	t.Parallel()
	w := newFactorsWorld(t)
	began := w.clock.now()
	spellings := []string{alice, "2740 198 356", "2740-198-356", "٢٧٤٠١٩٨٣٥٦"}
	for minute := range 9 {
		for i := range 12 {
			page := w.guess(fmt.Sprintf("192.0.2.%d", 12*minute+i), spellings[i%len(spellings)], fmt.Sprintf("guess %d", i))
			require.Equal(t, http.StatusOK, page.status)
			require.NotEmpty(t, page.banner())
		}
		require.EqualValues(t, min(3+minute, 10), w.system.answers.Load(), "minute %d", minute)
		w.clock.advance(time.Minute)
	}
	page := w.guess("198.51.100.7", alice, password)
	assert.Contains(t, page.banner(), lockedText, "who guesses keeps her out")
	assert.Contains(t, page.body, `<time datetime="`, "and she sees until when")
	w.clock.advance(16*time.Minute - w.clock.now().Sub(began))
	page = w.guess("198.51.100.7", alice, password)
	assert.Equal(t, "consent", page.page(), page.banner())
}

// One network tries a leaked list: a hundred answers are looked at, whoever they are for.
func TestAttackWithALeakedListFromOneNetwork(t *testing.T) {
	t.Parallel()
	w := newFactorsWorld(t)
	for i := range 130 {
		page := w.guess(fmt.Sprintf("2001:db8:0:1::%x", i+1), fmt.Sprintf("50000%05d", i), "leaked")
		if i >= 100 {
			require.Contains(t, page.banner(), lockedText)
		}
	}
	require.EqualValues(t, 100, w.system.answers.Load())
	assert.Contains(t, w.guess("2001:db8:0:1:ffff::1", alice, password).banner(), lockedText)
	assert.Equal(t, "consent", w.guess("2001:db8:0:2::1", bob, password).page(), "others are not concerned")
	w.clock.advance(15*time.Minute + time.Second)
	assert.Equal(t, "consent", w.guess("2001:db8:0:1:ffff::1", alice, password).page())
}

// Ten codes reach one person, whoever asks for them and from wherever, and one address sends ten times as many as it may
// answer wrongly.
func TestAttackThatSendsCodes(t *testing.T) {
	t.Parallel()
	w := newFactorsWorld(t, func(c *signet.Config) { c.SourceLimit = login.Limit{Attempts: 2} })
	send := func(address, person string) *shown {
		b := w.from(address)
		return b.submit(b.begin(authenticator.OTP), "/identify/otp", "identifier", person, "channel", "phone")
	}
	for i := range 25 {
		send(fmt.Sprintf("192.0.2.%d", i), alice)
	}
	require.EqualValues(t, 10, w.system.codes.Load())
	assert.Equal(t, "consent", w.guess("198.51.100.7", alice, password).page(), "her password works meanwhile")
	for i := range 25 {
		send("203.0.113.1", fmt.Sprintf("50000%05d", i))
	}
	require.EqualValues(t, 10+20, w.system.codes.Load())
	w.clock.advance(15*time.Minute + time.Second)
	assert.Equal(t, "verify/otp", send("203.0.113.1", alice).page())
}

// puzzle is a captcha whose solutions count once.
type puzzle struct {
	used sync.Map
	next atomic.Int32
}

func (*puzzle) Widget(context.Context) (*captcha.Widget, error) {
	return &captcha.Widget{Kind: "altcha", Challenge: []byte(`{"algorithm":"SHA-256"}`)}, nil
}

func (p *puzzle) Verify(_ context.Context, response string, _ netip.Addr) (bool, error) {
	_, used := p.used.LoadOrStore(response, true)
	return strings.HasPrefix(response, "solved") && !used, nil
}

func (p *puzzle) solve() string { return fmt.Sprintf("solved %d", p.next.Add(1)) }

func TestAttackThatGoesAroundTheCaptcha(t *testing.T) {
	t.Parallel()
	p := &puzzle{}
	w := newFactorsWorld(t, func(c *signet.Config) { c.Captcha = p })
	solved := p.solve()
	b := w.from("192.0.2.1")
	first := b.begin(authenticator.Password)
	submit := func(page *shown, solution string) *shown {
		return b.submit(page, "/verify/pwd", "identifier", alice, "response", "guess", "captcha", solution)
	}
	for name, solution := range map[string]string{"none": "", "not solved": "guessed", "too long": strings.Repeat("solved", 3000)} {
		page := submit(first, solution)
		require.EqualValues(t, 0, w.system.answers.Load(), name)
		require.Equal(t, "verify/pwd", page.page(), name)
	}
	submit(first, solved)
	require.EqualValues(t, 1, w.system.answers.Load())
	submit(first, solved) // one solution, two answers
	submit(first, "")
	require.EqualValues(t, 1, w.system.answers.Load())
	b = w.from("192.0.2.2")
	submit(b.begin(authenticator.Password), solved) // in another login, at another instance
	require.EqualValues(t, 1, w.system.answers.Load())

	// One solution and many answers at once.
	handle := w.beginFlow(w.portal, authenticator.Password)
	_, err := w.provider.Login.SolveCaptcha(t.Context(), handle, p.solve())
	require.NoError(t, err)
	var group sync.WaitGroup
	for i := range 10 {
		group.Go(func() { w.answer(handle, bob, authenticator.Password, fmt.Sprintf("guess %d", i)) })
	}
	group.Wait()
	require.EqualValues(t, 2, w.system.answers.Load())
}

// countedStore notes which operations are called.
type countedStore struct {
	store.Ephemeral
	mu    sync.Mutex
	calls []string
}

func (s *countedStore) note(call string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls = append(s.calls, call)
}

func (s *countedStore) take() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	calls := s.calls
	s.calls = nil
	slices.Sort(calls)
	return calls
}

func (s *countedStore) Put(ctx context.Context, key string, value []byte, ttl time.Duration) error {
	s.note("put")
	return s.Ephemeral.Put(ctx, key, value, ttl)
}

func (s *countedStore) Add(ctx context.Context, key string, value []byte, ttl time.Duration) error {
	s.note("add")
	return s.Ephemeral.Add(ctx, key, value, ttl)
}

func (s *countedStore) Get(ctx context.Context, key string) ([]byte, error) {
	s.note("get")
	return s.Ephemeral.Get(ctx, key)
}

func (s *countedStore) Take(ctx context.Context, key string) ([]byte, error) {
	s.note("take")
	return s.Ephemeral.Take(ctx, key)
}

func (s *countedStore) Replace(ctx context.Context, key string, old, new []byte, ttl time.Duration) error {
	s.note("replace")
	return s.Ephemeral.Replace(ctx, key, old, new, ttl)
}

func (s *countedStore) Increment(ctx context.Context, key string, delta int64, ttl time.Duration) (store.Counter, error) {
	s.note("increment")
	return s.Ephemeral.Increment(ctx, key, delta, ttl)
}

// ofTheLogin are the parts of a page that differ between any two logins. ownDigits and ownLetter are what a page shows of
// where a code went that is the person's own, and not of everybody in the register.
var (
	ofTheLogin = regexp.MustCompile(`/login/[A-Za-z0-9_-]{22}|name="csrf" value="[^"]*"|(?:data-seconds|datetime)="[^"]*"|\d+:\d\d|data-capture="[^"]*"`)
	ownDigits  = regexp.MustCompile(`(855\x{a0}•••\x{a0}•••)\x{a0}[0-9]{3}`)
	ownLetter  = regexp.MustCompile(`[a-z]•••@`)
)

// inOneCountry are the people of the mock, all with numbers of one country and addresses at one place: masked, those of
// different people then look the same.
func inOneCountry(t *testing.T) []mock.Persona {
	f, err := os.Open("authenticator/mock/personas.json")
	require.NoError(t, err)
	defer f.Close()
	people, err := mock.ReadPersonas(f)
	require.NoError(t, err)
	for i := range people {
		people[i].Claims["phone_number"] = fmt.Sprintf("+855000100%03d", i)
		people[i].Claims["email"] = fmt.Sprintf("%c.somebody@example.org", 'a'+i)
	}
	return people
}

// Whoever tries numbers sees the same pages, of the same size, after the same work of the store, for people whom the system
// knows and whom it does not.
func TestAttackThatEnumeratesPeople(t *testing.T) {
	t.Parallel()
	const nobody = "1000000007"
	for _, factor := range mock.AllFactors() {
		t.Run(string(factor), func(t *testing.T) {
			t.Parallel()
			counted := &countedStore{}
			w := newFactorsWorld(t, func(c *signet.Config) {
				counted.Ephemeral = c.Store
				people, err := mock.New(mock.Config{Password: password, Store: counted, Factors: mock.AllFactors(), Personas: inOneCountry(t), Now: c.Now})
				require.NoError(t, err)
				c.Store, c.Authenticator = counted, people
				// Pages say in whole seconds how long to wait: time stands still.
				began := c.Now()
				c.Now, c.Delay = func() time.Time { return began }, login.Delay{First: 30 * time.Second}
			})
			type sight struct {
				status, size int
				page, body   string
				calls        []string
			}
			see := func(person string) (sights []sight) {
				b := w.from("192.0.2.1")
				look := func(s *shown) *shown {
					body := ofTheLogin.ReplaceAllString(strings.ReplaceAll(s.body, person, "?"), "")
					body = ownLetter.ReplaceAllString(ownDigits.ReplaceAllString(body, "$1 ###"), "?•••@")
					sights = append(sights, sight{s.status, len(body), s.page(), body, counted.take()})
					return s
				}
				page := look(b.begin(factor))
				if factor == authenticator.OTP {
					page = look(b.submit(page, "/identify/otp", "identifier", person, "channel", "phone", "channel", "email"))
					require.Regexp(t, ownDigits, page.body)
					require.Regexp(t, ownLetter, page.body)
				}
				for range 4 {
					fields := []string{"identifier", person, "response", "135790"}
					switch factor {
					case authenticator.OTP:
						fields = fields[2:]
					case authenticator.Knowledge:
						fields = []string{"identifier", person, "field.fullName", "Nobody", "field.dateOfBirth.day", "1",
							"field.dateOfBirth.month", "1", "field.dateOfBirth.year", "1900"}
					case authenticator.Biometrics:
						page.body = strings.ReplaceAll(page.body, `<input type="hidden" name="response">`, "")
					}
					page = look(b.submit(page, "/verify/"+string(factor), fields...))
				}
				return sights
			}
			counted.take()
			known, unknown := see(alice), see(nobody)
			require.Len(t, unknown, len(known))
			for i := range known {
				assert.Equal(t, known[i], unknown[i], "at step %d", i)
			}
			assert.NotEmpty(t, known[1].calls)
		})
	}
}
