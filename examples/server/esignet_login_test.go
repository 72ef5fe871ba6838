package main

import (
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestTheLoginWithCurlWorksAsDocumented runs the commands of docs/esignet.md.
func TestTheLoginWithCurlWorksAsDocumented(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/esignet.md")
	require.NoError(t, err)
	var blocks []string
	for _, m := range regexp.MustCompile("(?s)```bash\n(.*?)```").FindAllStringSubmatch(string(text), -1) {
		blocks = append(blocks, m[1])
	}
	require.Greater(t, len(blocks), 2)
	dir := t.TempDir()
	bash := func(issuer string, blocks ...string) string {
		cmd := exec.CommandContext(t.Context(), "bash", "-euo", "pipefail", "-c", strings.Join(blocks, "\n"))
		cmd.Dir, cmd.Env = dir, append(os.Environ(), "ISSUER="+issuer)
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, string(out))
		return string(out)
	}
	bash("", blocks[0])
	s := start(t, "-clients", filepath.Join(dir, "clients.json"))
	// The functions of the first block are needed later; making a second key is not.
	functions := regexp.MustCompile(`(?m)^b64\(\).*$`).FindString(blocks[0])
	out := bash(s.issuer, append([]string{functions}, blocks[1:]...)...)
	assert.Contains(t, out, `"maskedMobile":"`)
	assert.Contains(t, out, `"consentAction":"CAPTURE"`)
	assert.Contains(t, out, `"claimStatus":[`)
	assert.Regexp(t, `eyJ[\w-]+\.[\w-]+\.[\w-]+$`, out, "userinfo is a signed JWT")
}

func TestTheAPIOfESignetCanBeSwitchedOff(t *testing.T) {
	t.Parallel()
	s := start(t, "-esignet=false")
	res, _ := get(t, http.DefaultClient, s.issuer+"/v1/esignet/csrf/token")
	assert.Equal(t, http.StatusNotFound, res.StatusCode)
}
