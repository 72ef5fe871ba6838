package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"log/slog"
	"net/http"

	"github.com/go-jose/go-jose/v4"

	"github.com/gosignet/signet/examples/portal"
	"github.com/gosignet/signet/oauth"
)

const (
	portalID       = "health-portal"
	portalCallback = "/callback"
)

// newPortal returns the Health Portal for the endpoint, and its registration at the provider, with fresh keys. The
// registration allows both protocols that the portal offers: plain OpenID Connect and FAPI 2.0.
func newPortal(c *config, e *endpoint, logger *slog.Logger) (http.Handler, *oauth.Client, error) {
	key, err := newPortalKey("portal-1", string(jose.ES256), "sig")
	encryption, err2 := newPortalKey("portal-enc-1", string(jose.ECDH_ES), "enc")
	if err := errors.Join(err, err2); err != nil {
		return nil, nil, err
	}
	client := &oauth.Client{
		ID:                 portalID,
		Names:              map[string]string{"": "Health Portal", "fr": "Portail de santé", "ar": "بوابة الصحة"},
		RedirectURIs:       []string{e.url() + portalCallback},
		Keys:               jose.JSONWebKeySet{Keys: []jose.JSONWebKey{key.Public(), encryption.Public()}},
		AssertionAlgorithm: jose.ES256,
		UserinfoEncryption: oauth.Encryption{KeyAlgorithm: jose.ECDH_ES, Content: jose.A256GCM},
		Scopes:             []string{"openid", "profile", "email", "phone", "address"},
	}
	var caller *http.Client
	if e.certificate != nil {
		if caller, err = e.certificate.client(); err != nil {
			return nil, nil, err
		}
	}
	handler, err := portal.New(portal.Config{
		Issuer:         c.issuer,
		ClientID:       client.ID,
		Key:            key,
		RedirectURI:    client.RedirectURIs[0],
		Scopes:         []string{"openid", "email", "phone"},
		Claims:         portalClaims,
		VerifiedClaims: []string{"name", "birthdate", "address", "phone_number"},
		Purpose:        "To find your health records, and to know that they are yours",
		ClaimsLocales:  []string{"en"}, // beside the language of the register
		EncryptionKey:  encryption,
		Record:         portal.Record{ACRValues: c.recordACRs()},
		AccountURL:     c.issuer + accountPath,
		FAPI2:          c.profile != oauth.ProfileNone,
		Client:         caller,
		Logger:         logger,
	})
	return handler, client, err
}

func newPortalKey(id, algorithm, use string) (jose.JSONWebKey, error) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	return jose.JSONWebKey{Key: private, KeyID: id, Algorithm: algorithm, Use: use}, err
}

// portalClaims asks for what the portal needs, and for what is nice to have.
var portalClaims = []byte(`{"userinfo":{"name":{"essential":true},"birthdate":{"essential":true},"gender":null,"picture":null,"address":null}}`)

// recordACRs are what the page with the medical record takes: two factors, or a passkey.
func (c *config) recordACRs() []string {
	if c.acrsFile != "" || c.identityFile != "" { // who knows what there is
		return nil
	}
	acrs := []string{twoFactorACR}
	if c.passkeys {
		acrs = append(acrs, passkeyACR)
	}
	return acrs
}
