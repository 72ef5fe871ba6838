package sunbird_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/authenticator/sunbird"
	"github.com/gosignet/signet/authenticator/sunbird/sunbirdtest"
)

func TestKnowledgeLogsIn(t *testing.T) {
	t.Parallel()
	r := sunbirdtest.New(t)
	s := newSunbird(t, r.Config())
	assert.Equal(t, []authenticator.Factor{authenticator.Knowledge}, s.Factors())

	identity, err := s.Authenticate(t.Context(), amelie())
	require.NoError(t, err)
	assert.Equal(t, &authenticator.Identity{Subject: sunbirdtest.AmelieID}, identity)
	assert.EqualValues(t, 1, r.Searches.Load())
	assert.Zero(t, r.Reads.Load())
	assert.Equal(t, `{"offset":0,"limit":2,"filters":{`+
		`"dob":{"eq":"17/04/1991"},"fullName":{"eq":"Amélie Béranger-Noël"},"policyNumber":{"eq":"FR274019"}}}`, r.LastSearch())
}

func TestSearchIsWrittenAsTheRegistryWrites(t *testing.T) {
	t.Parallel()
	r := sunbirdtest.New(t)
	s := newSunbird(t, r.Config())
	const want = `{"offset":0,"limit":2,"filters":{` +
		`"dob":{"eq":"17/04/1991"},"fullName":{"eq":"Amélie Béranger-Noël"},"policyNumber":{"eq":"FR274019"}}}`
	for name, response := range map[string]string{
		"a date of an HTML form":   answers("Amélie Béranger-Noël", "1991-04-17"),
		"Arabic digits":            answers("Amélie Béranger-Noël", "١٧/٠٤/١٩٩١"),
		"decomposed letters":       answers("Ame\u0301lie Be\u0301ranger-Noe\u0308l", "17/04/1991"),
		"white space":              answers("  Amélie \u00a0 Béranger-Noël ", " 17/04/1991 "),
		"the identifier, repeated": `{"policyNumber": "FR274019", "fullName": "Amélie Béranger-Noël", "dob": "17/04/1991"}`,
		"escapes of JSON":          `{"fullName": "Am\u00e9lie B\u00e9ranger-No\u00ebl", "dob": "17\/04\/1991"}`,
	} {
		identity, err := s.Authenticate(t.Context(), login("FR274019", response))
		require.NoError(t, err, name)
		assert.Equal(t, sunbirdtest.AmelieID, identity.Subject, name)
		assert.Equal(t, want, r.LastSearch(), name)
	}
}

func TestFieldsThatAreOnlyComparedMayBeSpelledInManyWays(t *testing.T) {
	t.Parallel()
	r := sunbirdtest.New(t)
	r.Records[2]["fullName"] = "ＧＲＡＣＥ  Wanjiru\u200d Otieno №३" // what a registry may hold
	c := r.Config()
	c.CompareOnly = []string{"fullName", "dob"}
	s := newSunbird(t, c)

	_, err := s.Authenticate(t.Context(), amelie())
	require.NoError(t, err)
	assert.Equal(t, `{"offset":0,"limit":2,"filters":{"policyNumber":{"eq":"FR274019"}}}`, r.LastSearch())

	tests := []struct {
		name, identifier, fullName, dob string
		right                           bool
	}{
		{"capitals", "FR274019", "AMÉLIE BÉRANGER-NOËL", "17/04/1991", true},
		{"small letters, decomposed", "FR274019", "ame\u0301lie be\u0301ranger-noe\u0308l", "17/04/1991", true},
		{"an invisible character before an accent", "FR274019", "Ame\u200d\u0301lie Béranger-Noël", "17/04/1991", true},
		{"a mark of direction", "AE619374", "\u200fليلى المنصوري", "02/11/1988", true},
		{"another script's digits in the date", "AE619374", "ليلى المنصوري", "٠٢/١١/١٩٨٨", true},
		{"full-width letters, signs of several letters, other digits", "KE440917", "grace wanjiru otieno no3", "1985-06-29", true},
		{"accents count", "FR274019", "Amelie Beranger-Noel", "17/04/1991", false},
		{"words count", "FR274019", "Amélie", "17/04/1991", false},
		{"their order counts", "FR274019", "Béranger-Noël Amélie", "17/04/1991", false},
		{"no space is not a space", "FR274019", "AmélieBéranger-Noël", "17/04/1991", false},
		{"another day", "FR274019", "Amélie Béranger-Noël", "18/04/1991", false},
		{"another person's answers", "FR274019", "ليلى المنصوري", "02/11/1988", false},
	}
	for _, tt := range tests {
		_, err := s.Authenticate(t.Context(), login(tt.identifier, answers(tt.fullName, tt.dob)))
		if tt.right {
			assert.NoError(t, err, tt.name)
		} else {
			assert.Error(t, err, tt.name)
			requireReason(t, err, authenticator.WrongCredentials)
		}
	}
}

