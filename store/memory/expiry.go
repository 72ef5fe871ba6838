package memory

import "time"

// entry is a value and when it expires.
type entry struct {
	key     string
	value   []byte
	expires time.Time
	place   int // in the heap
}

func (e *entry) size() int { return overhead + len(e.key) + len(e.value) }

// expiryHeap is a heap.Interface: the entry that expires first comes first.
type expiryHeap []due

// due is an entry in the heap, with a copy of when it expires: entries lie all over the memory, and to put them into order
// nobody looks at them there.
type due struct {
	expires time.Time
	entry   *entry
}

func (h expiryHeap) Len() int           { return len(h) }
func (h expiryHeap) Less(i, j int) bool { return h[i].expires.Before(h[j].expires) }

func (h expiryHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].entry.place, h[j].entry.place = i, j
}

func (h *expiryHeap) Push(x any) {
	e := x.(*entry)
	e.place = len(*h)
	*h = append(*h, due{e.expires, e})
}

func (h *expiryHeap) Pop() any {
	last := len(*h) - 1
	e := (*h)[last].entry
	(*h)[last] = due{} // the array must not keep it alive
	*h = (*h)[:last]
	return e
}
