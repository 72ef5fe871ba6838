package button_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/ui/button"
)

// style is the computed value of a property.
func (c *chromium) style(selector, property string) string {
	c.t.Helper()
	return c.eval(fmt.Sprintf("getComputedStyle(document.querySelector(%q)).getPropertyValue(%q)", selector, property))
}

const (
	outer = "#place button > span"
	mark  = outer + " > span:first-child"
	label = outer + " > span:last-child"
)

func TestScriptKnowsEveryLook(t *testing.T) {
	t.Parallel()
	c := newChromium(t)
	c.open("?lang=en")
	for theme, colours := range map[string][2]string{
		"outline": {"rgb(255, 255, 255)", "rgb(0, 0, 0)"}, "filled_orange": {"rgb(184, 74, 11)", "rgb(255, 255, 255)"},
		"filled_black": {"rgb(51, 51, 51)", "rgb(255, 255, 255)"}, "filled_blue": {"rgb(255, 255, 255)", "rgb(0, 0, 0)"},
	} {
		for shape, sizes := range map[string][4]string{ // radius, side of the box of the logo, its radius, side of the logo
			"sharp_edges": {"0px", "44px", "0px", "38px"}, "soft_edges": {"8px", "44px", "6px", "38px"},
			"rounded_edges": {"46px", "38px", "36px", "28px"}, "round": {"0px", "44px", "0px", "38px"},
		} {
			c.init(config(""), fmt.Sprintf(`buttonConfig: { theme: %q, shape: %q }`, theme, shape))
			name := theme + " " + shape
			assert.Equal(t, colours[0], c.style(outer, "background-color"), name)
			assert.Equal(t, colours[1], c.style(label, "color"), name)
			assert.Equal(t, sizes[0], c.style(outer, "border-top-left-radius"), name)
			assert.Equal(t, sizes[1], c.style(mark, "width"), name)
			assert.Equal(t, sizes[2], c.style(mark, "border-top-left-radius"), name)
			assert.Equal(t, sizes[3], c.style(mark+" > svg", "width"), name)
			assert.Equal(t, "400px 48px 2px 600 14px", c.style(outer, "width")+" "+c.style(outer, "height")+" "+
				c.style(outer, "border-top-width")+" "+c.style(label, "font-weight")+" "+c.style(label, "font-size"), name)
		}
	}
	c.init(config(""), `buttonConfig: { type: "icon" }`)
	assert.Equal(t, "48px", c.style(outer, "width"))
	assert.Equal(t, "Sign in with National ID", c.eval(`document.querySelector("#place button").ariaLabel`))
	assert.Equal(t, "", c.eval(`document.querySelector("#place").textContent`))
	c.assertQuiet()
}

func TestScriptTakesThePagesOwnStyles(t *testing.T) {
	t.Parallel()
	c := newChromium(t)
	c.open("?lang=en")
	c.init(config(""), `buttonConfig: { labelText: "Go", width: "200px", background: "rgb(1, 2, 3)", textColor: "rgb(4, 5, 6)",
		borderWidth: "5px", borderColor: "rgb(7, 8, 9)", font: "italic 20px serif", fontFamily: '"Some Font", serif' }, style: { marginTop: "9px" }`)
	assert.Equal(t, "Go", c.eval(`document.querySelector("#place").textContent`))
	for property, want := range map[string]string{
		"width": "200px", "background-color": "rgb(1, 2, 3)", "color": "rgb(4, 5, 6)", "border-top-width": "5px",
		"border-top-color": "rgb(7, 8, 9)", "font-style": "italic", "font-size": "20px", "font-family": `"Some Font", serif`,
	} {
		assert.Equal(t, want, c.style(outer, property), property)
	}
	assert.Equal(t, "9px", c.style("#place button", "margin-top"))

	c.init(config(""), `buttonConfig: { theme: "filled_black", background: "red", logoPath: location.origin + "/logo.svg", customStyle: {
		outerDivStyleStandard: { display: "inline-flex", "background-color": "rgb(1, 1, 1)" }, outerDivStyleIcon: { backgroundColor: "rgb(2, 2, 2)" },
		logoDivStyle: { padding: "3px" }, logoImgStyle: { width: "31px" }, labelSpanStyle: { letterSpacing: "2px" } } }`)
	c.waitFor(`document.querySelector("#place img").naturalWidth > 0`)
	assert.Equal(t, "rgb(1, 1, 1) inline-flex 3px 31px 2px", c.style(outer, "background-color")+" "+c.style(outer, "display")+" "+
		c.style(mark, "padding-top")+" "+c.style(mark+" > img", "width")+" "+c.style(label, "letter-spacing"))
	assert.Equal(t, c.site+"/logo.svg", c.eval(`document.querySelector("#place img").src`))
	assert.Equal(t, "0", c.eval(`document.querySelectorAll("#place span[class]").length`), "no classes beside customStyle")

	for kind, class := range map[string]string{"standard": "sign-in-outer-div-container-standard", "icon": "sign-in-outer-div-container-icon"} {
		c.init(config(""), fmt.Sprintf(`buttonConfig: { theme: "custom", type: %q, logoPath: "/logo.svg" }`, kind))
		assert.Equal(t, class, c.eval(`document.querySelector("`+outer+`").className`))
		assert.Equal(t, "sign-in-logo-div-container", c.eval(`document.querySelector("`+mark+`").className`))
		assert.Equal(t, "sign-in-logo-img", c.eval(`document.querySelector("`+mark+` > img").className`))
	}
	c.init(config(""), `buttonConfig: { theme: "custom" }`)
	assert.Equal(t, "sign-in-label-span", c.eval(`document.querySelector("`+label+`").className`))
}

