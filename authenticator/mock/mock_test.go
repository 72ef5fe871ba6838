package mock_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/authenticator/mock"
	"github.com/gosignet/signet/store/memory"
)

const password = "demo password"

func newMock(t testing.TB) *mock.Mock {
	t.Helper()
	codes, err := memory.New(memory.Config{})
	require.NoError(t, err)
	m, err := mock.New(mock.Config{Password: password, Store: codes})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, m.Close()) })
	return m
}

func authenticate(t *testing.T, m *mock.Mock, id authenticator.Identifier, challenges ...authenticator.Challenge) (*authenticator.Identity, error) {
	t.Helper()
	return m.Authenticate(t.Context(), &authenticator.Request{Transaction: "1", ClientID: "portal", Identifier: id, Challenges: challenges})
}

var (
	code     = authenticator.Challenge{Factor: authenticator.OTP, Response: mock.OTP}
	memorise = authenticator.Challenge{Factor: authenticator.Password, Response: password}
)

func TestEveryPersonaLogsInWithEachFactorAndBoth(t *testing.T) {
	t.Parallel()
	m := newMock(t)
	assert.Equal(t, []authenticator.Factor{authenticator.OTP, authenticator.Password}, m.Factors())
	for _, p := range m.Personas() {
		t.Run(p.EnglishName(), func(t *testing.T) {
			t.Parallel()
			id := authenticator.Identifier{Value: p.NationalID}
			identity, err := authenticate(t, m, id, memorise)
			require.NoError(t, err)

			receipt, err := m.SendCode(t.Context(), &authenticator.CodeRequest{Transaction: "1", Identifier: id})
			require.NoError(t, err)
			phone := p.Claims["phone_number"].(string)
			assert.Contains(t, receipt.Destinations[0], phone[len(phone)-3:])
			both, err := authenticate(t, m, id, code, memorise)
			require.NoError(t, err)
			assert.Equal(t, identity, both)

			_, err = m.SendCode(t.Context(), &authenticator.CodeRequest{Transaction: "2", Identifier: id})
			require.NoError(t, err)
			_, err = m.Authenticate(t.Context(), &authenticator.Request{Transaction: "2", Identifier: id, Challenges: []authenticator.Challenge{code}})
			require.NoError(t, err)
		})
	}
}

func TestTheCodeMustBeAskedFor(t *testing.T) {
	t.Parallel()
	m := newMock(t)
	_, err := authenticate(t, m, authenticator.Identifier{Value: m.Personas()[0].NationalID}, code)
	requireReason(t, authenticator.WrongCredentials, err)
}

func TestOtherAnswersAreWrong(t *testing.T) {
	t.Parallel()
	m := newMock(t)
	id := authenticator.Identifier{Value: m.Personas()[0].NationalID}
	_, err := m.SendCode(t.Context(), &authenticator.CodeRequest{Transaction: "1", Identifier: id})
	require.NoError(t, err)
	for _, c := range []authenticator.Challenge{
		{Factor: authenticator.OTP, Response: "111112"},
		{Factor: authenticator.Password, Response: "another"},
	} {
		_, err := authenticate(t, m, id, c)
		requireReason(t, authenticator.WrongCredentials, err)
	}
}

func TestANumberIsReadAsPeopleWriteIt(t *testing.T) {
	t.Parallel()
	m := newMock(t)
	for _, id := range []authenticator.Identifier{
		{Value: "8051437269"}, {Type: mock.NationalID, Value: "8051437269"},
		{Value: "8051 437 269"}, {Value: "៨០៥១៤៣៧២៦៩"}, {Value: "८०५१-४३७-२६९"},
	} {
		_, err := authenticate(t, m, id, memorise)
		require.NoError(t, err, id.Value)
	}
	_, err := authenticate(t, m, authenticator.Identifier{Type: "phone", Value: "8051437269"}, memorise)
	requireReason(t, authenticator.WrongCredentials, err)
}

func TestUnknownNumbersLookLikeKnownOnesAndNeverLogIn(t *testing.T) {
	t.Parallel()
	m := newMock(t)
	id := authenticator.Identifier{Value: "1000000000"}
	receipt, err := m.SendCode(t.Context(), &authenticator.CodeRequest{Transaction: "1", Identifier: id})
	require.NoError(t, err)
	assert.Regexp(t, `^\+[0-9]{2,3} [• ]+ [0-9]{3}$`, receipt.Destinations[0])
	// The code is fixed, so the right one is known here: it must not help.
	_, err = authenticate(t, m, id, code)
	requireReason(t, authenticator.WrongCredentials, err)
	_, err = authenticate(t, m, id, memorise)
	requireReason(t, authenticator.WrongCredentials, err)
}

