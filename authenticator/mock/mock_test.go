package mock_test

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
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

func TestWithoutFactorsThereAreCodesAndThePassword(t *testing.T) {
	t.Parallel()
	m := newMock(t)
	assert.Equal(t, []authenticator.Factor{authenticator.OTP, authenticator.Password}, m.Factors())
	_, err := authenticate(t, m, dara, authenticator.Challenge{Factor: authenticator.PIN, Response: mock.PIN})
	requireReason(t, authenticator.Unsupported, err)
	_, err = m.Form(t.Context(), authenticator.Knowledge)
	requireReason(t, authenticator.Unsupported, err)
}

func TestWithoutCodesNoneAreSent(t *testing.T) {
	t.Parallel()
	m, _ := everything(t, func(c *mock.Config) { c.Factors = []authenticator.Factor{authenticator.PIN} })
	_, err := m.SendCode(t.Context(), &authenticator.CodeRequest{Transaction: "1", Identifier: dara})
	requireReason(t, authenticator.Unsupported, err)
}

func TestEveryPersonaLogsInWithEveryFactor(t *testing.T) {
	t.Parallel()
	m, c := everything(t)
	for _, p := range m.Personas() {
		t.Run(p.EnglishName(), func(t *testing.T) {
			t.Parallel()
			id := authenticator.Identifier{Value: p.NationalID}
			receipt, err := m.SendCode(t.Context(), &authenticator.CodeRequest{Transaction: "1", Identifier: id})
			require.NoError(t, err)
			phone := p.Claims["phone_number"].(string)
			require.Len(t, receipt.Destinations, 1)
			assert.Contains(t, receipt.Destinations[0], phone[len(phone)-3:])
			all := []authenticator.Challenge{code, memorise,
				{Factor: authenticator.PIN, Response: p.PIN},
				{Factor: authenticator.Knowledge, Response: knowledge(p.EnglishName(), p.Claims["birthdate"].(string))},
				{Factor: authenticator.Biometrics, Response: capture(finger(c.now(), nil))},
			}
			together, err := authenticate(t, m, id, all...)
			require.NoError(t, err)
			for _, answer := range all[1:] {
				alone, err := authenticate(t, m, id, answer)
				require.NoError(t, err, answer.Factor)
				assert.Equal(t, together, alone)
			}
			recalled, err := m.Recall(t.Context(), together)
			require.NoError(t, err)
			assert.Equal(t, together, recalled)
		})
	}
}

func TestNobodyIsRecalledWhoIsNotThere(t *testing.T) {
	t.Parallel()
	_, err := newMock(t).Recall(t.Context(), &authenticator.Identity{Subject: "1000000000"})
	requireReason(t, authenticator.WrongCredentials, err)
}

func TestACodeGoesToTheChannelsThatWereChosen(t *testing.T) {
	t.Parallel()
	const phone, email, someEmail = `^\+91 [• ]+ 315$`, `^d•••@e•••$`, `^[a-z]•••@e•••$`
	rohan := authenticator.Identifier{Value: "7462089315"} // who has no e-mail address
	for name, tt := range map[string]struct {
		id       authenticator.Identifier
		channels []authenticator.Channel
		want     []string
		arrives  bool
	}{
		"none is chosen":             {rohan, nil, []string{phone}, true},
		"phone":                      {rohan, []authenticator.Channel{authenticator.Phone}, []string{phone}, true},
		"e-mail":                     {dara, []authenticator.Channel{authenticator.Email}, []string{email}, true},
		"one that there is not":      {rohan, []authenticator.Channel{authenticator.Email}, []string{someEmail}, false},
		"both, of which one is not":  {rohan, []authenticator.Channel{authenticator.Email, authenticator.Phone}, []string{someEmail, phone}, true},
		"of somebody who is unknown": {authenticator.Identifier{Value: "1000000000"}, []authenticator.Channel{authenticator.Email}, []string{someEmail}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := newMock(t)
			assert.Equal(t, []authenticator.Channel{authenticator.Phone, authenticator.Email}, m.Channels())
			receipt, err := m.SendCode(t.Context(), &authenticator.CodeRequest{Transaction: "1", Identifier: tt.id, Channels: tt.channels})
			require.NoError(t, err)
			require.Len(t, receipt.Destinations, len(tt.want))
			for i, want := range tt.want {
				assert.Regexp(t, want, receipt.Destinations[i])
			}
			_, err = authenticate(t, m, tt.id, code)
			if !tt.arrives {
				requireReason(t, authenticator.WrongCredentials, err)
			} else {
				require.NoError(t, err)
			}
		})
	}
}

