package signet_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet"
	"github.com/gosignet/signet/audit"
	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/authenticator/idtoken"
	"github.com/gosignet/signet/authenticator/mock"
	"github.com/gosignet/signet/authenticator/passkey"
	"github.com/gosignet/signet/authenticator/wla"
	"github.com/gosignet/signet/internal/postgrestest"
	"github.com/gosignet/signet/internal/redistest"
	"github.com/gosignet/signet/login"
	"github.com/gosignet/signet/store"
	"github.com/gosignet/signet/store/memory"
	"github.com/gosignet/signet/store/postgres"
	"github.com/gosignet/signet/store/redis"
)

// private is somebody whom nothing else in the world resembles.
var private = mock.Persona{
	NationalID: "739105284617", PIN: "918273", Knowledge: map[string]string{"cardNumber": "6304 9850 2809 0561"},
	Claims: map[string]any{
		"name": "Zebedee Quillfeather", "birthdate": "1953-12-24", "email": "zq.private@example.org", "phone_number": "+15555550199",
	},
}

// recordingLedger remembers everything that was ever written.
type recordingLedger struct {
	store.Ledger
	to *recordingStore
}

func (l recordingLedger) Write(ctx context.Context, collection string, r store.Record) (store.Record, error) {
	l.to.note(collection+r.ID+r.Owner, r.Value)
	return l.Ledger.Write(ctx, collection, r)
}

// backends are the stores of a provider, and what is in their databases.
type backends struct {
	short  store.Ephemeral
	ledger store.Ledger
	dump   func() []byte
}

func inMemory(t *testing.T) *backends {
	s, err := memory.New(memory.Config{})
	require.NoError(t, err)
	t.Cleanup(func() { s.Close() })
	return &backends{s, s, func() []byte { return nil }}
}

func inPostgres(t *testing.T) *backends {
	dsn := postgrestest.Shared(t).NewDatabase(t)
	s, err := postgres.New(postgres.Config{DSN: dsn})
	require.NoError(t, err)
	t.Cleanup(func() { s.Close() })
	_, _, err = s.Migrate(t.Context())
	require.NoError(t, err)
	return &backends{s, s, func() []byte { return dumpTables(t, dsn) }}
}

func inRedis(t *testing.T) *backends {
	b := inPostgres(t)
	server := redistest.Start(t)
	s, err := redis.New(redis.Config{URL: server.URL()})
	require.NoError(t, err)
	t.Cleanup(func() { s.Close() })
	require.NoError(t, s.Begin(t.Context()))
	b.short = s
	tables := b.dump
	b.dump = func() []byte {
		dump := tables()
		keys := server.Client().Scan(t.Context(), 0, "*", 1000).Iterator()
		for keys.Next(t.Context()) {
			value, err := server.Client().Get(t.Context(), keys.Val()).Result()
			require.NoError(t, err)
			dump = append(append(append(dump, keys.Val()...), ' '), value...)
		}
		require.NoError(t, keys.Err())
		return dump
	}
	return b
}

// dumpTables returns every table, in the binary format of COPY: values are in it as they are.
func dumpTables(t *testing.T, dsn string) []byte {
	conn, err := pgx.Connect(t.Context(), dsn)
	require.NoError(t, err)
	defer conn.Close(context.Background())
	rows, err := conn.Query(t.Context(), `SELECT format('%I.%I', schemaname, tablename) FROM pg_tables
		WHERE schemaname NOT IN ('pg_catalog', 'information_schema')`)
	require.NoError(t, err)
	tables, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(t, err)
	var dump bytes.Buffer
	for _, table := range tables {
		_, err := conn.PgConn().CopyTo(t.Context(), &dump, "COPY "+table+" TO STDOUT (FORMAT binary)")
		require.NoError(t, err, table)
	}
	return dump.Bytes()
}

// privateWorld is a world whose every word is kept.
type privateWorld struct {
	*factorsWorld
	backends *backends
	written  *recordingStore
	wallet   *wallet
	secrets  []string
}

