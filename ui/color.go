package ui

import (
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"strings"
)

// color is an sRGB colour.
type color [3]uint8

func parseColor(s string) (color, error) {
	digits, ok := strings.CutPrefix(s, "#")
	b, err := hex.DecodeString(digits)
	if !ok || err != nil || len(b) != 3 {
		return color{}, errors.New("it is not a colour of the form #rrggbb")
	}
	return color(b), nil
}

func (c color) String() string {
	return fmt.Sprintf("#%02x%02x%02x", c[0], c[1], c[2])
}

func (c color) mix(other color, part float64) color {
	for i := range c {
		c[i] = uint8(math.Round(float64(c[i])*(1-part) + float64(other[i])*part))
	}
	return c
}

// contrast is the contrast ratio of WCAG 2.2.
func (c color) contrast(other color) float64 {
	a, b := c.luminance(), other.luminance()
	return (max(a, b) + 0.05) / (min(a, b) + 0.05)
}

func (c color) luminance() float64 {
	var linear [3]float64
	for i, v := range c {
		s := float64(v) / 255
		if s <= 0.04045 {
			linear[i] = s / 12.92
		} else {
			linear[i] = math.Pow((s+0.055)/1.055, 2.4)
		}
	}
	return 0.2126*linear[0] + 0.7152*linear[1] + 0.0722*linear[2]
}
