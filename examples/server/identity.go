package main

import (
	"context"
	"crypto/hkdf"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/authenticator/mock"
	"github.com/gosignet/signet/authenticator/router"
	"github.com/gosignet/signet/oidc"
	"github.com/gosignet/signet/store"
	"github.com/gosignet/signet/ui"
)

// identitySystem knows who people are.
type identitySystem struct {
	authenticator.Authenticator
	// people are those of the mock; nil if it is another system.
	people *mock.Mock
	// claims are those that it can release. Nil means the usual ones.
	claims []string
	// assurance is what it can say about how claims were verified.
	assurance oidc.Assurance
	// biometrics and captureTransaction are what devices are told; see [ui.Config].
	biometrics         ui.Biometrics
	captureTransaction func(transaction string) string
	// once says that its identities are good for the one login, so that there are no sessions.
	once  bool
	close func() error
}

// identityBuilder makes identity systems of what the configuration says.
type identityBuilder struct {
	*config
	ctx    context.Context
	store  store.Ephemeral
	secret []byte // from which those of the systems are derived
	logger *slog.Logger
}

// build makes the identity system of -identity, and without it the mock. What is wrong it says all at once.
func (b *identityBuilder) build() (*identitySystem, error) {
	if b.identityFile == "" {
		personas, err := readPersonas(b.personas)
		if err != nil {
			return nil, err
		}
		s, err := b.mock(mock.Config{Password: b.demoPassword, Personas: personas})
		if err != nil && b.personas == "" {
			return nil, fmt.Errorf("-demo-password: %w", err)
		}
		if err != nil {
			return nil, fmt.Errorf("-demo-password, -personas: %w", err)
		}
		return s, nil
	}
	d, err := readDocument(b.identityFile)
	if err != nil {
		return nil, fmt.Errorf("-identity: %w", err)
	}
	claims, assured := d.texts("claims_supported"), member[*oidc.Assurance](d, "assurance")
	s, err := b.system(d)
	if err != nil {
		return nil, fmt.Errorf("-identity: %s:\n%w", b.identityFile, err)
	}
	if claims != nil {
		s.claims = claims
	}
	if assured != nil {
		s.assurance = *assured
	}
	return s, nil
}

// system makes the identity system that an object describes.
func (b *identityBuilder) system(d *document) (*identitySystem, error) {
	read := map[string]func(*document) (*identitySystem, error){
		"mock": b.readMock, "csv": b.readCSV, "ida": b.readIDA, "sunbird": b.readSunbird, "remote": b.readRemote, "router": b.readRouter,
	}[d.text("type")]
	if read == nil {
		d.problem("type", "is none of mock, csv, ida, sunbird, remote, router")
		return nil, errors.Join(d.errs...) // of the other members nothing is known
	}
	return read(d)
}

// finished makes a system of what was read, if all is well with that, and says what its package finds wrong.
func finished(d *document, build func() (*identitySystem, error)) (*identitySystem, error) {
	if err := d.finish(); err != nil {
		return nil, err
	}
	s, err := build()
	if err != nil {
		return nil, at(d, err)
	}
	return s, nil
}

// at says for each problem where in the file the object is that has it.
func at(d *document, err error) error {
	if d.place == "" {
		return err
	}
	lines := strings.Split(err.Error(), "\n")
	for i := range lines {
		lines[i] = strings.TrimSuffix(d.place, ".") + ": " + lines[i]
	}
	return errors.New(strings.Join(lines, "\n"))
}

func (b *identityBuilder) mock(c mock.Config) (*identitySystem, error) {
	secret, err := derive(b.secret, "signet server mock v1")
	if err != nil {
		return nil, err
	}
	c.Store, c.Secret = b.store, secret
	if c.Factors == nil {
		c.Factors = mock.AllFactors()
	}
	people, err := mock.New(c)
	if err != nil {
		return nil, err
	}
	return &identitySystem{
		Authenticator: people, people: people, claims: people.ClaimNames(), assurance: assuranceOf(people.Personas()), close: people.Close,
	}, nil
}

