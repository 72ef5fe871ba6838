package signet_test

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet"
	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/authenticator/mock"
	"github.com/gosignet/signet/login"
	"github.com/gosignet/signet/store"
)

// maxRoundTrips is the budget of a complete FAPI 2.0 login (architecture, section 6). What the identity system keeps for
// itself, such as the codes that it sent, is not the provider's and is not counted.
const maxRoundTrips = 12

// countingStore takes batches, and counts round trips by the step of the login that causes them.
type countingStore struct {
	store.Ephemeral
	mu    sync.Mutex
	steps []countedStep
}

type countedStep struct {
	name  string
	trips []string // the verbs of each
}

// step begins another step.
func (s *countingStore) step(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.steps = append(s.steps, countedStep{name: name})
}

func (s *countingStore) trip(operations string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	last := &s.steps[len(s.steps)-1]
	last.trips = append(last.trips, operations)
}

// total is how many round trips there were, and the story of them.
func (s *countingStore) total() (n int, story string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var b strings.Builder
	for _, step := range s.steps {
		n += len(step.trips)
		fmt.Fprintf(&b, "%-20s %d  %s\n", step.name, len(step.trips), strings.Join(step.trips, ", "))
	}
	return n, b.String()
}

var verbs = map[store.Verb]string{
	store.VerbPut: "put", store.VerbAdd: "add", store.VerbGet: "get", store.VerbTake: "take",
	store.VerbReplace: "replace", store.VerbIncrement: "increment",
}

func (s *countingStore) Do(ctx context.Context, operations []store.Operation) []store.Result {
	names := make([]string, len(operations))
	for i, o := range operations {
		prefix, _, _ := strings.Cut(o.Key, ":")
		names[i] = verbs[o.Verb] + " " + prefix
	}
	s.trip("[" + strings.Join(names, " + ") + "]")
	return store.Do(ctx, s.Ephemeral, operations...)
}

func (s *countingStore) Put(ctx context.Context, key string, value []byte, ttl time.Duration) error {
	s.trip("put")
	return s.Ephemeral.Put(ctx, key, value, ttl)
}

func (s *countingStore) Add(ctx context.Context, key string, value []byte, ttl time.Duration) error {
	s.trip("add")
	return s.Ephemeral.Add(ctx, key, value, ttl)
}

func (s *countingStore) Get(ctx context.Context, key string) ([]byte, error) {
	s.trip("get")
	return s.Ephemeral.Get(ctx, key)
}

func (s *countingStore) Take(ctx context.Context, key string) ([]byte, error) {
	s.trip("take")
	return s.Ephemeral.Take(ctx, key)
}

func (s *countingStore) Replace(ctx context.Context, key string, old, new []byte, ttl time.Duration) error {
	s.trip("replace")
	return s.Ephemeral.Replace(ctx, key, old, new, ttl)
}

func (s *countingStore) Increment(ctx context.Context, key string, delta int64, ttl time.Duration) (store.Counter, error) {
	s.trip("increment")
	return s.Ephemeral.Increment(ctx, key, delta, ttl)
}

// newCountedWorld is a provider under FAPI 2.0 whose round trips to the store are counted, with one factor to log in by.
func newCountedWorld(
	t *testing.T, factor authenticator.Factor, configure ...func(*signet.Config),
) (*fapiWorld, *countingStore) {
	counted := &countingStore{}
	w := newFAPIWorld(t, append([]func(*signet.Config){func(c *signet.Config) {
		counted.Ephemeral = c.Store
		c.Store = counted
		c.ACRs = authenticator.ACRs{{Value: "acr", Alternatives: []authenticator.FactorSet{{factor}}}}
	}}, configure...)...)
	return w, counted
}

// A login by one-time code whose person is taken through it without pages, as by a JSON face or a wallet.
func TestRoundTripsOfALoginByCode(t *testing.T) {
	t.Parallel()
	w, counted := newCountedWorld(t, authenticator.OTP)
	flow, ctx := w.provider.Load().Login, t.Context()
	person := authenticator.Identifier{Value: w.person.NationalID}

	counted.step("PAR")
	a := w.portal.attempt()
	pushed := w.portal.push(a.request(), w.proof(w.portal.dpop, http.MethodPost, w.issuer+"/par"))
	require.Equal(t, http.StatusCreated, pushed.status, pushed.body)
	a.requestURI = pushed.json(t)["request_uri"].(string)

	counted.step("authorize")
	begun := w.send(w.newHTTP(), http.MethodGet, a.url(), "")
	require.Equal(t, http.StatusSeeOther, begun.status, begun.body)
	cookie, _, _ := strings.Cut(begun.header.Get("Set-Cookie"), ";")
	_, handle, _ := strings.Cut(cookie, "=")
	handle, _, _ = strings.Cut(handle, ".")

	counted.step("send a code")
	_, err := flow.SendCode(ctx, handle, person)
	require.NoError(t, err)
	counted.step("answer")
	s, err := flow.Answer(ctx, handle, person, authenticator.Challenge{Factor: authenticator.OTP, Response: mock.OTP})
	require.NoError(t, err)
	counted.step("decide")
	s, err = flow.Decide(ctx, handle, login.Decision{Claims: s.Voluntary})
	require.NoError(t, err)
	callback, err := url.Parse(s.Response.URL())
	require.NoError(t, err)

	counted.finish(t, a, callback)
}

// A login by password as a browser goes through it, with all its pages.
func TestRoundTripsOfALoginByPasswordWithPages(t *testing.T) {
	t.Parallel()
	w, counted := newCountedWorld(t, authenticator.Password)
	counted.step("PAR")
	a := w.portal.attempt()
	pushed := w.portal.push(a.request(), w.proof(w.portal.dpop, http.MethodPost, w.issuer+"/par"))
	require.Equal(t, http.StatusCreated, pushed.status, pushed.body)
	a.requestURI = pushed.json(t)["request_uri"].(string)

	b := w.newVisitor()
	counted.step("authorize, page")
	require.Nil(t, b.open(a.url()))
	counted.step("answer, page")
	b.submit("verify/pwd", url.Values{"identifier": {b.person}, "response": {"password"}})
	counted.step("decide")
	callback := b.consent()
	require.NotNil(t, callback, b.at.body)

	counted.finish(t, a, callback)
}

// finish is what the client does with the callback. It expects that the login kept to the budget.
func (s *countingStore) finish(t *testing.T, a *attempt, callback *url.URL) {
	t.Helper()
	s.step("token")
	access := a.tokens(callback)["access_token"].(string)
	s.step("userinfo")
	info := a.w.userinfo(access, a.dpop)
	require.Equal(t, http.StatusOK, info.status, info.body)
	n, story := s.total()
	require.LessOrEqual(t, n, maxRoundTrips, "\n"+story)
}
