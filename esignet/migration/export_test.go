package migration

import (
	"time"

	"github.com/gosignet/signet/consent"
	"github.com/gosignet/signet/oauth"
)

// Question reads what a person was asked.
func Question(claims, scopes string, expires *time.Time) (*consent.Question, error) {
	return (&consentRow{Claims: claims, Scopes: scopes, Expires: expires}).question(&oauth.Client{ID: "clinic"}, "amina", time.Now())
}

// Certificate reads the certificate of a wallet.
var Certificate = certificate
