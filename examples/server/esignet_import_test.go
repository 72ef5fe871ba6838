package main

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha3"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/esignet"
	"github.com/gosignet/signet/examples/wallet/simulator"
	"github.com/gosignet/signet/internal/postgrestest"
	"github.com/gosignet/signet/store"
)

const (
	importedPerson = "2740198356"
	importedClient = "clinic"
	importedURI    = "https://clinic.example/callback"
)

// esignetDatabase is one that is to be taken over: with a client and a wallet that go on, and rows that cannot.
type esignetDatabase struct {
	dsn    string
	client *rsa.PrivateKey
	wallet string // the file of a wallet that eSignet bound
}

func newESignetDatabase(t *testing.T) *esignetDatabase {
	t.Helper()
	d := &esignetDatabase{dsn: postgrestest.Shared(t).NewDatabase(t), wallet: filepath.Join(t.TempDir(), "wallet.json")}
	db, err := pgx.Connect(t.Context(), d.dsn)
	require.NoError(t, err)
	defer db.Close(t.Context())
	schema, err := os.ReadFile("../../esignet/migration/testdata/schema.sql")
	require.NoError(t, err)
	_, err = db.PgConn().Exec(t.Context(), string(schema)).ReadAll()
	require.NoError(t, err)
	exec := func(sql string, args ...any) {
		t.Helper()
		_, err := db.Exec(t.Context(), sql, args...)
		require.NoError(t, err)
	}

	d.client, err = rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	public, err := json.Marshal(jose.JSONWebKey{Key: d.client.Public(), KeyID: "k1"})
	require.NoError(t, err)
	for id, key := range map[string]string{importedClient: string(public), "odd": `{"kty":"oct","k":"AA"}`} {
		exec(`INSERT INTO client_detail (id, name, rp_id, logo_uri, redirect_uris, claims, acr_values, public_key, public_key_hash, grant_types, auth_methods, status)
			VALUES ($1, '{"@none":"Clinic"}', 'health', 'https://clinic.example/logo.png', jsonb_build_array($3::text)::text, '["name","email","individual_id"]',
			'["mosip:idp:acr:linked-wallet"]', $2, $1, '["authorization_code"]', '["private_key_jwt"]', 'ACTIVE')`, id, key, importedURI)
	}
	for id, client := range map[string]string{"expired": importedClient, "orphan": "odd"} {
		exec(`INSERT INTO consent_detail (id, client_id, psu_token, claims, authorization_scopes, expire_dtimes)
			VALUES ($1, $2, 'somebody', '{"userinfo":{"name":null}}', '{}', '2001-01-01')`, id, client)
	}
	exec(`INSERT INTO consent_history SELECT * FROM consent_detail WHERE id = 'expired'`)

	key, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "wallet"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}, &x509.Certificate{SerialNumber: big.NewInt(2)}, key.Public(), key)
	require.NoError(t, err)
	hash := sha3.Sum256([]byte(importedPerson))
	certificate := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	for _, row := range [][]string{
		{base64.RawURLEncoding.EncodeToString(hash[:]), "WLA", certificate}, {"broken", "WLA", "none"}, {"another", "OTP", certificate},
	} {
		exec(`INSERT INTO public_key_registry (id_hash, auth_factor, psu_token, public_key, public_key_hash, expire_dtimes, wallet_binding_id, certificate, thumbprint)
			VALUES ($1, $2, $4, '{}', 'x', now(), 'wallet-1', $3, 'x')`, row[0], row[1], row[2], importedPerson)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	file, err := json.Marshal(map[string]any{"individual_id": importedPerson, "key": private, "certificate": der})
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(d.wallet, file, 0o600))
	return d
}

