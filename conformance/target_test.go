package conformance_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/conformance"
	"github.com/gosignet/signet/conformance/internal/model"
)

const issuer = "https://op.example"

// keys are made once: RSA keys take time.
var keys = sync.OnceValue(func() map[string]jose.JSONWebKey {
	all := map[string]jose.JSONWebKey{}
	for kid, alg := range map[string]jose.SignatureAlgorithm{
		"provider-rsa": jose.RS256, "provider-ec": jose.ES256, "provider-next": jose.RS256, "client-1": jose.PS256, "client-2": jose.ES256,
	} {
		key := jose.JSONWebKey{KeyID: kid, Algorithm: string(alg), Use: "sig"}
		var err error
		if alg == jose.ES256 {
			key.Key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		} else {
			key.Key, err = rsa.GenerateKey(rand.Reader, 2048)
		}
		if err != nil {
			panic(err)
		}
		all[kid] = key
	}
	rsaKey, ecKey := all["client-1"], all["client-2"]
	rsaKey.KeyID, rsaKey.Algorithm, rsaKey.Use = "client-rsa-enc", "", "enc"
	ecKey.KeyID, ecKey.Algorithm, ecKey.Use = "client-ec-enc", "", "enc"
	all[rsaKey.KeyID], all[ecKey.KeyID] = rsaKey, ecKey
	return all
})

// profile returns two clients for a group, as the checks know them and as the provider does.
func profile(group string, scope string, fapi, signed bool) (*conformance.Profile, []model.Client) {
	p := &conformance.Profile{}
	var registered []model.Client
	for i, uri := range []string{"https://rp.example/callback", "https://rp.example/second?dummy1=lorem&dummy2=ipsum"} {
		key := keys()[[]string{"client-1", "client-2"}[i]]
		id := group + "-" + string(rune('1'+i))
		p.Clients = append(p.Clients, &conformance.Client{
			ID: id, Keys: jose.JSONWebKeySet{Keys: []jose.JSONWebKey{key}}, RedirectURI: uri, Scope: scope,
		})
		registered = append(registered, model.Client{
			ID: id, Keys: jose.JSONWebKeySet{Keys: []jose.JSONWebKey{key.Public()}}, RedirectURIs: []string{uri},
			Scopes: []string{"openid", "profile", "email", "address", "phone", "payments"}, FAPI: fapi, Signed: signed,
		})
	}
	return p, registered
}

// encrypted returns a client for each way to encrypt userinfo.
func encrypted(group string) []*conformance.Client {
	var all []*conformance.Client
	for _, alg := range []jose.KeyAlgorithm{jose.RSA_OAEP_256, jose.ECDH_ES, jose.ECDH_ES_A256KW} {
		key := keys()["client-ec-enc"]
		if alg == jose.RSA_OAEP_256 {
			key = keys()["client-rsa-enc"]
		}
		for _, enc := range []jose.ContentEncryption{jose.A128GCM, jose.A256GCM} {
			id := group + "-" + string(alg) + "-" + string(enc)
			all = append(all, &conformance.Client{
				ID: id, Keys: jose.JSONWebKeySet{Keys: []jose.JSONWebKey{keys()["client-2"], key}},
				RedirectURI: "https://rp.example/encrypted", Scope: "openid",
				UserinfoEncryptionAlg: alg, UserinfoEncryptionEnc: enc,
			})
		}
	}
	return all
}

// provider returns a model provider and the target to check it with the groups.
func provider(config model.Config, groups ...string) (*model.Provider, conformance.Target) {
	const all = "openid profile email address phone"
	target := conformance.Target{
		Issuer: issuer,
		Login: conformance.Script{Cancel: "cancel", Steps: []conformance.Step{
			{Fill: map[string]string{"username": model.Username, "password": model.Password}, Submit: "verify_password"},
			{CheckAll: true, Submit: "continue"},
		}},
		Profiles:    map[string]*conformance.Profile{},
		Concurrency: 100,
	}
	config.Issuer = issuer
	config.Keys = []jose.JSONWebKey{keys()["provider-rsa"], keys()["provider-ec"]}
	for _, group := range groups {
		var p *conformance.Profile
		var registered []model.Client
		switch group {
		case "oidc-config":
			p = &conformance.Profile{}
		case "oidc", "oidc-logout":
			p, registered = profile(group, all, false, false)
		case "identity-assurance":
			p, registered = profile(group, "openid", false, false)
			p.EncryptedClients = encrypted(group)
			for _, c := range p.EncryptedClients {
				registered = append(registered, model.Client{
					ID: c.ID, Keys: jose.JSONWebKeySet{Keys: []jose.JSONWebKey{c.Keys.Keys[0].Public(), c.Keys.Keys[1].Public()}},
					RedirectURIs: []string{c.RedirectURI}, Scopes: []string{"openid"},
					UserinfoEncryptionAlg: c.UserinfoEncryptionAlg, UserinfoEncryptionEnc: c.UserinfoEncryptionEnc,
				})
			}
			p.ClaimsRequests = []json.RawMessage{[]byte(`{"userinfo":{"verified_claims":{"verification":` +
				`{"trust_framework":null,"evidence":[{"type":{"value":"document"},"document_details":{"type":null}}]},` +
				`"claims":{"given_name":null,"email":null}}},"id_token":{"email":null}}`)}
			config.Assurance = true
		case "fapi2-security":
			p, registered = profile(group, all, true, false)
		case "fapi2-security-oauth":
			p, registered = profile(group, "payments", true, false)
			p.Resource = issuer + "/userinfo"
		default:
			p, registered = profile(group, all, true, true)
		}
		if group == "oidc-logout" {
			p.PostLogoutRedirectURI = "https://rp.example/logged-out"
			p.FrontchannelLogoutURI = "https://rp.example/front"
			registered[0].PostLogoutRedirectURIs = []string{p.PostLogoutRedirectURI}
			registered[0].FrontchannelLogoutURI = p.FrontchannelLogoutURI
			registered[0].Backchannel = true
		}
		target.Profiles[group] = p
		config.Clients = append(config.Clients, registered...)
	}
	logoutTokens := make(chan string, 100)
	config.LogoutToken = func(token string) { logoutTokens <- token }
	target.LogoutToken = func(ctx context.Context) (string, error) {
		select {
		case token := <-logoutTokens:
			return token, nil
		case <-ctx.Done():
			return "", ctx.Err()
		}
	}
	op := model.New(config)
	target.Transport = conformance.InProcess(op)
	return op, target
}

// check runs the checks in a bubble, in which waiting takes no time.
func check(t *testing.T, target conformance.Target) *conformance.Report {
	t.Helper()
	var report *conformance.Report
	var err error
	synctest.Test(t, func(t *testing.T) { report, err = target.Check(t.Context()) })
	require.NoError(t, err)
	return report
}
