// Package ida is an [authenticator.Authenticator] over MOSIP's ID Authentication (IDA): one-time codes, PINs, passwords
// and biometrics, in both versions of the delegated KYC calls.
//
// Authenticate is IDA's kyc-auth. The person's answers go out encrypted for IDA, in a request signed with the partner's
// key. Claims is kyc-exchange: IDA's signature on what it releases is verified, and the person it is about compared with
// the one who authenticated.
//
// # What to know of IDA
//
// The Subject is IDA's authToken, IDA's name for the person towards one partner. Under another partner, the same person
// has another Subject.
//
// A KYC token serves once, for one client. So an Authenticator of this package does not go with sessions that last beyond
// one login, and recalls nobody: passkeys and the like need another way to the claims.
//
// Nothing is sent twice, except the requests for certificates. A call that fails is the person's to repeat.
//
// # Nobody learns who is registered
//
// IDA tells unknown people from known ones. This package does not: a refusal is [authenticator.WrongCredentials] whatever
// the reason, a request for a code gets a receipt whether or not one was sent, and both take [Config.AnswerTime]. What
// remains is what only a known person can run into: an expired code, and a gateway for messages that fails.
package ida

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/gosignet/signet/authenticator"
)

// Authenticator speaks with IDA. It is safe for concurrent use.
type Authenticator struct {
	config     Config
	auth, otp  *client
	encryption *encryption
	signing    *signing
}

var (
	_ authenticator.Authenticator = (*Authenticator)(nil)
	_ authenticator.ChannelSender = (*Authenticator)(nil)
	_ authenticator.KeyPublisher  = (*Authenticator)(nil)
)

// New returns an Authenticator, or everything that is wrong with the configuration. It calls nobody.
func New(c Config) (*Authenticator, error) {
	c = c.withDefaults()
	if err := c.validate(); err != nil {
		return nil, err
	}
	s, err := newSignatory(c.Signer, c.Certificate, c.KeyID)
	if err != nil {
		return nil, err
	}
	keys := newClient(c, "certificates", nil)
	a := &Authenticator{
		config:     c,
		auth:       newClient(c, "authentication", s),
		otp:        newClient(c, "codes", s),
		encryption: newEncryption(c, keys),
		signing:    newSigning(c, keys),
	}
	return a, nil
}

// Factors implements [authenticator.Authenticator].
func (a *Authenticator) Factors() []authenticator.Factor { return slices.Clone(a.config.Factors) }

// transactionLength is that of IDA's transaction IDs.
const transactionLength = 10

// TransactionID returns IDA's ID of a login, which a biometric device must be given for its capture: the letters and
// digits of the login's transaction, read backwards and over again until they are ten. It is "" if there is none.
func TransactionID(transaction string) string {
	var usable []byte
	for _, c := range []byte(transaction) {
		if '0' <= c && c <= '9' || 'A' <= c && c <= 'Z' || 'a' <= c && c <= 'z' {
			usable = append(usable, c)
		}
	}
	if len(usable) == 0 {
		return ""
	}
	slices.Reverse(usable)
	id := make([]byte, transactionLength)
	for i := range id {
		id[i] = usable[i%len(usable)]
	}
	return string(id)
}

var errTransaction = errors.New("the transaction has no letter or digit")

// timestamp writes a time as IDA does.
func timestamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

// partner returns the end of the paths of a client's calls.
func (a *Authenticator) partner(ctx context.Context, clientID string) (Partner, error) {
	p := a.config.Partner
	if a.config.PartnerOf != nil {
		var err error
		if p, err = a.config.PartnerOf(ctx, clientID); err != nil {
			return Partner{}, fmt.Errorf("the partner of the client: %w", err)
		}
	}
	if p.APIKey == "" {
		p.APIKey = clientID
	}
	if !validSegment(p.ID) || !validSegment(p.APIKey) {
		return Partner{}, errors.New("the client has no partner, or one whose ID or API key is no word")
	}
	return p, nil
}

// hold starts the time that an answer takes at least. The function that it returns waits for the end of it.
func (a *Authenticator) hold(ctx context.Context) (wait func()) {
	timer := time.NewTimer(max(a.config.AnswerTime, 0))
	return func() {
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
		}
	}
}
