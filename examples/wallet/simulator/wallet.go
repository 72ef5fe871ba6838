// Package simulator is a wallet as a person carries it, without the telephone: it has a key that is bound to the person, links
// logins, and signs what the person shares. It speaks eSignet's API, and is for demonstrations and tests.
package simulator

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/gosignet/signet/consent"
)

// ErrNotBound says that the wallet has no key that is bound to anybody.
var ErrNotBound = errors.New("this wallet is not bound to anybody yet")

// invalidTransaction is the provider's word for a link transaction that cannot do what is asked for: here, twice.
const invalidTransaction = "invalid_transaction"

// Config configures a [Wallet].
type Config struct {
	// API is where eSignet's API is: https://id.example/v1/esignet. Required.
	API string
	// File keeps the key and the certificate, readable by its owner alone. Empty means memory.
	File string
	// Audience is the provider's name towards wallets. Empty means "esignet-binding".
	Audience string
	// Token is the bearer token for binding, where one is asked for.
	Token string
	// Client makes the calls. Nil means one that waits for at most a minute.
	Client *http.Client
}

// Wallet is a wallet. It is safe for concurrent use.
type Wallet struct {
	config Config
	mu     sync.Mutex
	bound  *bound // nil if nobody is
}

// bound is a key, and whose it is.
type bound struct {
	individualID string
	key          *rsa.PrivateKey
	certificate  *x509.Certificate
}

// Request is a login that was linked: who asks for what.
type Request struct {
	Transaction string            `json:"linkTransactionId"`
	Client      map[string]string `json:"clientName"`
	Essential   []string          `json:"essentialClaims"`
	Voluntary   []string          `json:"voluntaryClaims"`
	Scopes      []string          `json:"authorizeScopes"`

	// tried says that the provider may have seen who the person is.
	tried bool
}

// Name is that of the client.
func (r *Request) Name() string {
	if name := r.Client["eng"]; name != "" {
		return name
	}
	return r.Client["@none"]
}

// New returns the wallet of the file, or a new one.
func New(c Config) (*Wallet, error) {
	if u, err := url.Parse(c.API); err != nil || u.Host == "" {
		return nil, errors.New("simulator: API is not a URL")
	}
	if c.Audience == "" {
		c.Audience = "esignet-binding"
	}
	if c.Client == nil {
		c.Client = &http.Client{Timeout: time.Minute}
	}
	w := &Wallet{config: c}
	var err error
	w.bound, err = load(c.File)
	return w, err
}

// Owner is the individual ID that the wallet is bound to, or empty.
func (w *Wallet) Owner() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.bound == nil {
		return ""
	}
	return w.bound.individualID
}

// SendCode has a one-time code sent to the person.
func (w *Wallet) SendCode(ctx context.Context, individualID string) error {
	var sent struct{}
	return w.call(ctx, "/binding/v2/binding-otp", map[string]any{
		"individualId": individualID, "otpChannels": []string{"email", "phone"},
	}, &sent)
}

// Bind binds a new key to the person, who proves with a one-time code who they are.
func (w *Wallet) Bind(ctx context.Context, individualID, code string) error {
	key, err := rsa.GenerateKey(rand.Reader, 2048) // what eSignet's wallets have, who are sent something that is encrypted
	if err != nil {
		return err
	}
	var answer struct {
		Certificate string `json:"certificate"`
	}
	err = w.call(ctx, "/binding/wallet-binding", map[string]any{
		"individualId": individualID, "authFactorType": "WLA", "format": "jwt",
		"publicKey": jose.JSONWebKey{Key: key.Public(), Algorithm: string(jose.RS256), Use: "sig"},
		"challengeList": []map[string]string{
			{"authFactorType": "OTP", "challenge": code, "format": "alpha-numeric"},
		},
	}, &answer)
	if err != nil {
		return err
	}
	block, _ := pem.Decode([]byte(answer.Certificate))
	if block == nil {
		return errors.New("simulator: the provider sent no certificate")
	}
	certificate, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return err
	}
	b := &bound{individualID: individualID, key: key, certificate: certificate}
	if err := b.save(w.config.File); err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.bound = b
	return nil
}

// CodeIn finds the link code in what was scanned or pasted: a deep link, or the code itself.
func CodeIn(text string) string {
	text = strings.TrimSpace(text)
	u, err := url.Parse(text)
	if err != nil || u.Scheme == "" {
		return text
	}
	for _, name := range []string{"code", "linkCode", "link_code"} {
		if code := u.Query().Get(name); code != "" {
			return code
		}
	}
	return ""
}

// Link takes a login over, by its code.
func (w *Wallet) Link(ctx context.Context, code string) (*Request, error) {
	r := new(Request)
	if err := w.call(ctx, "/linked-authorization/v2/link-transaction", map[string]string{"linkCode": code}, r); err != nil {
		return nil, err
	}
	return r, nil
}

// Approve logs the person in, and shares the claims and scopes, beside what is essential. The wallet signs both. It may be called
// again when the provider's answer was lost. If the provider had done all by then, that is an [*Error] with the code
// invalid_transaction. A request is for one call at a time.
func (w *Wallet) Approve(ctx context.Context, r *Request, claims, scopes []string) error {
	w.mu.Lock()
	b := w.bound
	w.mu.Unlock()
	if b == nil {
		return ErrNotBound
	}
	proof, err := b.proof(w.config.Audience)
	if err != nil {
		return err
	}
	var answer struct {
		Action string `json:"consentAction"`
	}
	err = w.call(ctx, "/linked-authorization/v2/authenticate", map[string]any{
		"linkedTransactionId": r.Transaction, "individualId": b.individualID,
		"challengeList": []map[string]string{{"authFactorType": "WLA", "challenge": proof, "format": "jwt"}},
	}, &answer)
	again := r.tried
	r.tried = true
	if e, ok := errors.AsType[*Error](err); ok && e.Code == invalidTransaction && again {
		err = nil
	}
	if err != nil || answer.Action == "NOCAPTURE" {
		return err
	}
	claims = slices.Compact(slices.Sorted(slices.Values(slices.Concat(r.Essential, claims))))
	signature, err := b.sign(consent.WalletPayload(consent.Decision{Claims: claims, Scopes: scopes}))
	if err != nil {
		return err
	}
	parts := strings.Split(signature, ".")
	var done struct{}
	return w.call(ctx, "/linked-authorization/v2/consent", map[string]any{
		"linkedTransactionId": r.Transaction, "acceptedClaims": claims, "permittedAuthorizeScopes": scopes,
		"signature": parts[0] + "." + parts[2],
	}, &done)
}

// proof is a JWT that says who the person is.
func (b *bound) proof(audience string) (string, error) {
	now := time.Now()
	claims, err := json.Marshal(map[string]any{
		"iss": "signet-wallet-simulator", "sub": b.individualID, "aud": audience, "iat": now.Unix(),
		"exp": now.Add(time.Minute).Unix(), "jti": rand.Text(),
	})
	if err != nil {
		return "", err
	}
	return b.sign(claims)
}

func (b *bound) sign(payload []byte) (string, error) {
	thumbprint := sha256.Sum256(b.certificate.Raw)
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.RS256, Key: b.key}, &jose.SignerOptions{
		ExtraHeaders: map[jose.HeaderKey]any{"x5t#S256": base64.RawURLEncoding.EncodeToString(thumbprint[:])},
	})
	if err != nil {
		return "", err
	}
	jws, err := signer.Sign(payload)
	if err != nil {
		return "", err
	}
	return jws.CompactSerialize()
}
