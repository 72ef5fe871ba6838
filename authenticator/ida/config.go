package ida

import (
	"cmp"
	"context"
	"crypto"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/internal/jwt"
)

// Version is a version of the delegated KYC calls.
type Version int

const (
	// V1 calls /kyc-auth/delegated and /kyc-exchange/delegated.
	V1 Version = 1
	// V2 calls /kyc-auth/v2/delegated and /kyc-exchange/v2/delegated.
	V2 Version = 2
)

// Channel is a way in which IDA sends one-time codes.
type Channel = authenticator.Channel

const (
	// Email sends codes by e-mail.
	Email = authenticator.Email
	// Phone sends codes by text message.
	Phone = authenticator.Phone
)

// Original is what clients get of IDA's own answer ([authenticator.Claims]).
type Original string

const (
	// JWS is the answer as IDA signed it. It is verified here, and must hold nothing but the claims that were consented to
	// and those about the JWT itself.
	JWS Original = "JWS"
	// JWE is the signed answer, encrypted for a key of the partner that only the client has. Nobody here can tell what is
	// in it, nor about whom.
	JWE Original = "JWE"
)

// Partner is a relying party as MOSIP's partner management knows it.
type Partner struct {
	// ID is the partner's. Required.
	ID string
	// APIKey is the key of the partner's policy or, the same thing, its client ID. Empty means the ID of the client
	// that the person logs in to, which is how eSignet registers clients.
	APIKey string
}

// CertificateService is where IDA publishes the certificates with which it signs, for who has an account.
type CertificateService struct {
	// URL answers GET with the certificates: ".../internal/getAllCertificates?applicationId=IDA&referenceId=SIGN".
	URL string
	// TokenURL is MOSIP's authentication manager: ".../v1/authmanager/authenticate/clientidsecretkey".
	TokenURL string
	// ClientID, SecretKey and AppID are the account there. An empty AppID means "ida".
	ClientID, SecretKey, AppID string
}

