package directory_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/authenticator/directory"
)

func TestReceiptsMaskTheDestination(t *testing.T) {
	t.Parallel()
	tests := []struct {
		channel       directory.Channel
		address, want string
	}{
		{directory.SMS, "+85512345321", "+855 •• ••• 321"},
		{directory.SMS, "+855 12 345 321", "+855 •• ••• 321"},
		{directory.SMS, "+919876543210", "+91 • ••• ••• 210"},
		{directory.SMS, "+1 (415) 555-0123", "+1 • ••• ••• 123"},
		{directory.SMS, "012 345 321", "••• ••• 321"},
		{"whatsapp", "+85512345321", "+855 •• ••• 321"},
		{directory.SMS, "321", "•••"},
		{directory.SMS, "", "•••"},
		{directory.Email, "sophea@example.org", "s•••@e•••"},
		{directory.Email, "s@e", "s•••@e•••"},
		{directory.Email, `"a@b"@example.org`, `"•••@e•••`},
		{directory.Email, "សុភា@ឧទាហរណ៍.example", "ស•••@ឧ•••"},
		{directory.Email, "nobody", "•••"},
		{directory.Email, "@example.org", "•••"},
		{directory.Email, "sophea@", "•••"},
	}
	for _, tt := range tests {
		t.Run(tt.address, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t, func(c *directory.Config) {
				c.Lookup = func(context.Context, authenticator.Identifier) (*directory.Person, error) {
					return &directory.Person{
						Subject:  "person",
						Contacts: []directory.Contact{{Channel: tt.channel, Address: tt.address}, {Channel: directory.SMS, Address: "+85512000000"}},
					}, nil
				}
			})
			receipt, err := f.SendCode(t.Context(), codeRequest(exampleTxn, sokID))
			require.NoError(t, err)
			assert.Equal(t, []string{tt.want}, receipt.Destinations)
			assert.Equal(t, tt.address, (<-f.sender).To.Address, "the first contact gets the code")
		})
	}
}
