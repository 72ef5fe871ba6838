package sunbird_test

import (
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/authenticator/sunbird"
	"github.com/gosignet/signet/authenticator/sunbird/sunbirdtest"
)

func TestNewReportsAllMistakesAtOnce(t *testing.T) {
	t.Parallel()
	field := func(f authenticator.FormField) func(*sunbird.Config) {
		return func(c *sunbird.Config) { c.Form.Fields = []authenticator.FormField{f} }
	}
	claim := func(name string, claim sunbird.Claim) func(*sunbird.Config) {
		return func(c *sunbird.Config) { c.Claims = map[string]sunbird.Claim{name: claim} }
	}
	date := authenticator.FieldDate
	mistakes := []struct {
		want  string
		spoil func(*sunbird.Config)
	}{
		{"SearchURL: is required", func(c *sunbird.Config) { c.SearchURL = "" }},
		{"SearchURL: is not https", func(c *sunbird.Config) { c.SearchURL = "http://registry.example.org/search" }},
		{"SearchURL: is not https", func(c *sunbird.Config) { c.SearchURL, c.AllowHTTP = "ftp://registry.example.org/", true }},
		{"SearchURL: is not an absolute URL", func(c *sunbird.Config) { c.SearchURL = "/search" }},
		{"EntityURL: is required", func(c *sunbird.Config) { c.EntityURL = "" }},
		{"EntityURL: has user, query or fragment", func(c *sunbird.Config) { c.EntityURL = "https://u:secret@registry.example.org/" }},
		{"EntityURL: has user, query or fragment", func(c *sunbird.Config) { c.EntityURL = "https://registry.example.org/?secret" }},
		{"EntityURL: is not an absolute URL", func(c *sunbird.Config) { c.EntityURL = "https://u:secret@regis try.example.org/" }},
		{"Form has no Identifier", func(c *sunbird.Config) { c.Form.Identifier = nil }},
		{"Form has no fields besides the Identifier", func(c *sunbird.Config) { c.Form.Fields = nil }},
		{`field "policyNumber" is there twice`, field(authenticator.FormField{Name: "policyNumber"})},
		{`field "full name": a name is`, field(authenticator.FormField{Name: "full name"})},
		{`field "": a name is`, field(authenticator.FormField{})},
		{`field "a": maxLength`, field(authenticator.FormField{Name: "a", MaxLength: -1})},
		{`field "a": maxLength`, field(authenticator.FormField{Name: "a", MaxLength: 1001})},
		{`field "a": a photo cannot be compared`, field(authenticator.FormField{Name: "a", Type: "photo"})},
		{`field "a": only dates have a format`, field(authenticator.FormField{Name: "a", Format: "dd/mm/yyyy"})},
		{`field "a": only texts, digits, passwords and phone numbers have a pattern`, field(authenticator.FormField{Name: "a", Type: date, Pattern: ".*"})},
		{`field "a": pattern: error parsing regexp`, field(authenticator.FormField{Name: "a", Pattern: "a)|(b"})},
		{`field "a": pattern: error parsing regexp`, field(authenticator.FormField{Name: "a", Pattern: "(?=x)"})},
		{`field "a": a date format has`, field(authenticator.FormField{Name: "a", Type: date, Format: "d/M/yyyy"})},
		{`field "a": a date format has`, field(authenticator.FormField{Name: "a", Type: date, Format: "dd/mm/yy"})},
		{`field "a": a date format has`, field(authenticator.FormField{Name: "a", Type: date, Format: "yyyy-dd-MM"})},
		{`field "a": a date format has`, field(authenticator.FormField{Name: "a", Type: date, Format: "dd/mm/yyyy 2006"})},
		{`CompareOnly: "policyNumber" is no field`, func(c *sunbird.Config) { c.CompareOnly = []string{"policyNumber"} }},
		{`CompareOnly: "name" is no field`, func(c *sunbird.Config) { c.CompareOnly = []string{"name"} }},
		{`CompareOnly: "dob" is there twice`, func(c *sunbird.Config) { c.CompareOnly = []string{"dob", "dob"} }},
		{"RecordID is not a name", func(c *sunbird.Config) { c.RecordID = "os id" }},
		{`claim "": not a name`, claim("", sunbird.Claim{Field: "a"})},
		{`claim "name#": not a name`, claim("name#", sunbird.Claim{Field: "a"})},
		{`claim "sub": does not come from a registry`, claim("sub", sunbird.Claim{Field: "osid"})},
		{`claim "acr#en": does not come from a registry`, claim("acr#en", sunbird.Claim{Field: "a"})},
		{`claim "name": Field is not a name`, claim("name", sunbird.Claim{})},
		{`claim "birthdate": a date format has`, claim("birthdate", sunbird.Claim{Field: "a", DateFormat: "RFC 3339"})},
		{"Timeout is negative", func(c *sunbird.Config) { c.Timeout = -1 }},
		{"Tries is not within 1 to 5", func(c *sunbird.Config) { c.Tries = -1 }},
		{"Tries is not within 1 to 5", func(c *sunbird.Config) { c.Tries = 6 }},
		{"MaxInFlight is negative", func(c *sunbird.Config) { c.MaxInFlight = -1 }},
		{"MaxResponseBytes is negative", func(c *sunbird.Config) { c.MaxResponseBytes = -1 }},
		{"MaxFailures is negative", func(c *sunbird.Config) { c.MaxFailures = -1 }},
		{"Pause is negative", func(c *sunbird.Config) { c.Pause = -1 }},
	}
	for _, m := range mistakes {
		c := offline(nil)
		m.spoil(&c)
		_, err := sunbird.New(c)
		require.ErrorContains(t, err, "sunbird: "+m.want)
		assert.NotContains(t, err.Error(), "secret")
		assert.Equal(t, 1, strings.Count(err.Error(), "sunbird: "), "only this mistake: %v", err)

		c.MaxFailures = -1
		c.RecordID = "os id"
		_, err = sunbird.New(c)
		for _, want := range []string{m.want, "RecordID is not a name", "MaxFailures is negative"} {
			require.ErrorContains(t, err, want)
		}
	}
	_, err := sunbird.New(offline(nil))
	require.NoError(t, err)
}