// Config configures an Authenticator. Required are AuthURL, LicenseKey, a partner, DomainURI, Environment, Signer and
// Certificate, and a source for each of the two kinds of IDA's certificates.
type Config struct {
	// AuthURL is the root of the authentication service: "https://ida.example.org/idauthentication/v1".
	AuthURL string
	// OTPURL is the root of the OTP service, where that is another. Empty means AuthURL.
	OTPURL string
	// AllowHTTP permits URLs without TLS, inside a network that encrypts by itself.
	AllowHTTP bool
	// Version is that of the KYC calls. Zero means V2.
	Version Version

	// LicenseKey is the MISP licence key. It is a part of every URL: keep it out of the logs of proxies.
	LicenseKey string
	// Partner is the partner of every client.
	Partner Partner
	// PartnerOf finds the partner of a client, where each relying party is one. It replaces Partner. IDA gives each
	// partner other names for people, so a session must not be shared between clients of several partners.
	PartnerOf func(ctx context.Context, clientID string) (Partner, error)
	// DomainURI and Environment are sent along; biometric devices must have captured for the same ones. The environment
	// is one of "Staging", "Developer", "Pre-Production" and "Production".
	DomainURI, Environment string

	// Signer makes the signature of every request: an RSA key of 2048 to 4096 bits, RS256. Its methods are called
	// concurrently.
	Signer crypto.Signer
	// Certificate is the one of Signer that the partner management knows. Signatures carry it.
	Certificate *x509.Certificate
	// KeyID is the kid of signatures. Empty means that they have none: the certificate says it all.
	KeyID string

	// IDACertificate is the one for which requests are encrypted. Exactly one of it and IDACertificateURL is required.
	IDACertificate *x509.Certificate
	// IDACertificateURL is a file with that certificate, DER or PEM. It is fetched when it is first needed, and again
	// when it has expired or IDA cannot decrypt.
	IDACertificateURL string
	// IDAThumbprints are the certificates that are accepted from IDACertificateURL: SHA-256 of the DER form, base64url.
	// Empty means any that comes over TLS; without TLS they are required.
	IDAThumbprints []string

	// SigningCertificates are those with which IDA signs what it releases. Exactly one of them and SigningService is
	// required.
	SigningCertificates []*x509.Certificate
	// SigningService publishes those certificates.
	SigningService *CertificateService
	// Decrypter opens what IDA releases, if the partner's policy says that it is encrypted: an RSA key whose public half
	// the partner management knows. Nil means that it is only signed. Not with Original.
	Decrypter crypto.Decrypter
	// Original passes IDA's own answer on to clients. Its "sub" is the authToken, so it is for clients that do not compare
	// that with the ID Token's. They find its key by the kid that SigningService knows. Empty means that claims are taken out of it, and signed by the provider.
	Original Original
	// Verifications asks IDA at each authentication how claims were verified, and releases that for those for which the
	// person consents to it. For V2 only, and not with Original.
	Verifications bool

	// Factors are those that the licence allows, among [authenticator.OTP], PIN, Password and Biometrics. Empty means OTP.
	Factors []authenticator.Factor
	// Normalize makes the individual ID that IDA knows of what a person typed: it removes spaces, converts digits,
	// appends the "@phone" of a handle. Nil means that it is sent as it is.
	Normalize func(authenticator.Identifier) authenticator.Identifier
	// CaptureMaxAge is by how much the time of a biometric capture may differ from the clock. Zero means 5 minutes.
	CaptureMaxAge time.Duration
	// DeviceRoots are the authorities of biometric devices, whose signatures are then checked before a capture is sent.
	// Nil leaves that to IDA, which does it anyway.
	DeviceRoots *x509.CertPool

	// Channels are those that a code can come by. They are asked for all at once, unless the person chose among them.
	// Empty means Email and Phone.
	Channels []Channel
	// CodeLength, CodeLifetime and ResendAfter are how IDA's codes are configured, for the page to say. Zero: unknown.
	CodeLength                int
	CodeLifetime, ResendAfter time.Duration
	// Decoys look like the masked addresses that IDA answers: the receipts of unknown people are made from them, with
	// other digits and letters where those are visible. Empty means that receipts name no destination, for anybody.
	Decoys []Decoy
	// Secret chooses decoys, so that an unknown person always has the same: at least 32 random bytes, the same on all
	// instances. Required with Decoys.
	Secret []byte
	// RevealLocks tells people that IDA has locked them, or sent them too many codes. IDA says so before anybody proved
	// anything, and thus to strangers: they learn who is registered. False means that the locked look like everybody.
	RevealLocks bool
	// AnswerTime is how long receipts and refusals take at least, because IDA is done sooner with people whom it does
	// not know. It should be more than IDA ever takes. Zero means 2 seconds, negative no time.
	AnswerTime time.Duration

	// Timeout bounds one call. Zero means 10 seconds.
	Timeout time.Duration
	// MaxInFlight bounds the calls of one service that run at once; beyond it the answer is Unavailable. Zero means 64.
	MaxInFlight int
	// Failures is how many calls of one service of IDA have to fail in a row until there are none for the time of Pause.
	// Then one is tried. Refusals are no failures. Zero means 5 failures and 10 seconds.
	Failures int
	Pause    time.Duration
	// Transport carries the calls. Nil means one of its own, with TLS 1.2 or later and a pool of MaxInFlight connections.
	Transport http.RoundTripper

	// Now is the clock. Nil means time.Now.
	Now func() time.Time
	// Logger hears of certificates and of what IDA refused for no fault of the person. Nil means that nobody does.
	Logger *slog.Logger
}

const (
	minSecretBytes  = 32
	maxSegmentBytes = 256
	// maxCertificates bounds those that IDA may sign with.
	maxCertificates = 32
)

