package consent

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/gosignet/signet/dpop"
	"github.com/gosignet/signet/oauth"
	"github.com/gosignet/signet/store"
)

// The bodies of answers. The names of their members are for ever.
type (
	consentsBody struct {
		Consents []*Record `json:"consents"`
	}
	consentBody struct {
		Consent *Record `json:"consent"`
		// History are all versions of the record, the present one first.
		History []*Record `json:"history,omitempty"`
	}
)

// route answers a request of the person. Nothing is ever looked up but under their name.
func (a *api) route(w http.ResponseWriter, r *http.Request, person string) {
	path, _ := strings.CutPrefix(r.URL.EscapedPath(), a.base)
	id, rest, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	var methods []string
	switch {
	case path == "":
		methods = []string{http.MethodGet, http.MethodHead}
	case !strings.HasPrefix(path, "/") || !validID(id):
	case path == "/"+id:
		methods = []string{http.MethodGet, http.MethodHead, http.MethodDelete}
	case rest == "receipt":
		methods = []string{http.MethodGet, http.MethodHead}
	}
	switch {
	case methods == nil:
		a.fail(w, r, store.ErrNotFound)
	case !slices.Contains(methods, r.Method):
		w.Header().Set("Allow", strings.Join(methods, ", "))
		writeError(w, http.StatusMethodNotAllowed, "invalid_request", "the method is not allowed here")
	case path == "":
		a.list(w, r, person)
	case rest == "receipt":
		a.receipt(w, r, person, id)
	case r.Method == http.MethodDelete:
		a.withdraw(w, r, person, id)
	default:
		a.one(w, r, person, id)
	}
}

func (a *api) list(w http.ResponseWriter, r *http.Request, person string) {
	records, err := a.registry.List(r.Context(), person)
	if err != nil {
		a.fail(w, r, err)
		return
	}
	if records == nil {
		records = []*Record{}
	}
	writeJSON(w, http.StatusOK, &consentsBody{records})
}

func (a *api) one(w http.ResponseWriter, r *http.Request, person, id string) {
	history, err := a.history(r.Context(), person, id)
	if err != nil {
		a.fail(w, r, err)
		return
	}
	writeJSON(w, http.StatusOK, &consentBody{history[0], history})
}

// receipt answers with the receipt of the present version, or of the one that the query names.
func (a *api) receipt(w http.ResponseWriter, r *http.Request, person, id string) {
	history, err := a.history(r.Context(), person, id)
	if err != nil {
		a.fail(w, r, err)
		return
	}
	rec := history[0]
	if wanted := r.URL.Query().Get("version"); wanted != "" {
		at := slices.IndexFunc(history, func(rec *Record) bool { return strconv.FormatInt(rec.Version, 10) == wanted })
		if at < 0 {
			a.fail(w, r, store.ErrNotFound)
			return
		}
		rec = history[at]
	}
	if rec.Receipt == "" {
		a.fail(w, r, store.ErrNotFound)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "application/jwt")
	h.Set("Content-Disposition", `attachment; filename="`+rec.ReceiptName()+`"`)
	w.Write([]byte(rec.Receipt))
}

// ReceiptName is a name for the file of the receipt, which says no more than the day and the version.
func (rec *Record) ReceiptName() string {
	return "consent-receipt-" + rec.ChangedAt.UTC().Format("2006-01-02") + "-" + strconv.FormatInt(rec.Version, 10) + ".jwt"
}

func (a *api) withdraw(w http.ResponseWriter, r *http.Request, person, id string) {
	rec, err := a.registry.Withdraw(r.Context(), person, id)
	if err != nil {
		a.fail(w, r, err)
		return
	}
	status := http.StatusOK
	if rec.Status == Active { // it had ended, and the person has decided anew since
		status = http.StatusConflict
	}
	writeJSON(w, status, &consentBody{Consent: rec})
}

// history is that of the registry, and never empty.
func (a *api) history(ctx context.Context, person, id string) ([]*Record, error) {
	history, err := a.registry.History(ctx, person, id)
	if err == nil && len(history) == 0 { // erased in between
		err = store.ErrNotFound
	}
	return history, err
}

// fail answers with what became of a request that was let in.
func (a *api) fail(w http.ResponseWriter, r *http.Request, err error) {
	if errors.Is(err, store.ErrNotFound) {
		writeError(w, http.StatusNotFound, "not_found", "there is no such consent")
		return
	}
	description := "the service is temporarily unavailable"
	if errors.Is(err, ErrTokens) {
		description = "the consent is withdrawn, but tokens may live: repeat the request"
	}
	a.log.LogAttrs(r.Context(), slog.LevelError, "the API of consents failed", slog.Any("error", err))
	w.Header().Set("Retry-After", "5")
	writeError(w, http.StatusServiceUnavailable, string(oauth.TemporarilyUnavailable), description)
}

// refuse answers with a challenge (RFC 6750 section 3.1).
func (a *api) refuse(w http.ResponseWriter, r *http.Request, e *oauth.Error) {
	scheme := "Bearer"
	if s, _, _ := strings.Cut(r.Header.Get("Authorization"), " "); strings.EqualFold(s, dpop.Scheme) {
		scheme = dpop.Scheme
	}
	status, scope := http.StatusBadRequest, ""
	if e.Code == oauth.InsufficientScope {
		status, scope = http.StatusForbidden, `, scope="`+a.scope+`"`
	}
	w.Header().Set("WWW-Authenticate", scheme+` error="`+string(e.Code)+`", error_description="`+e.Description+`"`+scope)
	writeError(w, status, string(e.Code), e.Description)
}

func writeError(w http.ResponseWriter, status int, code, description string) {
	writeJSON(w, status, struct {
		Code        string `json:"error"`
		Description string `json:"error_description"`
	}{code, description})
}

func writeJSON(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(body)
}
