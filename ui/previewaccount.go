package ui

import (
	"context"
	"crypto/rand"
	"net/http"
	"strings"
	"time"

	"github.com/gosignet/signet/consent"
	"github.com/gosignet/signet/oauth"
	"github.com/gosignet/signet/store"
)

// previewAccount is what a person has shared, and their passkeys. It is everything that the account pages ask.
type previewAccount struct {
	Grants
	RequestPusher
	records  []*consent.Record
	passkeys []Passkey
}

func (a *previewAccount) Client(_ context.Context, id string) (*oauth.Client, error) {
	if id == previewClient.ID {
		return previewClient, nil
	}
	return nil, oauth.ErrUnknownClient
}

type previewConsents struct{ *previewAccount }

func (c previewConsents) List(context.Context, string) ([]*consent.Record, error) {
	return c.records, nil
}

func (c previewConsents) History(_ context.Context, _, id string) ([]*consent.Record, error) {
	var history []*consent.Record
	for _, rec := range c.records {
		if rec.ID == id {
			history = append(history, rec)
		}
	}
	return history, nil
}

func (previewConsents) Withdraw(context.Context, string, string) (*consent.Record, error) {
	return nil, store.ErrNotFound
}

type previewPasskeys struct{ *previewAccount }

func (k previewPasskeys) List(context.Context, string) ([]Passkey, error) { return k.passkeys, nil }

func (previewPasskeys) Remove(context.Context, string, string) error { return nil }

// newPreviewAccount has shared with a client, with one that is gone, and with one no more.
func newPreviewAccount() *previewAccount {
	choice := func(name string, granted bool, at time.Time) consent.Choice {
		return consent.Choice{Item: consent.Item{Kind: consent.Claim, Name: name}, Granted: granted, DecidedAt: at}
	}
	last, before := previewNow.Add(-48*time.Hour), previewNow.Add(-90*24*time.Hour)
	name := choice("name", true, last)
	name.Kind, name.Purpose, name.TrustFrameworks = consent.VerifiedClaim, "To open your patient file", []string{"eidas"}
	email := choice("email", true, last)
	email.ExpiresAt = previewNow.Add(30 * 24 * time.Hour)
	scope := choice("appointments", true, last)
	scope.Kind = consent.Scope
	return &previewAccount{
		records: []*consent.Record{
			{
				ID: "active", Version: 2, ClientID: previewClient.ID, Status: consent.Active, ChangedAt: last, Receipt: "receipt",
				Choices: []consent.Choice{name, email, scope, choice("picture", false, last)},
			},
			{
				ID: "withdrawn", Version: 2, ClientID: previewClient.ID, Status: consent.Withdrawn, ChangedAt: last,
				Choices: []consent.Choice{choice("name", true, before)},
			},
			{
				ID: "gone", Version: 1, ClientID: "tax-office", Status: consent.Active, ChangedAt: before,
				Controller: consent.Controller{Name: "Tax Office", URI: "https://tax.example.org"},
				Choices:    []consent.Choice{choice("name", true, before)},
			},
		},
		passkeys: []Passkey{{ID: "k1", CreatedAt: before, UsedOn: last, BackedUp: true}, {ID: "k2", CreatedAt: last, UsedOn: last}},
	}
}

// accountScreen is an account page after what the notice names.
func accountScreen(name, title, notice string, data *previewAccount, show func(v *accountVisit)) screen {
	return newScreen(name, title, func(p *previewVisit) {
		secret := make([]byte, minAccountSecret)
		rand.Read(secret)
		// Its base is not within that of the login, and so not where the preview is mounted.
		account, err := p.UI.Account(AccountConfig{
			Consents: previewConsents{data}, Clients: data, Requests: data, Grants: data, Passkeys: previewPasskeys{data},
			Issuer: "https://" + previewHost, AuthorizationEndpoint: "https://" + previewHost + "/authorize", Secret: secret,
		})
		if err != nil {
			p.log.ErrorContext(p.r.Context(), "the account pages cannot be previewed", "error", err)
			http.Error(p.w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
			return
		}
		account.path = p.base + previewLogin + "/"
		p.setHeaders(p.w.Header(), "")
		show(&accountVisit{
			UI: p.UI, Account: account, w: p.w, r: p.request(account.path, ""), chosen: p.language,
			is: &accountSession{ID: "preview", Person: "preview", StartedAt: previewNow, Language: p.language, Notice: notice},
		})
	})
}

func accountScreens() []screen {
	data, none := newPreviewAccount(), new(previewAccount)
	one := func(id string) func(v *accountVisit) { return func(v *accountVisit) { v.one(id) } }
	withdraw := func(v *accountVisit) { v.askWithdraw("active") }
	list := []screen{
		accountScreen("sharing", "Account: what is shared", "", data, (*accountVisit).list),
		accountScreen("sharing-empty", "Account: nothing is shared", "", none, (*accountVisit).list),
		accountScreen("sharing-removed", "Account: a passkey was removed", "removed", data, (*accountVisit).list),
		accountScreen("sharing-one", "Account: what is shared with one client", "", data, one("active")),
		accountScreen("sharing-one-gone", "Account: a client that is gone", "", data, one("gone")),
		accountScreen("sharing-one-withdrawn", "Account: a consent was withdrawn", "withdrawn", data, one("withdrawn")),
		accountScreen("sharing-one-changed", "Account: a consent changed meanwhile", "changed", data, one("active")),
		accountScreen("withdraw", "Account: is the withdrawal meant?", "", data, withdraw),
		accountScreen("withdraw-failed", "Account: tokens of a consent may live", "tokens", data, withdraw),
		accountScreen("remove-passkey", "Account: is the removal of a passkey meant?", "", data, func(v *accountVisit) { v.askRemove("k1") }),
		accountScreen("sharing-logged-out", "Account: logged out", "", data, (*accountVisit).loggedOut),
	}
	for _, f := range []accountFailure{
		{kind: "state", status: http.StatusBadRequest},
		{kind: "cancelled", status: http.StatusOK},
		{kind: "login", status: http.StatusBadRequest, code: string(oauth.InvalidGrant)},
		{kind: "not_found", status: http.StatusNotFound},
		{kind: "method", status: http.StatusMethodNotAllowed},
		{kind: "foreign_form", status: http.StatusForbidden},
		{kind: "bad_form", status: http.StatusBadRequest},
		{kind: "unavailable", status: http.StatusServiceUnavailable},
	} {
		list = append(list, accountScreen("sharing-error-"+dashed(f.kind), "Account, error: "+f.kind, "", data,
			func(v *accountVisit) { v.fail(f) }))
	}
	return list
}

// dashed is a kind of failure as part of a name.
func dashed(kind string) string { return strings.ReplaceAll(kind, "_", "-") }
