package document

import (
	"errors"
	"sync"
	"unicode/utf8"
)

// What is wrong with a document.
var (
	ErrSyntax    = errors.New("it is not JSON")
	ErrDepth     = errors.New("it is nested too deeply")
	ErrDuplicate = errors.New("an object has two members of one name")
	ErrEncoding  = errors.New("it is not UTF-8")
	ErrLength    = errors.New("it is too long")
)

// maxLength is more than anything that is read here has.
const maxLength = 1 << 30

// manyMembers is from where on a map finds a second member of one name sooner than a search.
const manyMembers = 12

// Parse reads text that is exactly one JSON value of at most so many objects and arrays inside each other. It refuses
// objects with two members of one name, of which readers would choose differently.
func Parse(text string, depth int) (*Value, error) {
	if !utf8.ValidString(text) {
		return nil, ErrEncoding
	}
	if len(text) > maxLength {
		return nil, ErrLength
	}
	spans := spanPool.Get().(*[]span)
	p := parser{text: text, depth: depth, spans: (*spans)[:0]}
	defer func() {
		if *spans = p.spans; cap(p.spans) <= maxPooled {
			spanPool.Put(spans)
		}
	}()
	if err := p.value(span{}); err != nil {
		return nil, err
	}
	if p.space(); p.at != len(text) {
		return nil, ErrSyntax
	}
	p.room = make([]Value, len(p.spans))
	root := &p.take(1)[0]
	if !p.build(root, 0) {
		return nil, ErrDuplicate
	}
	return root, nil
}

// maxPooled is how many spans are kept for the next document; large documents are rare.
const maxPooled = 4096

// spanPool keeps the spans of one document for the next, for they are garbage as soon as the values are made.
var spanPool = sync.Pool{New: func() any { return new([]span) }}

// parser finds where the values are first, which needs no memory that holds pointers, and then makes them, each in its
// place.
type parser struct {
	text  string
	at    int
	depth int
	// spans are the values that were found, each before what is in it.
	spans []span
	// room is for the values that are still to be made.
	room []Value
}

// span is where a value and its name are in the text.
type span struct {
	name, nameEnd, start, end uint32
	children                  uint32 // how many
	next                      uint32 // the first span behind it that is not in it
	kind                      Kind
}

// build makes the value of a span, with all that is in it. It is false if an object has two members of one name.
func (p *parser) build(v *Value, at uint32) bool {
	s := &p.spans[at]
	v.Kind, v.Raw = s.kind, p.text[s.start:s.end]
	if s.name < s.nameEnd {
		v.Name = unquote(p.text[s.name:s.nameEnd])
	}
	if s.children == 0 {
		return true
	}
	v.Children = p.take(s.children)
	at++
	for i := range v.Children {
		if !p.build(&v.Children[i], at) {
			return false
		}
		at = p.spans[at].next
	}
	return s.kind != Object || !hasDuplicates(v.Children)
}

func (p *parser) take(n uint32) []Value {
	taken := p.room[:n:n]
	p.room = p.room[n:]
	return taken
}

func (p *parser) offset() uint32 { return uint32(p.at) }

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

// value passes a value, of which the span has the name.
func (p *parser) value(s span) (err error) {
	p.space()
	at := len(p.spans)
	s.start = p.offset()
	p.spans = append(p.spans, s)
	switch c := p.peek(); {
	case c == '{':
		s.kind = Object
		s.children, err = p.children('}')
	case c == '[':
		s.kind = Array
		s.children, err = p.children(']')
	case c == '"':
		s.kind = String
		err = p.string()
	case c == '-' || c >= '0' && c <= '9':
		s.kind = Number
		err = p.number()
	case c == 'n':
		err = p.literal("null")
	case c == 't':
		s.kind = Bool
		err = p.literal("true")
	case c == 'f':
		s.kind = Bool
		err = p.literal("false")
	default:
		err = ErrSyntax
	}
	s.end, s.next = p.offset(), uint32(len(p.spans))
	p.spans[at] = s
	return err
}

// children passes the values up to the end, and returns how many there are.
func (p *parser) children(end byte) (n uint32, err error) {
	if p.depth == 0 {
		return 0, ErrDepth
	}
	p.depth--
	p.at++
	for more := p.begins(end); more; n++ {
		var s span
		if end == '}' {
			if s, err = p.name(); err != nil {
				return 0, err
			}
		}
		if err = p.value(s); err != nil {
			return 0, err
		}
		if more, err = p.goesOn(end); err != nil {
			return 0, err
		}
	}
	p.depth++
	return n, nil
}

// name passes the name of a member, and what parts it from the value.
func (p *parser) name() (s span, err error) {
	p.space()
	s.name = p.offset()
	if p.peek() != '"' {
		return s, ErrSyntax
	}
	if err := p.string(); err != nil {
		return s, err
	}
	s.nameEnd = p.offset()
	if p.space(); !p.took(':') {
		return s, ErrSyntax
	}
	return s, nil
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
