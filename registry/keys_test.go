package registry_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/oauth"
	"github.com/gosignet/signet/registry"
)

// publisher is a client's web server with its keys.
type publisher struct {
	*httptest.Server
	fetches atomic.Int64

	mu      sync.Mutex
	handler http.HandlerFunc
}

func newPublisher(t *testing.T) *publisher {
	t.Helper()
	p := new(publisher)
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.fetches.Add(1)
		p.mu.Lock()
		handler := p.handler
		p.mu.Unlock()
		handler(w, r)
	}))
	t.Cleanup(p.Close)
	return p
}

func (p *publisher) answer(handler http.HandlerFunc) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.handler = handler
}

// publish answers with keys with the kids.
func (p *publisher) publish(t *testing.T, cacheControl string, kids ...string) {
	t.Helper()
	body := keySet(t, kids...)
	p.answer(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Cache-Control", cacheControl)
		w.Write(body)
	})
}

func (p *publisher) fail() {
	p.answer(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) })
}

func keySet(t *testing.T, kids ...string) []byte {
	t.Helper()
	var set jose.JSONWebKeySet
	for _, kid := range kids {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		require.NoError(t, err)
		set.Keys = append(set.Keys, jose.JSONWebKey{Key: key.Public(), KeyID: kid})
	}
	data, err := json.Marshal(set)
	require.NoError(t, err)
	return data
}

func allowPrivate(c *registry.Config) { c.AllowPrivate = true }

// newPublished returns an instance with a client that publishes its keys.
func newPublished(t *testing.T) (*world, *registry.Registry, *publisher) {
	t.Helper()
	w, p := newWorld(t), newPublisher(t)
	r := w.instance(t, deaf, allowPrivate)
	w.create(t, r, published(p.URL))
	return w, r, p
}

func refresh(t *testing.T, r *registry.Registry, kid string) []string {
	t.Helper()
	c, err := r.RefreshKeys(t.Context(), "clinic", kid)
	require.NoError(t, err)
	return kids(c)
}

func kids(c *oauth.Client) []string {
	var all []string
	for _, key := range c.Keys.Keys {
		all = append(all, key.KeyID)
	}
	return all
}

func TestKeysAreFetchedWhenTheyAreNeededAndThenKept(t *testing.T) {
	t.Parallel()
	_, r, p := newPublished(t)
	p.publish(t, "", "1")
	assert.Empty(t, requireServed(t, r, "clinic").Keys.Keys)
	assert.Zero(t, p.fetches.Load(), "a look-up alone fetches nothing")

	assert.Equal(t, []string{"1"}, refresh(t, r, "1"))
	c := requireServed(t, r, "clinic")
	assert.Equal(t, []string{"1"}, kids(c))
	assert.Equal(t, p.URL, c.JWKSURI)
	assert.Same(t, c, requireServed(t, r, "clinic"))
	assert.Equal(t, []string{"1"}, refresh(t, r, "1"), "and a known key is no reason to fetch them again")
	assert.EqualValues(t, 1, p.fetches.Load())
}

func TestKeysAreKeptAsLongAsTheirCacheControlSaysWithinBounds(t *testing.T) {
	t.Parallel()
	for header, want := range map[string]time.Duration{
		"":                                 15 * time.Minute,
		"public":                           15 * time.Minute,
		"max-age=600":                      10 * time.Minute,
		`public, Max-Age="600"`:            10 * time.Minute,
		"max-age=1":                        time.Minute,
		"max-age=0":                        time.Minute,
		"max-age=-5":                       time.Minute,
		"max-age=99999999999999":           time.Minute,
		"max-age=soon":                     time.Minute,
		"max-age=604800":                   24 * time.Hour,
		"max-age=600, no-store":            time.Minute,
		"no-cache":                         time.Minute,
		"s-maxage=60, max-age=600, public": 10 * time.Minute,
	} {
		t.Run(header, func(t *testing.T) {
			t.Parallel()
			w, r, p := newPublished(t)
			p.publish(t, header, "1")
			refresh(t, r, "1")
			w.clock.pass(want - time.Second)
			assert.NotEmpty(t, requireServed(t, r, "clinic").Keys.Keys)
			w.clock.pass(time.Second)
			assert.Empty(t, requireServed(t, r, "clinic").Keys.Keys)
		})
	}
}

