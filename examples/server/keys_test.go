package main

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"io"
	"math/big"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/examples/load"
	"github.com/gosignet/signet/internal/softhsmtest"
	"github.com/gosignet/signet/keystore"
	"github.com/gosignet/signet/keystore/pkcs12"
)

func TestMain(m *testing.M) { os.Exit(softhsmtest.Run(m)) }

// filePassword protects key files. Nothing that the server writes may contain it.
const filePassword = "the password of the key file"

func textFile(t *testing.T, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "secret")
	require.NoError(t, os.WriteFile(file, []byte(text+"\n"), 0o600))
	return file
}

// jwks fetches the JSON Web Key Set of a server.
func (s *running) jwks(t *testing.T) *jose.JSONWebKeySet {
	t.Helper()
	_, body := get(t, http.DefaultClient, s.issuer+"/jwks.json")
	assertNoSecrets(t, body)
	set := new(jose.JSONWebKeySet)
	require.NoError(t, json.Unmarshal([]byte(body), set))
	for _, key := range set.Keys {
		assert.True(t, key.IsPublic())
		sum, err := key.Thumbprint(crypto.SHA256)
		require.NoError(t, err)
		assert.Equal(t, base64.RawURLEncoding.EncodeToString(sum), key.KeyID)
	}
	return set
}

func kids(set *jose.JSONWebKeySet) (all []string) {
	for _, key := range set.Keys {
		all = append(all, key.KeyID)
	}
	slices.Sort(all)
	return all
}

// end stops a server and makes sure that its log has no secrets.
func (s *running) end(t *testing.T) {
	t.Helper()
	require.NoError(t, s.stop())
	assertNoSecrets(t, s.banner+s.log.String())
}

// assertNoSecrets looks for passwords, PINs and private keys in what the server says.
func assertNoSecrets(t *testing.T, text string) {
	t.Helper()
	for _, secret := range []string{filePassword, softhsmtest.PIN, "PRIVATE KEY", "pin-value", `"d":`, `"p":`, "BEGIN PKCS12"} {
		assert.NotContains(t, text, secret)
	}
}

// refused runs a server that must not start, and returns why.
func refused(t *testing.T, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var log bytes.Buffer
	args = append([]string{"-listen", "127.0.0.1:0", "-portal-listen", ""}, args...)
	err := run(ctx, args, env(nil), nil, ending(cancel), &log)
	require.Error(t, err)
	assertNoSecrets(t, err.Error()+log.String())
	return err.Error()
}

// loadClient registers a relying party in a file for -clients, and returns that and the party's key.
func loadClient(t *testing.T) (file string, key *keystore.Key) {
	t.Helper()
	keys, err := keystore.Generate(jose.ES256)
	require.NoError(t, err)
	key, err = keys.Signer(t.Context(), keystore.TokenSigning, jose.ES256)
	require.NoError(t, err)
	text, err := json.Marshal([]map[string]any{{
		"client_id": "load", "client_name": "Load", "redirect_uris": []string{"https://load.example/callback"},
		"jwks":                       jose.JSONWebKeySet{Keys: []jose.JSONWebKey{key.Public()}},
		"token_endpoint_auth_method": "private_key_jwt", "token_endpoint_auth_signing_alg": "ES256",
		"scope": "openid profile", "profile": "fapi2",
	}})
	require.NoError(t, err)
	return clientsFile(t, string(text)), key
}

// login logs somebody in at a server that has the client, verifies the ID Token with what the server publishes, and
// returns the kid of its signature.
func (s *running) login(t *testing.T, key *keystore.Key) (kid string) {
	t.Helper()
	verify := &verifier{}
	person := load.Person{ID: personIn(s.banner), Password: "signet-demo"}
	loader, err := load.New(t.Context(), load.Config{
		Issuer: s.issuer, ClientID: "load", RedirectURI: "https://load.example/callback", Key: key,
		People: []load.Person{person}, Transport: verify,
	})
	require.NoError(t, err)
	_, err = loader.Login(t.Context())
	require.NoError(t, err)
	jws, err := jose.ParseSignedCompact(verify.idToken, []jose.SignatureAlgorithm{jose.ES256})
	require.NoError(t, err)
	payload, err := jws.Verify(s.jwks(t))
	require.NoError(t, err)
	assert.Contains(t, string(payload), s.issuer)
	return jws.Signatures[0].Header.KeyID
}

