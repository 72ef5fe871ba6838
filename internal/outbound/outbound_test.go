package outbound_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/internal/outbound"
)

func TestOnlyPublicAddressesAreCalled(t *testing.T) {
	t.Parallel()
	client := outbound.NewClient(false, 1)
	for _, host := range []string{
		"127.0.0.1", "127.8.9.1", "localhost", "0.0.0.0", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254",
		"100.64.0.1", "192.0.0.1", "192.0.2.1", "198.18.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255",
		"[::1]", "[::]", "[::ffff:127.0.0.1]", "[::ffff:10.0.0.1]", "[::127.0.0.1]", "[fe80::1]", "[fc00::1]", "[fd12::1]",
		"[ff02::1]", "[64:ff9b::a00:1]", "[2002:a00:1::1]", "[2001:db8::1]", "[fec0::1]",
	} {
		_, err := client.Get("https://" + host + "/")
		assert.ErrorIs(t, err, outbound.ErrPrivateAddress, host)
	}
}

func TestRedirectIsTheAnswer(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.RedirectHandler("https://elsewhere.example/", http.StatusFound))
	defer server.Close()
	response, err := outbound.NewClient(true, 1).Get(server.URL)
	require.NoError(t, err)
	defer response.Body.Close()
	assert.Equal(t, http.StatusFound, response.StatusCode)
}