func TestKeyThatTheClientWithdrewIsNotUsedOnceTheKeysAreOld(t *testing.T) {
	t.Parallel()
	w, r, p := newPublished(t)
	p.publish(t, "", "1")
	refresh(t, r, "1")
	p.publish(t, "", "2")
	w.clock.pass(time.Hour)
	assert.Equal(t, []string{"2"}, refresh(t, r, "1"))
}

func TestUnknownKeyIsFetchedButNotMoreOftenThanEvery30Seconds(t *testing.T) {
	t.Parallel()
	w, r, p := newPublished(t)
	p.publish(t, "", "1")
	refresh(t, r, "1")
	for range 1000 {
		assert.Equal(t, []string{"1"}, refresh(t, r, "a stranger's"))
	}
	assert.EqualValues(t, 1, p.fetches.Load())
	p.publish(t, "", "1", "2")
	w.clock.pass(29 * time.Second)
	assert.Equal(t, []string{"1"}, refresh(t, r, "2"))
	w.clock.pass(time.Second)
	assert.Equal(t, []string{"1", "2"}, refresh(t, r, "2"))
	assert.Equal(t, []string{"1", "2"}, refresh(t, r, ""), "a signature may name no key")
	assert.EqualValues(t, 2, p.fetches.Load())
}

func TestStormOfUnknownKeysIsOneFetch(t *testing.T) {
	t.Parallel()
	_, r, p := newPublished(t)
	goOn := make(chan struct{})
	body := keySet(t, "1")
	p.answer(func(w http.ResponseWriter, _ *http.Request) {
		<-goOn
		w.Write(body)
	})
	var all sync.WaitGroup
	for range 64 {
		all.Go(func() {
			c, err := r.RefreshKeys(t.Context(), "clinic", "1")
			if assert.NoError(t, err) {
				assert.Equal(t, []string{"1"}, kids(c))
			}
		})
	}
	require.Eventually(t, func() bool { return p.fetches.Load() == 1 }, time.Minute, time.Millisecond)
	requireServed(t, r, "clinic") // does not wait for the keys
	gone, leave := context.WithCancel(t.Context())
	leave()
	_, err := r.RefreshKeys(gone, "clinic", "1")
	require.ErrorIs(t, err, context.Canceled)
	close(goOn)
	all.Wait()
	assert.EqualValues(t, 1, p.fetches.Load())
}

func TestKeysThatCannotBeFetchedAgainAreUsedForAnHourLonger(t *testing.T) {
	t.Parallel()
	w, r, p := newPublished(t)
	p.publish(t, "max-age=60", "1")
	refresh(t, r, "1")
	p.fail()
	w.clock.pass(time.Minute)
	assert.Equal(t, []string{"1"}, refresh(t, r, "1"))
	w.clock.pass(time.Hour - time.Second)
	assert.Equal(t, []string{"1"}, refresh(t, r, "1"))
	w.clock.pass(time.Second)
	assert.Empty(t, refresh(t, r, "1"))
	assert.Contains(t, w.logs.String(), "keys of a client could not be fetched")

	p.publish(t, "", "2")
	w.clock.pass(time.Minute)
	assert.Equal(t, []string{"2"}, refresh(t, r, "2"), "it heals by itself")
}

func TestNobodyWaitsTwiceForAPublisherThatHangs(t *testing.T) {
	t.Parallel()
	w, r, p := newPublished(t)
	p.publish(t, "max-age=60", "1")
	refresh(t, r, "1")
	p.fail()
	w.clock.pass(time.Minute)
	refresh(t, r, "1")
	goOn := make(chan struct{})
	p.answer(func(http.ResponseWriter, *http.Request) { <-goOn })
	w.clock.pass(time.Minute)
	assert.Equal(t, []string{"1"}, refresh(t, r, "1"), "the old keys are there, and the fetch is under way")
	close(goOn)
}

