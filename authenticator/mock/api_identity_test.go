package mock_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/authenticator/mock"
)

func TestAnIdentityIsCreatedAndRead(t *testing.T) {
	t.Parallel()
	s := serve(t)
	a := s.post("/identity", s.wrap(identity(nil)))
	require.Empty(t, a.Errors)
	assert.JSONEq(t, `{"status":"mock identity data created successfully"}`, string(a.Response))

	var read object
	s.call("GET", "/identity/"+noor, "").into(t, &read)
	want, err := json.Marshal(identity(object{"pin": nil, "password": nil}))
	require.NoError(t, err)
	got, err := json.Marshal(read)
	require.NoError(t, err)
	assert.JSONEq(t, string(want), string(got), "all but what one logs in with")
}

func TestWhatIsCreatedOverHTTPLogsIn(t *testing.T) {
	t.Parallel()
	s := withNoor(t)
	id := authenticator.Identifier{Value: noor}
	for _, c := range []authenticator.Challenge{
		{Factor: authenticator.Password, Response: "Secret@123"},
		{Factor: authenticator.PIN, Response: "111222"},
		{Factor: authenticator.Knowledge, Response: knowledge("noor  EXEMPLE", "1987-11-25")},
	} {
		identity, err := authenticate(t, s.mock, id, c)
		require.NoError(t, err, c.Factor)
		claims, err := s.mock.Claims(t.Context(), &authenticator.ClaimsRequest{
			Identity: *identity, Names: []string{"name", "birthdate", "address", "zoneinfo", "locale"}, Locales: []string{"fr-FR"},
		})
		require.NoError(t, err)
		values, err := json.Marshal(claims.Values)
		require.NoError(t, err)
		assert.JSONEq(t, `{
			"name": "Noor Example", "name#fr": "Noor Exemple", "birthdate": "1987-11-25", "locale": "en", "zoneinfo": "Africa/Nairobi",
			"address": {"street_address": "1 Lane", "locality": "Town", "region": "Region", "country": "Country", "postal_code": "45009"},
			"address#fr": {"street_address": "1 rue", "locality": "Ville", "postal_code": "45009"}
		}`, string(values))
	}
}

func TestAnUpdateIsSeenAtOnce(t *testing.T) {
	t.Parallel()
	s := withNoor(t)
	a := s.put(object{
		"individualId": noor, "password": "Another@123", "email": "new@example.org", "zoneInfo": nil,
		"fullName": texts("fra", "Noor Nouveau"),
	})
	require.Empty(t, a.Errors)
	assert.JSONEq(t, `{"status":"mock Identity data updated successfully"}`, string(a.Response))

	id := authenticator.Identifier{Value: noor}
	_, err := authenticate(t, s.mock, id, authenticator.Challenge{Factor: authenticator.Password, Response: "Secret@123"})
	requireReason(t, authenticator.WrongCredentials, err)
	who, err := authenticate(t, s.mock, id, authenticator.Challenge{Factor: authenticator.Password, Response: "Another@123"})
	require.NoError(t, err)
	claims, err := s.mock.Claims(t.Context(), &authenticator.ClaimsRequest{
		Identity: *who, Names: []string{"name", "email", "zoneinfo", "given_name"}, Locales: []string{"en", "fr"},
	})
	require.NoError(t, err)
	values, err := json.Marshal(claims.Values)
	require.NoError(t, err)
	assert.JSONEq(t, `{"name": "Noor Nouveau", "email": "new@example.org", "zoneinfo": "Africa/Nairobi", "given_name": "Noor"}`, string(values),
		"members are replaced whole, and null changes nothing")
}

func (s *service) put(request object) *answer {
	s.t.Helper()
	encoded, err := json.Marshal(s.wrap(request))
	require.NoError(s.t, err)
	return s.call("PUT", "/identity", string(encoded))
}

