package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"github.com/gosignet/signet"
	"github.com/gosignet/signet/esignet"
)

// esignetOpen is the -esignet-issuer that asks for no tokens.
const esignetOpen = "open"

// esignet configures eSignet's API. It is nil without -esignet.
func (p *identityProvider) esignet(c *config) (*signet.ESignet, error) {
	if !c.esignet {
		return nil, nil
	}
	management, err := p.esignetManagement(c)
	if err != nil {
		return nil, err
	}
	ui, err := readESignetUI(c.esignetUI)
	if err != nil {
		return nil, err
	}
	api := &signet.ESignet{Management: management, UI: c.signUpSettings(ui), OpenBinding: p.identity.people != nil, SignUpClient: c.signUpClient}
	if management != nil {
		api.Bearer = management.Bearer
	}
	return api, nil
}

// readESignetUI reads the file of -esignet-ui.
func readESignetUI(file string) (settings map[string]any, err error) {
	if file == "" {
		return nil, nil
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("-esignet-ui: %w", err)
	}
	if err := json.Unmarshal(data, &settings); err != nil {
		return nil, fmt.Errorf("-esignet-ui: %s: %w", file, err)
	}
	return settings, nil
}

// esignetClaims are what clients of eSignet's API may be registered for.
func (p *identityProvider) esignetClaims() []string {
	return append(esignet.DefaultClaims(), p.identity.claims...)
}

func (p *identityProvider) esignetManagement(c *config) (*esignet.ManagementConfig, error) {
	if c.esignetIssuer == "" {
		if c.esignetJWKS != "" {
			return nil, errors.New("-esignet-jwks goes with -esignet-issuer")
		}
		return nil, nil
	}
	m := &esignet.ManagementConfig{
		Clients:      p.clients,
		Ledger:       p.state.ledger,
		Claims:       p.esignetClaims(),
		Scopes:       esignetScopes,
		Profile:      c.profile,
		Certificates: p.keys,
	}
	if c.esignetIssuer == esignetOpen {
		m.Open = true
		if !c.development {
			return nil, errors.New("-esignet-issuer open lets everybody register clients, and goes with -development only")
		}
		return m, nil
	}
	bearer, err := esignet.NewBearer(esignet.BearerConfig{
		Issuer: c.esignetIssuer, JWKSURI: c.esignetJWKS, AllowPrivate: c.onLoopback(),
	})
	if err != nil {
		return nil, fmt.Errorf("-esignet-issuer, -esignet-jwks: %w", err)
	}
	m.Bearer = bearer
	return m, nil
}
