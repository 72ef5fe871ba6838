package ida_test

import (
	"context"
	"fmt"
	"log"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/authenticator/ida"
)

func Example() {
	server := newStub(log.Fatalf) // stands for ID Authentication
	defer server.Close()

	idp, err := ida.New(ida.Config{
		AuthURL:           server.URL + "/auth/v1",
		OTPURL:            server.URL + "/otp/v1",
		LicenseKey:        licenseKey,
		Partner:           ida.Partner{ID: partnerID, APIKey: apiKey},
		DomainURI:         domainURI,
		Environment:       "Staging",
		Signer:            partnerKey().key, // of a file or of a security module
		Certificate:       partnerKey().certificate,
		IDACertificateURL: server.URL + "/mosip-certs/ida-partner.cer",
		SigningService: &ida.CertificateService{
			URL:      server.URL + "/internal/getAllCertificates?applicationId=IDA&referenceId=SIGN",
			TokenURL: server.URL + "/authmanager/token",
			ClientID: "account", SecretKey: accountKey,
		},
		Transport: server.Client().Transport, // trusts the server of the example
		Now:       server.clock.now,
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