func TestAnIdentityIsHeldToItsSchema(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		changes object
		create  []string // codes
		update  []string
	}{
		"as it should be":          {nil, nil, nil},
		"nullable fields are null": {object{"middleName": json.RawMessage("null"), "preferredLang": json.RawMessage("null"), "locale": json.RawMessage("null")}, nil, nil},
		"no password":              {object{"password": nil}, nil, nil},
		"no names":                 {object{"fullName": []object{}}, nil, nil},
		"letters in the number":    {object{"individualId": "12345a"}, codes("invalid_individualid"), codes("invalid_individualid")},
		"a short number":           {object{"individualId": "1234"}, codes("invalid_individualid"), codes("invalid_individualid")},
		"a long number":            {object{"individualId": strings.Repeat("1", 20)}, codes("invalid_individualid"), codes("invalid_individualid")},
		"a number that is one":     {object{"individualId": 12345}, codes("invalid_individualid"), codes("invalid_individualid")},
		"no name":                  {object{"fullName": nil}, codes("invalid_fullname"), nil},
		"a name without language":  {object{"fullName": []object{{"value": "x"}}}, codes("invalid_fullname"), codes("invalid_fullname")},
		"a name without value":     {object{"fullName": []object{{"language": "eng"}}}, codes("invalid_fullname"), codes("invalid_fullname")},
		"a blank name":             {object{"fullName": texts("eng", " ")}, codes("invalid_fullname"), codes("invalid_fullname")},
		"a name with more":         {object{"fullName": []object{{"language": "eng", "value": "x", "x": 1}}}, codes("invalid_fullname"), codes("invalid_fullname")},
		"a name that is a text":    {object{"givenName": "x"}, codes("invalid_givenname"), codes("invalid_givenname")},
		"a name that is null":      {object{"familyName": json.RawMessage("null")}, codes("invalid_familyname"), codes("invalid_familyname")},
		"no gender":                {object{"gender": nil}, codes("invalid_gender"), nil},
		"no place":                 {object{"locality": nil, "region": nil, "country": nil}, codes("invalid_country", "invalid_locality", "invalid_region"), nil},
		"a blank PIN":              {object{"pin": " "}, codes("invalid_pin"), codes("invalid_pin")},
		"a PIN that is a number":   {object{"pin": 1}, codes("invalid_pin"), codes("invalid_pin")},
		"no date of birth":         {object{"dateOfBirth": nil}, codes("invalid_dateofbirth"), nil},
		"no postal code":           {object{"postalCode": nil}, codes("invalid_postalcode"), nil},
		"a blank phone":            {object{"phone": ""}, codes("invalid_phone"), codes("invalid_phone")},
		"no language":              {object{"preferredLang": nil}, codes("invalid_preferredlang"), nil},
		"an e-mail without @":      {object{"email": "example.org"}, codes("invalid_email"), codes("invalid_email")},
		"no photograph":            {object{"encodedPhoto": nil}, codes("invalid_encodedphoto"), nil},
		"a member too many":        {object{"shoeSize": "42"}, codes("unknown_field"), codes("unknown_field")},
		"a long password":          {object{"password": strings.Repeat("x", 1025)}, codes("invalid_password"), codes("invalid_password")},
		"two problems":             {object{"pin": "", "x": 1}, codes("invalid_pin", "unknown_field"), codes("invalid_pin", "unknown_field")},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			assert.ElementsMatch(t, tt.create, serve(t).create(identity(tt.changes)).codes())
			assert.ElementsMatch(t, tt.update, withNoor(t).put(identity(tt.changes)).codes())
		})
	}
}

func codes(codes ...string) []string { return append([]string{}, codes...) }

func (s *service) create(request object) *answer {
	s.t.Helper()
	return s.post("/identity", s.wrap(request))
}

func TestAnIdentityNeedsANumberOfItsOwn(t *testing.T) {
	t.Parallel()
	s := withNoor(t)
	assert.Equal(t, codes("duplicate_individual_id"), s.create(identity(nil)).codes())
	assert.Equal(t, codes("duplicate_individual_id"), s.create(identity(object{"individualId": dara.Value})).codes(), "of a persona")
	for _, none := range []any{nil, json.RawMessage("null")} {
		without := identity(object{"individualId": none})
		assert.Equal(t, codes("invalid_individual_id"), s.create(without).codes())
		assert.Equal(t, codes("invalid_individual_id"), s.put(without).codes())
	}
	assert.Equal(t, codes("invalid_individual_id"), s.put(identity(object{"individualId": "99999"})).codes(), "of nobody")
	assert.Equal(t, codes("invalid_individual_id"), s.call("GET", "/identity/99999", "").codes())
	assert.Equal(t, codes("json_processing_error"), s.post("/identity", s.wrap("a text")).codes())
}

