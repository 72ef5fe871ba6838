//go:build cgo

package pkcs11

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	p11 "github.com/miekg/pkcs11"
)

// token is the Vault over a token.
type token struct {
	config Config
	module *module
	api    cryptoki
	// mechanisms are those that the token offers.
	mechanisms map[uint]p11.MechanismInfo
	// rawOAEP is set once the token has refused OAEP with SHA-256.
	rawOAEP atomic.Bool

	jobs    chan job
	closing chan struct{}
	close   func()
	workers sync.WaitGroup

	// mu lets one session be opened at a time, and guards what follows.
	mu          sync.Mutex
	opened      bool // there was a session
	away        bool // the last attempt to open one failed, with reason
	reason      error
	pausedUntil time.Time
}

var _ Vault = (*token)(nil)

// Open loads the library, finds the token and logs in, or says what prevents it. A mistake in the configuration, a token that
// is missing and a PIN that is refused are errors; all mistakes in the configuration are returned together.
func Open(ctx context.Context, config Config) (Vault, error) {
	return openWith(ctx, config, func(library cryptoki) cryptoki { return library })
}

// openWith is Open with something between the Vault and the library.
func openWith(ctx context.Context, config Config, wrap func(cryptoki) cryptoki) (Vault, error) {
	config, err := config.complete()
	if err != nil {
		return nil, err
	}
	m, err := acquire(config.Module)
	if err != nil {
		return nil, err
	}
	t := &token{config: config, module: m, api: wrap(m.library), jobs: make(chan job), closing: make(chan struct{})}
	t.close = sync.OnceFunc(func() {
		close(t.closing)
		t.workers.Wait()
		m.release()
	})
	t.workers.Go(t.worker)
	sessions, err := do(ctx, t, t.learn)
	if err != nil {
		t.close()
		return nil, err
	}
	for range sessions - 1 {
		t.workers.Go(t.worker)
	}
	// Printers that come to an unexported field walk one pointer far and ask for no lock: there is nothing to see there.
	return &struct{ *token }{t}, nil
}

// Close implements [io.Closer].
func (t *token) Close() error {
	t.close()
	return nil
}

// learn asks the token what it can do, and returns how many sessions to use.
func (t *token) learn(s *session) (sessions int, err error) {
	mechanisms, err := t.api.GetMechanismList(s.slot)
	if err != nil {
		return 0, fmt.Errorf("pkcs11: list the mechanisms: %w", err)
	}
	offered := map[uint]p11.MechanismInfo{}
	for _, m := range mechanisms {
		if info, err := t.api.GetMechanismInfo(s.slot, []*p11.Mechanism{m}); err == nil {
			offered[m.Mechanism] = info
		}
	}
	t.mechanisms = offered
	info, err := t.api.GetTokenInfo(s.slot)
	if err != nil {
		return 0, fmt.Errorf("pkcs11: %w", err)
	}
	sessions = t.config.MaxSessions
	for _, most := range []uint{info.MaxSessionCount, info.MaxRwSessionCount} {
		if most != 0 && most != p11.CK_UNAVAILABLE_INFORMATION && most < uint(sessions) {
			sessions = int(most)
		}
	}
	if sessions < t.config.MaxSessions {
		t.config.Logger.Warn("the token allows fewer sessions", t.name(), slog.Int("wanted", t.config.MaxSessions), slog.Int("allowed", sessions))
	}
	return sessions, nil
}

// offers reports whether the token has a mechanism for a purpose, one of the flags CKF_.
func (t *token) offers(mechanism, purpose uint) bool {
	return t.mechanisms[mechanism].Flags&purpose != 0
}

// Format prints which token it is, whatever the verb.
func (t *token) Format(f fmt.State, _ rune) {
	fmt.Fprintf(f, "vault in the token with label %q and serial %q", t.config.TokenLabel, t.config.TokenSerial)
}

func (t *token) name() slog.Attr {
	return slog.Group("token", slog.String("label", t.config.TokenLabel), slog.String("serial", t.config.TokenSerial))
}

// matches reports whether a token is the one of the configuration.
func (t *token) matches(info p11.TokenInfo) bool {
	return (t.config.TokenLabel == "" || strings.TrimRight(info.Label, " \x00") == t.config.TokenLabel) &&
		(t.config.TokenSerial == "" || strings.TrimRight(info.SerialNumber, " \x00") == t.config.TokenSerial)
}

// open returns a new session that is logged in. A token that cannot be reached is left alone for a while afterwards.
func (t *token) open() (*session, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.config.Now()
	if t.away && now.Before(t.pausedUntil) {
		return nil, t.reason
	}
	s, err := t.tryOpen()
	if err != nil && broken(err) && t.module.reset(now, !t.opened) {
		s, err = t.tryOpen()
	}
	if err != nil {
		if !t.away && t.opened {
			t.config.Logger.Error("the token cannot be used", t.name(), slog.Any("error", err))
		}
		t.away, t.reason, t.pausedUntil = true, err, t.config.Now().Add(retryPause)
		return nil, err
	}
	if t.away {
		t.config.Logger.Info("the token can be used again", t.name())
	}
	t.away, t.opened, t.reason = false, true, nil
	return s, nil
}

