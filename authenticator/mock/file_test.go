package mock_test

import (
	"bytes"
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/authenticator/mock"
)

func read(s string) ([]mock.Persona, error) { return mock.ReadPersonas(strings.NewReader(s)) }

func withPersonas(t *testing.T, file string) *mock.Mock {
	t.Helper()
	personas, err := read(file)
	require.NoError(t, err)
	m, _ := everything(t, func(c *mock.Config) { c.Personas = personas })
	return m
}

func TestPersonasFromAFileLogIn(t *testing.T) {
	t.Parallel()
	encoded, err := json.Marshal(identity(nil))
	require.NoError(t, err)
	m := withPersonas(t, `[
		{"national_id": "12345", "pin": "9876", "password": "their own", "knowledge": {"fullName": "Nick"},
		 "claims": {"name": "Name", "birthdate": "1970-01-01", "email": "a@example.org"},
		 "verified": [{"verification": {"trust_framework": "T"}, "claims": ["name"]}]},
		{"national_id": "54321", "claims": {"name": "Somebody Else"}},
		`+string(encoded)+`]`)
	for id, answers := range map[string][]authenticator.Challenge{
		"12345": {{Factor: authenticator.PIN, Response: "9876"}, {Factor: authenticator.Password, Response: "their own"},
			{Factor: authenticator.Knowledge, Response: knowledge("NICK", "1970-01-01")}, {Factor: authenticator.Knowledge, Response: knowledge("name", "1970-01-01")}},
		"54321": {{Factor: authenticator.PIN, Response: mock.PIN}, {Factor: authenticator.Password, Response: password}},
		noor:    {{Factor: authenticator.PIN, Response: "111222"}, {Factor: authenticator.Password, Response: "Secret@123"}},
	} {
		for _, answer := range answers {
			_, err := authenticate(t, m, authenticator.Identifier{Value: id}, answer)
			require.NoError(t, err, "%s %s", id, answer.Factor)
		}
	}
	personas := m.Personas()
	require.Len(t, personas, 3)
	assert.Contains(t, personas[1].Claims["picture"], "data:image/svg+xml;base64,", "one is drawn")
	assert.Equal(t, "data:image/png;base64,AAAA", personas[2].Claims["picture"])
	assert.Equal(t, "Noor Exemple", personas[2].Claims["name#fr"])
	assert.Equal(t, []string{"name"}, personas[0].Verified[0].Claims)
	for _, p := range personas {
		assert.Empty(t, p.Password)
	}
}

func TestWhatPersonasReturnsCanBeReadAgain(t *testing.T) {
	t.Parallel()
	first := newMock(t).Personas()
	encoded, err := json.Marshal(first)
	require.NoError(t, err)
	second := withPersonas(t, string(encoded)).Personas()
	again, err := json.Marshal(second)
	require.NoError(t, err)
	assert.JSONEq(t, string(encoded), string(again))
}

func TestAFileReportsEveryProblem(t *testing.T) {
	t.Parallel()
	_, err := read(`[
		{"national_id": "1x", "pin": "1", "claims": {"name": 1, "birthdate": "1990-02-31", "locale": "??", "address": "x", "sub": "x", "A b": 1}},
		{"national_id": "22222", "claims": {}, "verified": [{"verification": {}, "claims": ["email"]}, {"verification": {"trust_framework": "T"}}]},
		{"national_id": "33333", "claims": {"name": "x"}, "unknown": 1},
		{"individualId": "44444", "pin": "1"},
		7,
		{"national_id": "22222", "claims": {"name": "x"}, "password": "` + strings.Repeat("x", 1025) + `"}
	]`)
	require.Error(t, err)
	for _, problem := range []string{
		"persona 1: national_id", "persona 1: pin", "persona 1: name is not a text", "persona 1: birthdate", "persona 1: locale",
		"persona 1: address", "persona 1: sub", "persona 1: a claim has no valid name",
		"persona 2: name is missing", "persona 2: verified 1: verification is not", "the persona does not have claim 1",
		"persona 2: verified 2: claims are missing", `unknown field "unknown"`, "persona 4: invalid_country", "invalid_fullname",
		"persona 5: not a JSON object", "persona 3: national_id is that of persona 2", "password has more than 1024 bytes",
	} {
		assert.ErrorContains(t, err, problem)
	}
}

func TestFilesAreBounded(t *testing.T) {
	t.Parallel()
	_, err := mock.ReadPersonas(bytes.NewReader(bytes.Repeat([]byte(" "), 16<<20+1)))
	require.ErrorContains(t, err, "more than 16777216 bytes")
	_, err = read("[" + strings.Repeat("0,", 10_000) + "0]")
	require.ErrorContains(t, err, "more than 10000")
	for _, s := range []string{"", "{}", "null x", `"x"`, "[1"} {
		_, err = read(s)
		require.ErrorContains(t, err, "not a JSON array", s)
	}
}

func FuzzReadPersonas(f *testing.F) {
	builtIn, err := os.ReadFile("personas.json")
	require.NoError(f, err)
	f.Add(builtIn)
	encoded, err := json.Marshal([]object{identity(nil)})
	require.NoError(f, err)
	f.Add(encoded)
	for _, s := range []string{"[]", "[null]", `[{"national_id":"12345","claims":{"name":"x","name#":"x","locale":"km-KH"}}]`,
		`[{"national_id":"12345","claims":{"name":"x","address":{"region":1},"address#en":null}}]`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		personas, err := mock.ReadPersonas(bytes.NewReader(data))
		if err != nil || len(personas) == 0 {
			return
		}
		m, _ := everything(t, func(c *mock.Config) { c.Personas = personas })
		names := m.ClaimNames()
		for _, p := range m.Personas() {
			id := authenticator.Identifier{Value: p.NationalID}
			receipt, err := m.SendCode(t.Context(), &authenticator.CodeRequest{Transaction: "1", Identifier: id})
			require.NoError(t, err)
			require.Len(t, receipt.Destinations, 1)
			claims, err := m.Claims(t.Context(), &authenticator.ClaimsRequest{
				Identity: authenticator.Identity{Subject: p.NationalID}, Names: names, Verified: names, Locales: []string{"en", "km-KH"},
			})
			require.NoError(t, err)
			for _, value := range claims.Values {
				require.True(t, json.Valid(value))
			}
		}
	})
}
