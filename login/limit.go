package login

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/store"
)

const (
	maxCount = 1<<16 - 1
	// counterSize: the end of the window in Unix milliseconds, and the count.
	counterSize = 8 + 2
	// maxCounterUpdates bounds the compare-and-swap loop. Every lost round is one that another attempt on the same
	// identifier won, so that the limit is reached, or the identifier is under attack, long before.
	maxCounterUpdates = 64
)

// use is what is counted, each on its own: whoever has codes sent to somebody else does not lock their password.
type use string

const (
	useAnswer use = "answer"
	useCode   use = "code"
)

// limiter counts uses of an identifier across all logins and instances.
type limiter struct {
	store store.Ephemeral
	key   []byte
	limit Limit
	now   func() time.Time
}

// spent is a use that was counted.
type spent struct {
	key   string
	value []byte
}

// spend counts a use before it is made. If the limit is reached it counts nothing and returns an
// *[authenticator.Error] that says until when; other errors are those of the store.
func (l *limiter) spend(ctx context.Context, u use, id authenticator.Identifier) (spent, error) {
	now := l.now()
	s := spent{key: l.name(u, id)}
	first := counter(now.Add(l.limit.Window), 1)
	for range maxCounterUpdates {
		err := l.store.Add(ctx, s.key, first, l.limit.Window)
		if err == nil {
			s.value = first
			return s, nil
		}
		if !errors.Is(err, store.ErrExists) {
			return s, outage(err)
		}
		old, err := l.store.Get(ctx, s.key)
		if errors.Is(err, store.ErrNotFound) {
			continue
		}
		if err != nil {
			return s, outage(err)
		}
		end, count, err := parseCounter(old)
		switch {
		case err != nil:
			return s, err
		case !now.Before(end): // the backend's clock is behind ours
			end, count = now.Add(l.limit.Window), 0
		case count >= l.limit.Attempts:
			return s, &authenticator.Error{Reason: authenticator.Locked, RetryAt: end}
		}
		s.value = counter(end, count+1)
		err = l.store.Replace(ctx, s.key, old, s.value, end.Sub(now))
		if err == nil {
			return s, nil
		}
		if !errors.Is(err, store.ErrConflict) {
			return s, outage(err)
		}
	}
	return s, outage(store.ErrConflict)
}

// giveBack takes back a use that turned out to be the person's own.
func (l *limiter) giveBack(ctx context.Context, s spent) error {
	old := s.value
	for range maxCounterUpdates {
		end, count, err := parseCounter(old)
		now := l.now()
		if err != nil || count == 0 || !now.Before(end) {
			return err
		}
		err = l.store.Replace(ctx, s.key, old, counter(end, count-1), end.Sub(now))
		if !errors.Is(err, store.ErrConflict) {
			return err
		}
		if old, err = l.store.Get(ctx, s.key); errors.Is(err, store.ErrNotFound) {
			return nil
		} else if err != nil {
			return err
		}
	}
	return store.ErrConflict
}

// name is the key of a counter. It does not tell the identifier, not even to somebody who tries them all, without the
// secret. The identifier's type is left out: it is what the browser says it is, and another type must not be another
// ten attempts at the same person.
func (l *limiter) name(u use, id authenticator.Identifier) string {
	mac := hmac.New(sha256.New, l.key)
	fmt.Fprintf(mac, "%s:%s", u, fold(id.Value))
	return "login-limit:" + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// fold makes one of the spellings that an identity system may take for the same: letters in lower case, digits of all
// scripts as ASCII, and nothing of punctuation and white space. Two people may fold to the same; they then share a
// limit and nothing else.
func fold(s string) string {
	folded := strings.Map(func(r rune) rune {
		switch {
		case unicode.IsDigit(r):
			return '0' + digit(r)
		case unicode.IsLetter(r), unicode.IsMark(r):
			return unicode.ToLower(unicode.ToUpper(r))
		}
		return -1
	}, s)
	if folded == "" {
		return s
	}
	return folded
}

// digit is the value of a decimal digit. Unicode encodes the ten digits of a script in order, and several such tens one
// after the other.
func digit(r rune) rune {
	for _, t := range unicode.Nd.R16 {
		if lo, hi := rune(t.Lo), rune(t.Hi); lo <= r && r <= hi {
			return (r - lo) % 10
		}
	}
	for _, t := range unicode.Nd.R32 {
		if lo, hi := rune(t.Lo), rune(t.Hi); lo <= r && r <= hi {
			return (r - lo) % 10
		}
	}
	return 0
}

func counter(end time.Time, count int) []byte {
	b := binary.BigEndian.AppendUint64(make([]byte, 0, counterSize), uint64(end.UnixMilli()))
	return binary.BigEndian.AppendUint16(b, uint16(count))
}

func parseCounter(b []byte) (end time.Time, count int, err error) {
	if len(b) != counterSize {
		return end, 0, errors.New("login: a counter in the store is damaged")
	}
	return time.UnixMilli(int64(binary.BigEndian.Uint64(b))), int(binary.BigEndian.Uint16(b[8:])), nil
}
