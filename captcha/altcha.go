package captcha

import (
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/gosignet/signet/store"
)

const (
	altchaAlgorithm   = "SHA-256"
	minAltchaSecret   = 32
	maxAltchaResponse = 2 << 10
	maxAltchaNumber   = 1 << 30
	maxAltchaLifetime = time.Hour

	// clockSkew is how far the clocks of two instances may be apart.
	clockSkew = time.Minute
)

// AltchaConfig configures an [Altcha].
type AltchaConfig struct {
	// Secret signs challenges. At least 32 random bytes, the same in all instances, and used for nothing else. Required.
	// Changing it refuses the challenges that are being solved.
	Secret []byte
	// Store remembers which challenges were solved. Required.
	Store store.Ephemeral
	// MaxNumber is the difficulty: a device tries so many hashes at most, and half of them on average. Zero means 100000,
	// well under a second on a present telephone.
	MaxNumber int
	// Lifetime is how long a challenge may be solved, at most an hour. Zero means 20 minutes, so that a page that is left
	// open for a while still works.
	Lifetime time.Duration
	// Now is the clock. Nil means time.Now.
	Now func() time.Time
}

// Altcha is a [Verifier] that has the person's device do some work, by the protocol of ALTCHA (version 1, SHA-256). It
// asks no third party, shows nothing to solve, and makes guessing expensive. Challenges are signed and kept nowhere; a
// solution is remembered until its challenge expires. It is safe for concurrent use, by any number of instances on one
// store.
type Altcha struct{ config AltchaConfig }

// altchaChallenge is what the device gets.
type altchaChallenge struct {
	Algorithm string `json:"algorithm"`
	Challenge string `json:"challenge"`
	MaxNumber int    `json:"maxnumber"`
	Salt      string `json:"salt"`
	Signature string `json:"signature"`
}

// altchaSolution is what it returns, as JSON in base64. Widgets add how long it took.
type altchaSolution struct {
	Algorithm string `json:"algorithm"`
	Challenge string `json:"challenge"`
	Number    int64  `json:"number"`
	Salt      string `json:"salt"`
	Signature string `json:"signature"`
}

// NewAltcha returns an Altcha, or an error that joins everything that is wrong with the configuration.
func NewAltcha(c AltchaConfig) (*Altcha, error) {
	c.MaxNumber = cmp.Or(c.MaxNumber, 100_000)
	c.Lifetime = cmp.Or(c.Lifetime, 20*time.Minute)
	if c.Now == nil {
		c.Now = time.Now
	}
	var errs []error
	refuse := func(wrong bool, problem string, args ...any) {
		if wrong {
			errs = append(errs, fmt.Errorf("captcha: AltchaConfig."+problem, args...))
		}
	}
	refuse(len(c.Secret) < minAltchaSecret, "Secret needs at least %d bytes", minAltchaSecret)
	refuse(c.Store == nil, "Store is missing")
	refuse(c.MaxNumber < 1 || c.MaxNumber > maxAltchaNumber, "MaxNumber must be between 1 and %d", maxAltchaNumber)
	refuse(c.Lifetime < time.Second || c.Lifetime > maxAltchaLifetime,
		"Lifetime must be between a second and %v", maxAltchaLifetime)
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return &Altcha{config: c}, nil
}

// Widget implements [Verifier]. Its Kind is "altcha".
func (a *Altcha) Widget(context.Context) (*Widget, error) {
	number, err := rand.Int(rand.Reader, big.NewInt(int64(a.config.MaxNumber)+1))
	if err != nil {
		return nil, fmt.Errorf("captcha: draw a number: %w", err)
	}
	// The "&" keeps what follows, the number, from being read as digits of the time.
	salt := fmt.Sprintf("%s?expires=%d&", rand.Text(), a.config.Now().Add(a.config.Lifetime).Unix())
	challenge := altchaHash(salt, number.Int64())
	c, err := json.Marshal(altchaChallenge{
		Algorithm: altchaAlgorithm,
		Challenge: challenge,
		MaxNumber: a.config.MaxNumber,
		Salt:      salt,
		Signature: a.sign(challenge),
	})
	if err != nil {
		return nil, fmt.Errorf("captcha: encode the challenge: %w", err)
	}
	return &Widget{Kind: "altcha", Challenge: c}, nil
}

// Verify implements [Verifier]. Its error is that of the store.
func (a *Altcha) Verify(ctx context.Context, response string, _ netip.Addr) (bool, error) {
	s, ok := parseSolution(response)
	if !ok {
		return false, nil
	}
	challenge := altchaHash(s.Salt, s.Number)
	if !hmac.Equal([]byte(challenge), []byte(s.Challenge)) || !hmac.Equal([]byte(a.sign(challenge)), []byte(s.Signature)) {
		return false, nil
	}
	expires, ok := expiry(s.Salt)
	left := expires.Sub(a.config.Now())
	if !ok || left <= 0 {
		return false, nil
	}
	added := store.Do(ctx, a.config.Store, store.Operation{
		Verb: store.VerbAdd, Key: "altcha:" + challenge, TTL: left + clockSkew,
		Age: max(a.config.Lifetime-left, time.Millisecond),
	})[0]
	switch {
	case errors.Is(added.Err, store.ErrExists), errors.Is(added.Err, store.ErrForgotten):
		return false, nil // another challenge helps
	case added.Err != nil:
		return false, fmt.Errorf("captcha: the store: %w", added.Err)
	}
	return true, nil
}

func parseSolution(response string) (*altchaSolution, bool) {
	if len(response) > maxAltchaResponse {
		return nil, false
	}
	decoded, err := base64.StdEncoding.DecodeString(response)
	if err != nil {
		return nil, false
	}
	var s altchaSolution
	if err := json.Unmarshal(decoded, &s); err != nil {
		return nil, false
	}
	return &s, s.Algorithm == altchaAlgorithm && s.Number >= 0
}

// expiry is the end of a challenge. The salt is signed, but where it ends and the number begins is not: it must end as
// only the whole one does.
func expiry(salt string) (time.Time, bool) {
	_, parameters, _ := strings.Cut(salt, "?")
	value, found := strings.CutPrefix(parameters, "expires=")
	value, terminated := strings.CutSuffix(value, "&")
	seconds, err := strconv.ParseInt(value, 10, 64)
	return time.Unix(seconds, 0), found && terminated && err == nil
}

func altchaHash(salt string, number int64) string {
	sum := sha256.Sum256(strconv.AppendInt([]byte(salt), number, 10))
	return hex.EncodeToString(sum[:])
}

func (a *Altcha) sign(challenge string) string {
	mac := hmac.New(sha256.New, a.config.Secret)
	mac.Write([]byte(challenge))
	return hex.EncodeToString(mac.Sum(nil))
}
