package ui_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/accessibility"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/dom"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/ui"
)

// SPOKEN=write has the scripts in testdata/spoken written anew.
var writeSpoken = os.Getenv("SPOKEN") == "write"

// spokenStates are those whose scripts are kept, as people meet them. docs/screen-readers.md says how to read them.
var spokenStates = []string{
	"account", "choose", "choose-missing", "otp-identify", "otp-identify-channels", "otp-code", "otp-code-second", "password",
	"password-delay", "pin", "kinds", "kinds-errors", "kbi", "kbi-errors", "biometrics", "passkey", "wla", "problem-wrong-otp", "problem-missing-identifier",
	"problem-locked-until", "enroll", "verification", "consent", "consent-required", "consent-verified", "done", "error-expired",
	"landing", "logout", "sharing", "sharing-one-withdrawn", "withdraw",
}

// TestChromiumTellsScreenReadersEveryPage looks at every page in every state as a screen reader is told of it, from left to
// right and from right to left, and compares those that matter most with the scripts by which people check it.
func TestChromiumTellsScreenReadersEveryPage(t *testing.T) {
	t.Parallel()
	address := newPreview(t)
	for _, language := range []string{"en", "ar"} {
		t.Run(language, func(t *testing.T) {
			t.Parallel()
			c := newListener(t)
			for _, state := range ui.PreviewStates() {
				if state.Name == "form-post" {
					continue // which sends itself and says nothing
				}
				c.do(chromedp.Navigate(address + state.Path + "?lang=" + language))
				if slices.Contains(spokenStates, state.Name) {
					assertScript(t, filepath.Join("testdata", "spoken", language, state.Name+".txt"), c.hear().script())
				}
				c.eval(`document.querySelectorAll("details").forEach((details) => { details.open = true; })`)
				for _, fault := range c.hear().faults() {
					assert.Fail(t, fault, "%s %s", language, state.Name)
				}
			}
		})
	}
}

// TestEveryScriptIsOfAState finds the scripts of states that are gone.
func TestEveryScriptIsOfAState(t *testing.T) {
	t.Parallel()
	for _, language := range []string{"en", "ar"} {
		files, err := filepath.Glob(filepath.Join("testdata", "spoken", language, "*.txt"))
		require.NoError(t, err)
		var names []string
		for _, file := range files {
			names = append(names, strings.TrimSuffix(filepath.Base(file), ".txt"))
		}
		assert.ElementsMatch(t, spokenStates, names, language)
	}
}

// The test above is worth nothing unless it can find something.
func TestWhatAScreenReaderCannotTellIsFound(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ state, harm, want string }{
		"a second h1":      {"choose", `document.querySelector(".lead").append(document.querySelector("h1").cloneNode(true))`, "h1"},
		"no main":          {"choose", `document.querySelector("main").replaceWith(...document.querySelector("main").childNodes)`, "main"},
		"no name":          {"password", `document.querySelector("label[for=response]").remove()`, "has no name"},
		"only an icon":     {"password", `document.getElementById("password-eye").setAttribute("aria-label", "👁")`, "has no name"},
		"another name":     {"password", `document.getElementById("verify_password").setAttribute("aria-label", "Go")`, "is not called what it says"},
		"a group":          {"otp-identify-channels", `document.querySelector("legend").remove()`, "has no name"},
		"an error":         {"problem-wrong-otp", `document.getElementById("otp_verify_input").removeAttribute("aria-describedby")`, "does not say what is wrong"},
		"not invalid":      {"problem-wrong-otp", `document.getElementById("otp_verify_input").removeAttribute("aria-invalid")`, "is not invalid"},
		"a language":       {"choose", `(document.querySelector("details").open = true, document.querySelector("a[lang=km]").removeAttribute("lang"))`, "language"},
		"no polite region": {"choose", `document.getElementById("polite").remove()`, "polite"},
		"a heading":        {"otp-code", `(() => { const h = document.createElement("h4"); h.textContent = "No code"; document.getElementById("no-code").replaceWith(h) })()`, "skips"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newListener(t)
			b.do(chromedp.Navigate(newPreview(t) + c.state + "?lang=en"))
			require.Empty(t, b.hear().faults())
			b.eval(c.harm)
			assert.Contains(t, strings.Join(b.hear().faults(), "\n"), c.want)
		})
	}
}

