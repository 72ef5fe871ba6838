package ui

import (
	"cmp"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gosignet/signet/consent"
	"github.com/gosignet/signet/oauth"
)

// sharingPages are the templates of the account pages.
type sharingPages struct{ list, one, withdraw, remove *pageTemplate }

// accountFrame is what all account pages show.
type accountFrame struct {
	*page
	// Notice says what was done, and Failed that something of it was not.
	Notice string
	Failed bool
}

type sharingView struct {
	*accountFrame
	Active, Past []shareDetails
	HasPasskeys  bool
	Passkeys     []passkeyItem
}

type shareView struct {
	*accountFrame
	shareDetails
	History []versionView
}

// shareDetails is what one relying party gets.
type shareDetails struct {
	ID, Name, Host string
	// NameUnknown says that the language of the Name is not known.
	NameUnknown bool
	// Logo is its image, empty if there is none.
	Logo string
	// Gone says that it is no longer a client of the provider, and which one it was.
	Gone   string
	Active bool
	// State says what became of it.
	State                   string
	Since, Changed          whenView
	Until                   whenView
	Shared, Refused         []sharedItem
	DetailsText, RevokeText string
}

func (s *shareDetails) client() *clientView {
	return &clientView{Name: s.Name, NameUnknown: s.NameUnknown, Host: s.Host, Initials: initials(s.Name), Logo: s.Logo}
}

// sharedItem is one thing that is shared, or was not.
type sharedItem struct {
	Label string
	// Refused says that it is not shared.
	Refused bool
	// Verified says that it comes with proof, Frameworks under which rules, and Purpose why, in the client's words.
	Verified            bool
	Frameworks, Purpose string
	Resource            string
	// Until is when it ends, where it ends before the others.
	Until whenView
}

// whenView is a time, or another answer to the question when.
type whenView struct{ ISO, Text string }

type versionView struct {
	Number, Event   string
	At              whenView
	Shared, Refused []sharedItem
	// Receipt is the text of the link, empty if there is no receipt.
	Receipt string
}

func (v *accountVisit) locale(chosen string) *locale {
	if v.is != nil && chosen == "" {
		chosen = v.is.Language
	}
	if chosen == "" {
		chosen = v.chosen
	}
	return v.catalog.negotiate(chosen, nil, v.r.Header.Get("Accept-Language"))
}

// frame returns what all account pages of a session show.
func (v *accountVisit) frame(l *locale, title string) *accountFrame {
	f := &accountFrame{page: v.UI.page(l, title, nil)}
	f.Path, f.CSRF, f.Languages = strings.TrimSuffix(v.path, "/"), csrfToken(v.is.ID), v.languages[l]
	if v.is.Notice != "" {
		f.Notice, f.Failed = l.text("sharing.notice."+v.is.Notice), v.is.Notice == "tokens"
	}
	return f
}

func (v *accountVisit) when(l *locale, t time.Time) whenView {
	return whenView{t.UTC().Format(time.RFC3339), v.clock(l, t)}
}

// day is a date without a time, which a browser must not put into its own time zone.
func day(l *locale, t time.Time) whenView {
	return whenView{Text: l.date(t.UTC())}
}

// share describes a record.
func (v *accountVisit) share(l *locale, rec *consent.Record) shareDetails {
	s := shareDetails{ID: rec.ID, Changed: v.when(l, rec.ChangedAt)}
	v.describeParty(l, rec, &s)
	s.DetailsText = l.text("sharing.details", "client", s.Name)
	s.RevokeText = l.text("sharing.withdraw.link", "client", s.Name)
	now := v.now()
	shared := func(c consent.Choice) bool {
		return c.Granted && (rec.Status != consent.Active || c.ExpiresAt.IsZero() || now.Before(c.ExpiresAt))
	}
	var since time.Time
	var last consent.Choice
	for _, c := range rec.Choices {
		if !shared(c) {
			continue
		}
		if since.IsZero() || c.DecidedAt.Before(since) {
			since = c.DecidedAt
		}
		if last.DecidedAt.IsZero() || outlives(c, last) {
			last = c
		}
	}
	s.Active = rec.Status == consent.Active && !since.IsZero()
	if !since.IsZero() {
		s.Since = v.when(l, since)
	}
	s.Until = v.until(l, last)
	for _, c := range rec.Choices {
		item := newSharedItem(l, c)
		switch {
		case shared(c):
			if own := v.until(l, c); own != s.Until && s.Active {
				item.Until = own
			}
			s.Shared = append(s.Shared, item)
		case !c.Granted:
			s.Refused = append(s.Refused, item)
		}
	}
	switch {
	case rec.Status != consent.Active:
		s.State = l.text("sharing.state.withdrawn")
	case s.Active:
	case slices.ContainsFunc(rec.Choices, func(c consent.Choice) bool { return c.Granted }):
		s.State = l.text("sharing.state.expired")
	default:
		s.State = l.text("sharing.state.refused")
	}
	return s
}