func TestNumbersOfAnyScriptAndGrouping(t *testing.T) {
	t.Parallel()
	for name, stored := range map[string]any{"a text": "274 019", "a number": 274019} {
		t.Run("registered as "+name, func(t *testing.T) {
			t.Parallel()
			r := sunbirdtest.New(t)
			r.Generous = true
			r.Records[0]["card"] = stored
			c := r.Config()
			c.Form.Fields = []authenticator.FormField{{Name: "card", Type: authenticator.FieldDigits, Pattern: "[0-9]{6}"}}
			s := newSunbird(t, c)
			for _, typed := range []string{"274019", "២៧៤-០១៩", " 27 40 19"} {
				_, err := s.Authenticate(t.Context(), login("FR274019", `{"card": "`+typed+`"}`))
				require.NoError(t, err, typed)
				assert.Contains(t, r.LastSearch(), `"card":{"eq":"274019"}`)
			}
			for _, typed := range []string{"274018", "27401", "2740191", "274019A", "-"} {
				_, err := s.Authenticate(t.Context(), login("FR274019", `{"card": "`+typed+`"}`))
				requireReason(t, err, authenticator.WrongCredentials)
			}
			assert.EqualValues(t, 4, r.Searches.Load())
		})
	}
}

// Whoever compares what comes back, and how often the registry is asked, learns nothing.
func TestUnknownPeopleLookLikeWrongAnswers(t *testing.T) {
	t.Parallel()
	for _, compareOnly := range [][]string{nil, {"fullName", "dob"}} {
		r := sunbirdtest.New(t)
		twin := sunbirdtest.Records()[2]
		twin["osid"] = "1-twin"
		half := map[string]any{"osid": "1-half", "policyNumber": "XX000002", "fullName": []string{"?"}, "dob": nil}
		r.Records = append(r.Records, twin, half)
		c := r.Config()
		c.CompareOnly = compareOnly
		s := newSunbird(t, c)

		var first error
		for i, req := range []*authenticator.Request{
			login("XX000001", answers("Amélie Béranger-Noël", "17/04/1991")), // unknown
			login("FR274019", answers("Amélie Béranger", "17/04/1991")),      // a wrong answer
			login("FR274019", answers("Amélie Béranger-Noël", "18/04/1991")), // another
			login("KE440917", answers("Grace Wanjiru Otieno", "29/06/1985")), // two such records
			login("XX000002", answers("?", "29/06/1985")),                    // a record with less than is asked
		} {
			before := r.Searches.Load()
			_, err := s.Authenticate(t.Context(), req)
			requireReason(t, err, authenticator.WrongCredentials)
			assert.EqualValues(t, 1, r.Searches.Load()-before)
			if i == 0 {
				first = err
			}
			assert.Equal(t, first, err)
		}
		assert.Zero(t, r.Reads.Load())
	}
}

func TestTheRegistrysSearchAloneIsNotTrusted(t *testing.T) {
	t.Parallel()
	r := sunbirdtest.New(t)
	r.Answer = func(w http.ResponseWriter, _ *http.Request) bool {
		assert.NoError(t, json.NewEncoder(w).Encode(sunbirdtest.Records()[:1]))
		return true
	}
	s := newSunbird(t, r.Config())
	_, err := s.Authenticate(t.Context(), amelie())
	require.NoError(t, err)
	for name, req := range map[string]*authenticator.Request{
		"the name is wrong":       login("FR274019", answers("Amélie", "17/04/1991")),
		"the date is wrong":       login("FR274019", answers("Amélie Béranger-Noël", "17/04/1990")),
		"the identifier is wrong": login("FR274018", answers("Amélie Béranger-Noël", "17/04/1991")),
	} {
		_, err := s.Authenticate(t.Context(), req)
		require.Error(t, err, name)
		requireReason(t, err, authenticator.WrongCredentials)
	}
}

