package sunbird

import (
	"encoding/json"
	"errors"
	"io"
	"strings"
)

const maxResponse = 16 << 10

var errResponse = errors.New("sunbird: the response is not a JSON object of texts by name, each name once")

// parseResponse reads the person's response to the form. It is stricter than encoding/json: a name that is there twice
// would mean different things to different readers.
func parseResponse(response string) (map[string]string, error) {
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
