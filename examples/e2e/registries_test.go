package e2e_test

import (
	"crypto/x509"
	"testing"

	"github.com/chromedp/cdproto/webauthn"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/authenticator/ida/idatest"
	"github.com/gosignet/signet/authenticator/mock"
	"github.com/gosignet/signet/authenticator/sunbird/sunbirdtest"
)

// The people are those of real kinds of identity systems, and the server is the program that an operator starts.

// signIn begins a login at the portal.
func signIn(b *tab, w *world) {
	b.t.Helper()
	b.open(w.portal + "/")
	b.click("#sign-in")
	b.isAt(w.issuer + "/")
}

// proved makes sure that the portal greets the person, and that the ID Token says how they proved who they are.
func proved(b *tab, w *world, name, acr, factor string) {
	b.t.Helper()
	if b.shows("#continue") { // nobody is asked twice
		b.click("#continue")
	}
	b.isAt(w.portal + "/profile")
	b.reads("Welcome, " + name)
	b.tick("summary")
	b.reads(`"acr": "` + acr + `"`)
	b.reads(`"` + factor + `"`)
}

func TestLoginByKnowledgeInASunbirdRegistry(t *testing.T) {
	t.Parallel()
	registry := sunbirdtest.New(t)
	w := startServer(t, "-identity", operatorsFiles(t, map[string]any{
		"type":       "sunbird",
		"search_url": registry.URL + sunbirdtest.SearchPath,
		"entity_url": registry.URL + sunbirdtest.EntityPath,
		"form": map[string]any{
			"identifier": map[string]any{"name": "policyNumber", "labels": map[string]string{"en": "Policy number"}},
			"fields": []any{
				map[string]any{"name": "fullName", "labels": map[string]string{"en": "Full name"}},
				map[string]any{"name": "dob", "labels": map[string]string{"en": "Date of birth"}, "type": "date", "format": "dd/mm/yyyy"},
			},
		},
		"claims": map[string]any{
			"name": map[string]string{"field": "fullName"}, "birthdate": map[string]string{"field": "dob"}, "email": map[string]string{"field": "email"},
		},
		"tls": map[string]string{"ca_file": "ca.pem"},
	}, map[string][]byte{"ca.pem": inPEM("CERTIFICATE", registry.Certificate().Raw)}))
	b := openBrowser(t)
	signIn(b, w)
	b.click("#login_with_kba")
	b.reads("Policy number")
	for _, born := range []string{"1991-04-18", "1991-04-17"} {
		b.write("#kba_vid", "FR274019")
		b.write("#field-fullName", "Amélie Béranger-Noël")
		fillDate(b, "dob", born)
		b.click("#verify_kba")
		if born != "1991-04-17" {
			b.has("#error-banner")
		}
	}
	proved(b, w, "Amélie Béranger-Noël", "mosip:idp:acr:knowledge", "kba")
	b.reads("1991-04-17")
}

func TestLoginByCodeOfMOSIP(t *testing.T) {
	t.Parallel()
	system := idatest.New(t)
	key, err := x509.MarshalPKCS8PrivateKey(idatest.PartnerKey().Key)
	require.NoError(t, err)
	w := startServer(t, "-identity", operatorsFiles(t, map[string]any{
		"type":                "ida",
		"auth_url":            system.URL + "/auth/v1",
		"otp_url":             system.URL + "/otp/v1",
		"license_key_file":    "misp-license",
		"partner":             map[string]string{"id": idatest.PartnerID, "api_key_file": "api-key"},
		"domain_uri":          idatest.DomainURI,
		"environment":         "Staging",
		"key_file":            "partner.key",
		"certificate_file":    "partner.pem",
		"ida_certificate_url": system.URL + "/mosip-certs/ida-partner.cer",
		"signing_service": map[string]string{
			"url":       system.URL + "/internal/getAllCertificates?applicationId=IDA&referenceId=SIGN",
			"token_url": system.URL + "/authmanager/token", "client_id": idatest.AccountID, "secret_key_file": "account",
		},
		"factors":          []string{"otp"},
		"decoys":           []any{map[string]string{"email": "XXXXXX@example.org", "mobile": "XXXXXX0000"}},
		"answer_time":      "100ms",
		"claims_supported": []string{"name", "birthdate", "email"},
		"tls":              map[string]string{"ca_file": "ca.pem"},
	}, map[string][]byte{
		"misp-license": []byte(idatest.LicenseKey), "api-key": []byte(idatest.APIKey), "account": []byte(idatest.AccountKey),
		"partner.key": inPEM("PRIVATE KEY", key), "partner.pem": inPEM("CERTIFICATE", idatest.PartnerKey().Certificate.Raw),
		"ca.pem": inPEM("CERTIFICATE", system.Certificate().Raw),
	}))
	b := openBrowser(t)
	signIn(b, w)
	b.write("#Otp_vid", "8267411571")
	b.click("#get_otp")
	b.has("#otp_verify_input")
	b.reads("XXXXXX5566")
	answerCode(b, "345679")
	b.has("#error-banner")
	answerCode(b, idatest.People()["8267411571"].OTP)
	proved(b, w, "Asha Rao", "mosip:idp:acr:generated-code", "otp")
	assert.Equal(t, 1, system.Count("kyc-exchange"))
}

func TestPasskeyOfTheReferenceServer(t *testing.T) {
	t.Parallel()
	w := startServer(t)
	person := mock.Persona{NationalID: "8051437269", Claims: map[string]any{"name": "Sok Dara"}} // whom the banner names
	b := openBrowser(t)
	device := addPasskeys(b)
	signIn(b, w)
	b.click("#login_with_pwd")
	b.do("wish for a passkey", chromedp.WaitVisible(chromedp.CSS("#wish")), chromedp.Click(chromedp.CSS("#wish-passkey")))
	answerPassword(b, person, "signet-demo")
	b.has("#create_passkey")
	b.click("#create_passkey")
	proved(b, w, person.Name(), "mosip:idp:acr:password", "pwd")
	b.click("#sign-out")
	made, err := chromedp.Call(b.ctx, webauthn.GetCredentials, webauthn.GetCredentialsParams{AuthenticatorID: device})
	require.NoError(t, err)
	require.Len(t, made.Credentials, 1)
	assert.Equal(t, "localhost", made.Credentials[0].RpID)

	signIn(b, w)
	b.click("#login_with_pop")
	b.click("#verify_passkey")
	proved(b, w, person.Name(), passkeyACR, "pop")
	b.click("#sign-out")

	// Where an identifier is asked for, the browser offers the passkey by itself.
	signIn(b, w)
	b.click("#login_with_pwd")
	b.do("wait for the browser to take the passkey", chromedp.WaitVisible(chromedp.CSS("#sign-out")))
	proved(b, w, person.Name(), passkeyACR, "pop")
}

// passkeyACR is what the server calls a login by passkey.
const passkeyACR = "urn:signet:acr:passkey"
