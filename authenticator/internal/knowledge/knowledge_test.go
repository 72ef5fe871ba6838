package knowledge_test

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/authenticator/internal/digits"
	"github.com/gosignet/signet/authenticator/internal/knowledge"
)

func TestTextsThatPeopleWriteInSeveralWaysAreOne(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, one, other string }{
		{"case", "Sok Dara", "SOK dara"},
		{"two lower-case sigmas", "Οδυσσεύς", "ΟΔΥΣΣΕΥΣ"},
		{"spaces", " Sok \u00a0 Dara", "SokDara"},
		{"a zero-width space, with which Khmer may be broken", "សុខ\u200bដារ៉ា", "សុខ ដារ៉ា"},
		{"composed and not", "Noe\u0308l", "No\u00ebl"},
		{"accents", "Amélie Béranger-Noël", "Amelie Beranger Noel"},
		{"letters that do not decompose", "Łukasz Sørensen Đorđe Weiß", "Lukasz Sorensen Dorde Weiss"},
		{"a capital sharp s", "WEIẞ", "weiss"},
		{"a dotless i", "Işık", "isik"},
		{"apostrophes", "O’Brien", "o'brien"},
		{"an accent for an apostrophe", "O´Brien", "OBrien"},
		{"full stops and commas", "St. John, Jr.", "st john jr"},
		{"Arabic points and tatweel", "مُحَمَّد", "محمـد"},
		{"Arabic alef", "أحمد", "احمد"},
		{"Hebrew points", "שָׁלוֹם", "שלום"},
		{"digits of another script", "House ٤٢", "house 42"},
		{"full-width letters", "Ｓｏｋ", "sok"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			assert.Equal(t, knowledge.FoldLoose(tt.one), knowledge.FoldLoose(tt.other))
			assert.NotEmpty(t, knowledge.FoldLoose(tt.one))
		})
	}
}

func TestWordsThatDifferStayDifferent(t *testing.T) {
	t.Parallel()
	for _, pair := range [][2]string{
		{"Sok Dara", "Sok Dari"},
		{"កា", "កី"},    // vowel signs of Khmer
		{"कमल", "कमला"}, // of Devanagari
		{"が", "か"},      // Japanese voicing
		{"க்", "க"},     // the Tamil virama
		{"한", "하"},
		{"12", "21"},
	} {
		assert.NotEqual(t, knowledge.FoldLoose(pair[0]), knowledge.FoldLoose(pair[1]), "%q", pair)
	}
}

func TestFoldKeepsAccentsAndWords(t *testing.T) {
	t.Parallel()
	assert.Equal(t, knowledge.Fold("AMÉLIE  Noël"), knowledge.Fold("Amélie Noël"))
	assert.NotEqual(t, knowledge.Fold("Amélie"), knowledge.Fold("Amelie"))
	assert.NotEqual(t, knowledge.Fold("Sok Dara"), knowledge.Fold("SokDara"))
}

func TestDatesAreReadInTheFormatOfTheRegisterAndInISO8601(t *testing.T) {
	t.Parallel()
	f, err := knowledge.NewField(knowledge.Spec{Name: "dob", Type: "date", Format: "dd/mm/yyyy"})
	require.NoError(t, err)
	for _, written := range []string{"27/02/1990", "1990-02-27", " 27/02/1990 ", "٢٧/٠٢/١٩٩٠", "១៩៩០-០២-២៧"} {
		key, ok := f.Key(written)
		assert.True(t, ok, written)
		assert.Equal(t, "1990-02-27", key)
	}
	for _, written := range []string{"", "02/27/1990", "30/02/1990", "27.02.1990", "0000-01-01", "27/02/1990 " + "x"} {
		_, ok := f.Key(written)
		assert.False(t, ok, written)
	}
}

func TestAnAnswerIsReadStrictly(t *testing.T) {
	t.Parallel()
	f, err := knowledge.NewField(knowledge.Spec{Name: "card", Type: "digits", Pattern: "[0-9]{4}", MaxLength: 8})
	require.NoError(t, err)
	a, err := f.Answer(" ١٢-34")
	require.NoError(t, err)
	assert.Equal(t, knowledge.Answer{Tidy: "1234", Key: "1234"}, a)
	for _, typed := range []string{"", "12a4", "123", "12345", "1234     ", "12\x0034", "12\ufffd34"} {
		_, err := f.Answer(typed)
		require.ErrorContains(t, err, `field "card"`, "%q", typed)
	}
}

func TestAResponseIsAnObjectOfTexts(t *testing.T) {
	t.Parallel()
	texts, err := knowledge.ParseResponse(`{"name": "Sok Dara", "dob": ""}`)
	require.NoError(t, err)
	assert.Equal(t, map[string]string{"name": "Sok Dara", "dob": ""}, texts)
	for _, response := range []string{
		"", "null", "[]", `"name"`, "{", `{"name": 1}`, `{"name": null}`, `{"name": {}}`, `{"name": "a", "name": "a"}`,
		`{"name": "a"} {}`, `{"name": "a",}`, `{"name": "` + strings.Repeat("a", 16<<10) + `"}`,
	} {
		_, err := knowledge.ParseResponse(response)
		require.Error(t, err, "%.40q", response)
	}
}

// The rule is that of package digits, which is on the same floor.
func TestDigitsOfEveryScriptAreReadAsPackageDigitsReadsThem(t *testing.T) {
	t.Parallel()
	f, err := knowledge.NewField(knowledge.Spec{Name: "card", Type: "digits"})
	require.NoError(t, err)
	for r := range rune(unicode.MaxRune + 1) {
		if unicode.Is(unicode.Nd, r) {
			key, ok := f.Key("1" + string(r) + "\u200e -–2")
			require.True(t, ok, "%U", r)
			require.Equal(t, digits.Normalize("1"+string(r)+"2"), key, "%U", r)
		}
	}
}

func FuzzFoldLoose(f *testing.F) {
	for _, s := range []string{"Amélie Béranger-Noël", "WEIẞ", "مُحَمَّد", "សុខ\u200bដារ៉ា", "\xff", "´", "İı", "ﬁ", "㎏", "½"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := knowledge.FoldLoose(s)
		if strings.ContainsFunc(got, func(r rune) bool { return unicode.IsSpace(r) || unicode.Is(unicode.Cf, r) }) {
			t.Fatalf("%q gives %q", s, got)
		}
		if len(got) > 64*len(s)+64 {
			t.Fatalf("%d bytes give %d", len(s), len(got))
		}
	})
}

func FuzzParseResponse(f *testing.F) {
	for _, s := range []string{`{"a":"b"}`, `{"a":"b","a":"c"}`, `{"a" "b"}`, `{"a":"b",}`, `{"a":[{"language":"x","value":"y"}]}`, "{\"\xff\":\"\"}", `{"\ud800":""}`, "null", ""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, err := knowledge.ParseResponse(s)
		if err != nil {
			return
		}
		var again map[string]any
		if err := json.Unmarshal([]byte(s), &again); err != nil {
			t.Fatalf("%q is read as %q, though %v", s, got, err)
		}
		texts := 0
		for _, answer := range again {
			if list, ok := answer.([]any); ok {
				texts += len(list)
			} else {
				texts++
			}
		}
		if texts != len(got) {
			t.Fatalf("%q is read as %q", s, got)
		}
	})
}
