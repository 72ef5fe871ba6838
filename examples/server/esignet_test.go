package main

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/internal/postgrestest"
	"github.com/gosignet/signet/ui"
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
mosip.esignet.link-code-expire-in-secs=60
mosip.esignet.signup-id-token-audience=signup
mosip.esignet.ui.eKYC-steps.url=https://signup.example/identity-verification
mosip.esignet.linked-transaction-expire-in-secs=240
mosip.esignet.captcha.site-key=hidden-value
mosip.esignet.authenticate.attempts=3
mosip.esignet.authenticate.invocation-gap-secs=1
mosip.esignet.send-otp.attempts=4
spring.datasource.url=jdbc:hidden-value
`
	var stdout, stderr bytes.Buffer
	require.NoError(t, run(t.Context(), []string{"import-properties"}, env(nil), strings.NewReader(properties), &stdout, &stderr))
	flags, without, _ := strings.Cut(stdout.String(), "# without an equivalent\n")
	require.Equal(t, "# flags of the server\n-access-token-lifetime=3600s\n-attempts-per-login=3\n-attempts-per-person=3\n-delay-after=4\n-captcha=altcha\n-captcha-on=answer,code\n-issuer=https://id.example\n-link-code-lifetime=60s\n-link-transaction-lifetime=240s\n-codes-per-login=4\n-profile=fapi2\n-signup-client=signup\n-signup-url=https://signup.example/identity-verification\n", flags)
	for _, name := range []string{"supported.grant.types", "link-code-length", "captcha.site-key", "authenticate.invocation-gap-secs", "spring.datasource.url"} {
		require.Contains(t, without, name)
	}
	require.NotContains(t, without, "mosip.esignet.host", "the issuer has it")
	require.NotContains(t, stdout.String(), "hidden-value")
}

func TestListsOfESignetAreReadInBothNotations(t *testing.T) {
	t.Parallel()
	for _, quoted := range []func(string) string{
		func(list string) string { return list },
		func(list string) string { return "{'" + strings.ReplaceAll(list, ",", "', '") + "'}" },
	} {
		var stdout, stderr bytes.Buffer
		in := strings.NewReader("mosip.esignet.supported.client.auth.signing.algorithms=" + quoted("RS256,PS256") +
			"\nmosip.esignet.supported.grant.types=" + quoted("authorization_code") +
			"\nmosip.esignet.supported.client.auth.methods=" + quoted("private_key_jwt,none"))
		require.NoError(t, run(t.Context(), []string{"import-properties"}, env(nil), in, &stdout, &stderr))
		require.Equal(t, "# flags of the server\n-algorithms=RS256,PS256\n# without an equivalent\n"+
			"# mosip.esignet.supported.client.auth.methods: private_key_jwt is the only method here\n", stdout.String())
	}
}

func TestLimitsThatAreNoNumbersBecomeNoFlags(t *testing.T) {
	t.Parallel()
	for _, value := range []string{"", "x", "0", "-1"} {
		var stdout, stderr bytes.Buffer
		in := strings.NewReader("mosip.esignet.authenticate.attempts=" + value + "\nmosip.esignet.send-otp.attempts=" + value)
		require.NoError(t, run(t.Context(), []string{"import-properties"}, env(nil), in, &stdout, &stderr))
		require.Equal(t, "# flags of the server\n# without an equivalent\n"+
			"# mosip.esignet.authenticate.attempts: is no number of attempts\n# mosip.esignet.send-otp.attempts: is no number of attempts\n", stdout.String())
	}
}

func TestPropertiesThatOthersReferToAreUsed(t *testing.T) {
	t.Parallel()
	const properties = `mosip.esignet.ui.signup.config={'signup.banner': true, 'signup.url': '${mosip.signup.url}/signup'}
