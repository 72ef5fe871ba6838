// Package migration takes over what an eSignet database has: clients, consents and bound wallets. It reads the database
// and never writes to it, and it can run again: what was taken over stays, and what people decided since then is left
// alone.
package migration

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/consent"
	"github.com/gosignet/signet/esignet"
	"github.com/gosignet/signet/oauth"
	"github.com/gosignet/signet/wallet"
)

// Importer takes over eSignet's tables. All fields but Schema, Now and those of tables that are to be left out are required.
type Importer struct {
	// Database is a connection to eSignet's database.
	Database *pgx.Conn
	// Schema is that of the tables. Empty means esignet.
	Schema string
	// Clients is how clients are registered. Required: without them there is nobody to whom a consent was given.
	Clients *esignet.ManagementConfig
	// Consents takes consents, and Subject says under which subject a client sees a person of the identity system
	// ([oidc.Provider.Subject]); eSignet's psu_token is taken for the person. Nil leaves them out.
	//
	// [oidc.Provider.Subject]: https://pkg.go.dev/github.com/gosignet/signet/oidc#Provider.Subject
	Consents *consent.Registry
	Subject  func(c *oauth.Client, person string) string
	// Wallets takes bound wallets. Nil leaves them out.
	Wallets *wallet.Registry
	// Now is the clock. Nil means time.Now.
	Now func() time.Time
}

// Untaken is a row that could not be taken over.
type Untaken struct {
	// Table and Row say which: the row by its primary key, of which nothing names a person.
	Table, Row string
	// Reason says why, and what to do.
	Reason string
}

// Report says what was taken over.
type Report struct {
	// Clients, Consents and Wallets count the rows that are there now.
	Clients, Consents, Wallets int
	Untaken                    []Untaken
}

func (r *Report) leave(table, row string, err error) {
	r.Untaken = append(r.Untaken, Untaken{table, row, strings.ReplaceAll(err.Error(), "\n", "; ")})
}

// Run takes over all rows that it can. Its error is of the databases; what was taken over until then stays.
func (i *Importer) Run(ctx context.Context) (*Report, error) {
	r := new(Report)
	clients, err := i.clients(ctx, r)
	if err != nil {
		return r, fmt.Errorf("migration: client_detail: %w", err)
	}
	if i.Consents != nil {
		if err := i.consents(ctx, r, clients); err != nil {
			return r, fmt.Errorf("migration: consent_detail: %w", err)
		}
	}
	if i.Wallets != nil {
		if err := i.wallets(ctx, r); err != nil {
			return r, fmt.Errorf("migration: public_key_registry: %w", err)
		}
	}
	return r, nil
}

func (i *Importer) now() time.Time {
	if i.Now == nil {
		return time.Now()
	}
	return i.Now()
}

// each calls f with the rows of a table. All are read first: a row takes much less room than the clients and consents of
// a connection that waits.
func each[T any](ctx context.Context, i *Importer, table, columns string, f func(*T) error) error {
	schema := i.Schema
	if schema == "" {
		schema = "esignet"
	}
	rows, err := i.Database.Query(ctx, "SELECT "+columns+" FROM "+pgx.Identifier{schema, table}.Sanitize())
	if err != nil {
		return err
	}
	all, err := pgx.CollectRows(rows, pgx.RowToAddrOfStructByPos[T])
	if err != nil {
		return err
	}
	for _, row := range all {
		if err := f(row); err != nil {
			return err
		}
	}
	return nil
}

func (i *Importer) clients(ctx context.Context, r *Report) (map[string]*oauth.Client, error) {
	taken := map[string]*oauth.Client{}
	err := each(ctx, i, "client_detail", `id, name, rp_id, logo_uri, redirect_uris, claims, acr_values, public_key, coalesce(enc_public_key, ''),
		grant_types, auth_methods, status, coalesce(additional_config, '')`, func(d *esignet.ClientDetail) error {
		c, err := i.Clients.ImportClient(ctx, d)
		if err != nil {
			r.leave("client_detail", d.ID, err)
			return ctx.Err()
		}
		taken[d.ID] = c
		r.Clients++
		return nil
	})
	return taken, err
}

type consentRow struct {
	ID, ClientID, Person, Claims, Scopes string
	Expires                              *time.Time
	Signed                               bool
	Accepted, Permitted                  string
}

