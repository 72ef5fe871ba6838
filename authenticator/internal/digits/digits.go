// Package digits reads numbers as people write them.
package digits

import (
	"strings"
	"unicode"
)

// Normalize returns s with digits of any script as ASCII digits, and without the spaces, dashes and invisible
// characters that people type and messages bring along. Everything else stays.
func Normalize(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= '0' && r <= '9':
			return r
		case unicode.IsSpace(r) || unicode.In(r, unicode.Pd, unicode.Cf):
			return -1
		case unicode.Is(unicode.Nd, r):
			return '0' + value(r)
		}
		return r
	}, s)
}

// value returns the value of a decimal digit. Unicode encodes the ten digits of a script in a row, beginning with
// zero, so every range of the category Nd holds whole rows.
func value(digit rune) rune {
	for _, r := range unicode.Nd.R16 {
		if digit >= rune(r.Lo) && digit <= rune(r.Hi) {
			return (digit - rune(r.Lo)) % 10
		}
	}
	for _, r := range unicode.Nd.R32 {
		if digit >= rune(r.Lo) && digit <= rune(r.Hi) {
			return (digit - rune(r.Lo)) % 10
		}
	}
	return 0
}
