package ui

import (
	"bytes"
	"encoding/binary"
	"encoding/xml"
	"errors"
	"fmt"
	"image"
	_ "image/gif"  // its header
	_ "image/jpeg" // its header
	_ "image/png"  // its header
	"io"
	"regexp"
	"slices"
	"strings"
)

// maxLogoSide bounds an image in pixels: it is shown in a box of 52, and decoded by old phones.
const maxLogoSide = 2048

var errNoImage = errors.New("ui: neither PNG, JPEG, GIF, WebP nor SVG")

// imageType returns the media type of an image that pages may show, by what it is and not by what it is called.
func imageType(content []byte) (string, error) {
	if width, height, ok := webpSize(content); ok {
		return "image/webp", checkSize(width, height)
	}
	config, format, err := image.DecodeConfig(bytes.NewReader(content))
	switch {
	case err == nil:
		return "image/" + format, checkSize(config.Width, config.Height)
	case errors.Is(err, image.ErrFormat) && bytes.Contains(content, []byte("<svg")):
		return svgType, checkSVG(content)
	}
	return "", errNoImage
}

// imageSize returns the size of an image that imageType knows, in any unit, or nothing if it does not say.
func imageSize(content []byte) (width, height float64) {
	if width, height, ok := webpSize(content); ok {
		return float64(width), float64(height)
	}
	if config, _, err := image.DecodeConfig(bytes.NewReader(content)); err == nil {
		return float64(config.Width), float64(config.Height)
	}
	d := xml.NewDecoder(bytes.NewReader(content))
	for {
		token, err := d.Token()
		if err != nil {
			return 0, 0
		}
		svg, ok := token.(xml.StartElement)
		if !ok {
			continue
		}
		for _, a := range svg.Attr {
			var x, y float64
			if a.Name.Local == "viewBox" && a.Name.Space == "" {
				_, err := fmt.Sscan(strings.ReplaceAll(a.Value, ",", " "), &x, &y, &width, &height)
				if err != nil || !(width > 0 && height > 0) || width > 1e9 || height > 1e9 {
					return 0, 0
				}
			}
		}
		return width, height
	}
}

func checkSize(width, height int) error {
	if width < 1 || height < 1 || width > maxLogoSide || height > maxLogoSide {
		return fmt.Errorf("ui: an image of %d by %d pixels", width, height)
	}
	return nil
}

// webpSize reads the size of the three kinds of WebP (RFC 9649).
func webpSize(b []byte) (width, height int, ok bool) {
	if len(b) < 30 || string(b[:4]) != "RIFF" || string(b[8:12]) != "WEBP" {
		return 0, 0, false
	}
	switch string(b[12:16]) {
	case "VP8X":
		size := func(b []byte) int { return 1 + int(b[0]) + int(b[1])<<8 + int(b[2])<<16 }
		return size(b[24:]), size(b[27:]), true
	case "VP8L":
		bits := binary.LittleEndian.Uint32(b[21:])
		return 1 + int(bits&0x3fff), 1 + int(bits>>14&0x3fff), b[20] == 0x2f
	case "VP8 ":
		return int(binary.LittleEndian.Uint16(b[26:]) & 0x3fff), int(binary.LittleEndian.Uint16(b[28:]) & 0x3fff), true
	}
	return 0, 0, false
}

const (
	svgType      = "image/svg+xml"
	svgNamespace = "http://www.w3.org/2000/svg"
	maxSVGNodes  = 5000
	maxSVGDepth  = 50
)

// svgElements are those that only draw. Elements that embed others, run or animate anything, or repeat what is drawn until a
// browser gives up, are none of them.
var svgElements = []string{
	"svg", "g", "path", "rect", "circle", "ellipse", "line", "polyline", "polygon", "text", "tspan", "title", "desc", "defs",
	"linearGradient", "radialGradient", "stop", "clipPath", "style",
}

// reference finds what a value of CSS or of an attribute refers to.
var reference = regexp.MustCompile(`(?i)url\(\s*["']?([^"')]?)`)

// checkSVG refuses an SVG that does more than to draw.
func checkSVG(content []byte) error {
	d := xml.NewDecoder(bytes.NewReader(content))
	d.CharsetReader = func(string, io.Reader) (io.Reader, error) { return nil, errors.New("ui: an SVG that is not UTF-8") }
	depth, nodes := 0, 0
	var style *strings.Builder // of the element that is open
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) && nodes > 0 {
			return nil
		}
		if err != nil {
			return fmt.Errorf("ui: an SVG that cannot be read: %w", err)
		}
		switch t := token.(type) {
		case xml.Directive:
			return errors.New("ui: an SVG with a document type")
		case xml.ProcInst:
			if t.Target != "xml" {
				return errors.New("ui: an SVG with an instruction")
			}
		case xml.CharData:
			if style != nil {
				style.Write(t)
			}
		case xml.EndElement:
			if depth--; style != nil && !harmless(style.String()) {
				return errors.New("ui: an SVG whose style refers to something")
			}
			style = nil
		case xml.StartElement:
			if depth, nodes = depth+1, nodes+1; nodes > maxSVGNodes || depth > maxSVGDepth {
				return errors.New("ui: an SVG that is too large")
			}
			if nodes == 1 && t.Name.Local != "svg" || t.Name.Space != svgNamespace || !slices.Contains(svgElements, t.Name.Local) {
				return fmt.Errorf("ui: an SVG with an element %.40q", t.Name.Local)
			}
			if style != nil {
				return errors.New("ui: an SVG with an element in a style")
			}
			if t.Name.Local == "style" {
				style = new(strings.Builder)
			}
			if err := checkAttributes(t.Attr); err != nil {
				return err
			}
		}
	}
}

func checkAttributes(attributes []xml.Attr) error {
	for _, a := range attributes {
		name := strings.ToLower(a.Name.Local)
		switch {
		case a.Name.Space == "xmlns" || name == "xmlns":
		case strings.HasPrefix(name, "on"), name == "base", name == "src":
			return fmt.Errorf("ui: an SVG with an attribute %.40q", name)
		case name == "href" && !strings.HasPrefix(a.Value, "#"), !harmless(a.Value):
			return errors.New("ui: an SVG that refers to something")
		}
	}
	return nil
}

// harmless reports whether a style, or the value of an attribute, refers to nothing outside of the image.
func harmless(text string) bool {
	if strings.ContainsAny(text, `\@`) {
		return false
	}
	for _, m := range reference.FindAllStringSubmatch(text, -1) {
		if m[1] != "#" {
			return false
		}
	}
	return !strings.Contains(strings.ToLower(text), "image-set(") && !strings.Contains(strings.ToLower(text), "javascript:")
}
