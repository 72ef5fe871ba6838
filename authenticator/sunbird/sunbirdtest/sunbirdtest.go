// Package sunbirdtest stands in for a registry of Sunbird RC in tests: a [Registry] of insurance policies that checks
// every byte that it gets.
package sunbirdtest

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/authenticator/sunbird"
)

// Where the Registry answers.
const (
	SearchPath = "/registry/api/v1/Insurance/search"
	EntityPath = "/registry/api/v1/Insurance/"
)

// The ids of records.
const (
	AmelieID = "1-5f3c7a52-9f0e-4a3e-8f0d-0b1c2d3e4f50"
	LeilaID  = "1-0c9d8e7f-1a2b-4c3d-9e8f-7a6b5c4d3e2f"
	GraceID  = "1-77aa66bb-55cc-44dd-83ee-22ff11aa00bb"
)

// Records returns those that a Registry begins with.
func Records() []map[string]any {
	return []map[string]any{
		{
			"osid": AmelieID, "policyNumber": "FR274019", "fullName": "Amélie Béranger-Noël", "dob": "17/04/1991",
			"gender": "Female", "mobile": 33639980012, "email": "amelie.beranger@example.org", "benefits": []string{"Critical Surgery"},
			"insured": true,
		},
		{
			"osid": LeilaID, "policyNumber": "AE619374", "fullName": "ليلى المنصوري", "fullNameEnglish": "Leila Al Mansoori",
			"dob": "02/11/1988", "gender": "Female", "mobile": "+971000100285", "email": "",
		},
		{"osid": GraceID, "policyNumber": "KE440917", "fullName": "Grace Wanjiru Otieno", "dob": "29/06/1985", "mobile": nil},
	}
}

// Form is that of the eSignet plugin: the policy number finds the record, name and date of birth prove.
func Form() authenticator.Form {
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

// Registry is Sunbird RC. A request that is not as it should be is an error of the test. Its fields are not changed while
// it is asked.
type Registry struct {
	*httptest.Server
	Records []map[string]any
	// Generous says that the search looks at the policy number alone, as a search engine might.
	Generous bool
	// Answer, if set, answers instead, when it returns true.
	Answer func(w http.ResponseWriter, r *http.Request) bool
	// Searches and Reads count the calls.
	Searches, Reads atomic.Int64

	t          testing.TB
	mu         sync.Mutex
	lastSearch string
}

// New starts a Registry with TLS, which ends with the test.
func New(t testing.TB) *Registry {
	r := &Registry{t: t, Records: Records()}
	r.Server = httptest.NewUnstartedServer(r)
	r.Server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	r.StartTLS()
	t.Cleanup(r.Close)
	return r
}

// Config returns that of an Authenticator for the Registry.
func (r *Registry) Config() sunbird.Config {
	return sunbird.Config{
		SearchURL: r.URL + SearchPath,
		EntityURL: r.URL + EntityPath,
		Form:      Form(),
		Claims: map[string]sunbird.Claim{
			"name": {Field: "fullName"}, "name#en": {Field: "fullNameEnglish"}, "email": {Field: "email"},
			"phone_number": {Field: "mobile"}, "gender": {Field: "gender"}, "birthdate": {Field: "dob"},
			"benefits": {Field: "benefits"}, "insured": {Field: "insured"},
		},
		Transport: r.Client().Transport,
	}
}

// LastSearch returns the body of the last search.
func (r *Registry) LastSearch() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.lastSearch
}

// check fails the test unless what was sent is what the reference says.
func (r *Registry) check(ok bool, format string, args ...any) {
	if !ok {
		r.t.Errorf("Sunbird RC: "+format, args...)
	}
}

// ServeHTTP answers a call.
func (r *Registry) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(req.Body)
	r.check(err == nil, "the body cannot be read: %v", err)
	r.check(req.URL.RawQuery == "", "there is a query")
	r.check(strings.Join(req.Header["Accept"], "|") == "application/json", "Accept is %q", req.Header["Accept"])
	for name := range req.Header {
		expected := []string{"Accept", "Accept-Encoding", "Content-Type", "Content-Length", "User-Agent"}
		r.check(slices.Contains(expected, name), "there is a header %s", name)
	}
	if req.URL.Path == SearchPath {
		r.Searches.Add(1)
		r.check(req.Method == http.MethodPost, "the method is %s", req.Method)
		r.check(strings.Join(req.Header["Content-Type"], "|") == "application/json", "Content-Type is %q", req.Header["Content-Type"])
		r.check(int64(len(body)) == req.ContentLength, "Content-Length is %d", req.ContentLength)
		r.mu.Lock()
		r.lastSearch = string(body)
		r.mu.Unlock()
	} else {
		r.Reads.Add(1)
		r.check(req.Method == http.MethodGet, "the method is %s", req.Method)
		r.check(strings.HasPrefix(req.RequestURI, EntityPath), "the path is %s", req.RequestURI)
		r.check(len(body) == 0 && req.Header["Content-Type"] == nil, "there is a body")
	}
	if r.Answer != nil && r.Answer(w, req) {
		return
	}
	if req.URL.Path == SearchPath {
		r.search(w, body)
	} else {
		r.read(w, strings.TrimPrefix(req.RequestURI, EntityPath))
	}
}

func (r *Registry) search(w http.ResponseWriter, body []byte) {
	var search struct {
		Offset  *int                         `json:"offset"`
		Limit   *int                         `json:"limit"`
		Filters map[string]map[string]string `json:"filters"`
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	err := d.Decode(&search)
	if err != nil || search.Offset == nil || *search.Offset != 0 || search.Limit == nil || *search.Limit != 2 {
		r.check(false, "no search from 0 for 2: %v", err)
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	r.check(search.Filters["policyNumber"] != nil, "it is not searched for a policyNumber")
	found := []map[string]any{}
	for _, record := range r.Records {
		matches := true
		for name, filter := range search.Filters {
			value, equals := filter["eq"]
			r.check(len(filter) == 1 && equals, "the filter of %s is not eq", name)
			if !r.Generous || name == "policyNumber" {
				matches = matches && record[name] == value
			}
		}
		if matches && len(found) < *search.Limit {
			found = append(found, record)
		}
	}
	r.write(w, found)
}

func (r *Registry) read(w http.ResponseWriter, id string) {
	for _, record := range r.Records {
		if record["osid"] == id {
			r.write(w, record)
			return
		}
	}
	w.WriteHeader(http.StatusNotFound)
}

func (r *Registry) write(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	err := json.NewEncoder(w).Encode(v)
	r.check(err == nil, "the answer cannot be written: %v", err)
}
