package signet_test

import (
	"encoding/json"
	"fmt"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// documentation returns the text of every page, by its path.
func documentation(t *testing.T) map[string]string {
	t.Helper()
	pages := make(map[string]string)
	require.NoError(t, filepath.WalkDir(".", func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && (entry.Name() == "node_modules" || entry.Name() == ".git"):
			return filepath.SkipDir
		case filepath.Ext(path) == ".md":
			text, err := os.ReadFile(path)
			pages[path] = string(text)
			return err
		}
		return nil
	}))
	require.Contains(t, pages, "README.md")
	return pages
}

var fences = regexp.MustCompile("(?ms)^ *```.*?^ *```$")

// anchors are the names that GitHub gives the headings of a page.
func anchors(page string) []string {
	var all []string
	for _, heading := range regexp.MustCompile(`(?m)^#+ (.*)$`).FindAllStringSubmatch(fences.ReplaceAllString(page, ""), -1) {
		all = append(all, strings.Map(func(r rune) rune {
			switch {
			case r == ' ':
				return '-'
			case r == '-', r == '_', unicode.IsLetter(r), unicode.IsDigit(r):
				return unicode.ToLower(r)
			}
			return -1
		}, heading[1]))
	}
	return all
}

func TestLinksOfTheDocumentationLeadSomewhere(t *testing.T) {
	t.Parallel()
	pages := documentation(t)
	seen := 0
	for path, page := range pages {
		for _, link := range regexp.MustCompile(`\]\(([^)\s]+)\)`).FindAllStringSubmatch(fences.ReplaceAllString(page, ""), -1) {
			if strings.Contains(link[1], "://") {
				continue
			}
			seen++
			name, anchor, _ := strings.Cut(link[1], "#")
			target := path
			if name != "" {
				target = filepath.Join(filepath.Dir(path), name)
			}
			_, err := os.Stat(target)
			assert.NoError(t, err, "%s: %s", path, link[1])
			if anchor != "" && filepath.Ext(target) == ".md" {
				assert.Contains(t, anchors(pages[target]), anchor, "%s: %s", path, link[1])
			}
		}
	}
	assert.Greater(t, seen, 100)
}

// surroundings are what the reader of a page has around its pieces of Go, in their order: declarations before it, and
// statements after it where it is statements itself.
var surroundings = map[string][]struct{ before, after string }{
	"docs/authenticator.md": {
		{before: `
			type person struct { ID, Phone, PasswordHash, Name, BirthDate string }
			var register interface { ByNationalID(context.Context, string) (*person, error) }
			var gateway directory.Sender
			var state store.Ephemeral
			var secret []byte`, after: `_, _ = people, err`},
		{before: `
			type Factor = authenticator.Factor
			type Request = authenticator.Request
			type Identity = authenticator.Identity
			type ClaimsRequest = authenticator.ClaimsRequest
			type Claims = authenticator.Claims
			type CodeRequest = authenticator.CodeRequest
			type CodeReceipt = authenticator.CodeReceipt
			var _ authenticator.Authenticator = Authenticator(nil)
			var _ Authenticator = authenticator.Authenticator(nil)
			var _ authenticator.CodeSender = CodeSender(nil)
			var _ CodeSender = authenticator.CodeSender(nil)`},
		{before: `var register authenticator.Authenticator`},
		{before: `
			type register struct{}
			var _ interface { Channels() []authenticator.Channel } = authenticator.ChannelSender(nil)`},
		{before: `
			type register struct{}
			var _ authenticator.FormProvider = (*register)(nil)`},
		{before: `
			type person struct {
				howVerified json.RawMessage
				verified map[string]bool
				claims map[string]any
			}
			type register struct { people map[string]person }
			var _ authenticator.Assurer = withRest{}
			type withRest struct { authenticator.Authenticator; *register }`},
		{before: `
			var citizens, replica, residents authenticator.Authenticator
			var state store.Ephemeral`, after: `_, _ = people, err`},
		{before: `var _ =`},
	},
	"docs/button.md": {{after: `_, _ = html, err`}},
	"docs/ida.md": {
		{before: `
			var licenseKey, secret string
			var partnerKey crypto.Signer
			var partnerCertificate *x509.Certificate
			var logger *slog.Logger`, after: `_, _ = idp, err`},
		{before: `var t *testing.T`, after: `_, _ = idp, err`},
	},
	"docs/languages.md": {{after: `_, _ = provider, err`}},
	"docs/remote.md": {
		{before: `
			var ctx context.Context
			var authorities *x509.CertPool
			var certificate tls.Certificate`, after: `_, _ = people, err`},
		{before: `
			var register authenticator.Authenticator
			var providerKey crypto.PublicKey
			var state store.Ephemeral`, after: `_, _ = handler, err`},
	},
	"docs/sunbird.md": {{after: `_, _ = insurance, err`}},
	"docs/wallet.md": {
		{before: `
			var ledger store.Ledger
			var notifier store.Notifier`, after: `_, _ = provider, err`},
		{before: `
			var ctx context.Context
			var server *http.Server
			var provider *signet.Provider`, after: `_ = err`},
	},
}

