package main

import (
	"bytes"
	"log/slog"
	"slices"
	"testing"
	"time"

	"flag"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func env(values map[string]string) func(string) string {
	return func(name string) string { return values[name] }
}

func TestFlagsWinOverTheEnvironment(t *testing.T) {
	t.Parallel()
	c, err := parseConfig([]string{"-log-format", "json"}, env(map[string]string{
		"SIGNET_LOG_FORMAT":            "text",
		"SIGNET_ACCESS_TOKEN_LIFETIME": "5m",
		"SIGNET_LOG_LEVEL":             "warn",
	}))
	require.NoError(t, err)
	assert.Equal(t, "json", c.logFormat)
	assert.Equal(t, 5*time.Minute, c.accessTokenLifetime)
	assert.Equal(t, slog.LevelWarn, c.logLevel)
	assert.Equal(t, "localhost:8080", c.listen, "only this machine reaches the server by default")
	assert.Equal(t, "localhost:8081", c.portalListen)
}

func TestConfigReportsEveryMistake(t *testing.T) {
	t.Parallel()
	_, err := parseConfig(
		[]string{"-listen", "8080", "-log-format", "xml", "-shutdown-timeout", "-1s", "stray"},
		env(map[string]string{"SIGNET_LOG_LEVEL": "loud", "SIGNET_OPS_LISTEN": "nowhere"}))
	for _, part := range []string{"-listen", "-log-format", "-shutdown-timeout", `"stray"`, "SIGNET_LOG_LEVEL", "-ops-listen"} {
		assert.ErrorContains(t, err, part)
	}
	_, err = parseConfig([]string{"-attempts-per-login", "0", "-codes-per-login", "-1", "-delay", "0s", "-delay-after", "-1"}, env(nil))
	for _, flag := range []string{"-attempts-per-login", "-codes-per-login", "-delay:", "-delay-after"} {
		assert.ErrorContains(t, err, flag)
	}
	_, err = parseConfig([]string{"-nonsense"}, env(nil))
	assert.ErrorContains(t, err, "-nonsense")
}

func TestSessionsAreOffUnlessTheyAreAskedFor(t *testing.T) {
	t.Parallel()
	c, err := parseConfig(nil, env(nil))
	require.NoError(t, err)
	assert.False(t, c.sessions)
	c, err = parseConfig([]string{"-sessions"}, env(nil))
	require.NoError(t, err)
	assert.True(t, c.sessions)
	c, err = parseConfig(nil, env(map[string]string{"SIGNET_SESSIONS": "true"}))
	require.NoError(t, err)
	assert.True(t, c.sessions)
}

func TestPortalMayBeSwitchedOff(t *testing.T) {
	t.Parallel()
	c, err := parseConfig([]string{"-portal-listen", ""}, env(nil))
	require.NoError(t, err)
	assert.Empty(t, c.portalListen)
	_, err = parseConfig([]string{"-listen", ""}, env(nil))
	assert.ErrorContains(t, err, "-listen")
}

func TestHelpListsEveryFlag(t *testing.T) {
	t.Parallel()
	var help bytes.Buffer
	writeHelp(&help)
	var listed []string
	for _, g := range optionGroups {
		listed = append(listed, g.names...)
	}
	var known []string
	new(config).flags().VisitAll(func(f *flag.Flag) {
		known = append(known, f.Name)
		assert.Contains(t, help.String(), "  -"+f.Name+" ")
	})
	slices.Sort(listed)
	assert.Equal(t, known, listed)
	for line := range bytes.Lines(help.Bytes()) {
		assert.LessOrEqual(t, len(line), 110, "%s", line)
	}
}
