package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/gosignet/signet/keystore"
	"github.com/gosignet/signet/oauth"
)

// readClients reads a JSON array of client registrations: the client metadata of RFC 7591 and OpenID Connect Dynamic
// Client Registration with a client_id each. Where those leave a choice, Signet has made it: clients authenticate with
// private_key_jwt, get codes and have pairwise subjects. A userinfo_signed_response_alg that is absent means that of the
// ID Token; "none" means JSON. The member "profile", which is Signet's own, holds the client to a profile as
// -profile does all.
func readClients(file string) ([]*oauth.Client, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("-clients: %w", err)
	}
	clients, err := parseClients(data)
	if err != nil {
		return nil, fmt.Errorf("-clients: %s: %w", file, err)
	}
	return clients, nil
}

// parseClients returns every mistake at once.
func parseClients(data []byte) ([]*oauth.Client, error) {
	var registrations []map[string]json.RawMessage
	decoder := json.NewDecoder(bytes.NewReader(data))
	if err := decoder.Decode(&registrations); err != nil {
		return nil, fmt.Errorf("not a JSON array of objects: %w", err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("there is more after the JSON array")
	}
	var clients []*oauth.Client
	var errs []error
	for i, registration := range registrations {
		client, err := parseClient(registration)
		if err != nil {
			errs = append(errs, fmt.Errorf("client %d (%s): %w", i+1, cmp.Or(client.ID, "without client_id"), err))
		}
		clients = append(clients, client)
	}
	return clients, errors.Join(errs...)
}

// parseClient reads one registration. The client is returned with the error too, as far as it was read.
func parseClient(registration map[string]json.RawMessage) (*oauth.Client, error) {
	client := &oauth.Client{Names: make(map[string]string)}
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(registration)) {
		if err := setField(client, name, registration[name]); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", name, err))
		}
	}
	if len(errs) == 0 {
		if err := client.Validate(); err != nil {
			errs = append(errs, err)
		}
	}
	return client, errors.Join(errs...)
}

// setField sets what a member of the registration says.
func setField(c *oauth.Client, name string, raw json.RawMessage) error {
	if base, language, ok := strings.Cut(name, "#"); ok && base == "client_name" {
		var value string
		err := decode(raw, &value)
		c.Names[language] = value
		return err
	}
	switch name {
	case "client_id":
		return decode(raw, &c.ID)
	case "client_name":
		var value string
		err := decode(raw, &value)
		c.Names[""] = value
		return err
	case "logo_uri":
		return decode(raw, &c.LogoURI)
	case "policy_uri":
		return decode(raw, &c.PolicyURI)
	case "tos_uri":
		return decode(raw, &c.TOSURI)
	case "redirect_uris":
		return decode(raw, &c.RedirectURIs)
	case "jwks":
		return decode(raw, &c.Keys)
	case "token_endpoint_auth_signing_alg":
		return decode(raw, &c.AssertionAlgorithm)
	case "id_token_signed_response_alg":
		return decode(raw, &c.IDTokenAlgorithm)
	case "request_object_signing_alg":
		return decode(raw, &c.RequestObjectAlgorithm)
	case "request_object_encryption_alg":
		return decode(raw, &c.RequestObjectEncryption)
	case "request_object_encryption_enc":
		return mustBeOneOf(raw, keystore.DecryptionEncodings())
	case "require_signed_request_object":
		return decode(raw, &c.RequireSignedRequestObject)
	case "authorization_signed_response_alg":
		return decode(raw, &c.AuthorizationResponseAlgorithm)
	case "default_acr_values":
		return decode(raw, &c.ACRValues)
	case "default_max_age":
		var seconds uint32
		err := decode(raw, &seconds)
		age := time.Duration(seconds) * time.Second
		c.DefaultMaxAge = &age
		return err
	case "post_logout_redirect_uris":
		return decode(raw, &c.PostLogoutRedirectURIs)
	case "backchannel_logout_uri":
		return decode(raw, &c.BackchannelLogoutURI)
	case "backchannel_logout_session_required":
		return decode(raw, &c.BackchannelLogoutSessionRequired)
	case "require_auth_time":
		return decode(raw, new(bool)) // auth_time is always there
	case "require_pushed_authorization_requests":
		return decode(raw, &c.RequirePushedRequests)
	case "dpop_bound_access_tokens":
		return decode(raw, &c.DPoPBound)
	case "require_pkce":
		required := true
		err := decode(raw, &required)
		c.PKCEOptional = !required
		return err
	case "profile":
		err := decode(raw, &c.Profile)
		return cmp.Or(err, checkProfile(c.Profile))
	case "scope":
		var value string
		err := decode(raw, &value)
		c.Scopes = strings.Fields(value)
		return err
	case "userinfo_signed_response_alg":
		var value jose.SignatureAlgorithm
		err := decode(raw, &value)
		if value == "none" {
			c.UserinfoJSON = true
		} else {
			c.UserinfoAlgorithm = value
		}
		return err
	case "sector_identifier_uri":
		return setSector(c, raw)
	case "token_endpoint_auth_method":
		return mustBe(raw, "private_key_jwt")
	case "subject_type":
		return mustBe(raw, "pairwise")
	case "grant_types":
		return mustBe(raw, []string{"authorization_code"})
	case "response_types":
		return mustBe(raw, []string{"code"})
	}
	return errors.New("unknown or unsupported")
}

// setSector takes the host of the URI. What is under the URI is not fetched: whoever writes the file is trusted.
func setSector(c *oauth.Client, raw json.RawMessage) error {
	var value string
	if err := decode(raw, &value); err != nil {
		return err
	}
	u, err := url.Parse(value)
	if err != nil || u.Scheme != "https" || u.Hostname() == "" {
		return errors.New("must be an https URL")
	}
	c.SectorIdentifier = u.Hostname()
	return nil
}

// decode names what was expected, and not the Go types that do.
func decode(raw json.RawMessage, value any) error {
	if err := json.Unmarshal(raw, value); err != nil {
		if e, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
			return fmt.Errorf("a JSON %s is not what belongs here", e.Value)
		}
		return err
	}
	return nil
}

// mustBeOneOf accepts the values that Signet supports.
func mustBeOneOf[T comparable](raw json.RawMessage, allowed []T) error {
	var value T
	if err := decode(raw, &value); err != nil {
		return err
	}
	if !slices.Contains(allowed, value) {
		return fmt.Errorf("only %v are supported", allowed)
	}
	return nil
}

// mustBe accepts the one value that Signet supports.
func mustBe(raw json.RawMessage, want any) error {
	text, err := json.Marshal(want)
	if err != nil {
		return err
	}
	var got bytes.Buffer
	if err := json.Compact(&got, raw); err != nil || got.String() != string(text) {
		return fmt.Errorf("only %s is supported", text)
	}
	return nil
}
