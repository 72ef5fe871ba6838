package oauth_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/oauth"
	"github.com/gosignet/signet/store/memory"
	"github.com/gosignet/signet/store/storetest"
)

func TestRecordsSurviveTheStore(t *testing.T) {
	t.Parallel()
	backend, err := memory.New(memory.Config{})
	require.NoError(t, err)
	storetest.Record[oauth.CodeRecord](t, backend)
	storetest.Record[oauth.AccessToken](t, backend)
	storetest.Record[oauth.AuthorizationRequest](t, backend) // by package par
}
