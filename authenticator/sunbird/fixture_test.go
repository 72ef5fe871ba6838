package sunbird_test

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/authenticator/sunbird"
)

const (
	searchPath = "/registry/api/v1/Insurance/search"
	entityPath = "/registry/api/v1/Insurance/"

	amelieID = "1-5f3c7a52-9f0e-4a3e-8f0d-0b1c2d3e4f50"
	leilaID  = "1-0c9d8e7f-1a2b-4c3d-9e8f-7a6b5c4d3e2f"
	graceID  = "1-77aa66bb-55cc-44dd-83ee-22ff11aa00bb"
)

// people are the records of the registry.
func people() []map[string]any {
	return []map[string]any{
		{
			"osid": amelieID, "policyNumber": "FR274019", "fullName": "Amélie Béranger-Noël", "dob": "17/04/1991",
			"gender": "Female", "mobile": 33639980012, "email": "amelie.beranger@example.org", "benefits": []string{"Critical Surgery"},
			"insured": true,
		},
		{
			"osid": leilaID, "policyNumber": "AE619374", "fullName": "ليلى المنصوري", "fullNameEnglish": "Leila Al Mansoori",
			"dob": "02/11/1988", "gender": "Female", "mobile": "+971000100285", "email": "",
		},
		{"osid": graceID, "policyNumber": "KE440917", "fullName": "Grace Wanjiru Otieno", "dob": "29/06/1985", "mobile": nil},
	}
}

// form is that of the eSignet plugin: the policy number finds the record, name and date of birth prove.
func form() authenticator.Form {
	return authenticator.Form{
		Identifier: &authenticator.FormField{
			Name: "policyNumber", Labels: map[string]string{"en": "Policy number"}, Pattern: "[A-Z]{2}[0-9]{6}", MaxLength: 8,
		},
		Fields: []authenticator.FormField{
			{Name: "fullName", Labels: map[string]string{"en": "Full name", "ar": "الاسم الكامل"}, MaxLength: 40},
			{Name: "dob", Type: authenticator.FieldDate, Format: "dd/mm/yyyy"},
		},
	}
}

// registry is a stub of Sunbird RC that insists on requests as they should be.
type registry struct {
	t       testing.TB
	server  *httptest.Server
	records []map[string]any
	// generous: the search looks at the policy number alone, as a search engine might.
	generous bool
	// answer, if set, answers instead, when it returns true.
	answer func(w http.ResponseWriter, r *http.Request) bool

	searches, reads, connections atomic.Int64
	mu                           sync.Mutex
	lastSearch                   string
}

func newRegistry(t testing.TB) *registry {
	t.Helper()
	r := &registry{t: t, records: people()}
	r.server = httptest.NewUnstartedServer(r)
	r.server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	r.server.StartTLS()
	t.Cleanup(r.server.Close)
	return r
}

// config returns a valid Config for the stub.
func (r *registry) config() sunbird.Config {
	return sunbird.Config{
		SearchURL: r.server.URL + searchPath,
		EntityURL: r.server.URL + entityPath,
		Form:      form(),
		Claims: map[string]sunbird.Claim{
			"name": {Field: "fullName"}, "name#en": {Field: "fullNameEnglish"}, "email": {Field: "email"},
			"phone_number": {Field: "mobile"}, "gender": {Field: "gender"}, "birthdate": {Field: "dob"},
			"benefits": {Field: "benefits"}, "insured": {Field: "insured"},
		},
		Transport: r.server.Client().Transport,
	}
}

func newSunbird(t testing.TB, c sunbird.Config) *sunbird.Registry {
	t.Helper()
	s, err := sunbird.New(c)
	require.NoError(t, err)
	return s
}

