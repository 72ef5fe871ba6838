package mock

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"
)

// maxPeople bounds what strangers can make the mock remember.
const maxPeople = 100_000

var (
	errUnknown   = errors.New("mock: unknown person")
	errDuplicate = errors.New("mock: there is such a person already")
	errFull      = errors.New("mock: there are too many people")
)

// person is somebody whom the mock knows. It is not changed once it is among people.
type person struct {
	doc       document
	claims    map[string]any
	knowledge map[string]string
	verified  []verification
}

// verification says how one field of a person was verified.
type verification struct {
	field, claim, framework string
	detail                  json.RawMessage
	active                  bool
	updated                 time.Time
}

// id is the person's own.
func (p *person) id() string { return p.doc.text("individualId") }

// updated returns the person after members of the identity were replaced. Claims that are not made of the identity stay,
// except those that were about what changed.
func (p *person) updated(patch document, now time.Time) *person {
	next := *p
	next.doc = maps.Clone(p.doc)
	for name := range patch {
		if string(patch[name]) != "null" {
			next.doc[name] = patch[name]
		}
	}
	next.claims = maps.Clone(p.claims)
	maps.DeleteFunc(next.claims, func(name string, _ any) bool {
		base, _, _ := strings.Cut(name, "#")
		return slices.ContainsFunc(fields, func(f field) bool { return f.claimName() == base })
	})
	maps.Copy(next.claims, next.doc.claims())
	for _, name := range []string{"email", "phone_number"} {
		if next.claims[name] != p.claims[name] {
			delete(next.claims, name+"_verified")
		}
	}
	if formatted := part(p.claims[addressClaim], "formatted"); formatted != nil && !changesAddress(patch) {
		if address, ok := next.claims[addressClaim].(map[string]any); ok {
			address["formatted"] = formatted
		}
	}
	next.claims["updated_at"] = now.Unix()
	return &next
}

func changesAddress(patch document) bool {
	return slices.ContainsFunc(fields, func(f field) bool { return f.part() != "" && patch.has(f.name) })
}

// verify returns the person with one more verification, or with another detail of one that there was.
func (p *person) verify(v verification) *person {
	next := *p
	next.verified = slices.Clone(p.verified)
	i := slices.IndexFunc(next.verified, func(old verification) bool {
		return old.field == v.field && strings.EqualFold(old.framework, v.framework)
	})
	if i >= 0 {
		next.verified[i] = v
	} else {
		next.verified = append(next.verified, v)
	}
	return &next
}

// passwordDigest is how identity JSON keeps a password: in this form because eSignet's mock does. It protects nobody, and
// there is nobody to protect.
func passwordDigest(password string) string {
	sum := sha256.Sum256([]byte(password))
	return strings.ToUpper(hex.EncodeToString(sum[:]))
}

// people are those whom the mock knows now. They are safe for concurrent use.
type people struct {
	mu    sync.RWMutex
	byID  map[string]*person
	order []string
}

// get returns the person, or nil.
func (p *people) get(id string) *person {
	p.mu.RLock()
	defer p.mu.RUnlock()
	return p.byID[id]
}

// all returns everybody, in the order in which they came.
func (p *people) all() []*person {
	p.mu.RLock()
	defer p.mu.RUnlock()
	all := make([]*person, len(p.order))
	for i, id := range p.order {
		all[i] = p.byID[id]
	}
	return all
}

// create adds somebody new.
func (p *people) create(who *person) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	id := who.id()
	switch {
	case p.byID[id] != nil:
		return errDuplicate
	case len(p.order) >= maxPeople:
		return errFull
	}
	p.byID[id] = who
	p.order = append(p.order, id)
	return nil
}

// change replaces a person by what change makes of them.
func (p *people) change(id string, change func(*person) (*person, error)) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	old := p.byID[id]
	if old == nil {
		return errUnknown
	}
	next, err := change(old)
	if err != nil {
		return err
	}
	p.byID[id] = next
	return nil
}
