package remote

import (
	"errors"
	"fmt"
	"regexp"
	"slices"

	"github.com/gosignet/signet/authenticator"
)

var factorName = regexp.MustCompile(`^[a-z0-9_-]{1,32}$`)

type (
	capabilities struct {
		// Versions are those of the protocol that the server speaks.
		Versions      []int                           `json:"versions"`
		Factors       []authenticator.Factor          `json:"factors"`
		Codes         bool                            `json:"codes"`
		Channels      []authenticator.Channel         `json:"channels,omitempty"`
		Forms         []authenticator.Factor          `json:"forms,omitempty"`
		Devices       []authenticator.Factor          `json:"devices,omitempty"`
		Traits        map[authenticator.Factor]traits `json:"traits,omitempty"`
		Recall        bool                            `json:"recall,omitempty"`
		Keys          bool                            `json:"keys,omitempty"`
		Bindings      bool                            `json:"bindings,omitempty"`
		Verifications bool                            `json:"verifications,omitempty"`
	}
	traits struct {
		Identifies  bool `json:"identifies,omitempty"`
		MaxResponse int  `json:"max_response,omitempty"`
	}
)

func parseCapabilities(data []byte) (*capabilities, error) {
	c, err := decode[capabilities](data)
	if err != nil {
		return nil, err
	}
	if len(c.Versions) > maxVersions || !slices.Contains(c.Versions, 1) {
		return nil, errors.New("remote: the server does not speak version 1")
	}
	return c, c.check()
}

// check is for both sides: neither can work with factors that are no names or contradict each other.
func (c *capabilities) check() error {
	if len(c.Factors) == 0 || len(c.Factors) > maxFactors {
		return errors.New("remote: there are no factors, or too many")
	}
	var errs []error
	for i, f := range c.Factors {
		if !factorName.MatchString(string(f)) || slices.Contains(c.Factors[:i], f) {
			errs = append(errs, fmt.Errorf("remote: factor %d is no name, or there twice", i))
		}
	}
	for what, some := range map[string][]authenticator.Factor{"form": c.Forms, "device": c.Devices} {
		for i, f := range some {
			if !slices.Contains(c.Factors, f) || slices.Contains(some[:i], f) {
				errs = append(errs, fmt.Errorf("remote: %s %d is that of no factor, or there twice", what, i))
			}
		}
	}
	for f, t := range c.Traits {
		if !slices.Contains(c.Factors, f) || t.MaxResponse < 0 || t.MaxResponse > maxResponse {
			errs = append(errs, errors.New("remote: there are traits of no factor, or with a bound that is out of bounds"))
		}
	}
	if len(c.Channels) > 0 && !c.Codes || !validChannels(c.Channels) {
		errs = append(errs, errors.New("remote: the channels are no names, there twice, too many, or there without codes"))
	}
	if slices.Contains(c.Factors, authenticator.OTP) && !c.Codes {
		errs = append(errs, errors.New("remote: one-time codes are a factor, and cannot be sent"))
	}
	return errors.Join(errs...)
}

// validChannels reports whether these are names, of the same form as those of factors, each there once.
func validChannels(channels []authenticator.Channel) bool {
	for i, c := range channels {
		if !factorName.MatchString(string(c)) || slices.Contains(channels[:i], c) {
			return false
		}
	}
	return len(channels) <= maxChannels
}

func parseForm(data []byte) (*authenticator.Form, error) {
	f, err := decode[authenticator.Form](data)
	if err != nil {
		return nil, err
	}
	if err := f.Validate(); err != nil {
		return nil, fmt.Errorf("remote: the form is not as the description demands: %w", err)
	}
	return f, nil
}