// verifier keeps the ID Token that passes through it.
type verifier struct{ idToken string }

func (v *verifier) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := http.DefaultTransport.RoundTrip(r)
	if err != nil || !strings.HasSuffix(r.URL.Path, "/token") {
		return res, err
	}
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return nil, err
	}
	res.Body.Close()
	res.Body = io.NopCloser(bytes.NewReader(body))
	var tokens struct {
		IDToken string `json:"id_token"`
	}
	err = json.Unmarshal(body, &tokens)
	v.idToken = tokens.IDToken
	return res, err
}

func personIn(banner string) string {
	for line := range strings.Lines(banner) {
		if fields := strings.Fields(line); len(fields) > 1 && len(fields[0]) == 10 && strings.Trim(fields[0], "0123456789") == "" {
			return fields[0]
		}
	}
	return ""
}

func TestKeysInAFileOutliveARestart(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "keys.p12")
	clients, key := loadClient(t)
	args := []string{"-portal-listen", "", "-algorithms", "ES256", "-clients", clients,
		"-keys", "pkcs12:file=" + file + ";password-file=" + textFile(t, filePassword) + ";create"}
	s := start(t, args...)
	before := s.jwks(t)
	assert.Len(t, before.Keys, 3, "ES256, and two that decrypt")
	signed := s.login(t, key)
	s.end(t)
	info, err := os.Stat(file)
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o600), info.Mode())
	content, err := os.ReadFile(file)
	require.NoError(t, err)

	s = start(t, args...)
	assert.Equal(t, kids(before), kids(s.jwks(t)))
	assert.Equal(t, signed, s.login(t, key))
	s.end(t)
	after, err := os.ReadFile(file)
	require.NoError(t, err)
	assert.Equal(t, content, after)
	left, err := os.ReadDir(filepath.Dir(file))
	require.NoError(t, err)
	for _, entry := range left {
		assert.Contains(t, []string{"keys.p12", ".keys.p12.lock", "keys.p12.lock"}, entry.Name(), "no temporary file stays")
	}
}

func TestAKeyFileThatIsNotRightStopsTheStart(t *testing.T) {
	t.Parallel()
	password := textFile(t, filePassword)
	good := keyFile(t, time.Now())
	for name, test := range map[string]struct {
		content  []byte
		mode     os.FileMode
		password string
		create   bool
		want     string
	}{
		"another password":       {good, 0o600, textFile(t, "another one"), true, "pkcs12: wrong password, or the file is damaged"},
		"no password":            {good, 0o600, textFile(t, ""), true, "the password is empty"},
		"a truncated file":       {good[:len(good)-100], 0o600, password, true, "pkcs12: "},
		"something else":         {[]byte("a text"), 0o600, password, true, "pkcs12: "},
		"an empty file":          {[]byte{}, 0o600, password, true, "pkcs12: "},
		"readable for a group":   {good, 0o640, password, true, "pkcs12: "},
		"no file":                {nil, 0, password, false, "pkcs12: there is no file, and Create is not set"},
		"an expired certificate": {keyFile(t, time.Now().AddDate(-1, 0, 0)), 0o600, password, true, "expired"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(t.TempDir(), "keys.p12")
			if test.content != nil {
				require.NoError(t, os.WriteFile(file, test.content, test.mode))
				require.NoError(t, os.Chmod(file, test.mode))
			}
			keys := "pkcs12:file=" + file + ";password-file=" + test.password
			if test.create {
				keys += ";create"
			}
			why := refused(t, "-keys", keys, "-algorithms", "ES256")
			t.Log(why)
			assert.Contains(t, why, "-keys: ")
			assert.Contains(t, why, test.want)
			after, err := os.ReadFile(file)
			if test.content == nil {
				assert.ErrorIs(t, err, os.ErrNotExist)
				return
			}
			require.NoError(t, err)
			assert.Equal(t, test.content, after, "the file is as it was")
		})
	}
}

