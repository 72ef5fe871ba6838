package conformance_test

import (
	"crypto/tls"
	"encoding/json"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/conformance"
)

// fapiSuites are those of FAPI 2.0 for TLS 1.2.
var fapiSuites = []uint16{
	tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
	tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256, tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
}

func TestTLS(t *testing.T) {
	t.Parallel()
	type statuses = map[string]conformance.Status
	const passed, warned, failed = conformance.Passed, conformance.Warned, conformance.Failed
	for name, c := range map[string]struct {
		config *tls.Config
		want   statuses
	}{
		"good": {
			&tls.Config{MinVersion: tls.VersionTLS12, CipherSuites: fapiSuites},
			statuses{"tls-good-versions": passed, "tls-old-versions": passed, "tls-1.3": passed, "tls-1.2-suites": passed},
		},
		"TLS 1.3 only": {
			&tls.Config{MinVersion: tls.VersionTLS13},
			statuses{"tls-good-versions": passed, "tls-old-versions": passed, "tls-1.3": passed, "tls-1.2-suites": passed},
		},
		"TLS 1.2 only": {
			&tls.Config{MinVersion: tls.VersionTLS12, MaxVersion: tls.VersionTLS12, CipherSuites: fapiSuites},
			statuses{"tls-good-versions": passed, "tls-old-versions": passed, "tls-1.3": warned, "tls-1.2-suites": passed},
		},
		"Go's defaults": {
			&tls.Config{},
			statuses{"tls-good-versions": passed, "tls-old-versions": passed, "tls-1.3": passed, "tls-1.2-suites": failed},
		},
		"TLS 1.0 too": {
			&tls.Config{MinVersion: tls.VersionTLS10},
			statuses{"tls-good-versions": passed, "tls-old-versions": failed, "tls-1.3": passed, "tls-1.2-suites": failed},
		},
		"bad suites only": {
			&tls.Config{MinVersion: tls.VersionTLS12, MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{tls.TLS_RSA_WITH_AES_128_CBC_SHA}},
			statuses{"tls-good-versions": failed, "tls-old-versions": passed, "tls-1.3": warned, "tls-1.2-suites": failed},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			report := checkTLS(t, c.config)
			for _, r := range report.Results {
				assert.Equal(t, c.want[r.ID].String(), r.Status.String(), "%s: %v %v", r.ID, r.Failures, r.Warnings)
			}
			assert.Len(t, report.Results, len(c.want))
		})
	}
}

func TestTLSIsOfNoConcernToIssuersWithoutIt(t *testing.T) {
	t.Parallel()
	target := conformance.Target{Issuer: "http://localhost:8080", Profiles: map[string]*conformance.Profile{"fapi2-tls": nil}}
	report, err := target.Check(t.Context())
	require.NoError(t, err)
	assert.Equal(t, 4, report.Count(conformance.Skipped))
}

// checkTLS checks a server with the configuration. Its document names it as every endpoint.
func checkTLS(t *testing.T, config *tls.Config) *conformance.Report {
	t.Helper()
	var issuer string
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		json.NewEncoder(w).Encode(map[string]string{"issuer": issuer, "token_endpoint": issuer + "/token", "authorization_endpoint": issuer + "/authorize"})
	}))
	server.TLS = config
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // it is told of every bad hello
	server.StartTLS()
	t.Cleanup(server.Close)
	issuer = server.URL
	client := server.Client()
	transport := client.Transport.(*http.Transport)
	transport.TLSClientConfig.CipherSuites = append(config.CipherSuites, fapiSuites...)
	target := conformance.Target{Issuer: issuer, Transport: transport, Profiles: map[string]*conformance.Profile{"fapi2-tls": {}}}
	report, err := target.Check(t.Context())
	require.NoError(t, err)
	return report
}
