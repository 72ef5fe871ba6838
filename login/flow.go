// Package login is the transaction that a person walks through between an authorization request and its response:
// which way to log in, proof of who they are, and what they share.
//
// A [Flow] knows no HTTP and no HTML. The pages of package ui, a JSON API and a wallet drive the same one: each calls
// a method per thing that a person can do, and shows the [State] that it returns. The state is reached by a handle
// that [Flow.Begin] mints and only the person's browser keeps; [ID] is the handle's public name.
//
// # Repetition
//
// A reload, the back button, a double click or a second tab repeats what was done already. Every method can bear that:
// an answer that was right stays right, and a decision that is repeated gets the response of the first, never a second
// code. What does not fit the present step, such as an old page that was still open, returns [ErrStep].
//
// # Errors
//
// An error that leaves the login usable comes together with its present State, so that a face can show the one with
// the other or take the person to where the login stands: ErrStep, ErrCaptcha, ErrEssential, and *[authenticator.Error],
// which the person should hear about; it is also what tells that the page of a factor lacks its form, and that nobody can
// say yet whether claims are verified. Other errors come alone: [ErrUnknown],
// and those of backends and contexts, which they wrap. The login is
// then where it was, and the same call may be made again.
//
// # What is kept
//
// The whole state of a login is one record in the store, sealed by its handle ([store.Bucket]); it moves only by
// compare-and-swap, so that of two concurrent requests never both win. The only other things kept are counters, of the
// attempts in a login and of [Limit], and what [Delay] needs, under keyed hashes, and sessions. Nothing is kept in the process.
//
// What belongs to one step is written in one batch, so that most steps take two round trips to the store: one that reads
// the login and counts, and one that moves it on.
//
// # Sessions
//
// With [Sessions] a person who logged in is logged in for other requests too. The browser keeps the token of the
// session, another than the handles of its logins: [Flow.Begin] takes it, and once a login is over [Flow.KeepSession]
// returns the one to keep. A session stands for the factors that were proved, each for as long as the client and
// [Sessions] let it, and for nothing else: a request that needs more asks for what is missing, and not again who the person
// is ([State.IdentifierKnown]). Unless there are [Consents], it remembers what the person decided to share, so that they are
// not asked again for the same or less. Whoever authenticates gets a new token, and the old one is worth nothing from then
// on. [Flow.LogOut] ends a session and has its clients told.
//
// Access tokens outlive a logout, as they outlive a login: they live for minutes, and are what a client was given to
// finish its work. A client that is told of the logout revokes those that it does not need.
package login

import (
	"context"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/gosignet/signet/audit"
	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/consent"
	"github.com/gosignet/signet/internal/pseudonym"
	"github.com/gosignet/signet/oauth"
	"github.com/gosignet/signet/store"
)

var (
	// ErrUnknown says that the handle reaches no login: it expired, or there never was one.
	ErrUnknown = errors.New("login: unknown or expired")
	// ErrOtherPerson says that an answer was right but another person's than the one that the login is bound to. It is
	// wrapped in an *[authenticator.Error].
	ErrOtherPerson = errors.New("login: another person than the one of the session or of the earlier factor")
	// ErrLastAnswer says that the verdict on the last answer that the login had is awaited, so that no other is looked at. It
	// is wrapped in an *[authenticator.Error].
	ErrLastAnswer = errors.New("login: the verdict on the last answer is awaited")
	// ErrStep says that what was tried does not fit the step at which the login stands. It comes with the present State.
	ErrStep = errors.New("login: not possible at the present step")

	// errStay says that a move was made before. The caller gets the present State without an error.
	errStay = errors.New("login: nothing to do")
)

// Flow takes people through logins. It is safe for concurrent use, by any number of instances on one store.
type Flow struct {
	authorizer Authorizer
	openID     OpenID
	clients    oauth.ClientStore
	acrs       authenticator.ACRs
	// enrollmentACRs are those of which one has to be reached to register a device.
	enrollmentACRs authenticator.ACRs
	logins         store.Bucket[record]
	sessions       sessionStore
	notifier       LogoutNotifier
	consents       Consents // nil if only sessions remember decisions
	consentPolicy  consent.Policy
	verification   verification
	methods        *methods
	limiter        limiter
	captchas       captchas
	codes          *pseudonym.Maker
	lifetime       time.Duration
	// extensions are those that a login may have, longest is how long it lasts with all of them.
	extensions  int
	longest     time.Duration
	maxAttempts int
	maxCodes    int
	sink        audit.Sink
	logger      *slog.Logger
	now         func() time.Time
}

