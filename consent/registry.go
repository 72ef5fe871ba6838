package consent

import (
	"context"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/gosignet/signet/audit"
	"github.com/gosignet/signet/internal/jwt"
	"github.com/gosignet/signet/keystore"
	"github.com/gosignet/signet/store"
)

const (
	minSecret      = 32
	defaultKeepFor = 365 * 24 * time.Hour

	consentsCollection = "consents"
	keysCollection     = "consent-keys"

	// endTimeout bounds the ending of tokens, which goes on when the caller has gone.
	endTimeout = 5 * time.Second
)

// TokenEnder ends what was issued on a consent.
type TokenEnder interface {
	// EndTokens makes the codes and tokens of the consent useless, those included that are issued on it while EndTokens
	// runs and later. Ending what has ended is no error.
	EndTokens(ctx context.Context, consentID string) error
}

// Config configures a [Registry]. It is not changed after New.
type Config struct {
	// Ledger keeps the consents. Required.
	Ledger store.Ledger
	// Keys sign the receipts, in the role keystore.TokenSigning. Required.
	Keys keystore.Keystore
	// Algorithm signs the receipts. Empty means ES256.
	Algorithm jose.SignatureAlgorithm
	// Issuer is the provider's issuer, an absolute URL. Required.
	Issuer string
	// Secret is what the names of records and the pseudonyms of people are derived from. Required, at least 32 random bytes.
	// Whoever changes it makes everybody decide again.
	Secret []byte
	// Tokens ends tokens. Nil means that nothing is issued that could outlive a consent.
	Tokens TokenEnder
	// KeepFor is how long a record is kept after it was withdrawn or has expired, and one that is remembered for a session
	// or not at all after the decision. Zero means a year.
	KeepFor time.Duration
	// Jurisdiction is what receipts say of the law under which data are processed, such as "FR". Empty: they say nothing.
	Jurisdiction string
	// WithdrawalURI is where people withdraw, for receipts. It may be empty.
	WithdrawalURI string
	// Sensitive names the claims that the law holds sensitive; receipts say so.
	Sensitive []string
	// Audit takes the decisions. Nil discards them.
	Audit audit.Sink
	// Logger takes what goes wrong. Nil discards it.
	Logger *slog.Logger
	// Now is the clock. Nil means time.Now.
	Now func() time.Time
}

// Registry remembers consents. It keeps no state but in the ledger, so that any number of instances share one. It is safe for
// concurrent use.
type Registry struct {
	config   Config
	records  store.Collection[kept]
	keys     store.Collection[jose.JSONWebKey]
	places   []byte // the key of names of records
	people   []byte // of pseudonyms of people
	sessions []byte // of hashes of sessions
	// published holds the kids that are known to be in the ledger.
	published sync.Map
}

// New returns a Registry, or everything that is wrong with the configuration.
func New(c Config) (*Registry, error) {
	if err := c.validate(); err != nil {
		return nil, err
	}
	if c.Algorithm == "" {
		c.Algorithm = jose.ES256
	}
	if c.KeepFor == 0 {
		c.KeepFor = defaultKeepFor
	}
	if c.Audit == nil {
		c.Audit = audit.Discard
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	r := &Registry{
		records: store.Collection[kept]{Ledger: c.Ledger, Name: consentsCollection},
		keys:    store.Collection[jose.JSONWebKey]{Ledger: c.Ledger, Name: keysCollection},
	}
	for label, key := range map[string]*[]byte{"record": &r.places, "person": &r.people, "session": &r.sessions} {
		var err error
		if *key, err = hkdf.Key(sha256.New, c.Secret, nil, "signet consent "+label+" v1", sha256.Size); err != nil {
			return nil, fmt.Errorf("consent: derive a key: %w", err)
		}
	}
	c.Secret = nil
	c.Sensitive = set(c.Sensitive)
	r.config = c
	return r, nil
}

func (c *Config) validate() error {
	var errs []error
	refuse := func(wrong bool, what string) {
		if wrong {
			errs = append(errs, errors.New("consent: Config."+what))
		}
	}
	refuse(c.Ledger == nil, "Ledger is missing")
	refuse(c.Keys == nil, "Keys is missing")
	refuse(c.Algorithm != "" && !slices.Contains(jwt.Algorithms(), c.Algorithm), "Algorithm is not one that Signet signs with")
	issuer, err := url.Parse(c.Issuer)
	refuse(err != nil || issuer.Scheme == "" || issuer.Host == "", "Issuer is not an absolute URL")
	refuse(len(c.Secret) < minSecret, fmt.Sprintf("Secret needs at least %d bytes", minSecret))
	refuse(c.KeepFor < 0, "KeepFor is negative")
	return errors.Join(errs...)
}

// now is the time as it is kept: in milliseconds, which every ledger keeps.
func (r *Registry) now() time.Time { return r.config.Now().UTC().Truncate(time.Millisecond) }

// place is the ID of the record of a client and a subject.
func (r *Registry) place(clientID, subject string) string {
	return pseudonym(r.places, clientID, subject)
}

// owner is the pseudonym under which the records of a person are found.
func (r *Registry) owner(person string) string { return pseudonym(r.people, person) }

// session is how a session is kept; it is empty if there is none.
func (r *Registry) session(id string) string {
	if id == "" {
		return ""
	}
	return pseudonym(r.sessions, id)
}

func pseudonym(key []byte, parts ...string) string {
	mac := hmac.New(sha256.New, key)
	for _, s := range parts {
		mac.Write([]byte(strconv.Itoa(len(s)) + ":" + s))
	}
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}
