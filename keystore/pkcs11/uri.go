package pkcs11

import (
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
)

// ParseURI reads a configuration from a URI of RFC 7512, as it is written on a command line:
//
//	pkcs11:token=signet;serial=0123456789abcdef?module-path=/usr/lib/softhsm/libsofthsm2.so&pin-source=file:/run/secrets/pin
//	pkcs11:token=signet;pin-file=/run/secrets/pin;max-sessions=16
//
// The token is chosen by token (its label) and serial. module-path, or module, is the library. The PIN is in the
// file that pin-source, or pin-file, names, or with pin-source=env:NAME in what getenv returns for the name; a nil getenv refuses
// that. max-sessions is [Config].MaxSessions. Attributes may stand on either side of the question mark. pin-value is
// refused, because everybody on the machine can read a command line; so is every attribute that is not named here, because
// what it asks for would not happen.
//
// The errors are all that is wrong with the URI; whether the configuration is complete is for [Open] to see.
func ParseURI(uri string, getenv func(name string) string) (Config, error) {
	var c Config
	scheme, rest, found := strings.Cut(uri, ":")
	if !found || !strings.EqualFold(scheme, "pkcs11") {
		return c, errors.New(`pkcs11: the URI does not begin with "pkcs11:"`)
	}
	path, query, _ := strings.Cut(rest, "?")
	var problems []error
	seen := map[string]bool{}
	read := func(attribute string) error {
		name, escaped, found := strings.Cut(attribute, "=")
		value, err := url.PathUnescape(escaped)
		switch {
		case !found:
			return errors.New("pkcs11: the URI has an attribute without a value")
		case err != nil || strings.ContainsRune(value, 0):
			return fmt.Errorf("pkcs11: the value of %q in the URI is badly escaped", name)
		case value == "":
			return fmt.Errorf("pkcs11: the value of %q in the URI is empty", name)
		}
		canonical := name
		switch name {
		case "module":
			canonical = "module-path"
		case "pin-file":
			canonical = "pin-source"
		}
		if seen[canonical] {
			return fmt.Errorf("pkcs11: the URI has %q twice", canonical)
		}
		seen[canonical] = true
		switch name {
		case "token":
			c.TokenLabel = value
		case "serial":
			c.TokenSerial = value
		case "module", "module-path":
			c.Module = value
		case "pin-file":
			c.PIN = PINFile(value)
		case "pin-source":
			c.PIN, err = pinSource(value, getenv)
		case "pin-value":
			err = errors.New("pkcs11: the URI has the PIN itself, for everybody to read: use pin-source or pin-file")
		case "max-sessions":
			if c.MaxSessions, err = strconv.Atoi(value); err != nil || c.MaxSessions < 1 {
				c.MaxSessions, err = 0, errors.New("pkcs11: max-sessions in the URI is no positive number")
			}
		default:
			err = fmt.Errorf("pkcs11: the attribute %q of the URI is not supported", name)
		}
		return err
	}
	for part, separator := range map[string]string{path: ";", query: "&"} {
		for attribute := range strings.SplitSeq(part, separator) {
			if part != "" {
				problems = append(problems, read(attribute))
			}
		}
	}
	if err := errors.Join(problems...); err != nil {
		return Config{}, err
	}
	return c, nil
}

// pinSource reads the attribute of that name: a path, a URI "file:", or "env:" and a name.
func pinSource(value string, getenv func(string) string) (func() ([]byte, error), error) {
	scheme, rest, found := strings.Cut(value, ":")
	switch {
	case strings.HasPrefix(value, "/"):
		return PINFile(value), nil
	case found && scheme == "file" && strings.HasPrefix(rest, "///"):
		return PINFile(rest[2:]), nil
	case found && scheme == "file" && rest != "" && !strings.HasPrefix(rest, "//"):
		return PINFile(rest), nil
	case found && scheme == "env" && rest != "" && getenv != nil:
		return func() ([]byte, error) { return []byte(getenv(rest)), nil }, nil
	case found && scheme == "env":
		return nil, errors.New("pkcs11: pin-source: the environment cannot be used here")
	}
	return nil, errors.New(`pkcs11: pin-source is neither "file:/path" nor "env:NAME"`)
}