func (i *Importer) consents(ctx context.Context, r *Report, clients map[string]*oauth.Client) error {
	err := each(ctx, i, "consent_detail", `id, client_id, psu_token, claims, authorization_scopes, expire_dtimes, coalesce(signature, '') <> '',
		coalesce(accepted_claims, ''), coalesce(permitted_scopes, '')`, func(row *consentRow) error {
		if err := i.consent(ctx, row, clients[row.ClientID]); err != nil {
			r.leave("consent_detail", row.ID, err)
			return ctx.Err()
		}
		r.Consents++
		return nil
	})
	if err != nil {
		return err
	}
	type historyRow struct{ ID string }
	return each(ctx, i, "consent_history", "id", func(row *historyRow) error {
		r.leave("consent_history", row.ID, errors.New("it is the past: a receipt that we sign today would say that it was decided today; keep the table as evidence"))
		return nil
	})
}

func (i *Importer) consent(ctx context.Context, row *consentRow, client *oauth.Client) error {
	if client == nil {
		return errors.New("its client was not taken over")
	}
	if row.Expires != nil && row.Expires.Sub(i.now()) < time.Second {
		return errors.New("it has expired")
	}
	if row.Signed {
		return errors.New("the wallet's signature is over eSignet's form of it; the person is asked again")
	}
	known, err := i.Consents.List(ctx, row.Person)
	if err != nil {
		return err
	}
	for _, rec := range known {
		if rec.ClientID == row.ClientID {
			return nil // taken over before, or decided anew since
		}
	}
	q, err := row.question(client, i.Subject(client, row.Person), i.now())
	if err != nil {
		return err
	}
	_, err = i.Consents.Decide(ctx, q, consent.Decision{Claims: list(row.Accepted), Scopes: list(row.Permitted)},
		consent.DecisionContext{Person: row.Person, Transaction: "esignet-consent-" + row.ID, Controller: consent.Controller{Name: client.Name()}})
	return err
}

// question is what the person was asked.
func (row *consentRow) question(client *oauth.Client, subject string, now time.Time) (*consent.Question, error) {
	var claims struct {
		Userinfo map[string]json.RawMessage `json:"userinfo"`
	}
	var scopes map[string]json.RawMessage
	if json.Unmarshal([]byte(row.Claims), &claims) != nil || json.Unmarshal([]byte(row.Scopes), &scopes) != nil {
		return nil, errors.New("claims or authorization_scopes are not the JSON that they should be")
	}
	q := &consent.Question{Asked: consent.Asked{ClientID: client.ID, Subject: subject}}
	for scope := range scopes {
		q.Asked.Scopes = append(q.Asked.Scopes, scope)
	}
	for name, raw := range claims.Userinfo {
		type detail struct {
			Essential    bool            `json:"essential"`
			Verification json.RawMessage `json:"verification"`
		}
		var details []detail
		var one detail
		if json.Unmarshal(raw, &details) != nil {
			if json.Unmarshal(raw, &one) != nil {
				return nil, fmt.Errorf("claims: the details of one are malformed")
			}
			details = []detail{one}
		}
		essential := false
		for _, d := range details {
			essential = essential || d.Essential
			if len(d.Verification) > 0 && string(d.Verification) != "null" {
				return nil, errors.New("it is about verified claims, which are asked in another form here; the person is asked again")
			}
		}
		if essential {
			q.Asked.Essential = append(q.Asked.Essential, name)
		} else {
			q.Asked.Voluntary = append(q.Asked.Voluntary, name)
		}
	}
	if row.Expires != nil {
		q.Policy = consent.Policy{Remember: consent.ForDuration, Duration: row.Expires.Sub(now)}
	}
	return q, nil
}

func list(s string) []string {
	return strings.FieldsFunc(s, func(r rune) bool { return r == ',' })
}

type walletRow struct{ IDHash, Factor, Person, BindingID, Certificate string }

func (i *Importer) wallets(ctx context.Context, r *Report) error {
	return each(ctx, i, "public_key_registry", "id_hash, auth_factor, psu_token, wallet_binding_id, certificate", func(row *walletRow) error {
		if err := i.wallet(ctx, row); err != nil {
			r.leave("public_key_registry", row.IDHash+" "+row.Factor, err)
			return ctx.Err()
		}
		r.Wallets++
		return nil
	})
}

func (i *Importer) wallet(ctx context.Context, row *walletRow) error {
	if row.Factor != "WLA" {
		return errors.New("wallets are bound for WLA alone")
	}
	certificate, err := certificate(row.Certificate)
	if err != nil {
		return err
	}
	return i.Wallets.Import(ctx, &wallet.ImportedBinding{
		IndividualHash: row.IDHash, Identity: authenticator.Identity{Subject: row.Person}, WalletUserID: row.BindingID, Certificate: certificate,
	})
}

func certificate(text string) (*x509.Certificate, error) {
	block, _ := pem.Decode([]byte(text))
	if block == nil {
		return nil, errors.New("the certificate is no PEM")
	}
	c, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil, errors.New("the certificate cannot be read")
	}
	return c, nil
}
