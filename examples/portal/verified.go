package portal

import (
	"encoding/json"
	"slices"
	"strings"
	"time"
)

// verifiedClaims is the member in which verified claims are asked for and delivered (OpenID Identity Assurance).
const verifiedClaims = "verified_claims"

// claims returns the claims parameter: what was configured, and verified claims if the provider announces them.
func (c *Config) claims(m *metadata) json.RawMessage {
	request := c.verifiedRequest(m)
	if request == nil {
		return c.Claims
	}
	parameter := map[string]json.RawMessage{}
	userinfo := map[string]any{}
	if c.Claims != nil {
		if json.Unmarshal(c.Claims, &parameter) != nil || parameter["userinfo"] != nil && json.Unmarshal(parameter["userinfo"], &userinfo) != nil {
			return c.Claims
		}
	}
	if userinfo == nil { // it was null
		userinfo = map[string]any{}
	}
	userinfo[verifiedClaims] = request
	var err error
	if parameter["userinfo"], err = json.Marshal(userinfo); err != nil {
		return c.Claims
	}
	merged, err := json.Marshal(parameter)
	if err != nil {
		return c.Claims
	}
	return merged
}

// verifiedRequest asks once for the verification as such, and once for each announced type of evidence: a request for
// evidence leaves verifications out that have none.
func (c *Config) verifiedRequest(m *metadata) []any {
	claims := map[string]any{}
	for _, name := range c.VerifiedClaims {
		if slices.Contains(m.ClaimsInVerified, name) {
			claims[name] = nil
			if c.Purpose != "" {
				claims[name] = map[string]string{"purpose": c.Purpose}
			}
		}
	}
	if !m.VerifiedClaims || len(claims) == 0 {
		return nil
	}
	element := func(evidence any) any {
		verification := map[string]any{"trust_framework": nil, "assurance_level": nil, "time": nil}
		if evidence != nil {
			verification["evidence"] = []any{evidence}
		}
		return map[string]any{"verification": verification, "claims": claims}
	}
	elements := []any{element(nil)}
	for _, kind := range m.Evidence {
		evidence := map[string]any{"type": map[string]string{"value": kind}}
		switch kind {
		case "document":
			evidence["document_details"] = map[string]any{
				"type": nil, "date_of_issuance": nil, "date_of_expiry": nil, "issuer": map[string]any{"name": nil, "country_code": nil},
			}
		case "electronic_record":
			evidence["record"] = map[string]any{"type": nil, "source": map[string]any{"name": nil}}
		}
		elements = append(elements, element(evidence))
	}
	return elements
}

// verification is how some claims were verified, as a page shows it.
type verification struct {
	Framework, Level, Time string
	Evidence               []evidence
	Rows                   []row
}

// evidence is what the claims were checked against.
type evidence struct {
	Type, Kind, Issuer string // Kind is the type of the document or the record
	Issued, Expires    string
}

// verifications reads verified_claims: an object or an array of them. Elements that tell of the same verification become
// one. What is not as the specification says is not shown.
func verifications(raw json.RawMessage) []verification {
	type organization struct {
		Name string `json:"name"`
	}
	type element struct {
		Verification struct {
			Framework string `json:"trust_framework"`
			Level     string `json:"assurance_level"`
			Time      string `json:"time"`
			Evidence  []struct {
				Type     string `json:"type"`
				Document struct {
					Type    string       `json:"type"`
					Issued  string       `json:"date_of_issuance"`
					Expires string       `json:"date_of_expiry"`
					Issuer  organization `json:"issuer"`
				} `json:"document_details"`
				Record struct {
					Type   string       `json:"type"`
					Source organization `json:"source"`
				} `json:"record"`
			} `json:"evidence"`
		} `json:"verification"`
		Claims map[string]json.RawMessage `json:"claims"`
	}
	var elements []element
	if json.Unmarshal(raw, &elements) != nil {
		var one element
		if json.Unmarshal(raw, &one) != nil {
			return nil
		}
		elements = []element{one}
	}
	var list []verification
	claims := map[int]map[string]json.RawMessage{}
	for _, e := range elements {
		v := e.Verification
		if v.Framework == "" || len(e.Claims) == 0 {
			continue
		}
		shown := verification{Framework: v.Framework, Level: v.Level, Time: dayOf(v.Time)}
		i := slices.IndexFunc(list, func(o verification) bool {
			return o.Framework == shown.Framework && o.Level == shown.Level && o.Time == shown.Time
		})
		if i < 0 {
			i = len(list)
			list = append(list, shown)
			claims[i] = map[string]json.RawMessage{}
		}
		for name, value := range e.Claims {
			claims[i][name] = value
		}
		for _, proof := range v.Evidence {
			entry := evidence{Type: words(proof.Type), Kind: words(proof.Document.Type), Issuer: proof.Document.Issuer.Name,
				Issued: proof.Document.Issued, Expires: proof.Document.Expires}
			if proof.Type == "electronic_record" {
				entry.Kind, entry.Issuer = words(proof.Record.Type), proof.Record.Source.Name
			}
			if entry.Type != "" && !slices.Contains(list[i].Evidence, entry) {
				list[i].Evidence = append(list[i].Evidence, entry)
			}
		}
	}
	for i := range list {
		list[i].Rows = rows(claims[i])
	}
	return list
}

// dayOf writes the day of a time for people.
func dayOf(text string) string {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return ""
	}
	return t.UTC().Format("2 January 2006")
}

// words writes an identifier for people.
func words(identifier string) string { return strings.ReplaceAll(identifier, "_", " ") }
