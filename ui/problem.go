package ui

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/login"
)

// Problems travel from a form to the page that follows it in the query, by name: nothing that was typed is in a URL,
// and the page can only say what the catalogue says.
const (
	problemParameter = "problem"
	untilParameter   = "until"
)

// typingProblems are what may be the matter with a form before the flow sees it.
var typingProblems = []string{
	"missing_option", "missing_identifier", "missing_code", "missing_password", "missing_pin", "missing_answer", "missing_capture",
	"missing_passkey", "missing_channel", "too_long", "no_codes_left", "other_person", "missing_essential",
	"failed_verification", "unavailable_verification", captchaProblem, waitProblem, lastAnswerProblem, walletLateProblem,
}

const (
	captchaProblem = "captcha"
	// waitProblem is TooSoon of an answer, where that of a code is about another code.
	waitProblem = "wait"
	// lastAnswerProblem is that a form was sent twice, whose first answer may end the login.
	lastAnswerProblem = "last_answer"
	// walletLateProblem is that a wallet took a login and did not finish it.
	walletLateProblem = "wallet_late"
)

var reasons = []authenticator.Reason{
	authenticator.WrongCredentials, authenticator.CodeExpired, authenticator.TooSoon, authenticator.Locked,
	authenticator.Unsupported, authenticator.Unavailable,
}

func problemQuery(problem string) string { return "?" + problemParameter + "=" + problem }

// reasonQuery is the query for what went wrong with the form that was sent to a page.
func reasonQuery(e *authenticator.Error, page string) string {
	reason := e.Reason
	if !slices.Contains(reasons, reason) {
		reason = authenticator.Unavailable
	}
	if reason == authenticator.TooSoon && strings.HasPrefix(page, verifyPage) {
		reason = waitProblem
	}
	q := problemQuery(string(reason))
	if !e.RetryAt.IsZero() {
		q += "&" + untilParameter + "=" + strconv.FormatInt(e.RetryAt.Unix(), 10)
	}
	return q
}

// problemView is what went wrong, as the page says it.
type problemView struct {
	// Text is the message, up to the time in it if it names one.
	Text string
	Time *timeView
	// Field is the id of the field that is to be corrected, if there is one.
	Field string
	// Fields are those of a form of several, each with what is the matter with it, instead of Text.
	Fields []fieldProblem
	// RetryAfter is in how many seconds to come back, if it is that the identity system does not answer.
	RetryAfter int
}

// of returns what is the matter with the field, empty if it is something else.
func (p *problemView) of(field string) string {
	if p == nil || p.Field != field {
		return ""
	}
	return p.Text
}

type fieldProblem struct{ Field, Text string }

// timeView is a time, the text that follows it, and how long it is till then.
type timeView struct {
	ISO, Text, After string
	Seconds          int
	// Countdown is what is left, as a clock counts down.
	Countdown string
}

// problem reads from the query what went wrong before the page. Anything but what this package writes there is
// ignored.
func (v *visit) problem(l *locale, q url.Values, s *login.State) *problemView {
	name := q.Get(problemParameter)
	if !slices.Contains(typingProblems, name) && !slices.Contains(reasons, authenticator.Reason(name)) {
		return nil
	}
	p := &problemView{Field: v.problemField(name, s)}
	key, about := "problem."+name, string(s.Factor)
	switch {
	case v.page == enrollPage:
		about = "enroll"
	case strings.HasPrefix(v.page, identifyPage):
		about = "identify" // where there is no code yet that could be wrong
	}
	switch specific := key + "_" + about; {
	case !l.has(specific):
	case !l.has(specific + "_alone"):
		key = specific
	case s.IdentifierKnown || s.IdentifierFixed: // which nobody typed beside the answer
		key = specific + "_alone"
	case len(v.identifiers) == 0: // of several kinds, not each is a number
		key = specific
	}
	now := v.now()
	seconds, err := strconv.ParseInt(q.Get(untilParameter), 10, 64)
	until := time.Unix(seconds, 0)
	const maxWait = 365 * 24 * time.Hour
	known := err == nil && until.After(now) && until.Sub(now) <= maxWait
	if name == string(authenticator.Unavailable) {
		p.RetryAfter = retryAfter
		if known {
			p.RetryAfter = ceil(until.Sub(now), time.Second)
		}
	}
	if !known || !l.has(key+"_until") {
		p.Text = l.text(key)
		return p
	}
	p.Text, p.Time = v.until(l, key+"_until", until)
	return p
}

// until returns the text for the key, which is cut where its time stands, so that the page can mark that up.
func (u *UI) until(l *locale, key string, t time.Time) (before string, at *timeView) {
	const mark = "\x00"
	left := t.Sub(u.now())
	before, after, _ := strings.Cut(l.text(key, "wait", wait(l, left), "time", mark), mark)
	seconds := ceil(left, time.Second)
	return before, &timeView{
		ISO: t.UTC().Format(time.RFC3339), Text: u.clock(l, t), After: after, Seconds: seconds, Countdown: l.countdown(seconds),
	}
}

// problemField returns the id of the field of the page that the problem is about.
func (v *visit) problemField(name string, s *login.State) string {
	step, factor, _ := strings.Cut(v.page, "/")
	switch {
	case name == "missing_channel":
		return "channel-0"
	case name == "missing_identifier", step == "identify" && (name == "wrong_credentials" || name == "too_long"):
		return v.identifierID(factor, s)
	case step != "verify", s.Form != nil, !hasPage(s.Factor), s.Factor == authenticator.Passkey, s.Factor == authenticator.Biometrics:
		return ""
	case strings.HasPrefix(name, "missing_") || name == "wrong_credentials" || name == "too_long":
		if s.Factor == authenticator.OTP {
			return "otp_verify_input"
		}
		return "response"
	}
	return ""
}

// identifierID is the id of the identifier's field on the page of the factor. It ends in the type of the identifier,
// which is vid where there is but one.
func identifierID(factor, kind string) string {
	if kind == "" {
		kind = "vid"
	}
	switch authenticator.Factor(factor) {
	case authenticator.OTP:
		factor = "Otp"
	case authenticator.Password:
		factor = "Password"
	case authenticator.PIN:
		factor = "Pin"
	case authenticator.Biometrics:
		factor = "sbi"
	}
	return factor + "_" + kind
}

// wait says how long, in words.
func wait(l *locale, d time.Duration) string {
	switch {
	case d <= 90*time.Second:
		return l.count("wait.seconds", ceil(d, time.Second))
	case d <= 90*time.Minute:
		return l.count("wait.minutes", ceil(d, time.Minute))
	}
	return l.count("wait.hours", ceil(d, time.Hour))
}

func ceil(d, unit time.Duration) int { return int((d + unit - 1) / unit) }