// outlives reports whether a choice lasts longer than another.
func outlives(a, b consent.Choice) bool {
	rank := func(c consent.Choice) int {
		switch {
		case c.Once:
			return 0
		case c.Session != "":
			return 1
		case !c.ExpiresAt.IsZero():
			return 2
		}
		return 3
	}
	if rank(a) != rank(b) {
		return rank(a) > rank(b)
	}
	return a.ExpiresAt.After(b.ExpiresAt)
}

// until says when a choice ends.
func (v *accountVisit) until(l *locale, c consent.Choice) whenView {
	switch {
	case c.Once:
		return whenView{Text: l.text("sharing.until.once")}
	case c.Session != "":
		return whenView{Text: l.text("sharing.until.session")}
	case c.ExpiresAt.IsZero():
		return whenView{Text: l.text("sharing.until.withdrawn")}
	}
	return v.when(l, c.ExpiresAt)
}

func newSharedItem(l *locale, c consent.Choice) sharedItem {
	item := sharedItem{Refused: !c.Granted, Purpose: c.Purpose, Resource: c.Resource, Verified: c.Kind == consent.VerifiedClaim}
	group := "claim"
	if c.Kind == consent.Scope {
		group = "scope"
	}
	item.Label = l.label(group, c.Name)
	names := make([]string, len(c.TrustFrameworks))
	for i, name := range c.TrustFrameworks {
		names[i] = l.isolate(l.label("trust_framework", name))
	}
	item.Frameworks = strings.Join(names, l.text("common.list_join"))
	return item
}

// describeParty describes the relying party as it presents itself now or, when the register does not know it any more, as it did.
func (v *accountVisit) describeParty(l *locale, rec *consent.Record, s *shareDetails) {
	client, err := v.c.Clients.Client(v.r.Context(), rec.ClientID)
	if err == nil {
		name := l.clientText(client.Names, maxName)
		s.Name, s.NameUnknown, s.Host = name.Text, name.Unknown, webHost(client.RedirectURIs...)
		if name := v.clientLogos.name(client.LogoURI(l.names...)); name != "" {
			s.Logo = v.path + "consents/" + rec.ID + "/" + logosPath + name
		}
		return
	}
	if errors.Is(err, oauth.ErrUnknownClient) {
		s.Gone = l.text("sharing.gone", "id", rec.ClientID)
	} else {
		v.log.ErrorContext(v.r.Context(), "the account pages show a client by its record", "client_id", rec.ClientID, "error", err)
	}
	s.Name, s.NameUnknown, s.Host = plainText(cmp.Or(rec.Controller.Name, rec.ClientID), maxName), true, webHost(rec.Controller.URI)
}

// webHost is the host of the first of the addresses, if a browser can go there.
func webHost(addresses ...string) string {
	if len(addresses) == 0 {
		return ""
	}
	u, err := url.Parse(addresses[0])
	if err != nil || u.Scheme != "https" && u.Scheme != "http" {
		return ""
	}
	return u.Host
}

// version describes one entry of the history: what the person decided then.
func (v *accountVisit) version(l *locale, rec *consent.Record) versionView {
	view := versionView{Number: strconv.FormatInt(rec.Version, 10), At: v.when(l, rec.ChangedAt)}
	event := "refused"
	for _, c := range rec.Choices {
		if !c.DecidedAt.Equal(rec.ChangedAt) && rec.Status == consent.Active {
			continue // an earlier decision
		}
		if item := newSharedItem(l, c); c.Granted {
			event = "given"
			view.Shared = append(view.Shared, item)
		} else {
			view.Refused = append(view.Refused, item)
		}
	}
	if rec.Status != consent.Active {
		event, view.Shared, view.Refused = "withdrawn", nil, nil
	}
	view.Event = l.text("sharing.event." + event)
	if rec.Receipt != "" {
		view.Receipt = l.text("sharing.receipt", "number", l.digits(view.Number))
	}
	return view
}

// accountFailure is a page that shows what went wrong.
type accountFailure struct {
	// kind names the texts of the page: the group sharing.error.<kind>.
	kind   string
	status int
	code   string
}

func (v *accountVisit) fail(f accountFailure) {
	l := v.locale(v.r.URL.Query().Get("lang"))
	key := "sharing.error." + f.kind
	title := l.text(key + ".title")
	view := &errorView{
		page: v.UI.page(l, title, nil), Lead: l.text(key + ".text"), Next: l.text(key+".next", "host", v.r.Host), Code: f.code,
		ReturnURI: v.path, ReturnText: l.text("sharing.title"),
	}
	if v.page != callbackPage { // which answers once
		view.Languages = v.languagesHere(v.r, l)
	}
	if f.kind == "cancelled" || f.kind == "state" || f.kind == "login" {
		view.ReturnText = l.text("sharing.log_in_again")
	}
	if f.status == http.StatusServiceUnavailable {
		v.w.Header().Set("Retry-After", strconv.Itoa(retryAfter))
	}
	v.render(v.w, v.r, f.status, v.pages.in(l).failure, view)
}

func (v *accountVisit) unavailable(err error) {
	v.log.ErrorContext(v.r.Context(), "the account pages cannot go on", "error", err)
	v.fail(accountFailure{kind: "unavailable", status: http.StatusServiceUnavailable})
}
