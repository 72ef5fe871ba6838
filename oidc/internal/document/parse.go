package document

import (
	"errors"
	"unicode/utf8"
)

// What is wrong with a document.
var (
	ErrSyntax    = errors.New("it is not JSON")
	ErrDepth     = errors.New("it is nested too deeply")
	ErrDuplicate = errors.New("an object has two members of one name")
	ErrEncoding  = errors.New("it is not UTF-8")
)

// manyMembers is from where on a map finds a second member of one name sooner than a search.
const manyMembers = 12

// Parse reads text that is exactly one JSON value of at most so many objects and arrays inside each other. It refuses
// objects with two members of one name, of which readers would choose differently.
func Parse(text string, depth int) (*Value, error) {
	if !utf8.ValidString(text) {
		return nil, ErrEncoding
	}
	p := parser{text: text, depth: depth, open: make([]Value, 0, min(64, len(text)/16))}
	v, err := p.value()
	if err != nil {
		return nil, err
	}
	if p.space(); p.at != len(text) {
		return nil, ErrSyntax
	}
	return &v, nil
}

type parser struct {
	text  string
	at    int
	depth int
	// open are the children of the objects and arrays that are not closed yet, free is room for those of closed ones.
	open, free []Value
}

// peek returns the next byte, or 0, which begins nothing in JSON.
func (p *parser) peek() byte {
	if p.at < len(p.text) {
		return p.text[p.at]
	}
	return 0
}

func (p *parser) space() {
	for p.at < len(p.text) {
		switch p.text[p.at] {
		case ' ', '\t', '\n', '\r':
			p.at++
		default:
			return
		}
	}
}

// took passes the byte if it is next.
func (p *parser) took(c byte) bool {
	if p.peek() != c {
		return false
	}
	p.at++
	return true
}

func (p *parser) value() (v Value, err error) {
	p.space()
	start := p.at
	switch c := p.peek(); {
	case c == '{':
		v.Kind = Object
		v.Children, err = p.children('}')
	case c == '[':
		v.Kind = Array
		v.Children, err = p.children(']')
	case c == '"':
		v.Kind = String
		err = p.string()
	case c == '-' || c >= '0' && c <= '9':
		v.Kind = Number
		err = p.number()
	case c == 'n':
		err = p.literal("null")
	case c == 't':
		v.Kind = Bool
		err = p.literal("true")
	case c == 'f':
		v.Kind = Bool
		err = p.literal("false")
	default:
		err = ErrSyntax
	}
	if err != nil {
		return Value{}, err
	}
	v.Raw = p.text[start:p.at]
	return v, nil
}

func (p *parser) children(end byte) ([]Value, error) {
	if p.depth == 0 {
		return nil, ErrDepth
	}
	p.depth--
	p.at++
	first := len(p.open)
	for more := p.begins(end); more; {
		var name string
		var err error
		if end == '}' {
			if name, err = p.name(); err != nil {
				return nil, err
			}
		}
		v, err := p.value()
		if err != nil {
			return nil, err
		}
		v.Name = name
		p.open = append(p.open, v)
		if more, err = p.goesOn(end); err != nil {
			return nil, err
		}
	}
	p.depth++
	children := p.keep(p.open[first:])
	p.open = p.open[:first]
	if end == '}' && hasDuplicates(children) {
		return nil, ErrDuplicate
	}
	return children, nil
}

// name passes the name of a member, and what parts it from the value.
func (p *parser) name() (string, error) {
	p.space()
	start := p.at
	if p.peek() != '"' {
		return "", ErrSyntax
	}
	if err := p.string(); err != nil {
		return "", err
	}
	name := unquote(p.text[start:p.at])
	if p.space(); !p.took(':') {
		return "", ErrSyntax
	}
	return name, nil
}

// keep copies children to where they stay, many small objects in one piece of memory.
func (p *parser) keep(children []Value) []Value {
	n := len(children)
	if n == 0 {
		return nil
	}
	if n > len(p.free) {
		p.free = make([]Value, max(n, min(128, (len(p.text)-p.at)/8+n)))
	}
	kept := p.free[:n:n]
	p.free = p.free[n:]
	copy(kept, children)
	return kept
}

// begins says whether there is anything before the end.
func (p *parser) begins(end byte) bool {
	p.space()
	return !p.took(end)
}

// goesOn says whether there is more before the end.
func (p *parser) goesOn(end byte) (bool, error) {
	p.space()
	if p.took(',') {
		return true, nil
	}
	if p.took(end) {
		return false, nil
	}
	return false, ErrSyntax
}

func (p *parser) string() error {
	p.at++
	for p.at < len(p.text) {
		c := p.text[p.at]
		p.at++
		switch {
		case c > '\\' || c > '"' && c < '\\':
		case c == '"':
			return nil
		case c < ' ':
			return ErrSyntax
		case c == '\\':
			if err := p.escape(); err != nil {
				return err
			}
		}
	}
	return ErrSyntax
}

func (p *parser) escape() error {
	c := p.peek()
	p.at++
	switch c {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return nil
	case 'u':
		for range 4 {
			if !isHex(p.peek()) {
				return ErrSyntax
			}
			p.at++
		}
		return nil
	}
	return ErrSyntax
}

func isHex(c byte) bool { return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F' }

func (p *parser) number() error {
	p.took('-')
	if !p.took('0') && !p.digits() {
		return ErrSyntax
	}
	if p.took('.') && !p.digits() {
		return ErrSyntax
	}
	if p.took('e') || p.took('E') {
		if !p.took('+') {
			p.took('-')
		}
		if !p.digits() {
			return ErrSyntax
		}
	}
	return nil
}

// digits passes digits, and says whether there is one.
func (p *parser) digits() bool {
	start := p.at
	for c := p.peek(); c >= '0' && c <= '9'; c = p.peek() {
		p.at++
	}
	return p.at > start
}

func (p *parser) literal(s string) error {
	if len(p.text)-p.at < len(s) || p.text[p.at:p.at+len(s)] != s {
		return ErrSyntax
	}
	p.at += len(s)
	return nil
}

func hasDuplicates(members []Value) bool {
	if len(members) > manyMembers {
		names := make(map[string]struct{}, len(members))
		for i := range members {
			names[members[i].Name] = struct{}{}
		}
		return len(names) < len(members)
	}
	for i := range members {
		for j := range i {
			if members[i].Name == members[j].Name {
				return true
			}
		}
	}
	return false
}
