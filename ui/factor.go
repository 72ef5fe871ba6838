package ui

import (
	"slices"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/login"
)

// hasPage reports whether a person can answer for the factor on a page. A wallet and the sign-up portal answer for theirs
// elsewhere; a country's own factor has the page of its form, or one field.
func hasPage(f authenticator.Factor) bool {
	return f != authenticator.Wallet && f != authenticator.IDToken
}

// offered returns the indices of the options that can be gone through on pages.
func offered(s *login.State) []int {
	var indices []int
	for i, set := range s.Options {
		if !slices.ContainsFunc(set, func(f authenticator.Factor) bool { return !hasPage(f) }) {
			indices = append(indices, i)
		}
	}
	return indices
}

// maxBody bounds the body of a form: 16 KiB, and more where answers to a factor need more. Each byte of an answer may be
// three in a form, but for those of base64url.
func (u *UI) maxBody(step string, f authenticator.Factor) int64 {
	if step != "verify" {
		return maxFormBytes
	}
	n := int64(u.maxResponse(f))
	if f != authenticator.Biometrics {
		n *= 3
	}
	return max(maxFormBytes, n+4<<10)
}
