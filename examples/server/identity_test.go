package main

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func registerFile(t *testing.T) string {
	t.Helper()
	file, err := filepath.Abs("../registry/register.csv")
	require.NoError(t, err)
	return file
}
