//go:build cgo

package pkcs11

import (
	"context"
	"encoding/hex"
	"fmt"

	p11 "github.com/miekg/pkcs11"

	"github.com/gosignet/signet/keystore"
)

// session is a session with a token. One worker uses it.
type session struct {
	token  *token
	handle p11.SessionHandle
	slot   uint
	epoch  int
	keys   map[string]p11.ObjectHandle // the private keys that were used in it, by identifier
}

// job is something to do in a session.
type job struct {
	ctx  context.Context
	work func(*session) error
	done chan error // has room for the result, so that nobody has to wait for it
}

// do runs the work in a session and waits for it, no longer than the context lets it. The work may be run twice, when
// the session that it ran in first was gone. When do returns early, the work goes on: it must use nothing that the caller
// may change.
func do[T any](ctx context.Context, t *token, work func(*session) (T, error)) (T, error) {
	var result, none T
	if err := ctx.Err(); err != nil {
		return none, err
	}
	j := job{ctx: ctx, done: make(chan error, 1), work: func(s *session) (err error) {
		result, err = work(s)
		return err
	}}
	select {
	case t.jobs <- j:
	case <-ctx.Done():
		return none, fmt.Errorf("pkcs11: wait for a session: %w", ctx.Err())
	case <-t.closing:
		return none, ErrClosed
	}
	select {
	case err := <-j.done:
		if err != nil {
			return none, err
		}
		return result, nil
	case <-ctx.Done():
		return none, fmt.Errorf("pkcs11: wait for the token: %w", ctx.Err())
	}
}

// read is do for work that finds and reads objects.
func read[T any](ctx context.Context, t *token, work func(*session) (T, error)) (T, error) {
	return do(ctx, t, func(s *session) (T, error) {
		t.module.objects.RLock()
		defer t.module.objects.RUnlock()
		return work(s)
	})
}

// write is do for work that makes or destroys objects.
func write[T any](ctx context.Context, t *token, work func(*session) (T, error)) (T, error) {
	return do(ctx, t, func(s *session) (T, error) {
		t.module.objects.Lock()
		defer t.module.objects.Unlock()
		return work(s)
	})
}

// worker does jobs in a session of its own until the Vault is closed.
func (t *token) worker() {
	var s *session
	for {
		select {
		case <-t.closing:
			t.module.mu.RLock()
			defer t.module.mu.RUnlock()
			if s != nil && s.epoch == t.module.epoch {
				_ = t.api.CloseSession(s.handle)
			}
			return
		case j := <-t.jobs:
			var err error
			s, err = t.run(s, j)
			j.done <- err
		}
	}
}

// run does a job in the session. When the session turns out to be broken, it does it once more in a new one. It returns the session to go
// on with, nil for none.
func (t *token) run(s *session, j job) (*session, error) {
	for {
		fresh := s == nil
		if err := j.ctx.Err(); err != nil {
			return s, err
		}
		if fresh {
			var err error
			if s, err = t.open(); err != nil {
				return nil, err
			}
		}
		ended, err := s.try(j.work)
		switch {
		case !ended:
			return s, err
		case fresh && err != nil:
			return nil, err
		}
		s = nil
	}
}

// try does the work in the session, and reports whether the session has ended, before (then there is no error) or
// through it.
func (s *session) try(work func(*session) error) (ended bool, err error) {
	s.token.module.mu.RLock()
	defer s.token.module.mu.RUnlock()
	if s.epoch != s.token.module.epoch {
		return true, nil
	}
	if err = work(s); err != nil && broken(err) {
		_ = s.token.api.CloseSession(s.handle)
		return true, err
	}
	return false, err
}

// find returns the objects that have all attributes of the template.
func (s *session) find(template ...*p11.Attribute) (found []p11.ObjectHandle, err error) {
	api := s.token.api
	if err := api.FindObjectsInit(s.handle, template); err != nil {
		return nil, fmt.Errorf("pkcs11: find objects: %w", err)
	}
	defer func() {
		if final := api.FindObjectsFinal(s.handle); err == nil && final != nil {
			err = fmt.Errorf("pkcs11: find objects: %w", final)
		}
	}()
	for {
		more, _, err := api.FindObjects(s.handle, 64)
		if err != nil {
			return nil, fmt.Errorf("pkcs11: find objects: %w", err)
		}
		if len(more) == 0 {
			return found, nil
		}
		found = append(found, more...)
	}
}

// present says whether the token is still there. Some libraries show a token that was taken away as one that is empty, so what
// was not found is missing only when this is nil.
func (s *session) present() error {
	info, err := s.token.api.GetTokenInfo(s.slot)
	if err != nil {
		return fmt.Errorf("%w: %w", errAway, err)
	}
	if !s.token.matches(info) {
		return fmt.Errorf("%w: another is in its slot", errAway)
	}
	return nil
}

// key returns the private key with the identifier, which it looks for once in a session.
func (s *session) key(id string) (p11.ObjectHandle, error) {
	if key, found := s.keys[id]; found {
		return key, nil
	}
	s.token.module.objects.RLock()
	defer s.token.module.objects.RUnlock()
	key, err := s.findKey(id)
	if err == nil {
		s.keys[id] = key
	}
	return key, err
}

// findKey looks for the private key with the identifier.
func (s *session) findKey(id string) (p11.ObjectHandle, error) {
	raw, err := hex.DecodeString(id)
	if err != nil || len(raw) == 0 || hex.EncodeToString(raw) != id {
		return 0, fmt.Errorf("%w: %q", keystore.ErrNoVaultKey, id)
	}
	found, err := s.find(private, attribute(p11.CKA_TOKEN, true), attribute(p11.CKA_ID, raw))
	if err != nil {
		return 0, err
	}
	switch len(found) {
	case 0:
		if err := s.present(); err != nil {
			return 0, err
		}
		return 0, fmt.Errorf("%w: %s", keystore.ErrNoVaultKey, id)
	case 1:
		return found[0], nil
	}
	return 0, fmt.Errorf("pkcs11: %d private keys in the token have the CKA_ID %s", len(found), id)
}
