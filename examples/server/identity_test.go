package main

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"log/slog"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/authenticator/ida"
	"github.com/gosignet/signet/authenticator/mock"
	"github.com/gosignet/signet/authenticator/remote"
	"github.com/gosignet/signet/authenticator/router"
	"github.com/gosignet/signet/examples/registry/register"
	"github.com/gosignet/signet/store/memory"
)

func registerFile(t *testing.T) string {
	t.Helper()
	file, err := filepath.Abs("../registry/register.csv")
	require.NoError(t, err)
	return file
}

// keyPair is an RSA key and a certificate of it, in PEM.
var keyPair = sync.OnceValues(func() (key, certificate string) {
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		panic(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		panic(err)
	}
	encode := func(kind string, der []byte) string {
		return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
	}
	return encode("PRIVATE KEY", pkcs8), encode("CERTIFICATE", der)
})

// configuration writes a file, and what it refers to by these names, and returns the name of the file.
func configuration(t *testing.T, json string) string {
	t.Helper()
	dir := t.TempDir()
	key, certificate := keyPair()
	people := "id,national_id,salt,pin,name,name#en,birthdate,phone_number\n" +
		"p-1," + person + ",saltsalt," + register.Hash("saltsalt", "271828", 1000) + ",សុខ ដារ៉ា,Sok Dara,1990-05-14,+85500000269\n"
	for name, content := range map[string]string{
		"configuration.json": json, "secret": "a-secret-of-the-operator\n", "partner.key": key, "partner.pem": certificate, "ca.pem": certificate,
		"register.csv": people, "personas.json": `[{"national_id":"12345","claims":{"name":"Name"}}]`, "empty": "", "lines": "a\nb\n",
	} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600))
	}
	return filepath.Join(dir, "configuration.json")
}

// build makes the identity system of a file.
func build(t *testing.T, ctx context.Context, file string) (*identitySystem, error) {
	t.Helper()
	state, err := memory.New(memory.Config{})
	require.NoError(t, err)
	b := &identityBuilder{
		config: &config{identityFile: file}, ctx: ctx, store: state, secret: make([]byte, minSecret), logger: slog.New(slog.DiscardHandler),
	}
	return b.build()
}

func TestPeopleOfARegisterLogInByPIN(t *testing.T) {
	t.Parallel()
	s := start(t, "-identity", configuration(t, `{"type": "csv", "file": "register.csv", "iterations": 1000}`))
	assert.NotContains(t, s.banner, "invented")
	assert.NotContains(t, s.banner, password)
	v := visit(t, s.portal+"/login")
	v.press("verify_pin", "identifier", person, "response", "271828")
	share(v)
	assert.Contains(t, v.page, name)
	require.NoError(t, s.stop())
	assert.NotContains(t, s.log.String(), person)
}

const registerWithCodes = `{"type": "csv", "file": "register.csv", "iterations": 1000, "sender": {"phone": {"type": "log"}},
	"decoys": [{"channel": "phone", "address": "+85500000000"}]}`

func TestPeopleOfARegisterLogInByCode(t *testing.T) {
	t.Parallel()
	s := start(t, "-log-format", "json", "-identity", configuration(t, registerWithCodes))
	v := visit(t, s.portal+"/login")
	assert.True(t, v.shows("login_with_pop"), "a directory recalls people, so that they can have passkeys")
	v.press("login_with_otp")
	v.press("get_otp", "identifier", person)
	var code []string
	require.Eventually(t, func() bool {
		code = regexp.MustCompile(`"code":"(\d+)"`).FindStringSubmatch(s.log.String())
		return code != nil
	}, time.Minute, 5*time.Millisecond)
	v.press("verify_otp", "response", code[1])
	share(v)
	assert.Contains(t, v.page, name)

	v = visit(t, s.portal+"/login")
	v.press("login_with_pin")
	v.press("verify_pin", "identifier", person, "response", "271828")
	assert.Contains(t, v.page, name)
	require.NoError(t, s.stop())
}

func TestCodesAreLoggedInDevelopmentOnly(t *testing.T) {
	t.Parallel()
	file := configuration(t, registerWithCodes)
	for name, tt := range map[string]struct {
		config config
		fine   bool
	}{
		"on this machine":  {config{issuer: "http://localhost:8080"}, true},
		"in the world":     {config{issuer: "https://id.example"}, false},
		"if somebody says": {config{issuer: "https://id.example", development: true}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			state, err := memory.New(memory.Config{})
			require.NoError(t, err)
			tt.config.identityFile = file
			b := &identityBuilder{config: &tt.config, ctx: t.Context(), store: state, secret: make([]byte, minSecret), logger: slog.New(slog.DiscardHandler)}
			s, err := b.build()
			if !tt.fine {
				require.ErrorContains(t, err, "sender.phone: sender: codes are written to a log in Development only")
				return
			}
			require.NoError(t, err)
			require.NoError(t, s.close())
		})
	}
}

