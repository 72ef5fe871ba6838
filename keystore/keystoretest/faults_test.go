package keystoretest_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"io"
	"math/big"
	"runtime"
	"slices"
	"sync"

	"github.com/go-jose/go-jose/v4"

	"github.com/gosignet/signet/keystore"
)

type wrongKind struct{ memory }

func (v wrongKind) Generate(ctx context.Context, label, _ string) (keystore.VaultKey, error) {
	return v.memory.Generate(ctx, label, "ES256")
}

type oneKey struct {
	memory
	once sync.Once
	key  keystore.VaultKey
	err  error
}

func (v *oneKey) Generate(ctx context.Context, label, alg string) (keystore.VaultKey, error) {
	v.once.Do(func() { v.key, v.err = v.memory.Generate(ctx, label, alg) })
	return v.key, v.err
}

// edited changes what Keys returns.
type edited struct {
	memory
	edit func([]keystore.VaultKey) []keystore.VaultKey
}

func (v edited) Keys(ctx context.Context) ([]keystore.VaultKey, error) {
	keys, err := v.memory.Keys(ctx)
	return v.edit(keys), err
}

// labelled changes the labels.
type labelled struct {
	memory
	label func(string) string
}

func (v labelled) Generate(ctx context.Context, label, alg string) (keystore.VaultKey, error) {
	return v.memory.Generate(ctx, v.label(label), alg)
}

var errVague = errors.New("CKR_GENERAL_ERROR")

type vague struct{ memory }

func (v vague) Generate(ctx context.Context, label, alg string) (keystore.VaultKey, error) {
	key, err := v.memory.Generate(ctx, label, alg)
	if err != nil {
		err = errVague
	}
	return key, err
}

func (v vague) Open(ctx context.Context, id string) (crypto.PrivateKey, error) {
	private, err := v.memory.Open(ctx, id)
	if err != nil {
		err = errVague
	}
	return private, err
}

type keeps struct{ memory }

func (keeps) Delete(context.Context, string) error { return nil }

type strictDelete struct{ memory }

func (v strictDelete) Delete(ctx context.Context, id string) error {
	if _, err := v.Open(ctx, id); err != nil {
		return err
	}
	return v.memory.Delete(ctx, id)
}

type ignoresContext struct{ memory }

func (v ignoresContext) Generate(ctx context.Context, label, alg string) (keystore.VaultKey, error) {
	return v.memory.Generate(context.WithoutCancel(ctx), label, alg)
}

type forgets struct{ memory }

// signing changes how keys sign.
type signing struct {
	memory
	sign func(crypto.Signer, io.Reader, []byte, crypto.SignerOpts) ([]byte, error)
}

func (v signing) Open(ctx context.Context, id string) (crypto.PrivateKey, error) {
	private, err := v.memory.Open(ctx, id)
	if err != nil {
		return nil, err
	}
	return signerFunc{private.(crypto.Signer), v.sign}, nil
}

type signerFunc struct {
	crypto.Signer
	sign func(crypto.Signer, io.Reader, []byte, crypto.SignerOpts) ([]byte, error)
}

func (s signerFunc) Sign(r io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	return s.sign(s.Signer, r, digest, opts)
}

func rawECDSA(s crypto.Signer, r io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	_, err := s.Sign(r, digest, opts)
	return make([]byte, 64), err
}

func longSalt(s crypto.Signer, r io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	return s.Sign(r, digest, &rsa.PSSOptions{SaltLength: 64, Hash: opts.HashFunc()})
}

func pkcs1(s crypto.Signer, r io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	return s.Sign(r, digest, opts.HashFunc())
}

func prehashed(s crypto.Signer, r io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	return s.Sign(r, digest[:min(len(digest), 64)], opts)
}

// shared is a session of an HSM that two requests use at once.
func shared() func(crypto.Signer, io.Reader, []byte, crypto.SignerOpts) ([]byte, error) {
	var mu sync.Mutex
	var session []byte
	return func(s crypto.Signer, r io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
		mu.Lock()
		session = bytes.Clone(digest)
		mu.Unlock()
		for range 100 {
			runtime.Gosched()
		}
		mu.Lock()
		defer mu.Unlock()
		return s.Sign(r, session, opts)
	}
}

