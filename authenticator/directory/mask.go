package directory

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/gosignet/signet/authenticator"
)

const (
	// bullet stands for a character that is not shown, hidden for an address of which nothing is.
	bullet = "•"
	hidden = "•••"

	minPhoneDigits = 7
	shownDigits    = 3
	phoneGroup     = 3
)

// mask shows enough of an address for its owner: of a telephone number the country code, the number of digits and the
// last three ("+855 •• ••• 321"), of an e-mail address the first letters of its halves, whatever their lengths
// ("s•••@e•••").
func mask(c Contact) string {
	if c.Channel == Email {
		return maskEmail(c.Address)
	}
	return maskPhone(c.Address)
}

func maskEmail(address string) string {
	local, domain, ok := cutLast(address, '@')
	if !ok || local == "" || domain == "" {
		return hidden
	}
	return firstRune(local) + hidden + "@" + firstRune(domain) + hidden
}

func maskPhone(number string) string {
	digits := strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, number)
	if len(digits) < minPhoneDigits {
		return hidden
	}
	var country string
	if strings.HasPrefix(number, "+") {
		n := countryCodeLength(digits)
		country, digits = "+"+digits[:n]+" ", digits[n:]
	}
	var b strings.Builder
	b.WriteString(country)
	for i := range digits {
		left := len(digits) - i
		if i > 0 && left%phoneGroup == 0 {
			b.WriteByte(' ')
		}
		if left <= shownDigits {
			b.WriteByte(digits[i])
		} else {
			b.WriteString(bullet)
		}
	}
	return b.String()
}

// twoDigitCodes are the country codes of two digits (ITU-T E.164). Those that begin with 1 or 7 have one, the rest three.
const twoDigitCodes = "20 27 30 31 32 33 34 36 39 40 41 43 44 45 46 47 48 49 51 52 53 54 55 56 57 58 " +
	"60 61 62 63 64 65 66 81 82 84 86 90 91 92 93 94 95 98"

func countryCodeLength(digits string) int {
	switch {
	case digits[0] == '1' || digits[0] == '7':
		return 1
	case slices.Contains(strings.Fields(twoDigitCodes), digits[:2]):
		return 2
	}
	return 3
}

// decoys invent the contacts of unknown people.
type decoys struct {
	key      []byte
	channels []Channel // one per example
	examples map[Channel][]Contact
}

func newDecoys(c Config) (*decoys, error) {
	key, err := c.deriveKey("decoy")
	if err != nil {
		return nil, err
	}
	d := &decoys{key: key, channels: make([]Channel, len(c.Decoys)), examples: make(map[Channel][]Contact)}
	for i, decoy := range c.Decoys {
		d.channels[i] = decoy.Channel
		d.examples[decoy.Channel] = append(d.examples[decoy.Channel], decoy)
	}
	return d, nil
}

// any invents the first contact of an identifier, always the same.
func (d *decoys) any(id authenticator.Identifier) Contact {
	choice := binary.BigEndian.Uint64(keyed(d.key, id.Type, id.Value))
	return d.contact(id, d.channels[choice%uint64(len(d.channels))])
}

// contact invents the contact of an identifier by a channel of which there is an example, always the same.
func (d *decoys) contact(id authenticator.Identifier, channel Channel) Contact {
	sum := keyed(d.key, id.Type, id.Value, string(channel))
	choice, variation := binary.BigEndian.Uint64(sum), binary.BigEndian.Uint64(sum[8:])
	c := d.examples[channel][choice%uint64(len(d.examples[channel]))]
	if c.Channel == Email {
		_, size := utf8.DecodeRuneInString(c.Address)
		c.Address = string(rune('a'+variation%26)) + c.Address[size:]
		return c
	}
	c.Address = replaceLastDigits(c.Address, fmt.Sprintf("%0*d", shownDigits, variation%1000))
	return c
}

func replaceLastDigits(number, with string) string {
	b := []byte(number)
	for i := len(b) - 1; i >= 0 && with != ""; i-- {
		if b[i] >= '0' && b[i] <= '9' {
			b[i], with = with[len(with)-1], with[:len(with)-1]
		}
	}
	return string(b)
}

func firstRune(s string) string {
	_, size := utf8.DecodeRuneInString(s)
	return s[:size]
}

func cutLast(s string, sep byte) (before, after string, found bool) {
	i := strings.LastIndexByte(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+1:], true
}
