package ui

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/login"
	"github.com/gosignet/signet/wallet"
)

// Linker lets wallets take part in logins. A [wallet.Linker] is one, and says what the methods do.
type Linker interface {
	LinkCode(ctx context.Context, handle string) (wallet.Code, error)
	CurrentCode(ctx context.Context, handle string) (wallet.Code, error)
	Status(ctx context.Context, handle, code string, seen wallet.Stage, wait time.Duration) (*wallet.Status, error)
	Linked(ctx context.Context, handle string) (bool, error)
	Unlink(ctx context.Context, handle string) error
	Release()
}

const (
	// walletPlace is the page with the QR code, and the only one while a wallet has the login.
	walletPlace = verifyPage + string(authenticator.Wallet)
	// walletPage tells scripts how far the wallet is, and takes the login away from it.
	walletPage = "wallet"

	// qrBuffer and qrRefreshes are those of a configuration that says nothing.
	qrBuffer    = 10 * time.Second
	qrRefreshes = 3
	// walletWait is how long a script waits in one call: less than proxies do.
	walletWait = 25 * time.Second
	// walletRefresh is how often a browser without JavaScript looks, in seconds.
	walletRefresh = 5
)

// walletView is the page that shows a link code, and waits for a wallet.
type walletView struct {
	*page
	// App is the wallet that the code is for, and Apps are all.
	App  *appView
	Apps []appView
	QR   template.HTML
	// Stage is what the page shows, and Next how long until there is another code, in seconds; 0 if there is none. Refreshes
	// is how often a script gets another one unasked.
	Stage, Next, Refreshes int
	// Stuck says why there is no code.
	Stuck string
	Lead  string
	Done  string
}

// appView is a wallet. Its logo is on another origin, from where pages load nothing.
type appView struct {
	ID, Name, Open, Use, Get string
	Link                     template.URL
	DownloadURI, PageURI     string
	Current                  bool
}

// checkWallets returns all that is wrong with the wallets of the configuration.
func (c *Config) checkWallets() error {
	if c.Linker == nil && len(c.Wallets) > 0 {
		return errors.New("ui: Wallets need a Linker")
	}
	var errs []error
	for i := range c.Wallets {
		if err := c.Wallets[i].Validate(); err != nil {
			errs = append(errs, fmt.Errorf("ui: Wallets[%d]: %w", i, err))
		}
	}
	return errors.Join(errs...)
}

// offersWallet reports whether the set of factors begins with a wallet that can be linked here. What follows, the wallet asks for.
func (u *UI) offersWallet(set authenticator.FactorSet) bool {
	return len(u.wallets) > 0 && len(set) > 0 && set[0] == authenticator.Wallet
}

// linked reports whether a wallet has the login, wherever it got it from.
func (v *visit) linked() (bool, error) {
	if v.linker == nil {
		return false, nil
	}
	return v.linker.Linked(v.r.Context(), v.handle)
}

// hold is what a wallet has of a login.
type hold int

const (
	// free logins no wallet has.
	free hold = iota
	// late is a wallet that had the login, and did not finish in time. The page of wallets alone says so.
	late
	// stuck is one that was late, but had begun to prove who the person is: whoever sits before the browser then decides nothing.
	stuck
	// held logins a wallet has.
	held
)

// walletHold is what a wallet has of the login.
func (v *visit) walletHold(s *login.State) (hold, error) {
	if v.linker == nil || s.Step == login.StepDone {
		return free, nil
	}
	linked, err := v.linked()
	if err != nil || !linked && v.page != walletPlace {
		return free, err
	}
	_, err = v.linker.Status(v.r.Context(), v.handle, "", wallet.Unlinked, 0)
	switch over := errors.Is(err, wallet.ErrTransaction); {
	case linked && over:
		return stuck, nil
	case over:
		return late, nil
	case err != nil && !errors.Is(err, wallet.ErrCode):
		return free, err
	case linked:
		return held, nil
	}
	return free, nil
}

