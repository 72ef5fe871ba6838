package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/go-jose/go-jose/v4"

	"github.com/gosignet/signet/conformance"
	"github.com/gosignet/signet/conformance/internal/registration"
	"github.com/gosignet/signet/conformance/oidf"
)

// personFlags are what init and oidf have in common.
type personFlags struct{ issuer, user, password, out, resource string }

func (p *personFlags) add(f *flag.FlagSet) {
	f.StringVar(&p.issuer, "issuer", "", "")
	f.StringVar(&p.user, "user", "", "")
	f.StringVar(&p.password, "password", "", "")
	f.StringVar(&p.out, "out", "", "")
	f.StringVar(&p.resource, "resource", "", "")
}

func (p *personFlags) validate() error {
	var errs []error
	for _, required := range []struct{ name, value string }{
		{"issuer", p.issuer}, {"user", p.user}, {"password", p.password}, {"out", p.out},
	} {
		if required.value == "" {
			errs = append(errs, fmt.Errorf("-%s is required", required.name))
		}
	}
	return errors.Join(errs...)
}

// initialize writes a target for a provider with Signet's pages, and the registrations of its clients.
func initialize(_ context.Context, args []string, stdout io.Writer) (bool, error) {
	var p personFlags
	f := newFlags("conform init")
	p.add(f)
	if err := parse(f, args); err != nil {
		return false, err
	}
	if err := p.validate(); err != nil {
		return false, err
	}
	target, clients, err := p.target()
	if err != nil {
		return false, err
	}
	if err := writeJSON(p.out, "config.json", target); err != nil {
		return false, err
	}
	if err := writeJSON(p.out, "clients.json", clients); err != nil {
		return false, err
	}
	_, err = fmt.Fprintf(stdout, "%s has the target, with private test keys; register the clients of %s at the provider.\n",
		filepath.Join(p.out, "config.json"), filepath.Join(p.out, "clients.json"))
	return true, err
}

// groupClients are the groups with clients of their own, and how those are registered.
var groupClients = []struct {
	group, scope string
	kind         registration.Kind
}{
	{"oidc", "openid profile email address phone", registration.OpenID},
	{assurance, "openid", registration.Assurance},
	{"fapi2-security", "openid profile email address phone", registration.FAPI2},
	{"fapi2-security-oauth", "payments", registration.FAPI2},
	{"fapi2-message-signing", "openid profile email address phone", registration.MessageSigning},
	{"fapi2-message-signing-jarm", "openid profile email address phone", registration.JARM},
}

// assurance is the group that also has clients for encrypted userinfo.
const assurance = "identity-assurance"

func (p *personFlags) target() (*conformance.Target, []registration.Client, error) {
	target := &conformance.Target{
		Issuer:   p.issuer,
		Profiles: map[string]*conformance.Profile{"oidc-config": {}},
		Login:    signetLogin(p.user, p.password),
	}
	if strings.HasPrefix(p.issuer, "https:") {
		target.Profiles["fapi2-tls"] = &conformance.Profile{}
	}
	first, second, err := registration.NewKeys("conform")
	if err != nil {
		return nil, nil, err
	}
	var clients []registration.Client
	for _, g := range groupClients {
		if g.group == "fapi2-security-oauth" && p.resource == "" {
			continue
		}
		profile := &conformance.Profile{}
		if g.group == "fapi2-security-oauth" {
			profile.Resource = p.resource
		}
		for i, key := range []jose.JSONWebKey{first, second} {
			id := fmt.Sprintf("conform-%s-%d", g.group, i+1)
			uri := "https://conform.invalid/" + g.group + []string{"/callback", "/second?dummy1=lorem&dummy2=ipsum"}[i]
			profile.Clients = append(profile.Clients, &conformance.Client{
				ID: id, Keys: jose.JSONWebKeySet{Keys: []jose.JSONWebKey{key}}, RedirectURI: uri, Scope: g.scope,
			})
			clients = append(clients, registration.New(g.kind, id, "Conformance test "+id, uri, g.scope, key))
		}
		target.Profiles[g.group] = profile
	}
	encrypted, registered, err := encryptedClients(second)
	if err != nil {
		return nil, nil, err
	}
	target.Profiles[assurance].EncryptedClients = encrypted
	return target, append(clients, registered...), nil
}

// encryptedClients returns a client for each way to encrypt userinfo, and their registrations.
func encryptedClients(signing jose.JSONWebKey) ([]*conformance.Client, []registration.Client, error) {
	keys, err := registration.NewEncryptionKeys("conform")
	if err != nil {
		return nil, nil, err
	}
	var clients []*conformance.Client
	var registered []registration.Client
	for _, alg := range slices.Sorted(maps.Keys(keys)) {
		for _, enc := range []jose.ContentEncryption{jose.A128GCM, jose.A256GCM} {
			id := strings.ReplaceAll(fmt.Sprintf("conform-%s-%s-%s", assurance, alg, enc), "+", "-")
			c := &conformance.Client{
				ID: id, Keys: jose.JSONWebKeySet{Keys: []jose.JSONWebKey{signing, keys[alg]}},
				RedirectURI: "https://conform.invalid/" + assurance + "/encrypted", Scope: "openid",
				UserinfoEncryptionAlg: alg, UserinfoEncryptionEnc: enc,
			}
			r := registration.New(registration.Assurance, id, "Conformance test "+id, c.RedirectURI, c.Scope, signing)
			r.EncryptUserinfo(alg, enc, keys[alg])
			clients, registered = append(clients, c), append(registered, r)
		}
	}
	return clients, registered, nil
}

// signetLogin logs in with a password on Signet's pages.
func signetLogin(user, password string) conformance.Script {
	return conformance.Script{
		Cancel: "cancel",
		Steps: []conformance.Step{
			{Submit: "login_with_pwd"},
			{Fill: map[string]string{"identifier": user, "response": password}, Submit: "verify_password"},
			{CheckAll: true, Submit: "continue"},
		},
	}
}

// writeSuite writes the configurations for the OpenID Foundation's suite.
func writeSuite(_ context.Context, args []string, stdout io.Writer) (bool, error) {
	var p personFlags
	var suite, alias string
	f := newFlags("conform oidf")
	p.add(f)
	f.StringVar(&suite, "suite", "", "")
	f.StringVar(&alias, "alias", "", "")
	if err := parse(f, args); err != nil {
		return false, err
	}
	if err := p.validate(); err != nil {
		return false, err
	}
	plans, clients, err := oidf.Generate(oidf.Options{
		Issuer: p.issuer, Suite: suite, Alias: alias, User: p.user, Password: p.password, Resource: p.resource,
	})
	if err != nil {
		return false, err
	}
	for _, plan := range plans {
		if err := writeJSON(p.out, plan.File, plan.Configuration); err != nil {
			return false, err
		}
		fmt.Fprintln(stdout, plan)
	}
	return true, writeJSON(p.out, "clients.json", clients)
}

func writeJSON(dir, name string, v any) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	return writeFile(filepath.Join(dir, name), func(w io.Writer) error {
		e := json.NewEncoder(w)
		e.SetEscapeHTML(false)
		e.SetIndent("", "  ")
		return e.Encode(v)
	})
}