func newPrivateWorld(t *testing.T, b *backends) *privateWorld {
	t.Helper()
	w := &privateWorld{backends: b, written: &recordingStore{Ephemeral: b.short}}
	logs := &logLines{}
	var portal *handovers
	w.factorsWorld = newFactorsWorld(t, func(c *signet.Config) {
		people, err := mock.New(mock.Config{
			Password: password, Store: w.written, Factors: mock.AllFactors(), Personas: []mock.Persona{private}, Now: c.Now,
			Questions: []authenticator.FormField{
				{Name: "fullName"}, {Name: "dateOfBirth", Type: authenticator.FieldDate}, {Name: "cardNumber", Type: authenticator.FieldDigits},
			},
		})
		require.NoError(t, err)
		system := c.Authenticator.(*identitySystem)
		system.Mock = people
		secret := make([]byte, 32)
		rand.Read(secret)
		passkeys, err := passkey.New(passkey.Config{
			RPID: "id.example", Origins: []string{c.Issuer}, DisplayName: "Example ID", Ledger: recordingLedger{b.ledger, w.written},
			Identities: people, Secret: secret, Now: c.Now,
		})
		require.NoError(t, err)
		w.wallet = newWallet(t, private.NationalID, c.Now())
		wallets, err := wla.New(wla.Config{
			Bindings:   bindings{private.NationalID: {{Identity: authenticator.Identity{Subject: private.NationalID}, Certificate: w.wallet.certificate}}},
			Identities: people, Store: w.written, Now: c.Now,
		})
		require.NoError(t, err)
		portal = &handovers{identitySystem: system, bySub: map[string]*authenticator.Identity{}}
		handedOver, err := idtoken.New(idtoken.Config{
			Issuer: c.Issuer, Keys: c.Keys, Audience: []string{"portal"}, Identities: portal, Store: w.written, Now: c.Now,
		})
		require.NoError(t, err)
		c.Authenticator, c.Store, c.Methods = portal, w.written, []authenticator.Method{passkeys, wallets, handedOver}
		c.ACRs = append(c.ACRs, factorsACRs(authenticator.FactorSet{authenticator.Passkey}, authenticator.FactorSet{authenticator.Wallet},
			authenticator.FactorSet{authenticator.IDToken})...)
		c.EnrollmentACRs = []string{factorsACR(authenticator.Password)}
		c.Delay = login.Delay{Free: 10}
		// Six digits stand in many a time.
		c.Logger = slog.New(slog.NewJSONHandler(logs, &slog.HandlerOptions{
			Level: slog.LevelDebug, ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
				if a.Key == slog.TimeKey && len(groups) == 0 {
					return slog.Attr{}
				}
				return a
			},
		}))
	})
	w.logs = logs
	portal.subject = func(identity string) string { return w.provider.OpenID.Subject(w.portal.Client, identity) }
	w.keep(private.NationalID, private.PIN, password, mock.OTP)
	w.keepCard(private.Knowledge["cardNumber"])
	for _, claim := range private.Claims {
		w.keep(claim.(string))
	}
	return w
}

// keep notes what only the person should know, and returns the first.
func (w *privateWorld) keep(secrets ...string) string {
	w.secrets = append(w.secrets, secrets...)
	return secrets[0]
}

// keepCard notes the number of a card, as it is written and without spaces, and returns it.
func (w *privateWorld) keepCard(number string) string {
	return w.keep(number, strings.ReplaceAll(number, " ", ""))
}

// keepToken notes a JWT, its payload and its signature, and returns it.
func (w *privateWorld) keepToken(token string) string {
	parts := strings.Split(token, ".")
	require.Len(w, parts, 3)
	return w.keep(token, parts[1], parts[2])
}

// all is everything that was logged, audited and stored.
func (w *privateWorld) all() string {
	w.Helper()
	var all strings.Builder
	for _, line := range w.logs.all() {
		all.WriteString(line)
	}
	w.trail.mu.Lock()
	for _, e := range w.trail.events {
		e.Time = time.Time{}
		event, err := json.Marshal(e)
		require.NoError(w, err)
		all.Write(event)
	}
	w.trail.mu.Unlock()
	w.written.mu.Lock()
	all.WriteString(w.written.written.String())
	w.written.mu.Unlock()
	all.Write(w.backends.dump())
	return all.String()
}

// found are the secrets that are in the text, as they are or encoded.
func found(text string, secrets []string) (names []string) {
	text = strings.ToLower(text)
	for _, secret := range secrets {
		for how, disguised := range disguises(secret) {
			if strings.Contains(text, strings.ToLower(disguised)) {
				names = append(names, how+" "+secret)
			}
		}
	}
	return names
}

