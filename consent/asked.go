package consent

import (
	"cmp"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// The bounds of what is asked.
const (
	maxName  = 256
	maxText  = 2 << 10
	maxItems = 256
	// maxAsked is how many bytes of text all items have together: with its receipt that still fits into a record.
	maxAsked = 16 << 10
)

// ErrInvalid says that a caller gave what cannot be asked or decided. The text around it says what is wrong with it.
var ErrInvalid = errors.New("consent: invalid")

// Asked is what a client asks one person to share. Order and repetition mean nothing.
type Asked struct {
	// ClientID is the relying party, and Subject the person's pairwise pseudonym there. Both are required.
	ClientID, Subject string
	// Scopes are those that the person approves one by one; scopes that only stand for claims are not among them.
	Scopes []string
	// Resources are where the scopes would hold (RFC 8707): a scope at another resource is another thing to approve.
	// Without scopes they share nothing.
	Resources []string
	// Essential and Voluntary are the names of claims. One that is in both is essential.
	Essential, Voluntary []string
	// Verified are the verified claims (OpenID Identity Assurance).
	Verified []Verified
}

// Verified is a claim that is asked for with a proof of its verification.
type Verified struct {
	Name string
	// Purpose is why the client wants it, in the client's words. It may be empty.
	Purpose string
	// TrustFrameworks are those of which one will do. None means any.
	TrustFrameworks []string
	// Evidence says that the client is told of the evidence too, such as the number of an identity card.
	Evidence bool
	// Essential says that the client cannot do without it.
	Essential bool
}

// Canonical returns the one spelling of what is asked: JSON in the form of RFC 8785 (no white space, members in the order
// of their names, only the quotation mark and the backslash escaped), with all members always there:
//
//	{"client_id":"c","essential":["name"],"resources":[],"scopes":[],
//	 "verified":[{"essential":false,"evidence":false,"name":"birthdate","purpose":"Age","trust_frameworks":["eidas"]}],
//	 "voluntary":["email"]}
//
// on one line. Lists are sorted by the bytes of their entries in UTF-8, and have no entry twice; verified claims are
// sorted by their own canonical forms. A claim that is both essential and voluntary is only essential. The subject is
// left out: what is asked is the same whoever is asked.
func (a *Asked) Canonical() []byte {
	essential := set(a.Essential)
	b := appendString([]byte(`{"client_id":`), a.ClientID)
	b = appendStrings(append(b, `,"essential":`...), essential)
	b = appendStrings(append(b, `,"resources":`...), set(a.Resources))
	b = appendStrings(append(b, `,"scopes":`...), set(a.Scopes))
	verified := make([]string, len(a.Verified))
	for i, v := range a.Verified {
		verified[i] = v.canonical()
	}
	b = append(append(b, `,"verified":[`...), strings.Join(set(verified), ",")...)
	b = appendStrings(append(b, `],"voluntary":`...), without(set(a.Voluntary), essential))
	return append(b, '}')
}

// Hash returns the SHA-256 of the canonical form in base64url without padding: 43 characters.
func (a *Asked) Hash() string {
	sum := sha256.Sum256(a.Canonical())
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

func (v *Verified) canonical() string {
	b := strconv.AppendBool([]byte(`{"essential":`), v.Essential)
	b = strconv.AppendBool(append(b, `,"evidence":`...), v.Evidence)
	b = appendString(append(b, `,"name":`...), v.Name)
	b = appendString(append(b, `,"purpose":`...), v.Purpose)
	b = appendStrings(append(b, `,"trust_frameworks":`...), set(v.TrustFrameworks))
	return string(append(b, '}'))
}

// Kind says what an Item is.
type Kind string

// The kinds of items.
const (
	Scope         Kind = "scope"
	Claim         Kind = "claim"
	VerifiedClaim Kind = "verified_claim"
)

// Item is one thing that a person grants or refuses.
type Item struct {
	Kind Kind   `json:"kind"`
	Name string `json:"name"`
	// Resource is where a scope holds, empty for anywhere.
	Resource string `json:"resource,omitempty"`
	// Purpose, TrustFrameworks and Evidence are those of a verified claim.
	Purpose         string   `json:"purpose,omitempty"`
	TrustFrameworks []string `json:"trust_frameworks,omitempty"`
	Evidence        bool     `json:"evidence,omitempty"`
	// Essential says that the client calls the claim so.
	Essential bool `json:"essential,omitempty"`
}

// key tells items apart; texts have no control characters. Essential is not in it: it changes how much the client wants an
// item, not what it is.
func (i *Item) key() string {
	key := string(i.Kind) + "\x00" + i.Name + "\x00" + i.Resource + "\x00" + i.Purpose
	if len(i.TrustFrameworks) > 0 {
		key += "\x00" + strings.Join(i.TrustFrameworks, "\x00")
	}
	if i.Evidence { // no text is empty
		key += "\x00\x00evidence"
	}
	return key
}

// Items returns what the person is asked about, one by one, in a fixed order; those of one kind and name follow each
// other. With none there is nothing to ask.
func (a *Asked) Items() []Item {
	items := make([]Item, 0, len(a.Scopes)+len(a.Essential)+len(a.Voluntary)+len(a.Verified))
	resources := set(a.Resources)
	if len(resources) == 0 {
		resources = []string{""}
	}
	for _, name := range set(a.Scopes) {
		for _, resource := range resources {
			items = append(items, Item{Kind: Scope, Name: name, Resource: resource})
		}
	}
	essential := set(a.Essential)
	for _, name := range essential {
		items = append(items, Item{Kind: Claim, Name: name, Essential: true})
	}
	for _, name := range without(set(a.Voluntary), essential) {
		items = append(items, Item{Kind: Claim, Name: name})
	}
	verified := make([]Item, len(a.Verified))
	for i, v := range a.Verified {
		verified[i] = Item{
			Kind: VerifiedClaim, Name: v.Name, Purpose: v.Purpose, TrustFrameworks: set(v.TrustFrameworks), Evidence: v.Evidence,
			Essential: v.Essential,
		}
	}
	slices.SortFunc(verified, func(x, y Item) int {
		return cmp.Or(cmp.Compare(x.Name, y.Name), cmp.Compare(x.key(), y.key()))
	})
	for _, item := range verified {
		if last := len(items) - 1; last >= 0 && items[last].key() == item.key() {
			items[last].Essential = items[last].Essential || item.Essential
			continue
		}
		items = append(items, item)
	}
	return items
}

// validate says everything that is wrong with what is asked.
func (a *Asked) validate() error {
	errs := []error{checkText("ClientID", a.ClientID, 1, maxName), checkText("Subject", a.Subject, 1, maxName)}
	for _, list := range []struct {
		name  string
		names []string
	}{{"Scopes", a.Scopes}, {"Resources", a.Resources}, {"Essential", a.Essential}, {"Voluntary", a.Voluntary}} {
		for _, name := range list.names {
			errs = append(errs, checkText(list.name, name, 1, maxText))
		}
	}
	for _, v := range a.Verified {
		errs = append(errs, checkText("Verified", v.Name, 1, maxName), checkText("Verified: Purpose", v.Purpose, 0, maxText))
		for _, name := range v.TrustFrameworks {
			errs = append(errs, checkText("Verified: TrustFrameworks", name, 1, maxName))
		}
	}
	if count, size := a.size(); count > maxItems || size > maxAsked {
		errs = append(errs, fmt.Errorf("%w: more is asked than %d items with %d bytes of text", ErrInvalid, maxItems, maxAsked))
	}
	return errors.Join(errs...)
}

// size is how many items, with how many bytes of text, are asked, before anything is made of them.
func (a *Asked) size() (count, size int) {
	total := func(lists ...[]string) (size int) {
		for _, list := range lists {
			for _, s := range list {
				size += len(s)
			}
		}
		return size
	}
	places := max(1, len(a.Resources))
	count = len(a.Scopes)*places + len(a.Essential) + len(a.Voluntary) + len(a.Verified)
	size = total(a.Scopes)*places + total(a.Resources)*max(1, len(a.Scopes)) + total(a.Essential, a.Voluntary)
	for _, v := range a.Verified {
		size += len(v.Name) + len(v.Purpose) + total(v.TrustFrameworks)
	}
	return count, size
}

// checkText refuses control characters: RFC 8785 escapes them in other ways than the rest of the world.
func checkText(field, s string, least, most int) error {
	if len(s) < least || len(s) > most || !utf8.ValidString(s) || strings.ContainsFunc(s, unicode.IsControl) {
		return fmt.Errorf("%w: %s must be %d to %d bytes of text", ErrInvalid, field, least, most)
	}
	return nil
}

// set returns the list sorted and without repetitions. It is never nil.
func set(list []string) []string {
	sorted := append(make([]string, 0, len(list)), list...)
	slices.Sort(sorted)
	return slices.Compact(sorted)
}

// without returns a list, which it may change, without the entries of a sorted other.
func without(list, sorted []string) []string {
	return slices.DeleteFunc(list, func(s string) bool {
		_, found := slices.BinarySearch(sorted, s)
		return found
	})
}

func appendStrings(b []byte, list []string) []byte {
	b = append(b, '[')
	for i, s := range list {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendString(b, s)
	}
	return append(b, ']')
}

// appendString encodes text without control characters as RFC 8785 does; encoding/json escapes more.
func appendString(b []byte, s string) []byte {
	b = append(b, '"')
	for i := range len(s) {
		if s[i] == '"' || s[i] == '\\' {
			b = append(b, '\\')
		}
		b = append(b, s[i])
	}
	return append(b, '"')
}
