package registry_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/audit"
	"github.com/gosignet/signet/oauth"
	"github.com/gosignet/signet/registry"
	"github.com/gosignet/signet/store"
)

func TestNewReportsEveryMistake(t *testing.T) {
	t.Parallel()
	_, err := registry.New(registry.Config{CacheFor: time.Hour, MaxCached: -1, Profile: "fapi1"})
	for _, want := range []string{"Ledger is missing", "CacheFor", "MaxCached is negative", `unknown profile "fapi1"`} {
		assert.ErrorContains(t, err, want)
	}
}

func TestHistoryOfAClientSaysWhoDidWhatAndWhen(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.instance(t)
	began := w.clock.Now()
	created := w.create(t, r, clinic)
	assert.EqualValues(t, 1, created.Version)
	assert.Equal(t, registry.Active, created.Status)
	assert.Equal(t, began, created.ChangedAt)

	w.clock.pass(time.Minute)
	updated := parse(t, with(t, `"Clinic"`, `"City Clinic"`))
	_, err := r.Put(t.Context(), "administrator-8", updated, 1)
	require.NoError(t, err)
	_, err = r.Deactivate(t.Context(), "administrator-9", "clinic", 2)
	require.NoError(t, err)
	last, err := r.Activate(t.Context(), "administrator-8", "clinic", 3)
	require.NoError(t, err)

	history, err := r.History(t.Context(), "clinic")
	require.NoError(t, err)
	var story []string
	for _, v := range history {
		story = append(story, fmt.Sprintf("%d %s %s by %s at %s", v.Version, v.Status, v.Change, v.ChangedBy, v.ChangedAt.Sub(began)))
	}
	assert.Equal(t, []string{
		"4 active activated by administrator-8 at 1m0s",
		"3 inactive deactivated by administrator-9 at 1m0s",
		"2 active updated by administrator-8 at 1m0s",
		"1 active created by administrator-7 at 0s",
	}, story)
	assert.Equal(t, last, history[0])
	present, err := r.Get(t.Context(), "clinic")
	require.NoError(t, err)
	assert.Equal(t, last, present)
	c, err := present.Client()
	require.NoError(t, err)
	assert.Equal(t, updated, c)

	var types []audit.Type
	for _, e := range w.events.take() {
		assert.Equal(t, audit.Success, e.Outcome)
		assert.Equal(t, "clinic", e.ClientID)
		types = append(types, e.Type)
	}
	assert.Equal(t, []audit.Type{audit.ClientCreated, audit.ClientUpdated, audit.ClientDeactivated, audit.ClientActivated}, types)
}

func TestRegistrationIsShownAsJSON(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	text, err := json.Marshal(w.create(t, w.instance(t), clinic))
	require.NoError(t, err)
	assert.True(t, strings.HasPrefix(string(text), `{"client_id":"clinic","status":"active","version":1,"change":"created",`+
		`"changed_by":"administrator-7","changed_at":"2026-01-02T03:04:05Z","metadata":{"client_id":"clinic","client_name":"Clinic",`), "%s", text)
}

func TestChangeThatIsRefusedChangesNothingAndSaysWhy(t *testing.T) {
	t.Parallel()
	invalid := func(err error) bool {
		var target *registry.InvalidError
		return assert.ErrorAs(t, err, &target)
	}
	bad := parse(t, clinic)
	bad.RedirectURIs = []string{"http://clinic.example/"}
	for name, test := range map[string]struct {
		do     func(*testing.T, *registry.Registry) error
		check  func(error) bool
		reason string
	}{
		"created twice": {func(t *testing.T, r *registry.Registry) error {
			_, err := r.Create(t.Context(), admin, parse(t, with(t, "Clinic", "Another")))
			return err
		}, func(err error) bool { return assert.ErrorIs(t, err, store.ErrExists) }, "exists"},
		"created twice, the first inactive": {func(t *testing.T, r *registry.Registry) error {
			_, err := r.Deactivate(t.Context(), admin, "clinic", 0)
			require.NoError(t, err)
			_, err = r.Create(t.Context(), admin, parse(t, clinic))
			return err
		}, func(err error) bool { return assert.ErrorIs(t, err, store.ErrExists) }, "exists"},
		"invalid": {func(t *testing.T, r *registry.Registry) error {
			_, err := r.Put(t.Context(), admin, bad, 0)
			return err
		}, invalid, "invalid_client_metadata"},
		"no client": {func(t *testing.T, r *registry.Registry) error {
			_, err := r.Create(t.Context(), admin, nil)
			return err
		}, invalid, "invalid_client_metadata"},
		"nobody": {func(t *testing.T, r *registry.Registry) error {
			_, err := r.Deactivate(t.Context(), "", "clinic", 0)
			return err
		}, invalid, "invalid_client_metadata"},
		"old version": {func(t *testing.T, r *registry.Registry) error {
			_, err := r.Deactivate(t.Context(), admin, "clinic", 7)
			return err
		}, func(err error) bool { return assert.ErrorIs(t, err, store.ErrConflict) }, "conflict"},
		"never registered": {func(t *testing.T, r *registry.Registry) error {
			_, err := r.Activate(t.Context(), admin, "hospital", 0)
			return err
		}, func(err error) bool { return assert.ErrorIs(t, err, oauth.ErrUnknownClient) }, "unknown_client"},
		"no ID": {func(t *testing.T, r *registry.Registry) error {
			_, err := r.Activate(t.Context(), admin, "a b", 0)
			return err
		}, func(err error) bool { return assert.ErrorIs(t, err, oauth.ErrUnknownClient) }, "unknown_client"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			r := w.instance(t)
			w.create(t, r, clinic)
			err := test.do(t, r)
			test.check(err)
			events := w.events.take()
			last := events[len(events)-1]
			assert.Equal(t, audit.Refused, last.Outcome)
			assert.Equal(t, test.reason, last.Reason)
			assert.Contains(t, []string{"", "clinic"}, last.ClientID, "events name registered clients only")
			present, err := r.Get(t.Context(), "clinic")
			require.NoError(t, err)
			c, err := present.Client()
			require.NoError(t, err)
			assert.Equal(t, parse(t, clinic), c)
		})
	}
}

