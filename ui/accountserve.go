package ui

import (
	"errors"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/gosignet/signet/consent"
	"github.com/gosignet/signet/store"
)

// accountVisit is a request for one of the account pages.
type accountVisit struct {
	*UI
	*Account
	w http.ResponseWriter
	r *http.Request
	// page is what follows the base path.
	page string
	// is who is there, nil if nobody is logged in; chosen is the language that the person chose before they were.
	is     *accountSession
	chosen string
}

// The account pages that are not of one consent or passkey.
const (
	callbackPage  = "callback"
	logOutPage    = "logout"
	loggedOutPage = "logged-out"
)

// What follows the ID of a consent or a passkey.
var (
	consentPath = regexp.MustCompile(`^consents/([A-Za-z0-9_.-]{1,128})(|/withdraw|/receipts/([1-9][0-9]{0,17})|/logos/([0-9a-f]{32}))$`)
	passkeyPath = regexp.MustCompile(`^passkeys/([A-Za-z0-9_-]{1,128})/remove$`)
)

// ServeHTTP serves the account pages, under the base path.
func (a *Account) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.ui.setHeaders(w.Header(), "")
	page, ok := strings.CutPrefix(r.URL.Path, a.path)
	v := &accountVisit{UI: a.ui, Account: a, w: w, r: withSource(r), page: page}
	v.is = v.open()
	consentID, passkeyID := consentPath.FindStringSubmatch(page), passkeyPath.FindStringSubmatch(page)
	var get, post func()
	switch {
	case !ok:
	case page == "":
		get = v.list
	case page == callbackPage:
		get = v.callback
	case page == loggedOutPage:
		get = v.loggedOut
	case page == logOutPage:
		post = v.logOut
	case passkeyID != nil && a.c.Passkeys != nil:
		get = func() { v.askRemove(passkeyID[1]) }
		post = func() { v.remove(passkeyID[1]) }
	case consentID == nil:
	case consentID[2] == "":
		get = func() { v.one(consentID[1]) }
	case consentID[2] == "/withdraw":
		get = func() { v.askWithdraw(consentID[1]) }
		post = func() { v.withdraw(consentID[1]) }
	case consentID[4] != "":
		get = func() { v.logo(consentID[1], consentID[4]) }
	default:
		get = func() { v.receipt(consentID[1], consentID[3]) }
	}
	v.serve(get, post)
}

// serve answers with what there is for the method. All but the two ends of a session is for people who are logged in.
func (v *accountVisit) serve(get, post func()) {
	answer, methods := get, []string{}
	if get != nil {
		methods = append(methods, http.MethodGet, http.MethodHead)
	}
	if post != nil {
		methods = append(methods, http.MethodPost)
	}
	if v.r.Method == http.MethodPost {
		answer = post
	}
	switch {
	case len(methods) == 0:
		v.fail(accountFailure{kind: "not_found", status: http.StatusNotFound})
	case !slices.Contains(methods, v.r.Method):
		v.w.Header().Set("Allow", strings.Join(methods, ", "))
		v.fail(accountFailure{kind: "method", status: http.StatusMethodNotAllowed})
	case v.page == callbackPage, v.page == loggedOutPage:
		answer()
	case v.is == nil:
		if v.page == logOutPage {
			redirect(v.w, v.path+loggedOutPage)
			return
		}
		v.logIn()
	case v.r.Method == http.MethodPost:
		v.post(answer)
	default:
		if chosen := v.r.URL.Query().Get("lang"); v.catalog.byCode[chosen] != nil {
			v.is.Language = chosen
			v.keep(v.is.Notice)
			redirect(v.w, v.path+v.page)
			return
		}
		answer()
	}
}

// post does what a form asks for, if it comes from this person's pages.
func (v *accountVisit) post(do func()) {
	_, err := v.readForm(v.w, v.r, v.is.ID, maxFormBytes)
	switch {
	case err == nil:
		do()
	case errors.Is(err, errForeignForm):
		v.fail(accountFailure{kind: "foreign_form", status: http.StatusForbidden})
	default:
		status := http.StatusBadRequest
		if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
			status = http.StatusRequestEntityTooLarge
		}
		v.fail(accountFailure{kind: "bad_form", status: status})
	}
}

// list shows everything that the person shares, and their passkeys.
func (v *accountVisit) list() {
	records, err := v.c.Consents.List(v.r.Context(), v.is.Person)
	if err != nil {
		v.unavailable(err)
		return
	}
	l := v.locale("")
	view := &sharingView{accountFrame: v.frame(l, l.text("sharing.title"))}
	slices.SortStableFunc(records, func(a, b *consent.Record) int { return b.ChangedAt.Compare(a.ChangedAt) })
	for _, rec := range records {
		if s := v.share(l, rec); s.Active {
			view.Active = append(view.Active, s)
		} else {
			view.Past = append(view.Past, s)
		}
	}
	if v.c.Passkeys != nil {
		view.HasPasskeys = true
		if view.Passkeys, err = v.passkeys(l); err != nil {
			v.unavailable(err)
			return
		}
	}
	v.keep("")
	v.render(v.w, v.r, http.StatusOK, v.pages.in(l).sharing.list, view)
}

