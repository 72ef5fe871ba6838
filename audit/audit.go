// Package audit defines the security events of a provider and where they go.
//
// An [Event] says that something of security interest happened: what, when, how it ended, for which client and, as a
// pseudonym, to whom. Events never hold personal data, tokens, codes or handles; there is no field for them. The set
// of types is closed, so that an operator can list what will ever be recorded.
package audit

import (
	"context"
	"time"
)

// Type says what happened.
type Type string

// The events of a login, in the order in which one goes through them.
const (
	// AuthorizationRequested: a client sent a person to log in, with a request that was accepted or refused.
	AuthorizationRequested Type = "authorization_requested"
	// RequestPushed: a client pushed an authorization request.
	RequestPushed Type = "request_pushed"
	// CodeSent: a one-time code was asked for.
	CodeSent Type = "code_sent"
	// AuthenticationAttempted: a person answered a challenge.
	AuthenticationAttempted Type = "authentication_attempted"
	// FactorUnavailable: what the page of a factor needs, such as a challenge for a device, could not be had.
	FactorUnavailable Type = "factor_unavailable"
	// CaptchaChecked: a captcha was solved, or not, or nothing was done for want of one.
	CaptchaChecked Type = "captcha_checked"
	// Authenticated: a person proved who they are, as strongly as the request demands.
	Authenticated Type = "authenticated"
	// DeviceEnrolled: a person registered a device for a factor, or could not.
	DeviceEnrolled Type = "device_enrolled"
	// DeviceRevoked: what a person registered for a factor, such as the key of a wallet, was withdrawn.
	DeviceRevoked Type = "device_revoked"
	// WalletLinked: a wallet took a login over from the browser that showed the code, or the code was none.
	WalletLinked Type = "wallet_linked"
	// ConsentDecided: a person decided what to share, or to share nothing.
	ConsentDecided Type = "consent_decided"
	// AuthorizationGranted: a code was issued.
	AuthorizationGranted Type = "authorization_granted"
	// AuthorizationDenied: the client was told that it gets no code.
	AuthorizationDenied Type = "authorization_denied"
	// ClientAuthenticated: a client proved who it is, or failed to.
	ClientAuthenticated Type = "client_authenticated"
	// TokenIssued: a code was exchanged for tokens, or the exchange was refused.
	TokenIssued Type = "token_issued"
	// CodeReplayed: a code came a second time; what it had produced was revoked.
	CodeReplayed Type = "code_replayed"
	// TokenIntrospected: a client asked about a token.
	TokenIntrospected Type = "token_introspected"
	// TokenRevoked: a client gave a token back.
	TokenRevoked Type = "token_revoked"
	// ClaimsReleased: userinfo answered with claims.
	ClaimsReleased Type = "claims_released"
)

// The events of sessions, which outlive logins.
const (
	// SessionContinued: a session stood for factors that the person would otherwise have had to prove.
	SessionContinued Type = "session_continued"
	// LoggedOut: a session ended, by a logout or because another person logged in; one event for each client in it.
	LoggedOut Type = "logged_out"
	// LogoutNotified: a client was told that a session ended, or could not be.
	LogoutNotified Type = "logout_notified"
)

// The events of the register of clients.
const (
	// ClientCreated: a client was registered.
	ClientCreated Type = "client_created"
	// ClientUpdated: the registration of a client was changed.
	ClientUpdated Type = "client_updated"
	// ClientActivated: a client that had been deactivated is served again.
	ClientActivated Type = "client_activated"
	// ClientDeactivated: a client is served no longer.
	ClientDeactivated Type = "client_deactivated"
)

// The events of the provider's own keys. KeyID says which; Reason is its role.
const (
	// KeyCreated: a key was made, and is published.
	KeyCreated Type = "key_created"
	// KeyImported: a key that was made elsewhere, or whose record was lost, is published.
	KeyImported Type = "key_imported"
	// KeyRotated: it was decided by command when a key takes over.
	KeyRotated Type = "key_rotated"
	// KeyRetired: a key was taken out of use by command.
	KeyRetired Type = "key_retired"
	// KeyRevoked: a key was withdrawn at once.
	KeyRevoked Type = "key_revoked"
	// KeyDestroyed: a private key was destroyed.
	KeyDestroyed Type = "key_destroyed"
	// KeyCertified: a key got another certificate.
	KeyCertified Type = "key_certified"
)

// Outcome says how it ended.
type Outcome string

const (
	// Success: it was done.
	Success Outcome = "success"
	// Refused: the request, the answer or the person was at fault; Reason tells why.
	Refused Outcome = "refused"
	// Failed: the provider or a system behind it was at fault.
	Failed Outcome = "failed"
)

// Event is one security event.
type Event struct {
	Time    time.Time
	Type    Type
	Outcome Outcome
	// ClientID names the relying party, empty if it is not known. It is set only to the identifier of a registered
	// client, never to what a stranger sent.
	ClientID string
	// Subject is the person's pairwise pseudonym at this client, empty before authentication.
	Subject string
	// Transaction ties the events of one login together: a hash, useless for reaching the login.
	Transaction string
	// KeyID is the kid of one of the provider's keys, in the events of keys.
	KeyID string
	// Reason is a short code from the protocol or the authenticator: "invalid_grant", "wrong_code". Never free text.
	Reason string
	// Factors are the authentication methods of the event, such as "otp".
	Factors []string
}

// Sink takes events. Record must not block for long and must not panic; it has no error to return, because a login
// does not fail for its audit trail. A sink that can be slow or can fail is put behind a [Queue].
type Sink interface {
	Record(ctx context.Context, e Event)
}

// Discard is the Sink that takes everything and keeps nothing.
var Discard Sink = discard{}

type discard struct{}

func (discard) Record(context.Context, Event) {}
