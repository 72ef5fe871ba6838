package knowledge

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// FoldLoose is Fold for texts that people do not write twice in the same way, such as names: white space and punctuation
// do not count at all, nor do the accents of Latin, Greek and Cyrillic letters and the vowel points of Arabic and Hebrew.
// The vowel signs of other scripts stay: without them a word is another word.
func FoldLoose(s string) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || unicode.IsPunct(r) || unicode.Is(unicode.Sk, r) || unicode.Is(points, r) {
			return -1
		}
		return r
	}, norm.NFKD.String(Fold(s)))
	return norm.NFKC.String(letters.Replace(s))
}

// points are the marks that people leave out. Japanese voicing marks, which Unicode treats alike, are not among them.
var points = &unicode.RangeTable{R16: []unicode.Range16{
	{Lo: 0x0300, Hi: 0x036f, Stride: 1}, // combining diacritical marks
	{Lo: 0x0591, Hi: 0x05c7, Stride: 1}, // Hebrew points, and punctuation
	{Lo: 0x0640, Hi: 0x0640, Stride: 1}, // tatweel, which only stretches a word
	{Lo: 0x064b, Hi: 0x065f, Stride: 1}, // Arabic points, and the hamza and madda of an alef
	{Lo: 0x0670, Hi: 0x0670, Stride: 1}, // superscript alef
}}

// letters are Latin ones that Unicode does not decompose, as people without such keys write them.
var letters = strings.NewReplacer(
	"ß", "ss", "æ", "ae", "œ", "oe", "ø", "o", "ł", "l", "đ", "d", "ð", "d", "þ", "th", "ħ", "h",
)
