package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/authenticator/directory"
	"github.com/gosignet/signet/examples/registry/register"
)

// minIterations is less than a register should have: PINs are short.
const minIterations = 1000

// readCSV reads {"type": "csv", "file": …}: the register of examples/registry, which knows PINs. With a "sender" there are
// one-time codes too, and people can have passkeys.
func (b *identityBuilder) readCSV(d *document) (*identitySystem, error) {
	iterations := cmp.Or(d.number("iterations"), register.Iterations)
	if iterations < minIterations {
		d.problem("iterations", "is less than %d", minIterations)
	}
	var people *register.Register
	if data := d.file("file"); data != nil {
		var err error
		if people, err = register.Open(bytes.NewReader(data), iterations); err != nil {
			d.problem("file", "%w", err)
		}
	} else if !d.has("file") {
		d.problem("file", "is missing")
	}
	system := &identitySystem{claims: register.Released, close: func() error { return nil }}
	sender := b.readSenders(d)
	if sender == nil {
		return finished(d, func() (*identitySystem, error) {
			system.Authenticator = people
			return system, nil
		})
	}
	secret, err := derive(b.secret, "signet server codes v1")
	if err != nil {
		return nil, err
	}
	c := directory.Config{
		Lookup: func(_ context.Context, id authenticator.Identifier) (*directory.Person, error) {
			return personOf(people.Person(id.Value), iterations)
		},
		PIN: true, PBKDF2: directory.PBKDF2{Iterations: iterations},
		Sender: sender, Store: b.store, Secret: secret, Logger: b.logger,
		Channels: channels(d.texts("channels")), DefaultChannels: channels(d.texts("default_channels")),
		CodeLength: d.number("code_length"), CodeLifetime: d.duration("code_lifetime"),
		MaxTries: d.number("max_tries"), ResendAfter: d.duration("resend_after"),
	}
	for _, decoy := range d.objects("decoys") {
		c.Decoys = append(c.Decoys, directory.Contact{Channel: directory.Channel(decoy.text("channel")), Address: decoy.text("address")})
	}
	return finished(d, func() (*identitySystem, error) {
		people, err := directory.New(c)
		if err != nil {
			return nil, err
		}
		system.Authenticator, system.close = people, people.Close
		return system, nil
	})
}

// personOf is a line of the register as a directory has people.
func personOf(line map[string]string, iterations int) (*directory.Person, error) {
	if line == nil {
		return nil, directory.ErrUnknown
	}
	digest, err := base64.RawURLEncoding.DecodeString(line["pin"])
	if err != nil {
		return nil, errors.New("the register has a PIN that is no hash")
	}
	encode := base64.RawStdEncoding.EncodeToString
	p := &directory.Person{
		Subject: line["id"],
		PINHash: fmt.Sprintf("%s$%s$%s", directory.PBKDF2{Iterations: iterations}, encode([]byte(line["salt"])), encode(digest)),
		Claims:  make(map[string]any),
	}
	for _, contact := range []directory.Contact{{Channel: directory.SMS, Address: line["phone_number"]}, {Channel: directory.Email, Address: line["email"]}} {
		if contact.Address != "" {
			p.Contacts = append(p.Contacts, contact)
		}
	}
	for name, value := range line {
		if value != "" && slices.Contains(register.Released, baseName(name)) {
			p.Claims[name] = value
		}
	}
	return p, nil
}

func channels(names []string) []directory.Channel {
	var all []directory.Channel
	for _, name := range names {
		all = append(all, directory.Channel(name))
	}
	return all
}