func TestPersonasAreCompleteAndPlausible(t *testing.T) {
	t.Parallel()
	personas := newMock(t).Personas()
	require.Len(t, personas, 12)
	scripts := map[string]int{}
	marked := 0
	seen := map[string]bool{}
	for _, p := range personas {
		assert.Regexp(t, `^[1-9][0-9]{9}$`, p.NationalID)
		assert.False(t, seen[p.NationalID], p.NationalID)
		seen[p.NationalID] = true

		for _, name := range []string{"name", "given_name", "family_name", "gender", "birthdate", "phone_number", "phone_number_verified",
			"address", "locale", "zoneinfo", "picture", "updated_at"} {
			assert.Contains(t, p.Claims, name, p.NationalID)
		}
		_, err := time.Parse(time.DateOnly, p.Claims["birthdate"].(string))
		require.NoError(t, err)
		assert.Regexp(t, `^\+[1-9][0-9]{10,11}$`, p.Claims["phone_number"])
		if email, ok := p.Claims["email"].(string); ok {
			assert.True(t, strings.HasSuffix(email, "@example.org"), email)
			assert.Contains(t, p.Claims, "email_verified")
		}
		assert.Less(t, len(p.Claims["picture"].(string)), 512)
		assert.True(t, strings.HasPrefix(p.Claims["picture"].(string), "data:image/svg+xml;base64,"))

		for script, table := range map[string]*unicode.RangeTable{
			"Latin": unicode.Latin, "Arabic": unicode.Arabic, "Devanagari": unicode.Devanagari,
			"Khmer": unicode.Khmer, "Kannada": unicode.Kannada, "Tamil": unicode.Tamil,
		} {
			if strings.ContainsFunc(p.Name(), func(r rune) bool { return unicode.Is(table, r) }) {
				scripts[script]++
			}
		}
		assert.True(t, strings.IndexFunc(p.EnglishName(), unicode.IsLetter) == 0)
		for _, r := range p.EnglishName() {
			assert.False(t, unicode.IsLetter(r) && !unicode.Is(unicode.Latin, r), p.EnglishName())
		}
		if p.EnglishName() == p.Name() && strings.ContainsFunc(p.Name(), func(r rune) bool { return r > unicode.MaxASCII }) {
			marked++
		}
	}
	assert.Equal(t, map[string]int{"Latin": 4, "Arabic": 2, "Devanagari": 2, "Khmer": 2, "Kannada": 1, "Tamil": 1}, scripts)
	assert.GreaterOrEqual(t, marked, 2, "Latin names with diacritics")
}

func TestClaimsHaveTheirStandardTypes(t *testing.T) {
	t.Parallel()
	m := newMock(t)
	identity, err := authenticate(t, m, authenticator.Identifier{Value: "8051437269"}, memorise)
	require.NoError(t, err)
	claims, err := m.Claims(t.Context(), &authenticator.ClaimsRequest{
		Identity: *identity, Names: []string{"name", "name#en", "updated_at", "email_verified", "address", "nickname"},
	})
	require.NoError(t, err)
	assert.Len(t, claims.Values, 5, "no nickname")
	assert.JSONEq(t, `"សុខ ដារ៉ា"`, string(claims.Values["name"]))
	assert.JSONEq(t, `"Sok Dara"`, string(claims.Values["name#en"]))
	assert.Equal(t, `1746774000`, string(claims.Values["updated_at"]))
	assert.Equal(t, `true`, string(claims.Values["email_verified"]))
	var address map[string]string
	require.NoError(t, json.Unmarshal(claims.Values["address"], &address))
	assert.Equal(t, "កម្ពុជា", address["country"])
}

func TestChangingAPersonaDoesNotChangeTheMock(t *testing.T) {
	t.Parallel()
	m := newMock(t)
	m.Personas()[0].Claims["name"] = "changed"
	assert.NotEqual(t, "changed", m.Personas()[0].Name())
}

func TestNewReportsEveryProblem(t *testing.T) {
	t.Parallel()
	_, err := mock.New(mock.Config{Secret: []byte("short")})
	for _, problem := range []string{"password", "Store", "Secret"} {
		require.ErrorContains(t, err, problem)
	}
}

func requireReason(t *testing.T, want authenticator.Reason, err error) {
	t.Helper()
	var failure *authenticator.Error
	require.ErrorAs(t, err, &failure)
	require.Equal(t, want, failure.Reason, "%v", err)
}

func TestClaimNamesAreThoseOfAllPersonasWithoutLanguages(t *testing.T) {
	t.Parallel()
	names := newMock(t).ClaimNames()
	require.Contains(t, names, "name")
	require.Contains(t, names, "phone_number_verified")
	require.IsIncreasing(t, names)
	for _, name := range names {
		require.NotContains(t, name, "#")
	}
}
