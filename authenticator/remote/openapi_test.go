package remote_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/authenticator/remote"
)

type object = map[string]any

// description is openapi.json. It checks what the two halves say to each other.
type description struct{ root object }

func newDescription(t *testing.T) *description {
	t.Helper()
	d := &description{}
	require.NoError(t, json.Unmarshal(remote.OpenAPI(), &d.root))
	return d
}

// at follows member names, and references.
func (d *description) at(from object, names ...string) object {
	for _, name := range names {
		from = d.resolve(from[name].(object))
	}
	return from
}

func (d *description) resolve(schema object) object {
	ref, ok := schema["$ref"].(string)
	if !ok {
		return schema
	}
	return d.at(d.root, strings.Split(strings.TrimPrefix(ref, "#/"), "/")...)
}

func (d *description) schema(name string) object { return d.at(d.root, "components", "schemas", name) }

// check returns what is wrong with a value. It knows the keywords that the description uses and fails on others. A member
// that is not described is wrong, because these are our own values.
func (d *description) check(schema object, v any) []string {
	schema = d.resolve(schema)
	var wrong []string
	fail := func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }
	for keyword, want := range schema {
		switch keyword {
		case "description", "contentEncoding", "properties", "additionalProperties", "items":
		case "type":
			if got := kind(v); got != want && !(want == "number" && got == "integer") {
				return append(wrong, fmt.Sprintf("%v is no %v", got, want))
			}
		case "enum":
			if !slices.Contains(want.([]any), v) {
				fail("not one of %v", want)
			}
		case "pattern":
			if s, ok := v.(string); ok && !regexp.MustCompile(want.(string)).MatchString(s) {
				fail("does not match %v", want)
			}
		case "format":
			if _, err := time.Parse(time.RFC3339, fmt.Sprint(v)); want != "date-time" || err != nil {
				fail("no %v", want)
			}
		case "minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties", "minimum", "maximum":
			size := sizeOf(v)
			if strings.HasPrefix(keyword, "min") && size < want.(float64) || strings.HasPrefix(keyword, "max") && size > want.(float64) {
				fail("%s is %v", keyword, want)
			}
		case "required":
			for _, name := range want.([]any) {
				if o, ok := v.(object); ok && o[name.(string)] == nil {
					fail("%s is missing", name)
				}
			}
		default:
			fail("the keyword %q is not known here", keyword)
		}
	}
	if schema["type"] == nil { // anything, as the values of claims are
		return wrong
	}
	switch v := v.(type) {
	case []any:
		for i, item := range v {
			for _, problem := range d.check(d.at(schema, "items"), item) {
				fail("%d: %s", i, problem)
			}
		}
	case object:
		properties, _ := schema["properties"].(object)
		for name, member := range v {
			described, ok := properties[name].(object)
			if !ok {
				described, ok = schema["additionalProperties"].(object)
			}
			if !ok && schema["additionalProperties"] != true {
				fail("%s is not described", name)
			}
			for _, problem := range d.check(described, member) {
				fail("%s: %s", name, problem)
			}
		}
	}
	return wrong
}

func kind(v any) string {
	switch v := v.(type) {
	case string:
		return "string"
	case bool:
		return "boolean"
	case float64:
		if v == float64(int64(v)) {
			return "integer"
		}
		return "number"
	case []any:
		return "array"
	case object:
		return "object"
	}
	return "null"
}

func sizeOf(v any) float64 {
	switch v := v.(type) {
	case string:
		return float64(utf8.RuneCountInString(v))
	case []any:
		return float64(len(v))
	case object:
		return float64(len(v))
	case float64:
		return v
	}
	return 0
}

// described is a transport that holds what passes against the description, and remembers which answers it saw.
type described struct {
	t    *testing.T
	next http.RoundTripper
	d    *description
	seen map[string]bool
}

func newDescribed(t *testing.T, next http.RoundTripper) *described {
	return &described{t: t, next: next, d: newDescription(t), seen: make(map[string]bool)}
}

func (d *described) RoundTrip(r *http.Request) (*http.Response, error) {
	path := r.URL.Path
	if strings.HasPrefix(path, "/v1/forms/") {
		path = "/v1/forms/{factor}"
	}
	operation := d.d.at(d.d.root, "paths", path, strings.ToLower(r.Method))
	assert.Equal(d.t, "1", r.Header.Get("Authenticator-Version"))
	if _, ok := operation["requestBody"]; ok {
		body, err := r.GetBody()
		require.NoError(d.t, err)
		d.hold(d.d.at(operation, "requestBody", "content", r.Header.Get("Content-Type"), "schema"), body, path)
	}
	resp, err := d.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(resp.Body)
	require.NoError(d.t, err)
	require.NoError(d.t, resp.Body.Close())
	resp.Body = io.NopCloser(bytes.NewReader(body))
	status := "200"
	if resp.StatusCode != http.StatusOK {
		status = "default"
	}
	d.seen[path+" "+status] = true
	assert.Equal(d.t, "1", resp.Header.Get("Authenticator-Version"))
	d.hold(d.d.at(operation, "responses", status, "content", resp.Header.Get("Content-Type"), "schema"), bytes.NewReader(body), path)
	return resp, nil
}

func (d *described) hold(schema object, body io.Reader, path string) {
	var v any
	require.NoError(d.t, json.NewDecoder(body).Decode(&v))
	assert.Empty(d.t, d.d.check(schema, v), "%s: %v", path, v)
}

