package ui

import "github.com/gosignet/signet/login"

// The types of purposes that have words of their own. All others are a login.
const (
	purposeVerify = "verify"
	purposeLink   = "link"
	purposeNone   = "none"
)

// purpose is what a person logs in to the client for, as the client says it, or nothing.
type purpose struct {
	kind            string
	title, subTitle clientText
}

func purposeOf(l *locale, s *login.State) purpose {
	p := s.Client.Purpose
	if p == nil {
		return purpose{}
	}
	return purpose{p.Type, l.clientText(p.Title, maxPurpose), l.clientText(p.SubTitle, maxPurpose)}
}

// texts returns the keys of the heading and of the buttons.
func (p purpose) texts() (heading, with string) {
	switch p.kind {
	case purposeVerify:
		return "choose.heading_verify", "choose.with_verify"
	case purposeLink:
		return "choose.heading_link", "choose.with_link"
	}
	return "choose.heading", "choose.with"
}

// heading is that of the page on which people choose how to log in, and what follows it. The lead is what they are asked to
// do. A client without a purpose says nothing, so that this alone is the heading.
func (p purpose) heading(l *locale, client, lead string) (heading, below clientText) {
	ours := clientText{Text: lead}
	if p.kind == purposeNone {
		return p.title.or(ours), p.subTitle
	}
	key, _ := p.texts()
	return p.title.or(clientText{Text: l.text(key, "client", client)}), p.subTitle.or(ours)
}

func (t clientText) or(ours clientText) clientText {
	if t.Text == "" {
		return ours
	}
	return t
}
