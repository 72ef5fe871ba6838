package main

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// output collects what a command that goes on writes.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *output) String() string { o.mu.Lock(); defer o.mu.Unlock(); return o.text.String() }

func TestTheMockRunsAlone(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "personas.json")
	require.NoError(t, os.WriteFile(file, []byte(`[{"national_id":"12345","claims":{"name":"Name","phone_number":"+999000100001"}}]`), 0o600))
	ctx, stop := context.WithCancel(t.Context())
	out, stopped := new(output), make(chan error, 1)
	go func() {
		stopped <- run(ctx, []string{"mock", "-listen", "127.0.0.1:0", "-personas", file}, func(string) string { return "" },
			strings.NewReader(""), out, io.Discard)
	}()
	var base string
	require.Eventually(t, func() bool {
		base = regexp.MustCompile(`http://\S+`).FindString(out.String())
		return base != ""
	}, 30*time.Second, 10*time.Millisecond)
	assert.Contains(t, out.String(), "with 1 people")

	res, err := http.Post(base+"/kyc-auth/rp/client", "application/json",
		strings.NewReader(`{"transactionId":"1","individualId":"12345","password":"signet-demo"}`))
	require.NoError(t, err)
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	assert.Contains(t, string(body), `"authStatus":true`)
	stop()
	require.NoError(t, <-stopped)
}

func TestTheMockSaysWhatIsWrongWithItsPersonas(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "personas.json")
	require.NoError(t, os.WriteFile(file, []byte(`[{"national_id":"x","claims":{"name":"Name"}}]`), 0o600))
	for name, problem := range map[string]string{file: "persona 1: national_id", file + "x": "no such file"} {
		err := run(t.Context(), []string{"mock", "-listen", "127.0.0.1:0", "-personas", name}, func(string) string { return "" },
			strings.NewReader(""), io.Discard, io.Discard)
		require.ErrorContains(t, err, problem)
		require.ErrorContains(t, err, "-personas")
	}
}

func TestTheMockListensWhereOthersExpectIt(t *testing.T) {
	t.Parallel()
	var help bytes.Buffer
	_ = run(t.Context(), []string{"mock", "-help"}, func(string) string { return "" }, strings.NewReader(""), &help, io.Discard)
	assert.Contains(t, help.String(), "127.0.0.1:8082")
}
