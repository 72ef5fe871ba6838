package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/internal/postgrestest"
)

func TestPropertiesOfESignetBecomeFlags(t *testing.T) {
	t.Parallel()
	const properties = `# eSignet
mosip.esignet.host=id.example
mosip.esignet.domain.url = https://${mosip.esignet.host}
mosip.esignet.discovery.issuer-id=${mosip.esignet.domain.url}
mosip.esignet.server.profile=fapi2.0
mosip.esignet.access-token-expire-seconds: 3600
mosip.esignet.captcha.required=send-otp,\
    pwd
mosip.esignet.supported.grant.types=authorization_code,implicit
mosip.esignet.link-code-length=${nowhere}
mosip.esignet.captcha.site-key=hidden-value
spring.datasource.url=jdbc:hidden-value
`
	var stdout, stderr bytes.Buffer
	require.NoError(t, run(t.Context(), []string{"import-properties"}, env(nil), strings.NewReader(properties), &stdout, &stderr))
	flags, without, _ := strings.Cut(stdout.String(), "# without an equivalent\n")
	require.Equal(t, "# flags of the server\n-access-token-lifetime=3600s\n-captcha=altcha\n-captcha-on=answer,code\n-issuer=https://id.example\n-profile=fapi2\n", flags)
	for _, name := range []string{"supported.grant.types", "link-code-length", "captcha.site-key", "spring.datasource.url"} {
		require.Contains(t, without, name)
	}
	require.NotContains(t, stdout.String(), "hidden-value")
}

func TestImportTellsWhatItNeeds(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	err := run(t.Context(), []string{"import-esignet", "postgres://localhost/none"}, env(nil), strings.NewReader(""), &out, &out)
	require.ErrorContains(t, err, "are needed, as the server has them")
}

func TestImportRunsOnTheStateOfTheServer(t *testing.T) {
	t.Parallel()
	secret := textFile(t, strings.Repeat("x", 32))
	var stdout, stderr bytes.Buffer
	err := run(t.Context(), []string{
		"import-esignet", "-wallet", postgrestest.Shared(t).NewDatabase(t), "-store", postgrestest.Shared(t).NewDatabase(t), "-migrate",
		"-issuer", "http://localhost:8080", "-pairwise-secret-file", secret,
		"-keys", "pkcs12:store;create;iterations=10000;password-file=" + textFile(t, filePassword),
	}, env(nil), strings.NewReader(""), &stdout, &stderr)
	require.ErrorContains(t, err, "client_detail", "a database that is none of eSignet's")
	require.Contains(t, stdout.String(), "clients 0, consents 0, wallets 0")
}