// decrypting changes how keys decrypt.
type decrypting struct {
	memory
	decrypt func(crypto.Decrypter, io.Reader, []byte, crypto.DecrypterOpts) ([]byte, error)
}

func (v decrypting) Open(ctx context.Context, id string) (crypto.PrivateKey, error) {
	private, err := v.memory.Open(ctx, id)
	if err != nil {
		return nil, err
	}
	return decrypterFunc{private.(crypto.Decrypter), v.decrypt}, nil
}

type decrypterFunc struct {
	crypto.Decrypter
	decrypt func(crypto.Decrypter, io.Reader, []byte, crypto.DecrypterOpts) ([]byte, error)
}

func (d decrypterFunc) Decrypt(r io.Reader, message []byte, opts crypto.DecrypterOpts) ([]byte, error) {
	return d.decrypt(d.Decrypter, r, message, opts)
}

func otherMask(d crypto.Decrypter, r io.Reader, message []byte, _ crypto.DecrypterOpts) ([]byte, error) {
	return d.Decrypt(r, message, &rsa.OAEPOptions{Hash: crypto.SHA256, MGFHash: crypto.SHA384})
}

func vagueOAEP(d crypto.Decrypter, r io.Reader, message []byte, opts crypto.DecrypterOpts) ([]byte, error) {
	secret, err := d.Decrypt(r, message, opts)
	if err != nil {
		err = errVague
	}
	return secret, err
}

// agreeing changes how keys agree.
type agreeing struct {
	memory
	agree func(keystore.ECDHKey, context.Context, *ecdh.PublicKey) ([]byte, error)
}

func (v agreeing) Open(ctx context.Context, id string) (crypto.PrivateKey, error) {
	private, err := v.memory.Open(ctx, id)
	if err != nil {
		return nil, err
	}
	return ecdhFunc{private.(keystore.ECDHKey), v.agree}, nil
}

type ecdhFunc struct {
	keystore.ECDHKey
	agree func(keystore.ECDHKey, context.Context, *ecdh.PublicKey) ([]byte, error)
}

func (e ecdhFunc) ECDH(ctx context.Context, remote *ecdh.PublicKey) ([]byte, error) {
	return e.agree(e.ECDHKey, ctx, remote)
}

func trimmed(k keystore.ECDHKey, ctx context.Context, remote *ecdh.PublicKey) ([]byte, error) {
	z, err := k.ECDH(ctx, remote)
	return new(big.Int).SetBytes(z).Bytes(), err
}

func reversed(k keystore.ECDHKey, ctx context.Context, remote *ecdh.PublicKey) ([]byte, error) {
	z, err := k.ECDH(ctx, remote)
	slices.Reverse(z)
	return z, err
}

func forever(k keystore.ECDHKey, ctx context.Context, remote *ecdh.PublicKey) ([]byte, error) {
	return k.ECDH(context.WithoutCancel(ctx), remote)
}

// waiting takes a context and does not look at it.
type waiting struct{ memory }

func (v waiting) Open(ctx context.Context, id string) (crypto.PrivateKey, error) {
	private, err := v.memory.Open(ctx, id)
	if err != nil {
		return nil, err
	}
	return deaf{private.(crypto.Signer)}, nil
}

type deaf struct{ crypto.Signer }

func (d deaf) SignContext(_ context.Context, r io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	return d.Sign(r, digest, opts)
}

type noCertificates struct{ memory }

func (noCertificates) SetCertificates(context.Context, string, []*x509.Certificate) error { return nil }

func (v noCertificates) Import(ctx context.Context, label, alg string, key crypto.PrivateKey, _ []*x509.Certificate) (keystore.VaultKey, error) {
	return v.memory.Import(ctx, label, alg, key, nil)
}

// sharing returns the same certificates every time.
type sharing struct {
	memory
	chains sync.Map
}

func (v *sharing) SetCertificates(ctx context.Context, id string, chain []*x509.Certificate) error {
	v.chains.Delete(id)
	return v.memory.SetCertificates(ctx, id, chain)
}

func (v *sharing) Keys(ctx context.Context) ([]keystore.VaultKey, error) {
	keys, err := v.memory.Keys(ctx)
	for i, key := range keys {
		chain, _ := v.chains.LoadOrStore(key.ID, key.Certificates)
		keys[i].Certificates = chain.([]*x509.Certificate)
	}
	return keys, err
}