// wallet answers what has to do with wallets, and reports whether it did.
func (v *visit) wallet(s *login.State) bool {
	has, err := v.walletHold(s)
	shows := has >= stuck || len(v.wallets) > 0 && s.Step == login.StepVerify && s.Factor == authenticator.Wallet
	switch {
	case err != nil:
		v.failed(err)
	case v.page == walletPage && v.linker != nil:
		v.walletStatus()
	case v.linker != nil && v.page == walletPlace && s.Step == login.StepDone && s.Response != nil:
		v.finish(v.w, v.r, v.handle, s) // a browser without JavaScript comes back until this
	case has >= stuck && v.page != walletPlace:
		v.redirect(walletPlace)
	case v.page == walletPlace && shows && has == late && v.r.URL.Query().Get(problemParameter) != walletLateProblem:
		v.redirect(walletPlace + problemQuery(walletLateProblem))
	case v.page == walletPlace && shows:
		v.showWallet(s, has)
	default:
		return false
	}
	return true
}

// Close answers all browsers that wait for a wallet, as if their time were over, and returns when they have their answers or the
// context ends. A server calls it after its Shutdown, which does not know of them: over HTTP/1.1 they wait outside its
// handlers. No browser waits any more then: see [wallet.Linker.Release], which may be called before.
func (u *UI) Close(ctx context.Context) error {
	if u.linker != nil {
		u.linker.Release()
	}
	return u.polls.Close(ctx)
}

// walletStatus answers a script once the login is further than the page shows. While it waits, nothing is kept of the visit.
func (v *visit) walletStatus() {
	u, id, handle := v.UI, v.id, strings.Clone(v.handle)
	u.polls.Answer(v.w, v.r, walletWait, func(w http.ResponseWriter, r *http.Request) { u.walletStatus(w, r, id, handle) })
}

