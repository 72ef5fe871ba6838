package signet_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/openapi"
)

// sample is a request to an operation, in parts that can be broken one by one.
type sample struct {
	header http.Header
	path   map[string]string
	query  url.Values
	form   url.Values
	json   object // what is in request
	// basic samples are of pages, or come at the wrong time: any answer that is described is right. A refused one is
	// valid, and this provider lacks what it asks for.
	basic, refused bool
}

func (s *sample) request(o operation) *http.Request {
	path := o.path
	for name, value := range s.path {
		path = strings.ReplaceAll(path, "{"+name+"}", value)
	}
	var body []byte
	media := ""
	switch {
	case s.json != nil:
		body, _ = json.Marshal(s.json)
		media = "application/json"
	case s.form != nil:
		body, media = []byte(s.form.Encode()), "application/x-www-form-urlencoded"
	}
	r := httptest.NewRequest(o.method, "https://id.example"+path+"?"+s.query.Encode(), bytes.NewReader(body))
	if len(s.query) == 0 {
		r.URL.RawQuery = ""
	}
	r.Header = s.header.Clone()
	if r.Header == nil {
		r.Header = http.Header{}
	}
	if media != "" {
		r.Header.Set("Content-Type", media)
	}
	return r
}

func TestEveryRouteIsDescribedAndNoOther(t *testing.T) {
	t.Parallel()
	w := newAPIWorld(t)
	d := newDescribed(t)
	var missing []string
	described := d.root["paths"].(object)
	for _, pattern := range w.provider.Patterns() {
		method, path, ok := strings.Cut(pattern, " ")
		if !ok {
			method, path = "", pattern
		}
		path = strings.TrimSuffix(path, "{$}")
		item, found := described[path].(object)
		if !found && strings.HasSuffix(path, "/") { // what is below a path
			found = slices.ContainsFunc(slices.Collect(maps.Keys(described)), func(p string) bool { return strings.HasPrefix(p, path+"{") })
		} else if found && method != "" {
			_, found = item[strings.ToLower(method)]
		}
		if !found {
			missing = append(missing, pattern)
		}
	}
	assert.Empty(t, missing)
	filtered, err := openapi.For("https://id.example", w.provider.Patterns())
	require.NoError(t, err)
	var served struct{ Paths map[string]object }
	require.NoError(t, json.Unmarshal(filtered, &served))
	for path := range described {
		assert.Contains(t, served.Paths, path, "nobody serves it")
	}
}

func TestHandlersAnswerAsDescribed(t *testing.T) {
	t.Parallel()
	d := newDescribed(t)
	w := newAPIWorld(t)
	served := w.served()
	for _, o := range d.operations() {
		if !served[o.path] {
			continue
		}
		t.Run(o.id, func(t *testing.T) {
			w := w.on(t)
			s := w.sample(o)
			d.hold(t, o, w.call(s.request(o)), "the example")
			if !s.basic && !s.refused {
				s := w.sample(o)
				res := w.call(s.request(o))
				assert.Less(t, res.Code, 400, "%s", res.Body)
				assert.Empty(t, codeOf(res), "%s", res.Body)
			}
			d.holdAuthorization(t, w, o)
			d.holdParameters(t, w, o)
			d.holdBody(t, w, o)
			d.holdTransport(t, w, o)
		})
	}
}

// refused expects that a request is refused, with one of the codes if there are any.
func (d *described) refused(t *testing.T, o operation, res *httptest.ResponseRecorder, codes []string, what string) {
	t.Helper()
	d.hold(t, o, res, what)
	if len(codes) > 0 {
		assert.Contains(t, codes, codeOf(res), "%s: %d %s %s", what, res.Code, res.Body, res.Header())
	} else {
		assert.True(t, res.Code >= 400 || codeOf(res) != "", "%s: %d %s", what, res.Code, res.Body)
	}
}

// holdAuthorization sends no token, and wrong ones, where one is needed.
func (d *described) holdAuthorization(t *testing.T, w *apiWorld, o operation) {
	t.Helper()
	for _, authorization := range []string{"", "Bearer wrong", "Basic d3Jvbmc6d3Jvbmc=", "DPoP wrong"} {
		s := w.sample(o)
		if s.header.Get("Authorization") == "" {
			return
		}
		s.header.Set("Authorization", authorization)
		if authorization == "" {
			s.header.Del("Authorization")
		}
		res := w.call(s.request(o))
		assert.Equal(t, http.StatusUnauthorized, res.Code, "%q: %s", authorization, res.Body)
		assert.NotEmpty(t, res.Header().Get("WWW-Authenticate"), authorization)
		d.hold(t, o, res, "the token "+authorization)
	}
	s := w.sample(o)
	if s.header.Get("Authorization") == w.administrator.Get("Authorization") {
		s.header = w.anybody.Clone()
		res := w.call(s.request(o))
		assert.Equal(t, http.StatusForbidden, res.Code, "%s", res.Body)
		assert.Contains(t, res.Header().Get("WWW-Authenticate"), `error="insufficient_scope"`)
		d.hold(t, o, res, "a token without the scope")
	}
}