func TestBothHalvesSayWhatIsDescribed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	traffic := newDescribed(t, w.config.Transport)
	w.config.Transport = traffic
	c := w.client(t)
	exercise := func() {
		_, _ = c.SendCode(t.Context(), codeFor())
		_, _ = c.Authenticate(t.Context(), login())
		_, _ = c.Claims(t.Context(), claimsOf(*w.people.identity))
		_, _ = c.Challenge(t.Context(), deviceFor(authenticator.Passkey))
		_, _ = c.Recall(t.Context(), w.people.identity)
		_, _ = c.PublicKeys(t.Context())
		_, _ = c.BindKey(t.Context(), bindingFor())
		_, _ = c.Verifications(t.Context(), claimsOf(*w.people.identity))
	}
	exercise()
	w.people.identity = &authenticator.Identity{Subject: strings.Repeat("x", 256), State: bytes.Repeat([]byte{0xff}, 8<<10)}
	w.people.receipt, w.people.claims = &authenticator.CodeReceipt{}, &authenticator.Claims{}
	w.people.device = &authenticator.Device{Options: []byte(`{}`), State: bytes.Repeat([]byte{0xff}, 4<<10)}
	w.people.keys, w.people.verified = []byte(`{"keys":[]}`), nil
	w.people.binding = &authenticator.KeyBinding{Identity: *w.people.identity, Certificate: bytes.Repeat([]byte{0xff}, 16<<10)}
	exercise()
	for _, reason := range reasons() {
		w.people.err = &authenticator.Error{Reason: reason, RetryAt: time.Now()}
		exercise()
	}
	for path := range traffic.d.at(traffic.d.root, "paths") {
		assert.True(t, traffic.seen[path+" 200"], path)
	}
	for _, path := range []string{"/v1/authenticate", "/v1/codes", "/v1/claims", "/v1/challenges", "/v1/recall", "/v1/keys", "/v1/key-bindings", "/v1/verifications"} {
		assert.True(t, traffic.seen[path+" default"], path)
	}
}

func TestClientRefusesAnswersThatTheDescriptionForbids(t *testing.T) {
	t.Parallel()
	d := newDescription(t)
	ask := map[string]func(*remote.Client) error{
		"Identity": func(c *remote.Client) error {
			_, err := c.Authenticate(t.Context(), login())
			return err
		},
		"Claims": func(c *remote.Client) error {
			_, err := c.Claims(t.Context(), claimsOf(authenticator.Identity{Subject: "grace-1"}))
			return err
		},
		"CodeReceipt": func(c *remote.Client) error {
			_, err := c.SendCode(t.Context(), codeFor())
			return err
		},
		"Device": func(c *remote.Client) error {
			_, err := c.Challenge(t.Context(), deviceFor(authenticator.Passkey))
			return err
		},
		"KeyBinding": func(c *remote.Client) error {
			_, err := c.BindKey(t.Context(), bindingFor())
			return err
		},
		"Verifications": func(c *remote.Client) error {
			_, err := c.Verifications(t.Context(), claimsOf(authenticator.Identity{Subject: "grace-1"}))
			return err
		},
		"KeySet": func(c *remote.Client) error {
			_, err := c.PublicKeys(t.Context())
			return err
		},
	}
	good := map[string]object{
		"Identity": {"subject": "grace-1", "state": "AP8="},
		"Claims": {
			"values":   object{"name": "Grace"},
			"verified": []any{object{"verification": object{"trust_framework": "ke_register"}, "values": object{"name": "Grace"}}},
			"sources":  []any{object{"names": []any{"tax_number"}, "jwt": "e30.e30.AA"}},
			"original": "e30.AA.AA.AA.AA",
		},
		"Device":     {"options": object{"challenge": "AAAA"}, "state": "AP8="},
		"KeyBinding": {"identity": object{"subject": "grace-1"}, "certificate": "MAA="},
		"Verifications": {
			"verified":   []any{object{"verification": object{"trust_framework": "ke_register"}, "names": []any{"name"}}},
			"unverified": []any{"email"},
		},
		"KeySet": {"keys": []any{object{"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}}},
		"CodeReceipt": {
			"destinations": []any{"+254 ** *** 820"}, "length": 6.0,
			"expires_at": "2026-03-01T12:05:00Z", "resend_after": "2026-03-01T12:05:00Z",
		},
	}
	var answer object
	c, err := remote.New(t.Context(), remote.Config{
		BaseURL: "https://people.example.org", MaxFailures: 1000,
		Transport: transport(func(r *http.Request) (*http.Response, error) {
			if r.URL.Path == "/v1/capabilities" {
				return answerOf(200, `{"versions": [1], "factors": ["otp", "pop"], "codes": true, "devices": ["pop"], "keys": true, "bindings": true, "verifications": true}`), nil
			}
			return answerOf(200, string(must(json.Marshal(answer)))), nil
		}),
	})
	require.NoError(t, err)
	for name, ask := range ask {
		schema := d.schema(name)
		answer = maps.Clone(good[name])
		require.Empty(t, d.check(schema, answer))
		require.NoError(t, ask(c), name)
		for member, described := range schema["properties"].(object) {
			require.Contains(t, answer, member, "every member is tried")
			for _, bad := range []any{true, 7.5, -1.0, 1e6, "?", strings.Repeat("x", 20_000), object{"a": true}, []any{object{}}, make([]any, 500)} {
				if len(d.check(described.(object), bad)) == 0 {
					continue // allowed
				}
				answer = maps.Clone(good[name])
				answer[member] = bad
				assert.Error(t, ask(c), "%s: %.100v", member, bad)
			}
		}
		required, _ := schema["required"].([]any)
		for _, member := range required {
			answer = maps.Clone(good[name])
			delete(answer, member.(string))
			requireReason(t, ask(c), authenticator.Unavailable)
		}
	}
}
