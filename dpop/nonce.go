package dpop

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"
)

const (
	defaultStep = time.Minute
	minStep     = 10 * time.Second
	maxStep     = 10 * time.Minute
	minSecret   = 32
)

// NoncesConfig configures [Nonces].
type NoncesConfig struct {
	// Secrets are shared by all instances: 32 random bytes or more each. The first makes nonces, and those of all are
	// accepted. To rotate, give the new one to all instances as the second, then make it the first, then drop the old
	// one, with two steps between. Required.
	Secrets [][]byte
	// Step is how long one nonce is given out: 10 seconds to 10 minutes, the same in all instances. It is accepted for
	// another step. Zero means a minute.
	Step time.Duration
	// Now is the clock. Nil means time.Now.
	Now func() time.Time
}

// Nonces makes nonces and knows them again without storing any: a nonce is a function of the time and of a secret, the
// same for all clients. It proves that what contains it was not made before its time. It is safe for concurrent use.
type Nonces struct {
	secrets [][]byte
	step    time.Duration
	now     func() time.Time
	cache   atomic.Pointer[nonceSet]
}

// NewNonces returns Nonces, or every mistake in the configuration at once.
func NewNonces(c NoncesConfig) (*Nonces, error) {
	n := &Nonces{step: c.Step, now: c.Now}
	if n.step == 0 {
		n.step = defaultStep
	}
	if n.now == nil {
		n.now = time.Now
	}
	var errs []error
	if len(c.Secrets) == 0 {
		errs = append(errs, errors.New("dpop: Secrets of Nonces are missing"))
	}
	for i, secret := range c.Secrets {
		if len(secret) < minSecret {
			errs = append(errs, fmt.Errorf("dpop: secret %d of Nonces has %d bytes, not %d or more", i, len(secret), minSecret))
		}
		n.secrets = append(n.secrets, slices.Clone(secret))
	}
	if n.step < minStep || n.step > maxStep {
		errs = append(errs, fmt.Errorf("dpop: Step of Nonces is %s, not %s to %s", n.step, minStep, maxStep))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return n, nil
}

// Current returns the nonce to give out now, in base64url.
func (n *Nonces) Current() string { return n.accepted().current }

// Check reports whether the nonce is that of the current or of the previous step.
func (n *Nonces) Check(nonce string) bool {
	known := false
	for _, accepted := range n.accepted().all {
		known = subtle.ConstantTimeCompare([]byte(accepted), []byte(nonce)) == 1 || known
	}
	return known
}

// lifetime is how long a nonce is accepted at most.
func (n *Nonces) lifetime() time.Duration { return 2 * n.step }

// nonceSet has the nonces that are accepted in one step; they are computed once for all requests in it.
type nonceSet struct {
	index   int64
	current string
	all     []string
}

func (n *Nonces) accepted() *nonceSet {
	index := n.now().UnixNano() / int64(n.step)
	if a := n.cache.Load(); a != nil && a.index == index {
		return a
	}
	a := &nonceSet{index: index, current: nonce(n.secrets[0], index)}
	for _, secret := range n.secrets {
		a.all = append(a.all, nonce(secret, index), nonce(secret, index-1))
	}
	n.cache.Store(a)
	return a
}

func nonce(secret []byte, index int64) string {
	mac := hmac.New(sha256.New, secret)
	mac.Write(binary.BigEndian.AppendUint64([]byte("signet dpop nonce "), uint64(index)))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}