// startRemote serves the mock to who signs with the key of configuration.
func startRemote(t *testing.T) *httptest.Server {
	t.Helper()
	return serveRemote(t, newPeople(t))
}

// newPeople is the mock with passwords.
func newPeople(t *testing.T) *mock.Mock {
	t.Helper()
	state, err := memory.New(memory.Config{})
	require.NoError(t, err)
	people, err := mock.New(mock.Config{Password: password, Store: state, Factors: []authenticator.Factor{authenticator.Password}})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, people.Close()) })
	return people
}

// serveRemote serves an Authenticator to who signs with the key of configuration.
func serveRemote(t *testing.T, people authenticator.Authenticator) *httptest.Server {
	t.Helper()
	state, err := memory.New(memory.Config{})
	require.NoError(t, err)
	_, certificate := keyPair()
	block, _ := pem.Decode([]byte(certificate))
	parsed, err := x509.ParseCertificate(block.Bytes)
	require.NoError(t, err)
	server := httptest.NewUnstartedServer(nil)
	server.Config.Handler, err = remote.Handler(people, remote.ServerConfig{
		Keys: []crypto.PublicKey{parsed.PublicKey}, BaseURL: "http://" + server.Listener.Addr().String(), Replays: state,
	})
	require.NoError(t, err)
	server.Start()
	t.Cleanup(server.Close)
	return server
}

func TestPeopleOfARemoteSystemLogIn(t *testing.T) {
	t.Parallel()
	s := start(t, "-identity", configuration(t, `{"type": "remote", "base_url": "`+startRemote(t).URL+`", "allow_http": true, "key_file": "partner.key"}`))
	v := visit(t, s.portal+"/login")
	v.press("login_with_pwd")
	v.press("verify_password", "identifier", person, "response", password)
	share(v)
	assert.Contains(t, v.page, name)
	require.NoError(t, s.stop())
}

func TestSeveralSystemsAreOne(t *testing.T) {
	t.Parallel()
	s := start(t, "-identity", configuration(t, `{"type": "router", "systems": [
		{"name": "register", "choose": {"clients": ["clinic"]}, "config": {"type": "csv", "file": "register.csv", "iterations": 1000}},
		{"name": "citizens", "config": {"type": "remote", "base_url": "`+startRemote(t).URL+`", "allow_http": true, "key_file": "partner.key"}}]}`))
	v := visit(t, s.portal+"/login")
	assert.True(t, v.shows("login_with_pin"), "some system knows PINs")
	v.press("login_with_pwd")
	v.press("verify_password", "identifier", person, "response", password)
	share(v)
	assert.Contains(t, v.page, name)
	require.NoError(t, s.stop())
}

func TestSystemsAreChosenByWhatTheyAreFor(t *testing.T) {
	t.Parallel()
	choose := chooser([]choice{
		{name: "citizens"}, {name: "replica"},
		{name: "residents", types: []string{"permit"}},
		{name: "tax", clients: []string{"tax-office"}, types: []string{"permit", "tin"}},
	})
	for want, c := range map[string]router.Choice{
		"citizens replica": {ClientID: "portal"},
		"residents":        {ClientID: "portal", Identifier: authenticator.Identifier{Type: "permit"}},
		"residents tax":    {ClientID: "tax-office", Identifier: authenticator.Identifier{Type: "permit"}},
		"tax":              {ClientID: "tax-office", Identifier: authenticator.Identifier{Type: "tin"}},
	} {
		assert.Equal(t, want, strings.Join(choose(c), " "))
	}
}

const idaConfiguration = `{"type": "ida", "auth_url": "https://ida.example.org/idauthentication/v1", "license_key_file": "secret",
	"partner": {"id": "partner"}, "domain_uri": "https://id.example", "environment": "Developer",
	"key_file": "partner.key", "certificate_file": "partner.pem", "ida_certificate_file": "partner.pem", "signing_certificates_file": "partner.pem",
	"factors": ["otp", "bio"], "biometrics": {"fingers": 2}}`

func TestIDATellsDevicesItsTransactionAndEnvironment(t *testing.T) {
	t.Parallel()
	s, err := build(t, t.Context(), configuration(t, idaConfiguration))
	require.NoError(t, err)
	assert.Equal(t, []authenticator.Factor{authenticator.OTP, authenticator.Biometrics}, s.Factors())
	assert.Equal(t, ida.TransactionID("abc-123"), s.captureTransaction("abc-123"))
	assert.Equal(t, "Developer", s.biometrics.Environment)
	assert.Equal(t, 2, s.biometrics.Fingers)
}

