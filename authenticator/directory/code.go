package directory

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/big"
	"time"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/authenticator/internal/democode"
	"github.com/gosignet/signet/authenticator/internal/digits"
	"github.com/gosignet/signet/store"
)

// maxAnswerBytes is more than any way to write a code takes.
const maxAnswerBytes = 256

var errNoTransaction = errors.New("directory: a one-time code needs a transaction")

// codes issues and redeems one-time codes.
type codes struct {
	bucket      store.Bucket[codeRecord]
	handleKey   []byte
	codeKey     []byte
	length      int
	lifetime    time.Duration
	resendAfter time.Duration
	maxTries    int
	now         func() time.Time
	random      io.Reader
}

// codeRecord is what the store keeps of a code. It outlives the code for a while, so that a person who is late can be
// told so.
type codeRecord struct {
	MAC       []byte    `json:"mac"`
	Tries     int       `json:"tries,omitempty"`
	Used      bool      `json:"used,omitempty"`
	SentAt    time.Time `json:"sent_at"`
	ExpiresAt time.Time `json:"expires_at"`
}

type issuedCode struct {
	code        string
	expiresAt   time.Time
	resendAfter time.Time
}

func newCodes(c Config) (*codes, error) {
	handleKey, err := c.deriveKey("handle")
	if err != nil {
		return nil, err
	}
	codeKey, err := c.deriveKey("code")
	if err != nil {
		return nil, err
	}
	return &codes{
		bucket:      store.Bucket[codeRecord]{Store: c.Store, Name: "otp", Now: c.Now},
		handleKey:   handleKey,
		codeKey:     codeKey,
		length:      c.CodeLength,
		lifetime:    c.CodeLifetime,
		resendAfter: c.ResendAfter,
		maxTries:    c.MaxTries,
		now:         c.Now,
		random:      c.Random,
	}, nil
}

// issue makes a code for the transaction and identifier, in place of an earlier one, unless that was sent just now. One
// that goes to nobody is kept like any other, but no answer is right.
func (c *codes) issue(ctx context.Context, transaction string, id authenticator.Identifier, sent bool) (*issuedCode, error) {
	if transaction == "" {
		return nil, fail(authenticator.Unavailable, errNoTransaction)
	}
	code, err := c.generate(ctx)
	if err != nil {
		return nil, fail(authenticator.Unavailable, err)
	}
	mac := c.mac(transaction, id, code)
	if !sent {
		mac = randomBytes(len(mac))
	}
	now := c.now()
	record := codeRecord{
		MAC:       mac,
		SentAt:    now,
		ExpiresAt: now.Add(c.lifetime),
	}
	if err := c.put(ctx, c.handle(transaction, id), record); err != nil {
		return nil, err
	}
	return &issuedCode{code: code, expiresAt: record.ExpiresAt, resendAfter: now.Add(c.resendAfter)}, nil
}

func (c *codes) put(ctx context.Context, handle string, record codeRecord) error {
	ttl := 2 * c.lifetime
	err := c.bucket.Add(ctx, handle, record, ttl)
	if errors.Is(err, store.ErrExists) {
		_, err = c.bucket.UpdateFor(ctx, handle, ttl, func(old *codeRecord) error {
			if retry := old.SentAt.Add(c.resendAfter); record.SentAt.Before(retry) {
				return &authenticator.Error{Reason: authenticator.TooSoon, RetryAt: retry}
			}
			*old = record
			return nil
		})
	}
	if errors.Is(err, store.ErrNotFound) { // it expired in between
		err = c.bucket.Add(ctx, handle, record, ttl)
	}
	return explain(err)
}

// redeem judges an answer. It counts as a try in any case; the code is consumed if it is right and all other factors
// were right too, which is then the one success that the code can give.
func (c *codes) redeem(ctx context.Context, transaction string, id authenticator.Identifier, answer string, othersRight bool) (bool, error) {
	if transaction == "" {
		return false, fail(authenticator.Unavailable, errNoTransaction)
	}
	mac := c.mac(transaction, id, normalize(answer))
	right := false
	_, err := c.bucket.Update(ctx, c.handle(transaction, id), func(r *codeRecord) error {
		if r.Used {
			return fail(authenticator.WrongCredentials, nil)
		}
		if r.Tries >= c.maxTries || !c.now().Before(r.ExpiresAt) {
			return fail(authenticator.CodeExpired, nil)
		}
		right = subtle.ConstantTimeCompare(mac, r.MAC) == 1 && othersRight
		r.Used = right
		r.Tries++
		return nil
	})
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	}
	return right && err == nil, explain(err)
}

// generate draws a code, every one equally likely.
func (c *codes) generate(ctx context.Context) (string, error) {
	if code, ok := democode.From(ctx); ok {
		return code, nil
	}
	n, err := rand.Int(c.random, new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(c.length)), nil))
	if err != nil {
		return "", fmt.Errorf("directory: random source: %w", err)
	}
	return fmt.Sprintf("%0*d", c.length, n), nil
}

// normalize reads a code as people write it. Whatever is left besides digits is wrong.
func normalize(answer string) string {
	if len(answer) > maxAnswerBytes {
		return ""
	}
	return digits.Normalize(answer)
}

// handle is where the code is kept. It has the form of the handles that the store mints, and is as hard to guess for
// anyone without the key.
func (c *codes) handle(transaction string, id authenticator.Identifier) string {
	return base64.RawURLEncoding.EncodeToString(keyed(c.handleKey, transaction, id.Type, id.Value))
}

func (c *codes) mac(transaction string, id authenticator.Identifier, code string) []byte {
	return keyed(c.codeKey, transaction, id.Type, id.Value, code)
}

// keyed is HMAC-SHA-256 over the parts, each after its length, so that no two lists of parts are one message.
func keyed(key []byte, parts ...string) []byte {
	h := hmac.New(sha256.New, key)
	for _, part := range parts {
		var length [8]byte
		binary.BigEndian.PutUint64(length[:], uint64(len(part)))
		h.Write(length[:])
		io.WriteString(h, part)
	}
	return h.Sum(nil)
}

// explain makes Unavailable of the store's errors and passes on our own.
func explain(err error) error {
	var failure *authenticator.Error
	switch {
	case err == nil:
		return nil
	case errors.As(err, &failure):
		return failure
	}
	return fail(authenticator.Unavailable, fmt.Errorf("directory: one-time codes: %w", err))
}
