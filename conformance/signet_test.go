package conformance_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet"
	"github.com/gosignet/signet/authenticator/mock"
	"github.com/gosignet/signet/conformance"
	"github.com/gosignet/signet/dpop"
	"github.com/gosignet/signet/keystore"
	"github.com/gosignet/signet/login"
	"github.com/gosignet/signet/oauth"
	"github.com/gosignet/signet/oidc"
	"github.com/gosignet/signet/store/memory"
)

const (
	demoPerson   = "2740198356"
	demoCode     = "111111"
	accountsPath = "/accounts"
	demoScope    = "openid profile email address phone"
)

// claims are those that the person has.
var claims = []string{
	"name", "given_name", "family_name", "gender", "birthdate", "phone_number", "phone_number_verified", "email",
	"email_verified", "address", "locale", "zoneinfo", "updated_at", "picture",
}

func TestSignetConforms(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		groups []string
		config func(*signet.Config)
	}{
		"OpenID Connect":           {[]string{"oidc-config", "oidc", "oidc-logout"}, func(c *signet.Config) { c.Sessions = login.Sessions{Idle: time.Hour} }},
		"FAPI 2.0":                 {[]string{"fapi2-security", "fapi2-security-oauth"}, serverWide(oauth.ProfileFAPI2)},
		"FAPI 2.0, nonces":         {[]string{"fapi2-security"}, func(c *signet.Config) { c.RequireDPoPNonces = true }},
		"FAPI 2.0 Message Signing": {[]string{"fapi2-message-signing"}, serverWide(oauth.ProfileFAPI2MessageSigning)},
		"Identity Assurance":       {[]string{"identity-assurance"}, assured},
		"all kinds of client at once": {
			[]string{"oidc-config", "oidc", "oidc-logout", "identity-assurance", "fapi2-security", "fapi2-message-signing", "fapi2-message-signing-jarm"},
			func(c *signet.Config) {
				c.Sessions = login.Sessions{Idle: time.Hour}
				assured(c)
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			report := checkSignet(t, c.config, c.groups...)
			for _, r := range report.Results {
				t.Run(r.Group+"/"+r.ID, func(t *testing.T) {
					assert.Empty(t, r.Failures, "%s (%s)\n%s", r.Title, r.Clause, strings.Join(r.Log, "\n"))
					assert.Empty(t, r.Warnings)
				})
			}
		})
	}
}

// serverWide holds all clients to the profile, and leaves the provider without RS256.
func serverWide(profile oauth.Profile) func(*signet.Config) {
	return func(c *signet.Config) {
		c.Profile = profile
		c.Algorithms = []jose.SignatureAlgorithm{jose.ES256, jose.PS256}
	}
}

// assured announces what the person has verified.
func assured(c *signet.Config) {
	c.Assurance = oidc.Assurance{
		TrustFrameworks:   []string{"urn:example:civil-register", "urn:example:address-check", "urn:example:telecom"},
		Claims:            []string{"name", "given_name", "family_name", "gender", "birthdate", "address", "phone_number"},
		Evidence:          []string{"electronic_record"},
		ElectronicRecords: []string{"birth_registration"},
	}
}

// checkSignet checks a provider with the clients of the groups, in a bubble in which waiting takes no time.
func checkSignet(t *testing.T, configure func(*signet.Config), groups ...string) *conformance.Report {
	t.Helper()
	signing, err := keystore.Generate(jose.ES256, jose.RS256, jose.PS256)
	require.NoError(t, err)
	target, clients := signetClients(groups)
	var report *conformance.Report
	synctest.Test(t, func(t *testing.T) {
		<-time.After(time.Until(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))) // bubbles begin in 2000, before people were updated
		store, err := memory.New(memory.Config{})
		require.NoError(t, err)
		defer store.Close()
		people, err := mock.New(mock.Config{Password: "signet-demo", Store: store})
		require.NoError(t, err)
		defer people.Close()
		registered, err := oauth.NewStaticClients(clients...)
		require.NoError(t, err)
		config := signet.Config{
			Issuer: issuer, Clients: registered, Authenticator: people, Keys: signing, Store: store,
			PairwiseSecret:  []byte("0123456789abcdef0123456789abcdef"),
			Algorithms:      []jose.SignatureAlgorithm{jose.ES256, jose.RS256, jose.PS256},
			ClaimsSupported: claims,
			// One person logs in some hundred times.
			IdentifierLimit: login.Limit{Attempts: 10000, Window: time.Hour}, SourceLimit: login.Limit{Attempts: 10000},
			PictureTypes: []string{"image/svg+xml"}, // as the personas have them
		}
		configure(&config)
		provider, err := signet.New(config)
		require.NoError(t, err)
		if provider.Backchannel != nil {
			defer provider.Backchannel.Close(t.Context())
		}
		target.Transport = conformance.InProcess(withResource(t, provider))
		report, err = target.Check(t.Context())
		require.NoError(t, err)
	})
	return report
}

