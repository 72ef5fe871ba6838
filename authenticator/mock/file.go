package mock

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"time"
)

const (
	// maxFile bounds a file of personas, maxPersonas what is in it.
	maxFile     = 16 << 20
	maxPersonas = 10_000
)

var (
	nationalID = regexp.MustCompile(`^[0-9]{5,19}$`)
	pinDigits  = regexp.MustCompile(`^[0-9]{4,12}$`)
	claimName  = regexp.MustCompile(`^[a-z0-9_:/.-]{1,64}(#[A-Za-z0-9-]{2,35})?$`)
)

// ReadPersonas reads a JSON array of personas, at most 10,000 in 16 MiB, and reports everything that is wrong with them.
//
// An element is a [Persona] in JSON, or the identity JSON of eSignet's mock identity system, which is told by its
// "individualId". A persona without a picture gets one.
func ReadPersonas(r io.Reader) ([]Persona, error) {
	data, err := io.ReadAll(io.LimitReader(r, maxFile+1))
	if err != nil {
		return nil, fmt.Errorf("mock: personas: %w", err)
	}
	if len(data) > maxFile {
		return nil, fmt.Errorf("mock: personas: more than %d bytes", maxFile)
	}
	var elements []json.RawMessage
	if err := json.Unmarshal(data, &elements); err != nil {
		return nil, fmt.Errorf("mock: personas: not a JSON array: %w", err)
	}
	if len(elements) > maxPersonas {
		return nil, fmt.Errorf("mock: personas: more than %d", maxPersonas)
	}
	var personas []Persona
	var errs []error
	for i, element := range elements {
		p, err := parsePersona(element)
		if err != nil {
			errs = append(errs, fmt.Errorf("mock: persona %d: %w", i+1, err))
			continue
		}
		if p.text("picture") == "" {
			p.Claims["picture"] = picture(i * 360 / len(elements))
		}
		personas = append(personas, p)
	}
	if errs = append(errs, checkPersonas(personas)...); len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	return personas, nil
}

func parsePersona(data json.RawMessage) (p Persona, err error) {
	var kind struct {
		IndividualID json.RawMessage `json:"individualId"`
	}
	if err := json.Unmarshal(data, &kind); err != nil {
		return p, errors.New("not a JSON object")
	}
	if kind.IndividualID != nil {
		return identityPersona(data)
	}
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	decoder.UseNumber()
	if err := decoder.Decode(&p); err != nil {
		return p, err
	}
	if p.Claims == nil {
		p.Claims = make(map[string]any)
	}
	return p, nil
}

// identityPersona reads identity JSON.
func identityPersona(data json.RawMessage) (p Persona, err error) {
	d, err := parseDocument(data)
	if err != nil {
		return p, err
	}
	if problems := DefaultSchema.check(d, true); len(problems) > 0 {
		return p, errors.New(strings.Join(problems, ", "))
	}
	p.NationalID, p.PIN, p.Password = d.text("individualId"), d.text("pin"), d.text("password")
	delete(d, "password")
	p.identity, p.Claims = d, d.claims()
	return p, nil
}

// checkPersonas returns everything that is wrong with personas, whose values it does not repeat.
func checkPersonas(personas []Persona) []error {
	var errs []error
	seen := make(map[string]int)
	for i, p := range personas {
		problem := func(format string, args ...any) {
			errs = append(errs, fmt.Errorf("mock: persona %d: "+format, append([]any{i + 1}, args...)...))
		}
		if !nationalID.MatchString(p.NationalID) {
			problem("national_id is not 5 to 19 digits")
		}
		if other, ok := seen[p.NationalID]; ok {
			problem("national_id is that of persona %d", other)
		} else {
			seen[p.NationalID] = i + 1
		}
		if p.identity == nil { // the schema of identity JSON has other rules
			if p.PIN != "" && !pinDigits.MatchString(p.PIN) {
				problem("pin is not 4 to 12 digits")
			}
			for _, err := range checkClaims(p.Claims) {
				problem("%w", err)
			}
		}
		if len(p.Password) > maxPassword {
			problem("password has more than %d bytes", maxPassword)
		}
		for j, v := range p.Verified {
			if err := v.check(p.Claims); err != nil {
				problem("verified %d: %w", j+1, err)
			}
		}
	}
	return errs
}

func checkClaims(claims map[string]any) []error {
	var errs []error
	for name := range claims {
		if !claimName.MatchString(name) {
			errs = append(errs, errors.New("a claim has no valid name"))
		}
		if name == "sub" || name == "iss" || name == "aud" {
			errs = append(errs, fmt.Errorf("%s is no claim of a person", name))
		}
	}
	for _, name := range []string{"name", "given_name", "family_name", "birthdate", "email", "phone_number", "locale", "picture"} {
		value, ok := claims[name]
		if text, isText := value.(string); ok && (!isText || strings.TrimSpace(text) == "") {
			errs = append(errs, fmt.Errorf("%s is not a text", name))
		}
	}
	if _, ok := claims["name"]; !ok {
		errs = append(errs, errors.New("name is missing"))
	}
	if born, ok := claims["birthdate"].(string); ok {
		if _, err := time.Parse(time.DateOnly, born); err != nil {
			errs = append(errs, errors.New("birthdate is not of the form 1990-12-31"))
		}
	}
	if locale, ok := claims["locale"].(string); ok && iso3(locale) == "" {
		errs = append(errs, errors.New("locale is no language"))
	}
	if address, ok := claims[addressClaim]; ok {
		if _, isObject := address.(map[string]any); !isObject {
			errs = append(errs, errors.New("address is not an object"))
		}
	}
	return errs
}

func (v Verified) check(claims map[string]any) error {
	var errs []error
	if frameworkOf(v.Verification) == "" {
		errs = append(errs, errors.New("verification is not an object with a trust_framework"))
	}
	if len(v.Claims) == 0 {
		errs = append(errs, errors.New("claims are missing"))
	}
	for i, name := range v.Claims {
		if _, ok := claims[name]; !ok {
			errs = append(errs, fmt.Errorf("the persona does not have claim %d", i+1))
		}
	}
	return errors.Join(errs...)
}

// parseDocument reads a JSON object.
func parseDocument(data []byte) (document, error) {
	var d document
	if err := json.Unmarshal(data, &d); err != nil || d == nil {
		return nil, errors.New("not a JSON object")
	}
	return d, nil
}
