package oidc

import (
	"encoding/binary"

	"github.com/gosignet/signet/oauth"
)

// Subject returns the subject under which the client sees the person whom the identity system knows as identity, the
// [authenticator.Identity]'s Subject: 43 characters, the same at all clients of a sector and forever, and unrelated to
// those of other sectors for anyone without the PairwiseSecret.
func (p *Provider) Subject(c *oauth.Client, identity string) string {
	sector := c.Sector()
	input := make([]byte, 0, 256)
	input = binary.BigEndian.AppendUint64(input, uint64(len(sector)))
	input = append(input, sector...)
	return p.subjects.Name(append(input, identity...))
}
