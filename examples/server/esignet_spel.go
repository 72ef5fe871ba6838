package main

import (
	"encoding/json"
	"errors"
	"strings"
)

// errLiteral says nothing of what there is, which may be a secret.
var errLiteral = errors.New("is no map like {'sbi.env': 'Developer'}")

// spel reads the literals of Spring's expression language in which eSignet writes maps into properties: {'a': 1}, {1, 2},
// {}, 'text', numbers, true, false and null. Values are as encoding/json has them, and a number is a json.Number.
type spel struct {
	rest  string
	depth int
}

func parseSpEL(text string) (any, error) {
	s := &spel{rest: text}
	value, err := s.value()
	if err != nil || s.peek() != 0 {
		return nil, errLiteral
	}
	return value, nil
}

// peek is the next character that is no space, or 0.
func (s *spel) peek() byte {
	s.rest = strings.TrimLeft(s.rest, " \t\r\n")
	if s.rest == "" {
		return 0
	}
	return s.rest[0]
}

// take goes past the character, if it is next.
func (s *spel) take(c byte) bool {
	if s.peek() != c {
		return false
	}
	s.rest = s.rest[1:]
	return true
}

func (s *spel) value() (any, error) {
	switch c := s.peek(); c {
	case '{':
		return s.braces()
	case '\'', '"':
		return s.text(c)
	}
	end := strings.IndexAny(s.rest, ",:{}'\" \t\r\n")
	if end < 0 {
		end = len(s.rest)
	}
	word := s.rest[:end]
	s.rest = s.rest[end:]
	switch word {
	case "true", "false":
		return word == "true", nil
	case "null":
		return nil, nil
	}
	var n json.Number
	if json.Unmarshal([]byte(word), &n) != nil {
		return nil, errLiteral
	}
	return n, nil
}

// text reads a text, in which its quotation mark stands twice.
func (s *spel) text(quote byte) (string, error) {
	var b strings.Builder
	for s.rest = s.rest[1:]; ; {
		before, after, found := strings.Cut(s.rest, string(quote))
		if !found {
			return "", errLiteral
		}
		b.WriteString(before)
		if s.rest = after; after == "" || after[0] != quote {
			return b.String(), nil
		}
		b.WriteByte(quote)
		s.rest = after[1:]
	}
}

// braces reads a map, or a list, which have the same. Braces around nothing are a list.
func (s *spel) braces() (any, error) {
	const deepest = 16
	if s.depth++; s.depth > deepest {
		return nil, errLiteral
	}
	defer func() { s.depth-- }()
	list, members := []any{}, map[string]any{}
	for s.take('{'); !s.take('}'); {
		value, err := s.value()
		if err != nil {
			return nil, err
		}
		name, isText := value.(string)
		if s.take(':') {
			if _, twice := members[name]; twice || !isText {
				return nil, errLiteral
			}
			if members[name], err = s.value(); err != nil {
				return nil, err
			}
		} else {
			list = append(list, value)
		}
		if !s.take(',') && s.peek() != '}' {
			return nil, errLiteral
		}
	}
	switch {
	case len(members) == 0:
		return list, nil
	case len(list) > 0:
		return nil, errLiteral
	}
	return members, nil
}
