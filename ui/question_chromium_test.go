package ui_test

import (
	"encoding/base64"
	"encoding/json"
	"image"
	"image/jpeg"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// fillControls answers all but the photo.
func (c *chromium) fillControls() {
	c.t.Helper()
	byID := func(id string) chromedp.CSS { return chromedp.CSS(`[id="` + id + `"]`) }
	for id, text := range map[string]string{
		"kba_vid": "612345", "field-family": "Sok", "field-secret": "s", "field-secret_confirm": "s", "field-born.day": "27", "field-born.month": "2",
		"field-born.year": "1990", "field-names.eng": "Sok Dara", "field-names.khm": "សុខ",
	} {
		c.do(chromedp.SendKeys(byID(id), text))
	}
	c.do(chromedp.SetValue(byID("field-gender"), "f"), chromedp.Click(byID("field-truth")))
}

// response is what the login was answered.
func (f *fakeLogin) response() map[string]any {
	f.tb.Helper()
	_, answer := f.flow.answered()
	var response map[string]any
	require.NoError(f.tb, json.Unmarshal([]byte(answer.Response), &response))
	return response
}

// largePicture is a file of more pixels than are needed.
func largePicture(t *testing.T) string {
	path := filepath.Join(t.TempDir(), "large.jpg")
	file, err := os.Create(path)
	require.NoError(t, err)
	require.NoError(t, jpeg.Encode(file, image.NewGray(image.Rect(0, 0, 3200, 800)), nil))
	require.NoError(t, file.Close())
	return path
}

func photoOf(t *testing.T, response map[string]any) image.Config {
	t.Helper()
	face, _ := response["face"].(string)
	c, err := jpeg.DecodeConfig(base64.NewDecoder(base64.RawURLEncoding, strings.NewReader(face)))
	require.NoError(t, err)
	return c
}

func TestChromiumAnswersEveryTypeOfQuestionWithAndWithoutJavaScript(t *testing.T) {
	t.Parallel()
	for name, plain := range map[string]bool{"with JavaScript": false, "without": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := atControls(t, withPhoto())
			c := f.chromium(t, func(c *chromium) {
				if plain {
					_, err := chromedp.Call(c.ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
					require.NoError(t, err)
				}
			})
			c.fillControls()
			c.do(chromedp.SetUploadFiles(chromedp.ID("field-face"), []string{largePicture(t)}))
			if !plain {
				c.waitText("field-face-status", "The photo is ready.")
			}
			c.click("verify_kba")
			c.arrive()
			response := f.response()
			assert.Equal(t, "1990-02-27", response["born"])
			assert.Equal(t, "f", response["gender"])
			want := 1600
			if plain {
				want = 3200
			}
			assert.Equal(t, want, photoOf(t, response).Width, "the script makes photos smaller")
			c.assertNoComplaints()
		})
	}
}

func TestChromiumTellsWhatIsMissingAtEveryTypeOfQuestion(t *testing.T) {
	t.Parallel()
	f := atControls(t, withPhoto())
	c := f.chromium(t, nil)
	c.do(chromedp.Click(chromedp.ID("verify_kba")))
	for id, text := range map[string]string{
		"kba_vid-error": "Fill in: Mobile.", "field-gender-error": "Fill in: Gender.", "field-truth-error": "Tick: It is true.",
		"field-names.eng-error": "Fill in: Full name.", "field-face-error": "Face: take or choose a photo.",
	} {
		c.waitText(id, text)
	}
	assert.Equal(t, "kba_vid", c.eval(`document.activeElement.id`), "the first one has the focus")
	assert.Equal(t, "null", c.eval(`document.getElementById("field-title-error")`), "it may be left out")
	c.do(chromedp.Click(chromedp.ID("field-truth")))
	assert.Equal(t, "null", c.eval(`document.getElementById("field-truth-error")`))
	assert.Empty(t, f.flow.made())
	c.assertNoComplaints()
}

func TestChromiumShowsNothingAsWrongThatNobodyHasAnswered(t *testing.T) {
	t.Parallel()
	c := atControls(t, controls).chromium(t, nil)
	border := func(id string) string {
		return c.eval(`getComputedStyle(document.getElementById("` + id + `")).borderColor`)
	}
	assert.Equal(t, border("field-secret"), border("field-gender"))
	c.eval(`document.getElementById("field-gender").setAttribute("aria-invalid", "true")`)
	assert.NotEqual(t, border("field-secret"), border("field-gender"))
}

func TestChromiumTakesAPhotoWithTheCamera(t *testing.T) {
	t.Parallel()
	f := atControls(t, withPhoto())
	c := f.chromium(t, nil)
	camera := func(stream string) { c.eval(`navigator.mediaDevices.getUserMedia = async () => { ` + stream + ` }`) }
	press := func(button string) { c.eval(`document.getElementById("field-face-` + button + `").click()`) } // the page moves as it speaks
	for name, text := range map[string]string{
		"NotAllowedError": "The camera may not be used here.", "NotReadableError": "The camera cannot be used.", "NotFoundError": "No camera was found.",
	} {
		camera(`throw new DOMException("x", "` + name + `")`)
		press("camera")
		c.waitText("field-face-status", text)
	}
	camera(`const canvas = document.createElement("canvas"); canvas.width = 320; canvas.height = 240;
		const pen = canvas.getContext("2d"); setInterval(() => pen.fillRect(0, 0, 9, 9), 50); return window.stream = canvas.captureStream();`)
	press("camera")
	c.do(chromedp.WaitVisible(chromedp.ID("field-face-capture")))
	_, err := chromedp.Run(c.ctx, chromedp.Poll[bool](`document.getElementById("field-face-video").videoWidth > 0`))
	require.NoError(t, err)
	press("capture")
	c.waitText("field-face-status", "The photo is ready.")
	c.do(chromedp.WaitVisible(chromedp.ID("field-face-camera")))
	assert.Equal(t, "ended", c.eval(`window.stream.getTracks()[0].readyState`), "the camera is off again")
	c.fillControls()
	c.click("verify_kba")
	c.arrive()
	assert.Equal(t, 320, photoOf(t, f.response()).Width)
	c.assertNoComplaints()
}

func TestChromiumTurnsTheCameraOnOnceHoweverOftenTheButtonIsPressed(t *testing.T) {
	t.Parallel()
	f := atControls(t, withPhoto())
	c := f.chromium(t, nil)
	c.eval(`(() => {
		window.asked = 0;
		navigator.mediaDevices.getUserMedia = () => { window.asked++; return new Promise((done) => { window.allow = done; }); };
		const open = document.getElementById("field-face-camera");
		open.click();
		open.click();
		window.allow(document.createElement("canvas").captureStream());
	})()`)
	c.do(chromedp.WaitVisible(chromedp.ID("field-face-close")))
	assert.Equal(t, "1", c.eval("window.asked"), "a second one would stay on: nobody could turn it off")
	c.assertNoComplaints()
}

func TestChromiumTellsOfCapsLock(t *testing.T) {
	t.Parallel()
	f := atControls(t, controls)
	c := f.chromium(t, nil)
	press := func(on string) {
		c.eval(`document.getElementById("field-title").dispatchEvent(new KeyboardEvent("keyup", { key: "a", modifierCapsLock: ` + on + ` }))`)
	}
	press("true")
	c.waitText("field-title-caps", "Caps Lock is on.")
	press("false")
	assert.Empty(t, c.eval(`document.getElementById("field-title-caps").textContent`))
	c.assertNoComplaints()
}
