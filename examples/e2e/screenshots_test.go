package e2e_test

import (
	"cmp"
	"context"
	"flag"
	"image"
	"image/color"
	"maps"
	"slices"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/authenticator/mock"
)

var screenshots = flag.String("screenshots", "", "`directory` for pictures of the pages, for the documentation")

// TestPagesFitTheirScreen looks at every page on a large screen, on a phone and at 320 pixels (WCAG 2.2, 1.4.10): nobody
// has to scroll sideways. With -screenshots it keeps what it sees.
func TestPagesFitTheirScreen(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if *screenshots != "" { // pictures show the addresses of the reference server
		w = newWorldAt(t, "localhost:8080", "localhost:8081", nil)
	}
	b := openBrowser(t)

	b.open(w.portal + "/")
	look(b, "portal-home", "")
	b.click("#sign-in")
	look(b, "choose", "")
	b.click("#login_with_otp")
	b.write("#Otp_vid", w.person.NationalID)
	look(b, "identify", "")
	b.click("#get_otp")
	b.write("#otp_verify_input", mock.OTP)
	look(b, "code", "phone-code")
	answerCode(b, "222222")
	look(b, "code-wrong", "")
	b.click("#back-button")
	b.click("#login_with_pwd")
	b.write("#Password_vid", w.person.NationalID)
	b.write("#response", password)
	look(b, "password", "")
	b.click("#verify_password")
	b.tick("#claim-email")
	look(b, "consent", "phone-consent")
	allowRest(b)
	seesProfile(b, w, w.person)
	look(b, "portal-profile", "phone-portal-profile")
	b.do("open what is for developers", chromedp.Click(chromedp.CSS("summary")))
	look(b, "portal-developer", "")

	b.click("#sign-out")
	b.click("#protocol-fapi2")
	look(b, "portal-home-fapi2", "")
	b.click("#sign-in")
	answerPassword(b, w.person, password)
	allow(b)
	b.do("open what is for developers", chromedp.Click(chromedp.CSS("summary")))
	look(b, "portal-developer-fapi2", "")

	b.click("#sign-out")
	startLogin(b, w)
	b.click("#cancel")
	look(b, "portal-denied", "")
	b.open(w.issuer + "/authorize?client_id=unknown&redirect_uri=https://portal.example/")
	look(b, "error", "")
}

// allowRest ticks what is left and shares it.
func allowRest(b *tab) {
	b.t.Helper()
	for _, claim := range []string{"gender", "picture", "address", "phone_number"} {
		b.tick("#claim-" + claim)
	}
	b.click("#continue")
}

// look checks that the page fits, and keeps pictures of it under the names.
func look(b *tab, name, phoneName string) {
	b.t.Helper()
	fits := func(width, height int64, options ...chromedp.EmulateViewportOption) {
		b.t.Helper()
		b.do("resize", chromedp.EmulateViewport(width, height, options...))
		over, err := chromedp.Run(b.ctx, chromedp.Evaluate[float64]("document.documentElement.scrollWidth - innerWidth"))
		require.NoError(b.t, err)
		assert.LessOrEqual(b.t, over, 0.0, "%s is too wide for %d pixels", name, width)
	}
	fits(320, 640)
	fits(390, 844, chromedp.EmulateMobile, chromedp.EmulateScale(2))
	keep(b, phoneName)
	fits(1280, 800)
	keep(b, name)
}

func keep(b *tab, name string) {
	b.t.Helper()
	if *screenshots == "" || name == "" {
		return
	}
	ctx, cancel := context.WithTimeout(b.ctx, stepTimeout)
	defer cancel()
	data, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
	require.NoError(b.t, err)
	write(b.t, *screenshots, name, data)
}

// quantize keeps the most frequent colours: pages have few, and shades of them at the edges of letters.
func quantize(picture image.Image) *image.Paletted {
	bounds := picture.Bounds()
	counts := make(map[color.RGBA]int)
	at := func(x, y int) color.RGBA { return color.RGBAModel.Convert(picture.At(x, y)).(color.RGBA) }
	for y := bounds.Min.Y; y < bounds.Max.Y; y++ {
		for x := bounds.Min.X; x < bounds.Max.X; x++ {
			counts[at(x, y)]++
		}
	}
	colors := slices.SortedFunc(maps.Keys(counts), func(a, b color.RGBA) int { return cmp.Compare(counts[b], counts[a]) })
	var palette color.Palette
	for _, c := range colors[:min(len(colors), 128)] {
		palette = append(palette, c)
	}
	indexes := make(map[color.RGBA]uint8, len(colors))
	for _, c := range colors {
		indexes[c] = uint8(palette.Index(c))
	}
	small := image.NewPaletted(bounds, palette)
	for y := bounds.Min.Y; y < bounds.Max.Y; y++ {
		for x := bounds.Min.X; x < bounds.Max.X; x++ {
			small.SetColorIndex(x, y, indexes[at(x, y)])
		}
	}
	return small
}
