package esignet

import (
	"context"
	"encoding/json"
	"errors"
	"strings"

	"github.com/gosignet/signet/oauth"
	"github.com/gosignet/signet/store"
)

// ClientDetail is a client as eSignet's table client_detail has it, column by column.
type ClientDetail struct {
	ID, Name, RelyingPartyID, LogoURI string
	RedirectURIs, Claims, ACRValues   string // JSON arrays
	PublicKey, EncPublicKey           string // JWK
	GrantTypes, AuthMethods, Status   string
	AdditionalConfig                  string
}

// ImportClient takes a client over as if it were registered through the API, by the API's rules. One that is there already
// is changed to what the table says of it.
func (c *ManagementConfig) ImportClient(ctx context.Context, d *ClientDetail) (*oauth.Client, error) {
	m := newManager(*c)
	all := *createV3
	all.members = plus(createV3.members, "status", "encPublicKey")
	f := &clientFields{shape: &all, manager: m}
	if err := d.read(f); err != nil {
		return nil, err
	}
	var wrong violations
	f.validate(&wrong)
	if len(wrong) > 0 {
		var errs []error
		for _, e := range wrong {
			errs = append(errs, errors.New(strings.TrimPrefix(e.Message, "request.")))
		}
		return nil, errors.Join(errs...)
	}
	client := &oauth.Client{ID: d.ID, Names: map[string]string{}}
	m.apply(client, f)
	if err := m.checkRegistration(client); err != nil {
		return nil, err
	}
	if err := m.claimKey(ctx, client); err != nil {
		return nil, err
	}
	if _, err := m.Clients.Create(ctx, actor(ctx), client); err != nil && !errors.Is(err, store.ErrExists) {
		return nil, err
	}
	if _, err := m.Clients.Put(ctx, actor(ctx), client, 0); err != nil {
		return nil, err
	}
	change := m.Clients.Activate
	if d.Status == "INACTIVE" {
		change = m.Clients.Deactivate
	}
	_, err := change(ctx, actor(ctx), d.ID, 0)
	return client, err
}

// read makes a request of the row.
func (d *ClientDetail) read(f *clientFields) error {
	names := map[string]string{noLanguage: d.Name} // version 1 wrote the name alone
	if strings.HasPrefix(strings.TrimSpace(d.Name), "{") {
		names = nil
		if err := json.Unmarshal([]byte(d.Name), &names); err != nil {
			return errors.New("name: neither text nor JSON")
		}
	}
	members := map[string]any{
		"clientId": d.ID, "clientName": names[noLanguage], "relyingPartyId": d.RelyingPartyID, "logoUri": d.LogoURI, "status": d.Status,
	}
	delete(names, noLanguage)
	members["clientNameLangMap"] = names
	for name, column := range map[string]string{
		"redirectUris": d.RedirectURIs, "userClaims": d.Claims, "authContextRefs": d.ACRValues, "publicKey": d.PublicKey,
		"grantTypes": d.GrantTypes, "clientAuthMethods": d.AuthMethods, "encPublicKey": d.EncPublicKey, "additionalConfig": d.AdditionalConfig,
	} {
		if column == "" {
			continue
		}
		if !json.Valid([]byte(column)) {
			return errors.New(name + ": no JSON")
		}
		members[name] = json.RawMessage(column)
	}
	data, err := json.Marshal(members)
	if err != nil {
		return err
	}
	return decode(data, f)
}
