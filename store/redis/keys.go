package redis

import "fmt"

// Everything has a key like "signet:{2a7}v:jti:…": the prefix, a tag of the name, what it is, and the name. A cluster
// chooses the slot by the tag in braces, so that a value and the marker of its tag are in one slot.
const (
	kindValue   = "v:"
	kindCounter = "c:"
	kindMarker  = "marker"

	// tags is how many tags there are, each with a marker: enough to spread evenly over the nodes of a large cluster,
	// and few enough to lay all markers at once.
	tags = 1024
)

func (s *Store) key(name, kind string) string {
	return s.prefix + tag(name) + kind + name
}

// marker returns the key of the marker for all that has the tag of name.
func (s *Store) marker(name string) string { return s.prefix + tag(name) + kindMarker }

// tag spreads names evenly. It is FNV-1a: nobody gains from choosing a slot.
func tag(name string) string {
	hash := uint32(2166136261)
	for i := range len(name) {
		hash = (hash ^ uint32(name[i])) * 16777619
	}
	return numberedTag(int(hash>>16^hash) % tags)
}

func numberedTag(n int) string { return fmt.Sprintf("{%03x}", n) }
