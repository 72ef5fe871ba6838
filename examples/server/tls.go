package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"os/signal"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// cipherSuites are what FAPI 2.0 (section 5.2.2) and BCP 195 leave of TLS 1.2, named because the default of crypto/tls has
// CBC too. Those of TLS 1.3 are all good, and there is nothing to choose.
var cipherSuites = []uint16{
	tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
	tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
	tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
	tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
	tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
	tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
}

// certificate is what the server shows to its clients, from PEM files that can be read again while it runs.
type certificate struct {
	certFile, keyFile string
	current           atomic.Pointer[tls.Certificate]
}

// readCertificate refuses files that no client would accept.
func readCertificate(certFile, keyFile string) (*certificate, error) {
	c := &certificate{certFile: certFile, keyFile: keyFile}
	return c, c.read(time.Now())
}

// read reads the files. After an error the server goes on with what it has.
func (c *certificate) read(now time.Time) error {
	cert, certErr := os.ReadFile(c.certFile)
	if certErr != nil {
		certErr = fmt.Errorf("-tls-cert: %w", certErr)
	}
	key, keyErr := os.ReadFile(c.keyFile)
	if keyErr != nil {
		keyErr = fmt.Errorf("-tls-key: %w", keyErr)
	}
	if err := errors.Join(certErr, keyErr); err != nil {
		return err
	}
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		return fmt.Errorf("-tls-cert %s and -tls-key %s do not go together: %w", c.certFile, c.keyFile, err)
	}
	switch {
	case now.After(pair.Leaf.NotAfter):
		return fmt.Errorf("-tls-cert: %s expired on %s", c.certFile, pair.Leaf.NotAfter.Format(time.DateOnly))
	case now.Before(pair.Leaf.NotBefore):
		return fmt.Errorf("-tls-cert: %s is not valid before %s", c.certFile, pair.Leaf.NotBefore.Format(time.DateOnly))
	}
	c.current.Store(&pair)
	return nil
}

// config is that of a listener. It follows the certificate.
func (c *certificate) config() *tls.Config {
	return &tls.Config{
		MinVersion:     tls.VersionTLS12,
		CipherSuites:   cipherSuites,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return c.current.Load(), nil },
	}
}

// client speaks to the server itself, whose certificate may be one that this machine has no reason to trust.
func (c *certificate) client() (*http.Client, error) {
	roots, err := x509.SystemCertPool()
	if err != nil {
		return nil, err
	}
	for _, der := range c.current.Load().Certificate {
		cert, err := x509.ParseCertificate(der)
		if err != nil {
			return nil, err
		}
		roots.AddCert(cert)
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots}
	return &http.Client{Transport: transport, Timeout: 10 * time.Second}, nil
}

// readOnHangup reads the files again on every SIGHUP, until stop is called.
func (c *certificate) readOnHangup(logger *slog.Logger) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	hangups := make(chan os.Signal, 1)
	signal.Notify(hangups, syscall.SIGHUP)
	var reader sync.WaitGroup
	reader.Go(func() {
		for {
			select {
			case <-ctx.Done():
				return
			case <-hangups:
			}
			if err := c.read(time.Now()); err != nil {
				logger.Error("the certificate stays as it was", "error", err)
				continue
			}
			logger.Info("certificate read", "not_after", c.current.Load().Leaf.NotAfter)
		}
	})
	return func() {
		signal.Stop(hangups)
		cancel()
		reader.Wait()
	}
}