func TestPersonasCanBeReadAndUpdatedToo(t *testing.T) {
	t.Parallel()
	s := serve(t)
	for _, p := range s.mock.Personas() {
		var read map[string]json.RawMessage
		s.call("GET", "/identity/"+p.NationalID, "").into(t, &read)
		assert.Contains(t, string(read["fullName"]), p.Name())
		assert.Contains(t, string(read["fullName"]), p.EnglishName())
		assert.NotContains(t, read, "pin")
		assert.NotContains(t, read, "password")
	}
	before := s.claims(dara.Value, "name", "name#en", "gender", "locale", "address", "email", "email_verified", "phone_number_verified", "birthdate", "picture")
	require.Empty(t, s.put(object{"individualId": dara.Value, "nickName": texts("khm", "x"), "email": "other@example.org"}).codes())
	after := s.claims(dara.Value, "name", "name#en", "gender", "locale", "address", "email", "email_verified", "phone_number_verified", "birthdate", "picture")
	assert.JSONEq(t, `"other@example.org"`, string(after["email"]))
	assert.NotContains(t, after, "email_verified", "this one is not")
	delete(before, "email_verified")
	before["email"] = after["email"]
	assert.Equal(t, before, after, "nothing else changes")
	require.Empty(t, s.put(object{"individualId": dara.Value, "locality": texts("khm", "x")}).codes())
	assert.NotContains(t, string(s.claims(dara.Value, "address")["address"]), "formatted", "of an address that changed")
}

// claims are those of the person, as the mock releases them.
func (s *service) claims(id string, names ...string) map[string]json.RawMessage {
	s.t.Helper()
	claims, err := s.mock.Claims(s.t.Context(), &authenticator.ClaimsRequest{Identity: authenticator.Identity{Subject: id}, Names: names})
	require.NoError(s.t, err)
	return claims.Values
}

func TestTheSignupSchemaIsAnother(t *testing.T) {
	t.Parallel()
	s := serve(t, func(c *mock.APIConfig) { c.Schema = mock.SignupSchema })
	who := func(changes object) object {
		all := object{"individualId": "+919000000000", "phone": "+919000000000", "password": "Secret@123",
			"fullName": texts("khm", "សុខ ដារ៉ា"), "anything": "else"}
		for name, value := range changes {
			if all[name] = value; value == nil {
				delete(all, name)
			}
		}
		return all
	}
	for name, tt := range map[string]struct {
		changes object
		codes   []string
	}{
		"another language":  {object{"fullName": texts("deu", "Name")}, codes("invalid_fullname")},
		"a name with digit": {object{"fullName": texts("eng", "R2D2")}, codes("invalid_fullname")},
		"a long name":       {object{"fullName": texts("eng", strings.Repeat("x", 41))}, codes("invalid_fullname")},
		"another country":   {object{"phone": "+855000100531"}, codes("invalid_phone")},
		"no password":       {object{"password": nil}, codes("invalid_password")},
		"no number":         {object{"individualId": nil}, codes("invalid_individual_id")},
		"a long number":     {object{"individualId": strings.Repeat("1", 37)}, codes("invalid_individual_id")},
		"a strange number":  {object{"individualId": "1\x00"}, codes("invalid_individual_id")},
		"all as it must be": {nil, codes()},
	} {
		assert.Equal(t, tt.codes, s.create(who(tt.changes)).codes(), name)
	}
	var read object
	s.call("GET", "/identity/+919000000000", "").into(t, &read)
	assert.Equal(t, "else", read["anything"])
}

func TestSchemaAndUISpecAreServed(t *testing.T) {
	t.Parallel()
	s := serve(t)
	var schema struct {
		Properties           map[string]object
		Required             []string
		AdditionalProperties bool
	}
	s.call("GET", "/identity/identity-schema", "").into(t, &schema)
	assert.Len(t, schema.Properties, 22)
	assert.Len(t, schema.Required, 15)
	assert.Contains(t, schema.Required, "encodedPhoto")
	assert.Equal(t, "^[0-9]{5,19}$", schema.Properties["individualId"]["pattern"])
	assert.Equal(t, []any{"array", "null"}, schema.Properties["nickName"]["type"])
	assert.Equal(t, codes("ui_spec_not_found"), s.call("GET", "/identity/ui-spec", "").codes())

	s = serve(t, func(c *mock.APIConfig) { c.Schema, c.UISpec = mock.SignupSchema, json.RawMessage(`{"schema":[]}`) })
	s.call("GET", "/identity/identity-schema", "").into(t, &schema)
	assert.True(t, schema.AdditionalProperties)
	assert.ElementsMatch(t, []string{"fullName", "phone", "password"}, schema.Required)
	assert.JSONEq(t, `{"schema":[]}`, string(s.call("GET", "/identity/ui-spec", "").Response))
}

// verifiedName is a request that says how Noor's name was verified.
func verifiedName(framework string) object {
	return object{"individualId": noor, "active": true, "verificationDetail": object{
		"fullName": object{"trust_framework": framework, "verification_process": "EKYC", "time": "2025-03-01T09:00Z"},
	}}
}

