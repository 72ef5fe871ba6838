package sunbird_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/authenticator/sunbird"
	"github.com/gosignet/signet/authenticator/sunbird/sunbirdtest"
)

// texts shows claims as JSON texts by name.
func texts(c *authenticator.Claims) map[string]string {
	all := make(map[string]string)
	for name, value := range c.Values {
		all[name] = string(value)
	}
	return all
}

func TestClaimsAreReadAgainAndMapped(t *testing.T) {
	t.Parallel()
	r := sunbirdtest.New(t)
	s := newSunbird(t, r.Config())
	r.Records[0]["fullName"] = "Amélie Dvořáček" // since the login

	claims, err := s.Claims(t.Context(), claimsOf(sunbirdtest.AmelieID,
		"name", "email", "phone_number", "gender", "birthdate", "benefits", "insured", "address", "zoneinfo"))
	require.NoError(t, err)
	assert.Equal(t, map[string]string{
		"name":         `"Amélie Dvořáček"`,
		"email":        `"amelie.beranger@example.org"`,
		"phone_number": `"33639980012"`, // a number in the registry, a text in OpenID Connect
		"gender":       `"Female"`,
		"birthdate":    `"1991-04-17"`, // as OpenID Connect writes dates
		"benefits":     `["Critical Surgery"]`,
		"insured":      `true`,
	}, texts(claims))
	assert.EqualValues(t, 1, r.Reads.Load())
	assert.Zero(t, r.Searches.Load())
}

func TestOnlyWhatWasAskedForAndIsThereIsReleased(t *testing.T) {
	t.Parallel()
	r := sunbirdtest.New(t)
	s := newSunbird(t, r.Config())
	tests := []struct {
		name, subject string
		names         []string
		locales       []string
		want          map[string]string
	}{
		{"one", sunbirdtest.AmelieID, []string{"gender"}, nil, map[string]string{"gender": `"Female"`}},
		{"a language that is there", sunbirdtest.LeilaID, []string{"name"}, []string{"km", "en"},
			map[string]string{"name": `"ليلى المنصوري"`, "name#en": `"Leila Al Mansoori"`}},
		{"a language asked for by name", sunbirdtest.LeilaID, []string{"name#en"}, nil, map[string]string{"name#en": `"Leila Al Mansoori"`}},
		{"a language that nobody asked for", sunbirdtest.LeilaID, []string{"name"}, nil, map[string]string{"name": `"ليلى المنصوري"`}},
		{"a language of a claim that nobody asked for", sunbirdtest.LeilaID, []string{"gender"}, []string{"en"},
			map[string]string{"gender": `"Female"`}},
		{"empty, null and absent values", sunbirdtest.GraceID, []string{"name", "email", "phone_number", "gender"}, []string{"en"},
			map[string]string{"name": `"Grace Wanjiru Otieno"`}},
		{"an empty text", sunbirdtest.LeilaID, []string{"email"}, nil, map[string]string{}},
	}
	for _, tt := range tests {
		req := claimsOf(tt.subject, tt.names...)
		req.Locales = tt.locales
		claims, err := s.Claims(t.Context(), req)
		require.NoError(t, err, tt.name)
		assert.Equal(t, tt.want, texts(claims), tt.name)
	}
	for _, names := range [][]string{nil, {"address"}, {"sub"}, {"osid"}, {"policyNumber"}} {
		before := r.Reads.Load()
		claims, err := s.Claims(t.Context(), claimsOf(sunbirdtest.AmelieID, names...))
		require.NoError(t, err)
		assert.NotNil(t, claims.Values)
		assert.Empty(t, claims.Values)
		assert.Equal(t, before, r.Reads.Load(), "nothing to release, nothing to read")
	}
}

