package ui_test

import (
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/login"
	"github.com/gosignet/signet/ui"
)

// biometricDevice is the program of devices that speaks SBI 2.0 on the person's computer. It answers only what the
// specification lets a page ask.
type biometricDevice struct {
	*httptest.Server
	t *testing.T

	mu sync.Mutex
	// status is that of the finger device; code is the error of a capture.
	status, code string
	// infos are the devices; nil means several.
	infos []any
	asked []captureRequest
	slow  chan struct{}
}

type captureRequest struct {
	Env, Purpose, SpecVersion, CaptureTime, DomainURI, TransactionID, Timeout string
	Bio                                                                       []struct {
		Type, Count, RequestedScore, DeviceID, DeviceSubID, PreviousHash string
		BioSubType                                                       []string
	}
}

const captured = `{"biometrics": [{"specVersion": "0.9.5", "data": "a.b.c", "hash": "h", "sessionKey": "k", "thumbprint": "ü",
	"error": {"errorCode": "%", "errorInfo": "?"}}]}`

func newBiometricDevice(t *testing.T) *biometricDevice {
	t.Helper()
	d := &biometricDevice{t: t, status: "Ready", code: "0"}
	d.Server = httptest.NewServer(d)
	t.Cleanup(d.Close)
	return d
}

func (d *biometricDevice) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	d.mu.Lock()
	defer d.mu.Unlock()
	w.Header().Set("Access-Control-Allow-Origin", r.Header.Get("Origin"))
	w.Header().Set("Access-Control-Allow-Methods", "MOSIPDISC, MOSIPDINFO, CAPTURE")
	w.Header().Set("Access-Control-Allow-Headers", "content-type")
	w.Header().Set("Access-Control-Allow-Private-Network", "true")
	body, err := io.ReadAll(r.Body)
	assert.NoError(d.t, err)
	switch r.Method + " " + r.URL.Path {
	case "OPTIONS /device", "OPTIONS /info", "OPTIONS /capture":
	case "MOSIPDISC /device":
		assert.JSONEq(d.t, `{"type": "Biometric Device"}`, string(body))
		w.Write([]byte(`[{"deviceId": "F1"}]`))
	case "MOSIPDINFO /info":
		if d.infos != nil {
			writeJSON(d.t, w, d.infos)
			return
		}
		writeJSON(d.t, w, []any{
			deviceInfo("N1", "Auth", "L0", "Ready", "Finger", "Uncertified"), deviceInfo("R1", "Registration", "L1", "Ready", "Face", "Desk"),
			deviceInfo("I1", "Auth", "L1", "Not Ready", "Iris", "Eye 2"), deviceInfo("F1", "Auth", "L1", d.status, "Finger", "Slap 4"),
			deviceInfo("C1", "Auth", "L1", "Ready", "Face", "Cam 3"), map[string]any{"deviceInfo": "nonsense"},
		})
	case "CAPTURE /capture":
		var c captureRequest
		assert.NoError(d.t, json.Unmarshal(body, &c))
		d.asked = append(d.asked, c)
		if d.slow != nil {
			<-d.slow
			return
		}
		w.Write([]byte(strings.Replace(captured, "%", d.code, 1)))
	default:
		http.Error(w, "unknown", http.StatusMethodNotAllowed)
	}
}

func deviceInfo(id, purpose, certification, status, kind, model string) any {
	token := func(v any) string {
		b, _ := json.Marshal(v)
		return encoded(`{"alg":"RS256"}`) + "." + base64.RawURLEncoding.EncodeToString(b) + "." + encoded("signature")
	}
	return map[string]any{
		"deviceInfo": token(map[string]any{
			"deviceId": id, "purpose": purpose, "certification": certification, "deviceStatus": status, "specVersion": []string{"0.9.5"},
			"deviceSubId": []string{"1"}, "digitalId": token(map[string]any{"type": kind, "make": "Größe", "model": model}),
		}),
		"error": map[string]any{"errorCode": "0"},
	}
}

