package e2e_test

import (
	"encoding/json"
	"encoding/pem"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/internal/serverprogram"
)

func TestMain(m *testing.M) { os.Exit(serverprogram.Main(m)) }

// startServer runs the reference server with its portal. The world that it returns knows no people.
func startServer(t *testing.T, args ...string) *world {
	t.Helper()
	server := serverprogram.Start(t, args...)
	return &world{issuer: server.Issuer, portal: server.Portal}
}

// operatorsFiles writes the file of -identity, and those that it names, and returns the path of the first.
func operatorsFiles(t *testing.T, identity map[string]any, files map[string][]byte) string {
	t.Helper()
	dir := t.TempDir()
	for name, data := range files {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), data, 0o600))
	}
	data, err := json.Marshal(identity)
	require.NoError(t, err)
	file := filepath.Join(dir, "identity.json")
	require.NoError(t, os.WriteFile(file, data, 0o600))
	return file
}

func inPEM(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}
