package oidf_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/conformance/oidf"
)

var options = oidf.Options{Issuer: "https://op.example", User: "2740198356", Password: "secret", Resource: "https://api.example/accounts"}

func TestClientsAndRegistrationsBelongTogether(t *testing.T) {
	t.Parallel()
	plans, clients, err := oidf.Generate(options)
	require.NoError(t, err)
	registered := map[string]int{}
	for i, c := range clients {
		registered[c.ClientID] = i
	}
	assert.Len(t, registered, len(clients))
	for _, p := range plans {
		c := p.Configuration
		assert.Equal(t, "https://op.example/.well-known/openid-configuration", c.Server.DiscoveryURL)
		if c.Client == nil {
			assert.Equal(t, "oidcc-config-certification-test-plan", p.Name)
			continue
		}
		for _, client := range []*oidf.Client{c.Client, c.Client2} {
			r := clients[registered[client.ClientID]]
			require.Len(t, client.JWKS.Keys, 1)
			private := client.JWKS.Keys[0]
			assert.False(t, private.IsPublic())
			public := private.Public()
			assert.Equal(t, public.KeyID, r.JWKS.Keys[0].KeyID)
			assert.Equal(t, public.Key, r.JWKS.Keys[0].Key)
			assert.Equal(t, client.Scope, r.Scope)
			assert.True(t, strings.HasPrefix(r.RedirectURIs[0], "https://localhost.emobix.co.uk:8443/test/a/"+c.Alias+"/callback"))
		}
		assert.Contains(t, clients[registered[c.Client2.ClientID]].RedirectURIs[0], "?dummy1=lorem&dummy2=ipsum")
		assert.Equal(t, strings.HasPrefix(p.Name, "fapi2-"), c.Resource != nil)
		assert.Equal(t, p.Name == "ekyc-test-plan-oidccore", c.EKYC != nil)
	}
}

func TestEveryRunHasFreshKeys(t *testing.T) {
	t.Parallel()
	_, first, err := oidf.Generate(options)
	require.NoError(t, err)
	_, second, err := oidf.Generate(options)
	require.NoError(t, err)
	assert.NotEqual(t, first[0].JWKS.Keys[0].Key, second[0].JWKS.Keys[0].Key)
}

func TestBrowserStepsAreInTheSuitesFormat(t *testing.T) {
	t.Parallel()
	plans, _, err := oidf.Generate(options)
	require.NoError(t, err)
	arguments := map[string][]int{"click": {3, 4}, "text": {4}, "wait": {4, 6}}
	for _, p := range plans {
		text, err := json.Marshal(p.Configuration)
		require.NoError(t, err)
		var configuration struct {
			Alias    string
			Browser  []oidf.Rule
			Override map[string]oidf.Override
		}
		require.NoError(t, json.Unmarshal(text, &configuration))
		rules := configuration.Browser
		for module, o := range configuration.Override {
			assert.NotEmpty(t, o.Browser, module)
			rules = append(rules, o.Browser...)
		}
		for _, rule := range rules {
			assert.Equal(t, "https://op.example/authorize*", rule.Match)
			for _, task := range rule.Tasks {
				assert.NotEmpty(t, task.Task)
				for _, command := range task.Commands {
					assert.Contains(t, arguments[command[0].(string)], len(command), "%v", command)
				}
			}
		}
		if len(configuration.Browser) > 0 {
			last := configuration.Browser[0].Tasks
			assert.Equal(t, "*/test/a/"+configuration.Alias+"/callback*", last[len(last)-1].Match)
		}
	}
}

func TestPlansAreWrittenAsRunTestPlanWantsThem(t *testing.T) {
	t.Parallel()
	plans, _, err := oidf.Generate(options)
	require.NoError(t, err)
	require.Len(t, plans, 7)
	assert.Equal(t, "oidcc-config-certification-test-plan oidc-config.json", plans[0].String())
	assert.Equal(t, "oidcc-test-plan[client_auth_type=private_key_jwt][response_type=code][response_mode=default]"+
		"[client_registration=static_client][server_metadata=discovery] oidc.json", plans[1].String())
}

func TestPlainOAuthNeedsAResource(t *testing.T) {
	t.Parallel()
	o := options
	o.Resource = ""
	plans, _, err := oidf.Generate(o)
	require.NoError(t, err)
	assert.Len(t, plans, 6)
}

func TestMistakesAreToldAtOnce(t *testing.T) {
	t.Parallel()
	_, _, err := oidf.Generate(oidf.Options{Issuer: "http://op.example", Suite: "suite"})
	for _, part := range []string{"Issuer", "Suite", "User and Password"} {
		assert.ErrorContains(t, err, part)
	}
}
