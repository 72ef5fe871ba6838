package knowledge

import (
	"encoding/json"
	"errors"
	"io"
	"strings"
)

const maxResponse = 16 << 10

var errResponse = errors.New("the response is not a JSON object of texts by name, each name once")

// ParseResponse reads the response to a form: texts by the names of fields. A field that is answered in several languages
// has a list of them, and each text the name of the field, "#" and its language here. It is stricter than encoding/json: a
// name that is there twice would mean different things to different readers.
func ParseResponse(response string) (map[string]string, error) {
	if len(response) > maxResponse {
		return nil, errResponse
	}
	d := json.NewDecoder(strings.NewReader(response))
	if start, err := d.Token(); err != nil || start != json.Delim('{') {
		return nil, errResponse
	}
	texts := make(map[string]string)
	add := func(name, text string) bool {
		_, again := texts[name]
		texts[name] = text
		return !again
	}
	for d.More() {
		token, err := d.Token()
		if err != nil {
			return nil, errResponse
		}
		name, ok := token.(string)
		if !ok || strings.Contains(name, "#") {
			return nil, errResponse
		}
		var value json.RawMessage
		if d.Decode(&value) != nil || !addAnswer(name, value, add) {
			return nil, errResponse
		}
	}
	if _, err := d.Token(); err != nil { // the closing brace
		return nil, errResponse
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errResponse
	}
	return texts, nil
}

// addAnswer reports whether the answer is a text, or a list of texts by language, that can be added.
func addAnswer(name string, value json.RawMessage, add func(name, text string) bool) bool {
	var text *string
	if json.Unmarshal(value, &text) == nil {
		return text != nil && add(name, *text)
	}
	var list []struct{ Language, Value *string }
	if json.Unmarshal(value, &list) != nil {
		return false
	}
	for _, l := range list {
		if l.Language == nil || l.Value == nil || !ValidName(*l.Language) || !add(name+"#"+*l.Language, *l.Value) {
			return false
		}
	}
	return true
}
