package ui

import (
	"net/http"
	"slices"
	"strings"
)

type passkeyItem struct {
	ID string
	// Remove is the text of the link up to the time in it, and After what follows the time.
	Remove, After string
	Created       whenView
	Used          whenView
	BackedUp      bool
}

type removeView struct {
	*accountFrame
	passkeyItem
}

// passkeys are those of the person.
func (v *accountVisit) passkeys(l *locale) ([]passkeyItem, error) {
	all, err := v.c.Passkeys.List(v.r.Context(), v.is.Person)
	const mark = "\x00"
	items := make([]passkeyItem, len(all))
	for i, k := range all {
		items[i] = passkeyItem{ID: k.ID, Created: v.when(l, k.CreatedAt), Used: day(l, k.UsedOn), BackedUp: k.BackedUp}
		items[i].Remove, items[i].After, _ = strings.Cut(l.text("sharing.passkeys.remove_one", "time", mark), mark)
	}
	return items, err
}

// askRemove asks whether the person means it.
func (v *accountVisit) askRemove(id string) {
	l := v.locale("")
	items, err := v.passkeys(l)
	if err != nil {
		v.unavailable(err)
		return
	}
	at := slices.IndexFunc(items, func(k passkeyItem) bool { return k.ID == id })
	if at < 0 {
		v.fail(accountFailure{kind: "not_found", status: http.StatusNotFound})
		return
	}
	v.keep("")
	v.render(v.w, v.r, http.StatusOK, v.pages.in(l).sharing.remove, &removeView{v.frame(l, l.text("sharing.passkeys.heading")), items[at]})
}

func (v *accountVisit) remove(id string) {
	if err := v.c.Passkeys.Remove(v.r.Context(), v.is.Person, id); err != nil {
		v.unavailable(err)
		return
	}
	v.keep("removed")
	redirect(v.w, v.path)
}
