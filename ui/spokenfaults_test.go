package ui_test

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
)

// operable are the roles of what people act upon.
var operable = []string{"button", "link", "textbox", "checkbox", "radio", "combobox", "DisclosureTriangle", "switch", "spinbutton"}

// named are the roles of what has to have a name beside those.
var named = []string{"group", "radiogroup", "region", "navigation", "form", "img", "image", "progressbar", "heading"}

// faults are what nobody could make sense of by ear.
func (p *spokenPage) faults() []string {
	var list []string
	fault := func(format string, values ...any) { list = append(list, fmt.Sprintf(format, values...)) }
	if p.title == "" || p.language == "" {
		fault("the page has no title or no language")
	}
	count := map[string]int{}
	level := 0
	nodes := p.root.all()[1:]
	byElement := map[string]*spokenNode{}
	for _, n := range nodes {
		byElement[n.attributes["id"]] = n
		count[n.role]++
		if n.role == "heading" {
			own := int(n.states[slices.IndexFunc(n.states, func(s string) bool { return strings.HasPrefix(s, "level: ") })][7] - '0')
			count[fmt.Sprintf("h%d", own)]++
			if own > level+1 && level > 0 {
				fault("the heading %q skips a level", n.name)
			}
			level = own
		}
		isControl := slices.Contains(operable, n.role)
		if (isControl || slices.Contains(named, n.role)) && !strings.ContainsFunc(n.name, speakable) {
			fault("a %s has no name: %q %v", n.role, n.name, n.attributes)
		}
		seen := strings.Join(strings.Fields(n.attributes["data-seen"]), " ")
		if isControl && !strings.Contains(folded(n.name), folded(seen)) {
			fault("a %s is not called what it says: %q instead of %q", n.role, n.name, seen)
		}
		if n.has("invalid") && n.description == "" && !slices.ContainsFunc(nodes, func(g *spokenNode) bool {
			return g.role == "group" && g.description != "" && slices.Contains(g.all(), n)
		}) {
			fault("%q does not say what is wrong with it", n.name)
		}
		if code, ok := strings.CutPrefix(n.attributes["href"], "?lang="); ok && n.role == "link" && n.language != code {
			fault("the link %q is not in the language %q", n.name, code)
		}
	}
	for _, role := range []string{"h1", "main"} {
		if count[role] != 1 {
			fault("there are %d of %s", count[role], role)
		}
	}
	p.summary(byElement, fault)
	for live, id := range map[string]string{"polite": "polite", "assertive": "assertive"} {
		region := byElement[id]
		if region == nil || !region.has("live: "+live) {
			fault("there is no %s region", live)
		}
	}
	return list
}

// summary looks at what the summary of mistakes leads to.
func (p *spokenPage) summary(byElement map[string]*spokenNode, fault func(string, ...any)) {
	banner := byElement["error-banner"]
	if banner == nil || banner.role != "alert" {
		return
	}
	if !banner.has("live: assertive") {
		fault("the summary is no alert")
	}
	for _, n := range banner.all() {
		id, ok := strings.CutPrefix(n.attributes["href"], "#")
		if !ok || n.role != "link" {
			continue
		}
		field := byElement[id]
		switch {
		case field == nil:
			fault("the summary leads to %q, which is not there", id)
		case field.role == "checkbox": // one of a group
		case !field.has("invalid"):
			fault("%q is not invalid, of which the summary says %q", field.name, n.name)
		case !strings.Contains(field.description, n.name) && !strings.Contains(p.groupOf(field), n.name):
			fault("%q does not say what is wrong with it: %q", field.name, n.name)
		}
	}
}

// groupOf is what the group around the node is described with.
func (p *spokenPage) groupOf(node *spokenNode) string {
	for _, g := range p.root.all() {
		if g.role == "group" && slices.Contains(g.all(), node) {
			return g.description
		}
	}
	return ""
}

func speakable(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }

// folded leaves out what nobody hears: case, marks of direction and white space.
func folded(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Cf, r) || unicode.IsSpace(r) {
			return -1
		}
		return unicode.ToLower(r)
	}, s)
}