func TestSessionsDoNotGoWithIDA(t *testing.T) {
	t.Parallel()
	err := run(t.Context(), []string{"-listen", "127.0.0.1:0", "-portal-listen", "", "-sessions", "-identity", configuration(t, idaConfiguration)},
		env(nil), nil, ending(func() {}), io.Discard)
	require.ErrorContains(t, err, "-sessions: do not go with MOSIP")
}

func TestSunbirdReleasesTheClaimsOfTheFile(t *testing.T) {
	t.Parallel()
	s, err := build(t, t.Context(), configuration(t, `{"type": "sunbird", "search_url": "https://r.example/search", "entity_url": "https://r.example/",
		"form": {"identifier": {"name": "policy"}, "fields": [{"name": "dob", "type": "date"}]},
		"claims": {"name": {"field": "fullName"}, "name#km": {"field": "khmer"}}, "tls": {"certificate_file": "partner.pem", "key_file": "partner.key"}}`))
	require.NoError(t, err)
	assert.Equal(t, []string{"name"}, s.claims)
	assert.Equal(t, []authenticator.Factor{authenticator.Knowledge}, s.Factors())
}

func TestQuestionsComeFromESignetsSchemaToo(t *testing.T) {
	t.Parallel()
	const file = `{"type": "sunbird", "search_url": "https://r.example/search", "entity_url": "https://r.example/", "individual_id_field": "policy", "field_details": `
	s, err := build(t, t.Context(), configuration(t, file+`{"schema": [
		{"id": "policy", "controlType": "textbox", "labelName": {"eng": "Policy"}, "required": true},
		{"id": "dob", "controlType": "date", "labelName": {"eng": "Born"}, "required": true, "format": "dd/mm/yyyy"}]}}`))
	require.NoError(t, err)
	form, err := s.Authenticator.(authenticator.FormProvider).Form(t.Context(), authenticator.Knowledge)
	require.NoError(t, err)
	assert.Equal(t, "policy", form.Identifier.Name)
	assert.Equal(t, "dd/mm/yyyy", form.Fields[0].Format)

	_, err = build(t, t.Context(), configuration(t, file+`[{"id": "a", "type": "colour"}, {"id": "b", "more": 1}], "form": {"fields": [{"name": "x"}]}}`))
	for _, want := range []string{
		"field_details: stands for form", `schema[0] ("a").controlType: is none of`, `schema[1] ("b").more: is not known`, "individual-id-field: is none of the fields",
	} {
		assert.ErrorContains(t, err, want)
	}
}

func TestTheMockOfAFileHasItsOwnPassword(t *testing.T) {
	t.Parallel()
	s, err := build(t, t.Context(), configuration(t, `{"type": "mock", "personas_file": "personas.json", "password_file": "secret",
		"factors": ["pwd"], "claims_supported": ["name", "email"]}`))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.close()) })
	assert.Equal(t, []string{"name", "email"}, s.claims)
	_, err = s.Authenticate(t.Context(), &authenticator.Request{
		Identifier: authenticator.Identifier{Value: "12345"}, Challenges: []authenticator.Challenge{{Factor: authenticator.Password, Response: "a-secret-of-the-operator"}},
	})
	require.NoError(t, err)
	_, err = build(t, t.Context(), configuration(t, `{"type": "mock"}`))
	require.ErrorContains(t, err, "a password has 1 to 1024 bytes", "not the one that everybody knows")
}

func TestWhatIsVerifiedIsThatOfThePeopleUnlessTheFileSaysSo(t *testing.T) {
	t.Parallel()
	const people = `{"type": "mock", "password_file": "secret"`
	for file, want := range map[string][]string{
		people + `}`: {"urn:example:address-check", "urn:example:civil-register", "urn:example:telecom"},
		people + `, "assurance": {"trust_frameworks_supported": ["x"], "claims_in_verified_claims_supported": ["name"]}}`: {"x"},
		people + `, "assurance": {}}`:                                 {},
		`{"type": "csv", "file": "register.csv", "iterations": 1000}`: {},
		`{"type": "router", "systems": [{"name": "a", "config": ` + people + `}},
			{"name": "b", "config": {"type": "csv", "file": "register.csv", "iterations": 1000}}]}`: {
			"urn:example:address-check", "urn:example:civil-register", "urn:example:telecom",
		},
	} {
		s, err := build(t, t.Context(), configuration(t, file))
		require.NoError(t, err)
		assert.ElementsMatch(t, want, s.assurance.TrustFrameworks, file)
		require.NoError(t, s.close())
	}
}