// disguises are the forms of a secret in which a search for it fails. In base64 it begins at one of three places, and what is
// beside it changes its first and last letters.
func disguises(secret string) map[string]string {
	all := map[string]string{"plain": secret, "hex": hex.EncodeToString([]byte(secret))}
	for before, alignment := range []string{"0", "1", "2"} {
		padded := append(make([]byte, before), secret...)
		first, last := (8*before+5)/6, 8*len(padded)/6
		all["base64 "+alignment] = base64.StdEncoding.EncodeToString(padded)[first:last]
		all["base64url "+alignment] = base64.URLEncoding.EncodeToString(padded)[first:last]
	}
	return all
}

func TestNothingPersonalIsLoggedOrStored(t *testing.T) {
	t.Parallel()
	for name, open := range map[string]func(*testing.T) *backends{
		"in memory": inMemory, "PostgreSQL alone": inPostgres, "Redis and PostgreSQL": inRedis,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newPrivateWorld(t, open(t))
			w.useEveryFactor()
			w.breakEveryFactor()
			all := w.all()
			require.Greater(t, len(all), 10<<10)
			require.Contains(t, all, "authenticator panicked", "the log is in it")
			require.Contains(t, all, "authentication_attempted", "and the audit trail")
			require.NotEmpty(t, w.trail.of("device_enrolled"))
			assert.Empty(t, found(all, w.secrets))

			// The search finds what is there, wherever it stands and however it is written.
			for _, secret := range w.secrets {
				raw := "beside " + secret + " beside"
				for how, planted := range map[string]string{
					"plain": raw, "hex": hex.EncodeToString([]byte(raw)), "base64": base64.StdEncoding.EncodeToString([]byte(raw)),
					"base64url": base64.RawURLEncoding.EncodeToString([]byte("b" + raw)),
				} {
					require.NotEmpty(t, found(planted, []string{secret}), "%s %s", how, secret)
				}
			}
			for i, plant := range []func(secret string){
				func(s string) { w.config.Logger.Info(s) },
				func(s string) { w.config.Audit.Record(t.Context(), audit.Event{Reason: s}) },
				func(s string) { require.NoError(t, w.written.Put(t.Context(), "planted", []byte(s), time.Minute)) },
				func(s string) {
					require.NoError(t, w.backends.short.Put(t.Context(), "dumped", []byte(s), time.Minute))
				},
			} {
				if secret := "planted secret " + string(rune('a'+i)); i < 3 || name != "in memory" { // which has no dump
					plant(secret)
					require.NotEmpty(t, found(w.all(), []string{secret}), "planted at %d", i)
				}
			}
		})
	}
}

