package portal_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/examples/portal"
)

const strong, weak = "urn:example:two-factors", "urn:example:password"

// step opens the medical record and returns the authorization request that it leads to.
func (v *visit) step() map[string][]string {
	v.t.Helper()
	res, err := v.browser.Get(v.home + "/record")
	require.NoError(v.t, err)
	status, body := v.read(res)
	require.Equal(v.t, http.StatusSeeOther, status, body)
	location, err := res.Location()
	require.NoError(v.t, err)
	if carried := location.Query(); !carried.Has("request_uri") {
		v.provider.request = carried
	}
	return v.provider.request
}

func TestRecordTakesAStrongerLogin(t *testing.T) {
	t.Parallel()
	for name, query := range map[string]string{"plain": "", "FAPI 2.0": "?protocol=fapi2"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := newVisit(t, func(c *portal.Config) { c.Record.ACRValues = []string{strong} })
			v.provider.idToken = map[string]any{"acr": weak}
			v.login(query)
			v.respond(v.provider.request, nil)

			v.step()
			assert.Equal(t, strong, v.provider.request.Get("acr_values"))
			assert.Equal(t, query != "", v.provider.boundTo != "", "by the protocol of the session")
			v.provider.idToken = map[string]any{"acr": strong}
			status, body := v.respond(v.provider.request, nil)
			assert.Equal(t, http.StatusOK, status)
			assert.Contains(t, body, `id="medical-record"`, "the login leads back to the page")
			assert.Contains(t, body, strong)
			status, _ = v.get("/record")
			assert.Equal(t, http.StatusOK, status)
		})
	}
}

func TestRecordStaysClosedIfTheLoginIsNotStronger(t *testing.T) {
	t.Parallel()
	v := newVisit(t, func(c *portal.Config) { c.Record.ACRValues = []string{strong} })
	v.provider.idToken = map[string]any{"acr": weak}
	v.respond(v.login(""), nil)
	v.step()
	status, body := v.respond(v.provider.request, nil)
	assert.Equal(t, http.StatusForbidden, status)
	assert.Contains(t, body, "stays closed")
	_, body = v.get("/profile")
	assert.Contains(t, body, "Ada Example", "who was signed in still is")
}

func TestRecordIsOpenToWhoIsSignedInUnlessItWantsMore(t *testing.T) {
	t.Parallel()
	v := newVisit(t)
	_, body := v.get("/record")
	assert.NotContains(t, body, "medical-record", "nobody is signed in")
	v.respond(v.login(""), nil)
	_, body = v.get("/record")
	assert.Contains(t, body, "There are no entries.")
}

// keeper is a resource server that keeps medical records.
func keeper(t *testing.T, answer http.HandlerFunc) func(*portal.Config) {
	t.Helper()
	server := httptest.NewServer(answer)
	t.Cleanup(server.Close)
	return func(c *portal.Config) { c.Record.URL = server.URL + "/record" }
}

func TestDemandOfAResourceLeadsToANewLogin(t *testing.T) {
	t.Parallel()
	var satisfied bool
	v := newVisit(t, keeper(t, func(w http.ResponseWriter, r *http.Request) {
		assert.Equal(t, "Bearer the-access-token", r.Header.Get("Authorization"))
		if !satisfied {
			w.Header().Set("WWW-Authenticate", `Bearer realm="records", error="insufficient_user_authentication", `+
				`error_description="a \"recent\" login is needed", acr_values="`+strong+` urn:example:other", max_age=60`)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.Write([]byte(`{"blood":"<i>AB</i>"}`))
	}))
	v.respond(v.login(""), nil)
	v.step()
	assert.Equal(t, strong+" urn:example:other", v.provider.request.Get("acr_values"))
	assert.Equal(t, "60", v.provider.request.Get("max_age"))

	satisfied = true
	v.provider.idToken = map[string]any{"acr": strong, "auth_time": time.Now().Unix()}
	status, body := v.respond(v.provider.request, nil)
	assert.Equal(t, http.StatusOK, status)
	assert.Contains(t, body, "&lt;i&gt;AB&lt;/i&gt;")
}

func TestResourceThatIsNeverSatisfiedLeadsToAPage(t *testing.T) {
	t.Parallel()
	v := newVisit(t, keeper(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("WWW-Authenticate", `Bearer error="insufficient_user_authentication", acr_values="`+strong+`"`)
		w.WriteHeader(http.StatusUnauthorized)
	}))
	v.respond(v.login(""), nil)
	v.step()
	v.provider.idToken = map[string]any{"acr": strong}
	status, body := v.respond(v.provider.request, nil)
	assert.Equal(t, http.StatusForbidden, status, "one login for one demand, and no circle")
	assert.Contains(t, body, "stays closed")
}

func TestOldLoginDoesNotMeetADemandForARecentOne(t *testing.T) {
	t.Parallel()
	for name, claims := range map[string]map[string]any{
		"old":          {"auth_time": time.Now().Add(-time.Hour).Unix()},
		"no auth_time": nil,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := newVisit(t, keeper(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("WWW-Authenticate", `DPoP error="insufficient_user_authentication", max_age="60"`)
				w.WriteHeader(http.StatusUnauthorized)
			}))
			v.provider.idToken = claims
			v.respond(v.login(""), nil)
			v.step()
			status, _ := v.respond(v.provider.request, nil)
			assert.Equal(t, http.StatusForbidden, status)
		})
	}
}

func TestOtherRefusalsOfAResourceAreExplained(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]http.HandlerFunc{
		"no challenge":        func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) },
		"another error":       refuses(http.StatusUnauthorized, `Bearer error="invalid_token"`),
		"another scheme":      refuses(http.StatusUnauthorized, `Basic error="insufficient_user_authentication"`),
		"a status of success": refuses(http.StatusAccepted, `Bearer error="insufficient_user_authentication"`),
		"forbidden":           refuses(http.StatusForbidden, `Bearer error="insufficient_user_authentication"`),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := newVisit(t, keeper(t, answer))
			v.respond(v.login(""), nil)
			status, body := v.get("/record")
			assert.Equal(t, http.StatusBadGateway, status)
			assert.Contains(t, body, "cannot be shown")
		})
	}
}

func refuses(status int, challenge string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("WWW-Authenticate", challenge)
		w.WriteHeader(status)
	}
}

// FuzzChallenge has a resource answer with any challenge: the portal always has a page, or a login to go to.
func FuzzChallenge(f *testing.F) {
	for _, seed := range []string{
		`Bearer error="insufficient_user_authentication", acr_values="a b", max_age="5"`,
		`DPoP algs="ES256", error="insufficient_user_authentication",max_age=0`,
		`bearer error=insufficient_user_authentication, max_age="-1"`, `Bearer`, `Bearer error="`, "Bearer a=\"\\\"",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, challenge string) {
		v := newVisit(t, keeper(t, refuses(http.StatusUnauthorized, challenge)))
		v.respond(v.login(""), nil)
		res, err := v.browser.Get(v.home + "/record")
		require.NoError(t, err)
		defer res.Body.Close()
		assert.Contains(t, []int{http.StatusSeeOther, http.StatusBadGateway}, res.StatusCode)
	})
}