func (d *described) holdParameters(t *testing.T, w *apiWorld, o operation) {
	t.Helper()
	list, _ := o.node["parameters"].([]any)
	for _, p := range list {
		p, _ := d.resolve(p.(object), "")
		name, in := p["name"].(string), p["in"]
		schema := p["schema"].(object)
		wrapper := object{"properties": object{name: schema}}
		if p["required"] == true && in != "path" {
			wrapper["required"] = []any{name}
		}
		if in == "path" && schema["pattern"] != nil {
			s := w.sample(o)
			s.path[name] = "none"
			d.refused(t, o, w.call(s.request(o)), nil, name)
		}
		d.broken(wrapper, func(_ []string, value any, codes []string) {
			s := w.sample(o)
			if s.basic {
				return
			}
			text, _ := value.(string)
			switch in {
			case "header":
				s.header.Del(name)
				if value != nil {
					s.header.Set(name, text)
				}
			case "query":
				s.query.Del(name)
				if value != nil {
					s.query.Set(name, text)
				}
			}
			if in != "path" && (value == nil || text != "") {
				d.refused(t, o, w.call(s.request(o)), codes, name+" is "+strconv.Quote(text))
			}
		})
	}
}

func (d *described) holdBody(t *testing.T, w *apiWorld, o operation) {
	t.Helper()
	if o.node["requestBody"] == nil {
		return
	}
	content := o.node["requestBody"].(object)["content"].(object)
	for media, node := range content {
		d.broken(node.(object)["schema"].(object), func(path []string, value any, codes []string) {
			s := w.sample(o)
			if s.basic {
				return
			}
			what := strings.Join(path, ".")
			if media == "application/json" {
				s.json = with(s.json, path, value)
			} else {
				text, _ := value.(string)
				s.form.Del(path[0])
				if value != nil && text == "" {
					return // a parameter without a value counts as not sent
				}
				if value != nil {
					s.form.Set(path[0], text)
				}
			}
			shown, _ := json.Marshal(value)
			d.refused(t, o, w.call(s.request(o)), codes, what+" is "+string(shown[:min(len(shown), 60)]))
		})
	}
}

func (d *described) holdTransport(t *testing.T, w *apiWorld, o operation) {
	t.Helper()
	item := d.root["paths"].(object)[o.path].(object)
	if item["delete"] == nil && !strings.HasSuffix(o.path, "/") { // pages find out first whether they are there
		s := w.sample(o)
		wrong := o
		wrong.method = http.MethodDelete
		res := w.call(s.request(wrong))
		assert.Equal(t, http.StatusMethodNotAllowed, res.Code, "%s", res.Body)
		d.hold(t, o, res, "a wrong method")
	}
	s := w.sample(o)
	if s.basic || s.json == nil && s.form == nil {
		return
	}
	if s.json != nil {
		s := w.sample(o)
		s.json = with(s.json, []string{"request", "unheard-of"}, "x")
		d.refused(t, o, w.call(s.request(o)), []string{"unknown_error"}, "a member that is not described")
	}
	r := s.request(o)
	r.Header.Set("Content-Type", "text/csv")
	res := w.call(r)
	assert.Equal(t, http.StatusUnsupportedMediaType, res.Code, "%s", res.Body)
	d.hold(t, o, res, "a wrong type of content")
	if s.form != nil {
		s.form.Set("state", strings.Repeat("x", 200<<10))
		res = w.call(s.request(o))
		assert.Equal(t, http.StatusRequestEntityTooLarge, res.Code, "%s", res.Body)
	} else {
		s.json["request"] = strings.Repeat("x", 200<<10)
		res = w.call(s.request(o))
		assert.Equal(t, "unknown_error", codeOf(res))
	}
	d.hold(t, o, res, "too much")
}

// hashOf is what pages send back of the answer.
func hashOf(response json.RawMessage) string {
	sum := sha256.Sum256(response)
	return base64.RawURLEncoding.EncodeToString(sum[:])
}
