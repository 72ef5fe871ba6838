package main

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/internal/postgrestest"
	"github.com/gosignet/signet/keystore"
)

// office is where the keys of a deployment are administered: two servers run on one database, that has the key file too.
type office struct {
	*testing.T
	flags   []string // of the commands
	servers []*running
	client  *keystore.Key
}

func newOffice(t *testing.T) *office {
	clients, key := loadClient(t)
	o := &office{T: t, client: key}
	keys := "pkcs12:store;iterations=10000;password-file=" + textFile(t, filePassword)
	o.flags = []string{"-store", postgrestest.Shared(t).NewDatabase(t), "-keys", keys}
	secret := textFile(t, strings.Repeat("x", 32))
	for range 2 {
		o.servers = append(o.servers, start(t, "-portal-listen", "", "-algorithms", "ES256", "-clients", clients, "-migrate",
			"-store", o.flags[1], "-keys", keys+";create", "-pairwise-secret-file", secret))
	}
	t.Cleanup(func() {
		for _, s := range o.servers {
			s.end(t)
		}
	})
	return o
}

// command runs a command and returns what it prints.
func (o *office) command(stdin string, args ...string) (string, error) {
	o.Helper()
	var stdout, stderr bytes.Buffer
	err := run(o.Context(), append(slices.Clone(args), o.flags...), env(nil), strings.NewReader(stdin), &stdout, &stderr)
	assertNoSecrets(o.T, stdout.String()+stderr.String())
	if err != nil {
		assertNoSecrets(o.T, err.Error())
	}
	return stdout.String(), err
}

func (o *office) must(stdin string, args ...string) string {
	o.Helper()
	out, err := o.command(stdin, args...)
	require.NoError(o, err)
	return out
}

func (o *office) refused(want, stdin string, args ...string) {
	o.Helper()
	out, err := o.command(stdin, args...)
	assert.ErrorContains(o, err, want)
	assert.Empty(o, out)
}

// unchanged makes sure that what is done changes no key.
func (o *office) unchanged(do func()) {
	o.Helper()
	before := o.must("", "keys", "list")
	do()
	assert.Equal(o, before, o.must("", "keys", "list"))
}

// list returns the kids of keys in a state, by their algorithm.
func (o *office) list(state, alg string) (kids []string) {
	o.Helper()
	for line := range strings.Lines(o.must("", "keys", "list")) {
		if fields := strings.Fields(line); fields[2] == alg && fields[3] == state {
			kids = append(kids, fields[0])
		}
	}
	return kids
}

// published waits until all servers publish the key, and returns it as the first does.
func (o *office) published(kid string) (key jose.JSONWebKey) {
	o.Helper()
	for _, s := range o.servers {
		require.Eventually(o, func() bool { return len(s.jwks(o.T).Key(kid)) == 1 }, time.Minute, 20*time.Millisecond)
	}
	return o.servers[0].jwks(o.T).Key(kid)[0]
}

// gone waits until no server publishes the key.
func (o *office) gone(kid string) {
	o.Helper()
	for _, s := range o.servers {
		require.Eventually(o, func() bool { return len(s.jwks(o.T).Key(kid)) == 0 }, time.Minute, 20*time.Millisecond)
	}
}

// signs waits until all servers sign with the key.
func (o *office) signs(kid string) {
	o.Helper()
	for _, s := range o.servers {
		require.Eventually(o, func() bool { return s.login(o.T, o.client) == kid }, time.Minute, 20*time.Millisecond)
	}
}

func (o *office) current() string {
	o.Helper()
	kids := o.list("current", "ES256")
	require.Len(o, kids, 1)
	return kids[0]
}