func (t *token) tryOpen() (*session, error) {
	t.module.mu.RLock()
	defer t.module.mu.RUnlock()
	slot, info, err := t.find()
	if err != nil {
		return nil, err
	}
	handle, err := t.api.OpenSession(slot, p11.CKF_SERIAL_SESSION|p11.CKF_RW_SESSION)
	if err != nil {
		return nil, fmt.Errorf("pkcs11: open a session: %w", err)
	}
	if err := t.login(handle, info); err != nil {
		_ = t.api.CloseSession(handle)
		return nil, err
	}
	return &session{token: t, handle: handle, slot: slot, epoch: t.module.epoch, keys: map[string]p11.ObjectHandle{}}, nil
}

// find returns the slot that the token is in, which may be another than last time.
func (t *token) find() (uint, p11.TokenInfo, error) {
	slots, err := t.api.GetSlotList(true)
	if err != nil {
		return 0, p11.TokenInfo{}, fmt.Errorf("%w: list the slots: %w", errAway, err)
	}
	var slot uint
	var found []p11.TokenInfo
	for _, candidate := range slots {
		// An error is the matter of that slot, which need not be ours.
		if info, err := t.api.GetTokenInfo(candidate); err == nil && t.matches(info) {
			slot, found = candidate, append(found, info)
		}
	}
	switch len(found) {
	case 0:
		return 0, p11.TokenInfo{}, fmt.Errorf("%w: no slot has a token with label %q and serial %q (empty is any)",
			errAway, t.config.TokenLabel, t.config.TokenSerial)
	case 1:
		return slot, found[0], nil
	}
	return 0, p11.TokenInfo{}, fmt.Errorf("pkcs11: %d tokens have the label %q: choose one by its serial number", len(found), t.config.TokenLabel)
}

// login logs in unless the process is. It never sends a PIN that the token refused, nor one that might be the last.
func (t *token) login(handle p11.SessionHandle, info p11.TokenInfo) error {
	state, err := t.api.GetSessionInfo(handle)
	if err != nil {
		return fmt.Errorf("pkcs11: %w", err)
	}
	if state.State == p11.CKS_RW_USER_FUNCTIONS {
		return nil
	}
	switch {
	case info.Flags&p11.CKF_USER_PIN_LOCKED != 0:
		return fmt.Errorf("%w: it is locked, and the security officer of the token has to unlock it", ErrPIN)
	case info.Flags&p11.CKF_USER_PIN_FINAL_TRY != 0:
		return fmt.Errorf("%w: one more wrong PIN would lock the token; log in by hand once, with the right PIN, to go on", ErrPIN)
	}
	pin, err := readPIN(t.config.PIN)
	if err != nil {
		return err
	}
	defer clear(pin)
	serial := t.config.Module + " " + info.SerialNumber
	if refusedPIN(serial, pin, false) {
		return fmt.Errorf("%w: the token refused it before, and it is not tried again until it changes or the process starts anew", ErrPIN)
	}
	err = t.api.Login(handle, p11.CKU_USER, string(pin))
	switch c := code(err); c {
	case p11.CKR_PIN_INCORRECT, p11.CKR_PIN_INVALID, p11.CKR_PIN_LEN_RANGE, p11.CKR_PIN_EXPIRED, p11.CKR_PIN_LOCKED:
		refusedPIN(serial, pin, true)
		if c == p11.CKR_PIN_LOCKED {
			return fmt.Errorf("%w: it is locked, and the security officer of the token has to unlock it: %w", ErrPIN, err)
		}
		return fmt.Errorf("%w: %w", ErrPIN, err)
	case p11.CKR_USER_ALREADY_LOGGED_IN: // by another session, at the same time
		return nil
	}
	if err != nil {
		return fmt.Errorf("pkcs11: log in: %w", err)
	}
	return nil
}

// readPIN calls the function of the configuration and checks what it returns.
func readPIN(source func() ([]byte, error)) ([]byte, error) {
	pin, err := source()
	switch {
	case err != nil:
		return nil, err
	case len(pin) == 0:
		return nil, errors.New("pkcs11: the PIN is empty")
	case len(pin) > maxPIN:
		return nil, fmt.Errorf("pkcs11: the PIN is longer than %d bytes", maxPIN)
	case bytes.IndexByte(pin, 0) >= 0:
		return nil, errors.New("pkcs11: the PIN has a zero byte")
	}
	return pin, nil
}