func (u *UI) walletStatus(w http.ResponseWriter, r *http.Request, id, handle string) {
	seen, _ := strconv.Atoi(r.URL.Query().Get("seen"))
	status, err := u.linker.Status(r.Context(), handle, "", wallet.Stage(seen), walletWait)
	var stage string
	switch {
	case r.Context().Err() != nil:
		return
	case err == nil:
		stage = []string{"unlinked", "linked", "done"}[status.Stage]
	case errors.Is(err, wallet.ErrCode), errors.Is(err, wallet.ErrTransaction):
		stage = "expired"
	case errors.Is(err, login.ErrUnknown):
		stage = "over"
	default:
		u.log.ErrorContext(r.Context(), "a browser cannot wait for a wallet", "transaction", id, "error", err)
		w.Header().Set("Retry-After", strconv.Itoa(retryAfter))
		http.Error(w, "{}", http.StatusServiceUnavailable)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(map[string]string{"stage": stage})
}

func (v *visit) showWallet(s *login.State, has hold) {
	l := v.locale(s)
	client := newClientView(l, s)
	p := v.loginPage(l, s, client, l.text("verify.wla.title"))
	view := &walletView{
		page: p, Lead: l.text("wallet.lead"), Done: l.text("wallet.done", "client", client.Name), Refreshes: v.qrRefreshes,
	}
	v.enhance(p, walletScript)
	v.policy.connections = append(v.policy.connections, "'self'")
	p.Refresh = walletRefresh
	if has == held {
		p.Heading, view.Lead, view.Stage = l.text("wallet.linked_title"), l.text("wallet.linked"), int(wallet.Linked)
	}
	if has >= stuck {
		p.Title = v.UI.page(l, p.Heading, client).Title
		p.CanChoose, p.Captcha, p.Delay, p.Problem = false, nil, nil, nil
	}
	if has == held {
		v.show(s, v.pages.in(l).wallet, view)
		return
	}
	code, next, err := v.code(s)
	switch {
	case err == nil:
		view.Next = next
		err = v.addApps(l, view, code)
	case errors.Is(err, wallet.ErrCodes):
		view.Stuck, err = l.text("wallet.no_codes"), nil
	case errors.Is(err, wallet.ErrLinked), has == stuck && errors.Is(err, login.ErrStep):
		view.Stuck, err = l.text("wallet.stuck", "client", client.Name), nil
	case errors.Is(err, login.ErrStep): // the login went on just now
		v.redirect("")
		return
	}
	if err != nil {
		v.failed(err)
		return
	}
	if view.App == nil {
		p.Refresh = 0
	}
	v.show(s, v.pages.in(l).wallet, view)
}

// code is the code that the page shows now, and in how many seconds there is to be another, or 0. The last code of a login is
// shown to its end.
func (v *visit) code(s *login.State) (code wallet.Code, next int, err error) {
	last := func() bool { return !code.ExpiresAt.Before(s.ExpiresAt) }
	code, err = v.linker.CurrentCode(v.r.Context(), v.handle)
	if errors.Is(err, wallet.ErrCode) || err == nil && !last() && v.untilNext(code) <= 0 {
		fresh, failed := v.linker.LinkCode(v.r.Context(), v.handle)
		if err == nil && errors.Is(failed, wallet.ErrCodes) {
			return code, 0, nil
		}
		code, err = fresh, failed
	}
	if err != nil || last() {
		return code, 0, err
	}
	return code, max(1, ceil(v.untilNext(code), time.Second)), nil
}

// untilNext is how long it is until another code is to be shown beside this one.
func (v *visit) untilNext(code wallet.Code) time.Duration {
	return code.ExpiresAt.Sub(v.now()) - min(v.qrBuffer, code.ExpiresAt.Sub(code.IssuedAt)/2)
}

// addApps puts the code on the page, for each wallet.
func (v *visit) addApps(l *locale, view *walletView, code wallet.Code) error {
	current, err := strconv.Atoi(v.r.URL.Query().Get("app"))
	if err != nil || current < 0 || current >= len(v.wallets) {
		current = 0
	}
	for i := range v.wallets {
		app := &v.wallets[i]
		view.Apps = append(view.Apps, appView{
			ID: strconv.Itoa(i), Name: app.Name, Link: template.URL(app.Link(code)), Current: i == current,
			Open: l.text("wallet.open", "wallet", app.Name), Use: l.text("wallet.use", "wallet", app.Name),
			Get: l.text("wallet.get", "wallet", app.Name), DownloadURI: app.DownloadURI,
			PageURI: "?" + url.Values{"app": {strconv.Itoa(i)}}.Encode(),
		})
	}
	view.App = &view.Apps[current]
	svg, err := wallet.QR(string(view.App.Link), l.text("wallet.qr", "wallet", view.App.Name))
	if err != nil {
		return err
	}
	view.QR = template.HTML(svg)
	return nil
}

// refused reports whether the login does not take what a form says, because a wallet has it, and answers the form then.
func (v *visit) refused() bool {
	if v.linker == nil || v.page == cancelPage || v.page == walletPage {
		return false
	}
	state, err := v.flow.State(v.r.Context(), v.handle)
	if err != nil {
		return false // which is for what the form asks for to say
	}
	has, err := v.walletHold(state)
	switch {
	case err != nil:
		v.failed(err)
	case has >= stuck:
		v.setHeaders(v.w.Header(), state.RedirectURI)
		v.redirect(walletPlace)
	}
	return has >= stuck || err != nil
}

// unlink takes the login away from a wallet that did nothing with it yet.
func (v *visit) unlink() {
	if v.linker == nil {
		v.fail(v.w, v.r, failure{kind: "not_found", status: http.StatusNotFound})
		return
	}
	if err := v.linker.Unlink(v.r.Context(), v.handle); err != nil && !errors.Is(err, wallet.ErrLinked) {
		v.failed(err)
		return
	}
	v.setHeaders(v.w.Header(), "")
	v.redirect("")
}