// anyCertificate keeps certificates without looking at them.
type anyCertificate struct{ memory }

func (v anyCertificate) SetCertificates(ctx context.Context, id string, _ []*x509.Certificate) error {
	_, err := v.Open(ctx, id)
	return err
}

func (v anyCertificate) Import(ctx context.Context, label, alg string, key crypto.PrivateKey, _ []*x509.Certificate) (keystore.VaultKey, error) {
	return v.memory.Import(ctx, label, alg, key, nil)
}

// bare gives private keys away.
type bare struct {
	memory
	keys sync.Map
}

func (v *bare) Generate(ctx context.Context, label, alg string) (keystore.VaultKey, error) {
	private := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	key, err := v.memory.Import(ctx, label, alg, private, nil)
	v.keys.Store(key.ID, private)
	return key, err
}

func (v *bare) Open(ctx context.Context, id string) (crypto.PrivateKey, error) {
	if private, ok := v.keys.Load(id); ok {
		return private, nil
	}
	return v.memory.Open(ctx, id)
}

// talkative keeps imported keys where printers find them.
type talkative struct {
	memory
	last crypto.PrivateKey
}

func (v *talkative) Import(ctx context.Context, label, alg string, key crypto.PrivateKey, chain []*x509.Certificate) (keystore.VaultKey, error) {
	made, err := v.memory.Import(ctx, label, alg, key, chain)
	v.last = key
	return made, err
}

func (v *talkative) Open(ctx context.Context, id string) (crypto.PrivateKey, error) {
	private, err := v.memory.Open(ctx, id)
	if signer, ok := private.(crypto.Signer); ok && v.last != nil {
		return struct {
			crypto.Signer
			Key crypto.PrivateKey
		}{signer, v.last}, err
	}
	return private, err
}

type ownImport struct{ memory }

func (v ownImport) Import(ctx context.Context, label, alg string, _ crypto.PrivateKey, _ []*x509.Certificate) (keystore.VaultKey, error) {
	return v.Generate(ctx, label, alg)
}

type hastyImport struct{ memory }

func (v hastyImport) Import(ctx context.Context, label, alg string, key crypto.PrivateKey, chain []*x509.Certificate) (keystore.VaultKey, error) {
	made, err := v.memory.Import(ctx, label, alg, key, nil)
	if err == nil && len(chain) > 0 {
		err = v.SetCertificates(ctx, made.ID, chain)
	}
	return made, err
}

// editedSet changes what is published.
type editedSet struct {
	*keystore.Decrypting
	edit func([]jose.JSONWebKey) []jose.JSONWebKey
}

func (k editedSet) Keys(ctx context.Context) ([]jose.JSONWebKey, error) {
	set, err := k.Decrypting.Keys(ctx)
	return k.edit(set), err
}

type vagueKeystore struct{ *keystore.Decrypting }

func (k vagueKeystore) Signer(ctx context.Context, role keystore.Role, alg jose.SignatureAlgorithm) (*keystore.Key, error) {
	key, err := k.Decrypting.Signer(ctx, role, alg)
	if err != nil {
		err = errVague
	}
	return key, err
}

func (k vagueKeystore) Decrypt(ctx context.Context, jwe string) ([]byte, error) {
	content, err := k.Decrypting.Decrypt(ctx, jwe)
	if err != nil {
		err = errVague
	}
	return content, err
}

type generous struct{ *keystore.Decrypting }

func (k generous) Signer(ctx context.Context, role keystore.Role, _ jose.SignatureAlgorithm) (*keystore.Key, error) {
	return k.Decrypting.Signer(ctx, role, jose.ES256)
}

// restless makes a key for each question.
type restless struct{}

func (restless) Signer(ctx context.Context, role keystore.Role, alg jose.SignatureAlgorithm) (*keystore.Key, error) {
	keys, err := keystore.Generate(alg)
	if err != nil {
		return nil, keystore.ErrNoKey
	}
	return keys.Signer(ctx, role, alg)
}

func (restless) Keys(ctx context.Context) ([]jose.JSONWebKey, error) {
	keys, err := keystore.Generate(jose.ES256)
	if err != nil {
		return nil, err
	}
	return keys.Keys(ctx)
}
