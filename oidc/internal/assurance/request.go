package assurance

import (
	"errors"
	"slices"
	"strconv"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/gosignet/signet/oidc/internal/document"
)

// Bounds of a request.
const (
	maxEntries = 20  // of a list
	maxValues  = 100 // of values
	maxAge     = 200 * 365 * 24 * 60 * 60
)

// Request is what a client asks to be told about a verification, and what it must have been like.
type Request struct{ root *document.Value }

// NewRequest reads a requested verification element, or says what is wrong with it.
func NewRequest(v *document.Value) (Request, error) {
	if v.Kind != document.Object {
		return Request{}, errors.New("verification is not an object")
	}
	if v.Member("trust_framework") == nil {
		return Request{}, errors.New("verification lacks trust_framework")
	}
	if err := checkObject("", v); err != nil {
		return Request{}, err
	}
	return Request{root: v}, nil
}

// TrustFrameworks are those of which the verification must have one, or nil if any will do.
func (r Request) TrustFrameworks() []string {
	framework := r.root.Member("trust_framework")
	var names []string
	if value := framework.Member("value"); value != nil {
		if s, ok := value.Text(); ok {
			names = append(names, s)
		}
	} else if values := framework.Member("values"); values != nil {
		for i := range values.Children {
			if s, ok := values.Children[i].Text(); ok {
				names = append(names, s)
			}
		}
	}
	return names
}

// Evidence says whether the request asks for evidence, such as the number of a document.
func (r Request) Evidence() bool { return r.root.Member("evidence") != nil }

// check refuses a requested element that the specification's schema does not allow. What the schema leaves open passes:
// a constraint that nobody knows is one that is never met.
func check(parent, name string, v *document.Value) error {
	form := formOf(parent, name)
	switch {
	case form == list && v.Kind == document.Null && name == "assurance_details":
		return nil
	case form == list:
		return checkList(name, v)
	case form == group && v.Kind != document.Object:
		return errors.New("a group of elements in verification is not an object")
	case v.Kind == document.Object:
		return checkObject(name, v)
	case v.Kind == document.Null, form == custom:
		return nil
	}
	return errors.New("an element of verification is neither null nor an object")
}

func checkList(name string, v *document.Value) error {
	if v.Kind != document.Array || len(v.Children) == 0 || len(v.Children) > maxEntries {
		return errors.New("a list in verification is no array, empty or too long")
	}
	for i := range v.Children {
		entry := &v.Children[i]
		if entry.Kind != document.Object {
			return errors.New("an entry of a list in verification is not an object")
		}
		if name == "evidence" {
			if kind := entry.Member("type"); kind.Member("value") == nil || kind.Member("value").Kind != document.String {
				return errors.New("an entry of evidence does not name its type")
			}
		}
		if err := checkObject(name, entry); err != nil {
			return err
		}
	}
	return nil
}

func checkObject(name string, v *document.Value) error {
	value, values := v.Member("value"), v.Member("values")
	if value != nil && values != nil {
		return errors.New("an element has both value and values")
	}
	if values != nil && (values.Kind != document.Array || len(values.Children) == 0 || len(values.Children) > maxValues) {
		return errors.New("values is no array, empty or too long")
	}
	for i := range v.Children {
		m := &v.Children[i]
		var err error
		switch m.Name {
		case "value", "values":
		case "essential":
			if m.Kind != document.Bool {
				err = errors.New("essential is not a boolean")
			}
		case "purpose":
			_, err = Purpose(m)
		case "max_age":
			_, err = age(m)
		default:
			err = check(name, m.Name, m)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// age reads a max_age.
func age(v *document.Value) (time.Duration, error) {
	seconds, err := strconv.ParseUint(v.Raw, 10, 64)
	if errors.Is(err, strconv.ErrRange) {
		err, seconds = nil, maxAge
	}
	if err != nil {
		return 0, errors.New("max_age is not a non-negative integer")
	}
	return time.Duration(min(seconds, maxAge)) * time.Second, nil
}

// Purpose reads why a client asks: 3 to 300 characters, that a page can show as they are.
func Purpose(v *document.Value) (string, error) {
	s, ok := v.Text()
	if n := utf8.RuneCountInString(s); !ok || n < 3 || n > 300 || slices.ContainsFunc([]rune(s), misleads) {
		return "", errors.New("a purpose is not a text of 3 to 300 characters")
	}
	return s, nil
}

// misleads finds what is not shown, and what makes the text around it run the other way.
func misleads(c rune) bool {
	return unicode.IsControl(c) || c >= '\u202a' && c <= '\u202e' || c >= '\u2066' && c <= '\u2069'
}
