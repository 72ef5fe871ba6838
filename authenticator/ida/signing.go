package ida

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// kycAlgorithms are those with which IDA signs.
var kycAlgorithms = []jose.SignatureAlgorithm{jose.RS256, jose.PS256}

// published is a certificate with which IDA signs, and the kid that it gives to its key.
type published struct {
	*x509.Certificate
	keyID string
}

var errSignature = errors.New("none of IDA's certificates verifies what it released")

// signing are the certificates with which IDA signs.
type signing struct {
	config Config
	client *client
	turn   chan struct{} // held to use what follows

	current []published
	fetched time.Time
	token   string
}

func newSigning(c Config, client *client) *signing {
	s := &signing{config: c, client: client, turn: make(chan struct{}, 1)}
	for _, certificate := range c.SigningCertificates {
		s.current = append(s.current, published{certificate, thumbprint(certificate)})
	}
	return s
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
			if payload, err := jws.Verify(c.PublicKey); err == nil && validAt(c.Certificate, s.config.Now()) {
				return payload, nil
			}
		}
	}
	return nil, errSignature
}

// certificates returns those that are known. They are fetched when they are old, or again does not mean a moment ago.
func (s *signing) certificates(ctx context.Context, again bool) ([]published, error) {
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
	var fetched []published
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
func (s *signing) fetch(ctx context.Context) ([]published, error) {
	if s.token == "" {
		if err := s.logIn(ctx); err != nil {
			return nil, fmt.Errorf("token: %w", err)
		}
	}
	header := http.Header{"Authorization": {authorization}, "Cookie": {"Authorization=" + s.token}}
	var certificates []published
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
func parseCertificates(body []byte) ([]published, error) {
	var a answer[struct {
		All []struct {
			Data  string `json:"certificateData"`
			KeyID string `json:"keyId"`
		} `json:"allCertificates"`
	}]
	if err := json.Unmarshal(body, &a); err != nil {
		return nil, errors.New("no answer of IDA's")
	}
	if err := a.refusal(); err != nil {
		return nil, err
	}
	var certificates []published
	if a.Response != nil {
		for _, entry := range a.Response.All {
			c, err := parseCertificate([]byte(entry.Data))
			if err != nil || len(certificates) == maxCertificates {
				continue
			}
			keyID := entry.KeyID
			if !validSegment(keyID) {
				keyID = thumbprint(c)
			}
			certificates = append(certificates, published{c, keyID})
		}
	}
	if len(certificates) == 0 {
		return nil, errors.New("there is none")
	}
	return certificates, nil
}

// PublicKeys implements [authenticator.KeyPublisher]: the keys with which IDA signs, with their certificates and the key IDs
// that IDA gives them, or the thumbprints of fixed ones. There are none unless clients get IDA's own answer.
func (a *Authenticator) PublicKeys(ctx context.Context) (json.RawMessage, error) {
	set := jose.JSONWebKeySet{Keys: []jose.JSONWebKey{}}
	if a.config.Original != "" {
		certificates, err := a.signing.certificates(ctx, false)
		if err != nil {
			return nil, a.unavailable(ctx, "certificates", fmt.Errorf("IDA's signing certificates: %w", err))
		}
		for _, c := range certificates {
			if !validAt(c.Certificate, a.config.Now()) {
				continue
			}
			digest := sha256.Sum256(c.Raw)
			set.Keys = append(set.Keys, jose.JSONWebKey{
				Key: c.PublicKey, KeyID: c.keyID, Use: "sig",
				Certificates: []*x509.Certificate{c.Certificate}, CertificateThumbprintSHA256: digest[:],
			})
		}
	}
	return json.Marshal(set)
}
