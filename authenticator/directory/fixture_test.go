package directory_test

import (
	"bytes"
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/authenticator/directory"
	"github.com/gosignet/signet/store/memory"
)

const (
	sokID      = "8051437269" // has a telephone, a password, a PIN and answers
	chanID     = "8274906531" // has an e-mail address and a password
	lockedID   = "9130265874" // has all, and is locked
	bareID     = "9587310426" // has nothing
	brokenID   = "7462089315" // has hashes that cannot be used
	unknownID  = "1000000000"
	password   = "correct horse"
	pin        = "480269"
	answersSok = `{"name": "sok  DARA", "born": "1990-02-27"}`
	answersNo  = `{"name": "Sok Dari", "born": "1990-02-27"}`
	sokPhone   = "+85512000269"
	chanEmail  = "sophea.chan@example.org"
	lifetime   = 3 * time.Minute
	maxTries   = 5
	wait       = 30 * time.Second
	exampleRP  = "health-portal"
	exampleTxn = "transaction-1"
)

// cheap is the least cost that a directory takes.
var cheap = directory.Argon2id{Memory: 1024, Time: 1, Threads: 1}

// form is what people may be asked.
var form = authenticator.Form{
	Identifier: &authenticator.FormField{Name: "id", Type: authenticator.FieldDigits},
	Fields: []authenticator.FormField{
		{Name: "name", Labels: map[string]string{"en": "Full name", "km": "ឈ្មោះពេញ"}},
		{Name: "born", Type: authenticator.FieldDate, Format: "dd/MM/yyyy"},
	},
}

var secret = bytes.Repeat([]byte{7}, 32)

// fixture is a directory with all that a test wants to see or steer.
type fixture struct {
	*directory.Directory
	clock  *clock
	store  *recorder
	sender outbox
	config directory.Config
}

func newFixture(t testing.TB, changes ...func(*directory.Config)) *fixture {
	t.Helper()
	hash, err := cheap.Hash(password)
	require.NoError(t, err)
	pinHash, err := cheap.Hash(pin)
	require.NoError(t, err)
	known := map[string]string{"name": "Sok Dara", "born": "27/02/1990"}
	const broken = "$argon2id$v=19$m=4294967295,t=1,p=1$c29tc2FsdA$c29tZWhhc2hzb21laGFzaA"
	people := map[string]*directory.Person{
		sokID: {
			Subject: "person-1", PasswordHash: hash, PINHash: pinHash, Answers: known,
			Contacts: []directory.Contact{{Channel: directory.SMS, Address: sokPhone}},
			Claims: map[string]any{
				"name": "សុខ ដារ៉ា", "name#en": "Sok Dara", "email_verified": false, "updated_at": 1746774000,
				"address": map[string]string{"country": "កម្ពុជា"},
			},
		},
		chanID: {
			Subject: "person-2", PasswordHash: hash,
			Contacts: []directory.Contact{{Channel: directory.Email, Address: chanEmail}},
		},
		lockedID: {
			Subject: "person-3", PasswordHash: hash, PINHash: pinHash, Answers: known, Locked: true,
			Contacts: []directory.Contact{{Channel: directory.SMS, Address: "+85512000874"}},
		},
		bareID: {Subject: "person-4"},
		brokenID: {
			Subject: "person-5", PasswordHash: broken, PINHash: broken,
			Contacts: []directory.Contact{{Channel: directory.SMS, Address: "+85512000315"}},
		},
	}
	f := &fixture{clock: &clock{now: time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)}, sender: make(outbox, 256)}
	values, err := memory.New(memory.Config{Now: f.clock.Now})
	require.NoError(t, err)
	f.store = &recorder{Store: values}
	f.config = directory.Config{
		Lookup: func(_ context.Context, id authenticator.Identifier) (*directory.Person, error) {
			if p, ok := people[id.Value]; ok {
				return p, nil
			}
			return nil, directory.ErrUnknown
		},
		PIN:      true,
		Form:     form,
		Sender:   f.sender,
		Store:    f.store,
		Secret:   secret,
		Decoys:   []directory.Contact{{Channel: directory.SMS, Address: "+85512000000"}},
		Argon2id: cheap,
		Now:      f.clock.Now,
	}
	for _, change := range changes {
		change(&f.config)
	}
	f.Directory = f.another(t)
	return f
}

// another returns a second instance over the same store.
func (f *fixture) another(t testing.TB) *directory.Directory {
	t.Helper()
	d, err := directory.New(f.config)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, d.Close()) })
	return d
}

// send asks for a code and returns the one that was sent.
func (f *fixture) send(t *testing.T, transaction, id string) string {
	t.Helper()
	_, err := f.SendCode(t.Context(), codeRequest(transaction, id))
	require.NoError(t, err)
	return (<-f.sender).Code
}

func codeRequest(transaction, id string) *authenticator.CodeRequest {
	return &authenticator.CodeRequest{
		Transaction: transaction, ClientID: exampleRP,
		Identifier: authenticator.Identifier{Value: id}, Locales: []string{"km", "en"},
	}
}

func answer(transaction, id string, challenges ...authenticator.Challenge) *authenticator.Request {
	return &authenticator.Request{
		Transaction: transaction, ClientID: exampleRP,
		Identifier: authenticator.Identifier{Value: id}, Challenges: challenges,
	}
}

func otp(code string) authenticator.Challenge {
	return authenticator.Challenge{Factor: authenticator.OTP, Response: code}
}

func pwd(password string) authenticator.Challenge {
	return authenticator.Challenge{Factor: authenticator.Password, Response: password}
}

func pinned(pin string) authenticator.Challenge {
	return authenticator.Challenge{Factor: authenticator.PIN, Response: pin}
}

func known(response string) authenticator.Challenge {
	return authenticator.Challenge{Factor: authenticator.Knowledge, Response: response}
}

// wrong returns a code that differs from the given one.
func wrong(code string) string {
	return string('0'+(code[0]-'0'+1)%10) + code[1:]
}

func requireReason(t *testing.T, want authenticator.Reason, err error) *authenticator.Error {
	t.Helper()
	var failure *authenticator.Error
	require.ErrorAs(t, err, &failure)
	require.Equal(t, want, failure.Reason, "%v", err)
	return failure
}

type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// outbox is a Sender whose messages wait to be read.
type outbox chan *directory.Message

func (o outbox) SendCode(_ context.Context, m *directory.Message) error {
	o <- m
	return nil
}

// recorder is a store that shows what it was asked and what was written to it, and can be broken.
type recorder struct {
	*memory.Store
	mu     sync.Mutex
	calls  []string
	dump   bytes.Buffer // every key and value that was ever written
	broken error
}

func (r *recorder) record(call, key string, value []byte) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.calls = append(r.calls, call)
	fmt.Fprintf(&r.dump, "%s\n%s\n", key, value)
	return r.broken
}

func (r *recorder) Add(ctx context.Context, key string, value []byte, ttl time.Duration) error {
	if err := r.record("Add", key, value); err != nil {
		return err
	}
	return r.Store.Add(ctx, key, value, ttl)
}

func (r *recorder) Get(ctx context.Context, key string) ([]byte, error) {
	if err := r.record("Get", key, nil); err != nil {
		return nil, err
	}
	return r.Store.Get(ctx, key)
}

func (r *recorder) Replace(ctx context.Context, key string, old, new []byte, ttl time.Duration) error {
	if err := r.record("Replace", key, new); err != nil {
		return err
	}
	return r.Store.Replace(ctx, key, old, new, ttl)
}