// imports are the packages that the pieces name.
var imports = func() map[string]string {
	all := make(map[string]string)
	for _, path := range []string{
		"context", "crypto", "crypto/tls", "crypto/x509", "database/sql", "encoding/json", "errors", "log/slog", "net/http", "os", "testing", "time",
	} {
		all[filepath.Base(path)] = path
	}
	const module = "github.com/gosignet/signet"
	all["signet"] = module
	for _, path := range []string{
		"authenticator", "authenticator/authenticatortest", "authenticator/directory", "authenticator/ida", "authenticator/ida/idatest",
		"authenticator/remote", "authenticator/router", "authenticator/sunbird", "oauth", "store", "ui/button", "wallet",
	} {
		all[filepath.Base(path)] = module + "/" + path
	}
	return all
}()

// program makes a file of a piece of Go and its surroundings.
func program(piece, before, after string) string {
	if _, err := parser.ParseFile(token.NewFileSet(), "", "package p\n"+piece, parser.SkipObjectResolution); err != nil && !strings.HasSuffix(before, "=") {
		piece = "func _() {\n" + piece + "\n" + after + "\n}"
	}
	text := before + "\n" + piece
	var b strings.Builder
	b.WriteString("package p\n")
	for _, name := range slices.Sorted(maps.Keys(imports)) {
		if regexp.MustCompile(`(^|[^\w."-])` + name + `\.[A-Z]`).MatchString(text) {
			fmt.Fprintf(&b, "import %q\n", imports[name])
		}
	}
	return b.String() + text
}

// TestGoOfTheDocumentationCompiles shows each piece of Go to the compiler, in the module and beside its files. What the
// README has is an example already.
func TestGoOfTheDocumentationCompiles(t *testing.T) {
	t.Parallel()
	root, err := os.Getwd()
	require.NoError(t, err)
	overlay := make(map[string]string)
	arguments := []string{"build"}
	pages := documentation(t)
	for _, path := range slices.Sorted(maps.Keys(pages)) {
		if path == "README.md" {
			continue
		}
		pieces := regexp.MustCompile("(?ms)^ *```go\n(.*?)^ *```$").FindAllStringSubmatch(pages[path], -1)
		require.Len(t, surroundings[path], len(pieces), "%s has so many pieces of Go", path)
		for i, piece := range pieces {
			around := surroundings[path][i]
			directory := fmt.Sprintf("snippets/%s%d", strings.TrimSuffix(filepath.Base(path), ".md"), i)
			file := filepath.Join(t.TempDir(), "p.go")
			require.NoError(t, os.WriteFile(file, []byte(program(piece[1], around.before, around.after)), 0o600))
			overlay[filepath.Join(root, directory, "p.go")] = file
			arguments = append(arguments, "./"+directory)
		}
	}
	replaced, err := json.Marshal(map[string]any{"Replace": overlay})
	require.NoError(t, err)
	file := filepath.Join(t.TempDir(), "overlay.json")
	require.NoError(t, os.WriteFile(file, replaced, 0o600))
	arguments = slices.Insert(arguments, 1, "-overlay", file)
	out, err := exec.CommandContext(t.Context(), "go", arguments...).CombinedOutput()
	assert.NoError(t, err, string(out))
}
