package assurance

import (
	"errors"
	"slices"
	"time"

	"github.com/gosignet/signet/oidc/internal/document"
)

// maxDepth is how deep the identity system may nest what it says.
const maxDepth = 32

// Verification is what an identity system says about how claims were verified.
type Verification struct{ root document.Value }

// NewVerification reads a verification element. What the specification's schema does not allow is left out, as if the
// identity system had not said it; what is not a JSON object with a trust framework is an error.
func NewVerification(raw string) (*Verification, error) {
	v, err := document.Parse(raw, maxDepth)
	if err != nil {
		return nil, err
	}
	root, ok := validObject("", v)
	if !ok || root.Member("trust_framework") == nil {
		return nil, errors.New("it has no trust_framework")
	}
	return &Verification{root: root}, nil
}

// TrustFramework returns the trust framework.
func (v *Verification) TrustFramework() string {
	s, _ := v.root.Member("trust_framework").Text()
	return s
}

// Meets says whether the verification is as the request wants it. A constraint that cannot be checked is not met.
func (v *Verification) Meets(r Request, now time.Time) bool { return meets(r.root, &v.root, now) }

// meets says whether an element, nil if it is absent, is as requested.
func meets(r, v *document.Value, now time.Time) bool {
	switch r.Kind {
	case document.Null:
		return true
	case document.Array:
		return meetsList(r.Children, v, now)
	case document.Object:
		for i := range r.Children {
			if !meetsMember(&r.Children[i], v, now) {
				return false
			}
		}
		return true
	}
	return false // nobody knows what it wants
}

func meetsMember(m *document.Value, v *document.Value, now time.Time) bool {
	switch m.Name {
	case "essential", "purpose":
		return true
	case "value":
		return v != nil && document.Equal(m, v)
	case "values":
		return v != nil && slices.ContainsFunc(m.Children, func(want document.Value) bool {
			return document.Equal(&want, v)
		})
	case "max_age":
		limit, err := age(m)
		if err != nil || v == nil {
			return false
		}
		ago, ok := elapsed(v, now)
		return ok && ago <= limit
	}
	return meets(m, v.Member(m.Name), now)
}

// meetsList wants one item that is as one of the entries. An entry without constraints is content with none.
func meetsList(entries []document.Value, v *document.Value, now time.Time) bool {
	if v == nil || v.Kind != document.Array {
		return slices.ContainsFunc(entries, func(entry document.Value) bool { return meets(&entry, nil, now) })
	}
	for i := range v.Children {
		if len(asIn(entries, &v.Children[i], now)) > 0 {
			return true
		}
	}
	return false
}

// asIn returns the entries that the item is as.
func asIn(entries []document.Value, item *document.Value, now time.Time) []*document.Value {
	var as []*document.Value
	for i := range entries {
		if meets(&entries[i], item, now) {
			as = append(as, &entries[i])
		}
	}
	return as
}

// For returns what the client gets of a verification that meets its request: the elements that it asked for and nothing
// else. Of claims that were derived from evidence, it gets those for which share is true.
func (v *Verification) For(r Request, now time.Time, share func(claim string) bool) document.Value {
	p := projection{now: now, share: share}
	object, _ := p.object("", []*document.Value{r.root}, &v.root)
	return object
}

type projection struct {
	now   time.Time
	share func(claim string) bool
}

// element reduces an element to what the templates ask for, and says whether anything is left.
func (p *projection) element(name string, templates []*document.Value, v *document.Value) (document.Value, bool) {
	switch v.Kind {
	case document.Object:
		return p.object(name, templates, v)
	case document.Array:
		if asksForAll(name, templates, v) {
			return *v, true
		}
		return p.list(name, templates, v)
	}
	return *v, true
}

// asksForAll says whether an array is asked for as a whole: attachments and the details of an assurance are, and so is
// one that has nothing in it to choose from.
func asksForAll(name string, templates []*document.Value, v *document.Value) bool {
	if !slices.ContainsFunc(templates, func(t *document.Value) bool { return t.Kind != document.Array }) {
		return false
	}
	return name == "attachments" || name == "assurance_details" ||
		!slices.ContainsFunc(v.Children, func(item document.Value) bool { return item.Kind >= document.Array })
}

func (p *projection) object(name string, templates []*document.Value, v *document.Value) (document.Value, bool) {
	object := document.Value{Kind: document.Object, Children: make([]document.Value, 0, len(v.Children))}
	for i := range v.Children {
		m := &v.Children[i]
		if name == "derived_claims" && !p.share(m.Name) {
			continue
		}
		asked := requested(templates, m.Name)
		if len(asked) == 0 {
			continue
		}
		value, ok := *m, true
		if name != "derived_claims" { // a claim is shared as a whole
			value, ok = p.element(m.Name, asked, m)
		}
		if ok {
			value.Name = m.Name
			object.Children = append(object.Children, value)
		}
	}
	return object, len(object.Children) > 0
}

func (p *projection) list(name string, templates []*document.Value, v *document.Value) (document.Value, bool) {
	array := document.Value{Kind: document.Array}
	for i := range v.Children {
		var as []*document.Value
		for _, t := range templates {
			as = append(as, asIn(t.Children, &v.Children[i], p.now)...)
		}
		if len(as) == 0 {
			continue
		}
		item, ok := p.element(name, as, &v.Children[i])
		if ok && (required[name] == "" || item.Member(required[name]) != nil) {
			array.Children = append(array.Children, item)
		}
	}
	return array, len(array.Children) > 0
}

// requested returns what the templates say about a member.
func requested(templates []*document.Value, name string) []*document.Value {
	switch name {
	case "essential", "purpose", "value", "values", "max_age":
		return nil
	}
	var asked []*document.Value
	for _, t := range templates {
		if member := t.Member(name); member != nil {
			asked = append(asked, member)
		}
	}
	return asked
}