// withResource puts a resource server beside the provider, for clients that have no userinfo because they do without
// OpenID Connect: it answers whoever brings a bound token and a proof.
func withResource(t *testing.T, provider *signet.Provider) http.Handler {
	t.Helper()
	resource, err := dpop.NewResource(dpop.ResourceConfig{
		Verifier: provider.DPoP,
		BaseURL:  issuer,
		Tokens: func(ctx context.Context, token string) (*dpop.Token, error) {
			known, err := provider.OAuth.AccessToken(ctx, token)
			if err != nil {
				return nil, fmt.Errorf("%w: %w", dpop.ErrInvalidToken, err)
			}
			return &dpop.Token{Thumbprint: known.DPoPThumbprint}, nil
		},
	})
	require.NoError(t, err)
	mux := http.NewServeMux()
	mux.Handle("/", provider)
	mux.Handle(accountsPath, resource.Handler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Cache-Control", "no-store")
		io.WriteString(w, `{"accounts":[]}`)
	})))
	return mux
}

func signetClients(groups []string) (conformance.Target, []*oauth.Client) {
	target := conformance.Target{
		Issuer: issuer, Profiles: map[string]*conformance.Profile{},
		Login: conformance.Script{Cancel: "cancel", Steps: []conformance.Step{
			// Codes, because the hash of a password takes as long as the rest of a check.
			{Submit: "login_with_otp"},
			{Fill: map[string]string{"identifier": demoPerson}, Submit: "get_otp"},
			{Fill: map[string]string{"otp_verify_input": demoCode}, Submit: "verify_otp"},
			{CheckAll: true, Submit: "continue"},
		}},
	}
	var clients []*oauth.Client
	for _, group := range groups {
		if group == "oidc-config" {
			target.Profiles[group] = &conformance.Profile{}
			continue
		}
		scope := demoScope
		if group == "fapi2-security-oauth" {
			scope = "accounts"
		}
		p, _ := profile(group, scope, false, false)
		if group == "fapi2-security-oauth" {
			p.Resource = issuer + accountsPath
		}
		if group == "oidc-logout" {
			p.PostLogoutRedirectURI = "https://rp.example/logged-out"
		}
		if group == "identity-assurance" {
			p.EncryptedClients = encrypted(group)
			p.ClaimsRequests = []json.RawMessage{[]byte(`{"userinfo":{"verified_claims":{"verification":{"trust_framework":null,` +
				`"time":{"max_age":630720000},"evidence":[{"type":{"value":"electronic_record"},"record":{"source":{"name":null}}}]},` +
				`"claims":{"name":null,"birthdate":{"essential":true},"gender":null}}}}`)}
		}
		target.Profiles[group] = p
		for _, c := range slices.Concat(p.Clients, p.EncryptedClients) {
			key := c.Keys.Keys[0]
			client := &oauth.Client{
				ID: c.ID, Names: map[string]string{"": c.ID}, RedirectURIs: []string{c.RedirectURI},
				Keys:               jose.JSONWebKeySet{Keys: []jose.JSONWebKey{key.Public()}},
				AssertionAlgorithm: jose.SignatureAlgorithm(key.Algorithm),
				Scopes:             strings.Fields(c.Scope),
				UserinfoJSON:       c.UserinfoEncryptionAlg == "",
				UserinfoEncryption: oauth.Encryption{KeyAlgorithm: c.UserinfoEncryptionAlg, Content: c.UserinfoEncryptionEnc},
			}
			for _, other := range c.Keys.Keys[1:] {
				client.Keys.Keys = append(client.Keys.Keys, other.Public())
			}
			switch group {
			case "identity-assurance":
			case "oidc", "oidc-logout":
				client.PKCEOptional, client.IDTokenAlgorithm = true, jose.RS256
				if p.PostLogoutRedirectURI != "" {
					client.PostLogoutRedirectURIs = []string{p.PostLogoutRedirectURI}
				}
			case "fapi2-security", "fapi2-security-oauth":
				client.Profile = oauth.ProfileFAPI2
			default:
				client.Profile, client.RequestObjectAlgorithm = oauth.ProfileFAPI2MessageSigning, client.AssertionAlgorithm
			}
			clients = append(clients, client)
		}
	}
	return target, clients
}
