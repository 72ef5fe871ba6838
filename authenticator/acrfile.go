package authenticator

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"
)

// maxACRFile bounds a file of ACRs, in bytes.
const maxACRFile = 256 << 10

// esignetFactors are the factors that eSignet names in another way. All others are the same in lower case.
var esignetFactors = map[string]Factor{"KBI": Knowledge}

// ParseACRs reads the ACRs of a deployment from a JSON file of at most 256 KiB, in one of two formats. Ours names the
// factors of each alternative:
//
//	{"acrs": [{"value": "urn:example:loa:2", "alternatives": [["otp"], ["pwd", "pop"]]}]}
//
// eSignet's mapping file names sets of factors, and the sets that reach each ACR:
//
//	{"amr": {"OTP": [{"type": "OTP"}]}, "acr_amr": {"mosip:idp:acr:generated-code": ["OTP"]}}
//
// Its types are our factors of the same meaning (KBI is [Knowledge]), or factors of the deployment's own in lower case.
// What else it says of a factor, such as the number of fingers, is left out, and sets that are then equal are one. A name
// in acr_amr that is not in amr is passed over, as eSignet does.
//
// The order is that of the file. The error names everything that is wrong: ill-formed or repeated names, ACRs that
// nothing reaches, sets that are empty or repeated. Whether the factors are supported is up to [ACRs.Validate].
func ParseACRs(data []byte) (ACRs, error) {
	if len(data) > maxACRFile {
		return nil, fmt.Errorf("authenticator: file of ACRs: more than %d bytes", maxACRFile)
	}
	if !utf8.Valid(data) {
		return nil, errors.New("authenticator: file of ACRs: not UTF-8")
	}
	file, err := readObject(data)
	if err != nil {
		return nil, fmt.Errorf("authenticator: file of ACRs: %w", err)
	}
	p := new(acrParser)
	var acrs ACRs
	switch ours, mapping := file.has("acrs"), file.has("amr") || file.has("acr_amr"); {
	case ours && mapping:
		return nil, errors.New("authenticator: file of ACRs: both \"acrs\" and eSignet's \"amr\" or \"acr_amr\" are there")
	case ours:
		acrs = p.ours(file)
	case mapping:
		acrs = p.esignet(file)
	default:
		return nil, errors.New("authenticator: file of ACRs: neither \"acrs\" nor eSignet's \"acr_amr\" is there")
	}
	if err := errors.Join(errors.Join(p.problems...), acrs.Validate(acrs.factors())); err != nil {
		return nil, err
	}
	return acrs, nil
}

// factors returns those of all sets, each once.
func (a ACRs) factors() []Factor {
	var all []Factor
	for _, alternative := range a.Alternatives() {
		for _, f := range alternative.Factors {
			if !slices.Contains(all, f) {
				all = append(all, f)
			}
		}
	}
	return all
}

// acrParser collects problems with the form of the file. Those with what it means are found by Validate.
type acrParser struct{ problems []error }

func (p *acrParser) problem(format string, args ...any) {
	p.problems = append(p.problems, fmt.Errorf("authenticator: file of ACRs: "+format, args...))
}

func (p *acrParser) ours(file object) ACRs {
	p.only(file, "the file", "acrs")
	var entries []json.RawMessage
	if json.Unmarshal(file.get("acrs"), &entries) != nil {
		p.problem("\"acrs\" is not an array")
	}
	acrs := make(ACRs, 0, len(entries))
	for i, raw := range entries {
		entry, err := readObject(raw)
		if err != nil {
			p.problem("ACR %d: %w", i+1, err)
			continue
		}
		var acr ACR
		if value, ok := readText(entry.get("value")); ok {
			acr.Value = value
		} else {
			p.problem("ACR %d: \"value\" is not a text", i+1)
		}
		p.only(entry, fmt.Sprintf("ACR %q", acr.Value), "value", "alternatives")
		if raw := entry.get("alternatives"); raw != nil && json.Unmarshal(raw, &acr.Alternatives) != nil {
			p.problem("ACR %q: \"alternatives\" is not an array of arrays of factors", acr.Value)
		}
		acrs = append(acrs, acr)
	}
	return acrs
}

