package esignet

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// stringify writes a JSON value again, in the bytes of JSON.stringify(JSON.parse(value)). Where a browser would change the
// order of members, it is an error.
func stringify(data []byte) (json.RawMessage, error) {
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	var b bytes.Buffer
	if err := stringifyValue(&b, d); err != nil {
		return nil, err
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, errors.New("more than one value")
	}
	return b.Bytes(), nil
}

func stringifyValue(b *bytes.Buffer, d *json.Decoder) error {
	token, err := d.Token()
	if err != nil {
		return err
	}
	switch t := token.(type) {
	case json.Delim:
		return stringifyAll(b, d, byte(t))
	case string:
		quote(b, t)
	case json.Number:
		f, err := t.Float64()
		if err != nil {
			return err
		}
		if f == 0 {
			f = 0 // JSON.stringify has no -0
		}
		number, err := json.Marshal(f)
		if err != nil {
			return err
		}
		b.Write(number)
	case bool:
		b.WriteString(strconv.FormatBool(t))
	case nil:
		b.WriteString("null")
	}
	return nil
}

// stringifyAll writes the elements of an array, or the members of an object.
func stringifyAll(b *bytes.Buffer, d *json.Decoder, open byte) error {
	b.WriteByte(open)
	seen := map[string]bool{}
	for first := true; d.More(); first = false {
		if !first {
			b.WriteByte(',')
		}
		if open == '{' {
			token, err := d.Token()
			if err != nil {
				return err
			}
			name, _ := token.(string)
			if isIndex(name) || seen[name] {
				return fmt.Errorf("the member %q would not keep its place in a browser", name)
			}
			seen[name] = true
			quote(b, name)
			b.WriteByte(':')
		}
		if err := stringifyValue(b, d); err != nil {
			return err
		}
	}
	_, err := d.Token()
	b.WriteByte(open + 2) // '[' to ']', '{' to '}'
	return err
}

// isIndex reports whether a name is one that JavaScript sorts before all others.
func isIndex(name string) bool {
	n, err := strconv.ParseUint(name, 10, 32)
	return err == nil && strconv.FormatUint(n, 10) == name && n < 1<<32-1
}

// quote writes a string as JSON.stringify does: it escapes what JSON demands, and nothing else.
func quote(b *bytes.Buffer, s string) {
	const short = "\b\t\n\f\r"
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case strings.ContainsRune(short, r):
			b.WriteByte('\\')
			b.WriteByte("btnfr"[strings.IndexRune(short, r)])
		case r < ' ':
			fmt.Fprintf(b, `\u%04x`, r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
}