func TestKeysAreListedRotatedAndRetired(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	first := o.current()
	o.signs(first)
	assert.Len(t, o.list("current", "RSA-OAEP-256"), 1)
	assert.Len(t, o.list("current", "ECDH-ES"), 1)

	out := o.must("", "keys", "rotate")
	next := o.list("next", "ES256")
	require.Len(t, next, 1)
	at, err := time.Parse(time.RFC3339, strings.TrimSpace(strings.TrimPrefix(out, next[0]+" signs from "))[:len("2006-01-02T15:04:05Z")])
	require.NoError(t, err, out)
	assert.WithinDuration(t, time.Now().Add(24*time.Hour), at, time.Minute, "when every cache has it")
	o.published(next[0])
	o.signs(first)

	o.must("", "keys", "rotate", "-force")
	assert.Equal(t, next, o.list("current", "ES256"))
	o.signs(next[0])
	o.published(first)

	o.unchanged(func() {
		o.refused(`"HS256" is no algorithm for token-signing`, "", "keys", "rotate", "-alg", "HS256")
		o.refused(`unknown role "nobody"`, "", "keys", "rotate", "-role", "nobody")
		o.refused("signs; rotate it, or revoke it", "", "keys", "retire", next[0])
		o.refused("no such key", "", "keys", "retire", "unknown")
		o.refused("no such key", "", "keys", "retire", "-"+first[:41]+"A") // as one kid in 64 begins
		o.refused("usage: server keys retire <kid>", "", "keys", "retire")
	})

	o.must("", "keys", "rotate")
	unwanted := o.list("next", "ES256")[0]
	o.published(unwanted)
	o.must("", "keys", "retire", unwanted)
	o.gone(unwanted)
	o.signs(next[0])
}

func TestARevokedKeyIsGoneWithinSeconds(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	stolen := o.current()
	o.signs(stolen)
	o.unchanged(func() {
		o.refused("no such key", "", "keys", "revoke", "unknown")
	})

	o.must("", "keys", "revoke", stolen)
	o.gone(stolen)
	successor := o.current()
	assert.NotEqual(t, stolen, successor)
	o.signs(successor)
	assert.Equal(t, []string{stolen}, o.list("revoked", "ES256"))
	for _, s := range o.servers {
		res, body := get(t, http.DefaultClient, s.issuer+"/readyz")
		assert.Equal(t, http.StatusOK, res.StatusCode, body)
	}
}

func TestACertificateIsRequestedAndPublished(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	kid, ca := o.current(), newAuthority(t, time.Now())
	o.unchanged(func() {
		o.refused("-subject: must be like", "", "keys", "csr", kid)
		o.refused("-subject: ", "", "keys", "csr", kid, "-subject", "X=y")
		o.refused("no such key", "", "keys", "csr", "unknown", "-subject", "CN=x")
		o.refused("decrypts, and cannot sign a request", "", "keys", "csr", o.list("current", "ECDH-ES")[0], "-subject", "CN=x")
	})

	block, rest := pem.Decode([]byte(o.must("", "keys", "csr", kid, "-subject", "CN=id.example, O=Ministry of the Interior, C=XX")))
	require.NotNil(t, block)
	assert.Empty(t, rest)
	request, err := x509.ParseCertificateRequest(block.Bytes)
	require.NoError(t, err)
	require.NoError(t, request.CheckSignature())
	assert.Equal(t, "CN=id.example,O=Ministry of the Interior,C=XX", request.Subject.String())
	assert.Equal(t, o.published(kid).Key, request.PublicKey)

	other, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	name, now := request.Subject, time.Now()
	o.unchanged(func() {
		o.refused("certificate", chainPEM(ca.issue(t, other.Public(), name, now)), "keys", "certificate", kid)
		o.refused("expired", chainPEM(ca.issue(t, request.PublicKey, name, now.AddDate(-1, 0, 0))), "keys", "certificate", kid)
		o.refused("", "a text", "keys", "certificate", kid)
		o.refused("-file: ", "", "keys", "certificate", kid, "-file", "/nowhere")
	})

	chain := ca.issue(t, request.PublicKey, name, now.AddDate(0, 0, -80))
	o.must(chainPEM(chain), "keys", "certificate", kid)
	sum := sha256.Sum256(chain[0].Raw)
	for _, s := range o.servers {
		require.Eventually(t, func() bool { return len(s.jwks(t).Key(kid)[0].Certificates) == 2 }, time.Minute, 20*time.Millisecond)
		key := s.jwks(t).Key(kid)[0]
		assert.Equal(t, chain[0].Raw, key.Certificates[0].Raw, "x5c")
		assert.Equal(t, sum[:], key.CertificateThumbprintSHA256, "x5t#S256")
		res, body := get(t, http.DefaultClient, s.issuer+"/readyz")
		assert.Equal(t, http.StatusOK, res.StatusCode)
		assert.Regexp(t, `keys: .*certificate of "CN=id.example,.*" for the key `+kid+` .* expires at`, body, "in ten days")
	}
	assert.Contains(t, o.must("", "keys", "list"), chain[0].NotAfter.UTC().Format("2006-01-02 15:04Z"))
	o.signs(kid)
}