func TestChangeThatChangesNothingMakesNoVersion(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.instance(t)
	created := w.create(t, r, clinic)
	again, err := r.Put(t.Context(), "administrator-8", parse(t, clinic), 1)
	require.NoError(t, err)
	assert.Equal(t, created, again)
	again, err = r.Activate(t.Context(), "administrator-8", "clinic", 1)
	require.NoError(t, err)
	assert.Equal(t, created, again)
	assert.Len(t, w.events.take(), 1)
}

func TestPatchIsAJSONMergePatch(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		patch string
		check func(*testing.T, *oauth.Client)
		fails string
	}{
		"replace and remove": {`{"client_name": "City Clinic", "client_name#fr": null, "scope": "openid", "absent": null}`,
			func(t *testing.T, c *oauth.Client) {
				assert.Equal(t, map[string]string{"": "City Clinic"}, c.Names)
				assert.Equal(t, []string{"openid"}, c.Scopes)
				assert.Equal(t, jose.ES256, c.AssertionAlgorithm, "what the patch does not name stays")
			}, ""},
		"a language is added": {`{"logo_uri#fr": "https://clinic.example/logo/fr"}`,
			func(t *testing.T, c *oauth.Client) {
				assert.Equal(t, map[string]string{"fr": "https://clinic.example/logo/fr"}, c.LogoURIs)
			}, ""},
		"a list is replaced": {`{"redirect_uris": ["https://clinic.example/2"]}`,
			func(t *testing.T, c *oauth.Client) {
				assert.Equal(t, []string{"https://clinic.example/2"}, c.RedirectURIs)
			}, ""},
		"an object is merged": {`{"jwks": {"keys": [{"kty": "EC", "crv": "P-256", "kid": "2",
			"x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}], "other": null}}`,
			func(t *testing.T, c *oauth.Client) { assert.Equal(t, "2", c.Keys.Keys[0].KeyID) }, ""},
		"from keys to their URI": {`{"jwks": null, "jwks_uri": "https://clinic.example/jwks"}`,
			func(t *testing.T, c *oauth.Client) { assert.Empty(t, c.Keys.Keys) }, ""},
		"another client":   {`{"client_id": "hospital"}`, nil, "client_id: cannot be changed"},
		"what is required": {`{"redirect_uris": null}`, nil, "redirect URIs"},
		"unknown member":   {`{"redirect_uri": "https://clinic.example/2"}`, nil, "redirect_uri: unknown"},
		"no object":        {`["openid"]`, nil, "not a JSON object"},
		"twice":            {`{"scope": "openid", "scope": "email"}`, nil, "duplicate"},
		"twice inside":     {`{"jwks": {"keys": [], "keys": []}}`, nil, "duplicate"},
		"endless":          {strings.Repeat(`{"jwks":`, 1000) + `{}` + strings.Repeat(`}`, 1000), nil, "nested"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			r := w.instance(t)
			w.create(t, r, clinic)
			patched, err := r.Patch(t.Context(), admin, "clinic", []byte(test.patch), 1)
			if test.fails != "" {
				var invalid *registry.InvalidError
				require.ErrorAs(t, err, &invalid)
				assert.ErrorContains(t, err, test.fails)
				return
			}
			require.NoError(t, err)
			assert.EqualValues(t, 2, patched.Version)
			c, err := patched.Client()
			require.NoError(t, err)
			test.check(t, c)
		})
	}
}

