// Package signet composes an OpenID Provider from the packages of this module: OAuth 2.0 and OpenID Connect for
// relying parties, pages that take people through a login, and an authenticator that knows who they are.
//
//	provider, err := signet.New(signet.Config{ … })
//	http.ListenAndServe("localhost:8080", provider)
//
// [New] wires the packages as most deployments want them. Whoever wants them otherwise uses the packages themselves:
// each can be used alone, and the fields of [Provider] are what New made of them.
package signet

import (
	"io/fs"
	"log/slog"
	"net/http"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/gosignet/signet/audit"
	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/authenticator/idtoken"
	"github.com/gosignet/signet/captcha"
	"github.com/gosignet/signet/consent"
	"github.com/gosignet/signet/dpop"
	"github.com/gosignet/signet/esignet"
	"github.com/gosignet/signet/keystore"
	"github.com/gosignet/signet/login"
	"github.com/gosignet/signet/oauth"
	"github.com/gosignet/signet/oidc"
	"github.com/gosignet/signet/par"
	"github.com/gosignet/signet/store"
	"github.com/gosignet/signet/ui"
	"github.com/gosignet/signet/ui/button"
	"github.com/gosignet/signet/wallet"
)

// Config configures a [Provider]. It is not changed after New.
type Config struct {
	// Issuer is the issuer identifier, and where the world reaches the provider: an https URL without query, fragment
	// and final slash; http is allowed for a loopback host, for development. Its path is where the endpoints are.
	// Required.
	Issuer string
	// Clients looks relying parties up; [oauth.NewStaticClients] makes one from a list. Required.
	Clients oauth.ClientStore
	// Authenticator proves who people are and releases their claims. Required.
	Authenticator authenticator.Authenticator
	// Methods verify further factors, which do not belong to the identity system: passkeys, say. Each factor has one method
	// or the Authenticator, and not both.
	Methods []authenticator.Method
	// ACRs are the ways to log in, the most preferred first. Nil means one ACR for each factor of the Authenticator and of
	// the Methods (see [DefaultACRs]).
	ACRs authenticator.ACRs
	// EnrollmentACRs are those of the ACRs that a login must reach before a person may register a device for a factor; see
	// [authenticator.Enroller]. None means that nobody may.
	EnrollmentACRs []string
	// Keys signs tokens; [keystore.Generate] makes fresh ones. Required.
	Keys keystore.Keystore
	// Store keeps logins, codes and tokens while they live. Required: nothing is kept in memory unless you say so with
	// store/memory.
	Store store.Ephemeral
	// Ledger keeps what people consented to share, for good, so that they are not asked again, can look it up and take it
	// back: on the account pages, and with the API of consents. Nil means that a session remembers it at most, and that there
	// is neither. ConsentPolicy is how consent is asked; the registration of a client overrides it.
	Ledger        store.Ledger
	ConsentPolicy consent.Policy
	// Passkeys are shown and removed on the account pages. Nil means that these have none.
	Passkeys ui.Passkeys
	// Verifier is where people have claims verified that a client must have verified; see [login.Config].
	Verifier login.Verifier
	// Wallet lets people log in with wallets. Nil switches that off.
	Wallet *Wallet
	// PairwiseSecret is what the subjects that clients see are derived from: at least 32 random bytes, the same in every
	// instance, for as long as the deployment lives. Whoever changes it makes a stranger of every person. Required.
	PairwiseSecret []byte
	// NonceSecrets are what DPoP nonces are made with and known again by, the first being the one that makes them: at least
	// 32 random bytes each, the same in every instance. Unlike PairwiseSecret they can be rotated: see
	// [dpop.NoncesConfig]. Nil means one that is derived from PairwiseSecret.
	NonceSecrets [][]byte

	// Paths are where the endpoints are, below the issuer. Empty ones have defaults.
	Paths Paths
	// Algorithm signs the tokens of clients whose registration names none. Empty means ES256.
	Algorithm jose.SignatureAlgorithm
	// Algorithms are those that clients may be registered for; Keys must have a key for each. Nil means Algorithm alone.
	Algorithms []jose.SignatureAlgorithm
	// Scopes maps scopes to the claims that they ask for. Nil means profile, email, phone and address
	// (OpenID Connect Core section 5.4).
	Scopes map[string][]string
	// ClaimsSupported names the claims that the Authenticator can release. Nil means those of Scopes.
	ClaimsSupported []string
	// Assurance is what the Authenticator can say about how claims were verified (OpenID Identity Assurance). The zero value
	// is nothing.
	Assurance oidc.Assurance
	// ClaimSources are the kinds of other sources of claims that the Authenticator may name; see [oidc.Config].
	ClaimSources []string
	// PictureTypes are the media types of pictures that are released as data; see [oidc.Config].
	PictureTypes []string
	// ClaimsAtUserinfo fetches claims at each userinfo request and keeps none, and AcceptOriginal passes on what the identity
	// system signed itself, whose keys are then published with the provider's own; see [oidc.Config].
	ClaimsAtUserinfo, AcceptOriginal bool
	// AccessTokenAudience is the aud of access tokens. Nil means the issuer.
	AccessTokenAudience []string
	// Resources are further protected resources that access tokens can be restricted to (RFC 8707).
	Resources []oauth.Resource
	// AccessTokenLifetime and IDTokenLifetime; 0 means 10 minutes. CodeLifetime; 0 means, and it is at most, one minute.
	AccessTokenLifetime, IDTokenLifetime, CodeLifetime time.Duration
	// Profile holds every client to a set of rules: [oauth.ProfileFAPI2] turns the FAPI 2.0 Security Profile on. The
	// registration of a client can do so for this client alone.
	Profile oauth.Profile
	// RequireDPoPNonces demands a nonce of the provider in every DPoP proof (RFC 9449 section 8). The registration of a
	// client can demand it of this client alone.
	RequireDPoPNonces bool
	// RequirePushedRequests refuses authorization requests that were not pushed (RFC 9126). The registration of a client
	// can demand it of this client alone.
	RequirePushedRequests bool
	// RequireSignedRequestObjects refuses authorization requests that are not in signed request objects (RFC 9101). The
	// registration of a client can demand it of this client alone, and so does [oauth.ProfileFAPI2MessageSigning].
	RequireSignedRequestObjects bool
	// RequestLifetime is how long a pushed request can be opened, from one to ten minutes, less than ten under a Profile; 0
	// means one minute.
	RequestLifetime time.Duration
	// LoginLifetime is how long a person may take; 0 means 10 minutes.
	LoginLifetime time.Duration
	// MaxAttempts is how many wrong answers a login survives, MaxCodes how many one-time codes it may send, and
	// IdentifierLimit how often one identifier may be tried over all logins. Zero values have safe defaults.
	MaxAttempts, MaxCodes int
	IdentifierLimit       login.Limit
	// SourceLimit is how often one address may try, over all logins and identifiers, and Delay how wrong answers slow down
	// the next one. Zero values have safe defaults.
	SourceLimit login.Limit
	Delay       login.Delay
	// Captcha tells people from programs, on the steps of CaptchaOn, once so many uses of them went before as CaptchaAfter
	// says; see [login.Config]. Nil asks nobody.
	Captcha      captcha.Verifier
	CaptchaOn    []login.Use
	CaptchaAfter int
	// AuthenticatorTimeout is how long the Authenticator, or a Method, may take to answer; 0 means 30 seconds.
	AuthenticatorTimeout time.Duration

	// Sessions switches single sign-on on, and logout with it. The zero value means that every login authenticates the
	// person, and that there is no end session endpoint.
	Sessions login.Sessions
	// AllowPrivateBackchannel lets clients be told of logouts at loopback and private addresses. The zero value refuses
	// these: see [oidc.BackchannelConfig].
	AllowPrivateBackchannel bool

	// ESignet serves eSignet's HTTP API beside the standard endpoints, if it is not nil.
	ESignet *ESignet

	// IdentifierTypes, Links and FrameAncestors are what else the pages show, and who may frame them; see [ui.Config].
	IdentifierTypes []ui.IdentifierType
	Links           ui.Links
	FrameAncestors  []string
	// Theme is the provider's name and colours on the pages.
	Theme ui.Theme
	// Templates replaces pages one by one; see [ui.Config]. Nil means those built in.
	Templates fs.FS
	// Documents are terms of use, privacy policy and accessibility statement as pages of the provider, and Logos says how the
	// logos of clients are shown; see [ui.Config].
	Documents fs.FS
	Logos     ui.Logos
	// Biometrics is how devices are asked to capture, and CaptureTransaction what they are told of the login; see
	// [ui.Config].
	Biometrics         ui.Biometrics
	CaptureTransaction func(transaction string) string
	// Catalog adds languages to the pages and overrides single texts; see [ui.Config]. Nil means those built in.
	Catalog fs.FS
	// DefaultLanguage is for people whose languages the pages do not have (BCP 47). Empty means English.
	DefaultLanguage string

	// Audit takes the security events. It is called in the middle of logins: put an [audit.Queue] before one that can
	// be slow. Nil discards them.
	Audit audit.Sink
	// Logger takes what an operator should know: never tokens, codes or anything personal. Nil discards it.
	Logger *slog.Logger
	// Now is the clock. Nil means time.Now.
	Now func() time.Time
}

