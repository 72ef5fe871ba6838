package esignet

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"mime"
	"net/http"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/gosignet/signet/keystore"
)

// CertificateStore has the provider's keys with their certificates: a [rotation.Keystore]. One that is no
// [CertificateSetter] takes no other certificates.
//
// [rotation.Keystore]: https://pkg.go.dev/github.com/gosignet/signet/keystore/rotation#Keystore
type CertificateStore interface {
	// Signer is as in [keystore.Keystore].
	Signer(ctx context.Context, role keystore.Role, alg jose.SignatureAlgorithm) (*keystore.Key, error)
}

// CertificateSetter is a CertificateStore that takes certificates from operators.
type CertificateSetter interface {
	// SetCertificate publishes the chain, the key's own certificate first, with the key with the kid.
	SetCertificate(ctx context.Context, kid string, chain []*x509.Certificate) error
}

// applications are eSignet's names for keys.
var applications = map[string]keystore.Role{
	"ROOT":            keystore.TokenSigning, // what vouches for it
	"OIDC_SERVICE":    keystore.TokenSigning,
	"OIDC_PARTNER":    keystore.UserinfoSigning,
	"BINDING_SERVICE": keystore.BindingCA,
}

func (c *ManagementConfig) serveSystemInfo(a *API) {
	s := &systemInfo{c.Certificates, a.now}
	a.handle("GET /system-info/certificate", c.Bearer.protect("get_certificate", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		if !q.Has("applicationId") {
			a.finish(w, r, nil, fail(invalidRequest, nil))
			return
		}
		if isBlank(q.Get("applicationId")) {
			problem(w, http.StatusBadRequest)
			return
		}
		response, err := s.certificate(r.Context(), q.Get("applicationId"))
		a.finish(w, r, response, err)
	})))
	a.handle("POST /system-info/uploadCertificate", c.Bearer.protect("upload_certificate", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || media != "application/json" {
			problem(w, http.StatusUnsupportedMediaType)
			return
		}
		q := new(upload)
		if wrong := a.read(w, r, q); wrong != nil {
			a.respond(w, r, nil, wrong)
			return
		}
		response, err := s.upload(r.Context(), q)
		a.finish(w, r, response, err)
	})))
}

type systemInfo struct {
	keys CertificateStore
	now  func() time.Time
}

type certificateAnswer struct {
	Certificate        string  `json:"certificate"`
	CertSignRequest    *string `json:"certSignRequest"`
	IssuedAt, ExpiryAt string
	Timestamp          string
}

// MarshalJSON keeps the order of eSignet.
func (c *certificateAnswer) MarshalJSON() ([]byte, error) {
	return encode(struct {
		Certificate     string  `json:"certificate"`
		CertSignRequest *string `json:"certSignRequest"`
		IssuedAt        string  `json:"issuedAt"`
		ExpiryAt        string  `json:"expiryAt"`
		Timestamp       string  `json:"timestamp"`
	}{c.Certificate, nil, c.IssuedAt, c.ExpiryAt, c.Timestamp})
}

// The key manager's codes, which eSignet hides in messages of unknown_error.
func kernelError(code string) *Error { return &Error{Code: unknownError, Message: "KER-KMS-" + code} }

// key returns the key of an application that signs now, with certificates.
func (s *systemInfo) key(ctx context.Context, application string) (*keystore.Key, error) {
	role, ok := applications[application]
	if !ok {
		return nil, kernelError("002")
	}
	for _, alg := range []jose.SignatureAlgorithm{jose.ES256, jose.PS256, jose.RS256, jose.EdDSA, jose.ES384} {
		key, err := s.keys.Signer(ctx, role, alg)
		if err == nil {
			return key, nil
		}
		if !errors.Is(err, keystore.ErrNoKey) {
			return nil, err
		}
	}
	return nil, kernelError("012")
}

func (s *systemInfo) certificate(ctx context.Context, application string) (*certificateAnswer, error) {
	key, err := s.key(ctx, application)
	if err != nil {
		return nil, err
	}
	chain := key.Certificates()
	if len(chain) == 0 {
		return nil, kernelError("012")
	}
	c := chain[0]
	if application == "ROOT" {
		c = chain[len(chain)-1]
	}
	return &certificateAnswer{
		Certificate: string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})),
		IssuedAt:    c.NotBefore.UTC().Format(timeFormat), ExpiryAt: c.NotAfter.UTC().Format(timeFormat),
		Timestamp: s.now().UTC().Format(timeFormat),
	}, nil
}

// upload is the request to uploadCertificate.
type upload struct {
	ApplicationID   text `json:"applicationId"`
	ReferenceID     text `json:"referenceId"`
	CertificateData text `json:"certificateData"`
}

func (u *upload) validate(v *violations) {
	v.check(!isBlank(string(u.ApplicationID)), "request.applicationId", invalidRequest)
	v.check(!isBlank(string(u.CertificateData)), "request.certificateData", invalidRequest)
}

type uploadAnswer struct {
	Status    string `json:"status"`
	Timestamp []int  `json:"timestamp"`
}

func (s *systemInfo) upload(ctx context.Context, u *upload) (*uploadAnswer, error) {
	key, err := s.key(ctx, string(u.ApplicationID))
	if err != nil {
		return nil, err
	}
	chain, err := keystore.ParseCertificatesPEM([]byte(u.CertificateData))
	if err != nil || len(chain) == 0 {
		return nil, kernelError("013")
	}
	setter, ok := s.keys.(CertificateSetter)
	if !ok || u.ApplicationID == "ROOT" {
		return nil, kernelError("005") // the keystore takes none
	}
	if public, ok := key.Public().Key.(interface{ Equal(x any) bool }); ok && !public.Equal(chain[0].PublicKey) {
		return nil, kernelError("014")
	}
	if err := setter.SetCertificate(ctx, key.ID(), chain); err != nil {
		return nil, &Error{Code: unknownError, Message: "KER-KMS-014", cause: err}
	}
	t := s.now().UTC()
	return &uploadAnswer{"Upload Success", []int{t.Year(), int(t.Month()), t.Day(), t.Hour(), t.Minute(), t.Second(), t.Nanosecond()}}, nil
}
