package digits_test

import (
	"testing"
	"unicode"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/authenticator/internal/digits"
)

func TestNormalize(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, in, want string }{
		{"ASCII", "0123456789", "0123456789"},
		{"Arabic-Indic", "٠١٢٣٤٥٦٧٨٩", "0123456789"},
		{"Extended Arabic-Indic", "۰۱۲۳۴۵۶۷۸۹", "0123456789"},
		{"Devanagari", "०१२३४५६७८९", "0123456789"},
		{"Khmer", "០១២៣៤៥៦៧៨៩", "0123456789"},
		{"Kannada", "೦೧೨೩೪೫೬೭೮೯", "0123456789"},
		{"Tamil", "௦௧௨௩௪௫௬௭௮௯", "0123456789"},
		{"full-width", "0123456789", "0123456789"},
		{"mathematical bold, beyond 16 bits", "𝟎𝟏𝟐𝟑𝟒𝟓𝟔𝟕𝟖𝟗", "0123456789"},
		{"mixed", "1२٣៤55", "123455"},
		{"spaces and hyphens", " 123-456 ", "123456"},
		{"other spaces and dashes", "12\u00a03\u20024–56\t", "123456"},
		{"marks of direction from a message", "\u200e123456\u200f", "123456"},
		{"letters stay", "12a", "12a"},
		{"a superscript is no digit", "²", "²"},
		{"nothing", "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			assert.Equal(t, tt.want, digits.Normalize(tt.in))
		})
	}
}

// A newer Unicode may add scripts, and must not break the rule that digit values are computed from.
func TestDigitsOfEveryScriptComeInRowsOfTen(t *testing.T) {
	t.Parallel()
	for _, r := range unicode.Nd.R16 {
		require.EqualValues(t, 1, r.Stride, "%U", r.Lo)
		require.Zero(t, (r.Hi-r.Lo+1)%10, "%U", r.Lo)
	}
	for _, r := range unicode.Nd.R32 {
		require.EqualValues(t, 1, r.Stride, "%U", r.Lo)
		require.Zero(t, (r.Hi-r.Lo+1)%10, "%U", r.Lo)
	}
}

func FuzzNormalize(f *testing.F) {
	for _, s := range []string{"123 456", "٤٥٦", "\xff1", "𝟙", "", "１２３-４５６"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := digits.Normalize(s)
		if again := digits.Normalize(got); again != got {
			t.Fatalf("%q gives %q, which gives %q", s, got, again)
		}
		for _, r := range got {
			if unicode.Is(unicode.Nd, r) && r > '9' || unicode.IsSpace(r) {
				t.Fatalf("%q leaves %q", s, r)
			}
		}
	})
}
