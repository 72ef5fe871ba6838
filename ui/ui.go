// Package ui shows the pages of a login: the choice of a method, a page for every factor, the registration of a passkey,
// consent, the verification of claims and errors.
//
// The pages are rendered on the server from what package login says, and are complete without JavaScript wherever the
// factor allows; one small script makes them more comfortable. Passkeys, biometric devices and captchas need a script of
// their own, on their pages only, which otherwise say so and lead to the other ways. Everything that they need is embedded and comes from the provider's own origin.
// A [UI] is the [oauth.Interaction] of an authorization server, and the [http.Handler] of its pages.
//
// A login is tied to its browser by a cookie of its own, so that several logins go on side by side in the tabs of one
// browser. Another cookie holds the person's session, if there are sessions. Each step has a URL; a form that is sent
// is answered with a redirect, unless fields of it have to be corrected; and a page that no longer fits leads to where the
// login stands. So reload, the back button and a double click do no harm.
//
// A browser that was sent to have claims verified comes back from another site, to a page of its own: with the login's
// cookie, because that is SameSite=Lax and the page is one that the person sees, and with a query that the flow checks.
//
// Pages with forms send Referrer-Policy same-origin and not no-referrer, as the others do: under no-referrer Chromium and Firefox send
// "Origin: null" with the forms of these very pages, and a browser without Sec-Fetch-Site could not be told from an
// attacker. Other origins get no referrer either way.
package ui

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"io/fs"
	"log/slog"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/internal/longpoll"
	"github.com/gosignet/signet/login"
	"github.com/gosignet/signet/oauth"
	"github.com/gosignet/signet/oidc"
	"github.com/gosignet/signet/wallet"
)

// Flow is what the pages need of a [login.Flow], with its contract.
type Flow interface {
	Begin(ctx context.Context, req *oauth.AuthorizationRequest, session string) (handle string, state *login.State, err error)
	Join(ctx context.Context, handle, session string) (*login.State, error)
	Refuse(ctx context.Context, req *oauth.AuthorizationRequest, err error) *oauth.AuthorizationResponse
	State(ctx context.Context, handle string) (*login.State, error)
	Choose(ctx context.Context, handle string, option int) (*login.State, error)
	SendCode(ctx context.Context, handle string, id authenticator.Identifier, channels ...authenticator.Channel) (*login.State, error)
	Answer(ctx context.Context, handle string, id authenticator.Identifier, c authenticator.Challenge) (*login.State, error)
	Decide(ctx context.Context, handle string, d login.Decision) (*login.State, error)
	Cancel(ctx context.Context, handle string) (*login.State, error)
	Extend(ctx context.Context, handle string) (*login.State, error)
	SelectAccount(ctx context.Context, handle string, other bool) (*login.State, error)
	KeepSession(ctx context.Context, handle, present string) (token string, err error)
	Session(ctx context.Context, token string, r *oidc.LogoutRequest) (*login.Session, error)
	LogOut(ctx context.Context, token string) error
	Challenge(ctx context.Context, handle string, factor authenticator.Factor) (json.RawMessage, error)
	WishToEnroll(ctx context.Context, handle string, factor authenticator.Factor) (*login.State, error)
	EnrollmentOptions(ctx context.Context, handle string) (json.RawMessage, error)
	Enroll(ctx context.Context, handle, response string) (*login.State, error)
	StartVerification(ctx context.Context, handle, returnURI string) (*login.Departure, error)
	ResumeVerification(ctx context.Context, handle string, query url.Values) (*login.State, error)
	SolveCaptcha(ctx context.Context, handle, response string) (*login.State, error)
}

// LogoutParser verifies requests to log out. An [oidc.Provider] is one.
type LogoutParser interface {
	ParseLogoutRequest(ctx context.Context, form url.Values) (*oidc.LogoutRequest, error)
}