func TestAKeyIsImported(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	der, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	private := string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE" + " KEY", Bytes: der}))
	name, ca := pkix.Name{CommonName: "id.example"}, newAuthority(t, time.Now())
	other, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	require.NoError(t, err)

	o.unchanged(func() {
		o.refused("", "a text", "keys", "import")
		o.refused("", private[:len(private)/2], "keys", "import")
		o.refused("RS256", private, "keys", "import", "-alg", "RS256")
		o.refused("", private, "keys", "import", "-alg", "HS256")
		o.refused("certificate", private+chainPEM(ca.issue(t, other.Public(), name, time.Now())), "keys", "import")
		o.refused("expired", private+chainPEM(ca.issue(t, key.Public(), name, time.Now().AddDate(-1, 0, 0))), "keys", "import")
	})

	current := o.current()
	chain := ca.issue(t, key.Public(), name, time.Now())
	out := o.must(private+chainPEM(chain), "keys", "import")
	kid, _, _ := strings.Cut(out, " signs from ")
	assert.Equal(t, []string{kid}, o.list("next", "ES256"))
	assert.Equal(t, key.Public(), o.published(kid).Key)
	assert.Equal(t, chain[0].Raw, o.published(kid).Certificates[0].Raw)
	o.signs(current)
	o.unchanged(func() {
		o.refused("is there already", private, "keys", "import")
	})
	o.must("", "keys", "rotate", "-force")
	o.signs(kid)
}

func TestKeyCommandsNeedKeysThatOthersSee(t *testing.T) {
	t.Parallel()
	for want, args := range map[string][]string{
		"-keys is missing":      {"keys", "list"},
		"-store is missing":     {"keys", "list", "-keys", "pkcs11:token=signet"},
		"unknown command":       {"keys", "destroy"},
		"flag provided but not": {"keys", "list", "-force"},
	} {
		var stdout bytes.Buffer
		err := run(t.Context(), args, env(nil), strings.NewReader(""), &stdout, &stdout)
		assert.ErrorContains(t, err, want)
		assert.Empty(t, stdout.String())
	}
}

// authority is a certification authority.
type authority struct {
	key         *ecdsa.PrivateKey
	certificate *x509.Certificate
}

func newAuthority(t *testing.T, now time.Time) *authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Test CA"}, NotBefore: now.Add(-time.Hour), NotAfter: now.AddDate(10, 0, 0),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	require.NoError(t, err)
	certificate, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	return &authority{key, certificate}
}

// issue returns the chain of a certificate for a key.
func (a *authority) issue(t *testing.T, public crypto.PublicKey, subject pkix.Name, now time.Time) []*x509.Certificate {
	t.Helper()
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: subject, NotBefore: now.Add(-time.Hour), NotAfter: now.AddDate(0, 0, 90),
		KeyUsage: x509.KeyUsageDigitalSignature,
	}, a.certificate, public, a.key)
	require.NoError(t, err)
	certificate, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	return []*x509.Certificate{certificate, a.certificate}
}

func chainPEM(chain []*x509.Certificate) string {
	var out bytes.Buffer
	for _, c := range chain {
		pem.Encode(&out, &pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})
	}
	return out.String()
}
