package wallet

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"sync"
	"time"

	"github.com/gosignet/signet/audit"
	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/authenticator/wla"
	"github.com/gosignet/signet/login"
	"github.com/gosignet/signet/store"
)

var (
	// ErrCode says that a link code is of no use: there never was such a one, it expired, another code took its place, or a
	// wallet used it.
	ErrCode = errors.New("wallet: link code unknown, used or expired")
	// ErrTransaction says that there is no such link transaction, or that it is over.
	ErrTransaction = errors.New("wallet: link transaction unknown or expired")
	// ErrCodes says that a login has had all its link codes.
	ErrCodes = errors.New("wallet: no more link codes for this login")
	// ErrLinked says that a wallet has the login.
	ErrLinked = errors.New("wallet: a wallet is linked already")
	// ErrDecision says that a decision has what was not asked for.
	ErrDecision = errors.New("wallet: decided on what was not asked for")
)

// Flow takes people through logins. A [login.Flow] is one, and says what the methods do.
type Flow interface {
	State(ctx context.Context, handle string) (*login.State, error)
	Choose(ctx context.Context, handle string, option int) (*login.State, error)
	SolveCaptcha(ctx context.Context, handle, response string) (*login.State, error)
	SendCode(
		ctx context.Context, handle string, id authenticator.Identifier, channels ...authenticator.Channel,
	) (*login.State, error)
	Answer(ctx context.Context, handle string, id authenticator.Identifier, c authenticator.Challenge) (*login.State, error)
	ResumeVerification(ctx context.Context, handle string, query url.Values) (*login.State, error)
	Decide(ctx context.Context, handle string, d login.Decision) (*login.State, error)
	Cancel(ctx context.Context, handle string) (*login.State, error)
}

// LinkerConfig configures a [Linker]. It is not changed after NewLinker.
type LinkerConfig struct {
	// Flow has the logins. Required.
	Flow Flow
	// Bindings says which keys sign consents; a [Registry] does. Nil means that no signature is valid.
	Bindings wla.Bindings
	// Store keeps links. Required.
	Store store.Ephemeral
	// Notifier wakes browsers that wait. Nil means that they look every now and then.
	Notifier store.Notifier

	// CodeLifetime is how long a link code can be used. Zero means a minute.
	CodeLifetime time.Duration
	// MaxCodes is how many link codes a login gets. Two of them work at a time, so that one can be shown before the other
	// expires. Zero means 10.
	MaxCodes int
	// TransactionLifetime is how long a wallet has to finish; a login may end before. Zero means 5 minutes.
	TransactionLifetime time.Duration
	// UnsignedConsent lets wallets decide without a signature.
	UnsignedConsent bool
	// Poll is how often a browser that waits looks by itself, should a notification get lost. Zero means 10 seconds, and
	// one second without a Notifier.
	Poll time.Duration

	// Audit takes security events. Nil discards them.
	Audit audit.Sink
	// Logger takes what goes wrong inside. Nil discards it.
	Logger *slog.Logger
	// Now is the clock. Nil means time.Now. Waiting takes the time of the machine.
	Now func() time.Time
}