// atIssuer finds the server under its issuer, wherever it listens, and does not follow it to clients.
func atIssuer(t *testing.T, s *running) *http.Client {
	t.Helper()
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	listening, err := url.Parse(s.listening)
	require.NoError(t, err)
	return &http.Client{
		Jar: jar,
		Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, listening.Host)
		}},
		CheckRedirect: func(r *http.Request, _ []*http.Request) error {
			if !strings.HasPrefix(r.URL.String(), s.issuer+"/") {
				return http.ErrUseLastResponse
			}
			return nil
		},
	}
}

func TestAfterTheImportClientsAndWalletsGoOn(t *testing.T) {
	t.Parallel()
	d := newESignetDatabase(t)
	flags := []string{
		"-wallet", "-issuer", "http://localhost:8080", "-store", postgrestest.Shared(t).NewDatabase(t), "-migrate",
		"-pairwise-secret-file", textFile(t, strings.Repeat("x", 32)),
		"-keys", "pkcs12:store;create;iterations=10000;password-file=" + textFile(t, filePassword),
	}
	for range 2 { // again is no harm
		out, err := runWith(t, "", append([]string{"import-esignet", d.dsn}, flags...)...)
		require.NoError(t, err)
		assert.True(t, strings.HasPrefix(out, "clients 1, consents 0, wallets 1, rows that could not be taken over 6\n"), out)
		for row, reason := range map[string]string{
			"client_detail +odd": "invalid_public_key", "consent_detail +expired": "it has expired", "consent_detail +orphan": "its client was not taken over",
			"consent_history +expired": "keep the table as evidence", "public_key_registry +broken WLA": "no PEM", "public_key_registry +another OTP": "bound for WLA alone",
		} {
			assert.Regexp(t, row+" +.*"+reason, out)
		}
	}

	s := start(t, append(flags, "-portal-listen", "")...)
	defer func() { require.NoError(t, s.stop()) }()
	v := &visitor{t: t, client: atIssuer(t, s)}
	v.open(s.issuer + "/authorize?" + url.Values{
		"client_id": {importedClient}, "redirect_uri": {importedURI}, "response_type": {"code"}, "scope": {"openid"}, "state": {"s"}, "nonce": {"n"},
		"claims": {`{"userinfo":{"name":{"essential":true}}}`},
	}.Encode())
	if v.shows("login_with_wla") {
		v.press("login_with_wla")
	}
	phone, err := simulator.New(simulator.Config{API: s.issuer + esignet.DefaultPrefix, File: d.wallet, Client: atIssuer(t, s)})
	require.NoError(t, err)
	request, err := phone.Link(t.Context(), simulator.CodeIn(attribute(regexp.MustCompile(`<a[^>]* id="wallet-qr-btn"[^>]*>`).FindString(v.page), "href")))
	require.NoError(t, err)
	assert.Equal(t, "Clinic", request.Name())
	require.NoError(t, phone.Approve(t.Context(), request, nil, nil))
	v.open(v.at.String())
	require.True(t, strings.HasPrefix(v.header.Get("Location"), importedURI+"?"), v.page)
	arrived, err := url.Parse(v.header.Get("Location"))
	require.NoError(t, err)

	claims, err := json.Marshal(map[string]any{
		"iss": importedClient, "sub": importedClient, "aud": s.issuer, "jti": store.NewHandle(), "iat": time.Now().Unix(), "exp": time.Now().Add(time.Minute).Unix(),
	})
	require.NoError(t, err)
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.RS256, Key: d.client}, nil)
	require.NoError(t, err)
	assertion, err := signer.Sign(claims)
	require.NoError(t, err)
	compact, err := assertion.CompactSerialize()
	require.NoError(t, err)
	res, err := atIssuer(t, s).PostForm(s.issuer+"/token", url.Values{
		"grant_type": {"authorization_code"}, "code": {arrived.Query().Get("code")}, "redirect_uri": {importedURI}, "client_id": {importedClient},
		"client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"}, "client_assertion": {compact},
	})
	require.NoError(t, err)
	defer res.Body.Close()
	assert.Equal(t, http.StatusOK, res.StatusCode, readAll(t, res))
}
