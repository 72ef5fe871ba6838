package cluster_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/go-jose/go-jose/v4"
	"github.com/jackc/pgx/v5"
	goredis "github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet"
	"github.com/gosignet/signet/authenticator/mock"
	"github.com/gosignet/signet/examples/load"
	"github.com/gosignet/signet/internal/postgrestest"
	"github.com/gosignet/signet/internal/redistest"
	"github.com/gosignet/signet/keystore"
	"github.com/gosignet/signet/login"
	"github.com/gosignet/signet/oauth"
	"github.com/gosignet/signet/registry"
	"github.com/gosignet/signet/store/postgres"
	"github.com/gosignet/signet/store/redis"
)

// TestDumpOfTheDatabasesNamesNobodyAndOpensNothing steals both databases in the middle of a thousand logins, which stand at
// every step, and searches them for whatever anybody typed, holds or is called.
func TestDumpOfTheDatabasesNamesNobodyAndOpensNothing(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		inRedis bool
		logins  int
	}{
		"PostgreSQL and Redis": {true, 1000},
		"PostgreSQL alone":     {false, 200},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dump, seen := dumpAmidLogins(t, test.logins, test.inRedis)
			t.Logf("%d secrets in %d KB", len(seen), len(dump)>>10)
			require.Greater(t, len(seen), 10*test.logins)
			require.Greater(t, len(dump), test.logins<<10)
			require.Contains(t, string(dump), "load", "clients are in it, and are no secret")
			assert.Empty(t, search(dump, seen))
		})
	}
}

func TestSearchFindsWhatIsThere(t *testing.T) {
	t.Parallel()
	secrets := []string{"short1", "a longer secret", "a longer sequel", "absent", "absent as well"}
	assert.ElementsMatch(t, []string{"short1", "a longer secret", "at the end"},
		search([]byte("xxshort1yya longer secretzzat the end"), append(secrets, "at the end")))
}

// dumpAmidLogins has so many people log in, each for a different number of steps, and returns what is in the databases
// then, and everything that only the people and the client should know.
func dumpAmidLogins(t *testing.T, logins int, inRedis bool) (dump []byte, secrets []string) {
	t.Helper()
	dsn := postgrestest.Shared(t).NewDatabase(t)
	lasting, err := postgres.New(postgres.Config{DSN: dsn})
	require.NoError(t, err)
	t.Cleanup(func() { lasting.Close() })
	_, _, err = lasting.Migrate(t.Context())
	require.NoError(t, err)
	config := signet.Config{
		PairwiseSecret: make([]byte, 32), Store: lasting, IdentifierLimit: login.Limit{Attempts: 60_000}, SourceLimit: login.Limit{Attempts: 60_000},
		Sessions: login.Sessions{Idle: 1 << 40},
	}
	server := redistest.Start(t)
	if inRedis {
		short, err := redis.New(redis.Config{URL: server.URL()})
		require.NoError(t, err)
		t.Cleanup(func() { short.Close() })
		require.NoError(t, short.Begin(t.Context()))
		config.Store = short
	}
	people, err := mock.New(mock.Config{Password: password, Store: config.Store})
	require.NoError(t, err)
	client, err := keystore.Generate(jose.ES256)
	require.NoError(t, err)
	key, err := client.Signer(t.Context(), keystore.TokenSigning, jose.ES256)
	require.NoError(t, err)
	clients, err := registry.New(registry.Config{Ledger: lasting, Notifier: lasting, Development: true})
	require.NoError(t, err)
	t.Cleanup(func() { clients.Close() })
	_, err = clients.Create(t.Context(), "test", &oauth.Client{
		ID: clientID, Names: map[string]string{"": "Load"}, RedirectURIs: []string{redirectURI}, Scopes: []string{"openid", "profile"},
		Keys: jose.JSONWebKeySet{Keys: []jose.JSONWebKey{key.Public()}}, AssertionAlgorithm: jose.ES256, Profile: oauth.ProfileFAPI2,
	})
	require.NoError(t, err)
	config.Authenticator, config.Clients = people, clients
	config.Keys, err = keystore.Generate(jose.ES256)
	require.NoError(t, err)
	web := httptest.NewUnstartedServer(nil)
	config.Issuer = "http://" + web.Listener.Addr().String()
	web.Config.Handler, err = signet.New(config)
	require.NoError(t, err)
	web.Start()
	t.Cleanup(web.Close)

	spy := &spy{secrets: map[string]bool{}}
	var all []load.Person
	for _, p := range people.Personas() {
		all = append(all, load.Person{ID: p.NationalID, Password: password})
		spy.add(p.NationalID)
		spy.json(p.Claims)
	}
	loader, err := load.New(t.Context(), load.Config{
		Issuer: config.Issuer, ClientID: clientID, RedirectURI: redirectURI, Key: key, People: all, Transport: spy,
	})
	require.NoError(t, err)
	var group sync.WaitGroup
	for worker := range 8 {
		group.Go(func() {
			for i := worker; i < logins; i += 8 {
				assert.NoError(t, loader.Begin(t.Context(), 1+i%9))
			}
		})
	}
	group.Wait()
	return append(dumpPostgres(t, dsn), dumpRedis(t, server)...), slices.Collect(maps.Keys(spy.secrets))
}

