package keystoretest

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/gosignet/signet/keystore"
)

// keyRules are about what is in the vault.
var keyRules = []rule[*subject]{
	{
		"GeneratesWhatFits",
		"Generate makes a key that fits the algorithm, under the label, without certificates.",
		"A key of another kind signs what no relying party verifies.",
		generatesWhatFits,
	},
	{
		"ListsWhatItGenerated",
		"Keys returns each key once, with the identifier, the label and the public key that Generate returned.",
		"The public key that is published must be that of the key that signs, after every restart.",
		listsWhatItGenerated,
	},
	{
		"EveryKeyIsNew",
		"Generate makes another key each time, under the same label too.",
		"A rotation that brings the old key back is none.",
		everyKeyIsNew,
	},
	{
		"UnknownAlgorithm",
		"Generate returns an error that wraps ErrUnsupported for an algorithm that the vault has no keys for, and makes none.",
		"A rotation has to tell an algorithm that will never work from a vault that is away.",
		unknownAlgorithm,
	},
	{
		"Labels",
		"A label is 1 to 128 bytes of printable ASCII and comes back as it is; any other is refused.",
		"The label is what tells the use of a key when its metadata is lost.",
		labels,
	},
	{
		"DeletedIsGone",
		"A deleted key is neither listed nor opened any more, and the others stay.",
		"A revoked key must not come back.",
		deletedIsGone,
	},
	{
		"UnknownID",
		"Open and SetCertificates return an error that wraps ErrNoVaultKey for a key that is not there; Delete returns none.",
		"Two instances may delete the same key; a key that is missing is another matter than a vault that is away.",
		unknownID,
	},
	{
		"EndedContext",
		"When the context has ended, a method returns its error and does nothing.",
		"A request that nobody waits for any more must not occupy a session of an HSM.",
		endedContext,
	},
	{
		"SurvivesRestart",
		"A vault that is opened again has the same keys, with the same identifiers, labels and certificates.",
		"What was published must still sign after a restart.",
		survivesRestart,
	},
}

func generatesWhatFits(ctx context.Context, s *subject) error {
	for _, alg := range s.Algorithms {
		key, err := s.generate(ctx, s.label(alg), alg)
		if err != nil {
			return err
		}
		if key.ID == "" || key.Label != s.label(alg) || len(key.Certificates) > 0 {
			return fmt.Errorf("Generate for %s returned the ID %q, the label %q, want %q, and %d certificates, want none",
				alg, key.ID, key.Label, s.label(alg), len(key.Certificates))
		}
		if err := keystore.CheckPublicKey(alg, key.Public); err != nil {
			return err
		}
	}
	return nil
}

func listsWhatItGenerated(ctx context.Context, s *subject) error {
	for _, alg := range s.Algorithms {
		key, err := s.generate(ctx, s.label(alg), alg)
		if err != nil {
			return err
		}
		found, err := listed(ctx, s.Vault, key.ID)
		switch {
		case err != nil:
			return err
		case found == nil:
			return fmt.Errorf("Keys does not return the key for %s", alg)
		case found.Label != key.Label || !samePublic(found.Public, key.Public):
			return fmt.Errorf("Keys returned the key for %s with the label %q, want %q, or with another public key", alg, found.Label, key.Label)
		}
	}
	return nil
}

func everyKeyIsNew(ctx context.Context, s *subject) error {
	a, _, err := s.one(ctx, "same")
	if err != nil {
		return err
	}
	b, _, err := s.one(ctx, "same")
	if err != nil {
		return err
	}
	if a.ID == b.ID || samePublic(a.Public, b.Public) {
		return errors.New("Generate returned the same identifier or the same public key twice")
	}
	for _, key := range []keystore.VaultKey{a, b} {
		if found, err := listed(ctx, s.Vault, key.ID); err != nil || found == nil || !samePublic(found.Public, key.Public) {
			return fmt.Errorf("of two keys with one label, Keys does not return both: %w", err)
		}
	}
	return nil
}

func unknownAlgorithm(ctx context.Context, s *subject) error {
	for i, alg := range []string{"none", "HS256", "ES256K", "es256", ""} {
		label := s.label(fmt.Sprint(i))
		key, err := s.Vault.Generate(ctx, label, alg)
		if err == nil {
			s.made = append(s.made, key.ID)
		}
		if err := expectError(fmt.Sprintf("Generate for %q", alg), err, keystore.ErrUnsupported); err != nil {
			return err
		}
		if err := expectNoLabel(ctx, s, label); err != nil {
			return err
		}
	}
	return nil
}

func labels(ctx context.Context, s *subject) error {
	for _, label := range []string{
		(s.label("long") + strings.Repeat("x", keystore.MaxLabel))[:keystore.MaxLabel],
		s.label(` !"#$%&'()*+,-./:;<=>?@[\]^_{|}~`),
	} {
		key, err := s.generate(ctx, label, s.Algorithms[0])
		if err != nil {
			return fmt.Errorf("label %q: %w", label, err)
		}
		if found, err := listed(ctx, s.Vault, key.ID); err != nil || found == nil || found.Label != label {
			return fmt.Errorf("Keys does not return the key with the label %q: %w", label, err)
		}
	}
	for _, label := range []string{"", strings.Repeat("x", keystore.MaxLabel+1), s.label("é"), s.label("\n")} {
		if key, err := s.Vault.Generate(ctx, label, s.Algorithms[0]); err == nil {
			s.made = append(s.made, key.ID)
			return fmt.Errorf("Generate took the label %q", label)
		}
	}
	return nil
}

