package document_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/oidc/internal/document"
)

func TestParseKeepsOrderTextAndNames(t *testing.T) {
	t.Parallel()
	v, err := document.Parse(` {"b": [1, "\u0061", null], "\u0061": {"x" : true}} `, 2)
	require.NoError(t, err)
	require.Equal(t, document.Object, v.Kind)
	assert.Equal(t, "b", v.Children[0].Name)
	assert.Equal(t, `[1, "\u0061", null]`, v.Member("b").Raw)
	text, ok := v.Member("b").Children[1].Text()
	assert.True(t, ok)
	assert.Equal(t, "a", text)
	assert.Equal(t, document.Bool, v.Member("a").Member("x").Kind)
	assert.Nil(t, v.Member("a").Member("y").Member("z"))
	assert.Equal(t, `{"b":[1,"\u0061",null],"a":{"x":true}}`, string(v.Append(nil)))
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]error{
		``: document.ErrSyntax, `{`: document.ErrSyntax, `[1,]`: document.ErrSyntax, `{"a":1,}`: document.ErrSyntax,
		`{"a" 1}`: document.ErrSyntax, `{a:1}`: document.ErrSyntax, `1 2`: document.ErrSyntax, `01`: document.ErrSyntax,
		`1.`: document.ErrSyntax, `-`: document.ErrSyntax, `1e`: document.ErrSyntax, `.5`: document.ErrSyntax,
		`"a`: document.ErrSyntax, "\"\n\"": document.ErrSyntax, `"\x"`: document.ErrSyntax, `"\u12g4"`: document.ErrSyntax,
		`"\`: document.ErrSyntax, `nul`: document.ErrSyntax, "1\x00": document.ErrSyntax, `[1}`: document.ErrSyntax,
		"\"\xff\"": document.ErrEncoding, `{"a":1,"\u0061":2}`: document.ErrDuplicate,
		`{"1":0,"2":0,"3":0,"4":0,"5":0,"6":0,"7":0,"8":0,"9":0,"10":0,"11":0,"12":0,"13":0,"1":0}`: document.ErrDuplicate,
		`[[[1]]]`: document.ErrDepth, `{"a":{"a":{}}}`: document.ErrDepth, strings.Repeat("[", 1<<20): document.ErrDepth,
	} {
		_, err := document.Parse(text, 2)
		assert.ErrorIs(t, err, want, "%.40q", text)
	}
}

func TestEqualKnowsValuesHoweverTheyAreWritten(t *testing.T) {
	t.Parallel()
	parse := func(s string) *document.Value {
		v, err := document.Parse(s, 4)
		require.NoError(t, err)
		return v
	}
	for _, same := range [][2]string{
		{`{"a":1,"b":[2]}`, `{ "b": [ 2 ], "a": 1 }`}, {`"\u0041"`, `"A"`}, {`null`, ` null`}, {`[]`, `[ ]`},
	} {
		assert.True(t, document.Equal(parse(same[0]), parse(same[1])), same)
	}
	for _, other := range [][2]string{
		{`1`, `"1"`}, {`9007199254740993`, `9007199254740992`}, {`[1,2]`, `[2,1]`}, {`{"a":null}`, `{}`},
		{`{"a":1}`, `{"b":1}`}, {`true`, `false`}, {`{}`, `[]`},
	} {
		assert.False(t, document.Equal(parse(other[0]), parse(other[1])), other)
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		`{"a":[1,-2.5e+3,"\u00e9\n",null,true,false]}`, `{"a":1,"a":2}`, `[[[[[]]]]]`, `"\ud800"`, `{"":{}}`, "\xff", `0e1`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		v, err := document.Parse(string(text), 8)
		if err != nil {
			if err == document.ErrSyntax && json.Valid(text) {
				t.Fatal("valid JSON is taken for none")
			}
			return
		}
		if !json.Valid(text) {
			t.Fatal("what is not JSON was accepted")
		}
		var want, got any
		require.NoError(t, json.Unmarshal(text, &want))
		require.NoError(t, json.Unmarshal(v.Append(nil), &got))
		require.Equal(t, want, got)
		again, err := document.Parse(string(v.Append(nil)), 8)
		require.NoError(t, err)
		if !document.Equal(v, again) {
			t.Fatal("a document is not equal to itself")
		}
	})
}