// useEveryFactor has the person log in by each factor, wrongly first.
func (w *privateWorld) useEveryFactor() {
	w.Helper()
	person := private.NationalID
	try := func(page, wrong, right []string, f authenticator.Factor) {
		b := w.from("192.0.2.1")
		s := b.begin(f)
		if page != nil {
			s = b.submit(s, "/identify/"+string(f), page...)
		}
		s = b.submit(s, "/verify/"+string(f), wrong...)
		require.NotEmpty(w, s.banner(), f)
		s = b.submit(s, "/verify/"+string(f), right...)
		require.Equal(w, "consent", s.page(), "%s: %s", f, s.banner())
		end, _ := b.walk(s, person)
		token, access := b.redeem(w.portal, end.query)
		w.keep(token.raw, access, end.query.Get("code"))
		request, err := http.NewRequestWithContext(w.Context(), http.MethodGet, w.URL+"/userinfo", nil)
		require.NoError(w, err)
		request.Header.Set("Authorization", "Bearer "+access)
		response, err := w.Client().Do(request)
		require.NoError(w, err)
		response.Body.Close()
		require.Equal(w, http.StatusOK, response.StatusCode)
	}
	named := func(fields ...string) []string { return append([]string{"identifier", person}, fields...) }
	known := func(name, card string) []string {
		return named("field.fullName", name, "field.dateOfBirth.day", "24", "field.dateOfBirth.month", "12", "field.dateOfBirth.year", "1953",
			"field.cardNumber", card)
	}
	try(named("channel", "email"), []string{"response", w.keep("564738")}, []string{"response", mock.OTP}, authenticator.OTP)
	try(nil, named("response", w.keep("Tulip-Anchor-58")), named("response", password), authenticator.Password)
	try(nil, named("response", w.keep("647382")), named("response", private.PIN), authenticator.PIN)
	try(nil, known(w.keep("Barnaby Wrongname"), w.keepCard("6759 6498 2643 8453")),
		known("Zebedee Quillfeather", private.Knowledge["cardNumber"]), authenticator.Knowledge)
	try(nil, named("response", w.capture("a stale thumb", -time.Hour)), named("response", w.capture("a fresh thumb", 0)), authenticator.Biometrics)

	stranger := w.from("192.0.2.2")
	stranger.submit(stranger.begin(authenticator.Password), "/verify/pwd", "identifier", w.keep("860274195308"), "response", "whatever else")

	login := w.provider.Login
	device := newSoftwareDevice(w.T)
	handle := w.beginFlow(w.portal, authenticator.Password)
	_, err := login.WishToEnroll(w.Context(), handle, authenticator.Passkey)
	require.NoError(w, err)
	_, err = w.answer(handle, person, authenticator.Password, password)
	require.NoError(w, err)
	options, err := login.EnrollmentOptions(w.Context(), handle)
	require.NoError(w, err)
	_, err = login.Enroll(w.Context(), handle, w.keep(device.create(options)))
	require.NoError(w, err)
	handle = w.beginFlow(w.portal, authenticator.Passkey)
	for _, d := range []*softwareDevice{newSoftwareDevice(w.T), device} {
		options, err = login.Challenge(w.Context(), handle, authenticator.Passkey)
		require.NoError(w, err)
		_, err = w.answer(handle, "", authenticator.Passkey, w.keep(d.get(options, device)))
		require.Equal(w, d == device, err == nil, "%v", err)
		w.keep(string(d.id))
	}
	w.keep(handle, string(device.handle), string(device.point()[1:33]))

	for _, of := range []*wallet{newWallet(w.T, person, w.clock.now()), w.wallet} {
		token := of.token(w.T, w.clock.now())
		_, err := w.answer(w.beginFlow(w.portal, authenticator.Wallet), "", authenticator.Wallet, token)
		require.Equal(w, of == w.wallet, err == nil, "%v", err)
		w.keepToken(token)
		w.keep(string(of.certificate.Raw[40:80]))
	}

	for _, forged := range []bool{true, false} {
		handle = w.beginFlow(w.clinic, authenticator.IDToken)
		token := w.keepToken(w.handOver(handle, person))
		if forged {
			token = w.keepToken(token[:strings.LastIndexByte(token, '.')+1] + strings.Repeat("Q", 86))
		}
		_, err := w.answer(handle, "", authenticator.IDToken, token)
		require.Equal(w, forged, err != nil, "%v", err)
	}
}

// breakEveryFactor has the identity system fail with what it was told in its hands.
func (w *privateWorld) breakEveryFactor() {
	w.Helper()
	w.clock.advance(16 * time.Minute) // the limits forget
	w.system.set(func(_ context.Context, r *authenticator.Request) (*authenticator.Identity, error) {
		panic(r.Identifier.Value + r.Challenges[0].Response)
	}, func(_ context.Context, r *authenticator.CodeRequest) (*authenticator.CodeReceipt, error) {
		panic(r.Identifier.Value)
	})
	b := w.from("192.0.2.3")
	b.submit(b.begin(authenticator.OTP), "/identify/otp", "identifier", private.NationalID, "channel", "email")
	b.submit(b.begin(authenticator.Password), "/verify/pwd", "identifier", private.NationalID, "response", password)
	b.submit(b.begin(authenticator.PIN), "/verify/pin", "identifier", private.NationalID, "response", private.PIN)
}

// capture is what a device gives, of so long ago.
func (w *privateWorld) capture(value string, ago time.Duration) string {
	signed, err := json.Marshal(map[string]any{
		"digitalId": "a JWT", "bioType": "Finger", "bioValue": w.keep(value), "transactionId": "0123456789",
		"timestamp": w.clock.now().Add(ago).Format(time.RFC3339Nano), "purpose": "Auth",
	})
	require.NoError(w, err)
	encode := base64.RawURLEncoding.EncodeToString
	data, err := json.Marshal(map[string]any{"biometrics": []any{map[string]any{
		"specVersion": "1.0", "hash": "hash", "sessionKey": "key", "thumbprint": "thumbprint",
		"data": encode([]byte(`{"alg":"RS256"}`)) + "." + encode(signed) + "." + strings.Repeat("A", 342),
	}}})
	require.NoError(w, err)
	return encode(data)
}
