package remote_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/authenticator/remote"
)

var grace = authenticator.Identity{Subject: "grace-1"}

func TestAServerThatSaysNothingOfVerificationsIsNoAssurer(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	assert.NotNil(t, authenticator.AssurerOf(w.client(t)))

	// The abilities of plain are those of an Authenticator; those of the Client over it, the ones of plain.
	w.handler.Handler = must(remote.Handler(plain{w.people}, w.serverConfig))
	c := w.client(t)
	assert.Nil(t, authenticator.AssurerOf(c))
	_, err := c.Verifications(t.Context(), claimsOf(grace))
	requireReason(t, err, authenticator.Unsupported)
	w.handler.Handler = must(remote.Handler(c, w.serverConfig))
	assert.Nil(t, authenticator.AssurerOf(w.client(t)))
	assert.Empty(t, w.people.asked)
}

func TestAServerThatIsNoAssurerRefusesToSayWhatIsVerified(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.client(t)
	w.handler.Handler = must(remote.Handler(plain{w.people}, w.serverConfig))
	_, err := c.Verifications(t.Context(), claimsOf(grace))
	requireReason(t, err, authenticator.Unsupported)
	require.ErrorContains(t, err, "422")
}

func TestValuesOfVerificationsDoNotCrossTheWire(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var said strings.Builder
	direct := w.handler.Handler
	w.intercept("/v1/verifications", func(rw http.ResponseWriter, r *http.Request) {
		direct.ServeHTTP(recording{rw, &said}, r)
	})
	c := w.client(t)
	w.people.verified[0].Values["name"] = json.RawMessage(`"Grace Wanjiru Otieno"`)
	w.people.verified[2].Values["address"] = json.RawMessage(`{"country":"Kenya"}`)
	verified, err := c.Verifications(t.Context(), claimsOf(grace))
	require.NoError(t, err)
	assert.Equal(t, nulls("name", "name#sw"), verified[0].Values)
	assert.Equal(t, nulls("address", "email"), verified[2].Values)
	require.Contains(t, said.String(), "ke_register")
	noPersonalData(t, said.String())
}

// recording keeps what is written.
type recording struct {
	http.ResponseWriter
	said *strings.Builder
}

func (r recording) Write(p []byte) (int, error) {
	r.said.Write(p)
	return r.ResponseWriter.Write(p)
}

func TestVerificationsThatAreOfNothingAreLeftOut(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.client(t)
	w.people.verified = []authenticator.VerifiedClaims{
		{Verification: json.RawMessage(`{"trust_framework":"ke_register"}`)}, {Values: nulls("email")}, {}, {Values: nulls("address")},
	}
	verified, err := c.Verifications(t.Context(), claimsOf(grace))
	require.NoError(t, err)
	assert.Equal(t, []authenticator.VerifiedClaims{{Values: nulls("address", "email")}}, verified)
	w.people.verified = nil
	verified, err = c.Verifications(t.Context(), claimsOf(grace))
	require.NoError(t, err)
	assert.Empty(t, verified)
}

func TestVerificationsThatCannotBeTrustedAreUnavailable(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.config.MaxFailures = 1000
	c := w.client(t)
	var body string
	w.intercept("/v1/verifications", func(rw http.ResponseWriter, r *http.Request) { says(200, body)(rw, r) })
	const one = `{"verification": {}, "names": ["name"]}`
	many := `"a"` + strings.Repeat(`, "a"`, 256)
	for _, body = range []string{
		``, `null`, `[]`, `{}`, `Grace`, `{"verified": null}`, `{"verified": {}}`, `{"verified": [null]}`, `{"verified": [{}]}`,
		`{"verified": [{"names": ["name"]}]}`, `{"verified": [{"verification": null, "names": ["name"]}]}`,
		`{"verified": [{"verification": "Grace", "names": ["name"]}]}`, `{"verified": [{"verification": {}}]}`,
		`{"verified": [{"verification": {}, "names": []}]}`, `{"verified": [{"verification": {}, "names": "name"}]}`,
		`{"verified": [{"verification": {}, "names": [1]}]}`, `{"verified": [{"verification": {}, "names": ["\ud800` + "\xff" + `"]}]}`,
		`{"verified": [{"verification": {}, "values": {"name": "Grace Wanjiru Otieno"}}]}`,
		`{"verified": [{"verification": {"a": 1, "a": 2}, "names": ["name"]}], "verified": []}`,
		`{"verified": [` + one + strings.Repeat(`,`+one, 32) + `]}`, `{"verified": [{"verification": {}, "names": [` + many + `]}]}`,
		`{"verified": [], "unverified": "name"}`, `{"verified": [], "unverified": {"email": null}}`, `{"verified": [], "unverified": [` + many + `]}`,
		`{"verified": [], "x": "` + strings.Repeat("x", 2<<20) + `"}`, `{"verified": []} {}`,
	} {
		_, err := c.Verifications(t.Context(), claimsOf(grace))
		requireReason(t, err, authenticator.Unavailable)
		noPersonalData(t, err.Error())
	}
	noPersonalData(t, w.logs.String())
}

func TestReasonsOfVerificationsArrive(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.client(t)
	for _, reason := range reasons() {
		w.people.err = &authenticator.Error{Reason: reason}
		_, err := c.Verifications(t.Context(), claimsOf(grace))
		requireReason(t, err, reason)
	}
	w.server.Close()
	_, err := c.Verifications(t.Context(), claimsOf(grace))
	requireReason(t, err, authenticator.Unavailable)
	noPersonalData(t, err.Error())
}
