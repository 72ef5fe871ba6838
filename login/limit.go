package login

import (
	"strings"
	"time"
	"unicode"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/internal/pseudonym"
	"github.com/gosignet/signet/store"
)

const maxCount = 1<<16 - 1

// Use is what is counted, each on its own: whoever has codes sent to somebody else does not lock their password.
type Use string

const (
	// UseAnswer is an answer to a challenge. Right ones are given back.
	UseAnswer Use = "answer"
	// UseCode is a one-time code that is sent.
	UseCode Use = "code"
)

// limiter counts uses of logins, and of identifiers and sources across all logins, for all instances.
type limiter struct {
	store       store.Ephemeral
	names       *pseudonym.Maker
	limit       Limit // of an identifier
	sourceLimit Limit
	delay       Delay
	now         func() time.Time
}

// tally is a use that is counted: before it is made, so that no number of concurrent uses makes more than are allowed.
type tally struct {
	limiter *limiter
	key     string
	limit   Limit
	at      time.Time
	counted *store.Result
}

// login counts a use of a login in a batch.
func (l *limiter) login(b *store.Batch, u Use, handle string, limit Limit) *tally {
	return l.count(b, l.name("login-"+string(u), ID(handle)), limit)
}

// identifier counts a use of an identifier in a batch. The identifier's type is left out: it is what the browser says it
// is, and another type must not be another ten attempts at the same person.
func (l *limiter) identifier(b *store.Batch, u Use, id authenticator.Identifier) *tally {
	return l.count(b, l.name(string(u), fold(id.Value)), l.limit)
}

func (l *limiter) count(b *store.Batch, key string, limit Limit) *tally {
	return &tally{limiter: l, key: key, limit: limit, at: l.now(), counted: b.Queue(l.store, store.Operation{
		Verb: store.VerbIncrement, Key: key, Delta: 1, TTL: limit.Window,
	})}
}

// n is how many uses were counted, this one included.
func (t *tally) n() int { return int(t.counted.Counter.N) }

// without is how many uses are shown once the use is given back: whoever was counted later counted it in.
func without(shown int, given *tally) int {
	if shown > given.n() {
		return shown - 1
	}
	return shown
}

// check returns an *[authenticator.Error] that says until when the limit is reached, or the error of the store.
func (t *tally) check() error {
	if t.counted.Err != nil {
		return outage(t.counted.Err)
	}
	if t.n() > t.limit.Attempts {
		return &authenticator.Error{Reason: authenticator.Locked, RetryAt: t.end()}
	}
	return nil
}

// end is when the window ends.
func (t *tally) end() time.Time { return t.at.Add(t.counted.Counter.TTL) }

// giveBack takes back, in a batch, a use that was not made, or was the person's own. Once its window is over there is
// nothing to give back, and it must not be taken from those of the next. The result is nil if there is nothing.
func (t *tally) giveBack(b *store.Batch) *store.Result {
	if t == nil || t.counted.Err != nil || !t.limiter.now().Before(t.end()) {
		return nil
	}
	return b.Queue(t.limiter.store, store.Operation{Verb: store.VerbIncrement, Key: t.key, Delta: -1, TTL: t.limit.Window})
}

// name is the key of a counter. It does not tell what is counted, not even to somebody who tries all identifiers, without
// the secret.
func (l *limiter) name(use, of string) string {
	return "login-limit:" + l.names.Name([]byte(use+":"+of))
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
