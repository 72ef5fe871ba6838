package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/gosignet/signet"
	"github.com/gosignet/signet/audit"
	"github.com/gosignet/signet/keystore/rotation"
	"github.com/gosignet/signet/login"
	"github.com/gosignet/signet/oauth"
	"github.com/gosignet/signet/oidc"
	"github.com/gosignet/signet/registry"
	"github.com/gosignet/signet/store"
)

const minSecret = 32

// identityProvider is the provider and what must be closed after it.
type identityProvider struct {
	// provider is what handler serves, with what the server puts beside it.
	provider *signet.Provider
	handler  http.Handler
	keys     *rotation.Keystore
	clients  *registry.Registry
	logouts  *oidc.Backchannel
	state    *state
	queue    *audit.Queue
	identity *identitySystem
	closers  []func(context.Context) error // in reverse order
	rotating sync.WaitGroup
}

// newIdentityProvider opens the state and the keys and composes the provider. The clients are registered as they are
// now, whatever was registered before.
func newIdentityProvider(ctx context.Context, c *config, clients []*oauth.Client, logger *slog.Logger) (p *identityProvider, err error) {
	p = new(identityProvider)
	defer func() {
		if err != nil {
			err = errors.Join(err, p.close(context.WithoutCancel(ctx)))
		}
	}()
	pages, err := c.readPages()
	if err != nil {
		return p, err
	}
	if c, err = pages.settled(c); err != nil {
		return p, err
	}
	pages.log(logger)
	secret, err := pairwiseSecret(c.pairwiseSecretFile)
	if err != nil {
		return p, err
	}
	nonceSecrets, err := c.nonceSecrets()
	if err != nil {
		return p, err
	}
	if p.state, err = c.openState(ctx, logger); err != nil {
		return p, err
	}
	p.closeAtEnd(func(context.Context) error { return p.state.close() })
	if p.queue, err = audit.NewQueue(audit.QueueConfig{Sink: audit.NewSlogSink(logger), Logger: logger}); err != nil {
		return p, err
	}
	p.closeAtEnd(p.queue.Close)
	signatures := c.signatures(clients)
	if err := p.openKeys(ctx, c, c.keySpecs(signatures, clients), logger); err != nil {
		return p, err
	}
	if err := p.register(ctx, c, clients, logger); err != nil {
		return p, err
	}
	logins, err := p.openLogins(ctx, c, secret, logger)
	if err != nil {
		return p, err
	}
	theme, err := c.readTheme()
	if err != nil {
		return p, err
	}
	templates, err := c.openTemplates()
	if err != nil {
		return p, err
	}
	var sessions login.Sessions
	if c.sessions {
		sessions.Idle = 30 * time.Minute
	}
	api, err := p.esignet(c)
	if err != nil {
		return p, err
	}
	verifier, err := c.signUp(p.identity)
	if err != nil {
		return p, err
	}
	provider, err := signet.New(signet.Config{
		ESignet:             api,
		Issuer:              c.issuer,
		Clients:             p.clients,
		Authenticator:       p.identity.Authenticator,
		Methods:             logins.methods,
		ACRs:                logins.acrs,
		EnrollmentACRs:      logins.enrollment,
		Keys:                p.keys,
		Wallet:              p.wallets(logins),
		Verifier:            verifier,
		Store:               p.state.ephemeral,
		Ledger:              p.state.ledger,
		Passkeys:            passkeysOf(logins.methods),
		Profile:             c.profile,
		PairwiseSecret:      secret,
		NonceSecrets:        nonceSecrets,
		Algorithms:          signatures,
		AccessTokenLifetime: c.accessTokenLifetime,
		LoginLifetime:       c.loginLifetime,

		AuthenticatorTimeout: c.authenticatorTimeout,

		Theme:              pages.theme(theme),
		DefaultLanguage:    pages.DefaultLanguage,
		Templates:          templates,
		Sessions:           sessions,
		MaxAttempts:        c.attemptsPerLogin,
		MaxCodes:           c.codesPerLogin,
		Delay:              login.Delay{First: c.delay, Free: c.delayAfter},
		IdentifierLimit:    login.Limit{Attempts: c.attemptsPerPerson},
		SourceLimit:        login.Limit{Attempts: c.attemptsPerAddress},
		PictureTypes:       []string{"image/jpeg", "image/png", "image/webp", "image/svg+xml"}, // as the personas have them
		ClaimsSupported:    p.identity.claims,
		Assurance:          p.identity.assurance,
		Captcha:            logins.captcha,
		CaptchaOn:          logins.captchaOn,
		CaptchaAfter:       c.captchaAfter,
		IdentifierTypes:    pages.IdentifierTypes,
		Links:              pages.Links,
		FrameAncestors:     pages.FrameAncestors,
		Documents:          c.documents(),
		Logos:              pages.Logos,
		Catalog:            c.catalog(),
		Biometrics:         pages.biometrics(p.identity.biometrics),
		CaptureTransaction: p.identity.captureTransaction,
		// One that is itself on this machine may tell its neighbours of logouts.
		AllowPrivateBackchannel: c.onLoopback(),
		Audit:                   p.queue,
		Logger:                  logger,
	})
	if err != nil {
		return p, err
	}
	p.provider, p.handler, p.logouts = provider, provider, provider.Backchannel
	if c.apiDescription {
		if p.handler, err = describeAPI(provider, c.issuer, logger); err != nil {
			return p, err
		}
	}
	p.handler = c.withPreview(p.handler, provider.Pages)
	if p.logouts != nil {
		p.closeAtEnd(p.logouts.Close)
	}
	p.closeAtEnd(provider.Pages.Close)
	if provider.ESignet != nil {
		p.closeAtEnd(provider.ESignet.Close)
	}
	return p, nil
}

