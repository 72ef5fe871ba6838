package ida_test

import (
	"crypto/rand"
	"crypto/rsa"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gosignet/signet/authenticator/ida/idatest"
)

const clientID = "client-1"

// people are those of the stub. Nothing of them may be logged.
var people = idatest.People()

// began is when the clock of the tests begins.
var began = time.Date(2026, time.January, 31, 10, 15, 30, 123_000_000, time.UTC)

// clock is a clock that stands still.
type clock struct{ offset atomic.Int64 }

func (c *clock) now() time.Time          { return began.Add(time.Duration(c.offset.Load())) }
func (c *clock) advance(d time.Duration) { c.offset.Add(int64(d)) }

// stub is IDA, by a clock that stands still.
type stub struct {
	*idatest.Server
	clock *clock
}

func startStub(t testing.TB) *stub {
	s := &stub{idatest.New(t), &clock{}}
	s.Now = s.clock.now
	return s
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

// otherKey is nobody's whom IDA knows.
var otherKey = sync.OnceValue(func() idatest.Identity {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	must(err)
	return idatest.Certify("another", key, nil, began.AddDate(-1, 0, 0), began.AddDate(1, 0, 0))
})