func deletedIsGone(ctx context.Context, s *subject) error {
	gone, _, err := s.one(ctx, "gone")
	if err != nil {
		return err
	}
	stays, _, err := s.one(ctx, "stays")
	if err != nil {
		return err
	}
	if err := s.Vault.Delete(ctx, gone.ID); err != nil {
		return expectError("Delete", err, nil)
	}
	if found, err := listed(ctx, s.Vault, gone.ID); err != nil || found != nil {
		return fmt.Errorf("Keys returned the deleted key, or failed: %w", err)
	}
	if _, err := s.Vault.Open(ctx, gone.ID); !errors.Is(err, keystore.ErrNoVaultKey) {
		return expectError("Open of the deleted key", err, keystore.ErrNoVaultKey)
	}
	if found, err := listed(ctx, s.Vault, stays.ID); err != nil || found == nil {
		return fmt.Errorf("Keys does not return the other key any more: %w", err)
	}
	_, err = s.Vault.Open(ctx, stays.ID)
	return expectError("Open of the other key", err, nil)
}

func unknownID(ctx context.Context, s *subject) error {
	// An identifier of the form that the vault uses.
	key, _, err := s.one(ctx, "x")
	if err != nil {
		return err
	}
	if err := s.Vault.Delete(ctx, key.ID); err != nil {
		return expectError("Delete", err, nil)
	}
	chain, err := issue(key.Public)
	if err != nil {
		return err
	}
	for _, id := range []string{key.ID, "unknown", ""} {
		_, err = s.Vault.Open(ctx, id)
		if err := expectError(fmt.Sprintf("Open of %q", id), err, keystore.ErrNoVaultKey); err != nil {
			return err
		}
		err = s.Vault.SetCertificates(ctx, id, chain)
		if err := expectError(fmt.Sprintf("SetCertificates of %q", id), err, keystore.ErrNoVaultKey); err != nil {
			return err
		}
		if err := expectError(fmt.Sprintf("Delete of %q", id), s.Vault.Delete(ctx, id), nil); err != nil {
			return err
		}
	}
	return nil
}

func endedContext(ctx context.Context, s *subject) error {
	key, alg, err := s.one(ctx, "x")
	if err != nil {
		return err
	}
	chain, err := issue(key.Public)
	if err != nil {
		return err
	}
	ended, cancel := context.WithCancel(ctx)
	cancel()
	_, keysErr := s.Vault.Keys(ended)
	_, generateErr := s.Vault.Generate(ended, s.label("ended"), alg)
	_, openErr := s.Vault.Open(ended, key.ID)
	for what, err := range map[string]error{
		"Keys": keysErr, "Generate": generateErr, "Open": openErr,
		"SetCertificates": s.Vault.SetCertificates(ended, key.ID, chain),
		"Delete":          s.Vault.Delete(ended, key.ID),
	} {
		if err := expectError(what, err, context.Canceled); err != nil {
			return err
		}
	}
	if err := expectNoLabel(ctx, s, s.label("ended")); err != nil {
		return err
	}
	if found, err := listed(ctx, s.Vault, key.ID); err != nil || found == nil || len(found.Certificates) > 0 {
		return fmt.Errorf("the key was changed or deleted all the same: %w", err)
	}
	return nil
}

func survivesRestart(ctx context.Context, s *subject) error {
	if s.Reopen == nil {
		return nil
	}
	for _, alg := range s.Algorithms {
		key, err := s.generate(ctx, s.label(alg), alg)
		if err != nil {
			return err
		}
		chain, err := issue(key.Public)
		if err != nil {
			return err
		}
		if err := s.Vault.SetCertificates(ctx, key.ID, chain); err != nil {
			return expectError("SetCertificates", err, nil)
		}
		vault := s.Reopen()
		found, err := listed(ctx, vault, key.ID)
		if err != nil {
			return err
		}
		if found == nil || found.Label != key.Label || !samePublic(found.Public, key.Public) || !sameChain(found.Certificates, chain) {
			return fmt.Errorf("the vault that was opened again does not have the key for %s as it was", alg)
		}
		if err := expectWorks(ctx, vault, *found, alg); err != nil {
			return fmt.Errorf("after a restart: %w", err)
		}
	}
	return nil
}

// expectNoLabel makes sure that no key has the label.
func expectNoLabel(ctx context.Context, s *subject, label string) error {
	keys, err := s.Vault.Keys(ctx)
	if err != nil {
		return expectError("Keys", err, nil)
	}
	for _, key := range keys {
		if key.Label == label {
			s.made = append(s.made, key.ID)
			return errors.New("there is a key all the same")
		}
	}
	return nil
}