// Paths are the paths of the endpoints below the issuer's own. Each begins with a slash; Login, Account and Plugins also end
// with one, and Consents does not.
type Paths struct {
	Authorization  string // /authorize
	Token          string // /token
	Introspection  string // /introspect
	Revocation     string // /revoke
	Userinfo       string // /userinfo
	JWKS           string // /jwks.json
	PushedRequests string // /par
	Login          string // /login/
	Logout         string // /logout, where there are sessions
	Account        string // /account/, where consents are remembered, as the next two
	Consents       string // /consents: the API, for access tokens with the scope of that name
	ReceiptKeys    string // /receipt-keys.json: every key that signed a receipt, retired ones too
	Plugins        string // /plugins/: the sign-in button, for other sites
}

func (p *Paths) setDefaults() {
	for _, d := range []struct {
		path  *string
		value string
	}{
		{&p.Authorization, "/authorize"},
		{&p.Token, "/token"},
		{&p.Introspection, "/introspect"},
		{&p.Revocation, "/revoke"},
		{&p.Userinfo, "/userinfo"},
		{&p.JWKS, "/jwks.json"},
		{&p.PushedRequests, "/par"},
		{&p.Login, "/login/"},
		{&p.Logout, "/logout"},
		{&p.Account, "/account/"},
		{&p.Consents, "/consents"},
		{&p.ReceiptKeys, "/receipt-keys.json"},
		{&p.Plugins, button.DefaultBasePath},
	} {
		if *d.path == "" {
			*d.path = d.value
		}
	}
}

