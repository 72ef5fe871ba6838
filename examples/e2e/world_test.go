// Package e2e_test takes people through whole logins: a real browser, the portal, the provider, and nothing faked but
// the people.
package e2e_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"net"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet"
	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/authenticator/mock"
	"github.com/gosignet/signet/examples/portal"
	"github.com/gosignet/signet/keystore"
	"github.com/gosignet/signet/oauth"
	"github.com/gosignet/signet/store/memory"
)

const (
	password = "e2e-password"
	clientID = "health-portal"
)

// world is a provider and a portal of a test's own.
type world struct {
	issuer, portal string
	provider       *signet.Provider
	person         mock.Persona // somebody with a name in Latin letters
	arabic         mock.Persona // somebody with a name in Arabic letters
	ahead          atomic.Int64 // how far the provider's clock is ahead
}

// pass lets time go by at the provider.
func (w *world) pass(d time.Duration) { w.ahead.Add(int64(d)) }

// newWorld starts the two. They are on two hosts, so that the browser keeps their cookies apart as it would in the world.
// Further clients are registered beside the portal.
func newWorld(t *testing.T, others ...*oauth.Client) *world {
	t.Helper()
	return newWorldAt(t, "localhost:0", "127.0.0.1:0", nil, others...)
}

// newFAPI2World holds everybody to the FAPI 2.0 Security Profile. Nobody tells the portal: the metadata do.
func newFAPI2World(t *testing.T) *world {
	t.Helper()
	return newWorldAt(t, "localhost:0", "127.0.0.1:0", func(c *signet.Config) { c.Profile = oauth.ProfileFAPI2 })
}

// newWorldAt starts the two at their addresses, with changes to the provider's configuration.
func newWorldAt(t *testing.T, providerAddress, portalAddress string, change func(*signet.Config), others ...*oauth.Client) *world {
	t.Helper()
	w := &world{}
	now := func() time.Time { return time.Now().Add(time.Duration(w.ahead.Load())) }
	provider, issuer := listen(t, providerAddress)
	portalServer, portalURL := listen(t, portalAddress)
	w.issuer, w.portal = issuer, portalURL
	key := newKey(t)
	clients, err := oauth.NewStaticClients(append(others, &oauth.Client{
		ID:                 clientID,
		Names:              map[string]string{"": "Health Portal"},
		RedirectURIs:       []string{w.portal + "/callback"},
		Keys:               jose.JSONWebKeySet{Keys: []jose.JSONWebKey{key.Public()}},
		AssertionAlgorithm: jose.ES256,
		Scopes:             []string{"openid", "profile", "email", "phone", "address"},
	})...)
	require.NoError(t, err)
	keys, err := keystore.Generate(jose.ES256)
	require.NoError(t, err)
	store, err := memory.New(memory.Config{Now: now})
	require.NoError(t, err)
	people, err := mock.New(mock.Config{Password: password, Store: store, Now: now})
	require.NoError(t, err)
	secret := make([]byte, 32)
	rand.Read(secret)
	config := signet.Config{
		Issuer:        w.issuer,
		Clients:       clients,
		Authenticator: people,
		ACRs: authenticator.ACRs{
			{Value: "code", Alternatives: []authenticator.FactorSet{{authenticator.OTP}}},
			{Value: "password", Alternatives: []authenticator.FactorSet{{authenticator.Password}}},
		},
		Keys:           keys,
		Store:          store,
		PairwiseSecret: secret,
		PictureTypes:   []string{"image/svg+xml"}, // as the personas have them
		Now:            now,
	}
	if change != nil {
		change(&config)
	}
	w.provider, err = signet.New(config)
	require.NoError(t, err)
	provider.Config.Handler = w.provider
	portalServer.Config.Handler, err = portal.New(portal.Config{
		Issuer:      w.issuer,
		ClientID:    clientID,
		Key:         key,
		RedirectURI: w.portal + "/callback",
		Scopes:      []string{"openid", "email", "phone"},
		Claims: []byte(`{"userinfo":{"name":{"essential":true},"birthdate":{"essential":true},` +
			`"gender":null,"picture":null,"address":null}}`),
	})
	require.NoError(t, err)
	for _, server := range []*httptest.Server{provider, portalServer} {
		server.Start()
		t.Cleanup(server.Close)
	}
	for _, p := range people.Personas() {
		if p.Name() == p.EnglishName() && w.person.NationalID == "" {
			w.person = p
		}
		if p.Claims["locale"] == "ar-EG" || p.Name() != p.EnglishName() && w.arabic.NationalID == "" {
			w.arabic = p
		}
	}
	require.NotEmpty(t, w.person.NationalID)
	require.NotEmpty(t, w.arabic.NationalID)
	return w
}

// listen opens a server that is still to be started, and says under which URL it will be.
func listen(t *testing.T, address string) (*httptest.Server, string) {
	t.Helper()
	host, _, err := net.SplitHostPort(address)
	require.NoError(t, err)
	listener, err := net.Listen("tcp", address)
	require.NoError(t, err)
	_, port, err := net.SplitHostPort(listener.Addr().String())
	require.NoError(t, err)
	server := httptest.NewUnstartedServer(nil)
	server.Listener.Close()
	server.Listener = listener
	return server, "http://" + net.JoinHostPort(host, port)
}

// newKey returns a private key for client assertions.
func newKey(t *testing.T) jose.JSONWebKey {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	return jose.JSONWebKey{Key: private, KeyID: "client-1", Algorithm: string(jose.ES256), Use: "sig"}
}