func TestVerificationsAreAddedReplacedAndHidden(t *testing.T) {
	t.Parallel()
	s := withNoor(t)
	a := s.verify(verifiedName("ABC TF"))
	require.Empty(t, a.Errors)
	assert.JSONEq(t, `{"status":"Verified Claim added successfully"}`, string(a.Response))
	verified := func() []authenticator.VerifiedClaims {
		claims, err := s.mock.Claims(t.Context(), &authenticator.ClaimsRequest{
			Identity: authenticator.Identity{Subject: noor}, Names: []string{"name", "email"}, Verified: []string{"name", "email"}, Locales: []string{"fr"},
		})
		require.NoError(t, err)
		return claims.Verified
	}
	require.Len(t, verified(), 1)
	assert.JSONEq(t, `{"trust_framework":"ABC TF","verification_process":"EKYC","time":"2025-03-01T09:00Z"}`, string(verified()[0].Verification))
	values, err := json.Marshal(verified()[0].Values)
	require.NoError(t, err)
	assert.JSONEq(t, `{"name":"Noor Example","name#fr":"Noor Exemple"}`, string(values), "not the e-mail address")

	require.Empty(t, s.verify(verifiedName("abc tf")).Errors, "letter case does not count")
	require.Len(t, verified(), 1)
	assert.Contains(t, string(verified()[0].Verification), "abc tf")
	require.Empty(t, s.verify(verifiedName("Another")).Errors)
	require.Len(t, verified(), 2)

	hidden := verifiedName("Another")
	hidden["active"] = false
	require.Empty(t, s.verify(hidden).Errors)
	require.Len(t, verified(), 1)
}

func TestOfAnAddressOnlyVerifiedPartsAreReleasedAsVerified(t *testing.T) {
	t.Parallel()
	s := withNoor(t)
	require.Empty(t, s.verify(object{"individualId": noor, "active": true, "verificationDetail": object{
		"locality": object{"trust_framework": "T"}, "country": object{"trust_framework": "T"},
	}}).Errors)
	claims, err := s.mock.Claims(t.Context(), &authenticator.ClaimsRequest{
		Identity: authenticator.Identity{Subject: noor}, Names: []string{"address"}, Verified: []string{"address"},
	})
	require.NoError(t, err)
	require.Len(t, claims.Verified, 1)
	assert.JSONEq(t, `{"locality":"Town","country":"Country"}`, string(claims.Verified[0].Values["address"]))
}

func (s *service) verify(request object) *answer {
	s.t.Helper()
	return s.post("/identity/add-verified-claim", s.wrap(request))
}

func TestVerificationsAreChecked(t *testing.T) {
	t.Parallel()
	s := withNoor(t)
	detail := func(field string, detail any) object {
		return object{"individualId": noor, "active": true, "verificationDetail": object{field: detail}}
	}
	framework := object{"trust_framework": "T"}
	for name, tt := range map[string]struct {
		request object
		codes   []string
	}{
		"of nobody":                    {object{"individualId": "99999", "verificationDetail": object{"phone": framework}}, codes("invalid_individual_id")},
		"of a blank number":            {object{"individualId": " ", "verificationDetail": object{"phone": framework}}, codes("invalid_individual_id")},
		"of nothing":                   {object{"individualId": noor, "verificationDetail": object{}}, codes("invalid_request")},
		"without anything":             {object{}, codes("invalid_individual_id", "invalid_request")},
		"of a field that there is not": {detail("shoeSize", framework), codes("invalid_claim")},
		"of a field without value":     {detail("nickName", framework), codes("invalid_claim")},
		"of a field that is no claim":  {detail("pin", framework), codes("invalid_claim")},
		"with an empty framework":      {detail("phone", object{"trust_framework": ""}), codes("invalid_request")},
		"without framework":            {detail("phone", object{"time": "2025-03-01T09:00Z"}), codes("unknown_error")},
		"with no object":               {detail("phone", "T"), codes("unknown_error")},
	} {
		assert.Equal(t, tt.codes, s.verify(tt.request).codes(), name)
	}
	half := object{"individualId": noor, "active": true, "verificationDetail": object{"email": framework, "shoeSize": framework}}
	assert.Equal(t, codes("invalid_claim"), s.verify(half).codes())
	for _, p := range s.mock.Personas() {
		if p.NationalID == noor {
			assert.Empty(t, p.Verified, "all or nothing")
		}
	}
}
