package mock

import (
	_ "embed"
	"encoding/base64"
	"encoding/json"
	"fmt"

	"github.com/gosignet/signet/authenticator/directory"
)

//go:embed personas.json
var personasJSON []byte

// Persona is an invented person.
type Persona struct {
	// NationalID is what the persona logs in with: ten digits.
	NationalID string `json:"national_id"`
	// Claims are the standard claims of OpenID Connect Core, section 5.1, that the persona has.
	Claims map[string]any `json:"claims"`
}

// Name returns the full name in the persona's own letters.
func (p Persona) Name() string { return p.text("name") }

// EnglishName returns the full name in Latin letters.
func (p Persona) EnglishName() string {
	if name := p.text("name#en"); name != "" {
		return name
	}
	return p.Name()
}

func (p Persona) text(claim string) string {
	s, _ := p.Claims[claim].(string)
	return s
}

func readPersonas() ([]Persona, error) {
	var personas []Persona
	if err := json.Unmarshal(personasJSON, &personas); err != nil {
		return nil, fmt.Errorf("mock: personas: %w", err)
	}
	for i, p := range personas {
		p.Claims["picture"] = picture(i * 360 / len(personas))
	}
	return personas, nil
}

func (p Persona) person(passwordHash string) *directory.Person {
	return &directory.Person{
		Subject:      p.NationalID,
		Contacts:     []directory.Contact{p.phone()},
		PasswordHash: passwordHash,
		Claims:       p.Claims,
	}
}

func (p Persona) phone() directory.Contact {
	return directory.Contact{Channel: directory.SMS, Address: p.text("phone_number")}
}

// decoys are the personas' own numbers, so that nobody who asks for a code is told anything else than the country.
func decoys(personas []Persona) []directory.Contact {
	contacts := make([]directory.Contact, len(personas))
	for i, p := range personas {
		contacts[i] = p.phone()
	}
	return contacts
}

// picture draws a portrait on a background of the given hue.
func picture(hue int) string {
	svg := fmt.Sprintf(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 64 64">`+
		`<path fill="hsl(%d 45%% 82%%)" d="M0 0h64v64H0z"/>`+
		`<g fill="hsl(%d 40%% 32%%)"><circle cx="32" cy="25" r="12"/><path d="M10 64a22 22 0 0 1 44 0z"/></g></svg>`, hue, hue)
	return "data:image/svg+xml;base64," + base64.StdEncoding.EncodeToString([]byte(svg))
}
