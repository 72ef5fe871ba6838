package knowledge

import (
	"encoding/json"
	"errors"
	"io"
	"strings"
)

const maxResponse = 16 << 10

var errResponse = errors.New("the response is not a JSON object of texts by name, each name once")

// ParseResponse reads the response to a form: texts by the names of fields. It is stricter than encoding/json: a name that is there twice
// would mean different things to different readers.
func ParseResponse(response string) (map[string]string, error) {
	if len(response) > maxResponse {
		return nil, errResponse
	}
	d := json.NewDecoder(strings.NewReader(response))
	if start, err := d.Token(); err != nil || start != json.Delim('{') {
		return nil, errResponse
	}
	texts := make(map[string]string)
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return nil, errResponse
		}
		value, err := d.Token()
		if err != nil {
			return nil, errResponse
		}
		text, ok := value.(string)
		if _, again := texts[name.(string)]; again || !ok {
			return nil, errResponse
		}
		texts[name.(string)] = text
	}
	if _, err := d.Token(); err != nil { // the closing brace
		return nil, errResponse
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errResponse
	}
	return texts, nil
}