func TestScriptInsertsNothingButText(t *testing.T) {
	t.Parallel()
	c := newChromium(t)
	c.open("?lang=en")
	const evil = `<img src=x onerror="window.hit = 1"><script>window.hit = 1</script>`
	values := `labelText: evil, theme: evil, shape: evil, type: evil, logoPath: "javascript:window.hit = 1", width: "1px; color: red",
		background: "url(//evil.example/1)", textColor: "red; background: url(//evil.example/2)", borderWidth: evil, borderColor: "u\\72l(//evil.example/3)",
		font: "url(//evil.example/4)", fontFamily: "x; background: image-set('//evil.example/5' 1x)"`
	c.eval(`window.evil = ` + quote(t, evil))
	c.init(config(""), `buttonConfig: {`+values+`}, style: { cssText: "color: red", background: "-webkit-image-set('//evil.example/6' 1x)" }`)
	assert.Equal(t, evil, c.eval(`document.querySelector("#place").textContent`))
	assert.Equal(t, "standard outline sharp_edges", c.eval(`document.querySelector("`+outer+`").className.replace("signet-button-box ", "")`))
	assert.Equal(t, "400px", c.style(outer, "width"))
	c.init(config(""), `buttonConfig: { customStyle: { outerDivStyleStandard: { cssText: "background: url(//evil.example/7)", "x;background": "red",
		backgroundImage: "URL(//evil.example/8)", listStyle: "cross-fade(url(//evil.example/9), red)", __proto__: { color: "red" } } } }`)
	c.init(config(`ui_locales: "constructor __proto__ toString"`), "")
	assert.Equal(t, "Sign in with National ID", c.eval(`document.querySelector("#place").textContent`))
	c.init(config(`prompt: evil`), "")
	assert.Equal(t, "undefined", c.eval("window.hit"))
	assert.Equal(t, "0", c.eval(`document.querySelectorAll("#place :is(img, script)").length`))
	c.assertQuiet()
	c.mu.Lock()
	defer c.mu.Unlock()
	require.NotEmpty(t, c.requests)
	for _, address := range c.requests {
		assert.NotContains(t, address, "evil.example")
	}
}

func quote(t *testing.T, s string) string {
	t.Helper()
	data, err := json.Marshal(s)
	require.NoError(t, err)
	return string(data)
}

func TestScriptLoadsNothing(t *testing.T) {
	t.Parallel()
	c := newChromium(t)
	c.open("?lang=en")
	c.init(config(""), "")
	c.assertQuiet() // the policy of the page allows the script only
	c.mu.Lock()
	defer c.mu.Unlock()
	var loaded []string
	for _, address := range c.requests {
		if len(address) < 5 || address[:5] != "data:" {
			loaded = append(loaded, address)
		}
	}
	assert.Len(t, loaded, 2, "the page and the script: %v", loaded)
}

