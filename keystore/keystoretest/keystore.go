package keystoretest

import (
	"context"
	"crypto"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/go-jose/go-jose/v4"

	"github.com/gosignet/signet/keystore"
)

// keystoreRules are all rules for keystores.
var keystoreRules = []rule[keystore.Keystore]{
	{
		"SignersArePublished",
		"Each key that Signer returns for tokens is among Keys, and what it signs is verified with that entry alone.",
		"A relying party has nothing but the JSON Web Key Set.",
		signersArePublished,
	},
	{
		"KeysAreWellFormed",
		"Each public key has a kid of its own, which is its RFC 7638 thumbprint, a use, and an alg that it fits.",
		"With one kid for two keys, or no alg, a verifier cannot choose.",
		keysAreWellFormed,
	},
	{
		"NoKey",
		"Signer returns an error that wraps ErrNoKey for an algorithm that it has no key for.",
		"A client that registered another algorithm must get an error, not a token that it refuses.",
		noKey,
	},
	{
		"CallersOwnTheKeys",
		"What a caller does with the slice that Keys returned is not seen by the next one.",
		"One request must not take another one's keys away.",
		callersOwnTheKeys,
	},
	{
		"ConcurrentUse",
		"64 goroutines get the signer, sign and read the keys at the same time, and all signatures are right.",
		"Every token of every login goes through here.",
		concurrentUse,
	},
	{
		"Decrypts",
		"A keystore that publishes keys for encryption is a Decrypter, and opens what is encrypted for any of them.",
		"A client may use each of them, for as long as it has cached it.",
		decrypts,
	},
	{
		"RefusesWhatIsNotForIt",
		"Decrypt returns an error that wraps ErrDecrypt for what is malformed, or encrypted for another key.",
		"A client's mistake must not look like a keystore that is away.",
		refusesWhatIsNotForIt,
	},
}

var signatureAlgorithms = []jose.SignatureAlgorithm{jose.ES256, jose.ES384, jose.EdDSA, jose.PS256, jose.RS256}

// signersOf returns what the keystore signs tokens with.
func signersOf(ctx context.Context, keys keystore.Keystore) (signers []*keystore.Key, err error) {
	for _, role := range []keystore.Role{keystore.TokenSigning, keystore.UserinfoSigning, keystore.ResponseSigning} {
		for _, alg := range signatureAlgorithms {
			key, err := keys.Signer(ctx, role, alg)
			switch {
			case errors.Is(err, keystore.ErrNoKey):
			case err != nil:
				return nil, fmt.Errorf("Signer for %s with %s returned the error %q", role, alg, err)
			case key == nil || key.Algorithm() != alg:
				return nil, fmt.Errorf("Signer for %s with %s returned no key for it", role, alg)
			default:
				signers = append(signers, key)
			}
		}
	}
	if len(signers) == 0 {
		return nil, errors.New("the keystore signs nothing")
	}
	return signers, nil
}

// expectVerified signs with the key, and verifies with what is published.
func expectVerified(ctx context.Context, keys keystore.Keystore, key *keystore.Key, payload string) error {
	token, err := key.Sign(ctx, "JWT", []byte(payload))
	if err != nil {
		return fmt.Errorf("signing with %v: %w", key, err)
	}
	public, err := keys.Keys(ctx)
	if err != nil {
		return expectError("Keys", err, nil)
	}
	i := slices.IndexFunc(public, func(k jose.JSONWebKey) bool { return k.KeyID == key.ID() })
	if i < 0 {
		return fmt.Errorf("Keys does not return %v, which signs", key)
	}
	if public[i].Use != "sig" || public[i].Algorithm != string(key.Algorithm()) {
		return fmt.Errorf("%v is published with use %q and alg %q", key, public[i].Use, public[i].Algorithm)
	}
	return verify(token, key.Algorithm(), public[i].Key)
}

func signersArePublished(ctx context.Context, keys keystore.Keystore) error {
	signers, err := signersOf(ctx, keys)
	if err != nil {
		return err
	}
	for _, key := range signers {
		if err := expectVerified(ctx, keys, key, `{}`); err != nil {
			return err
		}
	}
	return nil
}

