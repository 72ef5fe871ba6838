package main

import (
	"context"
	"crypto"
	"errors"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/authenticator/ida"
	"github.com/gosignet/signet/ui"
)

// readIDA reads {"type": "ida", "auth_url": …}.
func (b *identityBuilder) readIDA(d *document) (*identitySystem, error) {
	c := ida.Config{
		AuthURL: d.text("auth_url"), OTPURL: d.text("otp_url"), AllowHTTP: d.boolean("allow_http"),
		Version: ida.Version(d.number("version")), LicenseKey: d.secret("license_key_file"),
		DomainURI: d.text("domain_uri"), Environment: d.text("environment"),
		Factors: factors(d.texts("factors")), CaptureMaxAge: d.duration("capture_max_age"), DeviceRoots: d.authorities("device_roots_file"),
		Timeout: d.duration("timeout"), MaxInFlight: d.number("max_in_flight"), Failures: d.number("failures"), Pause: d.duration("pause"),
		Logger: b.logger,
	}
	c.Transport = d.transport(c.MaxInFlight)
	readPartners(d, &c)
	readCertificates(d, &c)
	if err := b.readCodes(d, &c); err != nil {
		return nil, err
	}
	biometrics := readBiometrics(d, c.Environment)
	return finished(d, func() (*identitySystem, error) {
		s, err := system(ida.New(c))
		s.biometrics, s.captureTransaction, s.once = biometrics, ida.TransactionID, true
		return s, err
	})
}

// readPartners reads "partner", which all clients are, or "partners", in which each is named.
func readPartners(d *document, c *ida.Config) {
	read := func(p *document) ida.Partner { return ida.Partner{ID: p.text("id"), APIKey: p.secret("api_key_file")} }
	if p := d.object("partner"); p != nil {
		c.Partner = read(p)
	}
	names, objects := d.named("partners")
	if len(names) == 0 {
		return
	}
	partners := make(map[string]ida.Partner)
	for _, client := range names {
		if partners[client] = read(objects[client]); partners[client].ID == "" {
			objects[client].problem("id", "is missing")
		}
	}
	c.PartnerOf = func(_ context.Context, clientID string) (ida.Partner, error) {
		p, ok := partners[clientID]
		if !ok {
			return p, errors.New("the client is none of the partners of -identity")
		}
		return p, nil
	}
}

// readCertificates reads our keys and IDA's certificates.
func readCertificates(d *document, c *ida.Config) {
	c.Signer, c.Certificate, c.KeyID = d.key("key_file"), d.certificate("certificate_file"), d.text("key_id")
	c.IDACertificate, c.IDACertificateURL = d.certificate("ida_certificate_file"), d.text("ida_certificate_url")
	c.IDAThumbprints = d.texts("ida_thumbprints")
	c.SigningCertificates = d.certificates("signing_certificates_file")
	if s := d.object("signing_service"); s != nil {
		c.SigningService = &ida.CertificateService{
			URL: s.text("url"), TokenURL: s.text("token_url"), AppID: s.text("app_id"),
			ClientID: s.text("client_id"), SecretKey: s.secret("secret_key_file"),
		}
	}
	if key := d.key("decryption_key_file"); key != nil {
		var ok bool
		if c.Decrypter, ok = key.(crypto.Decrypter); !ok {
			d.problem("decryption_key_file", "the key does not decrypt")
		}
	}
}

// readCodes reads what is known of the codes that IDA sends.
func (b *identityBuilder) readCodes(d *document, c *ida.Config) (err error) {
	c.CodeLength, c.CodeLifetime, c.ResendAfter = d.number("code_length"), d.duration("code_lifetime"), d.duration("resend_after")
	c.RevealLocks, c.AnswerTime = d.boolean("reveal_locks"), d.duration("answer_time")
	for _, name := range d.texts("channels") {
		c.Channels = append(c.Channels, ida.Channel(name))
	}
	for _, decoy := range d.objects("decoys") {
		c.Decoys = append(c.Decoys, ida.Decoy{Email: decoy.text("email"), Mobile: decoy.text("mobile")})
	}
	c.Secret, err = derive(b.secret, "signet server decoys v1")
	return err
}

// readBiometrics reads how devices capture; their environment is that of IDA.
func readBiometrics(d *document, environment string) ui.Biometrics {
	c := ui.Biometrics{Environment: environment}
	if o := d.object("biometrics"); o != nil {
		c.FirstPort, c.LastPort, c.Timeout = o.number("first_port"), o.number("last_port"), o.duration("timeout")
		c.Score, c.Fingers, c.Irises = o.number("score"), o.number("fingers"), o.number("irises")
		c.FingerSubTypes, c.IrisSubTypes = o.texts("finger_sub_types"), o.texts("iris_sub_types")
	}
	return c
}

func factors(names []string) []authenticator.Factor {
	var all []authenticator.Factor
	for _, name := range names {
		all = append(all, authenticator.Factor(name))
	}
	return all
}