// keyFile is a key file with the password, whose signing key was made at a time and has a certificate for 90 days.
func keyFile(t *testing.T, made time.Time) []byte {
	t.Helper()
	file := filepath.Join(t.TempDir(), "made.p12")
	vault, err := pkcs12.Open(t.Context(), pkcs12.Config{
		Storage: pkcs12.File(file), Password: func() ([]byte, error) { return []byte(filePassword), nil }, Create: true,
		Iterations: 10_000, Now: func() time.Time { return made },
	})
	require.NoError(t, err)
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	chain := newAuthority(t, made).issue(t, key.Public(), pkix.Name{CommonName: "id.example"}, made)
	label := "signet/token-signing/ES256/" + big.NewInt(made.Unix()).String()
	_, err = vault.Import(t.Context(), label, "ES256", key, chain)
	require.NoError(t, err)
	content, err := os.ReadFile(file)
	require.NoError(t, err)
	return content
}

func TestPeopleLogInWithKeysInAToken(t *testing.T) {
	t.Parallel()
	token := softhsmtest.New(t)
	clients, key := loadClient(t)
	args := []string{"-portal-listen", "", "-algorithms", "ES256", "-clients", clients,
		"-keys", "pkcs11:token=" + token.Label + ";module-path=" + token.Module + ";pin-file=" + textFile(t, softhsmtest.PIN)}
	s := start(t, args...)
	before, signed := kids(s.jwks(t)), s.login(t, key)
	res, body := get(t, http.DefaultClient, s.issuer+"/readyz")
	assert.Equal(t, http.StatusOK, res.StatusCode)
	assert.Equal(t, "ok\n", body)
	s.end(t)

	s = start(t, args...)
	assert.Equal(t, before, kids(s.jwks(t)), "the keys stayed in the token")
	assert.Equal(t, signed, s.login(t, key))
	s.end(t)
}

func TestATokenThatIsNotRightStopsTheStart(t *testing.T) {
	t.Parallel()
	token := softhsmtest.New(t)
	pin := textFile(t, softhsmtest.PIN)
	for want, keys := range map[string]string{
		"PIN":                    "token=" + token.Label + ";module-path=" + token.Module + ";pin-file=" + textFile(t, "0000"),
		`with label "nowhere"`:   "token=nowhere;module-path=" + token.Module + ";pin-file=" + pin,
		"/nowhere.so":            "token=" + token.Label + ";module-path=/nowhere.so;pin-file=" + pin,
		"/nowhere: no such file": "token=" + token.Label + ";module-path=" + token.Module + ";pin-file=/nowhere",
		"the URI has the PIN":    "token=" + token.Label + ";pin-source=" + pin + ";pin-value=x",
	} {
		t.Run(want, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			err := run(ctx, []string{"-listen", "127.0.0.1:0", "-portal-listen", "", "-keys", "pkcs11:" + keys}, env(nil), nil, ending(cancel), io.Discard)
			require.ErrorContains(t, err, "-keys: ")
			t.Log(err)
			assert.ErrorContains(t, err, want)
			assert.NotContains(t, err.Error(), softhsmtest.PIN)
		})
	}
}

func TestAServerWithoutCgoSaysThatPKCS11IsNotCompiledIn(t *testing.T) {
	t.Parallel()
	program := filepath.Join(t.TempDir(), "server")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", program, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	out, err := build.CombinedOutput()
	require.NoError(t, err, "%s", out)
	args := []string{"-listen", "127.0.0.1:0", "-portal-listen", "", "-keys", "pkcs11:token=signet;pin-file=" + textFile(t, softhsmtest.PIN)}
	out, err = exec.CommandContext(t.Context(), program, args...).CombinedOutput()
	require.Error(t, err)
	assert.Contains(t, string(out), "server: -keys: PKCS#11 is not compiled in: build with CGO_ENABLED=1")
}