func keysAreWellFormed(ctx context.Context, keys keystore.Keystore) error {
	public, err := keys.Keys(ctx)
	if err != nil {
		return expectError("Keys", err, nil)
	}
	seen := map[string]bool{}
	for _, key := range public {
		if !key.Valid() || !key.IsPublic() {
			return fmt.Errorf("%q is not a valid public key", key.KeyID)
		}
		if err := keystore.CheckPublicKey(key.Algorithm, key.Key); err != nil {
			return fmt.Errorf("%q: %w", key.KeyID, err)
		}
		use := "sig"
		if slices.Contains(keystore.DecryptionAlgorithms(), jose.KeyAlgorithm(key.Algorithm)) {
			use = "enc"
		}
		thumbprint, err := key.Thumbprint(crypto.SHA256)
		switch {
		case err != nil:
			return err
		case key.KeyID != base64.RawURLEncoding.EncodeToString(thumbprint):
			return fmt.Errorf("the kid %q is not the thumbprint", key.KeyID)
		case seen[key.KeyID]:
			return fmt.Errorf("the kid %q is there twice", key.KeyID)
		case key.Use != use:
			return fmt.Errorf("the key for %s has the use %q", key.Algorithm, key.Use)
		}
		seen[key.KeyID] = true
		if len(key.Certificates) > 0 {
			if err := keystore.CheckCertificates(key.Key, key.Certificates); err != nil {
				return err
			}
			if len(key.CertificateThumbprintSHA256) == 0 {
				return fmt.Errorf("the key %q has x5c without x5t#S256", key.KeyID)
			}
		}
	}
	return nil
}

func noKey(ctx context.Context, keys keystore.Keystore) error {
	for _, alg := range []jose.SignatureAlgorithm{"none", jose.HS256, jose.ES512, ""} {
		key, err := keys.Signer(ctx, keystore.TokenSigning, alg)
		if err := expectError(fmt.Sprintf("Signer for %q", alg), err, keystore.ErrNoKey); err != nil {
			return err
		}
		if key != nil {
			return fmt.Errorf("Signer for %q returned a key beside the error", alg)
		}
	}
	return nil
}

func callersOwnTheKeys(ctx context.Context, keys keystore.Keystore) error {
	first, err := keys.Keys(ctx)
	if err != nil {
		return expectError("Keys", err, nil)
	}
	if len(first) == 0 {
		return errors.New("Keys returned none")
	}
	want := slices.Clone(first)
	clear(first)
	again, err := keys.Keys(ctx)
	if err != nil {
		return expectError("Keys", err, nil)
	}
	if !slices.EqualFunc(again, want, func(a, b jose.JSONWebKey) bool { return a.KeyID == b.KeyID && samePublic(a.Key, b.Key) }) {
		return errors.New("Keys returns what another caller changed")
	}
	return nil
}

func concurrentUse(ctx context.Context, keys keystore.Keystore) error {
	all, err := signersOf(ctx, keys)
	if err != nil {
		return err
	}
	errs := make([]error, signers)
	var group sync.WaitGroup
	for i := range errs {
		group.Go(func() {
			key, err := keys.Signer(ctx, keystore.TokenSigning, all[i%len(all)].Algorithm())
			if err == nil {
				err = expectVerified(ctx, keys, key, fmt.Sprintf(`"%d"`, i))
			}
			errs[i] = err
		})
	}
	group.Wait()
	return errors.Join(errs...)
}

func decrypts(ctx context.Context, keys keystore.Keystore) error {
	public, err := keys.Keys(ctx)
	if err != nil {
		return expectError("Keys", err, nil)
	}
	for _, key := range public {
		if key.Use != "enc" {
			continue
		}
		decrypter, ok := keys.(keystore.Decrypter)
		if !ok {
			return fmt.Errorf("%q is published for encryption, but nothing decrypts", key.KeyID)
		}
		for _, recipient := range []any{key.Key, key} { // without a kid, and with it
			jwe, err := encrypt(jose.KeyAlgorithm(key.Algorithm), recipient)
			if err != nil {
				return err
			}
			if content, err := decrypter.Decrypt(ctx, jwe); err != nil || string(content) != secretContent {
				return fmt.Errorf("what is encrypted with %s for %q is not opened: %w", key.Algorithm, key.KeyID, err)
			}
		}
	}
	return nil
}

func refusesWhatIsNotForIt(ctx context.Context, keys keystore.Keystore) error {
	decrypter, ok := keys.(keystore.Decrypter)
	if !ok {
		return nil
	}
	tokens := []string{"", "....", "a.b.c.d.e"}
	for _, alg := range keystore.DecryptionAlgorithms() {
		private, err := newPrivate(string(alg))
		if err != nil {
			return err
		}
		jwe, err := encrypt(alg, private.Public())
		if err != nil {
			return err
		}
		tokens = append(tokens, jwe)
	}
	for _, jwe := range tokens {
		_, err := decrypter.Decrypt(ctx, jwe)
		if err := expectError(fmt.Sprintf("Decrypt of %.20q", jwe), err, keystore.ErrDecrypt); err != nil {
			return err
		}
	}
	return nil
}
