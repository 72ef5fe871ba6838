package main

import (
	"bytes"
	"context"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/gosignet/signet/audit"
	"github.com/gosignet/signet/keystore"
	"github.com/gosignet/signet/keystore/rotation"
)

// keyFlags are those of the commands on keys. The policy is the server's: it says when a key takes over and goes.
var keyFlags = []string{"store", "keys", "key-lifetime", "key-publish-ahead", "key-keep-for", "self-signed-certificates"}

// keyCommands change and show the keys in -keys. A server in memory has no other process that could do so.
func keyCommands() map[string]command {
	with := func(names ...string) []string { return append(names, keyFlags...) }
	return map[string]command{
		"keys list": {"keys list", "List the keys", keyFlags, keyCommand(listKeys)},
		"keys rotate": {"keys rotate", "Let the next key take over as soon as verifiers must have it, or with -force now", with("role", "alg", "force"),
			keyCommand(func(ctx context.Context, t *terminal, k *rotation.Keystore, _ []string) error {
				next, err := k.Rotate(ctx, t.keyRole(), t.keyAlgorithm(), t.force)
				if err != nil {
					return err
				}
				fmt.Fprintf(t.stdout, "%s signs from %s on\n", next.KeyID, next.Activates.UTC().Format(time.RFC3339))
				return nil
			})},
		"keys retire": {"keys retire <kid>", "Sign with a key no longer; it stays published until its last signature expires", keyFlags,
			keyCommand(func(ctx context.Context, _ *terminal, k *rotation.Keystore, args []string) error {
				return k.Retire(ctx, args[0])
			})},
		"keys revoke": {"keys revoke <kid>", "Withdraw a key that somebody else may have: within seconds no instance signs with it or publishes it", keyFlags,
			keyCommand(func(ctx context.Context, _ *terminal, k *rotation.Keystore, args []string) error {
				return k.Revoke(ctx, args[0])
			})},
		"keys import": {"keys import", "Take a private key from a PEM file, with its certificates if they follow it, as the next key", with("file", "role", "alg"),
			keyCommand(importKey)},
		"keys csr": {"keys csr <kid>", "Write a request for a certificate of a key, in PEM", with("subject"), keyCommand(writeCSR)},
		"keys certificate": {"keys certificate <kid>", "Publish the certificates of a PEM file with a key, its own first", with("file"),
			keyCommand(func(ctx context.Context, t *terminal, k *rotation.Keystore, args []string) error {
				data, err := t.input()
				if err != nil {
					return err
				}
				chain, err := keystore.ParseCertificatesPEM(data)
				if err != nil {
					return err
				}
				return k.SetCertificate(ctx, args[0], chain)
			})},
	}
}

// keyCommand opens the keys for the command.
func keyCommand(run func(context.Context, *terminal, *rotation.Keystore, []string) error) func(context.Context, *terminal, []string) error {
	return func(ctx context.Context, t *terminal, args []string) (err error) {
		switch {
		case t.keys == "":
			return errors.New("-keys is missing: keys in memory are those of one process")
		case t.store == "":
			return errors.New("-store is missing: when a key signs is written there")
		}
		logger := slog.New(slog.NewTextHandler(t.stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
		state, err := t.openLasting(ctx, logger)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, state.close()) }()
		v, err := t.openVault(ctx, state, logger)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, v.close()) }()
		rest := rotation.Config{Audit: audit.NewSlogSink(logger), Logger: logger}
		specs := t.keySpecs(t.signatures(nil), nil)
		if spec := (rotation.Spec{Role: t.keyRole(), Algorithm: t.keyAlgorithm()}); !slices.Contains(specs, spec) {
			specs = append(specs, spec)
		}
		keys, err := t.newKeystore(v, state, specs, rest)
		if err != nil {
			return err
		}
		// What is in the ledger may be more than what the flags name.
		known, err := keys.List(ctx)
		if err != nil {
			return err
		}
		for _, key := range known {
			if spec := (rotation.Spec{Role: key.Role, Algorithm: key.Algorithm}); !slices.Contains(specs, spec) {
				specs = append(specs, spec)
			}
		}
		if keys, err = t.newKeystore(v, state, specs, rest); err != nil {
			return err
		}
		return run(ctx, t, keys, args)
	}
}

func (t *terminal) keyRole() keystore.Role {
	if t.role == "" {
		return keystore.TokenSigning
	}
	return keystore.Role(t.role)
}

func (t *terminal) keyAlgorithm() string {
	if t.alg == "" {
		return "ES256"
	}
	return t.alg
}

func listKeys(ctx context.Context, t *terminal, k *rotation.Keystore, _ []string) error {
	keys, err := k.List(ctx)
	if err != nil {
		return err
	}
	table := tabwriter.NewWriter(t.stdout, 0, 0, 3, ' ', 0)
	fmt.Fprintln(table, "KID\tROLE\tALG\tSTATE\tSIGNS FROM\tUNTIL\tPUBLISHED UNTIL\tCERTIFICATE UNTIL")
	for _, key := range keys {
		var certificate time.Time
		if len(key.Certificates) > 0 {
			certificate = key.Certificates[0].NotAfter
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", key.KeyID, key.Role, key.Algorithm, key.State,
			date(key.Activates), date(key.Retires), date(key.Removes), date(certificate))
	}
	return table.Flush()
}

func date(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.UTC().Format("2006-01-02 15:04Z")
}

func importKey(ctx context.Context, t *terminal, k *rotation.Keystore, _ []string) error {
	data, err := t.input()
	if err != nil {
		return err
	}
	var chain []*x509.Certificate
	if i := bytes.Index(data, []byte("-----BEGIN CERTIFICATE-----")); i >= 0 {
		if chain, err = keystore.ParseCertificatesPEM(data[i:]); err != nil {
			return err
		}
		data = data[:i]
	}
	private, err := keystore.ParsePrivateKeyPEM(data)
	if err != nil {
		return err
	}
	key, err := k.Import(ctx, t.keyRole(), t.keyAlgorithm(), private, chain)
	if err != nil {
		return err
	}
	fmt.Fprintf(t.stdout, "%s signs from %s on\n", key.KeyID, key.Activates.UTC().Format(time.RFC3339))
	return nil
}

func writeCSR(ctx context.Context, t *terminal, k *rotation.Keystore, args []string) error {
	subject, err := parseSubject(t.subject)
	if err != nil {
		return err
	}
	csr, err := k.CSR(ctx, args[0], subject)
	if err != nil {
		return err
	}
	_, err = t.stdout.Write(csr)
	return err
}

// parseSubject reads a distinguished name of the attributes that certificates of providers have.
func parseSubject(text string) (name pkix.Name, err error) {
	for part := range strings.SplitSeq(text, ",") {
		attribute, value, ok := strings.Cut(strings.TrimSpace(part), "=")
		if !ok || value == "" {
			return name, errors.New("-subject: must be like CN=id.example,O=Ministry of the Interior,C=XX")
		}
		switch strings.ToUpper(attribute) {
		case "CN":
			name.CommonName = value
		case "O":
			name.Organization = append(name.Organization, value)
		case "OU":
			name.OrganizationalUnit = append(name.OrganizationalUnit, value)
		case "L":
			name.Locality = append(name.Locality, value)
		case "ST":
			name.Province = append(name.Province, value)
		case "C":
			name.Country = append(name.Country, value)
		default:
			return name, fmt.Errorf("-subject: %q is none of CN, O, OU, L, ST and C", attribute)
		}
	}
	return name, nil
}
