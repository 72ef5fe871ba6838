package remote

import (
	stdjson "encoding/json"
	"errors"
	"maps"
	"slices"

	"github.com/gosignet/signet/authenticator"
)

// verifications says how claims are verified. It has no place for their values.
type (
	verifications struct {
		Verified   []verifiedNames `json:"verified"`
		Unverified []string        `json:"unverified,omitempty"`
	}
	verifiedNames struct {
		Verification stdjson.RawMessage `json:"verification"`
		Names        []string           `json:"names"`
	}
)

func verificationsOf(all []authenticator.VerifiedClaims) *verifications {
	wire := &verifications{Verified: []verifiedNames{}}
	for _, v := range all {
		names := slices.Sorted(maps.Keys(v.Values))
		switch {
		case len(v.Verification) == 0:
			wire.Unverified = append(wire.Unverified, names...)
		case len(names) > 0:
			wire.Verified = append(wire.Verified, verifiedNames{Verification: v.Verification, Names: names})
		}
	}
	return wire
}

func parseVerifications(data []byte) (*[]authenticator.VerifiedClaims, error) {
	said, err := decode[verifications](data)
	switch {
	case err != nil:
		return nil, err
	case said.Verified == nil || len(said.Verified) > maxVerified || len(said.Unverified) > maxClaims:
		return nil, errors.New("remote: the verifications are missing, or they or the claims that are not verified too many")
	}
	all := make([]authenticator.VerifiedClaims, 0, len(said.Verified)+1)
	for _, v := range said.Verified {
		if !isObject(v.Verification) || len(v.Names) == 0 || len(v.Names) > maxClaims {
			return nil, errors.New("remote: a verification is no object, or has no claims or too many")
		}
		all = append(all, authenticator.VerifiedClaims{Verification: v.Verification, Values: withheld(v.Names)})
	}
	if len(said.Unverified) > 0 {
		all = append(all, authenticator.VerifiedClaims{Values: withheld(said.Unverified)})
	}
	return &all, nil
}

// withheld are claims whose values are not given away.
func withheld(names []string) map[string]stdjson.RawMessage {
	values := make(map[string]stdjson.RawMessage, len(names))
	for _, name := range names {
		values[name] = stdjson.RawMessage("null")
	}
	return values
}
