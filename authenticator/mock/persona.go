package mock

import (
	_ "embed"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

//go:embed personas.json
var personasJSON []byte

// Persona is an invented person.
type Persona struct {
	// NationalID is what the persona logs in with: 5 to 19 digits, ten if it is built in.
	NationalID string `json:"national_id"`
	// PIN is a secret of digits. Empty means [PIN].
	PIN string `json:"pin,omitempty"`
	// Password is the persona's own. Empty means that of [Config]. It is not in what [Mock.Personas] returns.
	Password string `json:"password,omitempty"`
	// Knowledge has answers to questions that are not about claims, by the names of [Config.Questions].
	Knowledge map[string]string `json:"knowledge,omitempty"`
	// Claims are the standard claims of OpenID Connect Core, section 5.1, that the persona has. "name" is in the persona's
	// own language, which "locale" names, and "name#en" in English.
	Claims map[string]any `json:"claims"`
	// Verified says which claims were verified, and how.
	Verified []Verified `json:"verified,omitempty"`

	// identity is that of a persona that was written as identity JSON.
	identity document
}

// Verified is a verification of claims, as in OpenID Identity Assurance.
type Verified struct {
	// Verification is a JSON object with at least trust_framework.
	Verification json.RawMessage `json:"verification"`
	// Claims are names of claims that the persona has, without language.
	Claims []string `json:"claims"`
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

// person makes somebody of the persona that has not said everything.
func (p Persona) person(password string, now time.Time) *person {
	who := &person{doc: maps.Clone(p.identity), claims: maps.Clone(p.Claims), knowledge: maps.Clone(p.Knowledge)}
	if who.doc == nil {
		who.doc = documentOf(p.NationalID, p.Claims)
	}
	if p.PIN != "" || !who.doc.has("pin") {
		who.doc.set("pin", orElse(p.PIN, PIN))
	}
	who.doc.set("password", passwordDigest(orElse(p.Password, password)))
	for _, v := range p.Verified {
		for _, claim := range v.Claims {
			who.verified = append(who.verified, verification{
				field: fieldOfClaim(claim), claim: claim, framework: frameworkOf(v.Verification),
				detail: v.Verification, active: true, updated: now,
			})
		}
	}
	return who
}

// persona is what the world may see of a person.
func (p *person) persona() Persona {
	out := Persona{
		NationalID: p.id(), PIN: p.doc.text("pin"), Knowledge: maps.Clone(p.knowledge),
		Claims: make(map[string]any, len(p.claims)), identity: maps.Clone(p.doc),
	}
	delete(out.identity, "password")
	for name, value := range p.claims {
		if object, ok := value.(map[string]any); ok {
			value = maps.Clone(object)
		}
		out.Claims[name] = value
	}
	for _, v := range p.verified {
		if !v.active {
			continue
		}
		i := slices.IndexFunc(out.Verified, func(o Verified) bool { return string(o.Verification) == string(v.detail) })
		if i < 0 {
			i = len(out.Verified)
			out.Verified = append(out.Verified, Verified{Verification: slices.Clone(v.detail)})
		}
		if !slices.Contains(out.Verified[i].Claims, v.claim) {
			out.Verified[i].Claims = append(out.Verified[i].Claims, v.claim)
		}
	}
	return out
}

// fieldOfClaim returns the field that a claim is made of. The address, which is made of many, and claims that are made of
// none stand for themselves.
func fieldOfClaim(claim string) string {
	for _, f := range fields {
		if f.claim == claim {
			return f.name
		}
	}
	return claim
}

func frameworkOf(detail json.RawMessage) string {
	var v struct {
		TrustFramework string `json:"trust_framework"`
	}
	if json.Unmarshal(detail, &v) != nil {
		return ""
	}
	return v.TrustFramework
}

func orElse(s, otherwise string) string {
	if strings.TrimSpace(s) == "" {
		return otherwise
	}
	return s
}

// picture draws a portrait on a background of the given hue.
func picture(hue int) string {
	svg := fmt.Sprintf(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 64 64">`+
		`<path fill="hsl(%d 45%% 82%%)" d="M0 0h64v64H0z"/>`+
		`<g fill="hsl(%d 40%% 32%%)"><circle cx="32" cy="25" r="12"/><path d="M10 64a22 22 0 0 1 44 0z"/></g></svg>`, hue, hue)
	return "data:image/svg+xml;base64," + base64.StdEncoding.EncodeToString([]byte(svg))
}
