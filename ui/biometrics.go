package ui

import (
	"encoding/json"
	"errors"
	"time"

	"github.com/gosignet/signet/login"
)

// Biometrics says how devices on the person's own computer are asked for a capture, over the MOSIP Secure Biometric
// Interface, version 2.0.
type Biometrics struct {
	// Environment is the one that devices must be registered for: "Production", "Pre-Production", "Staging" or
	// "Developer". Empty means "Production".
	Environment string
	// FirstPort and LastPort are where devices are looked for. Zero means 4501 and 4600.
	FirstPort, LastPort int
	// Timeout is how long the page waits for devices, and a device for the person. Zero means 30 seconds.
	Timeout time.Duration
	// Score is the quality that is asked for, at most 100. Zero means 70.
	Score int
	// Fingers and Irises are how many are captured at once, at most 10 and 2. Zero means one.
	Fingers, Irises int
	// FingerSubTypes and IrisSubTypes name which ones ("Left IndexFinger", "Right"). Nil means "UNKNOWN": any.
	FingerSubTypes, IrisSubTypes []string
}

func (b Biometrics) withDefaults() (Biometrics, error) {
	if b.Environment == "" {
		b.Environment = "Production"
	}
	for value, usual := range map[*int]int{
		&b.FirstPort: 4501, &b.LastPort: max(4600, b.FirstPort), &b.Score: 70, &b.Fingers: 1, &b.Irises: 1,
	} {
		if *value == 0 {
			*value = usual
		}
	}
	if b.Timeout == 0 {
		b.Timeout = 30 * time.Second
	}
	if b.FingerSubTypes == nil {
		b.FingerSubTypes = []string{"UNKNOWN"}
	}
	if b.IrisSubTypes == nil {
		b.IrisSubTypes = []string{"UNKNOWN"}
	}
	var errs []error
	if b.FirstPort < 1 || b.LastPort > 65535 || b.LastPort < b.FirstPort || b.LastPort-b.FirstPort >= 200 {
		errs = append(errs, errors.New("ui: Biometrics: the ports are not a range of at most 200"))
	}
	if b.Timeout < time.Second || b.Timeout > 5*time.Minute {
		errs = append(errs, errors.New("ui: Biometrics.Timeout is not between a second and five minutes"))
	}
	if b.Score < 0 || b.Score > 100 || b.Fingers < 0 || b.Fingers > 10 || b.Irises < 0 || b.Irises > 2 {
		errs = append(errs, errors.New("ui: Biometrics: Score, Fingers or Irises is out of bounds"))
	}
	return b, errors.Join(errs...)
}

// captureView is what the page's script has to know of a capture.
type captureView struct {
	FirstPort   int      `json:"firstPort"`
	LastPort    int      `json:"lastPort"`
	Timeout     int64    `json:"timeout"` // milliseconds
	Environment string   `json:"env"`
	Transaction string   `json:"transaction"`
	Score       int      `json:"score"`
	Fingers     int      `json:"fingers"`
	Irises      int      `json:"irises"`
	FingerTypes []string `json:"fingerTypes"`
	IrisTypes   []string `json:"irisTypes"`
}

type biometricsView struct {
	*page
	identifierView
	Attempts string
	// Capture and Texts are JSON for the script.
	Capture, Texts string
}

// scriptTexts are what the script says: the group verify.bio.script.
var scriptTexts = []string{
	"scanning", "found", "found_one", "none", "refused", "capturing", "sending", "failed", "timeout", "busy",
	"face", "finger", "iris", "ready", "not_ready", "device_busy", "not_registered",
	// What devices say instead of a capture, by their codes.
	"code_100", "code_101", "code_102", "code_103", "code_104", "code_105", "code_106", "code_107", "code_108", "code_109",
}

func (v *visit) biometricsView(l *locale, s *login.State, client *clientView) (*pageTemplate, any) {
	p := v.loginPage(l, s, client, l.text("verify.bio.title"))
	p.know(l, s)
	v.offerPasskeys(p, s)
	v.addScript(p, biometricsScript)
	v.policy.connections = append(v.policy.connections, "http://127.0.0.1:*")
	texts := map[string]string{}
	for _, key := range scriptTexts {
		texts[key] = l.text("verify.bio.script."+key, "device", "{device}", "count", "{count}")
	}
	b := v.biometrics
	return v.pages.in(l).biometrics, &biometricsView{
		page:           p,
		identifierView: v.identifierView(l, s, p),
		Attempts:       l.count("verify.attempts", s.AttemptsLeft),
		Texts:          toJSON(texts),
		Capture: toJSON(captureView{
			FirstPort: b.FirstPort, LastPort: b.LastPort, Timeout: b.Timeout.Milliseconds(), Environment: b.Environment,
			Transaction: v.captureTransaction(s.ID), Score: b.Score, Fingers: b.Fingers, Irises: b.Irises,
			FingerTypes: b.FingerSubTypes, IrisTypes: b.IrisSubTypes,
		}),
	}
}

// toJSON writes a value that is made of texts and numbers.
func toJSON(v any) string {
	b, _ := json.Marshal(v)
	return string(b)
}
