package wallet

import (
	"fmt"
	"html"
	"strconv"

	"rsc.io/qr"
)

// quiet is how many modules around a QR code stay white (ISO/IEC 18004, section 6.3.8).
const quiet = 4

// QR draws a text as a QR code: an inline SVG element that needs neither a script nor a style, and scales to any size. The
// label says to those who do not see it what it is. A text that does not fit, of more than about 2300 bytes, is an error.
func QR(text, label string) (string, error) {
	code, err := qr.Encode(text, qr.M)
	if err != nil {
		return "", fmt.Errorf("wallet: QR code: %w", err)
	}
	size := strconv.Itoa(code.Size + 2*quiet)
	svg := []byte(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ` + size + ` ` + size +
		`" shape-rendering="crispEdges" role="img" aria-label="` + html.EscapeString(label) + `">` +
		`<path fill="#fff" d="M0 0h` + size + `v` + size + `H0z"/><path fill="#000" d="`)
	for y := range code.Size {
		for x := 0; x < code.Size; x++ {
			run := 0
			for x+run < code.Size && code.Black(x+run, y) {
				run++
			}
			if run > 0 {
				svg = fmt.Appendf(svg, "M%d %dh%dv1h-%dz", x+quiet, y+quiet, run, run)
				x += run
			}
		}
	}
	return string(append(svg, `"/></svg>`...)), nil
}
