// Package load logs many people in at once, as relying parties and browsers do it, and counts what goes wrong.
//
// A [Loader] is a relying party under FAPI 2.0 together with the browsers of its visitors: it pushes the request,
// fetches and sends every page, redeems the code with a key-bound proof and reads userinfo. It knows nothing of Signet
// but the names of the fields on its pages. It is how examples/cluster and the tests of failures make load, and [Spent]
// lets them try afterwards whether anything of a login is accepted a second time.
package load

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gosignet/signet/keystore"
)

// Person is somebody who logs in by password.
type Person struct{ ID, Password string }

// Config configures a [Loader].
type Config struct {
	// Issuer is the provider's. Required.
	Issuer string
	// ClientID, RedirectURI and Key are those of a client that is registered there; nothing has to listen at the
	// redirect URI. Required.
	ClientID, RedirectURI string
	Key                   *keystore.Key
	// People log in in turn. Required.
	People []Person
	// Transport makes the requests. Nil means one that keeps as many connections as Run has visitors.
	Transport http.RoundTripper
}

// Loader logs people in. It is safe for concurrent use.
type Loader struct {
	config    Config
	transport http.RoundTripper
	endpoints endpoints
	next      atomic.Int64
}

// endpoints is what a relying party reads in the provider's metadata.
type endpoints struct {
	Issuer        string `json:"issuer"`
	Authorization string `json:"authorization_endpoint"`
	Token         string `json:"token_endpoint"`
	Userinfo      string `json:"userinfo_endpoint"`
	Pushed        string `json:"pushed_authorization_request_endpoint"`
}

// New returns a Loader for the provider, whose metadata it reads.
func New(ctx context.Context, c Config) (*Loader, error) {
	if c.Key == nil || c.ClientID == "" || c.RedirectURI == "" || len(c.People) == 0 {
		return nil, errors.New("load: Config lacks the client or the people")
	}
	l := &Loader{config: c, transport: c.Transport}
	if l.transport == nil {
		transport := http.DefaultTransport.(*http.Transport).Clone()
		transport.MaxIdleConnsPerHost = 1024
		l.transport = transport
	}
	res, err := l.send(ctx, &http.Client{Transport: l.transport}, http.MethodGet, c.Issuer+"/.well-known/openid-configuration", nil)
	if err != nil {
		return nil, err
	}
	if err := res.json(&l.endpoints); err != nil {
		return nil, err
	}
	if l.endpoints.Issuer != c.Issuer {
		return nil, fmt.Errorf("load: the metadata are those of %q", l.endpoints.Issuer)
	}
	return l, nil
}

// Count is what happened.
type Count struct {
	// Logins that were complete, and those that failed.
	Complete, Failed int64
	// Refused are those of the failed that ended in a clear answer: a registered error, or a page that says what to do.
	// The others broke off: a connection, or an answer that is neither.
	Refused int64
}

// String tells the numbers.
func (c Count) String() string {
	return fmt.Sprintf("%d complete, %d failed (%d with a clear error)", c.Complete, c.Failed, c.Refused)
}

// Counter counts while logins go on. Its zero value is ready to use.
type Counter struct{ complete, failed, refused atomic.Int64 }

// Count returns what was counted so far.
func (c *Counter) Count() Count {
	return Count{Complete: c.complete.Load(), Failed: c.failed.Load(), Refused: c.refused.Load()}
}

func (c *Counter) add(err error) {
	if err == nil {
		c.complete.Add(1)
		return
	}
	c.failed.Add(1)
	if _, ok := errors.AsType[*RefusedError](err); ok {
		c.refused.Add(1)
	}
}

// Run has so many visitors log in, one login after the other, until the context ends, and hands each login to done, if
// it is not nil: with what it used up, or with the error. A visitor whose login failed waits for pause before the next.
// Logins that the end of the context interrupts do not count.
func (l *Loader) Run(ctx context.Context, visitors int, pause time.Duration, counter *Counter, done func(*Spent, error)) {
	var group sync.WaitGroup
	for range visitors {
		group.Go(func() {
			for ctx.Err() == nil {
				spent, err := l.Login(ctx)
				if ctx.Err() != nil {
					return
				}
				counter.add(err)
				if done != nil {
					done(spent, err)
				}
				if err != nil {
					select {
					case <-ctx.Done():
					case <-time.After(pause):
					}
				}
			}
		})
	}
	group.Wait()
}
