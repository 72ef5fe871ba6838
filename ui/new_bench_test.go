package ui_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/login"
	"github.com/gosignet/signet/ui"
)

// BenchmarkNew makes the pages of a deployment that changes nothing. Its bytes are what they take before anybody comes.
func BenchmarkNew(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		_, err := ui.New(ui.Config{Flow: new(login.Flow)})
		require.NoError(b, err)
	}
}