// newPreview shows every page in every state, and returns where.
func newPreview(t *testing.T) string {
	t.Helper()
	pages, err := ui.New(ui.Config{Flow: struct{ ui.Flow }{}}) // nobody logs in
	require.NoError(t, err)
	mux := http.NewServeMux()
	mux.Handle("/login/", pages)
	mux.Handle("/login/preview/", pages.Preview())
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server.URL + "/login/preview/"
}

// newListener is a browser in which no time passes and nobody answers, so that it always says the same.
func newListener(t *testing.T) *chromium {
	t.Helper()
	c := newChromium(t)
	c.beforePages(`performance.now = () => 0; fetch = () => new Promise(() => {})`)
	_, err := chromedp.Call(c.ctx, emulation.SetTimezoneOverride, emulation.SetTimezoneOverrideParams{TimezoneID: "UTC"})
	require.NoError(t, err)
	return c
}

// spokenPage is what a browser tells a screen reader about a page.
type spokenPage struct {
	title, language, direction string
	root                       *spokenNode
}

// spokenNode is something on the page, in the order in which it is read.
type spokenNode struct {
	role, name, value, description string
	// states are what else is told: "invalid", "required", "expanded: false", "level: 2".
	states []string
	// tag and attributes are those of its element; language is the one in which it is to be read.
	tag, language string
	attributes    map[string]string
	children      []*spokenNode
}

// hear reads the browser's accessibility tree.
func (c *chromium) hear() *spokenPage {
	c.t.Helper()
	// What is written into a live region comes after what is written on the page.
	_, err := chromedp.Run(c.ctx, chromedp.Evaluate[bool](`new Promise((done) => {
		const news = [...document.querySelectorAll("[data-live]")].some((place) => !place.hidden && place.textContent.trim());
		setTimeout(() => done(true), news ? 200 : 0);
	})`, chromedp.EvalAwaitPromise))
	require.NoError(c.t, err)
	// What a control says to the eye is put beside it, to be compared with its name.
	c.eval(`document.querySelectorAll("a, button, summary, input, select").forEach((e) =>
		e.setAttribute("data-seen", (e.labels && e.labels.length ? [...e.labels] : e.matches("input, select") ? [] : [e]).map((l) => l.innerText).join(" ")))`)
	all := int64(-1)
	root, err := chromedp.Call(c.ctx, runtime.Evaluate, runtime.EvaluateParams{Expression: "document"})
	require.NoError(c.t, err)
	document, err := chromedp.Call(c.ctx, dom.DescribeNode, dom.DescribeNodeParams{ObjectID: root.Result.ObjectID, Depth: &all})
	require.NoError(c.t, err)
	elements := map[cdp.BackendNodeID]*spokenNode{}
	noteElements(document.Node, "", elements)
	var tree accessibility.GetFullAXTreeResult
	c.do(chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		var err error
		tree, err = cdp.Call(ctx, target, accessibility.GetFullAXTree, accessibility.GetFullAXTreeParams{})
		return err
	}))
	byID := map[accessibility.NodeID]*accessibility.Node{}
	for _, n := range tree.Nodes {
		byID[n.NodeID] = n
	}
	require.NotEmpty(c.t, tree.Nodes)
	p := &spokenPage{
		title: directions.Replace(c.eval("document.title")), language: c.eval("document.documentElement.lang"), direction: c.eval("document.documentElement.dir"),
		root: &spokenNode{role: "page"},
	}
	p.root.add(tree.Nodes[0], byID, elements)
	return p
}

// noteElements notes what the elements below a node of the document are, and in which language.
func noteElements(n *cdp.Node, language string, elements map[cdp.BackendNodeID]*spokenNode) {
	e := &spokenNode{tag: strings.ToLower(n.NodeName), attributes: map[string]string{}}
	for i := 0; i+1 < len(n.Attributes); i += 2 {
		e.attributes[n.Attributes[i]] = n.Attributes[i+1]
	}
	if own, ok := e.attributes["lang"]; ok {
		language = own
	}
	e.language = language
	elements[n.BackendNodeID] = e
	for _, child := range n.Children {
		noteElements(child, language, elements)
	}
}