func (p *acrParser) esignet(file object) ACRs {
	sets := p.esignetSets(file.get("amr"))
	mapping, err := readObject(file.get("acr_amr"))
	if err != nil {
		p.problem("\"acr_amr\": %w", err)
	}
	acrs := make(ACRs, 0, len(mapping))
	for _, m := range mapping {
		acr := ACR{Value: m.name}
		var names []json.RawMessage
		if json.Unmarshal(m.value, &names) != nil {
			p.problem("ACR %q: not an array of names", m.name)
		}
		var seen []string
		for _, raw := range names {
			name, ok := readText(raw)
			if !ok {
				p.problem("ACR %q: not an array of names", m.name)
				continue
			}
			if slices.Contains(seen, name) {
				p.problem("ACR %q: %q is there twice", m.name, name)
			}
			seen = append(seen, name)
			set, ok := sets[name]
			if ok && !slices.ContainsFunc(acr.Alternatives, set.Equal) {
				acr.Alternatives = append(acr.Alternatives, set)
			}
		}
		acrs = append(acrs, acr)
	}
	return acrs
}

// esignetSets returns the sets by their names.
func (p *acrParser) esignetSets(raw json.RawMessage) map[string]FactorSet {
	members, err := readObject(raw)
	if err != nil {
		p.problem("\"amr\": %w", err)
	}
	sets := make(map[string]FactorSet, len(members))
	for _, m := range members {
		var factors []json.RawMessage
		if json.Unmarshal(m.value, &factors) != nil || len(factors) == 0 {
			p.problem("amr %q: not an array of factors, or an empty one", m.name)
		}
		var set FactorSet
		for _, raw := range factors {
			factor, err := readObject(raw)
			if err != nil {
				p.problem("amr %q: %w", m.name, err)
				continue
			}
			name, ok := readText(factor.get("type"))
			f, known := esignetFactors[name]
			if !known {
				f = Factor(strings.ToLower(name))
			}
			switch {
			case !ok || !validName(string(f)):
				p.problem("amr %q: type %q: not 1 to %d letters, digits, '_' and '-'", m.name, name, maxNameBytes)
			case !slices.Contains(set, f):
				set = append(set, f)
			}
		}
		sets[m.name] = set
	}
	return sets
}

// only reports members that are not known.
func (p *acrParser) only(o object, where string, names ...string) {
	for _, m := range o {
		if !slices.Contains(names, m.name) {
			p.problem("%s: member %q is not known", where, m.name)
		}
	}
}

// object is a JSON object whose members are in the order of the file.
type object []member

type member struct {
	name  string
	value json.RawMessage
}

// readObject is stricter than encoding/json: a name that is there twice would mean different things to different readers.
func readObject(data []byte) (object, error) {
	errNoObject := errors.New("not a JSON object")
	d := json.NewDecoder(bytes.NewReader(data))
	if start, err := d.Token(); err != nil || start != json.Delim('{') {
		return nil, errNoObject
	}
	var o object
	for d.More() {
		token, err := d.Token()
		if err != nil {
			return nil, errNoObject
		}
		m := member{name: token.(string)}
		if err := d.Decode(&m.value); err != nil {
			return nil, errNoObject
		}
		if o.has(m.name) {
			return nil, fmt.Errorf("%q is there twice", m.name)
		}
		o = append(o, m)
	}
	if _, err := d.Token(); err != nil { // the closing brace
		return nil, errNoObject
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errNoObject
	}
	return o, nil
}

func (o object) has(name string) bool { return o.get(name) != nil }

// get returns the value of a member, or nil.
func (o object) get(name string) json.RawMessage {
	i := slices.IndexFunc(o, func(m member) bool { return m.name == name })
	if i < 0 {
		return nil
	}
	return o[i].value
}

func readText(raw json.RawMessage) (string, bool) {
	var text *string
	if json.Unmarshal(raw, &text) != nil || text == nil {
		return "", false
	}
	return *text, true
}
