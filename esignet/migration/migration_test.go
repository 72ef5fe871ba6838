package migration_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha3"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"math/big"
	"os"
	"testing"
	"time"

	"crypto/ecdsa"
	"crypto/elliptic"

	"github.com/go-jose/go-jose/v4"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/consent"
	"github.com/gosignet/signet/esignet"
	"github.com/gosignet/signet/esignet/migration"
	"github.com/gosignet/signet/internal/postgrestest"
	"github.com/gosignet/signet/keystore"
	"github.com/gosignet/signet/oauth"
	"github.com/gosignet/signet/registry"
	"github.com/gosignet/signet/store/memory"
	"github.com/gosignet/signet/wallet"
)

func TestDatabaseOfESignetIsTakenOver(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	db, err := pgx.Connect(ctx, postgrestest.Shared(t).NewDatabase(t))
	require.NoError(t, err)
	defer db.Close(ctx)
	exec := func(sql string, args ...any) {
		t.Helper()
		if len(args) == 0 {
			_, err := db.PgConn().Exec(ctx, sql).ReadAll()
			require.NoError(t, err)
			return
		}
		_, err := db.Exec(ctx, sql, args...)
		require.NoError(t, err)
	}
	schema, err := os.ReadFile("testdata/schema.sql")
	require.NoError(t, err)
	exec(string(schema))
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	jwk, err := jose.JSONWebKey{Key: private.Public(), KeyID: "k1"}.MarshalJSON()
	require.NoError(t, err)
	client := func(id, name, acr, status, key string) {
		exec(`INSERT INTO client_detail (id, name, rp_id, logo_uri, redirect_uris, claims, acr_values, public_key, public_key_hash, grant_types, auth_methods, status, additional_config)
			VALUES ($1, $2, 'health', 'https://clinic.example/logo.png', '["https://clinic.example/*"]', '["name","email"]', $3, $5, $1,
			'["authorization_code"]', '["private_key_jwt"]', $4, '{"consent_expire_in_mins":60}')`, id, name, acr, status, key)
	}
	client("clinic", `{"@none":"Clinic","fra":"Clinique"}`, `["acr-1"]`, "ACTIVE", string(jwk))
	other, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	otherJWK, err := jose.JSONWebKey{Key: other.Public()}.MarshalJSON()
	require.NoError(t, err)
	client("old", "Plain name", `["acr-1"]`, "INACTIVE", string(otherJWK))
	client("odd", "Odd", `["acr-9"]`, "ACTIVE", `{"kty":"oct","k":"AA"}`)

	consentOf := func(id, client, person, expires string) {
		exec(`INSERT INTO consent_detail (id, client_id, psu_token, claims, authorization_scopes, expire_dtimes, accepted_claims, permitted_scopes)
			VALUES ($1, $2, $3, '{"userinfo":{"name":[{"essential":true}],"email":[]},"id_token":{}}', '{"resident":false}', nullif($4, '')::timestamp, 'name', 'resident')`,
			id, client, person, expires)
	}
	consentOf("c1", "clinic", "amina", "")
	consentOf("c2", "clinic", "boris", "2001-01-01 00:00:00")
	consentOf("c3", "odd", "amina", "")
	exec(`INSERT INTO consent_history SELECT * FROM consent_detail WHERE id = 'c1'`)

	now := time.Now()
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "wallet"}, NotBefore: now.Add(-time.Hour), NotAfter: now.Add(time.Hour),
	}, &x509.Certificate{SerialNumber: big.NewInt(2)}, other.Public(), other)
	require.NoError(t, err)
	sum := sha3.Sum256([]byte("8267411571"))
	hash := base64.RawURLEncoding.EncodeToString(sum[:])
	binding := func(hash, factor, person, certificate string) {
		exec(`INSERT INTO public_key_registry (id_hash, auth_factor, psu_token, public_key, public_key_hash, expire_dtimes, wallet_binding_id, certificate, thumbprint)
			VALUES ($1, $2, $3, '{}', 'x', now(), 'wallet-1', $4, 'x')`, hash, factor, person, certificate)
	}
	binding(hash, "WLA", "amina", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})))
	binding("broken", "WLA", "boris", "none")

	m, err := memory.New(memory.Config{})
	require.NoError(t, err)
	clients, err := registry.New(registry.Config{Ledger: m})
	require.NoError(t, err)
	defer clients.Close()
	keys, err := keystore.Generate(jose.ES256)
	require.NoError(t, err)
	secret := make([]byte, 32)
	consents, err := consent.New(consent.Config{Ledger: m, Keys: keys, Issuer: "https://id.example", Secret: secret})
	require.NoError(t, err)
	wallets, err := wallet.NewRegistry(wallet.RegistryConfig{Ledger: m, Secret: secret})
	require.NoError(t, err)
	importer := &migration.Importer{
		Database: db, Consents: consents, Wallets: wallets,
		Clients: &esignet.ManagementConfig{Clients: clients, Ledger: m, ACRs: []string{"acr-1"}, Claims: []string{"name", "email"}, Scopes: []string{"openid"}},
		Subject: func(_ *oauth.Client, person string) string { return "at-clinic-" + person },
	}
	for range 2 { // it can run again
		report, err := importer.Run(ctx)
		require.NoError(t, err)
		require.Equal(t, 2, report.Clients)
		require.Equal(t, 1, report.Consents)
		require.Equal(t, 1, report.Wallets)
		untaken := map[string]string{}
		for _, u := range report.Untaken {
			untaken[u.Table+" "+u.Row] = u.Reason
		}
		require.Contains(t, untaken["client_detail odd"], "invalid_public_key")
		require.Contains(t, untaken["client_detail odd"], "invalid_acr")
		require.Equal(t, "it has expired", untaken["consent_detail c2"])
		require.Equal(t, "its client was not taken over", untaken["consent_detail c3"])
		require.Contains(t, untaken["consent_history c1"], "keep the table as evidence")
		require.Contains(t, untaken["public_key_registry broken WLA"], "no PEM")
		require.Len(t, untaken, 5)
	}

	c, err := clients.Client(ctx, "clinic")
	require.NoError(t, err)
	require.Equal(t, map[string]string{"": "Clinic", "fr": "Clinique"}, c.Names)
	require.Equal(t, []string{"https://clinic.example/*"}, c.RedirectURIPatterns)
	require.Equal(t, time.Hour, *c.ConsentMaxAge)
	_, err = clients.Client(ctx, "old")
	require.ErrorIs(t, err, oauth.ErrUnknownClient)
	versions, err := clients.History(ctx, "clinic")
	require.NoError(t, err)
	require.Len(t, versions, 1, "what is the same is no change")

	answer, err := consents.Recall(ctx, &consent.Question{Asked: consent.Asked{
		ClientID: "clinic", Subject: "at-clinic-amina", Scopes: []string{"resident"}, Essential: []string{"name"}, Voluntary: []string{"email"},
	}})
	require.NoError(t, err)
	require.Empty(t, answer.Reason, "nobody is asked again")
	require.Equal(t, consent.Decision{Claims: []string{"name"}, Scopes: []string{"resident"}}, answer.Decision)
	records, err := consents.List(ctx, "amina")
	require.NoError(t, err)
	require.Len(t, records, 1)
	require.EqualValues(t, 1, records[0].Version)
}
