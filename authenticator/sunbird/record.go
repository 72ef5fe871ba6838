package sunbird

import (
	"encoding/json"
	"errors"
	"slices"
	"unicode/utf8"

	"github.com/gosignet/signet/authenticator/internal/knowledge"
)

const maxRecordID = 256

// searchRequest is the body of a search.
type searchRequest struct {
	Offset  int               `json:"offset"`
	Limit   int               `json:"limit"`
	Filters map[string]filter `json:"filters"`
}

type filter struct {
	Eq string `json:"eq"`
}

// record is an entity of the registry: its fields by name.
type record map[string]json.RawMessage

var (
	errSearchAnswer = errors.New("sunbird: the registry's answer to a search is not a JSON array of objects")
	errRecord       = errors.New("sunbird: the registry's record is not a JSON object")
	errRecordID     = errors.New("sunbird: the registry's record has no id, or an ill-formed one")
)

// parseSearch reads the answer to a search. No error of this file repeats what the registry said.
func parseSearch(body []byte) ([]record, error) {
	var records []record
	if !utf8.Valid(body) || json.Unmarshal(body, &records) != nil || records == nil {
		return nil, errSearchAnswer
	}
	if slices.ContainsFunc(records, func(r record) bool { return r == nil }) {
		return nil, errSearchAnswer
	}
	return records, nil
}

// parseRecord reads a record that was asked for by its id.
func parseRecord(body []byte) (record, error) {
	var r record
	if !utf8.Valid(body) || json.Unmarshal(body, &r) != nil || r == nil {
		return nil, errRecord
	}
	return r, nil
}

// id returns the record's id, which is fit to be put into a path.
func (r record) id(field string) (string, error) {
	var id string
	if json.Unmarshal(r[field], &id) != nil || !validRecordID(id) {
		return "", errRecordID
	}
	return id, nil
}

func validRecordID(id string) bool {
	for i := range len(id) {
		if !knowledge.ValidName(id[i:i+1]) && id[i] != '.' && id[i] != ':' {
			return false
		}
	}
	return id != "" && id != "." && id != ".." && len(id) <= maxRecordID
}
