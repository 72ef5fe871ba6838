package sunbird_test

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/authenticator/sunbird"
	"github.com/gosignet/signet/authenticator/sunbird/sunbirdtest"
)

func reason(err error) authenticator.Reason {
	if failure, ok := err.(*authenticator.Error); ok {
		return failure.Reason
	}
	return ""
}

// FuzzResponse answers a form with whatever comes, in front of a registry that agrees to everything: only the right
// answers log in, and no error repeats what was typed.
func FuzzResponse(f *testing.F) {
	for _, s := range []string{
		answers("Amélie Béranger-Noël", "17/04/1991"), answers("AMÉLIE  BÉRANGER-NOËL", "1991-04-17"), "", "null", "[]", "{}", `{"`,
		`{"fullName": {"eq": "x"}, "dob": []}`, `{"fullName": "\ud800", "dob": "١٧/٠٤/١٩٩١"}`, `{"dob": "", "dob": ""}`,
		`{"fullName":"a","dob":"b",}`, `{"fullName" "a"}`, "{\"\xff\": \"\"}", `{"policyNumber": "FR274019"}`,
	} {
		f.Add("FR274019", s)
	}
	record, err := json.Marshal(sunbirdtest.Records()[:1])
	if err != nil {
		f.Fatal(err)
	}
	calls := 0
	c := offline(func(r *http.Request) (*http.Response, error) { calls++; return ok(r, string(record)) })
	s, err := sunbird.New(c)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, identifier, response string) {
		before := calls
		_, err := s.Authenticate(context.Background(), login(identifier, response))
		if err != nil && reason(err) != authenticator.WrongCredentials {
			t.Fatalf("%v", err)
		}
		if calls == before {
			if err == nil {
				t.Fatal("logged in without a call")
			}
			return
		}
		// What was accepted means the same to a reader that is less strict.
		var texts map[string]string
		if json.Unmarshal([]byte(response), &texts) != nil || texts["fullName"] == "" || texts["dob"] == "" {
			t.Fatalf("asked the registry about %q", response)
		}
		if err == nil && (len([]rune(texts["fullName"])) < len("Amelie Beranger-Noel") || !strings.EqualFold(identifier, "FR274019")) {
			t.Fatalf("logged in with %q, %q", identifier, response)
		}
	})
}

// FuzzSearchAnswer lets the registry answer a search with whatever comes.
func FuzzSearchAnswer(f *testing.F) {
	record, err := json.Marshal(sunbirdtest.Records()[:1])
	if err != nil {
		f.Fatal(err)
	}
	for _, s := range []string{
		string(record), "", "[]", "[[]]", "[null]", "[{}]", "{}", "null", `[{"osid":1}]`, `[{"osid":"1"},{}]`, "[{\"a\":\"\xff\"}]",
		strings.Replace(string(record), sunbirdtest.AmelieID, "..", 1), strings.Replace(string(record), `"17/04/1991"`, "17041991", 1),
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, body string) {
		s, err := sunbird.New(offline(func(r *http.Request) (*http.Response, error) { return ok(r, body) }))
		if err != nil {
			t.Fatal(err)
		}
		identity, err := s.Authenticate(context.Background(), amelie())
		switch {
		case err == nil:
			var records []map[string]any
			if json.Unmarshal([]byte(body), &records) != nil || len(records) != 1 || records[0]["osid"] != identity.Subject {
				t.Fatalf("logged in as %q with %q", identity.Subject, body)
			}
			if strings.ContainsAny(identity.Subject, "/?#%\\ ") || len(identity.Subject) > 256 {
				t.Fatalf("subject %q", identity.Subject)
			}
		case reason(err) != authenticator.WrongCredentials && reason(err) != authenticator.Unavailable:
			t.Fatalf("%v", err)
		}
	})
}

// FuzzRecord lets the registry return whatever comes as a record.
func FuzzRecord(f *testing.F) {
	for _, p := range sunbirdtest.Records() {
		b, err := json.Marshal(p)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(b))
	}
	for _, s := range []string{
		"", "{}", "null", "[]", `{"fullName": 7e400, "dob": -0, "benefits": {"a": [1, "b"]}}`, `{"fullName": "\ud800"}`,
		`{"dob": "١٧/٠٤/١٩٩١", "benefits": nul}`, "{\"benefits\": \"\xff\"}", `{"osid": "other"}`,
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, body string) {
		s, err := sunbird.New(offline(func(r *http.Request) (*http.Response, error) { return ok(r, body) }))
		if err != nil {
			t.Fatal(err)
		}
		claims, err := s.Claims(context.Background(), claimsOf(sunbirdtest.AmelieID, "name", "birthdate", "benefits"))
		if err != nil {
			if reason(err) != authenticator.Unavailable {
				t.Fatalf("%v", err)
			}
			return
		}
		for name, value := range claims.Values {
			if !json.Valid(value) || !utf8.Valid(value) || string(value) == "null" {
				t.Fatalf("%s: %q", name, value)
			}
			var text string
			if name != "benefits" && (json.Unmarshal(value, &text) != nil || text == "") {
				t.Fatalf("%s: %q is no text", name, value)
			}
			if name == "birthdate" && len(text) != len("1991-04-17") {
				t.Fatalf("birthdate %q", text)
			}
		}
	})
}

// FuzzSpelling registers a name and lets the person type it in other ways.
func FuzzSpelling(f *testing.F) {
	for _, s := range []string{"Amélie Béranger-Noël", "Tomáš", "ليلى", "ΣΊΣΥΦΟΣ", "İstanbul ı", "straße ẞ", "ﬁ ǅ", "៣", "\u0345\u03b1", "ᾳ ΐ"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, name string) {
		record, err := json.Marshal([]map[string]string{{"osid": "1", "policyNumber": "FR274019", "fullName": name, "dob": "17/04/1991"}})
		if err != nil {
			t.Fatal(err)
		}
		s, err := sunbird.New(offline(func(r *http.Request) (*http.Response, error) { return ok(r, string(record)) }))
		if err != nil {
			t.Fatal(err)
		}
		right := func(typed string) bool {
			_, err := s.Authenticate(context.Background(), login("FR274019", answers(typed, "17/04/1991")))
			return err == nil
		}
		if !right(name) {
			return // too long, or nothing to see in it
		}
		// Composed first: Greek's iota below becomes a letter of its own, and goes where it stands.
		capitals := strings.ToUpper(norm.NFC.String(name))
		for _, typed := range []string{capitals, " " + name + "\u200b ", strings.ReplaceAll(name, " ", "\u00a0")} {
			if utf8.RuneCountInString(typed) <= 40 && !right(typed) {
				t.Fatalf("%q is not taken for %q", typed, name)
			}
		}
	})
}