func TestScriptSpeaksThePagesLanguage(t *testing.T) {
	t.Parallel()
	c := newChromium(t)
	for _, test := range []struct{ page, locales, want string }{
		{"en", "", "en ltr Sign in with National ID"},
		{"fr-CA", "", "fr ltr Se connecter avec l’identité nationale"},
		{"ar", "", "ar rtl تسجيل الدخول باستخدام National ID"},
		{"en", "ar-EG", "ar rtl تسجيل الدخول باستخدام National ID"},
		{"en", "de%20es", "es ltr Iniciar sesión con National ID"},
		{"de", "", "en ltr Sign in with National ID"},
	} {
		c.open("?lang=" + test.page)
		c.init(config(fmt.Sprintf(`ui_locales: %q`, test.locales)), "")
		assert.Equal(t, test.want, c.eval(`(({ lang, dir, textContent }) => [lang, dir, textContent].join(" "))(document.querySelector("#place button"))`))
	}
	for _, code := range newButton(t, button.Config{}).Languages() {
		c.init(config(fmt.Sprintf(`ui_locales: %q`, code)), "")
		assert.Equal(t, code, c.eval(`document.querySelector("#place button").lang`))
	}
	assert.Equal(t, "1", c.eval(`document.querySelectorAll("#place button").length`), "a new call takes the place of the old")

	c.init(config(`ui_locales: "ar"`), "")
	assert.Equal(t, "true", c.eval(`document.querySelector("`+mark+`").getBoundingClientRect().left > document.querySelector("`+label+`").getBoundingClientRect().left`),
		"the logo is where reading begins")
	c.assertQuiet()
}

func TestScriptWorksByKeyboardAndOnANarrowScreen(t *testing.T) {
	t.Parallel()
	c := newChromium(t)
	for _, key := range []string{kb.Enter, " "} {
		require.NoError(t, chromedp.Do(c.ctx, chromedp.EmulateViewport(320, 568)))
		c.open("?lang=ta")
		c.init(config(`state: "s"`), "")
		assert.Equal(t, "320", c.eval("document.documentElement.scrollWidth"))
		require.NoError(t, chromedp.Do(c.ctx, chromedp.KeyEvent(kb.Tab)))
		assert.Equal(t, "BUTTON", c.eval("document.activeElement.tagName"))
		assert.Equal(t, "3px", c.style("#place button", "outline-width"))
		require.NoError(t, chromedp.Do(c.ctx, chromedp.KeyEvent(key), chromedp.WaitVisible(chromedp.ID("elsewhere"))))
		assert.Equal(t, "/authorize", c.eval("location.pathname"))
	}
}

// TestEveryThemeIsLegible holds the colours to WCAG 2.2, 1.4.3 and, for what is drawn, 1.4.11.
func TestEveryThemeIsLegible(t *testing.T) {
	t.Parallel()
	c := newChromium(t)
	c.open("?lang=en")
	const contrast = `((a, b) => {
		const light = (colour) => colour.match(/\d+/g).slice(0, 3).map((v) => v / 255)
			.map((v) => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4).reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
		const [x, y] = [light(a), light(b)];
		return (Math.max(x, y) + 0.05) / (Math.min(x, y) + 0.05);
	})`
	for _, theme := range button.Themes() {
		c.init(config(""), fmt.Sprintf(`buttonConfig: { theme: %q }`, theme))
		assert.Equal(t, "true", c.eval(fmt.Sprintf("%s(%q, %q) >= 4.5", contrast, c.style(label, "color"), c.style(outer, "background-color"))), theme)
		assert.Equal(t, "true", c.eval(fmt.Sprintf("%s(%q, 'rgb(255, 255, 255)') >= 3", contrast, c.style(outer, "border-top-color"))), theme)
	}
}

func TestScriptLinksTheStyleSheetInOldBrowsers(t *testing.T) {
	t.Parallel()
	c := newChromium(t)
	c.open("?lang=en")
	c.eval("delete CSSStyleSheet.prototype.replaceSync")
	c.init(config(""), "")
	c.init(config(""), "")
	assert.Equal(t, "true", c.eval(`[...document.querySelectorAll("link[rel=stylesheet]")].map((link) => link.href).join() ===
		new URL("sign-in-button.css", document.querySelector("script").src).href`))
}