func (c Config) withDefaults() Config {
	c.OTPURL = cmp.Or(c.OTPURL, c.AuthURL)
	c.Version = cmp.Or(c.Version, V2)
	c.CaptureMaxAge = cmp.Or(c.CaptureMaxAge, 5*time.Minute)
	c.AnswerTime = cmp.Or(c.AnswerTime, 2*time.Second)
	c.Timeout = cmp.Or(c.Timeout, 10*time.Second)
	c.MaxInFlight = cmp.Or(c.MaxInFlight, 64)
	c.Failures = cmp.Or(c.Failures, 5)
	c.Pause = cmp.Or(c.Pause, 10*time.Second)
	if len(c.Factors) == 0 {
		c.Factors = []authenticator.Factor{authenticator.OTP}
	}
	if len(c.Channels) == 0 {
		c.Channels = []Channel{Email, Phone}
	}
	if c.SigningService != nil {
		service := *c.SigningService
		service.AppID = cmp.Or(service.AppID, "ida")
		c.SigningService = &service
	}
	if c.Normalize == nil {
		c.Normalize = func(id authenticator.Identifier) authenticator.Identifier { return id }
	}
	if c.Transport == nil {
		c.Transport = &http.Transport{
			TLSClientConfig:     &tls.Config{MinVersion: tls.VersionTLS12},
			TLSHandshakeTimeout: c.Timeout,
			MaxIdleConns:        c.MaxInFlight,
			MaxIdleConnsPerHost: c.MaxInFlight,
			IdleConnTimeout:     90 * time.Second,
			ForceAttemptHTTP2:   true,
		}
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}

// validate never repeats a value: some are secret.
func (c Config) validate() error {
	var errs []error
	check := func(ok bool, format string, args ...any) {
		if !ok {
			errs = append(errs, fmt.Errorf("ida: "+format, args...))
		}
	}
	errs = append(errs, c.checkURL("AuthURL", c.AuthURL))
	if c.OTPURL != c.AuthURL {
		errs = append(errs, c.checkURL("OTPURL", c.OTPURL))
	}
	check(!strings.Contains(c.AuthURL+c.OTPURL, "?"), "AuthURL and OTPURL have no query")
	check(c.Version == V1 || c.Version == V2, "Version is not V1 or V2")
	check(validSegment(c.LicenseKey), "LicenseKey is missing or no word")
	if c.PartnerOf == nil {
		check(validSegment(c.Partner.ID), "Partner.ID is missing or no word, and there is no PartnerOf")
		check(c.Partner.APIKey == "" || validSegment(c.Partner.APIKey), "Partner.APIKey is no word")
	} else {
		check(c.Partner == Partner{}, "Partner and PartnerOf exclude each other")
	}
	check(c.DomainURI != "", "DomainURI is required")
	check(slices.Contains([]string{"Staging", "Developer", "Pre-Production", "Production"}, c.Environment),
		"Environment is not Staging, Developer, Pre-Production or Production")

	errs = append(errs, c.validateKeys())

	check(slices.Contains([]Original{"", JWS, JWE}, c.Original), "Original is not JWS or JWE")
	check(c.Original == "" || c.Decrypter == nil && !c.Verifications, "Original excludes Decrypter and Verifications")
	check(!c.Verifications || c.Version == V2, "Verifications are for V2")

	known := []authenticator.Factor{authenticator.OTP, authenticator.PIN, authenticator.Password, authenticator.Biometrics}
	for i, f := range c.Factors {
		check(slices.Contains(known, f), "factor %q is not one that IDA verifies", f)
		check(!slices.Contains(c.Factors[:i], f), "factor %q is there twice", f)
	}
	for i, channel := range c.Channels {
		check(channel == Email || channel == Phone, "channel %q is not email or phone", channel)
		check(!slices.Contains(c.Channels[:i], channel), "channel %q is there twice", channel)
	}
	for i, decoy := range c.Decoys {
		check(len(decoy.destinations(c.Channels)) > 0, "decoy %d has no address for the channels", i+1)
	}
	for _, channel := range c.Channels {
		check(len(c.Decoys) == 0 || len(decoysFor(c.Decoys, []Channel{channel})) > 0, "no decoy has an address for the channel %q", channel)
	}
	check(len(c.Decoys) == 0 || len(c.Secret) >= minSecretBytes, "Secret needs %d bytes with Decoys", minSecretBytes)
	check(c.CodeLength >= 0 && c.CodeLifetime >= 0 && c.ResendAfter >= 0,
		"CodeLength, CodeLifetime or ResendAfter is negative")
	check(c.CaptureMaxAge > 0, "CaptureMaxAge is negative")
	check(c.Timeout > 0, "Timeout is negative")
	check(c.MaxInFlight > 0 && c.Failures > 0 && c.Pause > 0, "MaxInFlight, Failures or Pause is negative")
	return errors.Join(errs...)
}

func (c Config) validateKeys() error {
	var errs []error
	check := func(ok bool, format string, args ...any) {
		if !ok {
			errs = append(errs, fmt.Errorf("ida: "+format, args...))
		}
	}
	now := c.Now()
	switch {
	case c.Signer == nil || c.Certificate == nil:
		check(false, "Signer and Certificate are required")
	case jwt.CheckKey(jose.RS256, c.Signer.Public()) != nil:
		check(false, "Signer is no RSA key of 2048 to 4096 bits")
	default:
		public := c.Signer.Public().(*rsa.PublicKey) // as CheckKey found
		check(public.Equal(c.Certificate.PublicKey), "Certificate is not that of Signer")
		check(validAt(c.Certificate, now), "Certificate is not valid now")
	}

	check((c.IDACertificate == nil) != (c.IDACertificateURL == ""),
		"exactly one of IDACertificate and IDACertificateURL is required")
	if c.IDACertificate != nil {
		check(jwt.CheckKey(jose.RS256, c.IDACertificate.PublicKey) == nil, "IDACertificate has no RSA key of 2048 to 4096 bits")
		check(validAt(c.IDACertificate, now), "IDACertificate is not valid now")
		check(len(c.IDAThumbprints) == 0, "IDAThumbprints are for IDACertificateURL")
	}
	if c.IDACertificateURL != "" {
		errs = append(errs, c.checkURL("IDACertificateURL", c.IDACertificateURL))
		check(len(c.IDAThumbprints) > 0 || strings.HasPrefix(c.IDACertificateURL, "https://"),
			"IDAThumbprints are required when the certificate is fetched without TLS")
	}
	for i, thumbprint := range c.IDAThumbprints {
		digest, err := base64.RawURLEncoding.Strict().DecodeString(thumbprint)
		check(err == nil && len(digest) == 32, "thumbprint %d is no SHA-256 in base64url", i+1)
	}

	check((len(c.SigningCertificates) == 0) != (c.SigningService == nil),
		"exactly one of SigningCertificates and SigningService is required")
	check(len(c.SigningCertificates) <= maxCertificates, "more than %d SigningCertificates", maxCertificates)
	for i, certificate := range c.SigningCertificates {
		check(certificate != nil && jwt.CheckKey(jose.RS256, certificate.PublicKey) == nil,
			"signing certificate %d has no RSA key of 2048 to 4096 bits", i+1)
	}
	if s := c.SigningService; s != nil {
		errs = append(errs, c.checkURL("SigningService.URL", s.URL), c.checkURL("SigningService.TokenURL", s.TokenURL))
		check(s.ClientID != "" && s.SecretKey != "", "SigningService needs ClientID and SecretKey")
	}
	if c.Decrypter != nil {
		check(jwt.CheckKey(jose.RS256, c.Decrypter.Public()) == nil, "Decrypter is no RSA key of 2048 to 4096 bits")
	}
	return errors.Join(errs...)
}

func (c Config) checkURL(name, value string) error {
	u, err := url.Parse(value)
	switch {
	case value == "":
		return fmt.Errorf("ida: %s is required", name)
	case err != nil || u.Host == "" || u.User != nil || u.Fragment != "":
		return fmt.Errorf("ida: %s is no URL with a host and without user and fragment", name)
	case u.Scheme != "https" && !(c.AllowHTTP && u.Scheme == "http"):
		return fmt.Errorf("ida: %s is not https", name)
	}
	return nil
}

// validSegment reports whether s can be a segment of a path that means itself.
func validSegment(s string) bool {
	printable := !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' })
	return s != "" && s != "." && s != ".." && len(s) <= maxSegmentBytes && printable
}

func validAt(c *x509.Certificate, now time.Time) bool {
	return !now.Before(c.NotBefore) && !now.After(c.NotAfter)
}
