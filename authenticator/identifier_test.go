package authenticator_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/authenticator"
)

func TestIdentifierValidate(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		id   authenticator.Identifier
		want string // part of the error, empty for none
	}{
		{"digits", authenticator.Identifier{Value: "2740198356"}, ""},
		{"with a type", authenticator.Identifier{Type: "national_id", Value: "2740198356"}, ""},
		{"another script, spaces inside", authenticator.Identifier{Value: "២៧៤០ ១៩៨"}, ""},
		{"as long as it may be", authenticator.Identifier{Value: strings.Repeat("9", 256)}, ""},
		{"empty", authenticator.Identifier{}, "is empty"},
		{"too long", authenticator.Identifier{Value: strings.Repeat("9", 257)}, "too long"},
		{"not UTF-8", authenticator.Identifier{Value: "12\xff34"}, "not UTF-8"},
		{"line break", authenticator.Identifier{Value: "12\n34"}, "control character"},
		{"C1 control", authenticator.Identifier{Value: "12\u008534"}, "control character"},
		{"white space before", authenticator.Identifier{Value: " 1234"}, "white space"},
		{"white space after", authenticator.Identifier{Value: "1234\u3000"}, "white space"},
		{"ill-formed type", authenticator.Identifier{Type: "National ID", Value: "1234"}, "type is not a name"},
		{"long type", authenticator.Identifier{Type: strings.Repeat("a", 33), Value: "1234"}, "type is not a name"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			err := tt.id.Validate()
			if tt.want == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, tt.want)
			if tt.id.Value != "" {
				assert.NotContains(t, err.Error(), tt.id.Value)
			}
		})
	}
}

func FuzzIdentifierValidate(f *testing.F) {
	for _, s := range []string{"2740198356", "", "a\x00b", "\xff", " x", "សុខ", strings.Repeat("x", 300)} {
		f.Add("national_id", s)
	}
	f.Fuzz(func(t *testing.T, typ, value string) {
		id := authenticator.Identifier{Type: typ, Value: value}
		if id.Validate() == nil && (value == "" || len(value) > 256 || strings.ContainsAny(value, "\x00\r\n\x7f")) {
			t.Fatalf("accepted %q", value)
		}
	})
}
