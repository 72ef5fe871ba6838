package main

import (
	"encoding/json"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/authenticator/remote"
	"github.com/gosignet/signet/authenticator/sunbird"
)

// readRemote reads {"type": "remote", "base_url": …}. The server has to be there: it says what it can do.
func (b *identityBuilder) readRemote(d *document) (*identitySystem, error) {
	c := remote.Config{
		BaseURL: d.text("base_url"), AllowHTTP: d.boolean("allow_http"), Signer: d.key("key_file"), TLS: d.tls(),
		Timeout: d.duration("timeout"), MaxInFlight: d.number("max_in_flight"), MaxResponseBytes: member[int64](d, "max_response_bytes"),
		MaxFailures: d.number("max_failures"), Pause: d.duration("pause"), Logger: b.logger,
	}
	return finished(d, func() (*identitySystem, error) { return system(remote.New(b.ctx, c)) })
}

// readSunbird reads {"type": "sunbird", "search_url": …}. It can release the claims that it has fields for.
func (b *identityBuilder) readSunbird(d *document) (*identitySystem, error) {
	c := sunbird.Config{
		SearchURL: d.text("search_url"), EntityURL: d.text("entity_url"), AllowHTTP: d.boolean("allow_http"),
		Form: d.form(), CompareOnly: d.texts("compare_only"), RecordID: d.text("record_id"),
		Claims:  make(map[string]sunbird.Claim),
		Timeout: d.duration("timeout"), Tries: d.number("tries"), MaxInFlight: d.number("max_in_flight"),
		MaxResponseBytes: member[int64](d, "max_response_bytes"),
		MaxFailures:      d.number("max_failures"), Pause: d.duration("pause"), Logger: b.logger,
	}
	c.Transport = d.transport(c.MaxInFlight)
	var released []string
	names, claims := d.named("claims")
	for _, name := range names {
		c.Claims[name] = sunbird.Claim{Field: claims[name].text("field"), DateFormat: claims[name].text("date_format")}
		released = union(released, []string{baseName(name)})
	}
	return finished(d, func() (*identitySystem, error) {
		s, err := system(sunbird.New(c))
		if err == nil {
			s.claims = released
		}
		return s, err
	})
}

// form reads the questions of an identity system: "form", or as eSignet has it "field_details" and "individual_id_field".
func (d *document) form() authenticator.Form {
	form := member[authenticator.Form](d, "form")
	details, identifier := member[json.RawMessage](d, "field_details"), d.text("individual_id_field")
	if details == nil {
		return form
	}
	if form.Identifier != nil || form.Fields != nil {
		d.problem("field_details", "stands for form, and both are there")
	}
	schema, err := authenticator.ParseFormSchema(details, identifier)
	if err != nil {
		d.problem("field_details", "%w", err)
		return form
	}
	return *schema
}

// system is an identity system of an Authenticator that has nothing to close.
func system[A authenticator.Authenticator](a A, err error) (*identitySystem, error) {
	return &identitySystem{Authenticator: a, close: func() error { return nil }}, err
}
