package mock

import (
	"bytes"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/gosignet/signet/authenticator"
)

// maxID is as long as an identifier may be in eSignet's database.
const maxID = 36

type status struct {
	Status string `json:"status"`
}

// identity reads the identity in a request. A complete one must have all that is required.
func (a *api) identity(body []byte, complete bool) (document, error) {
	raw, found, err := unwrap[json.RawMessage](a, body)
	if err == nil {
		err = found.err()
	}
	if err != nil {
		return nil, err
	}
	d, err := parseDocument(*raw)
	if err != nil {
		return nil, problem("json_processing_error")
	}
	if !d.has("individualId") {
		return nil, problem(invalidIndividualID)
	}
	for _, code := range a.config.Schema.check(d, complete) {
		found.add("request", code)
	}
	id := authenticator.Identifier{Value: d.text("individualId")}
	if len(found) == 0 && (len(id.Value) > maxID || id.Validate() != nil) {
		return nil, problem(invalidIndividualID)
	}
	if len(d.text("password")) > maxPassword {
		found.add("request", invalid("password"))
	}
	if password := d.text("password"); password != "" {
		d.set("password", passwordDigest(password))
	}
	return d, found.err()
}

func (a *api) createIdentity(_ *http.Request, body []byte) (any, error) {
	d, err := a.identity(body, true)
	if err != nil {
		return nil, err
	}
	who := &person{doc: d, claims: d.claims()}
	who.claims["updated_at"] = a.now().Unix()
	switch err := a.people.create(who); {
	case errors.Is(err, errDuplicate):
		return nil, problem("duplicate_individual_id")
	case err != nil:
		return nil, err
	}
	return status{"mock identity data created successfully"}, nil
}

func (a *api) updateIdentity(_ *http.Request, body []byte) (any, error) {
	d, err := a.identity(body, false)
	if err != nil {
		return nil, err
	}
	err = a.people.change(d.text("individualId"), func(who *person) (*person, error) {
		return who.updated(d, a.now()), nil
	})
	if err != nil {
		return nil, problem(invalidIndividualID)
	}
	return status{"mock Identity data updated successfully"}, nil
}

// readIdentity leaves out what one logs in with.
func (a *api) readIdentity(r *http.Request, _ []byte) (any, error) {
	who := a.people.get(r.PathValue("id"))
	if who == nil {
		return nil, problem(invalidIndividualID)
	}
	d := maps.Clone(who.doc)
	delete(d, "pin")
	delete(d, "password")
	return d, nil
}

func (a *api) uiSpec(*http.Request, []byte) (any, error) {
	if a.config.UISpec == nil {
		return nil, problem("ui_spec_not_found")
	}
	return a.config.UISpec, nil
}

func (a *api) identitySchema(*http.Request, []byte) (any, error) { return a.config.Schema.JSON(), nil }

// verifiedClaim is a request to say how fields were verified.
type verifiedClaim struct {
	IndividualID string                     `json:"individualId"`
	Active       bool                       `json:"active"`
	Details      map[string]json.RawMessage `json:"verificationDetail"`
}

func (a *api) addVerifiedClaim(_ *http.Request, body []byte) (any, error) {
	request, found, err := unwrap[verifiedClaim](a, body)
	if err != nil {
		return nil, err
	}
	found.require(request.IndividualID, "request.individualId", invalidIndividualID)
	if len(request.Details) == 0 {
		found.add("request.verificationDetail", invalidRequest)
	}
	if err := found.err(); err != nil {
		return nil, err
	}
	err = a.people.change(request.IndividualID, func(who *person) (*person, error) {
		for _, name := range slices.Sorted(maps.Keys(request.Details)) {
			v, err := who.verification(name, request.Details[name])
			if err != nil {
				return nil, err
			}
			v.active, v.updated = request.Active, a.now()
			who = who.verify(v)
		}
		return who, nil
	})
	if errors.Is(err, errUnknown) {
		return nil, problem(invalidIndividualID)
	}
	if err != nil {
		return nil, err
	}
	return status{"Verified Claim added successfully"}, nil
}

// verification reads how a field of the person was verified.
func (p *person) verification(name string, detail json.RawMessage) (v verification, err error) {
	f := fieldNamed(name)
	if f == nil || f.claim == "" || !p.doc.has(name) {
		return v, problem("invalid_claim")
	}
	var read struct {
		TrustFramework *string `json:"trust_framework"`
	}
	if json.Unmarshal(detail, &read) != nil || read.TrustFramework == nil {
		return v, problem(unknownError)
	}
	if strings.TrimSpace(*read.TrustFramework) == "" {
		return v, problem(invalidRequest)
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, detail); err != nil {
		return v, problem(unknownError)
	}
	return verification{field: name, claim: f.claimName(), framework: *read.TrustFramework, detail: compact.Bytes()}, nil
}