func TestDateFormatsThatRegistriesUse(t *testing.T) {
	t.Parallel()
	for format, want := range map[string]string{
		"": "1991-04-17", "yyyy-MM-dd": "1991-04-17", "yyyy/mm/dd": "1991/04/17", "yyyyMMdd": "19910417",
		"dd/mm/yyyy": "17/04/1991", "dd.MM.yyyy": "17.04.1991", "dd-MM-yyyy": "17-04-1991", "ddMMyyyy": "17041991",
		"MM/dd/yyyy": "04/17/1991", "mm dd yyyy": "04 17 1991",
	} {
		t.Run(format, func(t *testing.T) {
			t.Parallel()
			r := sunbirdtest.New(t)
			r.Records[0]["dob"] = want
			c := r.Config()
			c.Form.Fields[1].Format = format
			s := newSunbird(t, c)
			for _, typed := range []string{want, "1991-04-17"} {
				_, err := s.Authenticate(t.Context(), login("FR274019", answers("Amélie Béranger-Noël", typed)))
				require.NoError(t, err, typed)
				assert.Contains(t, r.LastSearch(), `"dob":{"eq":"`+want+`"}`)
			}
			claims, err := s.Claims(t.Context(), claimsOf(sunbirdtest.AmelieID, "birthdate"))
			require.NoError(t, err)
			assert.Equal(t, `"1991-04-17"`, string(claims.Values["birthdate"]))
		})
	}
}

// Without a Transport of the deployment's own, connections are kept and used again, also after errors.
func TestConnectionsArePooled(t *testing.T) {
	t.Parallel()
	r := sunbirdtest.New(t)
	plain := httptest.NewUnstartedServer(r)
	var connections atomic.Int64
	plain.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			connections.Add(1)
		}
	}
	plain.Start()
	t.Cleanup(plain.Close)
	c := r.Config()
	c.SearchURL, c.EntityURL = plain.URL+sunbirdtest.SearchPath, plain.URL+sunbirdtest.EntityPath
	c.Transport = nil
	c.AllowHTTP = true
	c.Timeout = time.Minute
	s := newSunbird(t, c)
	for i := range 4 {
		r.Answer = nil
		if i%2 == 1 {
			r.Answer = says(http.StatusInternalServerError, strings.Repeat("x", 4096))
		}
		_, authErr := s.Authenticate(t.Context(), amelie())
		_, claimsErr := s.Claims(t.Context(), claimsOf(sunbirdtest.AmelieID, "name"))
		assert.Equal(t, i%2 == 1, authErr != nil)
		assert.Equal(t, i%2 == 1, claimsErr != nil)
	}
	assert.EqualValues(t, 4, r.Searches.Load())
	assert.EqualValues(t, 1, connections.Load())
}

func TestACertificateThatNobodySignedIsRefused(t *testing.T) {
	t.Parallel()
	r := sunbirdtest.New(t)
	c := r.Config()
	c.Transport = nil
	_, err := newSunbird(t, c).Authenticate(t.Context(), amelie())
	requireReason(t, err, authenticator.Unavailable)
	assert.ErrorContains(t, err, "certificate")
	assert.Zero(t, r.Searches.Load())
}
