package passkey

import (
	"cmp"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/go-webauthn/webauthn/protocol"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/store"
)

const (
	minSecret  = 32
	maxTimeout = time.Hour
	maxPasskey = 100
)

// UserVerification says whether a device has to make sure who uses it: by a fingerprint, a face, a PIN.
type UserVerification string

const (
	// Required refuses answers for which nobody unlocked the device.
	Required UserVerification = "required"
	// Preferred asks the device to be unlocked, and accepts that it cannot be. A passkey is then what somebody has, and
	// no more.
	Preferred UserVerification = "preferred"
	// Discouraged asks for presence alone.
	Discouraged UserVerification = "discouraged"
)

// Config configures a Method. It is not changed after New.
type Config struct {
	// RPID is the domain that passkeys belong to: the host of the provider or a parent of it. Required. Changing it makes
	// all passkeys unusable.
	RPID string
	// Origins are those of the pages on which people use passkeys, such as "https://id.example", each within RPID. Only
	// localhost may do without TLS. Required.
	Origins []string
	// DisplayName is what devices call the provider. Required.
	DisplayName string
	// Ledger keeps the passkeys. Required.
	Ledger store.Ledger
	// Identities is the identity system, which says who the owner of a passkey is today. Required.
	Identities authenticator.Recaller
	// Secret keys the names of records and encrypts them. At least 32 random bytes, the same in all instances, not kept in
	// the ledger. Required. With another one all passkeys are unknown.
	Secret []byte

	// UserVerification is Required if it is empty.
	UserVerification UserVerification
	// Timeout is how long a challenge can be answered, at most an hour. Zero means 10 minutes.
	Timeout time.Duration
	// MaxPerPerson is how many passkeys a person may have, at most 100. Zero means 20.
	MaxPerPerson int
	// Retention ends a passkey that was not used for so long, at least 30 days. Zero means never.
	Retention time.Duration
	// Now is the clock. Nil means time.Now.
	Now func() time.Time
}

func (c *Config) setDefaults() {
	c.UserVerification = cmp.Or(c.UserVerification, Required)
	c.Timeout = cmp.Or(c.Timeout, 10*time.Minute)
	c.MaxPerPerson = cmp.Or(c.MaxPerPerson, 20)
	if c.Now == nil {
		c.Now = time.Now
	}
}

func (c *Config) validate() error {
	var errs []error
	check := func(ok bool, format string, args ...any) {
		if !ok {
			errs = append(errs, fmt.Errorf("passkey: "+format, args...))
		}
	}
	check(protocol.ValidateRPID(c.RPID) == nil, "RPID %q is no domain", c.RPID)
	check(len(c.Origins) > 0, "Origins are required")
	for _, origin := range c.Origins {
		check(validOrigin(origin, c.RPID), "Origin %q is no https origin within the RPID %q", origin, c.RPID)
	}
	check(c.DisplayName != "", "DisplayName is required")
	check(c.Ledger != nil, "Ledger is required")
	check(c.Identities != nil, "Identities is required")
	check(len(c.Secret) >= minSecret, "Secret needs %d bytes", minSecret)
	switch c.UserVerification {
	case Required, Preferred, Discouraged:
	default:
		check(false, "UserVerification %q is unknown", c.UserVerification)
	}
	check(c.Timeout > 0 && c.Timeout <= maxTimeout, "Timeout is not within %s", maxTimeout)
	check(c.MaxPerPerson > 0 && c.MaxPerPerson <= maxPasskey, "MaxPerPerson is not within 1 to %d", maxPasskey)
	check(c.Retention == 0 || c.Retention >= 30*24*time.Hour, "Retention is less than 30 days")
	return errors.Join(errs...)
}

func validOrigin(origin, rpID string) bool {
	u, err := url.Parse(origin)
	if err != nil || u.Scheme+"://"+u.Host != origin {
		return false
	}
	host := u.Hostname()
	within := host == rpID || strings.HasSuffix(host, "."+rpID)
	return within && (u.Scheme == "https" || u.Scheme == "http" && host == "localhost")
}
