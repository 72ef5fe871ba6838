package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/go-jose/go-jose/v4"

	"github.com/gosignet/signet/keystore"
	"github.com/gosignet/signet/keystore/pkcs11"
	"github.com/gosignet/signet/keystore/pkcs12"
	"github.com/gosignet/signet/keystore/rotation"
	"github.com/gosignet/signet/oauth"
)

// vault is where the private keys are, and what to close after it.
type vault struct {
	keystore.Vault
	close func() error
}

// openVault opens what -keys names. The ledger is that of pkcs12:store.
func (c *config) openVault(ctx context.Context, s *state, logger *slog.Logger) (*vault, error) {
	kind, parameters, _ := strings.Cut(c.keys, ":")
	var v *vault
	var err error
	switch {
	case c.keys == "":
		v = &vault{keystore.NewMemoryVault(), func() error { return nil }}
	case kind == "pkcs12":
		v, err = openPKCS12(ctx, s, parameters)
	case kind == "pkcs11":
		v, err = openPKCS11(ctx, c.keys, logger)
	default:
		err = errors.New(`it begins with neither "pkcs12:" nor "pkcs11:"`)
	}
	if err != nil {
		return nil, fmt.Errorf("-keys: %w", err)
	}
	return v, nil
}

func openPKCS12(ctx context.Context, s *state, text string) (*vault, error) {
	parameters, err := parseParameters(text, "file", "store", "password-file", "create", "pbmac1", "iterations")
	if err != nil {
		return nil, err
	}
	_, inStore := parameters["store"]
	_, create := parameters["create"]
	_, pbmac1 := parameters["pbmac1"]
	file, passwordFile := parameters["file"], parameters["password-file"]
	switch {
	case inStore == (file != ""):
		return nil, errors.New("pkcs12: needs either file=… or store")
	case inStore && s.lasting == nil:
		return nil, errors.New("pkcs12:store needs -store")
	case passwordFile == "":
		return nil, errors.New("pkcs12: needs password-file=…")
	}
	var iterations int
	if text, ok := parameters["iterations"]; ok {
		if iterations, err = strconv.Atoi(text); err != nil {
			return nil, fmt.Errorf("pkcs12: iterations=%s is no number", text)
		}
	}
	storage := pkcs12.File(file)
	if inStore {
		storage = pkcs12.Ledger(s.ledger, "key-files", "signing")
	}
	v, err := pkcs12.Open(ctx, pkcs12.Config{
		Storage: storage, Password: passwordIn(passwordFile), Create: create, PBMAC1: pbmac1, Iterations: iterations,
	})
	if err != nil {
		return nil, err
	}
	return &vault{v, func() error { return nil }}, nil
}

// passwordIn reads a password as people put it into files: a line break at the end is not part of it.
func passwordIn(file string) func() ([]byte, error) {
	return func() ([]byte, error) {
		password, err := os.ReadFile(file)
		return bytes.TrimRight(password, "\r\n"), err
	}
}

func openPKCS11(ctx context.Context, uri string, logger *slog.Logger) (*vault, error) {
	config, err := pkcs11.ParseURI(uri, os.Getenv)
	if err != nil {
		return nil, err
	}
	config.Logger = logger
	v, err := pkcs11.Open(ctx, config)
	if err != nil {
		return nil, err
	}
	return &vault{v, v.Close}, nil
}

// parseParameters reads name=value;name;… and refuses names that are not known.
func parseParameters(text string, known ...string) (map[string]string, error) {
	parameters := map[string]string{}
	for part := range strings.SplitSeq(text, ";") {
		name, value, _ := strings.Cut(part, "=")
		if !slices.Contains(known, name) {
			return nil, fmt.Errorf("unknown parameter %q; there are %s", name, strings.Join(known, ", "))
		}
		if _, ok := parameters[name]; ok {
			return nil, fmt.Errorf("the parameter %s is there twice", name)
		}
		parameters[name] = value
	}
	return parameters, nil
}

// algorithms are those of -algorithms.
type algorithms []jose.SignatureAlgorithm

func (a *algorithms) set(text string) error {
	for name := range strings.SplitSeq(text, ",") {
		alg := jose.SignatureAlgorithm(strings.TrimSpace(name))
		if !slices.Contains(signatureAlgorithms, alg) {
			return fmt.Errorf("%q is none of %v", name, signatureAlgorithms)
		}
		if !slices.Contains(*a, alg) {
			*a = append(*a, alg)
		}
	}
	return nil
}

var signatureAlgorithms = []jose.SignatureAlgorithm{jose.ES256, jose.ES384, jose.PS256, jose.RS256, jose.EdDSA}

// signatures are the algorithms that the server signs with: ES256, those of -algorithms, and those that the clients of
// the file ask for. Without -algorithms there is RS256 too, unless the profile forbids it: it is what relying parties
// without a preference expect (OpenID Connect Core section 15.1).
func (c *config) signatures(clients []*oauth.Client) []jose.SignatureAlgorithm {
	algs := []jose.SignatureAlgorithm{jose.ES256}
	add := func(alg jose.SignatureAlgorithm) {
		if alg != "" && !slices.Contains(algs, alg) {
			algs = append(algs, alg)
		}
	}
	for _, alg := range c.algorithms {
		add(alg)
	}
	if c.algorithms == nil && c.profile.Allows(jose.RS256) {
		add(jose.RS256)
	}
	for _, client := range clients {
		add(client.IDTokenAlgorithm)
		add(client.UserinfoAlgorithm)
		add(client.AuthorizationResponseAlgorithm)
	}
	return algs
}

// keySpecs are the keys to have: one for each signature, and those to open encrypted requests with. In memory the latter
// are there only if a client needs them: an RSA key takes a tenth of a second of the start.
func (c *config) keySpecs(signatures []jose.SignatureAlgorithm, clients []*oauth.Client) []rotation.Spec {
	var specs []rotation.Spec
	for _, alg := range signatures {
		specs = append(specs, rotation.Spec{Role: keystore.TokenSigning, Algorithm: string(alg)})
	}
	if c.wallet {
		specs = append(specs, rotation.Spec{Role: keystore.BindingCA, Algorithm: string(jose.ES256)})
	}
	for _, alg := range []jose.KeyAlgorithm{jose.ECDH_ES, jose.RSA_OAEP_256} {
		wanted := slices.ContainsFunc(clients, func(client *oauth.Client) bool { return client.RequestObjectEncryption == alg })
		if c.keys != "" || wanted {
			specs = append(specs, rotation.Spec{Role: keystore.RequestDecryption, Algorithm: string(alg)})
		}
	}
	return specs
}

// newKeystore manages the keys of the vault.
func (c *config) newKeystore(v *vault, s *state, specs []rotation.Spec, rest rotation.Config) (*rotation.Keystore, error) {
	rest.Vault, rest.Ledger, rest.Notifier = v.Vault, s.ledger, s.notifier // not v itself: it hides what else a vault can do
	rest.Keys, rest.Policy, rest.SelfSigned = specs, c.keyPolicy, c.selfSigned
	keys, err := rotation.New(rest)
	if err != nil {
		return nil, fmt.Errorf("-keys: %w", err)
	}
	return keys, nil
}