func TestIllFormedAnswersAreWrongWithoutACall(t *testing.T) {
	t.Parallel()
	r := sunbirdtest.New(t)
	s := newSunbird(t, r.Config())
	tests := []struct{ name, identifier, response string }{
		{"nothing", "FR274019", ""},
		{"no JSON", "FR274019", "Amélie"},
		{"not an object", "FR274019", `["Amélie Béranger-Noël", "17/04/1991"]`},
		{"null", "FR274019", `null`},
		{"a missing field", "FR274019", `{"fullName": "Amélie Béranger-Noël"}`},
		{"an unknown field", "FR274019", `{"fullName": "Amélie Béranger-Noël", "dob": "17/04/1991", "secret": "x"}`},
		{"an unknown field instead", "FR274019", `{"fullName": "Amélie Béranger-Noël", "secret": "17/04/1991"}`},
		{"a field in another case", "FR274019", `{"fullname": "Amélie Béranger-Noël", "dob": "17/04/1991"}`},
		{"a field twice", "FR274019", `{"dob": "17/04/1991", "fullName": "x", "fullName": "Amélie Béranger-Noël"}`},
		{"a number", "FR274019", `{"fullName": 7, "dob": "17/04/1991"}`},
		{"a filter", "FR274019", `{"fullName": {"neq": "x"}, "dob": "17/04/1991"}`},
		{"something after it", "FR274019", answers("Amélie Béranger-Noël", "17/04/1991") + "{}"},
		{"cut off", "FR274019", `{"fullName": "Amélie Béranger-Noël", "dob": "17/04/1991"`},
		{"not UTF-8", "FR274019", "{\"fullName\": \"Am\xe9lie\", \"dob\": \"17/04/1991\"}"},
		{"half a character", "FR274019", `{"fullName": "Am\ud83d", "dob": "17/04/1991"}`},
		{"a control character", "FR274019", answers("Amélie\x00Béranger-Noël", "17/04/1991")},
		{"empty", "FR274019", answers("", "17/04/1991")},
		{"blank", "FR274019", answers("\u00a0 ", "17/04/1991")},
		{"invisible", "FR274019", answers("\u200b\u200d", "17/04/1991")},
		{"too long", "FR274019", answers(strings.Repeat("é", 41), "17/04/1991")},
		{"far too long", "FR274019", answers(strings.Repeat("é", 40000), "17/04/1991")},
		{"no such day", "FR274019", answers("Amélie Béranger-Noël", "31/04/1991")},
		{"no such year", "FR274019", answers("Amélie Béranger-Noël", "17/04/0000")},
		{"month before day", "FR274019", answers("Amélie Béranger-Noël", "04/17/1991")},
		{"a short date", "FR274019", answers("Amélie Béranger-Noël", "17/4/91")},
		{"other separators", "FR274019", answers("Amélie Béranger-Noël", "17.04.1991")},
		{"a date and more", "FR274019", answers("Amélie Béranger-Noël", "17/04/1991 x")},
		{"about somebody else", "FR274019", `{"policyNumber": "AE619374", "fullName": "Amélie Béranger-Noël", "dob": "17/04/1991"}`},
		{"an ill-formed identifier, repeated", "FR274019", `{"policyNumber": "?", "fullName": "Amélie Béranger-Noël", "dob": "17/04/1991"}`},
		{"no identifier", "", answers("Amélie Béranger-Noël", "17/04/1991")},
		{"identifier does not match its pattern", "FR27401X", answers("Amélie Béranger-Noël", "17/04/1991")},
		{"identifier is too long", "FR2740190", answers("Amélie Béranger-Noël", "17/04/1991")},
		{"identifier has a line break", "FR\n27401", answers("Amélie Béranger-Noël", "17/04/1991")},
	}
	for _, tt := range tests {
		_, err := s.Authenticate(t.Context(), login(tt.identifier, tt.response))
		require.Error(t, err, tt.name)
		requireReason(t, err, authenticator.WrongCredentials)
		for _, personal := range []string{"FR27", "AE61", "Am", "1991", "91", "secret"} {
			assert.NotContains(t, err.Error(), personal, tt.name)
		}
	}
	assert.Zero(t, r.Searches.Load())
}

