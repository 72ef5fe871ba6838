package signet_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"maps"
	"mime"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/openapi"
)

type object = map[string]any

// operation is one of the description, resolved.
type operation struct {
	id, method, path string
	node             object
}

// described is the description and what compiles its schemas.
type described struct {
	testing.TB
	root     object
	compiler *jsonschema.Compiler
}

func newDescribed(t testing.TB) *described {
	t.Helper()
	d := &described{TB: t, compiler: jsonschema.NewCompiler()}
	require.NoError(t, json.Unmarshal(openapi.Document(), &d.root))
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(openapi.Document()))
	require.NoError(t, err)
	d.compiler.DefaultDraft(jsonschema.Draft2020)
	require.NoError(t, d.compiler.AddResource("openapi.json", doc))
	return d
}

// resolve follows a reference, and returns where the node is.
func (d *described) resolve(node object, at string) (object, string) {
	ref, ok := node["$ref"].(string)
	if !ok {
		return node, at
	}
	at = ref
	node = d.root
	for name := range strings.SplitSeq(strings.TrimPrefix(ref, "#/"), "/") {
		node = node[name].(object)
	}
	return d.resolve(node, at)
}

func pointer(name string) string { return strings.NewReplacer("~", "~0", "/", "~1").Replace(name) }

func (d *described) operations() []operation {
	var all []operation
	paths := d.root["paths"].(object)
	for _, path := range slices.Sorted(maps.Keys(paths)) {
		for method, node := range paths[path].(object) {
			all = append(all, operation{node.(object)["operationId"].(string), strings.ToUpper(method), path, node.(object)})
		}
	}
	return all
}

// hold checks that an answer is one that is described.
func (d *described) hold(t *testing.T, o operation, res *httptest.ResponseRecorder, what string) {
	t.Helper()
	responses := o.node["responses"].(object)
	status := strconv.Itoa(res.Code)
	response, ok := responses[status].(object)
	require.True(t, ok, "%s: the status %s is not described: %s", what, status, res.Body)
	require.Less(t, res.Code, 500, "%s: %s", what, res.Body)
	response, at := d.resolve(response, "#/paths/"+pointer(o.path)+"/"+strings.ToLower(o.method)+"/responses/"+status)
	content, ok := response["content"].(object)
	if !ok || res.Body.Len() == 0 {
		return
	}
	media, _, err := mime.ParseMediaType(res.Header().Get("Content-Type"))
	require.NoError(t, err, what)
	require.Contains(t, content, media, what)
	if !strings.HasSuffix(media, "json") {
		return
	}
	schema, err := d.compiler.Compile("openapi.json" + at + "/content/" + pointer(media) + "/schema")
	require.NoError(t, err)
	body, err := jsonschema.UnmarshalJSON(bytes.NewReader(res.Body.Bytes()))
	require.NoError(t, err, what)
	assert.NoError(t, schema.Validate(body), "%s: %s", what, res.Body)
}

// codeOf is the error of an answer, in whichever of the forms.
func codeOf(res *httptest.ResponseRecorder) string {
	var body struct {
		Error  string
		Errors []struct{ ErrorCode string }
	}
	_ = json.Unmarshal(res.Body.Bytes(), &body)
	if len(body.Errors) > 0 {
		return body.Errors[0].ErrorCode
	}
	if location, err := url.Parse(res.Header().Get("Location")); err == nil && location.Query().Has("error") {
		return location.Query().Get("error")
	}
	return body.Error
}

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

// repeated stands for an array with its first element so many times.
type repeated int

// breakages are values that break a schema, by the keyword.
func (d *described) breakages(schema object) []any {
	var all []any
	for keyword, v := range schema {
		switch keyword {
		case "enum", "const":
			all = append(all, "no such value")
		case "pattern":
			all = append(all, " ")
		case "minLength":
			all = append(all, "")
		case "maxLength":
			all = append(all, strings.Repeat("x", int(v.(float64))+1))
		case "minItems":
			all = append(all, []any{})
		case "maxItems":
			all = append(all, repeated(v.(float64))+1)
		case "type":
			if v == "integer" || v == "array" || v == "object" {
				all = append(all, "no such thing")
			}
		}
	}
	return all
}

// first is the name of an array's first element in paths.
const first = "0"

func isText(schema object) bool { return schema["type"] == "string" }

// broken calls f for each way in which a member can be wrong: left out, if it is required, and each keyword of its schema
// broken. The value nil stands for left out.
func (d *described) broken(schema object, f func(path []string, value any, codes []string)) {
	d.brokenIn(schema, nil, f)
}

func (d *described) brokenIn(schema object, at []string, f func([]string, any, []string)) {
	schema, _ = d.resolve(schema, "")
	required, _ := schema["required"].([]any)
	properties, _ := schema["properties"].(object)
	for _, name := range slices.Sorted(maps.Keys(properties)) {
		member, _ := d.resolve(properties[name].(object), "")
		path := append(slices.Clone(at), name)
		var codes []string
		named, _ := member["x-error"].([]any)
		for _, code := range named {
			codes = append(codes, code.(string))
		}
		if slices.Contains(required, any(name)) {
			f(path, nil, codes)
		}
		if items, ok := member["items"].(object); ok {
			d.brokenIn(object{"properties": object{first: items}}, path, f)
		}
		if len(codes) == 0 {
			continue
		}
		for _, bad := range d.breakages(member) {
			_, text := bad.(string)
			if text && !isText(member) { // the kind of value is wrong: it cannot be read
				f(path, bad, append(slices.Clone(codes), "unknown_error"))
				continue
			}
			f(path, bad, codes)
		}
		d.brokenIn(member, path, f)
	}
}

// with returns the value with the member at the path changed, or left out if it is nil.
func with(value object, path []string, to any) object {
	value = maps.Clone(value)
	if len(path) > 1 && path[1] == first {
		list, _ := value[path[0]].([]any)
		element := object{first: "x"}
		if len(list) > 0 {
			element[first] = list[0]
		}
		value[path[0]] = []any{with(element, path[1:], to)[first]}
		return value
	}
	if n, ok := to.(repeated); ok && len(path) == 1 {
		list, _ := value[path[0]].([]any)
		value[path[0]] = slices.Repeat(append(list, "x")[:1], int(n))
		return value
	}
	if len(path) > 1 {
		inner, ok := value[path[0]].(object)
		if !ok {
			inner = object{}
		}
		value[path[0]] = with(inner, path[1:], to)
		return value
	}
	if to == nil {
		delete(value, path[0])
	} else {
		value[path[0]] = to
	}
	return value
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

// holdAuthorization sends no access token, and a wrong one, where one is needed.
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
