package main

import (
	"encoding/json"
	"slices"

	"github.com/gosignet/signet/authenticator/mock"
	"github.com/gosignet/signet/oidc"
)

// evidence is what matters here of a piece of evidence (OpenID Identity Assurance Schema section 5.4.4).
type evidence struct {
	Type            string `json:"type"`
	DocumentDetails struct {
		Type string `json:"type"`
	} `json:"document_details"`
	CheckDetails []struct {
		Method string `json:"check_method"`
	} `json:"check_details"`
	Record struct {
		Type string `json:"type"`
	} `json:"record"`
}

// assuranceOf is what a provider can promise of how the claims of invented people were verified.
func assuranceOf(people []mock.Persona) oidc.Assurance {
	var a oidc.Assurance
	for _, p := range people {
		for _, v := range p.Verified {
			var verification struct {
				Framework string     `json:"trust_framework"`
				Evidence  []evidence `json:"evidence"`
			}
			if json.Unmarshal(v.Verification, &verification) != nil || verification.Framework == "" {
				continue
			}
			a.TrustFrameworks = union(a.TrustFrameworks, []string{verification.Framework})
			for _, claim := range v.Claims {
				a.Claims = union(a.Claims, []string{baseName(claim)})
			}
			for _, e := range verification.Evidence {
				promise(&a, e)
			}
		}
	}
	for _, list := range [][]string{a.TrustFrameworks, a.Claims, a.Evidence, a.Documents, a.DocumentCheckMethods, a.ElectronicRecords} {
		slices.Sort(list)
	}
	return a
}

// bothAssurances is what two identity systems can promise together.
func bothAssurances(a, b oidc.Assurance) oidc.Assurance {
	return oidc.Assurance{
		TrustFrameworks:      union(a.TrustFrameworks, b.TrustFrameworks),
		Claims:               union(a.Claims, b.Claims),
		Evidence:             union(a.Evidence, b.Evidence),
		Documents:            union(a.Documents, b.Documents),
		DocumentCheckMethods: union(a.DocumentCheckMethods, b.DocumentCheckMethods),
		ElectronicRecords:    union(a.ElectronicRecords, b.ElectronicRecords),
	}
}

func promise(a *oidc.Assurance, e evidence) {
	switch {
	case e.Type == "document" && e.DocumentDetails.Type != "":
		a.Documents = union(a.Documents, []string{e.DocumentDetails.Type})
		for _, check := range e.CheckDetails {
			if check.Method != "" {
				a.DocumentCheckMethods = union(a.DocumentCheckMethods, []string{check.Method})
			}
		}
	case e.Type == "electronic_record" && e.Record.Type != "":
		a.ElectronicRecords = union(a.ElectronicRecords, []string{e.Record.Type})
	case e.Type != "vouch" && e.Type != "electronic_signature":
		return
	}
	a.Evidence = union(a.Evidence, []string{e.Type})
}
