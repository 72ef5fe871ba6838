package ui

import (
	"cmp"

	"github.com/gosignet/signet/login"
)

// The types of purposes that have words of their own. All others are a login.
const (
	purposeVerify = "verify"
	purposeLink   = "link"
	purposeNone   = "none"
)

// purpose is what a person logs in to the client for, as the client says it, or nothing.
type purpose struct{ kind, title, subTitle string }

func purposeOf(l *locale, s *login.State) purpose {
	p := s.Client.Purpose
	if p == nil {
		return purpose{}
	}
	return purpose{p.Type, plainText(l.nameIn(p.Title), maxPurpose), plainText(l.nameIn(p.SubTitle), maxPurpose)}
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
func (p purpose) heading(l *locale, client, lead string) (heading, below string) {
	if p.kind == purposeNone {
		return cmp.Or(p.title, lead), p.subTitle
	}
	key, _ := p.texts()
	return cmp.Or(p.title, l.text(key, "client", client)), cmp.Or(p.subTitle, lead)
}
