package keystoretest

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/gob"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"github.com/go-jose/go-jose/v4"

	"github.com/gosignet/signet/keystore"
)

// secretRules are about private keys as data.
var secretRules = []rule[*subject]{
	{
		"PrivateKeysStayInside",
		"What Open returns is no private key of the standard library, and cannot be encoded as one.",
		"A private key that can be encoded is one line of code away from a file, or an answer.",
		privateKeysStayInside,
	},
	{
		"ImportedKeysWork",
		"Import, if the vault has it, stores a key and its chain as if the key had been made here.",
		"A deployment brings the keys that it had before.",
		importedKeysWork,
	},
	{
		"ImportChecks",
		"Import refuses a key that does not fit the algorithm, or a chain of another key, and stores nothing.",
		"What was refused must not be found at the next start.",
		importChecks,
	},
	{
		"NothingSecretIsPrinted",
		"Neither printing nor encoding the vault, or what it returns for an imported key, shows the private key.",
		"Somebody will print a configuration that holds the vault.",
		nothingSecretIsPrinted,
	},
}

func privateKeysStayInside(ctx context.Context, s *subject) error {
	for _, alg := range s.Algorithms {
		made, err := s.generate(ctx, s.label(alg), alg)
		if err != nil {
			return err
		}
		private, err := s.Vault.Open(ctx, made.ID)
		if err != nil {
			return expectError("Open", err, nil)
		}
		switch private.(type) {
		case *ecdsa.PrivateKey, *rsa.PrivateKey, ed25519.PrivateKey, *ed25519.PrivateKey, *ecdh.PrivateKey:
			return fmt.Errorf("Open returned a %T for %s", private, alg)
		}
		if _, err := x509.MarshalPKCS8PrivateKey(private); err == nil {
			return fmt.Errorf("what Open returned for %s can be encoded in PKCS #8", alg)
		}
	}
	return nil
}

func importedKeysWork(ctx context.Context, s *subject) error {
	importer, ok := s.Vault.(keystore.Importer)
	if !ok {
		return nil
	}
	for _, alg := range s.Algorithms {
		private, err := newPrivate(alg)
		if err != nil {
			return err
		}
		chain, err := issue(private.Public())
		if err != nil {
			return err
		}
		made, err := importer.Import(ctx, s.label(alg), alg, private, chain)
		if err != nil {
			return fmt.Errorf("Import for %s returned the error %q", alg, err)
		}
		s.made = append(s.made, made.ID)
		found, err := listed(ctx, s.Vault, made.ID)
		if err != nil {
			return err
		}
		if found == nil || found.Label != s.label(alg) || !samePublic(found.Public, private.Public()) || !sameChain(found.Certificates, chain) {
			return fmt.Errorf("Keys does not return the key for %s as it was imported", alg)
		}
		if err := expectWorks(ctx, s.Vault, *found, alg); err != nil {
			return fmt.Errorf("an imported key: %w", err)
		}
	}
	return nil
}

func importChecks(ctx context.Context, s *subject) error {
	importer, ok := s.Vault.(keystore.Importer)
	if !ok {
		return nil
	}
	for _, alg := range s.Algorithms {
		private, err := newPrivate(alg)
		if err != nil {
			return err
		}
		other, err := newPrivate(alg)
		if err != nil {
			return err
		}
		chain, err := issue(other.Public())
		if err != nil {
			return err
		}
		misfit, err := newPrivate(misfits(alg))
		if err != nil {
			return err
		}
		for what, try := range map[string]func() (keystore.VaultKey, error){
			"a chain of another key":  func() (keystore.VaultKey, error) { return importer.Import(ctx, s.label(alg), alg, private, chain) },
			"a key that does not fit": func() (keystore.VaultKey, error) { return importer.Import(ctx, s.label(alg), alg, misfit, nil) },
			"a public key": func() (keystore.VaultKey, error) {
				return importer.Import(ctx, s.label(alg), alg, private.Public(), nil)
			},
			"no key":                           func() (keystore.VaultKey, error) { return importer.Import(ctx, s.label(alg), alg, nil, nil) },
			"a key for an unknown algorithm":   func() (keystore.VaultKey, error) { return importer.Import(ctx, s.label(alg), "none", private, nil) },
			"a key under a label that is none": func() (keystore.VaultKey, error) { return importer.Import(ctx, "", alg, private, nil) },
		} {
			if made, err := try(); err == nil {
				s.made = append(s.made, made.ID)
				return fmt.Errorf("Import for %s took %s", alg, what)
			}
			if err := expectNoLabel(ctx, s, s.label(alg)); err != nil {
				return fmt.Errorf("Import for %s refused %s, but %w", alg, what, err)
			}
		}
	}
	return nil
}