func (c *LinkerConfig) setDefaults() {
	c.CodeLifetime = cmp.Or(c.CodeLifetime, time.Minute)
	c.MaxCodes = cmp.Or(c.MaxCodes, 10)
	c.TransactionLifetime = cmp.Or(c.TransactionLifetime, 5*time.Minute)
	if c.Poll == 0 {
		c.Poll = 10 * time.Second
		if c.Notifier == nil {
			c.Poll = time.Second
		}
	}
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

func (c *LinkerConfig) validate() error {
	var errs []error
	refuse := func(wrong bool, problem string) {
		if wrong {
			errs = append(errs, errors.New("wallet: LinkerConfig."+problem))
		}
	}
	refuse(c.Flow == nil, "Flow is missing")
	refuse(c.Store == nil, "Store is missing")
	refuse(c.Bindings == nil && !c.UnsignedConsent, "Bindings is missing, and no wallet may decide without a signature")
	refuse(c.MaxCodes < 1, "MaxCodes is negative")
	for name, d := range map[string]time.Duration{
		"CodeLifetime": c.CodeLifetime, "TransactionLifetime": c.TransactionLifetime,
	} {
		refuse(d < time.Second || d > time.Hour, name+" must be between a second and an hour")
	}
	refuse(c.Poll < 100*time.Millisecond, "Poll is shorter than a tenth of a second")
	return errors.Join(errs...)
}

// Linker lets wallets take part in logins. It is safe for concurrent use, by any number of instances on one store.
type Linker struct {
	config       LinkerConfig
	links        store.Bucket[link]      // by the handle of the login
	codes        store.Bucket[reference] // by the code
	transactions store.Bucket[reference] // by the handle of the link transaction

	released <-chan struct{} // closed by release
	release  func()
}

// NewLinker returns a Linker, or everything that is wrong with the configuration.
func NewLinker(c LinkerConfig) (*Linker, error) {
	c.setDefaults()
	if err := c.validate(); err != nil {
		return nil, err
	}
	released := make(chan struct{})
	return &Linker{
		released:     released,
		release:      sync.OnceFunc(func() { close(released) }),
		config:       c,
		links:        store.Bucket[link]{Store: c.Store, Name: "wallet-link", Now: c.Now},
		codes:        store.Bucket[reference]{Store: c.Store, Name: "wallet-code", Now: c.Now},
		transactions: store.Bucket[reference]{Store: c.Store, Name: "wallet-transaction", Now: c.Now},
	}, nil
}

// reference leads whoever has a code, or a link transaction, to the login.
type reference struct {
	Login string `json:"login"`
}

// link is what a login has to do with wallets. All that decides who is linked is in this one record.
type link struct {
	// Issued is how many codes there have been, and Codes those that work, the newest last.
	Issued int    `json:"issued,omitempty"`
	Codes  []Code `json:"codes,omitempty"`

	// Transaction is the handle of the wallet that won with one of the codes, which then work no more. Wallets before it
	// have no say.
	Transaction string    `json:"transaction,omitempty"`
	ExpiresAt   time.Time `json:"exp,omitzero"`
	// Tried says that the wallet began to prove who the person is. Proved are the factors that it proved, as the person with
	// the individual ID.
	Tried      bool                   `json:"tried,omitempty"`
	Proved     []authenticator.Factor `json:"proved,omitempty"`
	Individual string                 `json:"individual,omitempty"`
}

// live are the codes that have not expired.
func (l *link) live(now time.Time) []Code {
	var live []Code
	for _, c := range l.Codes {
		if now.Before(c.ExpiresAt) {
			live = append(live, c)
		}
	}
	return live
}

// taken reports whether a wallet has the login: until its time is over, and once it began to prove who the person is, for
// good.
func (l *link) taken(now time.Time) bool {
	return l.Transaction != "" && (l.Tried || now.Before(l.ExpiresAt))
}

// outage is the error of the store as the faces see it.
func outage(err, unknown error) error {
	if errors.Is(err, store.ErrNotFound) {
		return unknown
	}
	return fmt.Errorf("wallet: the store: %w", err)
}

// topic is what is notified when something happens to a login.
func topic(handle string) string { return "wallet:" + login.ID(handle) }

// notify wakes the browser that waits. If that fails it looks by itself.
func (l *Linker) notify(ctx context.Context, handle string) {
	if l.config.Notifier == nil {
		return
	}
	if err := l.config.Notifier.Notify(context.WithoutCancel(ctx), topic(handle)); err != nil {
		l.config.Logger.WarnContext(ctx, "a browser could not be notified", "transaction", login.ID(handle), "error", err)
	}
}

func (l *Linker) audit(ctx context.Context, handle string, state *login.State, outcome audit.Outcome, reason string) {
	e := audit.Event{Time: l.config.Now(), Type: audit.WalletLinked, Outcome: outcome, Reason: reason}
	if state != nil {
		e.Transaction, e.ClientID = login.ID(handle), state.Client.ID
	}
	l.config.Audit.Record(ctx, e)
}
