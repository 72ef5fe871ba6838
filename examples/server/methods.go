package main

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"slices"
	"strings"

	"github.com/gosignet/signet"
	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/authenticator/passkey"
	"github.com/gosignet/signet/captcha"
	"github.com/gosignet/signet/login"
	"github.com/gosignet/signet/store"
)

// The ACRs of the server beside those that eSignet has names for.
const (
	twoFactorACR = "urn:signet:acr:two-factor"
	passkeyACR   = "urn:signet:acr:passkey"
)

// waysToLogIn are the ACRs and the methods beside the identity system, and where passkeys are registered.
type waysToLogIn struct {
	acrs       authenticator.ACRs
	methods    []authenticator.Method
	enrollment []string
	wallet     *signet.Wallet   // nil if there is none
	captcha    captcha.Verifier // nil if there is none
	captchaOn  []login.Use
}

// waysToLogIn makes them for an identity system.
func (c *config) waysToLogIn(s *identitySystem, ledger store.Ledger, secret []byte, logger *slog.Logger) (*waysToLogIn, error) {
	w := new(waysToLogIn)
	var err error
	if c.acrsFile != "" {
		if w.acrs, err = readACRs(c.acrsFile); err != nil {
			return nil, err
		}
	}
	if c.passkeys && (c.acrsFile == "" || uses(w.acrs, authenticator.Passkey)) {
		method, err := c.newPasskeys(s, ledger, secret)
		switch {
		case errors.Is(err, errNoPasskeys) && !c.given["passkeys"]:
			logger.Warn("there are no passkeys", slog.String("reason", err.Error()))
		case err != nil:
			return nil, fmt.Errorf("-passkeys: %w", err)
		default:
			w.methods = []authenticator.Method{method}
		}
	}
	factors := slices.Clone(s.Factors())
	if w.wallet, err = c.newWallet(s, w.acrs); err != nil {
		return nil, err
	}
	if w.wallet != nil {
		factors = append(factors, authenticator.Wallet)
	}
	for _, m := range w.methods {
		factors = append(factors, m.Factors()...)
	}
	if c.signUpClient != "" {
		factors = append(factors, authenticator.IDToken)
	}
	if c.acrsFile == "" {
		w.acrs = defaultACRs(factors)
	} else if err := errors.Join(w.acrs.Validate(factors), c.checkSignUpACRs(w.acrs)); err != nil {
		return nil, fmt.Errorf("-acrs: %s: %w", c.acrsFile, err)
	}
	w.enrollment, err = c.enrollmentACRs(w)
	return w, err
}

// defaultACRs are one for each factor, the usual ones first, and one for two factors, which has to be asked for or chosen.
func defaultACRs(factors []authenticator.Factor) authenticator.ACRs {
	order := []authenticator.Factor{authenticator.OTP, authenticator.Password, authenticator.Passkey, authenticator.Wallet}
	slices.SortStableFunc(factors, func(a, b authenticator.Factor) int { return rank(order, a) - rank(order, b) })
	acrs := signet.DefaultACRs(factors)
	for i, f := range factors {
		if f == authenticator.Passkey {
			acrs[i].Value = passkeyACR
		}
	}
	if slices.Contains(factors, authenticator.Password) && slices.Contains(factors, authenticator.OTP) {
		acrs = append(acrs, authenticator.ACR{
			Value: twoFactorACR, Alternatives: []authenticator.FactorSet{{authenticator.Password, authenticator.OTP}},
		})
	}
	return acrs
}

// rank is the place of a factor, behind all others if it is not there.
func rank(order []authenticator.Factor, f authenticator.Factor) int {
	if i := slices.Index(order, f); i >= 0 {
		return i
	}
	return len(order)
}

func readACRs(file string) (authenticator.ACRs, error) {
	data, err := readBounded(file)
	if err != nil {
		return nil, fmt.Errorf("-acrs: %w", err)
	}
	acrs, err := authenticator.ParseACRs(data)
	if err != nil {
		return nil, fmt.Errorf("-acrs: %s: %w", file, err)
	}
	return acrs, nil
}

// uses reports whether any of the ACRs can be met with the factor.
func uses(acrs authenticator.ACRs, f authenticator.Factor) bool {
	return slices.ContainsFunc(acrs.Alternatives(), func(a authenticator.Alternative) bool { return slices.Contains(a.Factors, f) })
}

// errNoPasskeys says that the deployment cannot have passkeys.
var errNoPasskeys = errors.New("passkeys are not possible")

// newPasskeys makes the method for the host of the issuer.
func (c *config) newPasskeys(s *identitySystem, ledger store.Ledger, secret []byte) (authenticator.Method, error) {
	identities, ok := s.Authenticator.(authenticator.Recaller)
	if !ok {
		return nil, fmt.Errorf("%w: the identity system does not say anew who somebody is that logged in earlier", errNoPasskeys)
	}
	issuer, err := url.Parse(c.issuer)
	if err != nil {
		return nil, err
	}
	if net.ParseIP(issuer.Hostname()) != nil {
		return nil, fmt.Errorf("%w: the host of the issuer is an address and no name", errNoPasskeys)
	}
	if secret, err = derive(secret, "signet server passkeys v1"); err != nil {
		return nil, err
	}
	return passkey.New(passkey.Config{
		RPID: issuer.Hostname(), Origins: []string{issuer.Scheme + "://" + issuer.Host}, DisplayName: "Signet",
		Ledger: ledger, Identities: identities, Secret: secret,
	})
}

// enrollmentACRs are those of -passkey-acrs. Without it they are those that are always met with a code, a password or
// biometrics: what others may know of a person is too little to make a key with.
func (c *config) enrollmentACRs(w *waysToLogIn) ([]string, error) {
	if len(w.methods) == 0 {
		return nil, nil
	}
	if c.passkeyACRs != "" {
		values := strings.Split(c.passkeyACRs, ",")
		for _, value := range values {
			if !slices.Contains(w.acrs.Values(), value) {
				return nil, fmt.Errorf("-passkey-acrs: %q is none of the ACRs, which are %s", value, strings.Join(w.acrs.Values(), ", "))
			}
		}
		return values, nil
	}
	strong := func(f authenticator.Factor) bool {
		return f == authenticator.OTP || f == authenticator.Password || f == authenticator.Biometrics
	}
	var values []string
	for _, acr := range w.acrs {
		if !slices.ContainsFunc(acr.Alternatives, func(set authenticator.FactorSet) bool { return !slices.ContainsFunc(set, strong) }) {
			values = append(values, acr.Value)
		}
	}
	return values, nil
}
