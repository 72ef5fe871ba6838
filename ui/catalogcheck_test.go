package ui_test

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/ui"
)

func TestEveryEmbeddedLanguageIsComplete(t *testing.T) {
	t.Parallel()
	found, err := ui.CheckCatalog(nil)
	require.NoError(t, err)
	assert.Empty(t, found, "%s", strings.Join(found, "\n"))
}

func TestWhatATranslatorHasToMendIsFound(t *testing.T) {
	t.Parallel()
	found, err := ui.CheckCatalog(fstest.MapFS{
		"ars.json": {Data: []byte(`{
			"language": {"name": "نجدي", "dir": "rtl"},
			"common": {"skip": " x", "cancel": "<b>x</b>", "back": "", "language": "a &amp; b", "problem": "Q&A", "list_join": "، "},
			"chose": {"title": "x"},
			"claim": {"tribe": "x"},
			"choose": {"heading": "{person}", "lead": {"one": "x", "other": "x"}},
			"verify": {
				"attempts": {"one": "x", "two": "x", "few": "x", "many": "{count}", "other": "{count}"},
				"otp": {"hint": {"zero": "x", "one": "x", "two": "x", "few": "{count}", "many": "{count}", "other": "{count}"}}
			}
		}`)},
	})
	require.NoError(t, err)
	var others []string
	for _, sentence := range found {
		if !strings.HasSuffix(sentence, " is missing") {
			others = append(others, strings.TrimPrefix(sentence, "ars: "))
		}
	}
	assert.Equal(t, []string{
		`choose.heading lacks the placeholder {client}`,
		`choose.heading has the placeholder {person}, which the page does not fill`,
		`choose.lead has plural forms, but the page shows no number there`,
		`chose.title is not used`,
		`common.back is empty`,
		`common.cancel holds HTML, which is shown as it is written: <`,
		`common.language holds HTML, which is shown as it is written: &amp;`,
		`common.skip begins or ends with space`,
		`verify.attempts.few lacks the placeholder {count}`,
		`verify.attempts lacks the plural form "zero"`,
	}, others)
	assert.Contains(t, found, "ars: choose.title is missing")
	assert.NotContains(t, found, "ars: choose.lead is missing")
}

func TestARegionNeedsOnlyWhatDiffersFromItsLanguage(t *testing.T) {
	t.Parallel()
	catalog := fstest.MapFS{"pt-BR.json": {Data: []byte(`{"language": {"name": "Português (Brasil)", "dir": "ltr"}, "common": {"cancel": "Sair"}}`)}}
	found, err := ui.CheckCatalog(catalog)
	require.NoError(t, err)
	assert.Empty(t, found)
	found, err = ui.CheckCatalog(fstest.MapFS{"pt-BR.json": {Data: []byte(`{"common": {"cancel": "Sair"}}`)}})
	require.NoError(t, err)
	assert.Equal(t, []string{"pt-BR: language.dir is missing", "pt-BR: language.name is missing"}, found)
}

func TestAFileThatCannotBeReadIsNotChecked(t *testing.T) {
	t.Parallel()
	_, err := ui.CheckCatalog(fstest.MapFS{"km.json": {Data: []byte(`{`)}, "KM.json": {Data: []byte(`{}`)}})
	assert.ErrorContains(t, err, "km.json: unexpected end of JSON")
	assert.ErrorContains(t, err, "KM.json: the name is not a canonical language tag")
}

// builtKeys are the groups of texts whose keys are put together when a page is rendered. Their names are those of
// problems, factors and the like, which the sources hold, or of claims and the like, which others make up.
var builtKeys = map[string]struct{ fromOutside bool }{
	"answer.": {}, "date.month.": {true}, "consent.because.": {}, "error.": {}, "factor.": {}, "channel.": {}, "problem.": {}, "verify.": {}, "verify.bio.script.": {},
	"sharing.error.": {}, "sharing.event.": {}, "sharing.notice.": {},
	"claim.": {true}, "identifier_type.": {true}, "scope.": {true}, "trust_framework.": {true},
}

// withoutPage are texts that no page asks for, and that every language file still has.
var withoutPage = map[string]bool{"verify.pwd.hide": true}

func TestEveryTextIsUsed(t *testing.T) {
	t.Parallel()
	literals := map[string]bool{} // of the sources: whole keys, and the names that keys are built of
	for _, dir := range []string{".", "../login", "../consent", "../authenticator"} {
		readLiterals(t, dir, literals)
	}
	readTemplates(t, literals)
	var unused []string
	for _, key := range englishKeys(t) {
		if !literals[key] && !withoutPage[key] && !slices.ContainsFunc(slices.Collect(maps.Keys(builtKeys)), func(group string) bool {
			name, ok := strings.CutPrefix(key, group)
			return ok && (builtKeys[group].fromOutside || isBuilt(name, literals))
		}) {
			unused = append(unused, key)
		}
	}
	assert.Empty(t, unused, "no page asks for:\n%s", strings.Join(unused, "\n"))
}

// isBuilt reports whether a name is one of the sources', perhaps with the part of a page after a point, or with what it
// is about after a low line.
func isBuilt(name string, literals map[string]bool) bool {
	name, part, inParts := strings.Cut(name, ".")
	if inParts && !literals["."+part] {
		return false
	}
	if literals[name] {
		return true
	}
	for i, r := range name {
		if r == '_' && isBuilt(name[:i], literals) && (literals[name[i:]] || literals[name[i+1:]]) {
			return true
		}
	}
	return false
}

func readLiterals(t *testing.T, dir string, into map[string]bool) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	require.NoError(t, err)
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		tree, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		require.NoError(t, err)
		ast.Inspect(tree, func(n ast.Node) bool {
			if l, ok := n.(*ast.BasicLit); ok && l.Kind == token.STRING {
				text, err := strconv.Unquote(l.Value)
				require.NoError(t, err)
				into[text] = true
			}
			return true
		})
	}
}

func readTemplates(t *testing.T, into map[string]bool) {
	t.Helper()
	files, err := filepath.Glob("templates/*.html")
	require.NoError(t, err)
	for _, file := range files {
		b, err := os.ReadFile(file)
		require.NoError(t, err)
		for _, match := range regexp.MustCompile(`\{\{t "([a-z_.]+)"\}\}`).FindAllSubmatch(b, -1) {
			into[string(match[1])] = true
		}
	}
}

func englishKeys(t *testing.T) []string {
	t.Helper()
	b, err := os.ReadFile("locales/en.json")
	require.NoError(t, err)
	var tree map[string]any
	require.NoError(t, json.Unmarshal(b, &tree))
	var keys []string
	var walk func(prefix string, tree map[string]any)
	walk = func(prefix string, tree map[string]any) {
		for name, value := range tree {
			group, ok := value.(map[string]any)
			if _, counted := group["other"].(string); !ok || counted {
				keys = append(keys, prefix+name)
				continue
			}
			walk(prefix+name+".", group)
		}
	}
	walk("", tree)
	slices.Sort(keys)
	return keys
}

// What has two words on the pages of one login is two things to whoever reads them.
func TestALanguageHasOneWordForOneThing(t *testing.T) {
	t.Parallel()
	for language, others := range map[string][]string{"pt": {"ompartilh", "senha", "onectad"}, "hi": {"लॉग इन", "उपयोग"}} {
		texts, err := os.ReadFile(filepath.Join("locales", language+".json"))
		require.NoError(t, err)
		for _, other := range others {
			assert.NotContains(t, string(texts), other, language)
		}
	}
}
