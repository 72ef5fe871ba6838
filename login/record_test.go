package login_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/login"
	"github.com/gosignet/signet/store/memory"
	"github.com/gosignet/signet/store/storetest"
)

func TestRecordsSurviveTheStore(t *testing.T) {
	t.Parallel()
	backend, err := memory.New(memory.Config{})
	require.NoError(t, err)
	storetest.Record[login.Record](t, backend)
	storetest.Record[login.SessionRecord](t, backend)
}
