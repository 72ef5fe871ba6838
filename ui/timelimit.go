package ui

import (
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"github.com/gosignet/signet/login"
)

// timeLimitView says how long the login lasts, and offers to put its end off.
type timeLimitView struct {
	// Left and After are what is to be said before and after the end, if there is more to say than Limit.
	Left, Limit, After string
	At                 *timeView
	// More says that the person may have more time.
	More bool
	// Warnings are JSON for the script: what to say when how many seconds are left. Over is said, and the way back offered,
	// at the end; None where there is no more time.
	Warnings, Over, None  string
	ReturnURI, ReturnText string
	// Plain says that no script counts it.
	Plain bool
	// InMain says that the page itself shows it, where it belongs.
	InMain bool
}

// warnings are how many seconds before the end of a login the page says how many there are, and at no other time: the first
// leaves more than the 20 seconds that WCAG 2.2 asks for (success criterion 2.2.1).
var warnings = []int{60, 30, 10}

func (v *visit) timeLimit(l *locale, s *login.State, client *clientView) *timeLimitView {
	t := &timeLimitView{
		More: s.ExtensionsLeft > 0,
		Over: l.text("time.over", "client", client.Name),
		None: l.text("time.none", "client", client.Name),
	}
	text := "consent.time_limit"
	if v.r.URL.Query().Has(extendedParameter) && s.ExpiresAt.After(v.now()) {
		text = "time.extended"
	}
	t.Limit, t.At = v.until(l, text, s.ExpiresAt)
	t.warn(l, "time.warning")
	if client.origin != "" {
		t.ReturnURI, t.ReturnText = client.origin+"/", l.text("common.return", "client", client.Name)
	}
	return t
}

func (t *timeLimitView) warn(l *locale, key string) {
	texts := map[string]string{}
	for _, seconds := range warnings {
		texts[strconv.Itoa(seconds)] = l.count(key, seconds)
	}
	t.Warnings = toJSON(texts)
}

// decide says what the end means for who has a decision to make.
func (t *timeLimitView) decide(l *locale, client *clientView) {
	t.InMain = true
	t.Left = l.count("consent.time_left", minutes(time.Duration(t.At.Seconds)*time.Second))
	t.After = l.text("consent.time_after", "client", client.Name)
	t.Over = l.text("consent.time_over", "client", client.Name)
	t.warn(l, "consent.time_warning")
}

// extendedParameter says to the page that follows that there is more time.
const extendedParameter = "extended"

// extend puts the end of the login off. A script asks in the background, so that nothing that was typed is lost, and gets
// what there is to say.
func (v *visit) extend() {
	state, err := v.flow.Extend(v.r.Context(), v.handle)
	if state == nil || state.Step == login.StepDone {
		v.moved(state, err)
		return
	}
	v.setHeaders(v.w.Header(), state.RedirectURI)
	v.cookies.set(v.w, v.handle, v.language, state, state.ExpiresAt.Sub(v.now()))
	if !strings.Contains(v.r.Header.Get("Accept"), "application/json") {
		page := place(state)
		if err == nil {
			page += "?" + extendedParameter
		}
		v.redirect(page)
		return
	}
	l := v.locale(state)
	before, at := v.until(l, "time.extended", state.ExpiresAt)
	v.w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(v.w).Encode(map[string]any{
		"extended": err == nil, "seconds": at.Seconds, "end": at.ISO, "text": before + at.Text + at.After, "more": state.ExtensionsLeft > 0,
	})
}

// minutes are the whole minutes that are left, and one at the end.
func minutes(d time.Duration) int { return max(1, int(d/time.Minute)) }
