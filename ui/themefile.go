package ui

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// maxThemeBytes bounds the file of a theme, most of which is the logo.
const maxThemeBytes = 512 << 10

// ParseTheme reads a theme from JSON: an object with the members names, logo, light, dark, scheme, radius, fonts and
// fontFaces, each of which may be left out. light and dark have the members of [Colors], and fontFaces are objects with those
// of [FontFace]. It returns all that is wrong with the theme, as members that are unknown or there twice. Theme.Files is
// left to the caller.
func ParseTheme(data []byte) (Theme, error) {
	if len(data) > maxThemeBytes {
		return Theme{}, fmt.Errorf("ui: the theme has more than %d bytes", maxThemeBytes)
	}
	var t Theme
	var r themeReader
	r.object("", data, map[string]func(place string, value json.RawMessage){
		"names":  into(&r, &t.Names, "an object of texts"),
		"logo":   into(&r, &t.LogoURI, "a text"),
		"light":  r.colors(&t.Light),
		"dark":   r.colors(&t.Dark),
		"scheme": into(&r, &t.Scheme, "a text"),
		"radius": into(&r, &t.Radius, "a number"),
		"fonts":  into(&r, &t.Fonts, "an object of arrays of texts"),

		"fontFaces": r.faces(&t.Faces),
	})
	if err := errors.Join(append(r.errs, t.check()...)...); err != nil {
		return Theme{}, err
	}
	return t, nil
}

// themeReader gathers what is wrong with a theme's file.
type themeReader struct{ errs []error }

func (r *themeReader) problem(place, what string) {
	r.errs = append(r.errs, fmt.Errorf("ui: Theme: %s %s", place, what))
}

// object reads the members of an object. Names are compared exactly, which encoding/json does not do by itself.
func (r *themeReader) object(place string, data []byte, members map[string]func(place string, value json.RawMessage)) {
	wrong := func() { r.problem("the "+orWhole(place), "is not a JSON object") }
	decoder := json.NewDecoder(bytes.NewReader(data))
	if start, err := decoder.Token(); err != nil || start != json.Delim('{') {
		wrong()
		return
	}
	seen := map[string]bool{}
	for decoder.More() {
		name, err := decoder.Token()
		var value json.RawMessage
		if err == nil {
			err = decoder.Decode(&value)
		}
		if err != nil {
			wrong()
			return
		}
		key := name.(string) // JSON has no other names
		read, within := members[key], key
		if place != "" {
			within = place + "." + key
		}
		switch {
		case read == nil:
			r.problem(fmt.Sprintf("%.100q", within), "is not known")
		case seen[key]:
			r.problem(within, "is there twice")
		default:
			read(within, value)
		}
		seen[key] = true
	}
	if _, err := decoder.Token(); err != nil {
		wrong()
		return
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		wrong()
	}
}

func orWhole(place string) string {
	if place == "" {
		return "file"
	}
	return "member " + place
}

func (r *themeReader) colors(c *Colors) func(place string, value json.RawMessage) {
	members := map[string]func(place string, value json.RawMessage){}
	for _, token := range tokens {
		members[token.member] = into(r, token.of(c), "a text")
	}
	return func(place string, value json.RawMessage) { r.object(place, value, members) }
}

func (r *themeReader) faces(faces *[]FontFace) func(place string, value json.RawMessage) {
	return func(place string, value json.RawMessage) {
		var objects []json.RawMessage
		into(r, &objects, "an array")(place, value)
		for i, object := range objects {
			var f FontFace
			r.object(fmt.Sprintf("%s[%d]", place, i), object, map[string]func(place string, value json.RawMessage){
				"family":       into(r, &f.Family, "a text"),
				"file":         into(r, &f.File, "a text"),
				"weight":       into(r, &f.Weight, "a text"),
				"italic":       into(r, &f.Italic, "true or false"),
				"unicodeRange": into(r, &f.UnicodeRange, "a text"),
				"sizeAdjust":   into(r, &f.SizeAdjust, "a number"),
			})
			*faces = append(*faces, f)
		}
	}
}

// into reads a value of the target's type; null is none.
func into[T any](r *themeReader, target *T, kind string) func(place string, value json.RawMessage) {
	return func(place string, value json.RawMessage) {
		if err := json.Unmarshal(value, target); err != nil || string(value) == "null" {
			r.problem(place, "is not "+kind)
		}
	}
}
