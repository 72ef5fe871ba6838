package migration_test

import (
	"context"
	"fmt"
	"log"

	"github.com/jackc/pgx/v5"

	"github.com/gosignet/signet"
	"github.com/gosignet/signet/esignet"
	"github.com/gosignet/signet/esignet/migration"
)

// A command takes over clients, consents and wallets, and says of every row that it could not take why. It can run again.
func Example() {
	run := func(ctx context.Context, provider *signet.Provider, clients *esignet.ManagementConfig) error {
		db, err := pgx.Connect(ctx, "postgres://esignet@db.example/mosip_esignet")
		if err != nil {
			return err
		}
		defer db.Close(ctx)
		importer := &migration.Importer{
			Database: db, Clients: clients, Consents: provider.Consents, Subject: provider.OpenID.Subject, Wallets: provider.Wallets,
		}
		report, err := importer.Run(ctx)
		if err != nil {
			return err
		}
		fmt.Println("clients", report.Clients, "consents", report.Consents, "wallets", report.Wallets)
		for _, row := range report.Untaken {
			log.Println(row.Table, row.Row, row.Reason)
		}
		return nil
	}
	_ = run
}
