package login

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/gosignet/signet/audit"
	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/captcha"
	"github.com/gosignet/signet/consent"
	"github.com/gosignet/signet/oauth"
	"github.com/gosignet/signet/oidc"
	"github.com/gosignet/signet/store"
)

const (
	minSecret   = 32
	maxLifetime = time.Hour
)

// Authorizer ends logins towards the client. An [oauth.Server] is one.
//
// The requests of logins have no Parameters: what these asked for, [OpenID] has read.
type Authorizer interface {
	// ApproveIn stores the grant under the code, unless a grant is there already, in a batch, and returns the response that
	// carries the code. Nobody is shown it before the result is known to be no error. An *[oauth.Error] as the result says
	// that the login is to be denied with it.
	ApproveIn(
		ctx context.Context, b *store.Batch, req *oauth.AuthorizationRequest, g oauth.Grant, code string,
	) (response *oauth.AuthorizationResponse, result func(context.Context) error, err error)
	// SpendRequest says whether the login is the one that completes the request, each time it is asked; if not, the error
	// is the *[oauth.Error] to deny it with.
	SpendRequest(ctx context.Context, req *oauth.AuthorizationRequest, transaction string) error
	// Deny returns the response that carries the error.
	Deny(ctx context.Context, req *oauth.AuthorizationRequest, e *oauth.Error, transaction string) *oauth.AuthorizationResponse
}

// OpenID reads what a client asks for and writes down what a person gives it. An [oidc.Provider] is one, and says what
// the methods do.
type OpenID interface {
	ParseRequest(ctx context.Context, c *oauth.Client, req *oauth.AuthorizationRequest) (*oidc.Request, error)
	ACRs(c *oauth.Client, r *oidc.Request) ([]string, error)
	Asked(c *oauth.Client, r *oidc.Request, scope []string) oidc.ClaimSet
	Subject(c *oauth.Client, identity string) string
	Authorize(
		c *oauth.Client, r *oidc.Request, scope []string, identity *authenticator.Identity, consented []string,
	) (*oidc.Authorization, error)
	HandOver(ctx context.Context, c *oauth.Client, h *oidc.Handover) (string, error)
	Missing(ctx context.Context, c *oauth.Client, r *oidc.Request, claims *authenticator.Claims) ([]string, error)
}

// LogoutNotifier tells clients that the session of a person ended. An [oidc.Backchannel] is one.
type LogoutNotifier interface {
	// NotifyLogout does not block, and has no error to return: a logout does not fail for a client that cannot be told.
	NotifyLogout(ctx context.Context, logouts []oidc.Logout)
}

// Config configures a [Flow]. It is not changed after New.
type Config struct {
	// Authorizer ends logins. Required.
	Authorizer Authorizer
	// OpenID reads the OpenID Connect part of requests. Required.
	OpenID OpenID
	// Clients looks clients up. Required.
	Clients oauth.ClientStore
	// Authenticator proves who people are. Required. If one of its factors is [authenticator.OTP] it must also be an
	// [authenticator.CodeSender].
	Authenticator authenticator.Authenticator
	// Methods verify further factors, which do not belong to the identity system: passkeys, say. Each factor has one method
	// or the Authenticator, and not both.
	Methods []authenticator.Method
	// EnrollmentACRs are the contexts that a login must reach before a person may register a device for a factor of a
	// Method, or of an Authenticator, that is an [authenticator.Enroller]. None means that nobody may.
	EnrollmentACRs []string
	// AuthenticatorTimeout bounds each call of the Authenticator and of a Method, also if it does not heed its context. Zero
	// means 30 seconds.
	AuthenticatorTimeout time.Duration
	// ACRs are the authentication contexts and the ways to reach them, in order of preference. Required. They are those
	// that OpenID was configured with.
	ACRs authenticator.ACRs
	// Store keeps logins and the counters of IdentifierLimit. Required.
	Store store.Ephemeral
	// Secret keys what is derived from identifiers and handles: the names of counters, and authorization codes. At least
	// 32 random bytes, the same in all instances. Required. Changing it forgets the counters and ends no login.
	Secret []byte

	// Lifetime is how long a whole login may take, at most an hour. Zero means 10 minutes.
	Lifetime time.Duration
	// MaxExtensions is how often a person may ask for more time ([Flow.Extend]): another Lifetime from then on, each time. Zero
	// means 10, and less than zero never. A login with all its extensions takes 115 minutes at most, so there are fewer where
	// Lifetime is long.
	MaxExtensions int
	// MaxAttempts is how many wrong answers end a login. Zero means 5.
	MaxAttempts int
	// MaxCodes is how many one-time codes are sent in a login. Zero means 3.
	MaxCodes int
	// IdentifierLimit bounds wrong answers, and codes sent, per identifier and across all logins: so many answers and,
	// counted on their own, so many codes in each window. The zero value means 10 in 15 minutes.
	IdentifierLimit Limit
	// SourceLimit bounds the same per source, where [WithSource] says what that is: per address of IPv4, per /64 of IPv6.
	// Many people share an address, and the codes of all of them count: ten times as many are sent as wrong answers are
	// allowed. The zero value means 100 wrong answers in 15 minutes.
	SourceLimit Limit
	// Delay makes whoever goes on guessing at one identifier wait.
	Delay Delay
	// Captcha tells people from programs, if it is not nil. CaptchaOn are the uses for which one has to be solved, each
	// time; empty means both. CaptchaAfter is how many such uses come before it is asked for: so many that were not right,
	// or codes that were sent, in the login, or across all logins for the identifier or from the source. Zero means that
	// there is no first one without.
	Captcha      captcha.Verifier
	CaptchaOn    []Use
	CaptchaAfter int
	// Sessions switches single sign-on on. The zero value means that every login authenticates the person. It goes with
	// an OpenID that has an end session endpoint.
	Sessions Sessions
	// Consents remembers what people decided, across sessions. Nil means that only a session remembers it, and nothing where
	// ConsentPolicy, or the client, limits how long. ConsentPolicy is how consent is asked; a client's registration
	// overrides it. The zero value remembers always, and lets people refuse essential claims.
	Consents      Consents
	ConsentPolicy consent.Policy
	// Verifier is where people have claims verified that a client must have verified. It is for an Authenticator that is
	// an [authenticator.Assurer]. Nil means that such claims are left out.
	Verifier Verifier
	// Portal is the client_id of a portal to which the Verifier sends people, and which then logs them in by an ID Token that
	// they bring from the login that they left ([Departure]): a sign-up portal of MOSIP's does. It goes with a Verifier, with a
	// Method that verifies [authenticator.IDToken], and with one of the ACRs that this factor reaches. Empty means that there is
	// none.
	Portal string
	// Assure has an Authenticator that is an [authenticator.Assurer] asked about all claims of a request that wants any
	// verified, for State.Assurances, and not only about the essential ones for which the Verifier is there.
	Assure bool
	// Logout tells clients that a session ended; an [oidc.Backchannel] is one. Nil tells nobody.
	Logout LogoutNotifier

	// Audit takes security events. Nil discards them.
	Audit audit.Sink
	// Logger takes what goes wrong inside. Nil discards it.
	Logger *slog.Logger
	// Now is the clock. Nil means time.Now.
	Now func() time.Time
}

