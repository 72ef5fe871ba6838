package registry

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/gosignet/signet/oauth"
)

// Bounds of a registration.
const (
	// MaxSize is the length of the longest registration in bytes.
	MaxSize = 128 << 10

	maxText = 2048
	maxList = 100
)

// InvalidError says what is wrong with a registration or a change of one. It is the caller's fault, and the same call
// will never succeed.
type InvalidError struct {
	// Mistakes has one line for each, which names the member.
	Mistakes []string
}

func (e *InvalidError) Error() string { return strings.Join(e.Mistakes, "\n") }

// invalid returns an InvalidError with one mistake.
func invalid(format string, args ...any) *InvalidError {
	return &InvalidError{[]string{fmt.Sprintf(format, args...)}}
}

// Parse reads a registration, a JSON object of client metadata with a client_id. Whatever is wrong with it, in form or
// for [oauth.Client.Validate], is in one [InvalidError]. With it comes the client as far as it was read, so that a
// message can name it.
//
// Members that are unknown, or there twice, are mistakes. A sector_identifier_uri stands for its host: what is under it
// is not fetched, because whoever registers clients is trusted with that. A userinfo_signed_response_alg that is absent
// means that of the ID Token, and "none" means JSON.
func Parse(data []byte) (*oauth.Client, error) {
	members, err := split(data)
	if err != nil {
		return &oauth.Client{}, err
	}
	client, mistakes := assemble(members)
	mistakes = append(mistakes, lines(client, client.Validate())...)
	if len(mistakes) > 0 {
		return client, &InvalidError{mistakes}
	}
	return client, nil
}

// ParseAll reads a JSON array of registrations, as [Parse] reads one. No two may have the same client_id. The mistakes
// of all are in one [InvalidError], each with the client that it is about.
func ParseAll(data []byte) ([]*oauth.Client, error) {
	var registrations []json.RawMessage
	if err := decode(data, &registrations); err != nil {
		return nil, invalid("not a JSON array of objects: %s", printable(err.Error()))
	}
	var clients []*oauth.Client
	var mistakes []string
	seen := make(map[string]bool)
	for i, registration := range registrations {
		client, err := Parse(registration)
		who := fmt.Sprintf("client %d (without client_id): ", i+1)
		if client.ID != "" {
			who = fmt.Sprintf("client %d (%s): ", i+1, printable(client.ID))
			if seen[client.ID] {
				mistakes = append(mistakes, who+"client_id: an earlier client has the same")
			}
			seen[client.ID] = true
		}
		if e, ok := errors.AsType[*InvalidError](err); ok {
			for _, mistake := range e.Mistakes {
				mistakes = append(mistakes, who+mistake)
			}
		}
		clients = append(clients, client)
	}
	if len(mistakes) > 0 {
		return nil, &InvalidError{mistakes}
	}
	return clients, nil
}

// Marshal returns the registration of a valid client, from which [Parse] makes the same client. Members that say nothing
// are left out, and of a sector_identifier_uri the host comes back. What no registration can say is an [InvalidError], a
// private key above all.
func Marshal(c *oauth.Client) ([]byte, error) {
	var out bytes.Buffer
	put := func(name string, value any) error {
		text, err := json.Marshal(value)
		if err != nil {
			return fmt.Errorf("registry: client %q: %s: %w", c.ID, name, err)
		}
		out.WriteByte(',')
		out.WriteString(strconv.Quote(name))
		out.WriteByte(':')
		out.Write(text)
		return nil
	}
	for _, m := range table {
		value, err := m.get(c)
		if err == nil && value != nil {
			err = put(m.name, value)
		}
		if err != nil {
			return nil, err
		}
		if m.texts == nil {
			continue
		}
		texts := *m.texts(c)
		for _, language := range slices.Sorted(maps.Keys(texts)) {
			if language == "" || texts[language] == "" {
				continue
			}
			if err := put(m.name+"#"+language, texts[language]); err != nil {
				return nil, err
			}
		}
	}
	out.WriteByte('}')
	text := out.Bytes()
	text[0] = '{' // the comma before the first member, and client_id is always one
	return text, nil
}

// split takes the members of a registration apart.
func split(data []byte) (map[string]json.RawMessage, error) {
	var members map[string]json.RawMessage
	switch {
	case len(data) > MaxSize:
		return nil, invalid("a registration has at most %d bytes", MaxSize)
	case !utf8.Valid(data):
		return nil, invalid("a registration is UTF-8")
	}
	if err := decode(data, &members); err != nil {
		return nil, invalid("not a JSON object: %s", printable(err.Error()))
	}
	return members, nil
}

// assemble returns what the members say, and a line for each that says nothing of sense.
func assemble(members map[string]json.RawMessage) (*oauth.Client, []string) {
	client := new(oauth.Client)
	var mistakes []string
	for _, name := range slices.Sorted(maps.Keys(members)) {
		if err := set(client, name, members[name]); err != nil {
			mistakes = append(mistakes, printable(name)+": "+printable(err.Error()))
		}
	}
	return client, mistakes
}

// lines takes joined errors of oauth about a client apart. Whoever reads them knows which client they are about.
func lines(c *oauth.Client, err error) []string {
	if err == nil {
		return nil
	}
	var all []string
	for line := range strings.Lines(err.Error()) {
		all = append(all, strings.TrimPrefix(strings.TrimSuffix(line, "\n"), fmt.Sprintf("oauth: client %q: ", c.ID)))
	}
	return all
}

// printable returns text from outside on one line, and not too long.
func printable(s string) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return '�'
	}, s)
	if runes := []rune(s); len(runes) > 256 {
		return string(runes[:256]) + "…"
	}
	return s
}
