package captcha_test

import (
	"encoding/json"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// altchaLibrary has ALTCHA's own library do what the command says. "make node" installs what it needs.
func altchaLibrary(t *testing.T, command string, input, output any) {
	t.Helper()
	node, err := exec.LookPath("node")
	require.NoError(t, err, `ALTCHA's library needs Node.js: run "make node"`)
	dir := filepath.Join("testdata", "altcha")
	require.DirExists(t, filepath.Join(dir, "node_modules"), `ALTCHA's library is not installed: run "make node"`)
	j, err := json.Marshal(input)
	require.NoError(t, err)
	c := exec.CommandContext(t.Context(), node, "altcha.mjs", command)
	c.Dir, c.Stdin = dir, strings.NewReader(string(j))
	var log strings.Builder
	c.Stderr = &log
	out, err := c.Output()
	require.NoError(t, err, log.String())
	require.NoError(t, json.Unmarshal(out, output))
}

func TestAltchasLibrarySolvesAndVerifiesOurChallenges(t *testing.T) {
	t.Parallel()
	a := newAltcha(t, newMemory(t, nil), nil)
	w, err := a.Widget(t.Context())
	require.NoError(t, err)
	var response string
	altchaLibrary(t, "solve", w.Challenge, &response)

	var verified bool
	altchaLibrary(t, "verify", map[string]string{"response": response, "hmacKey": string(altchaSecret)}, &verified)
	assert.True(t, verified, "by the library")
	ok, err := a.Verify(t.Context(), response, nowhere)
	require.NoError(t, err)
	assert.True(t, ok, "by us")
}

func TestWeVerifyChallengesOfAltchasLibrary(t *testing.T) {
	t.Parallel()
	a := newAltcha(t, newMemory(t, nil), nil)
	var challenge json.RawMessage
	altchaLibrary(t, "create", map[string]any{
		"hmacKey": string(altchaSecret), "maxNumber": 500, "expires": time.Now().Add(time.Minute),
	}, &challenge)
	var response string
	altchaLibrary(t, "solve", challenge, &response)
	ok, err := a.Verify(t.Context(), response, nowhere)
	require.NoError(t, err)
	assert.True(t, ok)
}
