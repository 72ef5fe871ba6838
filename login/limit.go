package login

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strings"
	"time"
	"unicode"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/store"
)

const maxCount = 1<<16 - 1

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

// spent is a use that was counted, until the window ends.
type spent struct {
	key string
	end time.Time
}

// spend counts a use before it is made. If the limit is reached the use is not counted, and the error is an
// *[authenticator.Error] that says until when; other errors are those of the store.
func (l *limiter) spend(ctx context.Context, u use, id authenticator.Identifier) (spent, error) {
	s := spent{key: l.name(u, id)}
	counter, err := l.store.Increment(ctx, s.key, 1, l.limit.Window)
	if err != nil {
		return s, outage(err)
	}
	s.end = l.now().Add(counter.TTL)
	if counter.N <= int64(l.limit.Attempts) {
		return s, nil
	}
	if err := l.giveBack(ctx, s); err != nil {
		return s, outage(err)
	}
	return s, &authenticator.Error{Reason: authenticator.Locked, RetryAt: s.end}
}

// giveBack takes back a use that turned out to be the person's own, or was not made. Once its window is over it does not
// count any more, and must not be taken from those of the next.
func (l *limiter) giveBack(ctx context.Context, s spent) error {
	if !l.now().Before(s.end) {
		return nil
	}
	_, err := l.store.Increment(ctx, s.key, -1, l.limit.Window)
	return err
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