// openLogins makes the identity system and the ways to log in.
func (p *identityProvider) openLogins(ctx context.Context, c *config, secret []byte, logger *slog.Logger) (*waysToLogIn, error) {
	builder := &identityBuilder{config: c, ctx: ctx, store: p.state.ephemeral, secret: secret, logger: logger}
	identity, err := builder.build()
	captcha, captchaErr := c.newCaptcha(p.state.ephemeral, secret)
	if err := errors.Join(err, captchaErr); err != nil {
		return nil, err
	}
	p.identity = identity
	p.closeAtEnd(func(context.Context) error { return identity.close() })
	if c.sessions && identity.once {
		return nil, errors.New("-sessions: do not go with MOSIP ID Authentication, which releases claims once for each login")
	}
	logins, err := c.waysToLogIn(identity, p.state.ledger, secret, logger)
	if err != nil {
		return nil, err
	}
	logins.captcha = captcha
	logins.captchaOn, err = c.captchaUses()
	return logins, err
}

// onLoopback reports whether the issuer is one for development.
func (c *config) onLoopback() bool { return strings.HasPrefix(c.issuer, "http:") }

// openKeys opens the vault, makes the keys that are missing, and has them rotated.
func (p *identityProvider) openKeys(ctx context.Context, c *config, specs []rotation.Spec, logger *slog.Logger) error {
	v, err := c.openVault(ctx, p.state, logger)
	if err != nil {
		return err
	}
	p.closeAtEnd(func(context.Context) error { return v.close() })
	if p.keys, err = c.newKeystore(v, p.state, specs, rotation.Config{Audit: p.queue, Logger: logger}); err != nil {
		return err
	}
	if err := p.keys.Start(ctx); err != nil {
		return fmt.Errorf("-keys: %w", err)
	}
	running, stop := context.WithCancel(context.Background())
	p.rotating.Go(func() { p.keys.Run(running) })
	p.closeAtEnd(func(context.Context) error {
		stop()
		p.rotating.Wait()
		return nil
	})
	return nil
}

// register opens the register of clients and puts the given ones into it.
func (p *identityProvider) register(ctx context.Context, c *config, clients []*oauth.Client, logger *slog.Logger) (err error) {
	p.clients, err = registry.New(registry.Config{
		Ledger:       p.state.ledger,
		Notifier:     p.state.notifier,
		Profile:      c.profile,
		Development:  c.onLoopback(),
		AllowPrivate: c.onLoopback(),
		Audit:        p.queue,
		Logger:       logger,
	})
	if err != nil {
		return err
	}
	p.closeAtEnd(func(context.Context) error { return p.clients.Close() })
	var errs []error
	for _, client := range clients {
		_, err := p.clients.Get(ctx, client.ID)
		if errors.Is(err, oauth.ErrUnknownClient) {
			_, err = p.clients.Create(ctx, "server", client)
		}
		if err == nil || errors.Is(err, store.ErrExists) { // another instance that starts may have been first
			_, err = p.clients.Put(ctx, "server", client, 0)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("client %s: %w", client.ID, err))
		}
	}
	return errors.Join(errs...)
}

// closeAtEnd has something closed before what was opened earlier.
func (p *identityProvider) closeAtEnd(f func(context.Context) error) {
	p.closers = append(p.closers, f)
}

// close delivers what is left to record and lets go of the state.
func (p *identityProvider) close(ctx context.Context) error {
	var errs []error
	for _, f := range slices.Backward(p.closers) {
		errs = append(errs, f(ctx))
	}
	p.closers = nil
	return errors.Join(errs...)
}

// nonceSecrets reads the files of -nonce-secret-files.
func (c *config) nonceSecrets() ([][]byte, error) {
	if c.nonceSecretFiles == "" {
		return nil, nil
	}
	var secrets [][]byte
	for file := range strings.SplitSeq(c.nonceSecretFiles, ",") {
		secret, err := readSecret("nonce-secret-files", file)
		if err != nil {
			return nil, err
		}
		secrets = append(secrets, secret)
	}
	return secrets, nil
}

func pairwiseSecret(file string) ([]byte, error) {
	if file == "" {
		secret := make([]byte, minSecret)
		rand.Read(secret)
		return secret, nil
	}
	return readSecret("pairwise-secret-file", file)
}

func readSecret(flag, file string) ([]byte, error) {
	secret, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("-%s: %w", flag, err)
	}
	if len(secret) < minSecret {
		return nil, fmt.Errorf("-%s: %s holds %d bytes, and at least %d are needed", flag, file, len(secret), minSecret)
	}
	return secret, nil
}