// add puts the node, and what is in it, below n. What is ignored, or has nothing to say, gives way to its children.
func (n *spokenNode) add(ax *accessibility.Node, byID map[accessibility.NodeID]*accessibility.Node, elements map[cdp.BackendNodeID]*spokenNode) {
	role, e, parent := text(ax.Role), elements[ax.BackendDOMNodeID], n
	switch {
	case ax.Ignored, slices.Contains(silentRoles, role), role == "form" && text(ax.Name) == "", e != nil && e.tag == "details":
	case role == "InlineTextBox", role == "StaticText" && text(ax.Name) == "":
		return
	default:
		node := &spokenNode{role: role, name: text(ax.Name), description: text(ax.Description), value: text(ax.Value)}
		if e != nil {
			node.tag, node.attributes, node.language = e.tag, e.attributes, e.language
		}
		for _, p := range ax.Properties {
			node.note(string(p.Name), text(p.Value))
		}
		n.children = append(n.children, node)
		parent = node
	}
	for _, id := range ax.ChildIDs {
		if child := byID[id]; child != nil {
			parent.add(child, byID, elements)
		}
	}
}

// silentRoles are those of which screen readers say nothing by themselves.
var silentRoles = []string{
	"generic", "none", "RootWebArea", "LineBreak", "ListMarker", "LabelText", "Legend", "paragraph", "time", "Figcaption",
	"DescriptionList", "Section",
}

// note takes a property that screen readers speak of.
func (n *spokenNode) note(name, value string) {
	switch name {
	case "checked", "expanded", "level", "live", "pressed":
		if n.role == "listitem" {
			return // whose level nobody asks for
		}
		n.states = append(n.states, name+": "+value)
	case "invalid", "required", "readonly", "disabled", "busy", "focused":
		if value != "false" {
			n.states = append(n.states, name)
		}
	}
}

// text is a value of the tree as text.
func text(v *accessibility.Value) string {
	if v == nil {
		return ""
	}
	var value any
	if json.Unmarshal(v.Value, &value) != nil {
		return ""
	}
	return directions.Replace(strings.Join(strings.Fields(fmt.Sprint(value)), " "))
}

// directions takes out what tells eyes where a text runs.
var directions = strings.NewReplacer("\u2066", "", "\u2067", "", "\u2068", "", "\u2069", "", "\u200e", "", "\u200f", "")

func (n *spokenNode) has(state string) bool { return slices.Contains(n.states, state) }

// all is the node and what is in it.
func (n *spokenNode) all() []*spokenNode {
	list := []*spokenNode{n}
	for _, c := range n.children {
		list = append(list, c.all()...)
	}
	return list
}

// script is the page for people, a line for each thing that is told.
func (p *spokenPage) script() string {
	var b strings.Builder
	fmt.Fprintf(&b, "page \"%s\", language %s, %s\n\n", p.title, p.language, p.direction)
	for _, n := range p.root.children {
		n.write(&b, 0, p.language)
	}
	return b.String()
}

func (n *spokenNode) write(b *strings.Builder, depth int, language string) {
	b.WriteString(strings.Repeat("  ", depth) + spokenRoles(n.role))
	if n.name != "" {
		b.WriteString(` "` + n.name + `"`)
	}
	if n.value != "" {
		b.WriteString(`, value "` + n.value + `"`)
	}
	for _, s := range n.states {
		b.WriteString(", " + s)
	}
	if n.language != language && n.role != "StaticText" {
		fmt.Fprintf(b, ", language %q", n.language)
	}
	if n.description != "" {
		b.WriteString(`, described "` + n.description + `"`)
	}
	b.WriteString("\n")
	if slices.Contains(operable, n.role) || n.role == "heading" || n.role == "term" {
		return // what is in it has been said with its name
	}
	for _, c := range n.children {
		c.write(b, depth+1, n.language)
	}
}

// spokenRoles are the names that people know of roles.
func spokenRoles(role string) string {
	switch role {
	case "StaticText":
		return "text"
	case "DisclosureTriangle":
		return "disclosure"
	}
	return role
}

// assertScript compares with the file, or writes it.
func assertScript(t *testing.T, file, script string) {
	t.Helper()
	if writeSpoken {
		require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o755))
		require.NoError(t, os.WriteFile(file, []byte(script), 0o644))
		return
	}
	want, err := os.ReadFile(file)
	require.NoError(t, err, "run the test with SPOKEN=write, and read what it writes")
	assert.Equal(t, string(want), script, "%s: run the test with SPOKEN=write if this is meant", file)
}
