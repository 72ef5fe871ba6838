package authenticatortest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/gosignet/signet/authenticator"
)

// codeRules are for Authenticators whose factors include authenticator.OTP.
var codeRules = []rule{
	{
		name: "ReceiptOfUnknownPerson",
		rule: "Somebody unknown gets a receipt of the same shape, with masked destinations that stay the same.",
		why:  "Otherwise asking for codes tells who is registered.",
		check: func(ctx context.Context, s *subject) error {
			if s.sender() == nil {
				return nil
			}
			known, err := s.sendCode(ctx, codeRequest(transaction(), s.Person))
			if err != nil {
				return err
			}
			unknown, err := s.sendCode(ctx, codeRequest(transaction(), s.Unknown))
			if err != nil {
				return fmt.Errorf("somebody unknown: %w", err)
			}
			again, err := s.sendCode(ctx, codeRequest(transaction(), s.Unknown))
			if err != nil {
				return fmt.Errorf("somebody unknown, again: %w", err)
			}
			if !slices.Equal(unknown.Destinations, again.Destinations) {
				return errors.New("somebody unknown has other destinations every time")
			}
			return sameShape(known, unknown)
		},
	},
	{
		name: "MaskedDestinations",
		rule: "A receipt names 1 to 8 destinations, of at most 256 bytes each, and none of them in full.",
		why:  "Anyone who knows an identifier can ask for a code, and would learn the person's telephone number.",
		check: func(ctx context.Context, s *subject) error {
			if s.sender() == nil {
				return nil
			}
			receipt, err := s.sendCode(ctx, codeRequest(transaction(), s.Person))
			if err != nil {
				return err
			}
			if n := len(receipt.Destinations); n == 0 || n > 8 {
				return fmt.Errorf("there are %d destinations", n)
			}
			contacts, err := s.contacts(ctx)
			if err != nil {
				return err
			}
			for _, d := range receipt.Destinations {
				digits := 0
				for _, r := range d {
					if unicode.IsDigit(r) {
						digits++
					}
				}
				// A telephone number of E.164 has 8 digits or more without the country's code.
				if len(d) > 256 || digits > 7 || slices.Contains(contacts, compact(d)) {
					return errors.New("a destination is not masked, or too long")
				}
			}
			return nil
		},
	},
	{
		name: "CodeOnce",
		rule: "A code that was right is wrong from then on.",
		why:  "Who looks over a shoulder, or reads the message later, must not get in with it.",
		check: func(ctx context.Context, s *subject) error {
			if s.sender() == nil {
				return nil
			}
			tx := transaction()
			code, err := s.right(ctx, tx, authenticator.OTP)
			if err != nil {
				return err
			}
			if _, err := s.authenticate(ctx, request(tx, s.Person, code)); err != nil {
				return fmt.Errorf("the code was refused: %w", err)
			}
			_, err = s.authenticate(ctx, request(tx, s.Person, code))
			return expectReason("a used code", err, authenticator.WrongCredentials, authenticator.CodeExpired)
		},
	},
	{
		name: "CodeOfItsLogin",
		rule: "A code works in the transaction that it was sent in, and for the person whom it was sent to.",
		why:  "Otherwise a code that somebody was talked into giving away opens a login of somebody else.",
		check: func(ctx context.Context, s *subject) error {
			if s.sender() == nil {
				return nil
			}
			tx := transaction()
			code, err := s.right(ctx, tx, authenticator.OTP)
			if err != nil {
				return err
			}
			_, err = s.authenticate(ctx, request(transaction(), s.Person, code))
			if err := expectReason("in another login", err, authenticator.WrongCredentials, authenticator.CodeExpired); err != nil {
				return err
			}
			_, err = s.authenticate(ctx, request(tx, s.Unknown, code))
			return expectReason("for somebody else", err, authenticator.WrongCredentials, authenticator.CodeExpired)
		},
	},
	{
		name: "CodeExpires",
		rule: "A code that has expired is CodeExpired, for somebody unknown too.",
		why:  "The page then says that another code helps; WrongCredentials would let the person type it again and again.",
		check: func(ctx context.Context, s *subject) error {
			if s.sender() == nil || s.Expire == nil {
				return nil
			}
			tx, other := transaction(), transaction()
			code, err := s.right(ctx, tx, authenticator.OTP)
			if err != nil {
				return err
			}
			if _, err := s.sendCode(ctx, codeRequest(other, s.Unknown)); err != nil {
				return err
			}
			s.Expire()
			_, err = s.authenticate(ctx, request(tx, s.Person, code))
			if err := expectReason("an expired code", err, authenticator.CodeExpired); err != nil {
				return err
			}
			_, err = s.authenticate(ctx, request(other, s.Unknown, code))
			return expectReason("an expired code of somebody unknown", err, authenticator.CodeExpired)
		},
	},
}

// sameShape compares what receipts tell without being read.
func sameShape(known, unknown *authenticator.CodeReceipt) error {
	switch {
	case len(known.Destinations) != len(unknown.Destinations):
		return fmt.Errorf("%d destinations, and %d for somebody unknown", len(known.Destinations), len(unknown.Destinations))
	case known.Length != unknown.Length:
		return fmt.Errorf("the Length is %d, and %d for somebody unknown", known.Length, unknown.Length)
	case !sameMoment(known.ExpiresAt, unknown.ExpiresAt) || !sameMoment(known.ResendAfter, unknown.ResendAfter):
		return errors.New("the times of the receipt differ for somebody unknown")
	}
	return nil
}

// contacts returns addresses of the Person that claims tell, as compact writes them.
func (s *subject) contacts(ctx context.Context) ([]string, error) {
	var names, contacts []string
	for _, name := range []string{"phone_number", "email"} {
		if slices.Contains(s.Claims, name) {
			names = append(names, name)
		}
	}
	if names == nil {
		return nil, nil
	}
	claims, err := s.release(ctx, names, nil)
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		var text string
		if json.Unmarshal(claims[name], &text) == nil {
			contacts = append(contacts, compact(text))
		}
	}
	return contacts, nil
}

// compact removes what telephone numbers are grouped with.
func compact(address string) string {
	return strings.NewReplacer(" ", "", "-", "", "(", "", ")", "").Replace(address)
}
