package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/gosignet/signet"
	"github.com/gosignet/signet/audit"
	"github.com/gosignet/signet/authenticator/mock"
	"github.com/gosignet/signet/examples/portal"
	"github.com/gosignet/signet/keystore"
	"github.com/gosignet/signet/login"
	"github.com/gosignet/signet/oauth"
	"github.com/gosignet/signet/oidc"
	"github.com/gosignet/signet/store/memory"
)

const (
	portalID       = "health-portal"
	portalCallback = "/callback"
	minSecret      = 32
)

// identityProvider is the provider and what must be closed after it.
type identityProvider struct {
	handler http.Handler
	keys    keystore.Keystore
	logouts *oidc.Backchannel
	store   *memory.Store
	queue   *audit.Queue
	people  *mock.Mock
}

func newIdentityProvider(c *config, clients []*oauth.Client, logger *slog.Logger) (*identityProvider, error) {
	p := new(identityProvider)
	registered, err := oauth.NewStaticClients(clients...)
	if err != nil {
		return nil, err
	}
	secret, err := pairwiseSecret(c.pairwiseSecretFile)
	if err != nil {
		return nil, err
	}
	algorithms := signatureAlgorithms(c.profile, clients)
	if p.keys, err = newKeys(algorithms, clients); err != nil {
		return nil, err
	}
	if p.store, err = memory.New(memory.Config{}); err != nil {
		return nil, err
	}
	if p.people, err = mock.New(mock.Config{Password: c.demoPassword, Store: p.store}); err != nil {
		return nil, fmt.Errorf("-demo-password: %w", err)
	}
	if p.queue, err = audit.NewQueue(audit.QueueConfig{Sink: audit.NewSlogSink(logger), Logger: logger}); err != nil {
		return nil, err
	}
	var sessions login.Sessions
	if c.sessions {
		sessions.Idle = 30 * time.Minute
	}
	provider, err := signet.New(signet.Config{
		Issuer:              c.issuer,
		Clients:             registered,
		Authenticator:       p.people,
		Keys:                p.keys,
		Store:               p.store,
		Profile:             c.profile,
		PairwiseSecret:      secret,
		Algorithms:          algorithms,
		AccessTokenLifetime: c.accessTokenLifetime,
		LoginLifetime:       c.loginLifetime,
		Sessions:            sessions,
		IdentifierLimit:     login.Limit{Attempts: c.attemptsPerPerson},
		ClaimsSupported:     p.people.ClaimNames(),
		// One that is itself on this machine may tell its neighbours of logouts.
		AllowPrivateBackchannel: strings.HasPrefix(c.issuer, "http:"),
		Audit:                   p.queue,
		Logger:                  logger,
	})
	if err != nil {
		return nil, errors.Join(err, p.close(context.Background()))
	}
	p.handler, p.logouts = provider, provider.Backchannel
	return p, nil
}

// close delivers what is left to record and lets go of the state.
func (p *identityProvider) close(ctx context.Context) error {
	var logouts error
	if p.logouts != nil {
		logouts = p.logouts.Close(ctx)
	}
	return errors.Join(logouts, p.queue.Close(ctx), p.people.Close(), p.store.Close())
}

// newKeys makes fresh keys: for the algorithms and, if a client encrypts its requests, for that.
func newKeys(algorithms []jose.SignatureAlgorithm, clients []*oauth.Client) (keystore.Keystore, error) {
	signing, err := keystore.Generate(algorithms...)
	if err != nil {
		return nil, err
	}
	if !slices.ContainsFunc(clients, func(c *oauth.Client) bool { return c.RequestObjectEncryption != "" }) {
		return signing, nil
	}
	decryption, err := keystore.GenerateDecryptionKey(jose.RSA_OAEP_256)
	if err != nil {
		return nil, err
	}
	return keystore.WithDecryption(signing, decryption)
}

// signatureAlgorithms are those that every provider needs, unless the profile forbids them, and those that the clients ask
// for. More would only delay the start: an RSA key takes a tenth of a second.
func signatureAlgorithms(profile oauth.Profile, clients []*oauth.Client) []jose.SignatureAlgorithm {
	algs := []jose.SignatureAlgorithm{jose.ES256}
	if profile.Allows(jose.RS256) {
		algs = append(algs, jose.RS256)
	}
	for _, c := range clients {
		for _, alg := range []jose.SignatureAlgorithm{c.IDTokenAlgorithm, c.UserinfoAlgorithm, c.AuthorizationResponseAlgorithm} {
			if alg != "" && !slices.Contains(algs, alg) {
				algs = append(algs, alg)
			}
		}
	}
	return algs
}

func pairwiseSecret(file string) ([]byte, error) {
	if file == "" {
		secret := make([]byte, minSecret)
		rand.Read(secret)
		return secret, nil
	}
	secret, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("-pairwise-secret-file: %w", err)
	}
	if len(secret) < minSecret {
		return nil, fmt.Errorf("-pairwise-secret-file: %s holds %d bytes, and at least %d are needed", file, len(secret), minSecret)
	}
	return secret, nil
}

// newPortal returns the Health Portal for the endpoint, and its registration at the provider, with a fresh key. The
// registration allows both protocols that the portal offers: plain OpenID Connect and FAPI 2.0.
func newPortal(c *config, e *endpoint, logger *slog.Logger) (http.Handler, *oauth.Client, error) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	key := jose.JSONWebKey{Key: private, KeyID: "portal-1", Algorithm: string(jose.ES256), Use: "sig"}
	client := &oauth.Client{
		ID:                 portalID,
		Names:              map[string]string{"": "Health Portal", "fr": "Portail de santé", "ar": "بوابة الصحة"},
		RedirectURIs:       []string{e.url() + portalCallback},
		Keys:               jose.JSONWebKeySet{Keys: []jose.JSONWebKey{key.Public()}},
		AssertionAlgorithm: jose.ES256,
		Scopes:             []string{"openid", "profile", "email", "phone", "address"},
	}
	var caller *http.Client
	if e.certificate != nil {
		if caller, err = e.certificate.client(); err != nil {
			return nil, nil, err
		}
	}
	handler, err := portal.New(portal.Config{
		Issuer:        c.issuer,
		ClientID:      client.ID,
		Key:           key,
		RedirectURI:   client.RedirectURIs[0],
		Scopes:        []string{"openid", "email", "phone"},
		Claims:        portalClaims,
		ClaimsLocales: []string{"en"}, // beside the language of the register
		FAPI2:         c.profile != oauth.ProfileNone,
		Client:        caller,
		Logger:        logger,
	})
	return handler, client, err
}

// portalClaims asks for what the portal needs, and for what is nice to have.
var portalClaims = []byte(`{"userinfo":{"name":{"essential":true},"birthdate":{"essential":true},"gender":null,"picture":null,"address":null}}`)