func (r *registry) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	t := r.t
	body, err := io.ReadAll(req.Body)
	assert.NoError(t, err)
	assert.Empty(t, req.URL.RawQuery)
	assert.Equal(t, "application/json", strings.Join(req.Header["Accept"], "|"))
	for name := range req.Header {
		assert.Contains(t, []string{"Accept", "Accept-Encoding", "Content-Type", "Content-Length", "User-Agent"}, name)
	}
	if req.URL.Path == searchPath {
		r.searches.Add(1)
		assert.Equal(t, http.MethodPost, req.Method)
		assert.Equal(t, "application/json", strings.Join(req.Header["Content-Type"], "|"))
		assert.EqualValues(t, len(body), req.ContentLength)
		r.mu.Lock()
		r.lastSearch = string(body)
		r.mu.Unlock()
	} else {
		r.reads.Add(1)
		assert.Equal(t, http.MethodGet, req.Method)
		assert.True(t, strings.HasPrefix(req.RequestURI, entityPath), req.RequestURI)
		assert.NotContains(t, req.Header, "Content-Type")
		assert.Empty(t, body)
	}
	if r.answer != nil && r.answer(w, req) {
		return
	}
	if req.URL.Path == searchPath {
		r.search(w, body)
	} else {
		r.read(w, strings.TrimPrefix(req.RequestURI, entityPath))
	}
}

func (r *registry) search(w http.ResponseWriter, body []byte) {
	var search struct {
		Offset  *int                         `json:"offset"`
		Limit   *int                         `json:"limit"`
		Filters map[string]map[string]string `json:"filters"`
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if !assert.NoError(r.t, d.Decode(&search)) || !assert.NotNil(r.t, search.Offset) || !assert.NotNil(r.t, search.Limit) {
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	assert.Equal(r.t, 0, *search.Offset)
	assert.Equal(r.t, 2, *search.Limit)
	assert.Contains(r.t, search.Filters, "policyNumber")
	found := []map[string]any{}
	for _, record := range r.records {
		matches := true
		for name, filter := range search.Filters {
			assert.Len(r.t, filter, 1)
			assert.Contains(r.t, filter, "eq")
			if !r.generous || name == "policyNumber" {
				matches = matches && record[name] == filter["eq"]
			}
		}
		if matches && len(found) < *search.Limit {
			found = append(found, record)
		}
	}
	writeJSON(r.t, w, found)
}

func (r *registry) read(w http.ResponseWriter, id string) {
	for _, record := range r.records {
		if record["osid"] == id {
			writeJSON(r.t, w, record)
			return
		}
	}
	w.WriteHeader(http.StatusNotFound)
}

func writeJSON(t testing.TB, w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	assert.NoError(t, json.NewEncoder(w).Encode(v))
}

// says makes the stub answer every call with a status and a body.
func says(status int, body string) func(http.ResponseWriter, *http.Request) bool {
	return func(w http.ResponseWriter, _ *http.Request) bool {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
		return true
	}
}

// login is a request with knowledge.
func login(identifier, response string) *authenticator.Request {
	return &authenticator.Request{
		Transaction: "transaction-1",
		ClientID:    "portal",
		Identifier:  authenticator.Identifier{Value: identifier},
		Challenges:  []authenticator.Challenge{{Factor: authenticator.Knowledge, Response: response}},
	}
}

// answers is the response to the form.
func answers(fullName, dob string) string {
	b, err := json.Marshal(map[string]string{"fullName": fullName, "dob": dob})
	if err != nil {
		panic(err)
	}
	return string(b)
}

func amelie() *authenticator.Request {
	return login("FR274019", answers("Amélie Béranger-Noël", "17/04/1991"))
}

func claimsOf(subject string, names ...string) *authenticator.ClaimsRequest {
	return &authenticator.ClaimsRequest{
		Transaction: "transaction-1", ClientID: "portal", Identity: authenticator.Identity{Subject: subject}, Names: names,
	}
}

// requireReason returns the error, which has to be one that the person can be told.
func requireReason(t *testing.T, err error, reason authenticator.Reason) *authenticator.Error {
	t.Helper()
	var failure *authenticator.Error
	require.ErrorAs(t, err, &failure)
	require.Equal(t, reason, failure.Reason, "%v", err)
	require.Error(t, failure.Err, "the log needs a cause")
	return failure
}

// roundTripper is a transport without a network.
type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func ok(r *http.Request, body string) (*http.Response, error) {
	return &http.Response{
		StatusCode: http.StatusOK, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body)), Request: r,
	}, nil
}

// offline is a valid Config over a transport without a network.
func offline(transport roundTripper) sunbird.Config {
	return sunbird.Config{
		SearchURL: "https://registry.example.org" + searchPath,
		EntityURL: "https://registry.example.org" + entityPath,
		Form:      form(),
		Claims:    map[string]sunbird.Claim{"name": {Field: "fullName"}, "birthdate": {Field: "dob"}, "benefits": {Field: "benefits"}},
		Transport: transport,
	}
}
