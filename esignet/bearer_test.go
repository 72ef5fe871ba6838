package esignet_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"math/big"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/esignet"
	"github.com/gosignet/signet/keystore"
)

const realm = "https://iam.example/realm"

// iam issues tokens to administrators.
type iam struct {
	key     *keystore.Key
	uri     string
	fetches atomic.Int64
	down    atomic.Bool
}

func newIAM(t testing.TB) *iam {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	i := new(iam)
	i.key, err = keystore.NewKey(jose.ES256, private)
	require.NoError(t, err)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if i.fetches.Add(1); i.down.Load() {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		json.NewEncoder(w).Encode(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{i.key.Public()}})
	}))
	t.Cleanup(s.Close)
	i.uri = s.URL
	return i
}

func (i *iam) token(t *testing.T, claims members) string {
	token, err := i.key.SignJSON(t.Context(), "JWT", claims)
	require.NoError(t, err)
	return "Bearer " + token
}

// guarded is an office whose doors open to tokens of the realm.
func (i *iam) guarded(t *testing.T, changes ...func(*esignet.BearerConfig)) *office {
	c := esignet.BearerConfig{Issuer: realm, JWKSURI: i.uri, AllowPrivate: true}
	for _, change := range changes {
		change(&c)
	}
	b, err := esignet.NewBearer(c)
	require.NoError(t, err)
	return newOffice(t, func(c *esignet.ManagementConfig) { c.Open, c.Bearer = false, b })
}

func claims(scope any) members {
	return members{"iss": realm, "exp": time.Now().Add(time.Hour).Unix(), "scope": scope, "preferred_username": "amina", "aud": "esignet"}
}

func TestManagementAsksForATokenWithTheScope(t *testing.T) {
	t.Parallel()
	i := newIAM(t)
	o := i.guarded(t)
	const invalid, insufficient = `Bearer error="invalid_token"`, `Bearer error="insufficient_scope", scope="add_oidc_client"`
	stranger := newIAM(t)
	for name, c := range map[string]struct {
		token     string
		status    int
		challenge string
	}{
		"none":          {"", 401, "Bearer"},
		"other scheme":  {"Basic YTpi", 401, invalid},
		"no JWT":        {"Bearer x", 401, invalid},
		"stranger's":    {stranger.token(t, claims("add_oidc_client")), 401, invalid},
		"expired":       {i.token(t, plus(claims("add_oidc_client"), "exp", time.Now().Add(-time.Hour).Unix())), 401, invalid},
		"without exp":   {i.token(t, without(claims("add_oidc_client"), "exp")), 401, invalid},
		"other issuer":  {i.token(t, plus(claims("add_oidc_client"), "iss", "https://other.example")), 401, invalid},
		"no scope":      {i.token(t, without(claims(""), "scope")), 403, insufficient},
		"another scope": {i.token(t, claims("update_oidc_client add_oidc_clients")), 403, insufficient},
		"unsigned":      {"Bearer eyJhbGciOiJub25lIn0.e30.", 401, invalid},
	} {
		o.token = c.token
		a := o.call("POST", paths[2], form(t))
		require.Equal(t, c.status, a.status, name)
		require.Equal(t, c.challenge, a.header.Get("WWW-Authenticate"), name)
		require.Empty(t, a.body, name)
	}
	o.token = i.token(t, plus(without(claims(""), "scope"), "scp", []string{"add_oidc_client"}))
	require.Empty(t, o.call("POST", paths[2], form(t)).Errors)
	r, err := o.clients.Get(t.Context(), "clinic")
	require.NoError(t, err)
	require.Equal(t, "amina", r.ChangedBy)

	require.Equal(t, 403, o.call("PATCH", paths[2]+"/clinic", members{}).status, "eSignet asked for no scope here")
	o.token = i.token(t, claims("x update_oidc_client"))
	require.Empty(t, o.call("PATCH", paths[2]+"/clinic", members{}).Errors)
	require.Empty(t, o.call("PUT", paths[2]+"/clinic", change(form(t))).Errors)
	require.Less(t, i.fetches.Load(), int64(3), "strangers do not make keys be fetched again and again")
}

func TestTokenIsForTheAudienceIfOneIsConfigured(t *testing.T) {
	t.Parallel()
	i := newIAM(t)
	o := i.guarded(t, func(c *esignet.BearerConfig) { c.Audience = "esignet" })
	o.token = i.token(t, claims("add_oidc_client"))
	require.Equal(t, 200, o.call("POST", paths[2], form(t)).status)
	o.token = i.token(t, plus(claims("add_oidc_client"), "aud", []string{"other"}))
	require.Equal(t, 401, o.call("POST", paths[2], form(t)).status)
}

func TestWithoutKeysNobodyGetsIn(t *testing.T) {
	t.Parallel()
	i := newIAM(t)
	i.down.Store(true)
	o := i.guarded(t)
	o.token = i.token(t, claims("add_oidc_client"))
	require.Equal(t, 503, o.call("POST", paths[2], form(t)).status)
}

func TestMistakesInBearerConfigAreNamedAtOnce(t *testing.T) {
	t.Parallel()
	_, err := esignet.NewBearer(esignet.BearerConfig{Algorithms: []jose.SignatureAlgorithm{"none"}})
	require.ErrorContains(t, err, "Issuer is missing")
	require.ErrorContains(t, err, "needs JWKSURI or Keys")
	require.ErrorContains(t, err, "Algorithms")
	_, err = esignet.NewBearer(esignet.BearerConfig{Issuer: realm, JWKSURI: "http://iam.example/"})
	require.ErrorContains(t, err, "must be https")
	_, err = esignet.New(esignet.Config{Management: &esignet.ManagementConfig{}})
	require.ErrorContains(t, err, "without it Open must say so")
}

func TestCertificatesAreShownAndReplaced(t *testing.T) {
	t.Parallel()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	key, err := keystore.NewKey(jose.ES256, private)
	require.NoError(t, err)
	keys := certificates(t, key)
	o := newOffice(t, func(c *esignet.ManagementConfig) { c.Certificates = keys })
	get := func(query string) answer { return o.call("GET", "/system-info/certificate"+query, nil) }
	require.Contains(t, get("?applicationId=OIDC_SERVICE").body, "BEGIN CERTIFICATE")
	require.Contains(t, get("?applicationId=OIDC_SERVICE").body, `"certSignRequest":null,"issuedAt":"`)
	require.Equal(t, "invalid_request", get("").Errors[0].ErrorCode)
	require.Equal(t, 400, get("?applicationId=").status)
	require.Contains(t, get("?applicationId=OTHER").body, "KER-KMS-002")
	a := o.call("POST", "/system-info/uploadCertificate", members{"applicationId": "OIDC_SERVICE", "certificateData": "x"})
	require.Contains(t, a.body, "KER-KMS-013")
	require.Equal(t, "invalid_request", o.call("POST", "/system-info/uploadCertificate", members{}).Errors[0].ErrorCode)
}

// certificates is a keystore with one key, whose certificate is its own.
func certificates(t *testing.T, key *keystore.Key) *keystore.Memory {
	der, err := key.CreateCertificate(t.Context(), &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), KeyUsage: x509.KeyUsageDigitalSignature,
	}, key.Public().Key)
	require.NoError(t, err)
	c, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	certified, err := key.WithCertificates([]*x509.Certificate{c}, time.Now())
	require.NoError(t, err)
	keys, err := keystore.NewMemory(certified)
	require.NoError(t, err)
	return keys
}
