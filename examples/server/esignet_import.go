package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"text/tabwriter"

	"github.com/jackc/pgx/v5"

	"github.com/gosignet/signet/esignet"
	"github.com/gosignet/signet/esignet/migration"
)

// esignetScopes are what clients that come from eSignet may ask for: it has no list for each.
var esignetScopes = []string{"openid", "profile", "email", "phone", "address", "offline_access"}

// importCommands take over what an eSignet has.
func importCommands() map[string]command {
	var flags []string // a consent is signed, and its subject derived, as the server itself would
	for _, group := range optionGroups {
		for _, name := range group.names {
			if !slices.Contains([]string{"listen", "portal-listen", "mock-listen", "ops-listen"}, name) {
				flags = append(flags, name)
			}
		}
	}
	return map[string]command{
		"import-esignet": {
			"import-esignet <database>", "Take over clients, consents and wallets from eSignet's database, and say what could not be", flags,
			importESignet,
		},
		"import-properties": {
			"import-properties", "Print the flags and pages for eSignet's properties file, and what has no equivalent", []string{"file"},
			importProperties,
		},
	}
}

// importESignet is the command.
func importESignet(ctx context.Context, t *terminal, args []string) error {
	if t.store == "" || t.issuer == "" || t.pairwiseSecretFile == "" || t.keys == "" {
		return errors.New("-store, -issuer, -keys and -pairwise-secret-file are needed, as the server has them")
	}
	t.config.given = map[string]bool{}
	if err := errors.Join(t.config.validate(), t.validateLogins(), t.validateSignUp()); err != nil {
		return err
	}
	logger := slog.New(slog.NewTextHandler(t.stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	database, err := pgx.Connect(ctx, args[0])
	if err != nil {
		return errors.New("the database of eSignet cannot be reached, or is no URL like postgres://user:password@host/mosip_esignet")
	}
	defer database.Close(context.WithoutCancel(ctx))
	p, err := newIdentityProvider(ctx, t.config, nil, logger)
	if err != nil {
		return err
	}
	secret, secretErr := pairwiseSecret(t.pairwiseSecretFile)
	importer, err := p.importer(t.config, secret, logger)
	if err = errors.Join(secretErr, err); err == nil {
		importer.Database = database
		var report *migration.Report
		report, err = importer.Run(ctx)
		err = errors.Join(err, t.writeReport(report))
	}
	return errors.Join(err, p.close(context.WithoutCancel(ctx)))
}

// importer takes over into the state of the provider.
func (p *identityProvider) importer(c *config, secret []byte, logger *slog.Logger) (*migration.Importer, error) {
	provider := p.provider
	logins, err := c.waysToLogIn(p.identity, p.state.ledger, secret, logger)
	if err != nil {
		return nil, err
	}
	if provider.Wallets == nil {
		return nil, errors.New("bound wallets are taken over by a server that has wallets: say -wallet")
	}
	return &migration.Importer{
		Clients: &esignet.ManagementConfig{
			Clients: p.clients, Ledger: p.state.ledger, ACRs: logins.acrs.Values(), Claims: p.esignetClaims(), Scopes: esignetScopes, Profile: c.profile,
		},
		Consents: provider.Consents,
		Subject:  provider.OpenID.Subject,
		Wallets:  provider.Wallets,
	}, nil
}

func (t *terminal) writeReport(r *migration.Report) error {
	fmt.Fprintf(t.stdout, "clients %d, consents %d, wallets %d, rows that could not be taken over %d\n", r.Clients, r.Consents, r.Wallets, len(r.Untaken))
	table := tabwriter.NewWriter(t.stdout, 0, 0, 3, ' ', 0)
	for _, u := range r.Untaken {
		fmt.Fprintf(table, "%s\t%s\t%s\n", u.Table, u.Row, u.Reason)
	}
	return table.Flush()
}
