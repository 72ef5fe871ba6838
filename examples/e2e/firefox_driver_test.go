package e2e_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// user is somebody at a browser, whichever it is. Methods fail the test if something cannot be done.
type user interface {
	test() *testing.T
	open(url string) int
	click(css string) int
	tick(css string)
	write(css, text string)
	has(css string)
	shows(css string) bool
	isAt(prefix string)
	reads(text string)
}

func (b *tab) test() *testing.T     { return b.t }
func (b *firefox) test() *testing.T { return b.t }

var (
	_ user = (*tab)(nil)
	_ user = (*firefox)(nil)
)

// firefox is a window of Firefox, driven by WebDriver (W3C) through geckodriver.
type firefox struct {
	t       *testing.T
	session string // the URL of the session
}

// findProgram returns what the environment variable names, or the first that is installed.
func findProgram(t *testing.T, variable string, names ...string) string {
	t.Helper()
	if path := os.Getenv(variable); path != "" {
		return path
	}
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	require.Fail(t, "no "+names[0]+" found", "make test installs it; or name one in the environment variable %s", variable)
	return ""
}

// openFirefox starts a Firefox of the test's own, with JavaScript or without.
func openFirefox(t *testing.T, scripts bool) *firefox {
	t.Helper()
	home, err := os.UserHomeDir()
	require.NoError(t, err)
	binary := findProgram(t, "FIREFOX", "firefox-esr", "firefox", "/Applications/Firefox.app/Contents/MacOS/firefox")
	driver := findProgram(t, "GECKODRIVER", "geckodriver", filepath.Join(home, ".cargo", "bin", "geckodriver"))
	browsers <- struct{}{}
	t.Cleanup(func() { <-browsers })

	command := exec.Command(driver, "--port", "0", "--profile-root", t.TempDir())
	stdout, err := command.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, command.Start())
	address, rest := make(chan string, 1), make(chan struct{})
	go func() {
		defer close(rest)
		listening := regexp.MustCompile(`Listening on (127\.0\.0\.1:\d+)`)
		for lines := bufio.NewScanner(stdout); lines.Scan(); {
			if m := listening.FindStringSubmatch(lines.Text()); m != nil {
				address <- m[1]
			}
		}
		close(address)
	}()
	t.Cleanup(func() {
		_ = command.Process.Kill()
		<-rest
		_ = command.Wait()
	})
	at, ok := <-address
	require.True(t, ok, "%s does not start", driver)

	b := &firefox{t: t, session: "http://" + at + "/session"}
	var created struct{ SessionID string }
	b.ask(&created, http.MethodPost, "", map[string]any{"capabilities": map[string]any{"alwaysMatch": map[string]any{
		"browserName": "firefox",
		"timeouts":    map[string]any{"pageLoad": stepTimeout.Milliseconds()},
		"moz:firefoxOptions": map[string]any{
			"binary": binary,
			"args":   []string{"-headless", "-width", "1280", "-height", "800"},
			"prefs":  map[string]any{"javascript.enabled": scripts, "intl.accept_languages": "en-US, en"},
		},
	}}})
	b.session += "/" + created.SessionID
	t.Cleanup(func() { assert.NoError(t, b.call(nil, http.MethodDelete, "", nil)) })
	b.open("data:text/html,<noscript><p id=noscript></noscript>")
	require.Equal(t, !scripts, b.shows("#noscript"))
	return b
}

// call sends a command of WebDriver, and decodes the value of its response.
func (b *firefox) call(value any, method, path string, body any) error {
	data, err := json.Marshal(body)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), stepTimeout) // a test's own is over when it cleans up
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, method, b.session+path, bytes.NewReader(data))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	var answer struct{ Value json.RawMessage }
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		var failure struct{ Error, Message string }
		_ = json.Unmarshal(answer.Value, &failure)
		return fmt.Errorf("%s %s: %s: %s", method, path, failure.Error, failure.Message)
	}
	if value == nil {
		return nil
	}
	return json.Unmarshal(answer.Value, value)
}

func (b *firefox) ask(value any, method, path string, body any) {
	b.t.Helper()
	require.NoError(b.t, b.call(value, method, path, body))
}

// elements are the references to what matches.
func (b *firefox) elements(css string) (found []string, err error) {
	var list []map[string]string
	err = b.call(&list, http.MethodPost, "/elements", map[string]string{"using": "css selector", "value": css})
	for _, reference := range list {
		for _, id := range reference { // under one constant name
			found = append(found, id)
		}
	}
	return found, err
}

// on does something with an element as soon as it is there.
func (b *firefox) on(css, what string, body map[string]any) {
	b.t.Helper()
	b.has(css)
	found, err := b.elements(css)
	require.NoError(b.t, err)
	require.NotEmpty(b.t, found, "no %s at %s", css, b.where())
	b.ask(nil, http.MethodPost, "/element/"+found[0]+"/"+what, body)
}

func (b *firefox) open(url string) int {
	b.t.Helper()
	b.ask(nil, http.MethodPost, "/url", map[string]string{"url": url})
	return 0 // WebDriver does not say
}

func (b *firefox) click(css string) int {
	b.t.Helper()
	b.on(css, "click", map[string]any{})
	return 0
}

func (b *firefox) tick(css string) { b.t.Helper(); b.click(css) }

func (b *firefox) write(css, text string) {
	b.t.Helper()
	b.on(css, "clear", map[string]any{})
	b.on(css, "value", map[string]any{"text": text})
}

func (b *firefox) shows(css string) bool {
	b.t.Helper()
	found, err := b.elements(css)
	require.NoError(b.t, err)
	return len(found) > 0
}

func (b *firefox) where() (url string) {
	if err := b.call(&url, http.MethodGet, "/url", nil); err != nil {
		return "an unknown place"
	}
	return url
}

func (b *firefox) text() (text string) {
	found, err := b.elements("body")
	if err == nil && len(found) > 0 {
		err = b.call(&text, http.MethodGet, "/element/"+found[0]+"/text", nil)
	}
	if err != nil { // the page goes
		return ""
	}
	return text
}

// until waits for what the page that loads will have.
func (b *firefox) until(condition func() bool, what string) {
	b.t.Helper()
	if !assert.Eventually(b.t, condition, stepTimeout/6, 20*time.Millisecond) {
		require.Fail(b.t, what, "at %s, which reads:\n%s", b.where(), b.text())
	}
}

func (b *firefox) has(css string) {
	b.t.Helper()
	b.until(func() bool { found, err := b.elements(css); return err == nil && len(found) > 0 }, "no "+css)
}

func (b *firefox) isAt(prefix string) {
	b.t.Helper()
	b.until(func() bool { return strings.HasPrefix(b.where(), prefix) }, "not at "+prefix)
}

func (b *firefox) reads(text string) {
	b.t.Helper()
	b.until(func() bool { return strings.Contains(b.text(), text) }, "it does not read "+text)
}