// New returns a Flow, or an error that joins everything that is wrong with the configuration.
func New(c Config) (*Flow, error) {
	c.setDefaults()
	methods, err := newMethods(&c)
	if err := errors.Join(c.validate(), err); err != nil {
		return nil, err
	}
	var keys [3][]byte
	for i, use := range []string{"limit", "code", "session"} {
		key, err := hkdf.Key(sha256.New, c.Secret, nil, "signet/login/"+use, sha256.Size)
		if err != nil {
			return nil, fmt.Errorf("login: derive a key: %w", err)
		}
		keys[i] = key
	}
	var enrollmentACRs authenticator.ACRs
	if len(c.EnrollmentACRs) > 0 { // Select takes none for all
		enrollmentACRs = c.ACRs.Select(c.EnrollmentACRs, nil)
	}
	extensions := extensionsOf(&c)
	return &Flow{
		authorizer:     c.Authorizer,
		openID:         c.OpenID,
		clients:        c.Clients,
		acrs:           c.ACRs,
		enrollmentACRs: enrollmentACRs,
		logins:         store.Bucket[record]{Store: c.Store, Name: "login", Now: c.Now},
		sessions:       newSessionStore(c.Store, keys[2], c.Sessions, c.Now),
		notifier:       c.Logout,
		consents:       c.Consents,
		consentPolicy:  c.ConsentPolicy,
		verification:   newVerification(&c),
		methods:        methods,
		limiter: limiter{
			store: c.Store, names: pseudonym.New(keys[0]), limit: c.IdentifierLimit, sourceLimit: c.SourceLimit, delay: c.Delay, now: c.Now,
		},
		captchas:    captchas{verifier: c.Captcha, on: c.CaptchaOn, after: c.CaptchaAfter},
		codes:       pseudonym.New(keys[1]),
		lifetime:    c.Lifetime,
		extensions:  extensions,
		longest:     c.Lifetime * time.Duration(1+extensions),
		maxAttempts: c.MaxAttempts,
		maxCodes:    c.MaxCodes,
		sink:        c.Audit,
		logger:      c.Logger,
		now:         c.Now,
	}, nil
}

// ID returns the public name of the login that the handle reaches: 22 characters of base64url, the same each time.
// It names the login in URLs, cookie names, audit events and towards the identity system, and opens nothing.
func ID(handle string) string {
	input := append(make([]byte, 0, 64), "signet/login/id:"...)
	sum := sha256.Sum256(append(input, handle...))
	var id [22]byte
	base64.RawURLEncoding.Encode(id[:], sum[:16])
	return string(id[:])
}

// State returns where the login stands.
func (f *Flow) State(ctx context.Context, handle string) (*State, error) {
	rec, err := f.read(ctx, handle)
	return f.present(ctx, handle, rec, err)
}

// read returns the record of the login.
func (f *Flow) read(ctx context.Context, handle string) (*record, error) {
	held, err := f.logins.Hold(ctx, handle)
	if err != nil {
		return nil, outage(err)
	}
	return f.spent(ctx, handle, recordOf(held))
}

// recordOf returns the record of what the store gave, which remembers where it comes from.
func recordOf(held *store.Held[record]) *record {
	rec := held.Value
	rec.held = held
	return &rec
}

// update moves the login and returns its record. It begins with the known record, if there is one, and reads it anew if it
// changed since. An error of move is returned as it is, with the record as it was before, which stays.
func (f *Flow) update(ctx context.Context, handle string, known *record, move func(*record) error) (*record, error) {
	return f.updateIn(ctx, new(store.Batch), handle, known, move)
}

// updateIn is update together with what is in the batch, which it carries out.
func (f *Flow) updateIn(
	ctx context.Context, b *store.Batch, handle string, known *record, move func(*record) error,
) (*record, error) {
	if known == nil || known.held == nil {
		var err error
		if known, err = f.read(ctx, handle); err != nil {
			return nil, err
		}
	}
	var before *record
	var refusal error
	moved := f.logins.UpdateHeldIn(b, known.held, func(r *record) error {
		was := *r
		if refusal = move(r); refusal != nil {
			before = new(was)
		}
		return refusal
	})
	b.Do(ctx)
	held, err := moved(ctx)
	switch {
	case err == nil:
		return recordOf(held), nil
	case refusal != nil:
		rec, err := f.spent(ctx, handle, before)
		if err != nil {
			return nil, err
		}
		return rec, refusal
	}
	return nil, outage(err)
}

// outage is the error of the store as the faces see it.
func outage(err error) error {
	if errors.Is(err, store.ErrNotFound) {
		return ErrUnknown
	}
	return fmt.Errorf("login: the store: %w", err)
}

// present turns what a move came to into what the face gets: the State, and the error if it is one.
func (f *Flow) present(ctx context.Context, handle string, rec *record, err error) (*State, error) {
	if rec == nil {
		return nil, err
	}
	client, clientErr := f.clients.Client(ctx, rec.Request.ClientID)
	if clientErr != nil {
		return nil, fmt.Errorf("login: look up the client: %w", clientErr)
	}
	if errors.Is(err, errStay) {
		err = nil
	}
	if rec.step() == StepConsent {
		reached, consentErr := f.reachConsent(ctx, handle, client, rec)
		if _, ok := errors.AsType[*authenticator.Error](consentErr); ok {
			return f.show(ctx, handle, client, reached, consentErr)
		}
		if consentErr != nil {
			return nil, consentErr
		}
		rec = reached
	}
	return f.show(ctx, handle, client, rec, err)
}

// audit records an event of the login.
func (f *Flow) audit(ctx context.Context, handle string, rec *record, e audit.Event) {
	e.Time, e.ClientID, e.Transaction = f.now(), rec.Request.ClientID, ID(handle)
	f.sink.Record(ctx, e)
}
