package pkcs12

import (
	"bytes"
	"crypto"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"

	"github.com/gosignet/signet/keystore"
)

// contents is what a file contains.
type contents struct {
	entries []*entry
	// others are certificates that belong to no key: kept, and not looked at.
	others []bag
	// sealed says how the file was protected, if it was as this package does it.
	sealed *protection
}

func (c *contents) clone() *contents {
	return &contents{entries: slices.Clone(c.entries), others: c.others, sealed: c.sealed}
}

func (c *contents) find(id string) int {
	return slices.IndexFunc(c.entries, func(e *entry) bool { return e.id == id })
}

// entry is a private key with all that belongs to it. It never changes.
type entry struct {
	id      string
	private crypto.PrivateKey // opaque
	public  crypto.PublicKey
	chain   []*x509.Certificate
	bag     bag
}

// newEntry makes an entry of a key that was generated or is imported.
func newEntry(label, alg string, private crypto.PrivateKey) (*entry, error) {
	if !slices.Contains(keystore.Algorithms(), alg) {
		return nil, fmt.Errorf("%w: %q", keystore.ErrUnsupported, alg)
	}
	given, ok := private.(interface{ Public() crypto.PublicKey })
	if !ok {
		return nil, fmt.Errorf("pkcs12: a %T is no private key", private)
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return nil, errors.New("pkcs12: the private key is of no known type, or its numbers do not fit together")
	}
	e, err := readEntry(bag{der: der, name: label, use: useOf(alg)})
	if err != nil {
		return nil, err
	}
	if err := keystore.CheckPublicKey(alg, e.public); err != nil {
		return nil, err
	}
	// What is stored has its public key from its private one. In what was given, they may differ.
	if id, err := identify(given.Public()); err != nil || id != e.id {
		return nil, errors.New("pkcs12: the private key and its public key do not belong together")
	}
	return e, nil
}

// readEntry makes an entry, still without certificates, of a bag with a private key.
func readEntry(b bag) (*entry, error) {
	private, public, err := parsePrivate(b.der)
	if err != nil {
		return nil, fmt.Errorf("pkcs12: private key %q: %w", b.name, err)
	}
	opened, err := opaque(private, b.use)
	if err != nil {
		return nil, fmt.Errorf("pkcs12: private key %q: %w", b.name, err)
	}
	id, err := identify(public)
	if err != nil {
		return nil, fmt.Errorf("pkcs12: private key %q: %w", b.name, err)
	}
	return &entry{id: id, private: opened, public: public, bag: b}, nil
}

// identify returns the ID of a key.
func identify(public crypto.PublicKey) (string, error) {
	spki, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(spki)
	return hex.EncodeToString(sum[:]), nil
}

// label returns the friendlyName, or the ID for a key from elsewhere whose name is none.
func (e *entry) label() string {
	if keystore.CheckLabel(e.bag.name) != nil {
		return e.id
	}
	return e.bag.name
}

// keyID is the localKeyID that is written.
func (e *entry) keyID() []byte {
	id, _ := hex.DecodeString(e.id)
	return id
}

func (e *entry) describe() keystore.VaultKey {
	return keystore.VaultKey{ID: e.id, Label: e.label(), Public: e.public, Certificates: slices.Clone(e.chain)}
}

// assemble finds out which certificates belong to which key.
func assemble(bags []bag) (*contents, error) {
	c := &contents{}
	var certificates []*candidate
	for _, b := range bags {
		if b.kind == certificateBag {
			certificate, err := x509.ParseCertificate(b.der)
			if err != nil {
				return nil, fmt.Errorf("pkcs12: certificate %q: %w", b.name, err)
			}
			certificates = append(certificates, &candidate{Certificate: certificate, bag: b})
			continue
		}
		e, err := readEntry(b)
		if err != nil {
			return nil, err
		}
		if i := c.find(e.id); i >= 0 {
			return nil, fmt.Errorf("pkcs12: one key is there twice, as %q and %q", c.entries[i].label(), e.label())
		}
		c.entries = append(c.entries, e)
	}
	for _, e := range c.entries {
		if err := e.adopt(certificates); err != nil {
			return nil, err
		}
	}
	for _, certificate := range certificates {
		if !certificate.used {
			c.others = append(c.others, certificate.bag)
		}
	}
	return c, nil
}

// candidate is a certificate that may belong to a key, or to several.
type candidate struct {
	*x509.Certificate
	bag  bag
	used bool
}

// maxChain is how many certificates of a key are looked for; keystore.CheckCertificates takes no more.
const maxChain = 8

// adopt looks for the chain of the key.
func (e *entry) adopt(certificates []*candidate) error {
	var own, loose []*candidate
	for _, certificate := range certificates {
		switch {
		case len(certificate.bag.keyID) == 0:
			loose = append(loose, certificate)
		case bytes.Equal(certificate.bag.keyID, e.bag.keyID):
			own = append(own, certificate)
		}
	}
	// This package gives each certificate of a chain the localKeyID of the key, and keeps their order. Others give it to
	// the first one only, and leave it to the reader to find the issuers.
	mine := bytes.Equal(e.bag.keyID, e.keyID())
	candidates := own
	if !mine {
		candidates = append(candidates, loose...)
	}
	first := slices.IndexFunc(candidates, func(c *candidate) bool { return samePublic(c.PublicKey, e.public) })
	if len(own) > 0 && (first < 0 || mine && first > 0) {
		return fmt.Errorf("pkcs12: the certificate beside the key %q is not for that key", e.label())
	}
	chain := own
	if !mine && first >= 0 {
		chain = issuers(candidates[first], slices.Concat(candidates[:first], candidates[first+1:]))
	}
	for _, certificate := range chain {
		certificate.used = true
		e.chain = append(e.chain, certificate.Certificate)
	}
	return nil
}

// issuers returns the chain that begins with a certificate, as far as the candidates go.
func issuers(first *candidate, candidates []*candidate) []*candidate {
	chain := []*candidate{first}
	for last := first; len(chain) < maxChain && !bytes.Equal(last.RawIssuer, last.RawSubject); chain = append(chain, last) {
		next := slices.IndexFunc(candidates, func(c *candidate) bool {
			return !slices.Contains(chain, c) && bytes.Equal(c.RawSubject, last.RawIssuer) && last.CheckSignatureFrom(c.Certificate) == nil
		})
		if next < 0 {
			break
		}
		last = candidates[next]
	}
	return chain
}

func samePublic(a, b crypto.PublicKey) bool {
	comparable, ok := a.(interface{ Equal(crypto.PublicKey) bool })
	return ok && comparable.Equal(b)
}
