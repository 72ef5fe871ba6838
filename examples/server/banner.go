package main

import (
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/gosignet/signet/authenticator/mock"
)

// writeBanner says where to click and whom to log in as.
func writeBanner(w io.Writer, c *config, e *endpoints, people []mock.Persona) {
	fmt.Fprint(w, "\nSignet is running.\n\n")
	if e.portal != nil {
		fmt.Fprintf(w, "  Open      %s and sign in\n", e.portal.url())
	}
	fmt.Fprintf(w, "  Provider  %s/.well-known/openid-configuration\n", c.issuer)
	if address := e.provider.url(); address != c.issuer {
		fmt.Fprintf(w, "  Listening on %s\n", address)
	}
	fmt.Fprintf(w, "\nLog in as one of these people, with the code %s or the password %s:\n\n", mock.OTP, c.demoPassword)
	table := tabwriter.NewWriter(w, 0, 0, 3, ' ', 0)
	fmt.Fprintln(table, "  NATIONAL ID\tNAME")
	for _, p := range people {
		name := p.Name()
		if english := p.EnglishName(); english != name {
			name += " (" + english + ")"
		}
		fmt.Fprintf(table, "  %s\t%s\n", p.NationalID, name)
	}
	table.Flush()
	forgotten := ""
	if c.store == "" {
		forgotten = ", and all that happens is forgotten when the server stops"
	}
	fmt.Fprintf(w, "\nThe people are invented%s. Ctrl-C stops it.\n\n", forgotten)
}