// dumpPostgres returns every table, in the binary format of COPY: values are in it as they are.
func dumpPostgres(t *testing.T, dsn string) []byte {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), dsn)
	require.NoError(t, err)
	defer conn.Close(context.Background())
	rows, err := conn.Query(t.Context(), `SELECT format('%I.%I', schemaname, tablename) FROM pg_tables
		WHERE schemaname NOT IN ('pg_catalog', 'information_schema')`)
	require.NoError(t, err)
	tables, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(t, err)
	require.NotEmpty(t, tables)
	var dump bytes.Buffer
	for _, table := range tables {
		_, err := conn.PgConn().CopyTo(t.Context(), &dump, "COPY "+table+" TO STDOUT (FORMAT binary)")
		require.NoError(t, err, table)
	}
	return dump.Bytes()
}

// dumpRedis returns every key with its value.
func dumpRedis(t *testing.T, server *redistest.Server) (dump []byte) {
	t.Helper()
	keys := server.Client().Scan(t.Context(), 0, "*", 1000).Iterator()
	for keys.Next(t.Context()) {
		value, err := server.Client().Get(t.Context(), keys.Val()).Result()
		if !errors.Is(err, goredis.Nil) { // it has expired since it was listed
			require.NoError(t, err)
		}
		dump = append(append(append(dump, keys.Val()...), ' '), value...)
	}
	require.NoError(t, keys.Err())
	return dump
}

// spy is between the loader and the provider, and remembers what they say to each other.
type spy struct {
	mu      sync.Mutex
	secrets map[string]bool
}

// secretParameters are those whose values are nobody else's business. The others are names that many know.
var secretParameters = []string{
	"state", "code_verifier", "client_assertion", "request_uri", "identifier", "response", "csrf", "code", "login_hint",
}

// RoundTrip makes the request.
func (s *spy) RoundTrip(r *http.Request) (*http.Response, error) {
	s.parameters(r.URL.Query())
	if r.Body != nil {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		form, err := url.ParseQuery(string(body))
		if err != nil {
			return nil, err
		}
		s.parameters(form)
	}
	res, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	for _, c := range res.Cookies() {
		s.add(c.Value)
	}
	if u, err := url.Parse(res.Header.Get("Location")); err == nil {
		s.parameters(u.Query())
		for part := range strings.SplitSeq(u.Path, "/") {
			if len(part) == 22 {
				s.add(part) // the name of a login
			}
		}
	}
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return nil, err
	}
	res.Body = io.NopCloser(bytes.NewReader(body))
	switch kind := res.Header.Get("Content-Type"); {
	case strings.HasPrefix(kind, "application/jwt"):
		s.token(string(body))
	case strings.HasPrefix(kind, "application/json"):
		var answer struct {
			AccessToken string `json:"access_token"`
			IDToken     string `json:"id_token"`
			RequestURI  string `json:"request_uri"`
		}
		if json.Unmarshal(body, &answer) == nil {
			s.token(answer.AccessToken)
			s.token(answer.IDToken)
			s.handle(answer.RequestURI)
		}
	}
	return res, nil
}

func (s *spy) parameters(values url.Values) {
	for _, name := range secretParameters {
		for _, value := range values[name] {
			s.handle(value)
		}
	}
}

// token keeps a token, and what is in it.
func (s *spy) token(token string) {
	s.add(token)
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return
	}
	s.handle(parts[2])
	if payload, err := base64.RawURLEncoding.DecodeString(parts[1]); err == nil {
		var claims map[string]any
		if json.Unmarshal(payload, &claims) == nil {
			for _, name := range []string{"jti", "sub", "nonce", "name", "given_name", "family_name", "birthdate"} {
				if value, ok := claims[name].(string); ok {
					s.handle(value)
				}
			}
		}
	}
}

// handle keeps a value as it is, without a prefix that many share, and, if it is base64, what it encodes.
func (s *spy) handle(value string) {
	s.add(value)
	value = value[strings.LastIndex(value, ":")+1:]
	s.add(value)
	if raw, err := base64.RawURLEncoding.DecodeString(value); err == nil && len(raw) >= 16 {
		s.add(string(raw))
	}
}

// json keeps every text in a value.
func (s *spy) json(value any) {
	switch v := value.(type) {
	case string:
		s.add(v)
	case map[string]any:
		for _, member := range v {
			s.json(member)
		}
	case []any:
		for _, member := range v {
			s.json(member)
		}
	}
}

// add keeps a secret, unless it is so short that it stands in every heap of random bytes.
func (s *spy) add(secret string) {
	if len(secret) < 6 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.secrets[secret] = true
}

// search returns the secrets that are in the dump.
func search(dump []byte, secrets []string) (found []string) {
	const window = 8
	begins := map[uint64][]string{}
	for _, secret := range secrets {
		if len(secret) < window {
			if bytes.Contains(dump, []byte(secret)) {
				found = append(found, secret)
			}
			continue
		}
		begin := binary.BigEndian.Uint64([]byte(secret))
		begins[begin] = append(begins[begin], secret)
	}
	for i := 0; i+window <= len(dump); i++ {
		for _, secret := range begins[binary.BigEndian.Uint64(dump[i:])] {
			if bytes.HasPrefix(dump[i:], []byte(secret)) && !slices.Contains(found, secret) {
				found = append(found, secret)
			}
		}
	}
	return found
}