// Limit allows so many attempts in each window of time. A window begins with the first attempt in it.
type Limit struct {
	// Attempts is at most 65535.
	Attempts int
	// Window is how long.
	Window time.Duration
}

func (c *Config) setDefaults() {
	if c.AuthenticatorTimeout == 0 {
		c.AuthenticatorTimeout = 30 * time.Second
	}
	if c.Lifetime == 0 {
		c.Lifetime = 10 * time.Minute
	}
	if c.MaxExtensions == 0 {
		c.MaxExtensions = usualExtensions
	}
	if c.MaxAttempts == 0 {
		c.MaxAttempts = 5
	}
	if c.MaxCodes == 0 {
		c.MaxCodes = 3
	}
	if c.IdentifierLimit.Attempts == 0 {
		c.IdentifierLimit.Attempts = 10
	}
	if c.IdentifierLimit.Window == 0 {
		c.IdentifierLimit.Window = 15 * time.Minute
	}
	if c.SourceLimit.Attempts == 0 {
		c.SourceLimit.Attempts = 100
	}
	if c.SourceLimit.Window == 0 {
		c.SourceLimit.Window = 15 * time.Minute
	}
	c.Delay.setDefaults(c.IdentifierLimit)
	if len(c.CaptchaOn) == 0 {
		c.CaptchaOn = []Use{UseAnswer, UseCode}
	}
	c.Sessions.setDefaults()
	if c.Audit == nil {
		c.Audit = audit.Discard
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
}

func (c *Config) validate() error {
	var errs []error
	refuse := func(wrong bool, problem string) {
		if wrong {
			errs = append(errs, errors.New("login: Config."+problem))
		}
	}
	refuse(c.Authorizer == nil, "Authorizer is missing")
	refuse(c.OpenID == nil, "OpenID is missing")
	refuse(c.Clients == nil, "Clients is missing")
	refuse(c.Store == nil, "Store is missing")
	refuse(len(c.Secret) < minSecret, fmt.Sprintf("Secret needs at least %d bytes", minSecret))
	refuse(c.AuthenticatorTimeout < 0, "AuthenticatorTimeout is negative")
	refuse(c.Lifetime < time.Second || c.Lifetime > maxLifetime, "Lifetime must be between a second and an hour")
	refuse(c.MaxAttempts < 1, "MaxAttempts is negative")
	refuse(c.MaxCodes < 1, "MaxCodes is negative")
	for name, limit := range map[string]Limit{"IdentifierLimit": c.IdentifierLimit, "SourceLimit": c.SourceLimit} {
		refuse(limit.Attempts < 1 || limit.Attempts > maxCount,
			fmt.Sprintf("%s.Attempts must be between 1 and %d", name, maxCount))
		refuse(limit.Window < time.Second, name+".Window is shorter than a second")
	}
	refuse(c.Delay.Free < 1, "Delay.Free is negative")
	refuse(c.Delay.First < time.Millisecond, "Delay.First is shorter than a millisecond")
	refuse(c.Delay.Max < c.Delay.First, "Delay.Max is shorter than Delay.First")
	refuse(c.CaptchaAfter < 0, "CaptchaAfter is negative")
	refuse(slices.ContainsFunc(c.CaptchaOn, func(u Use) bool { return u != UseAnswer && u != UseCode }),
		"CaptchaOn has what is no Use")
	if err := c.ConsentPolicy.Validate(); err != nil {
		errs = append(errs, fmt.Errorf("login: Config.ConsentPolicy: %w", err))
	}
	refuse(c.Verifier != nil && authenticator.AssurerOf(c.Authenticator) == nil, "Verifier needs an Authenticator that is an Assurer")
	refuse(c.Portal != "" && c.Verifier == nil, "Portal needs a Verifier")
	refuse(c.Sessions.on() && (c.Sessions.Idle < time.Second || c.Sessions.Idle > c.Sessions.Total || c.Sessions.Total > maxSessionTotal),
		fmt.Sprintf("Sessions: Idle must be at least a second and at most Total, and Total at most %v", maxSessionTotal))
	return errors.Join(errs...)
}
