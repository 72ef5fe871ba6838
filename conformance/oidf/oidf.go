// Package oidf writes configurations for the OpenID Foundation's conformance suite, to run it against Signet's
// reference server. README.md says how.
package oidf

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/go-jose/go-jose/v4"

	"github.com/gosignet/signet/conformance/internal/registration"
)

// Options say what the configurations are for.
type Options struct {
	// Issuer is the issuer of the provider, as the suite reaches it. Required: an https URL.
	Issuer string
	// Suite is the URL of the suite. Empty means "https://localhost.emobix.co.uk:8443", where it serves itself when it
	// runs locally.
	Suite string
	// Alias is what the names of plans and clients begin with. Empty means "signet".
	Alias string
	// User and Password are those of a person whom the provider knows. Required.
	User, Password string
	// Resource accepts access tokens of clients without OpenID. Empty leaves the plain OAuth plan out.
	Resource string
}

// Plan is one plan of the suite with its configuration.
type Plan struct {
	// Name is the plan's name and Variant its variant, as the suite's run-test-plan.py wants them.
	Name, Variant string
	// File is the name of the configuration's file.
	File string
	// Configuration is the JSON that the suite reads.
	Configuration Configuration
}

// String returns the plan as an argument of run-test-plan.py.
func (p Plan) String() string { return p.Name + p.Variant + " " + p.File }

// Configuration is the suite's own format.
type Configuration struct {
	Alias       string              `json:"alias"`
	Description string              `json:"description"`
	Server      Server              `json:"server"`
	Client      *Client             `json:"client,omitempty"`
	Client2     *Client             `json:"client2,omitempty"`
	Resource    *Resource           `json:"resource,omitempty"`
	EKYC        *EKYC               `json:"ekyc,omitempty"`
	Browser     []Rule              `json:"browser,omitempty"`
	Override    map[string]Override `json:"override,omitempty"`
}

// Server says where the provider is.
type Server struct {
	DiscoveryURL string `json:"discoveryUrl"`
}

// Client is a client with its private key.
type Client struct {
	ClientID       string             `json:"client_id"`
	Scope          string             `json:"scope"`
	JWKS           jose.JSONWebKeySet `json:"jwks"`
	DPoPSigningAlg string             `json:"dpop_signing_alg,omitempty"`
}

// Resource is where access tokens are used.
type Resource struct {
	ResourceURL string `json:"resourceUrl"`
}

// EKYC is what the plan of Identity Assurance asks for beside what it finds in the discovery document.
type EKYC struct {
	// Requests are claims parameters that the person can meet.
	Requests []json.RawMessage `json:"verified_claims_request_list"`
}

// assuredRequests are what the demo personas can meet, all of them.
var assuredRequests = []json.RawMessage{
	json.RawMessage(`{"userinfo":{"verified_claims":{"verification":{"trust_framework":null,"time":null},"claims":{"given_name":null,"birthdate":null}}},` +
		`"id_token":{"verified_claims":{"verification":{"trust_framework":null},"claims":{"family_name":null}}}}`),
	json.RawMessage(`{"userinfo":{"verified_claims":{"verification":{"trust_framework":{"value":"urn:example:civil-register"},` +
		`"assurance_level":{"value":"high"},"evidence":[{"type":{"value":"electronic_record"},"record":{"type":null}}]},"claims":{"name":null}}}}`),
}

// Generate returns the configurations, with fresh keys, and the registrations of their clients for the provider.
func Generate(o Options) ([]Plan, []registration.Client, error) {
	if o.Suite == "" {
		o.Suite = "https://localhost.emobix.co.uk:8443"
	}
	if o.Alias == "" {
		o.Alias = "signet"
	}
	if err := o.validate(); err != nil {
		return nil, nil, err
	}
	var plans []Plan
	var clients []registration.Client
	first, second, err := registration.NewKeys(o.Alias)
	if err != nil {
		return nil, nil, fmt.Errorf("oidf: %w", err)
	}
	for _, kind := range o.kinds() {
		plan, registered := o.plan(kind, first, second)
		plans = append(plans, plan)
		clients = append(clients, registered...)
	}
	return plans, clients, nil
}

func (o Options) validate() error {
	var errs []error
	for name, value := range map[string]string{"Issuer": o.Issuer, "Suite": o.Suite} {
		if u, err := url.Parse(value); err != nil || u.Scheme != "https" || u.Host == "" {
			errs = append(errs, fmt.Errorf("oidf: %s %q is not an https URL", name, value))
		}
	}
	if o.User == "" || o.Password == "" {
		errs = append(errs, errors.New("oidf: User and Password are required"))
	}
	return errors.Join(errs...)
}

