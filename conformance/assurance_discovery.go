package conformance

// assuranceDiscoveryChecks are about what the discovery document says of verified claims.
var assuranceDiscoveryChecks = []Check{
	{ID: "discovery-verified-claims", Title: "verified_claims_supported and claims_parameter_supported are true, and claims_supported is there", Clause: assuredMetadata, run: assured(func(t *trial) {
		for _, name := range []string{"verified_claims_supported", "claims_parameter_supported"} {
			if !t.metadata().flag(name) {
				t.fail("%s is not true but %v", name, t.metadata().raw[name])
			}
		}
		t.namesListed("claims_supported")
	})},
	{ID: "discovery-trust-frameworks", Title: "trust_frameworks_supported is a non-empty array", Clause: assuredMetadata, run: assured(func(t *trial) {
		t.namesListed("trust_frameworks_supported")
	})},
	{ID: "discovery-claims-in-verified-claims", Title: "claims_in_verified_claims_supported is a non-empty array", Clause: assuredMetadata, run: assured(func(t *trial) {
		t.namesListed("claims_in_verified_claims_supported")
	})},
	{ID: "discovery-evidence", Title: "evidence_supported has known types, and what they need is announced with them", Clause: assuredMetadata, run: assured(discoveryEvidence)},
}

func discoveryEvidence(t *trial) {
	m := t.metadata()
	for _, name := range []string{
		"evidence_supported", "documents_supported", "documents_methods_supported", "documents_check_methods_supported",
		"electronic_records_supported", "attachments_supported",
	} {
		t.arrayIfPresent(name)
	}
	for _, kind := range m.list("evidence_supported") {
		t.oneOf("a member of evidence_supported", kind, evidenceTypes)
	}
	if m.listHas("evidence_supported", "document") {
		t.namesListed("documents_supported")
	}
	if m.listHas("evidence_supported", "electronic_record") {
		t.namesListed("electronic_records_supported")
	}
}

// namesListed fails unless the member is a non-empty array of strings.
func (t *trial) namesListed(name string) {
	t.arrayIfPresent(name)
	if len(t.metadata().list(name)) == 0 {
		t.fail("%s is not a non-empty array", name)
	}
}
