package signet_test

import (
	"bytes"
	"encoding/json"
	"maps"
	"mime"
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