func TestValuesThatCannotBeTheClaimsAreLeftOutAndLogged(t *testing.T) {
	t.Parallel()
	tests := []struct {
		claim string
		field any
		want  string // empty: left out
	}{
		{"birthdate", "1991-04-17", `"1991-04-17"`},
		{"birthdate", "17-04-1991", ""},
		{"birthdate", "April 1991", ""},
		{"birthdate", []int{17, 4, 1991}, ""},
		{"issued", "20240131", `"2024-01-31"`},
		{"issued", 20240131, `"2024-01-31"`},
		{"issued", 20240132, ""},
		{"name", map[string]string{"en": "Amélie"}, ""},
		{"name", true, ""},
		{"name#en", false, ""},
		{"phone_number", json.Number("33639980012000000000"), `"33639980012000000000"`},
		{"benefits", json.Number("12345678901234567890"), "12345678901234567890"},
	}
	for _, tt := range tests {
		r := sunbirdtest.New(t)
		r.Records[0]["f"] = tt.field
		c := r.Config()
		c.Form.Fields[1].Name = "f"
		c.Claims = map[string]sunbird.Claim{tt.claim: {Field: "f"}}
		switch tt.claim {
		case "issued":
			c.Claims["issued"] = sunbird.Claim{Field: "f", DateFormat: "yyyymmdd"}
		case "birthdate": // takes the format from the form
		default:
			c.Form.Fields[1] = authenticator.FormField{Name: "other"}
		}
		var log strings.Builder
		c.Logger = logger(&log)
		claims, err := newSunbird(t, c).Claims(t.Context(), claimsOf(sunbirdtest.AmelieID, tt.claim))
		require.NoError(t, err)
		assert.Equal(t, tt.want, string(claims.Values[tt.claim]), "%s %v", tt.claim, tt.field)
		assert.Equal(t, tt.want == "", strings.Contains(log.String(), "claim="+tt.claim), "%s %v: %s", tt.claim, tt.field, &log)
		assert.NotContains(t, log.String(), "1991")
	}
}

func TestClaimsOfARecordThatIsGoneOrAnother(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		subject, body string
		reads         int64
	}{
		"gone":               {"1-gone", "", 1},
		"another record":     {sunbirdtest.AmelieID, `{"osid": "1-other", "fullName": "Grace Wanjiru Otieno"}`, 1},
		"an ill-formed id":   {sunbirdtest.AmelieID, `{"osid": 7, "fullName": "Grace Wanjiru Otieno"}`, 1},
		"no subject":         {"", "", 0},
		"a subject to climb": {"../Admin/1", "", 0},
		"a query":            {"1?x=1", "", 0},
		"the parent":         {"..", "", 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := sunbirdtest.New(t)
			if tt.body != "" {
				r.Answer = says(http.StatusOK, tt.body)
			}
			_, err := newSunbird(t, r.Config()).Claims(t.Context(), claimsOf(tt.subject, "name"))
			failure := requireReason(t, err, authenticator.Unavailable)
			assert.NotContains(t, failure.Error(), "1-")
			assert.Equal(t, tt.reads, r.Reads.Load())
		})
	}
}

func TestARecordMayLeaveOutItsID(t *testing.T) {
	t.Parallel()
	r := sunbirdtest.New(t)
	r.Answer = says(http.StatusOK, `{"fullName": "Grace Wanjiru Otieno"}`)
	c := r.Config()
	c.EntityURL = strings.TrimSuffix(c.EntityURL, "/")
	claims, err := newSunbird(t, c).Claims(t.Context(), claimsOf(sunbirdtest.GraceID, "name"))
	require.NoError(t, err)
	assert.Equal(t, map[string]string{"name": `"Grace Wanjiru Otieno"`}, texts(claims))
}

func TestWhoseRecordIsStillThereIsRecalled(t *testing.T) {
	t.Parallel()
	r := sunbirdtest.New(t)
	s := newSunbird(t, r.Config())
	earlier := &authenticator.Identity{Subject: sunbirdtest.AmelieID}
	today, err := s.Recall(t.Context(), earlier)
	require.NoError(t, err)
	assert.Equal(t, earlier, today)

	r.Records = r.Records[1:]
	_, err = s.Recall(t.Context(), earlier)
	requireReason(t, err, authenticator.WrongCredentials)
	r.Answer = says(http.StatusInternalServerError, "")
	_, err = s.Recall(t.Context(), earlier)
	requireReason(t, err, authenticator.Unavailable)
	_, err = s.Recall(t.Context(), &authenticator.Identity{Subject: "../search"})
	requireReason(t, err, authenticator.Unavailable)
}
