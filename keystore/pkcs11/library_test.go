//go:build cgo

package pkcs11_test

import (
	"sync/atomic"
	"testing"

	p11 "github.com/miekg/pkcs11"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/keystore/pkcs11"
)

// library stands between a vault and SoftHSM2. It counts, and what is set answers in place of SoftHSM2, or before it.
type library struct {
	pkcs11.Cryptoki
	logins, sessions, open atomic.Int64

	broken      atomic.Uint64 // what every function returns; zero is CKR_OK
	tokenInfo   func(*p11.TokenInfo)
	login       func(pin string) error
	mechanisms  func([]*p11.Mechanism) []*p11.Mechanism
	signInit    func(p11.SessionHandle, p11.ObjectHandle) error
	sign        func() error
	generate    func() error
	create      func([]*p11.Attribute) error
	decryptInit func(p11.SessionHandle, []*p11.Mechanism, p11.ObjectHandle) (handled bool, err error)
	decrypt     func(p11.SessionHandle, []byte) (handled bool, message []byte, err error)
}

// openWith opens a vault whose calls go through the library.
func openWith(t testing.TB, config pkcs11.Config, l *library) pkcs11.Vault {
	t.Helper()
	vault, err := pkcs11.OpenWith(t.Context(), config, l.wrap)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, vault.Close()) })
	return vault
}

func (l *library) wrap(real pkcs11.Cryptoki) pkcs11.Cryptoki {
	l.Cryptoki = real
	return l
}

func (l *library) trouble() error {
	if c := l.broken.Load(); c != 0 {
		return p11.Error(c)
	}
	return nil
}

func (l *library) GetSlotList(present bool) ([]uint, error) {
	if err := l.trouble(); err != nil {
		return nil, err
	}
	return l.Cryptoki.GetSlotList(present)
}

func (l *library) GetTokenInfo(slot uint) (p11.TokenInfo, error) {
	if err := l.trouble(); err != nil {
		return p11.TokenInfo{}, err
	}
	info, err := l.Cryptoki.GetTokenInfo(slot)
	if err == nil && l.tokenInfo != nil {
		l.tokenInfo(&info)
	}
	return info, err
}

func (l *library) GetMechanismList(slot uint) ([]*p11.Mechanism, error) {
	found, err := l.Cryptoki.GetMechanismList(slot)
	if err == nil && l.mechanisms != nil {
		found = l.mechanisms(found)
	}
	return found, err
}

func (l *library) OpenSession(slot, flags uint) (p11.SessionHandle, error) {
	if err := l.trouble(); err != nil {
		return 0, err
	}
	handle, err := l.Cryptoki.OpenSession(slot, flags)
	if err == nil {
		l.sessions.Add(1)
		l.open.Add(1)
	}
	return handle, err
}

func (l *library) CloseSession(s p11.SessionHandle) error {
	l.open.Add(-1)
	return l.Cryptoki.CloseSession(s)
}

// GetSessionInfo does not tell that another vault of the process is logged in, when there is something to log in with.
func (l *library) GetSessionInfo(s p11.SessionHandle) (p11.SessionInfo, error) {
	info, err := l.Cryptoki.GetSessionInfo(s)
	if l.login != nil {
		info.State = p11.CKS_RW_PUBLIC_SESSION
	}
	return info, err
}

func (l *library) Login(s p11.SessionHandle, user uint, pin string) error {
	l.logins.Add(1)
	if l.login != nil {
		if err := l.login(pin); err != nil {
			return err
		}
	}
	return l.Cryptoki.Login(s, user, pin)
}

func (l *library) FindObjectsInit(s p11.SessionHandle, template []*p11.Attribute) error {
	if err := l.trouble(); err != nil {
		return err
	}
	return l.Cryptoki.FindObjectsInit(s, template)
}

func (l *library) CreateObject(s p11.SessionHandle, template []*p11.Attribute) (p11.ObjectHandle, error) {
	if l.create != nil {
		if err := l.create(template); err != nil {
			return 0, err
		}
	}
	return l.Cryptoki.CreateObject(s, template)
}

func (l *library) GenerateKeyPair(s p11.SessionHandle, m []*p11.Mechanism, public, private []*p11.Attribute) (p11.ObjectHandle, p11.ObjectHandle, error) {
	if l.generate != nil {
		if err := l.generate(); err != nil {
			return 0, 0, err
		}
	}
	return l.Cryptoki.GenerateKeyPair(s, m, public, private)
}

func (l *library) SignInit(s p11.SessionHandle, m []*p11.Mechanism, key p11.ObjectHandle) error {
	if err := l.trouble(); err != nil {
		return err
	}
	if l.signInit != nil {
		if err := l.signInit(s, key); err != nil {
			return err
		}
	}
	return l.Cryptoki.SignInit(s, m, key)
}

func (l *library) Sign(s p11.SessionHandle, message []byte) ([]byte, error) {
	if l.sign != nil {
		if err := l.sign(); err != nil {
			return nil, err
		}
	}
	return l.Cryptoki.Sign(s, message)
}

func (l *library) DecryptInit(s p11.SessionHandle, m []*p11.Mechanism, key p11.ObjectHandle) error {
	if l.decryptInit != nil {
		if handled, err := l.decryptInit(s, m, key); handled {
			return err
		}
	}
	return l.Cryptoki.DecryptInit(s, m, key)
}

func (l *library) Decrypt(s p11.SessionHandle, ciphertext []byte) ([]byte, error) {
	if l.decrypt != nil {
		if handled, message, err := l.decrypt(s, ciphertext); handled {
			return message, err
		}
	}
	return l.Cryptoki.Decrypt(s, ciphertext)
}
