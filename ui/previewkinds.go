package ui

import (
	"net/url"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/login"
)

// previewKinds are kinds of identifiers, of which a deployment may have several.
var previewKinds = []IdentifierType{
	{Name: "vid", Icon: "card", Keyboard: keyboardNumeric, Pattern: `\d{10}`},
	{
		Name: "mobile", Icon: "phone", Keyboard: keyboardTel, Pattern: `\d{8,9}`,
		Prefixes: []IdentifierPrefix{{Value: "+855", Label: "KHM"}, {Value: "+91", Label: "IND"}},
	},
	{Name: "email", Icon: "email", Keyboard: keyboardEmail, Pattern: `\S+@\S+`},
}

// kindScreens show the choice of who the person is by.
func kindScreens() []screen {
	identify := identifyPage + string(authenticator.OTP)
	// kinds has the page know the kinds, and shows it.
	kinds := func(name, title, page string, change func(s *login.State), show func(v *visit)) screen {
		return newScreen(name, title, func(p *previewVisit) {
			v := p.visit(page, "", change)
			v.identifiers = previewKinds
			show(v)
		})
	}
	return []screen{
		kinds("kinds", "Kinds of identifiers", identify, at(login.StepIdentify, authenticator.OTP), (*visit).get),
		kinds("kinds-errors", "Kinds of identifiers: with a mistake in one that has prefixes", identify, at(login.StepIdentify, authenticator.OTP), func(v *visit) {
			v.readIdentifier(url.Values{
				"identified": {"1"}, "identifier_type": {"mobile"}, "prefix.mobile": {"+855"}, "identifier.mobile": {"12 345"},
			})
		}),
		kinds("kinds-code", "Kinds of identifiers: the code that was sent", verifyPage+string(authenticator.OTP), codeSent, (*visit).get),
	}
}