// Config configures the pages.
type Config struct {
	// Flow is the login that the pages show. Required.
	Flow Flow
	// Logout reads the requests that [UI.LogoutHandler] answers. Nil means that the handler is not used.
	Logout LogoutParser
	// Secure says that people reach the provider by https. Cookies then get the __Host- prefix and are sent over https
	// only. The zero value is for development on a loopback address.
	Secure bool
	// Origin is where people reach the provider, as "https://id.example.org": verification services send them back there.
	// Empty means the host that the browser asks for, which is right unless a proxy changes it.
	Origin string
	// BasePath is the path under which the UI is mounted, with a slash at both ends. Empty means "/login/".
	BasePath string
	// Theme is how the provider presents itself.
	Theme Theme
	// Templates replaces pages one by one: each of its files that is named as one in [Templates] stands for that. Every
	// page is tried when the UI is made. Nil means the embedded templates as they are.
	Templates fs.FS
	// Catalog adds languages and replaces texts: files such as km.json in the form of locales/en.json, of which each
	// text is optional. New languages need language.name and language.dir. Texts that are missing are shown in English.
	// Nil means the embedded languages as they are.
	Catalog fs.FS
	// DefaultLanguage is shown to those who wish for none of the languages there are. Empty means "en".
	DefaultLanguage string
	// Location is the time zone in which times are written, for browsers without JavaScript. Nil means UTC.
	Location *time.Location
	// IdentifierTypes are the kinds of identifiers by which people may say who they are, of which they choose one. Nil means
	// that there is one without a name, which is called as the catalogue says (identifier.label).
	IdentifierTypes []IdentifierType
	// Documents are terms of use, privacy policy and accessibility statement of the deployment, as plain text by language
	// (BCP 47): terms.en.txt, privacy.km.txt, accessibility.fr.txt. They have paragraphs with empty lines between them,
	// headings that begin with "# ", lists whose lines begin with "- ", and https links. They are pages of the provider, which
	// the others link unless Links has another. Nil means that there are none.
	Documents fs.FS
	// Logos says how the logos of clients are shown.
	Logos Logos
	// Links are the pages of the deployment that those of a login lead to.
	Links Links
	// FrameAncestors are the origins, as "https://portal.example.org", whose pages may frame these. They have to be of the
	// same site as the provider, because its cookies are SameSite=Lax. Nil means that nobody may.
	FrameAncestors []string
	// Biometrics says how devices are asked for a capture. The zero value fits devices in production.
	Biometrics Biometrics
	// CaptureTransaction returns the transaction ID that a biometric device signs its capture for, from the login's. Nil
	// means the login's own.
	CaptureTransaction func(transaction string) string
	// Linker links wallets to logins: while a wallet has one, the pages do not let the browser go on with it. Required where
	// wallets can take logins. Wallets are those that the pages offer where a login takes one; without, they show no code.
	Linker  Linker
	Wallets []wallet.App
	// QRBuffer is how long before a code for wallets expires a page shows the next one, but never in the first half of a
	// code's life. Zero means 10 seconds, less than zero when it expires. QRRefreshes is how often a page does so unasked.
	// Zero means three times, less than zero never.
	QRBuffer    time.Duration
	QRRefreshes int
	// MaxResponse bounds the answers to a factor, in bytes, as its [authenticator.Traits] do. Nil means what is usual for
	// the factor.
	MaxResponse func(factor authenticator.Factor) int
	// Logger gets failures of the login's backends and mistakes in Catalog. Nil discards.
	Logger *slog.Logger
	// Now is the clock. Nil means time.Now.
	Now func() time.Time
}

// UI shows the pages of logins. It is safe for concurrent use.
type UI struct {
	flow    Flow
	logout  LogoutParser
	base    string
	cookies cookieJar
	// secure and publicURL say where people reach the provider.
	secure    bool
	publicURL string
	catalog   *catalog
	pages     pageSets
	assets    map[string]*asset
	// scripts are the links to the scripts that only some pages need, by name.
	scripts map[string]scriptView
	names   map[string]string
	// logo is the provider's, and logoWidth its width if that is known; fonts says that the theme has some to load.
	logo      template.URL
	logoWidth int
	fonts     bool
	// site and templates are what the pages were made of.
	site      *site
	templates fs.FS
	// unrendered is told of pages that cannot be rendered, while templates are tried. Otherwise nil.
	unrendered func(error)
	// languages are the links to the other languages, on the pages of each.
	languages map[*locale][]languageView
	location  *time.Location
	log       *slog.Logger
	now       func() time.Time
	origin    *http.CrossOriginProtection

	identifiers []IdentifierType
	links       Links
	ancestors   []string
	linker      Linker
	wallets     []wallet.App
	polls       *longpoll.Room
	qrBuffer    time.Duration
	qrRefreshes int

	documents          map[string]map[string]*document
	clientLogos        *logos
	biometrics         Biometrics
	captureTransaction func(string) string
	maxResponse        func(authenticator.Factor) int
}