// history returns the versions of the consent, the present one first, if it is the person's. When it goes by another ID
// now, the browser is led there. It has answered if it returns nil.
func (v *accountVisit) history(id, suffix string) []*consent.Record {
	history, err := v.c.Consents.History(v.r.Context(), v.is.Person, id)
	switch {
	case errors.Is(err, store.ErrNotFound), err == nil && len(history) == 0:
		v.fail(accountFailure{kind: "not_found", status: http.StatusNotFound})
		return nil
	case err != nil:
		v.unavailable(err)
		return nil
	case history[0].ID != id:
		v.keep(v.is.Notice)
		redirect(v.w, v.path+"consents/"+history[0].ID+suffix)
		return nil
	}
	return history
}

// one shows what is shared with one relying party, and how that came.
func (v *accountVisit) one(id string) {
	history := v.history(id, "")
	if history == nil {
		return
	}
	l := v.locale("")
	share := v.share(l, history[0])
	view := &shareView{accountFrame: v.frame(l, share.Name), shareDetails: share}
	view.Client = share.client()
	view.Heading = l.text("sharing.heading", "client", share.Name)
	for _, rec := range history {
		view.History = append(view.History, v.version(l, rec))
	}
	v.keep("")
	v.render(v.w, v.r, http.StatusOK, v.pages.in(l).sharing.one, view)
}

// logo serves the logo of a relying party. An instance that has not seen it yet finds it by the consent.
func (v *accountVisit) logo(id, name string) {
	content, contentType := v.clientLogos.served(name)
	if content == nil && v.clientLogos != nil {
		history := v.history(id, "/"+logosPath+name)
		if history == nil {
			return
		}
		if client, err := v.c.Clients.Client(v.r.Context(), history[0].ClientID); err == nil {
			v.clientLogos.wait(v.r.Context(), client.LogoURI(v.locale("").names...))
		}
		content, contentType = v.clientLogos.served(name)
	}
	if content == nil {
		v.fail(accountFailure{kind: "not_found", status: http.StatusNotFound})
		return
	}
	sendLogo(v.w, v.r, content, contentType)
}

// receipt sends the receipt of a version as a file.
func (v *accountVisit) receipt(id, version string) {
	history := v.history(id, "/receipts/"+version)
	at := slices.IndexFunc(history, func(rec *consent.Record) bool { return strconv.FormatInt(rec.Version, 10) == version })
	if at < 0 || history[at].Receipt == "" {
		if history != nil {
			v.fail(accountFailure{kind: "not_found", status: http.StatusNotFound})
		}
		return
	}
	v.keep(v.is.Notice)
	h := v.w.Header()
	h.Set("Content-Type", "application/jwt")
	h.Set("Content-Disposition", `attachment; filename="`+history[at].ReceiptName()+`"`)
	v.w.Write([]byte(history[at].Receipt))
}

// askWithdraw asks whether the person means it, and says what it means.
func (v *accountVisit) askWithdraw(id string) {
	history := v.history(id, "/withdraw")
	if history == nil {
		return
	}
	l := v.locale("")
	share := v.share(l, history[0])
	view := &shareView{accountFrame: v.frame(l, l.text("sharing.withdraw.title")), shareDetails: share}
	view.Client = share.client()
	view.Heading = l.text("sharing.withdraw.heading", "client", share.Name)
	v.keep("")
	v.render(v.w, v.r, http.StatusOK, v.pages.in(l).sharing.withdraw, view)
}

func (v *accountVisit) withdraw(id string) {
	rec, err := v.c.Consents.Withdraw(v.r.Context(), v.is.Person, id)
	switch {
	case errors.Is(err, store.ErrNotFound):
		v.fail(accountFailure{kind: "not_found", status: http.StatusNotFound})
	case errors.Is(err, consent.ErrTokens) && rec.Status != consent.Active:
		v.log.ErrorContext(v.r.Context(), "tokens of a consent that was withdrawn may live", "error", err)
		v.keep("tokens")
		redirect(v.w, v.path+"consents/"+id+"/withdraw")
	case err != nil && !errors.Is(err, consent.ErrTokens):
		v.unavailable(err)
	case rec.Status == consent.Active: // the person has decided anew since they opened the page
		v.keep("changed")
		redirect(v.w, v.path+"consents/"+rec.ID)
	default:
		v.keep("withdrawn")
		redirect(v.w, v.path+"consents/"+rec.ID)
	}
}
