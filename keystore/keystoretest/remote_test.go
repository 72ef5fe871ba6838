package keystoretest_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdh"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/gosignet/signet/keystore"
	"github.com/gosignet/signet/keystore/keystoretest"
)

// TestARemoteVaultBreaksNoRule is what somebody writes who connects a key management service: a client for its API that
// implements keystore.Vault, and this test.
func TestARemoteVaultBreaksNoRule(t *testing.T) {
	t.Parallel()
	service := httptest.NewServer(kms{keystore.NewMemoryVault()})
	t.Cleanup(service.Close)
	keystoretest.Run(t, func(testing.TB) keystoretest.Backend {
		return keystoretest.Backend{
			Vault:      remoteVault{service.URL},
			Algorithms: []string{"ES256", "ES384", "EdDSA", "PS256", "RS256", "RSA-OAEP-256", "ECDH-ES"},
			Reopen:     func() keystore.Vault { return remoteVault{service.URL} },
		}
	})
}

// remoteVault is a keystore.Vault whose keys are held by a service. Private keys never cross the network: digests and
// signatures do.
type remoteVault struct{ url string }

// message is what client and service say to each other.
type message struct {
	ID, Label, Alg string   `json:",omitempty"`
	Public         []byte   `json:",omitempty"` // SubjectPublicKeyInfo
	Chain          [][]byte `json:",omitempty"`
	Data           []byte   `json:",omitempty"` // a digest, a signature, a secret
	Error          string   `json:",omitempty"`
}

// remoteErrors are the errors that have a name in the protocol.
var remoteErrors = map[string]error{
	"no_key": keystore.ErrNoVaultKey, "unsupported": keystore.ErrUnsupported, "full": keystore.ErrVaultFull,
	"certificate": keystore.ErrCertificate, "decrypt": rsa.ErrDecryption,
}

func (v remoteVault) call(ctx context.Context, verb string, in message) ([]message, error) {
	body, err := json.Marshal(in)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, v.url+"/"+verb, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	var out []message
	if err := json.NewDecoder(io.LimitReader(res.Body, 1<<20)).Decode(&out); err != nil {
		return nil, fmt.Errorf("answer of the service: %w", err)
	}
	if len(out) == 1 && out[0].Error != "" {
		if known := remoteErrors[out[0].Error]; known != nil {
			return nil, known
		}
		return nil, errors.New(out[0].Error)
	}
	return out, nil
}

func (v remoteVault) Keys(ctx context.Context) ([]keystore.VaultKey, error) {
	out, err := v.call(ctx, "keys", message{})
	if err != nil {
		return nil, err
	}
	keys := make([]keystore.VaultKey, len(out))
	for i, m := range out {
		if keys[i], err = m.key(); err != nil {
			return nil, err
		}
	}
	return keys, nil
}

func (v remoteVault) one(ctx context.Context, verb string, in message) (message, error) {
	out, err := v.call(ctx, verb, in)
	if err == nil && len(out) != 1 {
		err = errors.New("the service gave no single answer")
	}
	if err != nil {
		return message{}, err
	}
	return out[0], nil
}

func (v remoteVault) Generate(ctx context.Context, label, alg string) (keystore.VaultKey, error) {
	if err := keystore.CheckLabel(label); err != nil {
		return keystore.VaultKey{}, err
	}
	m, err := v.one(ctx, "generate", message{Label: label, Alg: alg})
	if err != nil {
		return keystore.VaultKey{}, err
	}
	return m.key()
}

func (v remoteVault) Open(ctx context.Context, id string) (crypto.PrivateKey, error) {
	m, err := v.one(ctx, "open", message{ID: id})
	if err != nil {
		return nil, err
	}
	key, err := m.key()
	if err != nil {
		return nil, err
	}
	// A real service says what a key is for. This one keeps it in the answer to open.
	base := remoteKey{v, id, key.Public}
	switch m.Alg {
	case "RSA-OAEP-256":
		return remoteDecrypter{base}, nil
	case "ECDH-ES":
		return remoteECDH{base}, nil
	}
	return remoteSigner{base}, nil
}

func (v remoteVault) SetCertificates(ctx context.Context, id string, chain []*x509.Certificate) error {
	_, err := v.one(ctx, "certify", message{ID: id, Chain: encodeChain(chain)})
	return err
}

func (v remoteVault) Delete(ctx context.Context, id string) error {
	_, err := v.one(ctx, "delete", message{ID: id})
	return err
}

type remoteKey struct {
	vault  remoteVault
	id     string
	public crypto.PublicKey
}

func (k remoteKey) Public() crypto.PublicKey { return k.public }

func (k remoteKey) use(ctx context.Context, verb string, data []byte, pss bool) ([]byte, error) {
	in := message{ID: k.id, Data: data}
	if pss {
		in.Alg = "PSS"
	}
	m, err := k.vault.one(ctx, verb, in)
	return m.Data, err
}

type remoteSigner struct{ remoteKey }

