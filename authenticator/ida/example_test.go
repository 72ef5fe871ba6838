package ida_test

import (
	"context"
	"fmt"
	"log"
	"testing"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/authenticator/ida"
	"github.com/gosignet/signet/authenticator/ida/idatest"
)

// example is the test that idatest needs, and that an Example has not.
type example struct {
	testing.TB
	cleanup func()
}

func (*example) Errorf(format string, args ...any) { log.Fatalf(format, args...) }
func (e *example) Cleanup(f func())                { e.cleanup = f }
func (e *example) end()                            { e.cleanup() }

func Example() {
	var t example
	defer t.end()
	server := idatest.New(&t) // stands for ID Authentication

	idp, err := ida.New(ida.Config{
		AuthURL:           server.URL + "/auth/v1",
		OTPURL:            server.URL + "/otp/v1",
		LicenseKey:        idatest.LicenseKey,
		Partner:           ida.Partner{ID: idatest.PartnerID, APIKey: idatest.APIKey},
		DomainURI:         idatest.DomainURI,
		Environment:       "Staging",
		Signer:            idatest.PartnerKey().Key, // of a file or of a security module
		Certificate:       idatest.PartnerKey().Certificate,
		IDACertificateURL: server.URL + "/mosip-certs/ida-partner.cer",
		SigningService: &ida.CertificateService{
			URL:      server.URL + "/internal/getAllCertificates?applicationId=IDA&referenceId=SIGN",
			TokenURL: server.URL + "/authmanager/token",
			ClientID: idatest.AccountID, SecretKey: idatest.AccountKey,
		},
		Transport: server.Client().Transport, // trusts the server of the example
	})
	if err != nil {
		log.Fatal(err)
	}

	ctx := context.Background()
	person := authenticator.Identifier{Value: "8267411571"}
	if _, err := idp.SendCode(ctx, &authenticator.CodeRequest{
		Transaction: "a-login", ClientID: "client-1", Identifier: person,
	}); err != nil {
		log.Fatal(err)
	}
	identity, err := idp.Authenticate(ctx, &authenticator.Request{
		Transaction: "a-login", ClientID: "client-1", Identifier: person,
		Challenges: []authenticator.Challenge{{Factor: authenticator.OTP, Response: "345678"}},
	})
	if err != nil {
		log.Fatal(err)
	}
	claims, err := idp.Claims(ctx, &authenticator.ClaimsRequest{
		Transaction: "a-login", ClientID: "client-1", Identity: *identity, Names: []string{"name"}, Locales: []string{"fr"},
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s %s\n", claims.Values["name"], claims.Values["name#fr"])
	// Output: "Asha Rao" "Acha Rao"
}
