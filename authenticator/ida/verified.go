package ida

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/gosignet/signet/authenticator"
)

// keep writes the state. Where there is no room for the verifications, people log in without.
func (a *Authenticator) keep(ctx context.Context, s state, metadata string) ([]byte, error) {
	if a.config.Verifications {
		s.Verifications = verifications(metadata)
		kept, err := json.Marshal(s)
		if err != nil || len(kept) <= maxState {
			return kept, err
		}
		a.config.Logger.WarnContext(ctx, "IDA says more about verifications than can be kept", "bytes", len(kept))
		s.Verifications = nil
	}
	return json.Marshal(s)
}

// verifications reads IDA's metadata: for each claim a list of objects, or "null". What is something else is left out.
func verifications(metadata string) map[string][]json.RawMessage {
	var all map[string]json.RawMessage
	if json.Unmarshal([]byte(metadata), &all) != nil {
		return nil
	}
	verifications := make(map[string][]json.RawMessage)
	for claim, raw := range all {
		var list []json.RawMessage
		if json.Unmarshal(raw, &list) != nil {
			continue
		}
		list = slices.DeleteFunc(list, func(detail json.RawMessage) bool {
			var object map[string]json.RawMessage
			return json.Unmarshal(detail, &object) != nil || object["trust_framework"] == nil
		})
		if len(list) > 0 {
			verifications[claim] = list
		}
	}
	return verifications
}

// verified returns the values with how they were verified, once per verification, for the claims with these names.
func verified(values map[string]json.RawMessage, names []string, details map[string][]json.RawMessage) []authenticator.VerifiedClaims {
	var all []authenticator.VerifiedClaims
	for _, member := range slices.Sorted(maps.Keys(values)) {
		name, _, _ := strings.Cut(member, "#")
		if !slices.Contains(names, name) {
			continue
		}
		for _, detail := range details[name] {
			i := slices.IndexFunc(all, func(v authenticator.VerifiedClaims) bool { return string(v.Verification) == string(detail) })
			if i < 0 {
				i = len(all)
				all = append(all, authenticator.VerifiedClaims{Verification: detail, Values: make(map[string]json.RawMessage)})
			}
			all[i].Values[member] = values[member]
		}
	}
	return all
}