func writeJSON(t *testing.T, w io.Writer, v any) {
	t.Helper()
	assert.NoError(t, json.NewEncoder(w).Encode(v))
}

func (d *biometricDevice) set(status, code string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.status, d.code = status, code
}

// config looks for devices on the device's port alone.
func (d *biometricDevice) config(c *ui.Config) {
	u, err := url.Parse(d.URL)
	require.NoError(d.t, err)
	port, err := strconv.Atoi(u.Port())
	require.NoError(d.t, err)
	c.Biometrics = ui.Biometrics{Environment: "Staging", FirstPort: port, LastPort: port, Timeout: 10 * time.Second, Fingers: 2, FingerSubTypes: []string{"Left Thumb"}}
	c.CaptureTransaction = func(transaction string) string { return "for " + transaction }
}

func atBiometrics(t *testing.T, configure func(*ui.Config)) *fakeLogin {
	f := newFakeLogin(t, &login.State{Step: login.StepVerify, Factor: authenticator.Biometrics}, configure)
	f.flow.do = moveOn
	return f
}

func TestChromiumCapturesAFingerprint(t *testing.T) {
	t.Parallel()
	d := newBiometricDevice(t)
	f := atBiometrics(t, d.config)
	c := f.chromium(t, nil)
	c.fill("sbi_vid", "42")
	c.do(chromedp.Click(chromedp.ID("scan_devices")), chromedp.WaitVisible(chromedp.ID("verify_bio")))
	assert.Equal(t, "Iris – Größe Eye 2 Not ready,Fingerprint – Größe Slap 4 Ready,Face – Größe Cam 3 Ready",
		c.eval(`[...document.querySelectorAll("#devices label")].map((l) => [...l.querySelectorAll("span")].map((s) => s.textContent).join(" "))`))
	assert.Equal(t, "device-1", c.eval(`document.querySelector("#devices :checked").id`), "the first that is ready")
	c.do(chromedp.Click(chromedp.ID("device-0")))
	c.waitText("capture-error", "Iris – Größe Eye 2: Not ready")
	assert.Equal(t, "true", c.eval(`document.getElementById("verify_bio").hidden`))
	c.do(chromedp.Click(chromedp.ID("device-1")))
	c.click("verify_bio")
	c.arrive()

	id, answer := f.flow.answered()
	assert.Equal(t, "42", id.Value)
	assert.Equal(t, authenticator.Biometrics, answer.Factor)
	assert.Equal(t, strings.Replace(captured, "%", "0", 1), string(decoded(t, answer.Response)), "as the device gave it")
	require.Len(t, d.asked, 1)
	asked := d.asked[0]
	assert.Equal(t, "Staging", asked.Env)
	assert.Equal(t, "Auth", asked.Purpose)
	assert.Equal(t, "0.9.5", asked.SpecVersion)
	assert.Equal(t, "10000", asked.Timeout)
	assert.Equal(t, "for "+login.ID(fakeHandle), asked.TransactionID)
	assert.Equal(t, strings.Replace(f.server.URL, "127.0.0.1", "localhost", 1), asked.DomainURI)
	_, err := time.Parse(time.RFC3339, asked.CaptureTime)
	assert.NoError(t, err)
	require.Len(t, asked.Bio, 1)
	bio := asked.Bio[0]
	assert.Equal(t, []string{"Finger", "2", "70", "F1", "1", ""}, []string{bio.Type, bio.Count, bio.RequestedScore, bio.DeviceID, bio.DeviceSubID, bio.PreviousHash})
	assert.Equal(t, []string{"Left Thumb"}, bio.BioSubType)
	c.assertNoComplaints()
}