func TestOfConcurrentChangesOfAVersionOneSucceeds(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	instances := []*registry.Registry{w.instance(t), w.instance(t)}
	w.create(t, instances[0], clinic)
	var won, lost atomic.Int64
	var all sync.WaitGroup
	for i := range 16 {
		all.Go(func() {
			patch := fmt.Sprintf(`{"client_name": "Clinic %d"}`, i)
			switch _, err := instances[i%2].Patch(t.Context(), admin, "clinic", []byte(patch), 1); {
			case err == nil:
				won.Add(1)
			case assert.ErrorIs(t, err, store.ErrConflict):
				lost.Add(1)
			}
		})
	}
	all.Wait()
	assert.EqualValues(t, 1, won.Load())
	assert.EqualValues(t, 15, lost.Load())
}

func TestClientsAreListedPageByPage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.instance(t)
	var want, got []string
	for i := range 7 {
		id := fmt.Sprintf("clinic-%d", i)
		w.create(t, r, with(t, `"client_id": "clinic"`, `"client_id": "`+id+`"`))
		want = append(want, id)
	}
	_, err := r.Deactivate(t.Context(), admin, "clinic-3", 0)
	require.NoError(t, err)
	for after := ""; ; {
		page, err := r.List(t.Context(), after, 3)
		require.NoError(t, err)
		for _, c := range page {
			assert.Equal(t, c.ID == "clinic-3", c.Status == registry.Inactive)
			got, after = append(got, c.ID), c.ID
		}
		if len(page) < 3 {
			break
		}
	}
	assert.Equal(t, want, got)
}

func TestClientThatBreaksTheProvidersProfileIsNotRegistered(t *testing.T) {
	t.Parallel()
	const fapi = `{"client_id": "portal", "client_name": "Portal", "redirect_uris": ["https://portal.example/cb"],
		"jwks_uri": "https://portal.example/jwks", "token_endpoint_auth_signing_alg": "ES256", "request_object_signing_alg": "ES256"}`
	for name, test := range map[string]struct {
		profile     oauth.Profile
		development bool
		from, to    string
		want        string
	}{
		"all is well":          {oauth.ProfileFAPI2, false, "", "", ""},
		"another algorithm":    {oauth.ProfileFAPI2, false, `"token_endpoint_auth_signing_alg": "ES256"`, `"token_endpoint_auth_signing_alg": "RS256"`, "registered for RS256"},
		"no PKCE":              {oauth.ProfileFAPI2, false, `"client_name"`, `"require_pkce": false, "client_name"`, "without PKCE"},
		"loopback":             {oauth.ProfileFAPI2, false, `https://portal.example/cb`, `http://localhost/cb`, "is not https"},
		"keys from loopback":   {oauth.ProfileFAPI2, false, `https://portal.example/jwks`, `http://localhost/jwks`, "jwks_uri is not https"},
		"loopback at home":     {oauth.ProfileFAPI2, true, `https://portal.example/cb`, `http://localhost/cb`, ""},
		"no signed requests":   {oauth.ProfileFAPI2MessageSigning, false, `, "request_object_signing_alg": "ES256"`, "", "must sign its requests"},
		"the client's profile": {oauth.ProfileNone, false, `, "request_object_signing_alg": "ES256"`, `, "profile": "fapi2-message-signing"`, "must sign its requests"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			r := w.instance(t, func(c *registry.Config) { c.Profile, c.Development = test.profile, test.development })
			_, err := r.Create(t.Context(), admin, parse(t, strings.Replace(fapi, test.from, test.to, 1)))
			if test.want == "" {
				require.NoError(t, err)
				return
			}
			var invalid *registry.InvalidError
			require.ErrorAs(t, err, &invalid)
			assert.ErrorContains(t, err, test.want)
		})
	}
}

func TestOutageIsNoFaultOfTheCaller(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.instance(t)
	w.create(t, r, clinic)
	w.events.take()
	w.outage.Store(true)
	_, err := r.Deactivate(t.Context(), admin, "clinic", 0)
	require.ErrorIs(t, err, errOutage)
	_, err = r.Get(t.Context(), "clinic")
	require.ErrorIs(t, err, errOutage)
	events := w.events.take()
	require.Len(t, events, 1)
	assert.Equal(t, audit.Failed, events[0].Outcome)
	assert.Equal(t, "unavailable", events[0].Reason)
}
