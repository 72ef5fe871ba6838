package ui_test

import (
	"encoding/json"
	"os"
	"strconv"
	"strings"
	"testing"

	cdpbrowser "github.com/chromedp/cdproto/browser"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/login"
)

// captureTexts are what the page says of devices, in a language.
func captureTexts(t *testing.T, language string) map[string]string {
	t.Helper()
	content, err := os.ReadFile("locales/" + language + ".json")
	require.NoError(t, err)
	var locale struct {
		Verify struct {
			Bio struct{ Script map[string]string }
		}
	}
	require.NoError(t, json.Unmarshal(content, &locale))
	return locale.Verify.Bio.Script
}

// TestChromiumExplainsEveryCodeOfADevice has a device refuse to capture with each of the codes of the Secure Biometric
// Interface, 100 to 109, and with one of its maker's own, in every language.
func TestChromiumExplainsEveryCodeOfADevice(t *testing.T) {
	t.Parallel()
	pages, _ := newPages(t, nil)
	languages := pages.Languages()
	require.Len(t, languages, 10)
	for half, languages := range [][]string{languages[:5], languages[5:]} { // each half in a browser of its own
		t.Run(strconv.Itoa(half), func(t *testing.T) {
			t.Parallel()
			d := newBiometricDevice(t)
			f := atBiometrics(t, d.config)
			c := f.chromium(t, nil)
			for _, language := range languages {
				f.flow.put(fakeHandle, &login.State{Step: login.StepVerify, Factor: authenticator.Biometrics, UILocales: []string{language}})
				c.do(chromedp.Reload())
				require.Equal(t, language, c.eval("document.documentElement.lang"))
				c.fill("sbi_vid", "42")
				c.do(chromedp.Click(chromedp.ID("scan_devices")), chromedp.WaitVisible(chromedp.ID("verify_bio")))
				texts, seen := captureTexts(t, language), map[string]string{}
				for code := 100; code <= 110; code++ {
					code, text := strconv.Itoa(code), texts["code_"+strconv.Itoa(code)]
					if code == "110" { // stands for one of the maker's own
						code, text = "583", texts["failed"]
					}
					require.NotEmpty(t, text, "%s %s", language, code)
					assert.Empty(t, seen[text], "%s says the same of %s", language, code)
					seen[text] = code
					d.set("Ready", code)
					c.do(chromedp.Click(chromedp.ID("verify_bio")))
					c.waitText("capture-error", "("+code+")")
					said := directions.Replace(c.eval(`document.getElementById("capture-error").textContent`))
					assert.Equal(t, strings.ReplaceAll(text, "{device}", "Größe Slap 4")+" ("+code+")", said)
					_, err := chromedp.Run(c.ctx, chromedp.Poll[bool](`document.getElementById("assertive").textContent === document.getElementById("capture-error").textContent`))
					require.NoError(t, err, "%s is announced", code)
				}
			}
			assert.Empty(t, f.flow.made(), "nothing is sent")
			c.assertNoComplaints()
		})
	}
}

func TestNoLanguageBorrowsWhatADeviceSays(t *testing.T) {
	t.Parallel()
	pages, _ := newPages(t, nil)
	english := captureTexts(t, "en")
	for _, language := range pages.Languages()[1:] {
		for name, text := range captureTexts(t, language) {
			if strings.HasPrefix(name, "code_") {
				assert.NotEqual(t, english[name], text, "%s %s", language, name)
			}
		}
	}
}

func TestChromiumOffersOneDeviceOrMany(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		infos          []any
		said, selected string
		ready          bool
	}{
		"one": {[]any{deviceInfo("F1", "Auth", "L1", "Ready", "Finger", "Slap 4")}, "One device was found: Größe Slap 4.", "device-0", true},
		"one that is not ready": {[]any{deviceInfo("F1", "Auth", "L1", "Not Ready", "Finger", "Slap 4")},
			"Fingerprint – Größe Slap 4: Not ready", "device-0", false},
		"one that is not registered": {[]any{deviceInfo("F1", "Auth", "L1", "Not Registered", "Finger", "Slap 4")},
			"Fingerprint – Größe Slap 4: Not registered", "device-0", false},
		"many": {nil, "Devices found: 3. Choose one.", "device-1", true},
		"many, none of them ready": {[]any{deviceInfo("F1", "Auth", "L1", "Busy", "Finger", "Slap 4"), deviceInfo("C1", "Auth", "L1", "Not Ready", "Face", "Cam 3")},
			"Devices found: 2. Choose one.", "", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newBiometricDevice(t)
			d.infos = c.infos
			b := atBiometrics(t, d.config).chromium(t, func(b *chromium) { b.beforePages(noteNews) })
			b.fill("sbi_vid", "42")
			b.do(chromedp.Click(chromedp.ID("scan_devices")))
			b.hears(c.said)
			assert.Equal(t, c.selected, b.eval(`(document.querySelector("#devices :checked") || { id: "" }).id`))
			assert.Equal(t, strconv.FormatBool(!c.ready), b.eval(`document.getElementById("verify_bio").hidden`))
			assert.Equal(t, "false", b.eval(`document.getElementById("scan_devices").hidden`), "it can be looked for others")
			b.assertNoComplaints()
		})
	}
}

// TestChromiumSaysThatThePermissionIsRefused has the browser take the pages for those of a site on the internet, whose access
// to the devices of a computer it asks about. The device is there all the time.
func TestChromiumSaysThatThePermissionIsRefused(t *testing.T) {
	t.Parallel()
	pages, _ := newPages(t, nil)
	d := newBiometricDevice(t)
	f := atBiometrics(t, d.config)
	site := strings.TrimPrefix(f.server.URL, "http://")
	c := newChromium(t, chromedp.Flag("ip-address-space-overrides", site+"=public"))
	c.do(chromedp.Navigate(f.server.URL + "/start"))
	permit := func(setting cdpbrowser.PermissionSetting) {
		for _, name := range []string{"local-network-access", "loopback-network"} {
			_, err := chromedp.CallBrowser(c.ctx, cdpbrowser.SetPermission, cdpbrowser.SetPermissionParams{
				Permission: &cdpbrowser.PermissionDescriptor{Name: name}, Setting: setting,
			})
			require.NoError(t, err)
		}
	}
	permit(cdpbrowser.PermissionSettingDenied)
	for _, language := range pages.Languages() {
		f.flow.put(fakeHandle, &login.State{Step: login.StepVerify, Factor: authenticator.Biometrics, UILocales: []string{language}})
		c.do(chromedp.Reload())
		c.do(chromedp.Click(chromedp.ID("scan_devices")))
		c.waitText("capture-error", captureTexts(t, language)["refused"])
		c.do(chromedp.WaitVisible(chromedp.ID("scan_devices")))
	}
	permit(cdpbrowser.PermissionSettingGranted)
	c.do(chromedp.Click(chromedp.ID("scan_devices")), chromedp.WaitVisible(chromedp.ID("verify_bio")))
	assert.Empty(t, f.flow.made())
}