// kindOfPlan is a plan, and what its clients are registered for.
type kindOfPlan struct {
	suffix, name, variant, scope string
	withClients                  bool
	clients                      registration.Kind
}

const openIDScope = "openid profile email address phone"

func (o Options) kinds() []kindOfPlan {
	const (
		security = "fapi2-security-profile-final-test-plan"
		signing  = "fapi2-message-signing-final-test-plan"
		fapi     = "[client_auth_type=private_key_jwt][fapi_profile=plain_fapi][sender_constrain=dpop][authorization_request_type=simple]"
		signed   = "[fapi_request_method=signed_non_repudiation]"
	)
	all := []kindOfPlan{
		{suffix: "oidc-config", name: "oidcc-config-certification-test-plan"},
		{suffix: "oidc", name: "oidcc-test-plan", scope: openIDScope, withClients: true, clients: registration.OpenID,
			variant: "[client_auth_type=private_key_jwt][response_type=code][response_mode=default][client_registration=static_client][server_metadata=discovery]"},
		{suffix: "identity-assurance", name: "ekyc-test-plan-oidccore", scope: "openid", withClients: true, clients: registration.Assurance,
			variant: "[server_metadata=discovery][client_registration=static_client][security_profile=none][client_auth_type=private_key_jwt]" +
				"[auth_request_method=http_query][response_type=code][auth_request_non_repudiation_method=unsigned][response_mode=default]" +
				"[fapi_response_mode=plain_response][sender_constrain=none]"},
		{suffix: "fapi2-security", name: security, scope: openIDScope, withClients: true, clients: registration.FAPI2,
			variant: fapi + "[openid=openid_connect]"},
		{suffix: "fapi2-message-signing", name: signing, scope: openIDScope, withClients: true, clients: registration.MessageSigning,
			variant: fapi + signed + "[openid=openid_connect][fapi_response_mode=plain_response]"},
		{suffix: "fapi2-message-signing-jarm", name: signing, scope: openIDScope, withClients: true, clients: registration.JARM,
			variant: fapi + signed + "[openid=openid_connect][fapi_response_mode=jarm]"},
	}
	if o.Resource != "" {
		all = append(all, kindOfPlan{suffix: "fapi2-security-oauth", name: security, scope: "payments", withClients: true,
			clients: registration.FAPI2, variant: fapi + "[openid=plain_oauth]"})
	}
	return all
}

// plan returns a plan whose two clients have the keys.
func (o Options) plan(kind kindOfPlan, first, second jose.JSONWebKey) (Plan, []registration.Client) {
	alias := o.Alias + "-" + kind.suffix
	p := Plan{Name: kind.name, Variant: kind.variant, File: kind.suffix + ".json", Configuration: Configuration{
		Alias:       alias,
		Description: "Signet, " + kind.suffix + "; test keys only",
		Server:      Server{DiscoveryURL: strings.TrimSuffix(o.Issuer, "/") + "/.well-known/openid-configuration"},
	}}
	if !kind.withClients {
		return p, nil
	}
	callback := strings.TrimSuffix(o.Suite, "/") + "/test/a/" + alias + "/callback"
	registered := []registration.Client{
		registration.New(kind.clients, alias+"-1", "Conformance suite 1", callback, kind.scope, first),
		registration.New(kind.clients, alias+"-2", "Conformance suite 2", callback+"?dummy1=lorem&dummy2=ipsum", kind.scope, second),
	}
	c := &p.Configuration
	c.Client, c.Client2 = client(registered[0], first), client(registered[1], second)
	if kind.clients == registration.Assurance {
		c.EKYC = &EKYC{Requests: assuredRequests}
	}
	if kind.clients > registration.Assurance {
		c.Client.DPoPSigningAlg, c.Client2.DPoPSigningAlg = string(jose.ES256), string(jose.ES256)
		c.Resource = &Resource{ResourceURL: strings.TrimSuffix(o.Issuer, "/") + "/userinfo"}
		if kind.scope != openIDScope {
			c.Resource.ResourceURL = o.Resource
		}
	}
	steps := o.browser(alias)
	c.Browser, c.Override = steps.login(), steps.overrides()
	return p, registered
}

func client(registered registration.Client, key jose.JSONWebKey) *Client {
	return &Client{
		ClientID: registered.ClientID, Scope: registered.Scope,
		JWKS: jose.JSONWebKeySet{Keys: []jose.JSONWebKey{key}},
	}
}