func TestAnAnswerThatSaysNothingDoesNotFitARecordThatHasNothing(t *testing.T) {
	t.Parallel()
	for _, kind := range []authenticator.FieldType{authenticator.FieldText, authenticator.FieldDigits, authenticator.FieldDate} {
		r := sunbirdtest.New(t)
		r.Generous = true
		c := r.Config()
		c.Form.Fields = []authenticator.FormField{{Name: "absent", Type: kind}}
		s := newSunbird(t, c)
		for _, typed := range []string{"", " ", "\u200b", "\u2060", "null"} {
			_, err := s.Authenticate(t.Context(), login("FR274019", `{"absent": "`+typed+`"}`))
			require.Error(t, err, "%s %q", kind, typed)
			requireReason(t, err, authenticator.WrongCredentials)
		}
	}
}

func TestOnlyKnowledgeAloneIsSupported(t *testing.T) {
	t.Parallel()
	r := sunbirdtest.New(t)
	s := newSunbird(t, r.Config())
	knowledge := amelie().Challenges[0]
	for name, challenges := range map[string][]authenticator.Challenge{
		"nothing":           nil,
		"another factor":    {{Factor: authenticator.OTP, Response: "111111"}},
		"another one, too":  {knowledge, {Factor: authenticator.OTP, Response: "111111"}},
		"the same one, too": {knowledge, knowledge},
	} {
		req := amelie()
		req.Challenges = challenges
		_, err := s.Authenticate(t.Context(), req)
		require.Error(t, err, name)
		requireReason(t, err, authenticator.Unsupported)
	}
	assert.Zero(t, r.Searches.Load())
}

func TestRecordIDCanBeAnotherField(t *testing.T) {
	t.Parallel()
	r := sunbirdtest.New(t)
	r.Records[0]["entity"] = "e:1_2.3"
	c := r.Config()
	c.RecordID = "entity"
	identity, err := newSunbird(t, c).Authenticate(t.Context(), amelie())
	require.NoError(t, err)
	assert.Equal(t, "e:1_2.3", identity.Subject)
}

func TestRightAnswersOfARecordThatHasNoUsableID(t *testing.T) {
	t.Parallel()
	for name, id := range map[string]any{
		"none": nil, "empty": "", "a number": 7, "a path": "../Admin/1", "a parent": "..", "a query": "1?x=y", "escaped": "%2e%2e",
		"too long": strings.Repeat("1", 257), "an object": map[string]any{},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := sunbirdtest.New(t)
			r.Records[0]["osid"] = id
			s := newSunbird(t, r.Config())
			_, err := s.Authenticate(t.Context(), amelie())
			requireReason(t, err, authenticator.Unavailable)
			_, err = s.Authenticate(t.Context(), login("FR274019", answers("Amélie", "17/04/1991")))
			requireReason(t, err, authenticator.WrongCredentials)
		})
	}
}

func TestManyLogInAtOnce(t *testing.T) {
	t.Parallel()
	r := sunbirdtest.New(t)
	s := newSunbird(t, r.Config())
	var wg sync.WaitGroup
	for i := range 32 {
		wg.Go(func() {
			req, want, name := amelie(), sunbirdtest.AmelieID, `"Amélie Béranger-Noël"`
			if i%2 == 1 {
				req, want, name = login("AE619374", answers("ليلى المنصوري", "02/11/1988")), sunbirdtest.LeilaID, `"ليلى المنصوري"`
			}
			identity, err := s.Authenticate(t.Context(), req)
			if assert.NoError(t, err) && assert.Equal(t, want, identity.Subject) {
				claims, err := s.Claims(t.Context(), claimsOf(identity.Subject, "name"))
				if assert.NoError(t, err) {
					assert.Equal(t, name, string(claims.Values["name"]))
				}
			}
		})
	}
	wg.Wait()
	assert.EqualValues(t, 32, r.Searches.Load())
	assert.EqualValues(t, 32, r.Reads.Load())
}

func TestFormIsThatOfTheConfiguration(t *testing.T) {
	t.Parallel()
	r := sunbirdtest.New(t)
	c := r.Config()
	s := newSunbird(t, c)
	c.Form.Fields[0].Labels["en"] = "changed"
	c.Form.Identifier.Name = "changed"

	var provider authenticator.FormProvider = s
	got, err := provider.Form(t.Context(), authenticator.Knowledge)
	require.NoError(t, err)
	want := sunbirdtest.Form()
	assert.Equal(t, &want, got)

	_, err = provider.Form(t.Context(), authenticator.OTP)
	requireReason(t, err, authenticator.Unsupported)
}

var _ authenticator.Authenticator = (*sunbird.Registry)(nil)