var (
	_ oauth.Interaction = (*UI)(nil)
	_ oauth.Resumer     = (*UI)(nil)
)

var basePath = regexp.MustCompile(`^/([A-Za-z0-9._~-]+/)*$`)

// New returns the pages for the configuration, or all that is wrong with it.
func New(c Config) (*UI, error) {
	u := &UI{
		flow:     c.Flow,
		logout:   c.Logout,
		base:     c.BasePath,
		secure:   c.Secure,
		names:    c.Theme.Names,
		location: c.Location,
		log:      c.Logger,
		now:      c.Now,
		origin:   http.NewCrossOriginProtection(),

		identifiers: slices.Clone(c.IdentifierTypes),
		links:       c.Links,
		ancestors:   slices.Clone(c.FrameAncestors),
		linker:      c.Linker,
		wallets:     c.Wallets,
		qrBuffer:    max(0, cmp.Or(c.QRBuffer, qrBuffer)),
		qrRefreshes: max(0, cmp.Or(c.QRRefreshes, qrRefreshes)),

		captureTransaction: c.CaptureTransaction,
		maxResponse:        c.MaxResponse,
	}
	errs := []error{checkIdentifierTypes(c.IdentifierTypes), c.Links.check(), checkAncestors(c.FrameAncestors)}
	var err error
	u.biometrics, err = c.Biometrics.withDefaults()
	errs = append(errs, err)
	if u.captureTransaction == nil {
		u.captureTransaction = func(transaction string) string { return transaction }
	}
	if u.maxResponse == nil {
		u.maxResponse = func(f authenticator.Factor) int { return authenticator.TraitsOf(nil, f).MaxResponse }
	}
	errs = append(errs, c.checkWallets())
	if u.flow == nil {
		errs = append(errs, errors.New("ui: Flow is required"))
	}
	if u.base == "" {
		u.base = defaultBase
	}
	if !basePath.MatchString(u.base) || strings.Contains(u.base, "/../") || strings.Contains(u.base, "/./") {
		errs = append(errs, fmt.Errorf("ui: BasePath %q is not a path with a slash at both ends", c.BasePath))
	}
	if c.Origin != "" {
		origin, err := url.Parse(c.Origin)
		if err != nil || webURI(c.Origin) == "" || origin.Scheme+"://"+origin.Host != strings.TrimSuffix(c.Origin, "/") ||
			c.Secure && origin.Scheme != "https" {
			errs = append(errs, fmt.Errorf("ui: Origin %q is not a scheme and a host", c.Origin))
		}
		u.publicURL = strings.TrimSuffix(c.Origin, "/")
	}
	u.cookies = newCookieJar(c.Secure, u.base)
	if u.names == nil {
		u.names = map[string]string{"": "Signet"}
	}
	if u.location == nil {
		u.location = time.UTC
	}
	if u.log == nil {
		u.log = slog.New(slog.DiscardHandler)
	}
	if u.now == nil {
		u.now = time.Now
	}
	u.polls = longpoll.New(u.log)
	u.clientLogos = newLogos(c.Logos, u.secure, u.log, u.now)
	if c.DefaultLanguage == "" {
		c.DefaultLanguage = fallbackLanguage
	}
	u.catalog, err = loadCatalog(c.Catalog, c.DefaultLanguage, func(file, key string) {
		u.log.Warn("the language file has a text that no page shows", "file", file, "key", key)
	})
	errs = append(errs, err)
	u.documents, err = readDocuments(c.Documents, u.catalog)
	errs = append(errs, err)
	site, err := u.newSite(c.Theme)
	errs = append(errs, err)
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	u.site, u.templates = site, c.Templates
	if err := checkTemplates(c.Templates); err != nil {
		return nil, err
	}
	if err := u.readPages(); err != nil {
		return nil, err
	}
	u.languages = map[*locale][]languageView{}
	if len(u.catalog.languages) > 1 {
		for _, l := range u.catalog.languages {
			u.languages[l] = u.languageViews(l)
		}
	}
	if err := u.tryTemplates(); err != nil {
		return nil, err
	}
	return u, nil
}

func (u *UI) languageViews(current *locale) []languageView {
	views := make([]languageView, len(u.catalog.languages))
	for i, l := range u.catalog.languages {
		views[i] = languageView{Index: i, Code: l.code, Name: l.name, Dir: l.dir, URI: "?lang=" + l.code, Current: l == current}
	}
	return views
}