func TestChromiumExplainsWhatADeviceCannotDo(t *testing.T) {
	t.Parallel()
	d := newBiometricDevice(t)
	f := atBiometrics(t, d.config)
	c := f.chromium(t, nil)
	c.fill("sbi_vid", "42")
	c.do(chromedp.Click(chromedp.ID("scan_devices")), chromedp.WaitVisible(chromedp.ID("verify_bio")))
	for code, want := range map[string]string{
		"110": "Größe Slap 4 is busy.", "111": "Größe Slap 4 is busy.", "503": "Größe Slap 4 could not make the capture.",
	} {
		d.set("Ready", code)
		c.do(chromedp.Click(chromedp.ID("verify_bio")))
		c.waitText("capture-error", want)
	}
	d.set("Busy", "0")
	c.do(chromedp.Click(chromedp.ID("scan_devices")))
	c.do(chromedp.Click(chromedp.ID("device-1")))
	c.waitText("capture-error", "Fingerprint – Größe Slap 4: Busy")
	assert.Empty(t, f.flow.made())

	c.do(chromedp.Click(chromedp.ID("device-2")))
	c.click("verify_bio")
	c.arrive()
	last := d.asked[len(d.asked)-1].Bio[0]
	assert.Equal(t, "Face", last.Type)
	assert.Nil(t, last.BioSubType)
	c.assertNoComplaints()
}

func TestChromiumStopsACapture(t *testing.T) {
	t.Parallel()
	d := newBiometricDevice(t)
	d.slow = make(chan struct{})
	t.Cleanup(func() { close(d.slow) })
	f := atBiometrics(t, d.config)
	c := f.chromium(t, nil)
	c.fill("sbi_vid", "42")
	c.do(chromedp.Click(chromedp.ID("scan_devices")), chromedp.Click(chromedp.ID("verify_bio")))
	c.waitText("capture-status", "Follow the instructions of Größe Slap 4.")
	c.do(chromedp.Click(chromedp.ID("stop_scan")), chromedp.WaitVisible(chromedp.ID("verify_bio")))
	assert.Empty(t, f.flow.made())
}

func TestChromiumFindsNoDevice(t *testing.T) {
	t.Parallel()
	d := newBiometricDevice(t)
	f := atBiometrics(t, d.config)
	d.Close()
	c := f.chromium(t, nil)
	c.do(chromedp.Click(chromedp.ID("scan_devices")))
	c.waitText("capture-status", "Looking for devices")
	c.do(chromedp.Click(chromedp.ID("stop_scan")))
	c.waitText("capture-error", "No device answered.")
	c.do(chromedp.WaitVisible(chromedp.ID("scan_devices")))
}

func TestBiometricsNeedJavaScriptAndSaySo(t *testing.T) {
	t.Parallel()
	f := newFakeLogin(t, &login.State{
		Step: login.StepVerify, Factor: authenticator.Biometrics, Option: 0, Options: []authenticator.FactorSet{{"bio"}, {"otp"}},
	}, nil)
	c := f.chromium(t, func(c *chromium) {
		_, err := chromedp.Call(c.ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
		require.NoError(t, err)
	})
	page := f.page()
	assert.Contains(t, page.text(), "This way to log in needs JavaScript, because the page talks to the device.")
	c.do(chromedp.WaitNotVisible(chromedp.ID("verify_bio")), chromedp.WaitVisible(chromedp.ID("back-button")))
	c.do(chromedp.WaitNotVisible(chromedp.ID("sbi_vid")), chromedp.WaitNotVisible(chromedp.ID("before-scan"))) // which lead nowhere
}

func TestMistakesOfBiometricsAreReported(t *testing.T) {
	t.Parallel()
	for _, b := range []ui.Biometrics{
		{FirstPort: 5000, LastPort: 4000}, {FirstPort: 1, LastPort: 65535}, {LastPort: 70000}, {Timeout: time.Millisecond},
		{Score: 101}, {Fingers: 11}, {Irises: 3}, {Score: -1},
	} {
		_, err := ui.New(ui.Config{Flow: newFakeFlow(), Biometrics: b})
		assert.ErrorContains(t, err, "ui: Biometrics", "%+v", b)
	}
}