// readMock reads {"type": "mock", …}. Unlike the one without -identity it has no password that everybody knows.
func (b *identityBuilder) readMock(d *document) (*identitySystem, error) {
	c := mock.Config{Password: d.secret("password_file"), Factors: factors(d.texts("factors"))}
	if file := d.text("personas_file"); file != "" {
		var err error
		if c.Personas, err = readPersonas(d.path(file)); err != nil {
			d.problem("personas_file", "%w", errors.Unwrap(err)) // which names no flag
		}
	}
	return finished(d, func() (*identitySystem, error) { return b.mock(c) })
}

// choice says for which logins a system is asked.
type choice struct {
	name           string
	types, clients []string
}

// readRouter reads {"type": "router", "systems": […]}.
func (b *identityBuilder) readRouter(d *document) (*identitySystem, error) {
	c := router.Config{
		Store: b.store, Logger: b.logger,
		Lifetime: d.duration("lifetime"), MaxFailures: d.number("max_failures"), Pause: d.duration("pause"),
	}
	all, usual := &identitySystem{}, false
	var choices []choice
	var closers []func() error
	all.close = func() error {
		var errs []error
		for _, f := range closers {
			errs = append(errs, f())
		}
		return errors.Join(errs...)
	}
	var errs []error
	for _, s := range d.objects("systems") {
		system := router.System{
			Name: s.text("name"), Register: s.text("register"), MaxInFlight: s.number("max_in_flight"), Timeout: s.duration("timeout"),
		}
		chosen := choice{name: system.Name}
		if choose := s.object("choose"); choose != nil {
			chosen.types, chosen.clients = choose.texts("identifier_types"), choose.texts("clients")
		}
		choices = append(choices, chosen)
		inner, err := b.within(s)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		if inner == nil {
			continue
		}
		closers = append(closers, inner.close)
		system.Authenticator = inner.Authenticator
		c.Systems = append(c.Systems, system)
		all.claims, usual = union(all.claims, inner.claims), usual || inner.claims == nil
		all.assurance = bothAssurances(all.assurance, inner.assurance)
		all.once = all.once || inner.once
		if inner.captureTransaction != nil {
			all.biometrics, all.captureTransaction = inner.biometrics, inner.captureTransaction
		}
	}
	if usual {
		all.claims = nil
	}
	c.Choose = chooser(choices)
	s, err := finished(d, func() (*identitySystem, error) {
		if len(errs) > 0 {
			return all, nil
		}
		routed, err := router.New(c)
		all.Authenticator = routed
		return all, err
	})
	if err := errors.Join(append(errs, err)...); err != nil {
		return nil, errors.Join(err, all.close())
	}
	return s, nil
}

// within makes the system that is the member "config". It is nil if that is not there, which was said then.
func (b *identityBuilder) within(s *document) (*identitySystem, error) {
	config := s.object("config")
	switch {
	case config == nil && !s.has("config"):
		s.problem("config", "is missing")
		return nil, nil
	case config == nil:
		return nil, nil
	}
	s.inner = s.inner[:len(s.inner)-1] // what is wrong with it is said here
	if config.text("type") == "router" {
		return nil, fmt.Errorf("%stype: a router is in no router", config.place)
	}
	return b.system(config)
}

// chooser asks those systems whose conditions the login meets, and where there are none those without conditions.
func chooser(choices []choice) func(router.Choice) []string {
	return func(c router.Choice) []string {
		var special, others []string
		for _, system := range choices {
			switch {
			case len(system.types) == 0 && len(system.clients) == 0:
				others = append(others, system.name)
			case allows(system.types, c.Identifier.Type) && allows(system.clients, c.ClientID):
				special = append(special, system.name)
			}
		}
		if len(special) > 0 {
			return special
		}
		return others
	}
}

// allows reports whether the value is one of those that were named, or none were.
func allows(named []string, value string) bool {
	return len(named) == 0 || slices.Contains(named, value)
}

// baseName is the name of a claim without its language.
func baseName(claim string) string {
	name, _, _ := strings.Cut(claim, "#")
	return name
}

func union(a, b []string) []string {
	for _, name := range b {
		if !slices.Contains(a, name) {
			a = append(a, name)
		}
	}
	return a
}

// derive makes a secret of its own for each use of a secret.
func derive(secret []byte, use string) ([]byte, error) {
	return hkdf.Key(sha256.New, secret, nil, use, minSecret)
}
