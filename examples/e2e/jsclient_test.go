package e2e_test

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"encoding/pem"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet"
	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/authenticator/mock"
	"github.com/gosignet/signet/keystore"
	"github.com/gosignet/signet/oauth"
	"github.com/gosignet/signet/store/memory"
)

// TestCertifiedJavaScriptClientLogsIn has openid-client, which is certified as a FAPI 2.0 relying party, log somebody in
// at a provider under the profile. "make node" installs what it needs.
func TestCertifiedJavaScriptClientLogsIn(t *testing.T) {
	t.Parallel()
	node, err := exec.LookPath("node")
	require.NoError(t, err, `the JavaScript client needs Node.js: run "make node"`)
	require.DirExists(t, filepath.Join("testdata", "jsclient", "node_modules"), `the JavaScript client is not installed: run "make node"`)
	for name, nonces := range map[string]bool{"without nonces": false, "with nonces": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const redirectURI = "https://client.example/callback"
			server := httptest.NewUnstartedServer(nil)
			issuer := "https://" + server.Listener.Addr().String()
			key := newKey(t)
			public := key.Public()
			clients, err := oauth.NewStaticClients(&oauth.Client{
				ID:                 "jsclient",
				Names:              map[string]string{"": "JavaScript"},
				RedirectURIs:       []string{redirectURI},
				Keys:               jose.JSONWebKeySet{Keys: []jose.JSONWebKey{public}},
				AssertionAlgorithm: jose.ES256,
				Scopes:             []string{"openid", "email"},
			})
			require.NoError(t, err)
			keys, err := keystore.Generate(jose.ES256)
			require.NoError(t, err)
			state, err := memory.New(memory.Config{})
			require.NoError(t, err)
			t.Cleanup(func() { state.Close() })
			people, err := mock.New(mock.Config{Password: password, Store: state})
			require.NoError(t, err)
			secret := make([]byte, 32)
			rand.Read(secret)
			server.Config.Handler, err = signet.New(signet.Config{
				Issuer: issuer, Profile: oauth.ProfileFAPI2, RequireDPoPNonces: nonces,
				Clients: clients, Authenticator: people, Keys: keys, Store: state, PairwiseSecret: secret,
				ACRs: authenticator.ACRs{{Value: "code", Alternatives: []authenticator.FactorSet{{authenticator.OTP}}}},
			})
			require.NoError(t, err)
			server.StartTLS()
			t.Cleanup(server.Close)

			person := people.Personas()[0]
			todo, err := json.Marshal(map[string]any{
				"issuer": issuer, "clientID": "jsclient", "key": key, "redirectURI": redirectURI,
				"identifier": person.NationalID, "code": mock.OTP, "email": person.Claims["email"],
			})
			require.NoError(t, err)
			authority := filepath.Join(t.TempDir(), "authority.pem")
			certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
			require.NoError(t, os.WriteFile(authority, certificate, 0o600))
			cmd := exec.CommandContext(t.Context(), node, "login.mjs")
			cmd.Dir = filepath.Join("testdata", "jsclient")
			cmd.Env = append(os.Environ(), "NODE_EXTRA_CA_CERTS="+authority)
			cmd.Stdin = bytes.NewReader(todo)
			out, err := cmd.CombinedOutput()
			require.NoError(t, err, string(out))
			assert.Equal(t, "OK\n", string(out))
		})
	}
}
