package directory_test

import (
	"context"
	"sync"
	"testing"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/authenticator/authenticatortest"
	"github.com/gosignet/signet/authenticator/directory"
)

func TestDirectoryKeepsTheContract(t *testing.T) {
	t.Parallel()
	authenticatortest.Run(t, func(t testing.TB) authenticatortest.Subject {
		f := newFixture(t, func(c *directory.Config) { c.MaxSending = 256 })
		// Each message is of another transaction, but does not say of which: codes are taken one login at a time.
		sent := &inOrder{Directory: f.Directory, sender: f.sender, codes: make(map[string]string)}
		return authenticatortest.Subject{
			Authenticator: sent,
			Person:        authenticator.Identifier{Value: sokID},
			Unknown:       authenticator.Identifier{Value: unknownID},
			Answers: map[authenticator.Factor]authenticatortest.Answer{
				authenticator.Password:  {Right: password, Wrong: "wrong horse"},
				authenticator.PIN:       {Right: pin, Wrong: "480268"},
				authenticator.Knowledge: {Right: answersSok, Wrong: answersNo},
			},
			Code:      sent.code,
			Expire:    func() { f.clock.Advance(lifetime) },
			Claims:    []string{"name", "email_verified", "updated_at", "address"},
			Languages: []string{"name#en"},
		}
	})
}

// inOrder waits for each message to a known person before the next is sent, to know whose it is.
type inOrder struct {
	*directory.Directory
	sender outbox
	mu     sync.Mutex
	codes  map[string]string
}

func (d *inOrder) SendCode(ctx context.Context, r *authenticator.CodeRequest) (*authenticator.CodeReceipt, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	receipt, err := d.Directory.SendCode(ctx, r)
	if err == nil && r.Identifier.Value == sokID {
		d.codes[r.Transaction] = (<-d.sender).Code
	}
	return receipt, err
}

func (d *inOrder) code(_ context.Context, transaction string) (string, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.codes[transaction], nil
}