func (k remoteSigner) SignContext(ctx context.Context, _ io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	_, pss := opts.(*rsa.PSSOptions)
	return k.use(ctx, "sign", digest, pss)
}

func (k remoteSigner) Sign(r io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	return k.SignContext(context.Background(), r, digest, opts)
}

type remoteDecrypter struct{ remoteKey }

func (k remoteDecrypter) DecryptContext(ctx context.Context, _ io.Reader, encrypted []byte, _ crypto.DecrypterOpts) ([]byte, error) {
	return k.use(ctx, "decrypt", encrypted, false)
}

func (k remoteDecrypter) Decrypt(r io.Reader, encrypted []byte, opts crypto.DecrypterOpts) ([]byte, error) {
	return k.DecryptContext(context.Background(), r, encrypted, opts)
}

type remoteECDH struct{ remoteKey }

func (k remoteECDH) ECDH(ctx context.Context, remote *ecdh.PublicKey) ([]byte, error) {
	return k.use(ctx, "agree", remote.Bytes(), false)
}

func (m message) key() (key keystore.VaultKey, err error) {
	key = keystore.VaultKey{ID: m.ID, Label: m.Label}
	if key.Public, err = x509.ParsePKIXPublicKey(m.Public); err != nil {
		return keystore.VaultKey{}, err
	}
	key.Certificates, err = decodeChain(m.Chain)
	return key, err
}

func decodeChain(encoded [][]byte) (chain []*x509.Certificate, err error) {
	for _, der := range encoded {
		certificate, err := x509.ParseCertificate(der)
		if err != nil {
			return nil, err
		}
		chain = append(chain, certificate)
	}
	return chain, nil
}

func encodeChain(chain []*x509.Certificate) (encoded [][]byte) {
	for _, certificate := range chain {
		encoded = append(encoded, certificate.Raw)
	}
	return encoded
}

// kms is the service.
type kms struct{ vault keystore.Vault }

func (s kms) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var in message
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		http.Error(w, "malformed", http.StatusBadRequest)
		return
	}
	out, err := s.answer(r.Context(), r.URL.Path, in)
	if err != nil {
		out = []message{{Error: err.Error()}}
		for name, known := range remoteErrors {
			if errors.Is(err, known) {
				out[0].Error = name
			}
		}
	}
	json.NewEncoder(w).Encode(out)
}

func (s kms) answer(ctx context.Context, path string, in message) ([]message, error) {
	one := func(m message, err error) ([]message, error) { return []message{m}, err }
	switch path {
	case "/keys":
		keys, err := s.vault.Keys(ctx)
		all := make([]message, 0, len(keys))
		for _, key := range keys {
			all = append(all, must(describe(key)))
		}
		return all, err
	case "/generate":
		key, err := s.vault.Generate(ctx, in.Label, in.Alg)
		if err != nil {
			return nil, err
		}
		return one(describe(key))
	case "/certify":
		chain, err := decodeChain(in.Chain)
		if err != nil {
			return nil, err
		}
		return one(message{}, s.vault.SetCertificates(ctx, in.ID, chain))
	case "/delete":
		return one(message{}, s.vault.Delete(ctx, in.ID))
	}
	private, err := s.vault.Open(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	if path == "/open" {
		return one(open(private))
	}
	data, err := use(ctx, path, in, private)
	return one(message{Data: data}, err)
}

// open describes a key that is to be used.
func open(private crypto.PrivateKey) (message, error) {
	m, err := describe(keystore.VaultKey{Public: private.(interface{ Public() crypto.PublicKey }).Public()})
	switch private.(type) {
	case crypto.Decrypter:
		m.Alg = "RSA-OAEP-256"
	case keystore.ECDHKey:
		m.Alg = "ECDH-ES"
	}
	return m, err
}

func use(ctx context.Context, path string, in message, private crypto.PrivateKey) ([]byte, error) {
	switch path {
	case "/sign":
		signer := private.(crypto.Signer)
		var opts crypto.SignerOpts = map[int]crypto.Hash{32: crypto.SHA256, 48: crypto.SHA384}[len(in.Data)]
		if in.Alg == "PSS" {
			opts = &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: crypto.SHA256}
		}
		if _, whole := signer.Public().(ed25519.PublicKey); whole {
			opts = crypto.Hash(0)
		}
		return signer.Sign(rand.Reader, in.Data, opts)
	case "/decrypt":
		return private.(crypto.Decrypter).Decrypt(rand.Reader, in.Data, &rsa.OAEPOptions{Hash: crypto.SHA256})
	case "/agree":
		remote, err := ecdh.P256().NewPublicKey(in.Data)
		if err != nil {
			return nil, err
		}
		return private.(keystore.ECDHKey).ECDH(ctx, remote)
	}
	return nil, errors.New("unknown verb")
}

func describe(key keystore.VaultKey) (message, error) {
	public, err := x509.MarshalPKIXPublicKey(key.Public)
	return message{ID: key.ID, Label: key.Label, Public: public, Chain: encodeChain(key.Certificates)}, err
}
