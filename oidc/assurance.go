package oidc

import (
	"slices"

	"github.com/gosignet/signet/oidc/internal/assurance"
)

// Assurance is what a provider says about the claims that it can deliver with how they were verified (OpenID Identity
// Assurance), as discovery announces it. The zero value means that there are none: verified_claims in requests is passed
// over.
type Assurance struct {
	// TrustFrameworks are those that verifications follow. Verifications of others are not released. Required if
	// there are Claims.
	TrustFrameworks []string `json:"trust_frameworks_supported,omitempty"`
	// Claims are those that can be had verified, all of them among [Config.ClaimsSupported]. Nil means none.
	Claims []string `json:"claims_in_verified_claims_supported,omitempty"`
	// Evidence are the types of evidence: document, electronic_record, vouch, electronic_signature. Nil means none.
	Evidence []string `json:"evidence_supported,omitempty"`
	// Documents are the types of documents. Required if they are Evidence.
	Documents []string `json:"documents_supported,omitempty"`
	// DocumentCheckMethods are the ways in which documents are checked. Nil announces none.
	DocumentCheckMethods []string `json:"documents_check_methods_supported,omitempty"`
	// ElectronicRecords are the types of electronic records. Required if they are Evidence.
	ElectronicRecords []string `json:"electronic_records_supported,omitempty"`
}

func (a *Assurance) validate(supported []string, problem func(format string, args ...any)) {
	if len(a.Claims) == 0 {
		if len(a.TrustFrameworks)+len(a.Evidence)+len(a.Documents)+len(a.DocumentCheckMethods)+len(a.ElectronicRecords) > 0 {
			problem("Assurance has no Claims")
		}
		return
	}
	for _, name := range a.Claims {
		if !slices.Contains(supported, name) {
			problem("Assurance.Claims: %q is not one of ClaimsSupported", name)
		}
	}
	if len(a.TrustFrameworks) == 0 || slices.Contains(a.TrustFrameworks, "") {
		problem("Assurance.TrustFrameworks is empty or has an empty name")
	}
	for _, kind := range a.Evidence {
		if !assurance.IsEvidenceType(kind) {
			problem("Assurance.Evidence: %q is not a type of evidence", kind)
		}
	}
	if slices.Contains(a.Evidence, "document") && len(a.Documents) == 0 {
		problem("Assurance.Documents is required")
	}
	if slices.Contains(a.Evidence, "electronic_record") && len(a.ElectronicRecords) == 0 {
		problem("Assurance.ElectronicRecords is required")
	}
}