func TestClientThatCannotBeReachedHarmsNoOther(t *testing.T) {
	t.Parallel()
	w, r, p := newPublished(t)
	goOn := make(chan struct{})
	p.answer(func(http.ResponseWriter, *http.Request) { <-goOn })
	other := newPublisher(t)
	other.publish(t, "", "9")
	w.create(t, r, strings.Replace(published(other.URL), `"client_id": "clinic"`, `"client_id": "hospital"`, 1))
	waiting := make(chan error, 1)
	go func() {
		_, err := r.RefreshKeys(t.Context(), "clinic", "1")
		waiting <- err
	}()
	require.Eventually(t, func() bool { return p.fetches.Load() == 1 }, time.Minute, time.Millisecond)
	c, err := r.RefreshKeys(t.Context(), "hospital", "9")
	require.NoError(t, err)
	assert.Equal(t, []string{"9"}, kids(c))
	close(goOn)
	require.NoError(t, <-waiting)
}

func TestWhatIsNoSetOfPublicKeysIsRefused(t *testing.T) {
	t.Parallel()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	secret, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: private}}})
	require.NoError(t, err)
	good := keySet(t, "1")
	for name, handler := range map[string]http.HandlerFunc{
		"private key": func(w http.ResponseWriter, _ *http.Request) { w.Write(secret) },
		"symmetric":   func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte(`{"keys":[{"kty":"oct","k":"AAAA"}]}`)) },
		"no keys":     func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte(`{"keys":[]}`)) },
		"a page":      func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte(`<html>`)) },
		"an error":    func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotFound); w.Write(good) },
		"too large":   func(w http.ResponseWriter, _ *http.Request) { w.Write(good); w.Write(make([]byte, 64<<10)) },
		"half of it":  func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Content-Length", "9999"); w.Write(good) },
		"large header": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("X", strings.Repeat("x", 32<<10))
			w.Write(good)
		},
		"elsewhere": func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/elsewhere" {
				w.Write(good)
				return
			}
			http.Redirect(w, r, "/elsewhere", http.StatusFound)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, r, p := newPublished(t)
			p.answer(handler)
			assert.Empty(t, refresh(t, r, "1"))
			assert.Contains(t, w.logs.String(), "keys of a client could not be fetched")
			assert.EqualValues(t, 1, p.fetches.Load(), "a redirect is not followed")
		})
	}
}

func TestKeysAreNotFetchedFromPrivateAddresses(t *testing.T) {
	t.Parallel()
	w, p := newWorld(t), newPublisher(t)
	p.publish(t, "", "1")
	r := w.instance(t)
	w.create(t, r, published(p.URL))
	assert.Empty(t, refresh(t, r, "1"))
	assert.Zero(t, p.fetches.Load())
	assert.Contains(t, w.logs.String(), "not a public one")
}

func TestChangeOfARegistrationLeavesItsKeysAndAnotherURIDoesNot(t *testing.T) {
	t.Parallel()
	w, r, p := newPublished(t)
	writer := w.instance(t)
	p.publish(t, "", "1")
	refresh(t, r, "1")
	change := func(patch string) {
		_, err := writer.Patch(t.Context(), admin, "clinic", []byte(patch), 0)
		require.NoError(t, err)
		w.clock.pass(5 * time.Second)
	}
	change(`{"client_name": "City Clinic"}`)
	c := requireServed(t, r, "clinic")
	assert.Equal(t, "City Clinic", c.Name())
	assert.Equal(t, []string{"1"}, kids(c))

	other := newPublisher(t)
	other.publish(t, "", "2")
	change(`{"jwks_uri": "` + other.URL + `"}`)
	assert.Empty(t, requireServed(t, r, "clinic").Keys.Keys)
	assert.Equal(t, []string{"2"}, refresh(t, r, "2"))
	assert.EqualValues(t, 1, p.fetches.Load())
}

func TestKeysByValueAreNotFetched(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.instance(t)
	w.create(t, r, clinic)
	assert.Equal(t, []string{"1"}, refresh(t, r, "unknown"))
	_, err := r.RefreshKeys(t.Context(), "nobody", "1")
	assert.ErrorIs(t, err, oauth.ErrUnknownClient)
}