mosip.signup.url=https://join.example
mosip.esignet.ui.wallet.config={{'wallet.name': 'Inji', 'wallet.deep-link-uri': 'inji://x?c=LINK_CODE'}}
mosip.esignet.ui.banner.config={'a': 1}
mosip.esignet.ui.colour=red
mosip.esignet.id-token-expire-seconds=${mosip.esignet.ui.colour}
mosip.esignet.ui.config.key-values={'signup.config': ${mosip.esignet.ui.signup.config}, 'wallet.config': ${mosip.esignet.ui.wallet.config}}
`
	var stdout, stderr bytes.Buffer
	require.NoError(t, run(t.Context(), []string{"import-properties"}, env(nil), strings.NewReader(properties), &stdout, &stderr))
	file, without, _ := strings.Cut(stdout.String(), "# without an equivalent\n")
	require.Contains(t, file, "https://join.example/signup")
	require.Contains(t, file, "Inji")
	require.Equal(t, []string{
		"# mosip.esignet.id-token-expire-seconds: ID Tokens live as long as they need to be looked at",
		"# mosip.esignet.ui.banner.config: has no equivalent", "# mosip.esignet.ui.colour: has no equivalent",
	}, strings.Split(strings.TrimSpace(without), "\n"))
}

func TestSettingsOfESignetsPagesBecomeThePages(t *testing.T) {
	t.Parallel()
	const properties = `mosip.esignet.authentication-expire-in-secs=100
mosip.esignet.ui.config.key-values={'sbi.env': 'Developer', 'sbi.timeout.CAPTURE': 30, \
  'preauth-screen-timeout-in-secs': ${mosip.esignet.authentication-expire-in-secs}, 'otp.length': 6, 'captcha.sitekey': 'hidden-value', \
  'login-id.options': {{'id': 'vid', 'svg': 'vid_icon', 'prefixes': '', 'postfix': '', 'maxLength': '', 'regex': '^\\d{10}$'}}, \
  'wallet.config': {{'wallet.name': 'It''s Inji', 'wallet.deep-link-uri': 'inji://x?c=LINK_CODE', 'wallet.footer': true}}, \
  'signup.config': {'signup.banner': true, 'signup.url': 'https://join.example/'}, 'username.prefix': '', \
  'sbi.port.range': 'all', 'of.ones.own': null}
`
	var stdout, stderr bytes.Buffer
	require.NoError(t, run(t.Context(), []string{"import-properties"}, env(nil), strings.NewReader(properties), &stdout, &stderr))
	_, rest, found := strings.Cut(stdout.String(), "# the file of -pages\n")
	require.True(t, found, stdout.String())
	file, without, _ := strings.Cut(rest, "# without an equivalent\n")
	var p pages
	require.NoError(t, p.read([]byte(file), ""))
	require.Equal(t, "Developer", p.Biometrics.Environment)
	require.Equal(t, 100*time.Second, p.LoginLifetime)
	require.Equal(t, []ui.IdentifierType{{Name: "vid", Icon: "card", Pattern: `^\d{10}$`}}, p.IdentifierTypes)
	require.Equal(t, "It's Inji", p.Wallets[0].Name)
	require.Equal(t, "https://join.example/", p.Links.SignUp)
	for _, line := range []string{
		"# otp.length: the identity system says", "# captcha.sitekey: site_key", "# sbi.port.range: is not a range like 4501-4600",
		"# of.ones.own: has no equivalent",
	} {
		require.Contains(t, without, line)
	}
	require.NotContains(t, stdout.String(), "hidden-value")
}

func TestSettingsThatAreNoLiteralsAreNamedAndNotShown(t *testing.T) {
	t.Parallel()
	for _, value := range []string{
		"", "{", "{'a'", "{'a': hidden}", "{'a': 1, 2}", "{1: 2}", "{'a': 1, 'a': 2}", "{'a': 1} x", "'text'", "{'a' 'b'}", "{'a': T(hidden).x()}",
		strings.Repeat("{", 1000),
	} {
		var stdout, stderr bytes.Buffer
		in := strings.NewReader("mosip.esignet.ui.config.key-values=" + value)
		require.NoError(t, run(t.Context(), []string{"import-properties"}, env(nil), in, &stdout, &stderr))
		require.Contains(t, stdout.String(), "# mosip.esignet.ui.config.key-values: is no map like", value)
		require.NotContains(t, stdout.String(), "hidden")
	}
}

func FuzzParseSpEL(f *testing.F) {
	for _, seed := range []string{`{'a': {'b': 1.5}, 'c': {{'d': null}, "e''"}}`, `{}`, `{true, -1e9}`, `{'it''s': 'x'}`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		value, err := parseSpEL(text)
		if err != nil {
			require.Nil(t, value)
			return
		}
		_, err = json.Marshal(value)
		require.NoError(t, err)
	})
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
