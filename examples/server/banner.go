package main

import (
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/gosignet/signet/authenticator/mock"
)

// writeBanner says where to click and whom to log in as.
func writeBanner(w io.Writer, c *config, e *endpoints, identity *identitySystem) {
	fmt.Fprint(w, "\nSignet is running.\n\n")
	if e.portal != nil {
		fmt.Fprintf(w, "  Open      %s and sign in\n", e.portal.url())
	}
	fmt.Fprintf(w, "  Account   %s%s : what people share with whom, to look up and to take back\n", c.issuer, accountPath)
	fmt.Fprintf(w, "  Provider  %s/.well-known/openid-configuration\n", c.issuer)
	if address := e.provider.url(); address != c.issuer {
		fmt.Fprintf(w, "  Listening on %s\n", address)
	}
	if c.uiPreview {
		fmt.Fprintf(w, "  Pages     %s%s : every page in every state\n", e.provider.url(), c.previewPath())
	}
	if e.mock != nil {
		fmt.Fprintf(w, "  People    %s%s : the identity system, over HTTP; whoever reaches it can be any of them\n", e.mock.url(), mock.BasePath)
	}
	invented := ""
	if identity.people != nil {
		writePeople(w, c, identity)
		invented = "The people are invented. "
	}
	forgotten := ""
	if c.store == "" {
		forgotten = "All that happens is forgotten when the server stops. "
	}
	fmt.Fprintf(w, "\n%s%sCtrl-C stops it.\n\n", invented, forgotten)
}

// writePeople lists the invented people, and what they answer.
func writePeople(w io.Writer, c *config, identity *identitySystem) {
	fmt.Fprintf(w, "\nLog in as one of these people, with the code %s", mock.OTP)
	if c.identityFile == "" {
		fmt.Fprintf(w, " or the password %s", c.demoPassword)
	}
	fmt.Fprintf(w, ":\n\n")
	table := tabwriter.NewWriter(w, 0, 0, 3, ' ', 0)
	fmt.Fprintln(table, "  NATIONAL ID\tNAME")
	for _, p := range identity.people.Personas() {
		name := p.Name()
		if english := p.EnglishName(); english != name {
			name += " (" + english + ")"
		}
		fmt.Fprintf(table, "  %s\t%s\n", p.NationalID, name)
	}
	table.Flush()
}