func TestCodesGoNoOtherWay(t *testing.T) {
	t.Parallel()
	_, err := newMock(t).SendCode(t.Context(), &authenticator.CodeRequest{
		Transaction: "1", Identifier: dara, Channels: []authenticator.Channel{"pigeon"},
	})
	requireReason(t, authenticator.Unsupported, err)
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
	require.Len(t, receipt.Destinations, 1)
	// The secret, which is another in every mock here, chooses whether it is a number or an address.
	assert.Regexp(t, `^(\+[0-9]{1,3} [• ]+ [0-9]{3}|[a-z]•••@e•••)$`, receipt.Destinations[0])
	// The code is fixed, so the right one is known here: it must not help.
	_, err = authenticate(t, m, id, code)
	requireReason(t, authenticator.WrongCredentials, err)
	_, err = authenticate(t, m, id, memorise)
	requireReason(t, authenticator.WrongCredentials, err)
}

// What a receipt shows of a person is a country, a length and a kind of address, and unknown people have those of the
// known ones, whatever channel is chosen.
func TestReceiptsOfUnknownPeopleLookLikeThoseOfKnownOnes(t *testing.T) {
	t.Parallel()
	phone, email := authenticator.Phone, authenticator.Email
	for _, channels := range [][]authenticator.Channel{nil, {phone}, {email}, {phone, email}} {
		t.Run(fmt.Sprint(channels), func(t *testing.T) {
			t.Parallel()
			m := newMock(t)
			shape := func(id string) string {
				receipt, err := m.SendCode(t.Context(), &authenticator.CodeRequest{
					Transaction: "1", Identifier: authenticator.Identifier{Value: id}, Channels: channels,
				})
				require.NoError(t, err)
				shown := strings.Join(receipt.Destinations, ", ")
				return ownLetter.ReplaceAllString(ownDigits.ReplaceAllString(shown, "• ###"), "?•••@")
			}
			known, unknown := make(map[string]bool), make(map[string]bool)
			for _, p := range m.Personas() {
				known[shape(p.NationalID)] = true
			}
			for i := range 400 {
				unknown[shape(strconv.Itoa(1000000000+i))] = true
			}
			assert.Equal(t, known, unknown)
		})
	}
}

// ownDigits and ownLetter are what a masked address shows of its person alone.
var (
	ownDigits = regexp.MustCompile(`• [0-9]{3}`)
	ownLetter = regexp.MustCompile(`[a-z]•••@`)
)

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
		require.NotEmpty(t, p.Verified, p.NationalID)
		assert.Contains(t, p.Verified[0].Claims, "name")
		if _, ok := p.Claims["name#en"]; ok {
			assert.Contains(t, p.Claims, "address#en")
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
	_, err = mock.New(mock.Config{
		Password: strings.Repeat("x", 1025), CaptureMaxAge: -1, Personas: []mock.Persona{{NationalID: "x"}},
		Factors:   []authenticator.Factor{authenticator.PIN, authenticator.PIN, authenticator.Wallet},
		Questions: []authenticator.FormField{{Name: "a b"}, {Name: "born", Format: "dd"}},
	})
	for _, problem := range []string{
		"a password has 1 to 1024 bytes", "CaptureMaxAge", "persona 1: national_id", `"pin" is there twice`, `"wla" is no factor`,
		`field "a b": a name`, `field "born": only dates have a format`,
	} {
		require.ErrorContains(t, err, problem)
	}
	_, err = mock.New(mock.Config{Factors: []authenticator.Factor{}, Questions: []authenticator.FormField{}, Personas: []mock.Persona{}})
	require.ErrorContains(t, err, "Factors is empty")
	require.ErrorContains(t, err, "Questions: a form has 1 to 32 fields")
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
