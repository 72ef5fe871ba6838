package directory_test

import (
	"bytes"
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/authenticator/directory"
	"github.com/gosignet/signet/store"
)

const (
	sokID      = "8051437269" // has a telephone and a password
	chanID     = "8274906531" // has an e-mail address and a password
	lockedID   = "9130265874" // has all, and is locked
	bareID     = "9587310426" // has neither address nor password
	brokenID   = "7462089315" // has a hash that cannot be used
	unknownID  = "1000000000"
	password   = "correct horse"
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

var secret = bytes.Repeat([]byte{7}, 32)

// fixture is a directory with all that a test wants to see or steer.
type fixture struct {
	*directory.Directory
	clock  *clock
	store  *mapStore
	sender outbox
	config directory.Config
}

func newFixture(t *testing.T, changes ...func(*directory.Config)) *fixture {
	t.Helper()
	hash, err := cheap.Hash(password)
	require.NoError(t, err)
	people := map[string]*directory.Person{
		sokID: {
			Subject: "person-1", PasswordHash: hash,
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
			Subject: "person-3", PasswordHash: hash, Locked: true,
			Contacts: []directory.Contact{{Channel: directory.SMS, Address: "+85512000874"}},
		},
		bareID: {Subject: "person-4"},
		brokenID: {
			Subject: "person-5", PasswordHash: "$argon2id$v=19$m=4294967295,t=1,p=1$c29tc2FsdA$c29tZWhhc2hzb21laGFzaA",
			Contacts: []directory.Contact{{Channel: directory.SMS, Address: "+85512000315"}},
		},
	}
	f := &fixture{clock: &clock{now: time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)}, sender: make(outbox, 256)}
	f.store = &mapStore{now: f.clock.Now, values: map[string]stored{}}
	f.config = directory.Config{
		Lookup: func(_ context.Context, id authenticator.Identifier) (*directory.Person, error) {
			if p, ok := people[id.Value]; ok {
				return p, nil
			}
			return nil, directory.ErrUnknown
		},
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
func (f *fixture) another(t *testing.T) *directory.Directory {
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

// mapStore is a store that shows what it was asked and what it keeps, and can be broken.
type mapStore struct {
	now    func() time.Time
	mu     sync.Mutex
	values map[string]stored
	calls  []string
	dump   bytes.Buffer // every key and value that was ever written
	broken error
}

type stored struct {
	value   []byte
	expires time.Time
}

// call counts a call, and returns the live value under the key.
func (s *mapStore) call(name, key string) ([]byte, error) {
	s.calls = append(s.calls, name)
	if s.broken != nil {
		return nil, s.broken
	}
	v, ok := s.values[key]
	if !ok || !s.now().Before(v.expires) {
		return nil, store.ErrNotFound
	}
	return slices.Clone(v.value), nil
}

func (s *mapStore) set(key string, value []byte, ttl time.Duration) error {
	s.values[key] = stored{slices.Clone(value), s.now().Add(ttl)}
	s.dump.WriteString(key + "\n")
	s.dump.Write(append(value, '\n'))
	return nil
}

func (s *mapStore) Put(_ context.Context, key string, value []byte, ttl time.Duration) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, err := s.call("Put", key); err != nil && err != store.ErrNotFound {
		return err
	}
	return s.set(key, value, ttl)
}

func (s *mapStore) Add(_ context.Context, key string, value []byte, ttl time.Duration) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch _, err := s.call("Add", key); err {
	case nil:
		return store.ErrExists
	case store.ErrNotFound:
		return s.set(key, value, ttl)
	default:
		return err
	}
}

func (s *mapStore) Get(_ context.Context, key string) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.call("Get", key)
}

func (s *mapStore) Take(_ context.Context, key string) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	value, err := s.call("Take", key)
	delete(s.values, key)
	return value, err
}

func (s *mapStore) Replace(_ context.Context, key string, old, new []byte, ttl time.Duration) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	value, err := s.call("Replace", key)
	if err == store.ErrNotFound || err == nil && !bytes.Equal(value, old) {
		return store.ErrConflict
	}
	if err != nil {
		return err
	}
	return s.set(key, new, ttl)
}
