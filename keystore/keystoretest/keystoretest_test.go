package keystoretest_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"slices"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/keystore"
	"github.com/gosignet/signet/keystore/keystoretest"
)

func TestTheVaultInMemoryBreaksNoRule(t *testing.T) {
	t.Parallel()
	vault := keystore.NewMemoryVault()
	keystoretest.Run(t, func(testing.TB) keystoretest.Backend {
		return keystoretest.Backend{Vault: vault, Reopen: func() keystore.Vault { return vault }}
	})
}

func TestACorrectVaultBreaksNoRuleAndLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	vault := keystore.NewMemoryVault()
	others, err := vault.Generate(t.Context(), "of somebody else", "ES256")
	require.NoError(t, err)
	backend := keystoretest.Backend{Vault: vault, Algorithms: []string{"ES256", "ECDH-ES"}}
	require.NoError(t, keystoretest.CheckAllOfVault(t.Context(), backend))
	keys, err := vault.Keys(t.Context())
	require.NoError(t, err)
	require.Equal(t, []keystore.VaultKey{others}, keys)
}

// memory is a vault in memory that imports, for the faults to change.
type memory interface {
	keystore.Vault
	keystore.Importer
}

// TestABrokenVaultIsCaught breaks a correct vault in one way after the other.
func TestABrokenVaultIsCaught(t *testing.T) {
	t.Parallel()
	es256, every := []string{"ES256"}, []string{"ES256", "EdDSA", "ECDH-ES", "RSA-OAEP-256"}
	for _, tt := range []struct {
		fault string
		algs  []string
		vault func(memory) keystore.Vault
		rule  string // that catches it, among others perhaps
	}{
		{"Generate makes keys of another kind", []string{"ES384"}, func(m memory) keystore.Vault { return wrongKind{m} }, "GeneratesWhatFits"},
		{"Generate returns the same key again", es256, func(m memory) keystore.Vault { return &oneKey{memory: m} }, "EveryKeyIsNew"},
		{"Keys forgets the newest", es256, func(m memory) keystore.Vault {
			return edited{m, func(k []keystore.VaultKey) []keystore.VaultKey { return k[:0] }}
		}, "ListsWhatItGenerated"},
		{"Keys repeats keys", es256, func(m memory) keystore.Vault {
			return edited{m, func(k []keystore.VaultKey) []keystore.VaultKey { return slices.Concat(k, k) }}
		}, "ListsWhatItGenerated"},
		{"Keys lists another public key", es256, func(m memory) keystore.Vault {
			return edited{m, func(k []keystore.VaultKey) []keystore.VaultKey {
				for i := range k {
					k[i].Public = &must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)).PublicKey
				}
				return k
			}}
		}, "ListsWhatItGenerated"},
		{"labels are cut", es256, func(m memory) keystore.Vault {
			return labelled{m, func(label string) string { return label[:min(len(label), 64)] }}
		}, "Labels"},
		{"any label is taken", es256, func(m memory) keystore.Vault {
			return labelled{m, func(label string) string { return "x" + strings.ToValidUTF8(label, "")[:min(1, len(label))] }}
		}, "Labels"},
		{"an unknown algorithm is some other error", es256, func(m memory) keystore.Vault { return vague{m} }, "UnknownAlgorithm"},
		{"Delete does nothing", es256, func(m memory) keystore.Vault { return keeps{m} }, "DeletedIsGone"},
		{"Delete of an unknown key fails", es256, func(m memory) keystore.Vault { return strictDelete{m} }, "UnknownID"},
		{"Open of an unknown key is some other error", es256, func(m memory) keystore.Vault { return vague{m} }, "UnknownID"},
		{"the context is ignored", es256, func(m memory) keystore.Vault { return ignoresContext{m} }, "EndedContext"},
		{"a restart loses keys", es256, func(m memory) keystore.Vault { return forgets{m} }, "SurvivesRestart"},
		{"r and s instead of ASN.1", es256, func(m memory) keystore.Vault { return signing{m, rawECDSA} }, "SignaturesAreVerifiedByOthers"},
		{"PSS with another salt", []string{"PS256"}, func(m memory) keystore.Vault { return signing{m, longSalt} }, "SignaturesAreVerifiedByOthers"},
		{"PKCS #1 v1.5 instead of PSS", []string{"PS256"}, func(m memory) keystore.Vault { return signing{m, pkcs1} }, "SignaturesAreVerifiedByOthers"},
		{"Ed25519 of a digest", []string{"EdDSA"}, func(m memory) keystore.Vault { return signing{m, prehashed} }, "SignaturesAreVerifiedByOthers"},
		{"signers share a buffer", es256, func(m memory) keystore.Vault { return signing{m, shared()} }, "ConcurrentSigners"},
		{"OAEP with another mask", []string{"RSA-OAEP-256"}, func(m memory) keystore.Vault { return decrypting{m, otherMask} }, "DecryptsWithRSA"},
		{"a bad message is some other error", []string{"RSA-OAEP-256"}, func(m memory) keystore.Vault { return decrypting{m, vagueOAEP} }, "DecryptsWithRSA"},
		{"a secret loses its zeros", []string{"ECDH-ES"}, func(m memory) keystore.Vault { return agreeing{m, trimmed} }, "AgreesOnSecrets"},
		{"a secret in another order", []string{"ECDH-ES"}, func(m memory) keystore.Vault { return agreeing{m, reversed} }, "AgreesOnSecrets"},
		{"signing outlives its context", es256, func(m memory) keystore.Vault { return waiting{m} }, "SigningEndsWithItsContext"},
		{"agreeing outlives its context", []string{"ECDH-ES"}, func(m memory) keystore.Vault { return agreeing{m, forever} }, "SigningEndsWithItsContext"},
		{"certificates are lost", es256, func(m memory) keystore.Vault { return noCertificates{m} }, "CertificatesAreKept"},
		{"the chain is turned round", es256, func(m memory) keystore.Vault {
			return edited{m, func(k []keystore.VaultKey) []keystore.VaultKey {
				for i := range k {
					slices.Reverse(k[i].Certificates)
				}
				return k
			}}
		}, "CertificatesAreKept"},
		{"Keys shares its certificates", es256, func(m memory) keystore.Vault { return &sharing{memory: m} }, "CertificatesAreKept"},
		{"any certificate is taken", es256, func(m memory) keystore.Vault { return anyCertificate{m} }, "CertificateOfAnotherKey"},
		{"private keys come out", es256, func(m memory) keystore.Vault { return &bare{memory: m} }, "PrivateKeysStayInside"},
		{"private keys are printed", every, func(m memory) keystore.Vault { return &talkative{memory: m} }, "NothingSecretIsPrinted"},
		{"Import loses the chain", es256, func(m memory) keystore.Vault { return noCertificates{m} }, "ImportedKeysWork"},
		{"Import makes a key of its own", es256, func(m memory) keystore.Vault { return ownImport{m} }, "ImportedKeysWork"},
		{"Import does not look at the chain", es256, func(m memory) keystore.Vault { return anyCertificate{m} }, "ImportChecks"},
		{"Import stores before it looks", es256, func(m memory) keystore.Vault { return hastyImport{m} }, "ImportChecks"},
	} {
		t.Run(tt.fault, func(t *testing.T) {
			t.Parallel()
			v := tt.vault(keystore.NewMemoryVault())
			reopen := func() keystore.Vault { return v }
			if _, ok := v.(forgets); ok {
				reopen = func() keystore.Vault { return keystore.NewMemoryVault() }
			}
			backend := keystoretest.Backend{Vault: v, Algorithms: tt.algs, Reopen: reopen}
			require.Error(t, keystoretest.CheckVault(t.Context(), tt.rule, backend))
		})
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func TestTheKeystoreInMemoryBreaksNoRule(t *testing.T) {
	t.Parallel()
	keystoretest.RunKeystore(t, func(t testing.TB) keystore.Keystore { return newKeystore(t) })
}

func newKeystore(t testing.TB) *keystore.Decrypting {
	keys, err := keystore.Generate(jose.ES256, jose.EdDSA)
	require.NoError(t, err)
	var decryption []*keystore.DecryptionKey
	for _, alg := range keystore.DecryptionAlgorithms() {
		key, err := keystore.GenerateDecryptionKey(alg)
		require.NoError(t, err)
		decryption = append(decryption, key)
	}
	decrypting, err := keystore.WithDecryption(keys, decryption...)
	require.NoError(t, err)
	return decrypting
}

// TestABrokenKeystoreIsCaught breaks a correct keystore in one way after the other.
func TestABrokenKeystoreIsCaught(t *testing.T) {
	t.Parallel()
	edit := func(keys *keystore.Decrypting, edit func([]jose.JSONWebKey) []jose.JSONWebKey) keystore.Keystore {
		return editedSet{keys, edit}
	}
	for _, tt := range []struct {
		fault string
		keys  func(*keystore.Decrypting) keystore.Keystore
		rule  string
	}{
		{"what signs is not published", func(k *keystore.Decrypting) keystore.Keystore {
			return edit(k, func(set []jose.JSONWebKey) []jose.JSONWebKey { return set[1:] })
		}, "SignersArePublished"},
		{"another key has the kid", func(k *keystore.Decrypting) keystore.Keystore {
			return edit(k, func(set []jose.JSONWebKey) []jose.JSONWebKey {
				set[0].Key = &must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)).PublicKey
				return set
			})
		}, "KeysAreWellFormed"},
		{"a kid is there twice", func(k *keystore.Decrypting) keystore.Keystore {
			return edit(k, func(set []jose.JSONWebKey) []jose.JSONWebKey { return append(set, set[0]) })
		}, "KeysAreWellFormed"},
		{"no use", func(k *keystore.Decrypting) keystore.Keystore {
			return edit(k, func(set []jose.JSONWebKey) []jose.JSONWebKey { set[0].Use = ""; return set })
		}, "KeysAreWellFormed"},
		{"no alg", func(k *keystore.Decrypting) keystore.Keystore {
			return edit(k, func(set []jose.JSONWebKey) []jose.JSONWebKey { set[0].Algorithm = ""; return set })
		}, "KeysAreWellFormed"},
		{"some other error for no key", func(k *keystore.Decrypting) keystore.Keystore { return vagueKeystore{k} }, "NoKey"},
		{"any key for an unknown algorithm", func(k *keystore.Decrypting) keystore.Keystore { return generous{k} }, "NoKey"},
		{"callers share the set", func(k *keystore.Decrypting) keystore.Keystore {
			set := must(k.Keys(t.Context()))
			return edit(k, func([]jose.JSONWebKey) []jose.JSONWebKey { return set })
		}, "CallersOwnTheKeys"},
		{"another key every time", func(*keystore.Decrypting) keystore.Keystore { return restless{} }, "ConcurrentUse"},
		{"keys for encryption, and nothing that decrypts", func(k *keystore.Decrypting) keystore.Keystore {
			return struct{ keystore.Keystore }{k}
		}, "Decrypts"},
		{"only the first key decrypts", func(k *keystore.Decrypting) keystore.Keystore {
			other := newKeystore(t)
			return edit(k, func(set []jose.JSONWebKey) []jose.JSONWebKey { return append(set, must(other.Keys(t.Context()))...) })
		}, "Decrypts"},
		{"some other error for what is malformed", func(k *keystore.Decrypting) keystore.Keystore { return vagueKeystore{k} }, "RefusesWhatIsNotForIt"},
	} {
		t.Run(tt.fault, func(t *testing.T) {
			t.Parallel()
			require.Error(t, keystoretest.CheckKeystore(t.Context(), tt.rule, tt.keys(newKeystore(t))))
		})
	}
}
