package ida

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"slices"
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
