//go:build cgo

package pkcs11

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"sync"
	"time"

	p11 "github.com/miekg/pkcs11"
)

// retryPause is how long a token that could not be reached is left alone.
const retryPause = time.Second

// cryptoki is what is called of a PKCS#11 library. Tests put something between.
type cryptoki interface {
	GetSlotList(tokenPresent bool) ([]uint, error)
	GetTokenInfo(slot uint) (p11.TokenInfo, error)
	GetMechanismList(slot uint) ([]*p11.Mechanism, error)
	GetMechanismInfo(slot uint, m []*p11.Mechanism) (p11.MechanismInfo, error)
	OpenSession(slot uint, flags uint) (p11.SessionHandle, error)
	CloseSession(s p11.SessionHandle) error
	GetSessionInfo(s p11.SessionHandle) (p11.SessionInfo, error)
	Login(s p11.SessionHandle, user uint, pin string) error
	CreateObject(s p11.SessionHandle, template []*p11.Attribute) (p11.ObjectHandle, error)
	DestroyObject(s p11.SessionHandle, o p11.ObjectHandle) error
	GetAttributeValue(s p11.SessionHandle, o p11.ObjectHandle, a []*p11.Attribute) ([]*p11.Attribute, error)
	FindObjectsInit(s p11.SessionHandle, template []*p11.Attribute) error
	FindObjects(s p11.SessionHandle, limit int) ([]p11.ObjectHandle, bool, error)
	FindObjectsFinal(s p11.SessionHandle) error
	GenerateKeyPair(s p11.SessionHandle, m []*p11.Mechanism, public, private []*p11.Attribute) (p11.ObjectHandle, p11.ObjectHandle, error)
	SignInit(s p11.SessionHandle, m []*p11.Mechanism, key p11.ObjectHandle) error
	Sign(s p11.SessionHandle, message []byte) ([]byte, error)
	DecryptInit(s p11.SessionHandle, m []*p11.Mechanism, key p11.ObjectHandle) error
	Decrypt(s p11.SessionHandle, ciphertext []byte) ([]byte, error)
	DeriveKey(s p11.SessionHandle, m []*p11.Mechanism, base p11.ObjectHandle, a []*p11.Attribute) (p11.ObjectHandle, error)
}

// module is a library of which C_Initialize was called for all who use it.
type module struct {
	library *p11.Ctx

	// mu is read-locked by whoever is in the library, and locked to call C_Initialize and C_Finalize, which nobody else
	// must be in the library for.
	mu sync.RWMutex
	// epoch counts the calls of C_Finalize, each of which ends all sessions. Their handles may come again afterwards, for other sessions.
	epoch       int
	initialized bool
	foreign     bool // somebody else in the process called C_Initialize, and C_Finalize is theirs
	lastReset   time.Time

	// objects is locked to make and destroy objects, and read-locked to find and read them. PKCS#11 does not ask for that, but
	// SoftHSM2 fails to make an object that another session finds at the same moment.
	objects sync.RWMutex

	users int // guarded by the mutex of modules
}

// modules are the libraries that the process has loaded. There is one state of a library in a process whatever we do, so
// that this cannot belong to a Vault. A library is never unloaded: many do not survive that.
var modules = struct {
	sync.Mutex
	byPath map[string]*module
	// refused holds a keyed hash of the PIN that a token refused last, by the serial number of the token.
	refused map[string][sha256.Size]byte
	key     []byte
}{byPath: map[string]*module{}, refused: map[string][sha256.Size]byte{}}

// acquire loads and initializes the library, or returns it when another Vault has.
func acquire(path string) (*module, error) {
	modules.Lock()
	defer modules.Unlock()
	m := modules.byPath[path]
	if m == nil {
		library := p11.New(path)
		if library == nil {
			return nil, fmt.Errorf("pkcs11: %s cannot be loaded: it is no PKCS#11 library for this platform", path)
		}
		m = &module{library: library}
		modules.byPath[path] = m
	}
	if m.users == 0 {
		m.mu.Lock()
		defer m.mu.Unlock()
		if err := m.initialize(); err != nil {
			return nil, fmt.Errorf("pkcs11: initialize %s, is its own configuration in order? %w", path, err)
		}
	}
	m.users++
	return m, nil
}

// release ends what acquire began.
func (m *module) release() {
	modules.Lock()
	defer modules.Unlock()
	if m.users--; m.users == 0 {
		m.mu.Lock()
		defer m.mu.Unlock()
		m.finalize()
	}
}

func (m *module) initialize() error {
	err := m.library.Initialize()
	m.foreign = errors.Is(err, p11.Error(p11.CKR_CRYPTOKI_ALREADY_INITIALIZED))
	m.initialized = err == nil || m.foreign
	if m.initialized {
		return nil
	}
	return err
}

func (m *module) finalize() {
	if m.initialized && !m.foreign {
		_ = m.library.Finalize() // what it says does not matter: initialize will tell
		m.initialized = false
		m.epoch++
	}
}

// reset starts the library anew, because many see a token that came back only then. Vaults on other tokens of the
// library open their sessions again. It reports whether that happened: not within a pause of the last time, unless forced.
func (m *module) reset(now time.Time, force bool) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	since := now.Sub(m.lastReset) // negative when the clock was set back, or is another Vault's
	if m.foreign || !force && since >= 0 && since < retryPause {
		return false
	}
	m.lastReset = now
	m.finalize()
	return m.initialize() == nil
}

// refusedPIN reports whether the token with the serial number refused the PIN, and with remember sets that it did.
func refusedPIN(serial string, pin []byte, remember bool) bool {
	modules.Lock()
	defer modules.Unlock()
	if modules.key == nil {
		modules.key = make([]byte, sha256.Size)
		rand.Read(modules.key) // never fails
	}
	mac := hmac.New(sha256.New, modules.key)
	mac.Write(pin)
	sum := [sha256.Size]byte(mac.Sum(nil))
	if remember {
		modules.refused[serial] = sum
	}
	last, found := modules.refused[serial]
	return found && hmac.Equal(last[:], sum[:])
}
