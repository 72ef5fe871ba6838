package oauth_test

import (
	"context"
	"errors"
	"net/http"
	"sync/atomic"
	"testing"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/oauth"
)

// refresher is a store of clients that publish their keys: it knows none before it is told to refresh them.
type refresher struct {
	oauth.ClientStore
	keys  map[string]jose.JSONWebKeySet
	err   error
	calls atomic.Int64
	kid   atomic.Value
}

func (r *refresher) Client(ctx context.Context, id string) (*oauth.Client, error) {
	c, err := r.ClientStore.Client(ctx, id)
	if err != nil {
		return nil, err
	}
	published := *c
	published.Keys, published.JWKSURI = jose.JSONWebKeySet{}, "https://"+id+".example/jwks"
	return &published, nil
}

func (r *refresher) RefreshKeys(ctx context.Context, id, kid string) (*oauth.Client, error) {
	r.calls.Add(1)
	r.kid.Store(kid)
	if r.err != nil {
		return nil, r.err
	}
	c, err := r.Client(ctx, id)
	if err == nil {
		c.Keys = r.keys[id]
	}
	return c, err
}

func newRefreshed(t *testing.T) (*provider, *refresher) {
	t.Helper()
	var r *refresher
	p := newProvider(t, func(c *oauth.Config) {
		r = &refresher{ClientStore: c.Clients, keys: map[string]jose.JSONWebKeySet{}}
		c.Clients = r
	})
	for _, party := range []*party{p.portal, p.clinic} {
		r.keys[party.client.ID] = party.client.Keys
		party.client.RequestObjectAlgorithm = jose.ES256
	}
	return p, r
}

func TestKeyThatIsNotKnownIsAskedFor(t *testing.T) {
	t.Parallel()
	p, r := newRefreshed(t)
	form := p.portal.redemption(t, p.code(t, p.portal))
	require.Zero(t, r.calls.Load(), "a request that nobody signed needs no keys")
	require.Equal(t, http.StatusOK, post(p.TokenHandler(), form).Code)
	require.EqualValues(t, 1, r.calls.Load())
	require.Equal(t, "portal-1", r.kid.Load())

	response(t, p.authorize(p.portal.byValue(p.portal.requestObject(t, nil))))
	require.EqualValues(t, 2, r.calls.Load(), "for a request object too")
}

func TestKeyThatIsNotKnownAfterwardsEitherIsRefused(t *testing.T) {
	t.Parallel()
	p, r := newRefreshed(t)
	code := p.code(t, p.portal)
	r.keys["portal"] = r.keys["clinic"]
	requireRefused(t, post(p.TokenHandler(), p.portal.redemption(t, code)), http.StatusUnauthorized, oauth.InvalidClient)
	require.EqualValues(t, 1, r.calls.Load())

	r.err = oauth.ErrUnknownClient // deactivated in the meantime
	requireRefused(t, post(p.TokenHandler(), p.portal.redemption(t, code)), http.StatusUnauthorized, oauth.InvalidClient)

	r.err = errors.New("zebra: connection reset")
	requireRefused(t, post(p.TokenHandler(), p.portal.redemption(t, code)), http.StatusServiceUnavailable, oauth.ServerError)
}

func TestWrongSignatureIsNoReasonToAskForKeys(t *testing.T) {
	t.Parallel()
	p, r := newRefreshed(t)
	p.config.Clients = &known{r}
	server := p.instance(t)
	form := p.portal.redemption(t, "a-code")
	form.Set("client_assertion", form.Get("client_assertion")[:len(form.Get("client_assertion"))-8]+"AAAAAAAA")
	requireRefused(t, post(server.TokenHandler(), form), http.StatusUnauthorized, oauth.InvalidClient)
	require.Zero(t, r.calls.Load())
}

// known is a refresher that has fetched the keys before.
type known struct{ *refresher }

func (k *known) Client(ctx context.Context, id string) (*oauth.Client, error) {
	c, err := k.refresher.Client(ctx, id)
	if err == nil {
		c.Keys = k.keys[id]
	}
	return c, err
}

func TestKeysAreRegisteredOrPublished(t *testing.T) {
	t.Parallel()
	client := newParty(t, "portal").client
	c := *client
	c.JWKSURI = "https://portal.example/jwks"
	require.ErrorContains(t, c.Validate(), "jwks and jwks_uri exclude each other")
	c.Keys = jose.JSONWebKeySet{}
	require.NoError(t, c.Validate())
	_, err := oauth.NewStaticClients(&c)
	require.ErrorContains(t, err, "has a jwks_uri, which StaticClients does not fetch")
	for _, uri := range []string{"http://portal.example/jwks", "https://portal.example/#jwks", "https://a@portal.example/", "ftp://portal.example/", "jwks"} {
		c.JWKSURI = uri
		require.ErrorContains(t, c.Validate(), "jwks_uri must", uri)
	}
}