// misfits returns an algorithm whose keys do not fit alg.
func misfits(alg string) string {
	if alg == string(jose.ES384) {
		return string(jose.ES256)
	}
	return string(jose.ES384)
}

func nothingSecretIsPrinted(ctx context.Context, s *subject) error {
	importer, ok := s.Vault.(keystore.Importer)
	if !ok {
		return nil
	}
	for _, alg := range s.Algorithms {
		private, err := newPrivate(alg)
		if err != nil {
			return err
		}
		made, err := importer.Import(ctx, s.label(alg), alg, private, nil)
		if err != nil {
			return fmt.Errorf("Import for %s returned the error %q", alg, err)
		}
		s.made = append(s.made, made.ID)
		opened, err := s.Vault.Open(ctx, made.ID)
		if err != nil {
			return expectError("Open", err, nil)
		}
		secrets := secretsOf(private)
		if len(secrets) == 0 {
			return errors.New("nothing to look for")
		}
		for what, value := range map[string]any{"the vault": s.Vault, "what Import returned": made, "what Open returned": opened} {
			if how := shows(value, secrets); how != "" {
				return fmt.Errorf("%s shows the private key of %s: %s", what, alg, how)
			}
		}
	}
	return nil
}

// shows returns how the value shows one of the secrets, or an empty string.
func shows(value any, secrets [][]byte) string {
	texts := map[string]string{}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x"} {
		texts[verb] = fmt.Sprintf(verb, value)
		texts[verb+" in a struct"] = fmt.Sprintf(verb, struct{ hidden any }{value})
	}
	if encoded, err := json.Marshal(value); err == nil {
		texts["JSON"] = string(encoded)
	}
	var out bytes.Buffer
	if gob.NewEncoder(&out).Encode(value) == nil {
		texts["gob"] = out.String()
	}
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "value", value)
	texts["slog"] = log.String()
	for how, text := range texts {
		for _, secret := range secrets {
			for _, form := range formsOf(secret) {
				if strings.Contains(strings.ToLower(text), strings.ToLower(form)) {
					return how
				}
			}
		}
	}
	return ""
}

// formsOf returns what the beginning of a secret looks like.
func formsOf(secret []byte) []string {
	begin := secret[:12]
	list := strings.Trim(fmt.Sprintf("%d", begin), "[]")
	return []string{
		string(begin), fmt.Sprintf("%x", begin), base64.StdEncoding.EncodeToString(begin), base64.URLEncoding.EncodeToString(begin),
		list, strings.ReplaceAll(list, " ", ","), strings.ReplaceAll(list, " ", ", "), strings.Trim(fmt.Sprintf("%#v", begin), "[]byte{}"),
	}
}

// secretsOf returns the secret numbers of a private key, also as digits.
func secretsOf(private crypto.PrivateKey) (secrets [][]byte) {
	switch private := private.(type) {
	case *ecdsa.PrivateKey:
		if d, err := private.Bytes(); err == nil {
			secrets = append(secrets, d, []byte(private.D.String()))
		}
	case *rsa.PrivateKey:
		secrets = append(secrets, private.D.Bytes(), []byte(private.D.String()))
		for _, p := range private.Primes {
			secrets = append(secrets, p.Bytes(), []byte(p.String()))
		}
	case ed25519.PrivateKey:
		secrets = append(secrets, private.Seed())
	}
	return secrets
}

// newPrivate makes a private key to import.
func newPrivate(alg string) (crypto.Signer, error) {
	switch alg {
	case string(jose.ES256), string(jose.ECDH_ES):
		return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case string(jose.ES384):
		return ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	case string(jose.EdDSA):
		_, private, err := ed25519.GenerateKey(rand.Reader)
		return private, err
	}
	return rsa.GenerateKey(rand.Reader, 2048)
}