func TestAllThatIsWrongWithAnIdentityFileIsSaidAtOnce(t *testing.T) {
	t.Parallel()
	for file, wants := range map[string][]string{
		`[]`:                            {"not a JSON object"},
		`{"type": "csv"} {}`:            {"not a JSON object"},
		`{"type": "mock", "type": "x"}`: {"type: is there twice"},
		`{"type": "csv", "fil": "x", "sender": {"phone": {"type": "pigeon"}}}`: {
			"file: is missing", "fil: is not known", "sender.phone.type: is none of",
		},
		`{"type": "csv", "file": "lines", "iterations": 10}`: {"file: the register has a person without id", "iterations: is less than 1000"},
		`{"type": "csv", "file": "register.csv", "iterations": 1000, "sender": {"phone": {"type": "gateway", "url": "x", "headers": {"Key": 1}},
			"email": {"type": "smtp", "password": "a-secret-of-the-operator", "password_file": "lines"}}, "code_length": "six", "code_lifetime": "3"}`: {
			"sender.phone.headers: is not an object of texts", "sender.phone: sender: Body is required", "sender.phone: sender: URL is not absolute",
			"sender.email.password: is not known", "sender.email.password_file: the file does not hold one line", "sender.email: sender: Host is required",
			"code_length: is not a number", "code_lifetime: is not a duration",
		},
		`{"type": "remote", "key_file": "secret", "tls": {"ca_file": "empty", "certificate_file": "partner.pem"}, "timeout": null}`: {
			"key_file: keystore: no private key", "tls.ca_file: the file has no certificate", "tls.certificate_file: needs key_file", "timeout: is not a text",
		},
		`{"type": "mock", "password_file": "secret", "assurance": {"claims": ["name"]}}`: {`assurance: "claims" in it is not known`},
		`{"type": "mock", "password_file": "secret", "assurance": []}`:                   {"assurance: is not what it should be"},
		`{"type": "remote", "base_url": "http://x.example"}`:                             {"BaseURL is not https", "requests are not authenticated"},
		`{"type": "ida", "license_key": "a-secret-of-the-operator", "key_file": "partner.pem", "biometrics": {"eyes": 3}, "decoys": [{"fax": "1"}]}`: {
			"license_key: is not known", "key_file: keystore", "biometrics.eyes: is not known", "decoys[0].fax: is not known",
		},
		`{"type": "ida", "partners": {"a": {}}, "partner": {"id": "p"}}`: {"partners.a.id: is missing"},
		`{"type": "ida"}`: {"AuthURL is required", "LicenseKey is missing", "DomainURI is required"},
		`{"type": "sunbird", "form": {"fields": [{"nam": "x"}]}, "claims": {"name": {"filed": "x"}}}`: {
			`form: "nam" in it is not known`, "claims.name.filed: is not known",
		},
		`{"type": "sunbird"}`: {"SearchURL: is required", "Form has no Identifier"},
		`{"type": "router", "systems": [{"name": "a", "config": {"type": "mock"}}, {"name": "b", "config": {"type": "csv", "x": 1}},
			{"name": "c"}, {"name": "d", "config": {"type": "router"}}, {"name": "e", "choose": {"by": 1}, "config": []}], "y": 1}`: {
			"systems[0].config: mock: a password has", "systems[1].config.x: is not known", "systems[1].config.file: is missing",
			"systems[2].config: is missing", "systems[3].config.type: a router is in no router", "systems[4].choose.by: is not known",
			"systems[4].config is not a JSON object", "y: is not known",
		},
		`{"type": "router"}`: {"Systems are required"},
	} {
		t.Run(file, func(t *testing.T) {
			t.Parallel()
			_, err := build(t, t.Context(), configuration(t, file))
			for _, want := range wants {
				require.ErrorContains(t, err, want)
			}
			assert.NotContains(t, err.Error(), "a-secret-of-the-operator")
			lines := strings.Split(err.Error(), "\n")
			seen := make(map[string]bool)
			for _, line := range lines {
				assert.False(t, seen[line], "said twice: %s", line)
				seen[line] = true
			}
		})
	}
}

func TestTheClientBehindAProxyIsWhoseAttemptsCount(t *testing.T) {
	t.Parallel()
	var trusted proxies
	require.NoError(t, trusted.add("10.0.0.0/8"))
	for remote, want := range map[string]string{"10.1.2.3:99": "198.51.100.1:0", "203.0.113.9:99": "203.0.113.9:99"} {
		var seen string
		handler := trusted.addressed(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { seen = r.RemoteAddr }))
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.RemoteAddr = remote
		r.Header.Set("X-Forwarded-For", "198.51.100.1")
		handler.ServeHTTP(httptest.NewRecorder(), r)
		assert.Equal(t, want, seen)
		assert.Equal(t, remote, r.RemoteAddr, "the request of others is as it was")
	}
}
