package ui

import (
	"strings"
	"time"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/login"
)

type identifyView struct {
	*page
	identifierView
	Channels []itemView
}

type codeView struct {
	*page
	identifierView
	InvalidResponse                      bool
	Lead, LengthHint, Attempts, Validity string
	CanResend                            bool
	ResendWait                           string
	ResendSeconds                        int
	CodesLeft                            string
	// Length is that of the code, 0 where it is not known.
	Length int
}

type secretView struct {
	*page
	identifierView
	InvalidResponse                    bool
	Label, Missing, Attempts, VerifyID string
	// Digits says that the secret is a number.
	Digits bool
}

type itemView struct{ Name, Label string }

func (v *visit) codeView(l *locale, s *login.State, client *clientView) *codeView {
	p := v.loginPage(l, s, client, l.text("verify.otp.title"))
	c := &codeView{
		page:           p,
		identifierView: v.identifierView(l, s, p),
		Lead:           l.text("verify.otp.sent"),
		Attempts:       l.count("verify.attempts", s.AttemptsLeft),
		CanResend:      s.CodesLeft > 0,
		CodesLeft:      l.count("verify.otp.codes_left", s.CodesLeft),
	}
	c.InvalidResponse = p.Problem != nil && p.Problem.Field != ""
	v.offerPasskeys(p, s)
	if s.Code == nil {
		return c
	}
	if len(s.Code.Destinations) > 0 {
		c.Lead = l.text("verify.otp.sent_to", "destinations", destinations(l, s.Code))
	}
	if s.Code.Length > 0 {
		c.Length, c.LengthHint = s.Code.Length, l.count("verify.otp.hint", s.Code.Length)
		v.enhance(p, codeScript)
	}
	now := v.now()
	if left := s.Code.ExpiresAt.Sub(now); left > 0 {
		c.Validity = l.count("verify.otp.valid", minutes(left))
	}
	if left := s.Code.ResendAfter.Sub(now); left > 0 {
		c.ResendSeconds = ceil(left, time.Second)
		c.ResendWait = l.text("verify.otp.resend_in", "time", l.countdown(c.ResendSeconds))
	}
	return c
}

// destinations lists where a code went, each on one line.
func destinations(l *locale, c *authenticator.CodeReceipt) string {
	const noBreakSpace = "\u00a0"
	list := make([]string, len(c.Destinations))
	for i, d := range c.Destinations {
		list[i] = l.isolate(strings.ReplaceAll(d, " ", noBreakSpace))
	}
	joined := strings.Join(list, l.text("common.list_join"))
	if l.dir == "rtl" { // isolates have no direction, and without one a list runs from left to right
		const rightToLeftMark = "\u200f"
		joined = rightToLeftMark + joined
	}
	return joined
}

func (v *visit) secretView(l *locale, s *login.State, client *clientView) *secretView {
	factor := string(s.Factor)
	title, label, missing := "verify."+factor+".title", factorName(l, s.Factor), "problem.missing_answer"
	if !l.has(title) {
		title = "verify.other.title"
	}
	if key := "verify." + factor + ".label"; l.has(key) {
		label = l.text(key)
	}
	verifyID := "verify_" + factor
	if s.Factor == authenticator.Password {
		missing, verifyID = "problem.missing_password", "verify_password"
	}
	if s.Factor == authenticator.PIN {
		missing = "problem.missing_pin"
	}
	p := v.loginPage(l, s, client, l.text(title))
	p.know(l, s)
	v.offerPasskeys(p, s)
	c := &secretView{
		page:           p,
		identifierView: v.identifierView(l, s, p),
		Label:          label,
		Missing:        l.text(missing),
		Attempts:       l.count("verify.attempts", s.AttemptsLeft),
		VerifyID:       verifyID,
		Digits:         s.Factor == authenticator.PIN,
	}
	c.InvalidResponse = p.Problem != nil && p.Problem.Field == "response"
	return c
}