// Provider is an OpenID Provider. It serves all its endpoints; the handlers of the fields can also be mounted one by
// one. It keeps no state of its own, so instances that share a store can stand side by side.
type Provider struct {
	// OAuth is the authorization server.
	OAuth *oauth.Server
	// OpenID is OpenID Connect on top of it.
	OpenID *oidc.Provider
	// Pushed keeps pushed authorization requests.
	Pushed *par.Requests
	// DPoP verifies proofs; a resource server that shares the store can use it too.
	DPoP *dpop.Verifier
	// Login takes people through logins.
	Login *login.Flow
	// Consents is what people consented to share. It is nil without a Ledger.
	Consents *consent.Registry
	// Wallets knows which wallets are bound, Linker takes them through logins, and Binder binds them. They are nil without
	// Config.Wallet.
	Wallets *wallet.Registry
	Linker  *wallet.Linker
	Binder  *wallet.Binder
	// Pages are the pages of the login. Close them after the server's Shutdown where there are wallets.
	Pages *ui.UI
	// Button is the sign-in button, for clients' sites.
	Button *button.Button
	// Account are the pages on which people see and withdraw their consents. It is nil without a Ledger.
	Account *ui.Account
	// ESignet is eSignet's API. It is nil without Config.ESignet.
	ESignet *esignet.API
	// Backchannel tells clients of logouts, in the background: Close it before the process ends. It is nil without
	// sessions.
	Backchannel *oidc.Backchannel

	signUp     *idtoken.Method // nil without ESignet.SignUpClient
	consentAPI http.Handler
	landing    http.Handler
	mux        *router
	hsts       bool
}

// ServeHTTP serves every endpoint of the provider.
func (p *Provider) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if p.hsts {
		w.Header().Set("Strict-Transport-Security", "max-age=31536000")
	}
	w.Header().Set("X-Content-Type-Options", "nosniff")
	p.mux.ServeHTTP(w, r)
}

// DefaultACRs returns one ACR for each of the factors, in their order, with the names that eSignet uses, such as
// "mosip:idp:acr:generated-code" for one-time codes. Factors that it does not know get "urn:signet:acr:" and their own name.
func DefaultACRs(factors []authenticator.Factor) authenticator.ACRs {
	known := map[authenticator.Factor]string{
		authenticator.OTP:        "mosip:idp:acr:generated-code",
		authenticator.Password:   "mosip:idp:acr:password",
		authenticator.PIN:        "mosip:idp:acr:static-code",
		authenticator.Knowledge:  "mosip:idp:acr:knowledge",
		authenticator.Biometrics: "mosip:idp:acr:biometrics",
		authenticator.Wallet:     "mosip:idp:acr:linked-wallet",
		authenticator.IDToken:    "mosip:idp:acr:id-token",
	}
	var acrs authenticator.ACRs
	for _, f := range factors {
		value, ok := known[f]
		if !ok {
			value = "urn:signet:acr:" + string(f)
		}
		acrs = append(acrs, authenticator.ACR{Value: value, Alternatives: []authenticator.FactorSet{{f}}})
	}
	return acrs
}
