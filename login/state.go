package login

import (
	"time"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/captcha"
	"github.com/gosignet/signet/consent"
	"github.com/gosignet/signet/oauth"
	"github.com/gosignet/signet/oidc"
)

// Step says where a login stands.
type Step string

// The steps in the order in which a person goes through them. Identify and Verify repeat for every factor of the
// chosen option.
const (
	// StepAccount: the person decides whether to go on as the one who is logged in. Only where the client asks for that
	// choice and somebody is logged in.
	StepAccount Step = "account"
	// StepChoose: the person chooses one of several ways to log in.
	StepChoose Step = "choose"
	// StepIdentify: the person says who they are, to be sent a code. Only for factors that need a code sent.
	StepIdentify Step = "identify"
	// StepVerify: the person answers the challenge: the code, or identifier and password.
	StepVerify Step = "verify"
	// StepEnroll: the person registers a device for a factor, as they wished ([Flow.WishToEnroll]), or leaves it.
	StepEnroll Step = "enroll"
	// StepVerification: claims that the client must have verified are not. The person has them verified, or goes on, or
	// gives up. Only where there is a [Verifier].
	StepVerification Step = "verification"
	// StepConsent: the person decides what to share.
	StepConsent Step = "consent"
	// StepDone: the login is over and Response says what the client is told.
	StepDone Step = "done"
)

// State is a login as a face of the provider shows it. It holds no secret; Identifier is personal and goes to the
// person's own page only.
type State struct {
	// ID names the login in URLs, cookie names and audit events. It opens nothing.
	ID   string
	Step Step
	// Client is the relying party that asked.
	Client *oauth.Client
	// RedirectURI is where the browser will end up, for the page's Content-Security-Policy.
	RedirectURI string
	// RequestURI is the request_uri of the authorization request, if it was pushed.
	RequestURI string
	// Options are the ways to log in, in order of preference; Option is the index of the chosen one, or -1.
	Options []authenticator.FactorSet
	Option  int
	// Factor is the factor that is asked for now, in StepIdentify and StepVerify.
	Factor authenticator.Factor
	// Succeeded are the factors that were proved already.
	Succeeded []authenticator.Factor
	// Identifies says that the answer to Factor itself tells who the person is, so that no identifier is asked for. Form is
	// what to ask the person for instead of one secret, in StepVerify; nil if the factor has no form. Device says that the
	// factor is answered by a device, which is to be given what [Flow.Challenge] returns.
	Identifies bool
	Form       *authenticator.Form
	Device     bool
	// DeviceFactors are the factors with Device that are the first of an option, so that a page may offer them beside what
	// it asks for: a passkey in the list from which a browser fills an identifier in.
	DeviceFactors []authenticator.Factor
	// Channels are the ways by which a one-time code may come, in StepIdentify; nil if there is no choice.
	Channels []authenticator.Channel
	// Captcha is what the page has to show, and whose response it has to give to [Flow.SolveCaptcha], before it may call
	// SendCode or Answer. Nil means that there is nothing to solve now.
	Captcha *captcha.Widget
	// RetryAt is when the next answer will be looked at, where wrong ones delay it; otherwise zero.
	RetryAt time.Time
	// Enrollable are the factors for which the person may register a device once the present option succeeds
	// ([Flow.WishToEnroll]). Enrolling is the one that they wished for; in StepEnroll it is registered.
	Enrollable []authenticator.Factor
	Enrolling  authenticator.Factor
	// Identifier is what the person typed last, to be shown again. Once a factor succeeded it is fixed
	// (IdentifierFixed) for the others.
	Identifier      authenticator.Identifier
	IdentifierFixed bool
	// IdentifierKnown says that the login has the identifier from the browser's session: a face does not ask for it, shows
	// Account instead, and leaves it empty in SendCode and Answer. Identifier is empty then.
	IdentifierKnown bool
	// Code says where the one-time code went, in StepVerify of a factor with a code; otherwise nil.
	Code *authenticator.CodeReceipt
	// AttemptsLeft is how many more wrong answers the login survives; CodesLeft, how many more codes may be sent.
	AttemptsLeft, CodesLeft int
	// Account is what to call the person of the browser's session, whom the login is bound to: part of what they once
	// typed to say who they are. Empty if the login is anybody's. CanSwitch says that it may still become so, by
	// [Flow.SelectAccount].
	Account   string
	CanSwitch bool
	// ExpiresAt ends the login. ExtensionsLeft is how often the person may have it put off ([Flow.Extend]).
	ExpiresAt      time.Time
	ExtensionsLeft int
	// Essential and Voluntary are the claims to decide on in StepConsent, Scopes the scopes beyond those that only ask for
	// claims. A face may show them before: a wallet says what is asked before the person proves who they are.
	Essential, Voluntary, Scopes []string
	// Verified are the claims, out of Essential and Voluntary, that are shared together with how they were verified.
	Verified []oidc.VerifiedItem
	// Required says that the client gets nothing unless all of Essential are shared. Otherwise that is the person's choice.
	Required bool
	// AskedBecause is why the person is asked, and New are the names, out of all there are to decide on, that they were not
	// asked about before; both empty where decisions are not remembered.
	AskedBecause consent.Reason
	New          []string
	// Unverified are the claims that lack verification, in StepVerification.
	Unverified []string
	// Assurances are those of the claims that the identity system has, and whether it verified them: as the client wants,
	// if it wants that, or at all. Nil until it was asked, which [Config.Assure] says of which claims it is, and where it
	// cannot say.
	Assurances map[string]bool
	// UILocales, LoginHint and Display are the wishes of the request.
	UILocales []string
	LoginHint string
	Display   string
	// Response is what the client is told, in StepDone.
	Response *oauth.AuthorizationResponse
}

// Decision is what a person decided to share.
type Decision struct {
	// Claims are the claims that the person shares, out of State.Essential and State.Voluntary. An essential claim that
	// is left out is a choice that the person may make (OpenID Connect Core section 5.5.1).
	Claims []string
	// Scopes are the scopes that the person grants, out of State.Scopes.
	Scopes []string
	// Language is the one in which the page asked (BCP 47), for the receipt.
	Language string `json:",omitempty"`

	wallet *consent.WalletProof // not kept with the login
}

// Signed returns the decision together with the signature of the person's wallet on it, for the receipt.
func (d Decision) Signed(p *consent.WalletProof) Decision {
	d.wallet = p
	return d
}
