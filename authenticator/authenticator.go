// Package authenticator is the plug between the provider and an identity system.
//
// A national ID team implements [Authenticator]: two methods, one that proves who a person is and one that releases
// what the person consented to. Further abilities are further interfaces ([CodeSender]) that the same value may
// implement; the provider finds them once, at start-up.
package authenticator

import (
	"context"
	"encoding/json"
	"time"
)

// Authenticator connects the provider to one identity system. Its methods are called concurrently. Errors that the
// person should hear about are of type *[Error]; any other error is shown as "unavailable" and logged.
type Authenticator interface {
	// Factors names the factors that the identity system can verify. It is asked once, at start-up.
	Factors() []Factor
	// Authenticate proves that a person answered the challenges, all of them, and says who they are.
	Authenticate(ctx context.Context, r *Request) (*Identity, error)
	// Claims releases what the person consented to. It is called once per granted login, when the code is redeemed, and
	// again if the client has to try again because the answer did not reach it.
	Claims(ctx context.Context, r *ClaimsRequest) (*Claims, error)
}

// CodeSender is an Authenticator that can send one-time codes. An Authenticator whose factors include [OTP]
// implements it.
type CodeSender interface {
	// SendCode sends a code to the person, and says in masked form where it went. For an unknown person it must
	// answer exactly as for a known one, so that nobody learns who is registered.
	SendCode(ctx context.Context, r *CodeRequest) (*CodeReceipt, error)
}

// Challenge is a person's answer to a challenge.
type Challenge struct {
	Factor Factor
	// Response is the answer itself: the code, the password. It is never stored or logged.
	Response string
	// State is that of the [Device] that a [Challenger] gave to the login for the factor, if it did.
	State []byte
}

// Request asks an Authenticator to authenticate a person.
type Request struct {
	// Transaction identifies the login: the same for all calls of one login, different for any two logins, and useless
	// to anyone who would hijack it.
	Transaction string
	// ClientID is the relying party.
	ClientID   string
	Identifier Identifier
	// Challenges are the answers, at least one. All must be right.
	Challenges []Challenge
	// ACRs are the authentication contexts that the login may end in, in order of preference.
	ACRs []string
	// Locales are the person's languages in order of preference, BCP 47.
	Locales []string
}

// Identity is a person as the identity system knows them.
type Identity struct {
	// Subject identifies the person in the identity system, forever, and is never given to a relying party: what
	// leaves is derived from it ([OpenID Connect Core, section 8.1]). Required, at most 256 bytes.
	//
	// [OpenID Connect Core, section 8.1]: https://openid.net/specs/openid-connect-core-1_0.html#PairwiseAlg
	Subject string
	// State is what the identity system wants to see again in Claims: a KYC token, say. Optional, at most 8 KiB. It is
	// kept encrypted.
	State []byte
}

// ClaimsRequest asks for what a person consented to share.
type ClaimsRequest struct {
	Transaction string
	ClientID    string
	Identity    Identity
	// Names are the claims that the person consented to, by their registered names ("given_name"). Nothing else may
	// be released.
	Names []string
	// Verified are those of the names for which the person also consented to share how they were verified
	// ([Claims.Verified]).
	Verified []string
	// Locales are the languages that the relying party prefers for the values, BCP 47. A claim that the identity system
	// has in several languages may also be released under its name, "#" and the language (OpenID Connect Core section
	// 5.2): "name#km".
	Locales []string
}

// Claims are what the identity system releases.
type Claims struct {
	// Values holds a JSON value per claim name. Names that were not asked for are dropped.
	Values map[string]json.RawMessage
	// Verified says how claims were verified, once per verification. Names that were not asked for are dropped.
	Verified []VerifiedClaims
	// Sources are other places that hold claims about the person, signed: aggregated and distributed claims (OpenID
	// Connect Core section 5.6.2). A source that holds more than the person consented to is dropped whole: whoever has it has
	// all of it.
	Sources []ClaimSource
	// Original is the whole answer as the identity system signed it, perhaps also encrypted to the client: a JWT in compact
	// form, which userinfo passes on untouched. Whoever gives it answers for what it holds. Empty means that the provider
	// signs.
	Original string
}

// VerifiedClaims are claims that were verified together (OpenID Identity Assurance).
type VerifiedClaims struct {
	// Verification is the JSON object that says how: trust_framework, time, evidence and so on, in full. What the client
	// gets of it is what it asked for.
	Verification json.RawMessage
	// Values holds a JSON value per claim name.
	Values map[string]json.RawMessage
}

// ClaimSource holds claims elsewhere.
type ClaimSource struct {
	// Names are the claims that it holds.
	Names []string
	// JWT has the claims, signed by their source: aggregated claims.
	JWT string
	// Endpoint is where to fetch them, with AccessToken if that is not empty: distributed claims.
	Endpoint, AccessToken string
}

// KeyPublisher is an Authenticator whose identity system signs claims itself ([Claims.Original]).
type KeyPublisher interface {
	// PublicKeys returns the JWK Set (RFC 7517 section 5) that verifies them, to be published with the provider's own keys.
	// It is an empty set if there is nothing to verify.
	PublicKeys(ctx context.Context) (json.RawMessage, error)
}

// Channel is a way by which a one-time code reaches a person.
type Channel string

// The channels that have the same meaning everywhere.
const (
	Phone Channel = "phone"
	Email Channel = "email"
)

// ChannelSender is a [CodeSender] that lets the person choose by which channels a code comes.
type ChannelSender interface {
	CodeSender
	// Channels names those that there are, whoever the person is. None means that there is no choice. It is asked once, at
	// start-up.
	Channels() []Channel
}

// CodeRequest asks for a one-time code.
type CodeRequest struct {
	Transaction string
	ClientID    string
	Identifier  Identifier
	// Channels are those that the person chose, out of the ones of the [ChannelSender]. None means that the identity
	// system chooses. A person who cannot be reached by any of them is answered as one who can.
	Channels []Channel
	// ACRs are the authentication contexts that the login may end in, in order of preference.
	ACRs []string
	// Locales are the person's languages in order of preference, for the text of the message.
	Locales []string
}

// CodeReceipt says where a code went.
type CodeReceipt struct {
	// Destinations are masked addresses that the person can recognise and nobody else learns from: "+855 ** *** 321".
	Destinations []string
	// Length is the number of characters in the code, or 0 if the identity system does not say.
	Length int
	// ExpiresAt is when the code stops working. Zero if the identity system does not say.
	ExpiresAt time.Time
	// ResendAfter is when another code may be asked for. Zero means at once.
	ResendAfter time.Time
}
