package ida

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/gosignet/signet/internal/jwt"
)

const (
	// refreshAfter bounds how often certificates are fetched because something does not fit them.
	refreshAfter = time.Minute
	// signingLife is how long the certificates of IDA's signatures are used without asking again.
	signingLife = time.Hour
)

// encryption is the certificate for which requests are encrypted.
type encryption struct {
	config Config
	client *client
	turn   chan struct{} // held to use what follows

	current *x509.Certificate
	fetched time.Time   // when it was last tried
	stale   atomic.Bool // IDA could not decrypt; not protected by turn
}

func newEncryption(c Config, client *client) *encryption {
	return &encryption{config: c, client: client, turn: make(chan struct{}, 1), current: c.IDACertificate}
}

// forget has the certificate fetched again before it is next used, if it was not just fetched.
func (e *encryption) forget() { e.stale.Store(e.config.IDACertificateURL != "") }

// certificate returns one that is valid now. While it is fetched, others wait.
func (e *encryption) certificate(ctx context.Context) (*x509.Certificate, error) {
	select {
	case e.turn <- struct{}{}:
		defer func() { <-e.turn }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	now := e.config.Now()
	fresh := e.current != nil && validAt(e.current, now)
	if fresh && !(e.stale.Load() && now.Sub(e.fetched) >= refreshAfter) {
		return e.current, nil
	}
	if e.config.IDACertificateURL == "" {
		return nil, errors.New("IDA's certificate has expired")
	}
	var certificate *x509.Certificate
	e.fetched = now
	err := retry(ctx, e.config.Logger, func() (err error) {
		certificate, err = e.fetch(ctx)
		return err
	})
	switch {
	case err != nil && fresh: // IDA may still know it
		e.config.Logger.WarnContext(ctx, "IDA's certificate could not be fetched again", "error", err)
		return e.current, nil
	case err != nil:
		return nil, fmt.Errorf("IDA's certificate: %w", err)
	}
	e.current = certificate
	e.stale.Store(false)
	e.config.Logger.InfoContext(ctx, "IDA's certificate was fetched", "thumbprint", thumbprint(certificate))
	return certificate, nil
}

func (e *encryption) fetch(ctx context.Context) (*x509.Certificate, error) {
	var certificate *x509.Certificate
	err := e.client.do(ctx, http.MethodGet, e.config.IDACertificateURL, http.Header{}, nil, maxAnswer,
		func(status int, _ http.Header, body []byte) (err error) {
			if status != http.StatusOK {
				return errAnswer(status)
			}
			certificate, err = parseCertificate(body)
			return err
		})
	if err != nil {
		return nil, err
	}
	pins := e.config.IDAThumbprints
	if len(pins) > 0 && !slices.Contains(pins, thumbprint(certificate)) {
		return nil, fmt.Errorf("the thumbprint %s is none of those that are configured", thumbprint(certificate))
	}
	if !validAt(certificate, e.config.Now()) {
		return nil, errors.New("it is not valid now")
	}
	return certificate, nil
}

// parseCertificate reads one with an RSA key, in DER or PEM.
func parseCertificate(data []byte) (*x509.Certificate, error) {
	if block, _ := pem.Decode(data); block != nil && block.Type == "CERTIFICATE" {
		data = block.Bytes
	}
	certificate, err := x509.ParseCertificate(data)
	if err != nil {
		return nil, errors.New("no certificate in DER or PEM")
	}
	if err := jwt.CheckKey(jose.RS256, certificate.PublicKey); err != nil {
		return nil, errors.New("no certificate of an RSA key of 2048 to 4096 bits")
	}
	return certificate, nil
}

// kycAlgorithms are those with which IDA signs.
var kycAlgorithms = []jose.SignatureAlgorithm{jose.RS256, jose.PS256}

var errSignature = errors.New("none of IDA's certificates verifies what it released")

// signing are the certificates with which IDA signs.
type signing struct {
	config Config
	client *client
	turn   chan struct{} // held to use what follows

	current []*x509.Certificate
	fetched time.Time
	token   string
}

func newSigning(c Config, client *client) *signing {
	return &signing{config: c, client: client, turn: make(chan struct{}, 1), current: c.SigningCertificates}
}

// verify returns the payload of a JWS of IDA's. A signature that no certificate verifies may be by a new one: they are
// asked for again, once.
func (s *signing) verify(ctx context.Context, token string) ([]byte, error) {
	jws, err := jose.ParseSignedCompact(token, kycAlgorithms)
	if err != nil {
		return nil, errors.New("IDA released something that is no JWS with RS256 or PS256")
	}
	for _, again := range []bool{false, true} {
		certificates, err := s.certificates(ctx, again)
		if err != nil {
			return nil, fmt.Errorf("IDA's signing certificates: %w", err)
		}
		for _, c := range certificates {
			if payload, err := jws.Verify(c.PublicKey); err == nil && validAt(c, s.config.Now()) {
				return payload, nil
			}
		}
	}
	return nil, errSignature
}

// certificates returns those that are known. They are fetched when they are old, or again does not mean a moment ago.
func (s *signing) certificates(ctx context.Context, again bool) ([]*x509.Certificate, error) {
	if s.config.SigningService == nil {
		return s.current, nil
	}
	select {
	case s.turn <- struct{}{}:
		defer func() { <-s.turn }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	life := signingLife
	if again {
		life = refreshAfter
	}
	now := s.config.Now()
	if s.current != nil && now.Sub(s.fetched) < life {
		return s.current, nil
	}
	var fetched []*x509.Certificate
	err := retry(ctx, s.config.Logger, func() (err error) {
		fetched, err = s.fetch(ctx)
		return err
	})
	if err != nil {
		return nil, err
	}
	s.current, s.fetched = fetched, now
	return fetched, nil
}

// fetch asks for the certificates, with the token of the account.
func (s *signing) fetch(ctx context.Context) ([]*x509.Certificate, error) {
	if s.token == "" {
		if err := s.logIn(ctx); err != nil {
			return nil, fmt.Errorf("token: %w", err)
		}
	}
	header := http.Header{"Authorization": {authorization}, "Cookie": {"Authorization=" + s.token}}
	var certificates []*x509.Certificate
	err := s.client.do(ctx, http.MethodGet, s.config.SigningService.URL, header, nil, maxAnswer,
		func(status int, _ http.Header, body []byte) (err error) {
			if status == http.StatusUnauthorized || status == http.StatusForbidden {
				s.token = "" // too old: the next try gets another
			}
			if status != http.StatusOK {
				return errAnswer(status)
			}
			certificates, err = parseCertificates(body)
			return err
		})
	return certificates, err
}

// logIn gets a token, which is in a header.
func (s *signing) logIn(ctx context.Context) error {
	var body struct {
		RequestTime string `json:"requesttime"`
		Request     struct {
			ClientID  string `json:"clientId"`
			SecretKey string `json:"secretKey"`
			AppID     string `json:"appId"`
		} `json:"request"`
	}
	service := s.config.SigningService
	body.RequestTime = timestamp(s.config.Now())
	body.Request.ClientID, body.Request.SecretKey, body.Request.AppID = service.ClientID, service.SecretKey, service.AppID
	data, err := json.Marshal(body)
	if err != nil {
		return err
	}
	header := http.Header{"Content-Type": {contentType}}
	return s.client.do(ctx, http.MethodPost, service.TokenURL, header, data, maxAnswer,
		func(status int, header http.Header, _ []byte) error {
			token := header.Get("Authorization")
			if status/100 != 2 || !validToken(token) {
				return fmt.Errorf("the account was refused, with status %d", status)
			}
			s.token = token
			return nil
		})
}

// validToken reports whether a token can be the value of a cookie.
func validToken(s string) bool {
	bad := func(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune(`",;\`, r) }
	return s != "" && len(s) <= 8<<10 && !strings.ContainsFunc(s, bad)
}

// parseCertificates reads the answer of the service. What is no certificate of an RSA key is left out.
func parseCertificates(body []byte) ([]*x509.Certificate, error) {
	var a answer[struct {
		All []struct {
			Data string `json:"certificateData"`
		} `json:"allCertificates"`
	}]
	if err := json.Unmarshal(body, &a); err != nil {
		return nil, errors.New("no answer of IDA's")
	}
	if err := a.refusal(); err != nil {
		return nil, err
	}
	var certificates []*x509.Certificate
	if a.Response != nil {
		for _, entry := range a.Response.All {
			if c, err := parseCertificate([]byte(entry.Data)); err == nil && len(certificates) < maxCertificates {
				certificates = append(certificates, c)
			}
		}
	}
	if len(certificates) == 0 {
		return nil, errors.New("there is none")
	}
	return certificates, nil
}
