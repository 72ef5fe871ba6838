package ida_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/authenticator/ida"
	"github.com/gosignet/signet/authenticator/ida/idatest"
)

func TestNewReportsEverythingThatIsWrong(t *testing.T) {
	t.Parallel()
	_, err := ida.New(ida.Config{})
	require.Error(t, err)
	for _, problem := range []string{
		"AuthURL is required", "LicenseKey", "Partner.ID", "DomainURI is required", "Environment",
		"Signer and Certificate are required", "IDACertificate and IDACertificateURL", "SigningCertificates and SigningService",
	} {
		assert.ErrorContains(t, err, problem)
	}
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	tests := map[string]struct {
		change func(c *ida.Config)
		why    string
	}{
		"no TLS":                  {func(c *ida.Config) { c.AuthURL = "http://ida.example.org/v1" }, "AuthURL is not https"},
		"no TLS for codes":        {func(c *ida.Config) { c.OTPURL = "http://ida.example.org/v1" }, "OTPURL is not https"},
		"a query":                 {func(c *ida.Config) { c.AuthURL += "?a=b" }, "have no query"},
		"a password in a URL":     {func(c *ida.Config) { c.OTPURL = "https://a:secret@ida.example.org" }, "OTPURL is no URL"},
		"another version":         {func(c *ida.Config) { c.Version = 3 }, "Version"},
		"licence key that climbs": {func(c *ida.Config) { c.LicenseKey = ".." }, "LicenseKey"},
		"licence key with spaces": {func(c *ida.Config) { c.LicenseKey = "a secret" }, "LicenseKey"},
		"API key with spaces":     {func(c *ida.Config) { c.Partner.APIKey = "a b" }, "Partner.APIKey"},
		"two sources of partners": {func(c *ida.Config) {
			c.PartnerOf = func(context.Context, string) (ida.Partner, error) { return ida.Partner{}, nil }
		}, "exclude each other"},
		"another environment":    {func(c *ida.Config) { c.Environment = "staging" }, "Environment"},
		"a signer without RSA":   {func(c *ida.Config) { c.Signer = ec }, "Signer is no RSA key"},
		"another's certificate":  {func(c *ida.Config) { c.Certificate = otherKey().Certificate }, "Certificate is not that of Signer"},
		"an expired certificate": {func(c *ida.Config) { c.Now = func() time.Time { return began.AddDate(100, 0, 0) } }, "Certificate is not valid now"},
		"two IDA certificates":   {func(c *ida.Config) { c.IDACertificate = idatest.EncryptionKey().Certificate }, "exactly one of IDACertificate"},
		"IDA certificate without key": {func(c *ida.Config) {
			c.IDACertificateURL, c.IDACertificate = "", &x509.Certificate{NotAfter: began.AddDate(1, 0, 0)}
		}, "IDACertificate has no RSA key"},
		"fetching without TLS or thumbprint": {func(c *ida.Config) {
			c.AllowHTTP, c.IDACertificateURL = true, "http://files.example.org/ida.cer"
		}, "IDAThumbprints are required"},
		"a thumbprint in hex":    {func(c *ida.Config) { c.IDAThumbprints = []string{strings.Repeat("ab", 32)} }, "thumbprint 1"},
		"two sources of signers": {func(c *ida.Config) { c.SigningCertificates = []*x509.Certificate{idatest.SigningKey().Certificate} }, "exactly one of SigningCertificates"},
		"a signing certificate without key": {func(c *ida.Config) {
			c.SigningService, c.SigningCertificates = nil, []*x509.Certificate{nil}
		}, "signing certificate 1"},
		"service without account": {func(c *ida.Config) {
			c.SigningService = &ida.CertificateService{URL: "https://a.example.org", TokenURL: "http://a.example.org"}
		}, "needs ClientID and SecretKey"},
		"token without TLS": {func(c *ida.Config) {
			c.SigningService = &ida.CertificateService{URL: "https://a.example.org", TokenURL: "http://a.example.org", ClientID: "a", SecretKey: "b"}
		}, "SigningService.TokenURL is not https"},
		"a strange factor":        {func(c *ida.Config) { c.Factors = []authenticator.Factor{authenticator.Knowledge} }, `factor "kba"`},
		"a factor twice":          {func(c *ida.Config) { c.Factors = []authenticator.Factor{"otp", "otp"} }, `factor "otp" is there twice`},
		"a strange channel":       {func(c *ida.Config) { c.Channels = []ida.Channel{"fax"} }, `channel "fax"`},
		"a channel twice":         {func(c *ida.Config) { c.Channels = []ida.Channel{"email", "email"} }, "there twice"},
		"decoys for e-mail alone": {func(c *ida.Config) { c.Decoys = []ida.Decoy{{Email: "a@example.org"}} }, `no decoy has an address for the channel "phone"`},
		"another original":        {func(c *ida.Config) { c.Original = "JWT" }, "Original is not JWS or JWE"},
		"an original to open":     {func(c *ida.Config) { c.Original, c.Decrypter = ida.JWE, idatest.DecryptionKey().Key }, "Original excludes Decrypter"},
		"verifications of V1":     {func(c *ida.Config) { c.Verifications, c.Version = true, ida.V1 }, "Verifications are for V2"},
		"decoys without secret":   {func(c *ida.Config) { c.Decoys = []ida.Decoy{{Email: "a@example.org"}} }, "Secret needs 32 bytes"},
		"decoy without channel":   {func(c *ida.Config) { c.Channels, c.Decoys = []ida.Channel{"phone"}, []ida.Decoy{{Email: "a"}} }, "decoy 1 has no address"},
		"negative durations":      {func(c *ida.Config) { c.ResendAfter = -1 }, "ResendAfter is negative"},
		"a negative age":          {func(c *ida.Config) { c.CaptureMaxAge = -1 }, "CaptureMaxAge is negative"},
		"a negative timeout":      {func(c *ida.Config) { c.Timeout = -1 }, "Timeout is negative"},
		"no calls in flight":      {func(c *ida.Config) { c.MaxInFlight = -1 }, "MaxInFlight"},
		"a negative pause":        {func(c *ida.Config) { c.Pause = -1 }, "Pause"},
		"a decrypter without RSA": {func(c *ida.Config) { c.Decrypter = notRSA{idatest.DecryptionKey().Key, ec} }, "Decrypter is no RSA key"},
	}
	s := startStub(t)
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := s.Config()
			tt.change(&c)
			a, err := ida.New(c)
			assert.Nil(t, a)
			assert.ErrorContains(t, err, tt.why)
			assert.NotContains(t, err.Error(), "secret@", "values are not repeated")
		})
	}
}

// notRSA is a decrypter with the public key of another kind.
type notRSA struct {
	crypto.Decrypter
	ec *ecdsa.PrivateKey
}

func (n notRSA) Public() crypto.PublicKey { return n.ec.Public() }

func TestNewCallsNobody(t *testing.T) {
	t.Parallel()
	s := startStub(t)
	c := s.Config()
	c.Transport = nil
	c.AuthURL, c.OTPURL, c.AllowHTTP = "http://ida.example.org/idauthentication/v1", "", true
	_, err := ida.New(c)
	require.NoError(t, err)
	assert.Zero(t, s.Count("certificate")+s.Count("signing"))
}
