package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/gosignet/signet/keystore/rotation"
	"github.com/gosignet/signet/oauth"
	"github.com/gosignet/signet/wallet"
)

// config is what flags and environment say.
type config struct {
	listen, issuer, portalListen, opsListen string
	mockListen                              string
	tlsCert, tlsKey                         string
	trustedProxies                          proxies
	profile                                 oauth.Profile

	store, state                                  string
	migrate                                       bool
	keys                                          string
	algorithms                                    algorithms
	keyPolicy                                     rotation.Policy
	selfSigned                                    bool
	clientsFile, pairwiseSecretFile, demoPassword string
	nonceSecretFiles                              string
	identityFile, personas                        string
	development                                   bool
	acrsFile, passkeyACRs                         string
	pagesFile, texts, documentsDir                string
	passkeys                                      bool
	wallet                                        bool
	linkCodeLifetime, linkTransactionLifetime     time.Duration
	captcha, captchaOn                            string
	themeFile, templatesDir                       string
	uiPreview                                     bool
	captchaAfter                                  int
	authenticatorTimeout                          time.Duration
	attemptsPerPerson, attemptsPerAddress         int
	attemptsPerLogin, codesPerLogin, delayAfter   int
	delay                                         time.Duration
	accessTokenLifetime, loginLifetime            time.Duration
	sessions                                      bool
	esignet                                       bool
	esignetIssuer, esignetJWKS, esignetUI         string
	signUpClient, signUpURL                       string
	apiDescription                                bool
	drainDelay, shutdownTimeout                   time.Duration
	logFormat                                     string
	logLevel                                      slog.Level

	given map[string]bool // the flags that were set
	// What the file of -pages says.
	wallets     []wallet.App
	qrBuffer    time.Duration
	qrRefreshes int
}

// optionGroup is a part of the help.
type optionGroup struct {
	title string
	names []string
}

var optionGroups = []optionGroup{
	{"Addresses", []string{"listen", "issuer", "portal-listen", "mock-listen", "ops-listen"}},
	{"TLS", []string{"tls-cert", "tls-key", "trusted-proxies"}},
	{"State", []string{"store", "state", "migrate"}},
	{"Keys and secrets", []string{"keys", "key-lifetime", "key-publish-ahead", "key-keep-for", "self-signed-certificates", "algorithms", "pairwise-secret-file", "nonce-secret-files"}},
	{"Clients", []string{"clients", "profile"}},
	{"People", []string{"identity", "personas", "demo-password", "development"}},
	{"Ways to log in", []string{"acrs", "passkeys", "passkey-acrs", "wallet", "link-code-lifetime", "link-transaction-lifetime"}},
	{"Pages", []string{"pages", "texts", "documents", "theme", "templates", "ui-preview", "api-description"}},
	{"Limits of logins", []string{"attempts-per-login", "codes-per-login", "attempts-per-person", "attempts-per-address", "delay", "delay-after", "captcha", "captcha-on", "captcha-after", "authenticator-timeout", "login-lifetime"}},
	{"Compatibility", []string{"esignet", "esignet-ui", "esignet-issuer", "esignet-jwks", "signup-client", "signup-url"}},
	{"Tokens and sessions", []string{"access-token-lifetime", "sessions"}},
	{"Logs", []string{"log-format", "log-level"}},
	{"Shutdown", []string{"drain-delay", "shutdown-timeout"}},
}

func (c *config) flags() *flag.FlagSet {
	f := flag.NewFlagSet("server", flag.ContinueOnError)
	f.SetOutput(io.Discard) // run shows errors and help itself
	f.StringVar(&c.listen, "listen", "localhost:8080", "`address` of the provider")
	f.StringVar(&c.issuer, "issuer", "", "issuer `URL` under which the world reaches the provider; default: localhost and the port of -listen, https with -tls-cert")
	f.StringVar(&c.portalListen, "portal-listen", "localhost:8081", "`address` of the Health Portal; empty: no portal")
	f.StringVar(&c.mockListen, "mock-listen", "localhost:8082", "`address` of the HTTP API of the invented people, where whoever reaches it can be any of them; empty, or the portal switched off and this not given: no API")
	f.StringVar(&c.opsListen, "ops-listen", "", "`address` of /healthz and /readyz; empty: on that of the provider")
	f.StringVar(&c.tlsCert, "tls-cert", "", "PEM `file` with the certificate and its chain, for provider and portal; read again on SIGHUP; empty: no TLS")
	f.StringVar(&c.tlsKey, "tls-key", "", "PEM `file` with the private key of -tls-cert")
	f.Func("trusted-proxies", "`networks`, as 10.0.0.0/8,::1, of the proxies that terminate TLS: their X-Forwarded-Proto and X-Forwarded-For are believed, and nobody else's", c.trustedProxies.add)
	f.StringVar(&c.store, "store", "", "`URL` of the PostgreSQL database for what lasts: postgres://user:password@host/database; empty: memory, for one instance and until it stops")
	f.StringVar(&c.state, "state", "", "`URL` of where logins, codes and tokens are while they live: redis://host:6379, rediss:// with TLS, or postgres://; empty: in -store")
	f.BoolVar(&c.migrate, "migrate", false, "bring the schema of the database to the version of this program first, as the command migrate does")
	f.StringVar(&c.keys, "keys", "", "`where` the private keys are: pkcs12:file=keys.p12;password-file=secret;create in a file that is made if there is none, pkcs12:store;password-file=secret;create in -store, or pkcs11:token=signet;pin-file=secret in an HSM; empty: memory")
	f.DurationVar(&c.keyPolicy.Lifetime, "key-lifetime", 90*24*time.Hour, "how long a key signs")
	f.DurationVar(&c.keyPolicy.PublishAhead, "key-publish-ahead", 24*time.Hour, "how long a key is published before it signs")
	f.DurationVar(&c.keyPolicy.KeepFor, "key-keep-for", 25*time.Hour, "how long a key is published after it stopped to sign")
	f.BoolVar(&c.selfSigned, "self-signed-certificates", false, "publish a self-signed certificate with each new signing key; with -esignet-issuer unless this is false")
	f.Func("algorithms", "signature `algorithms`, as ES256,RS256,PS256, that clients can be registered for beside ES256; default: ES256 and RS256 and those of -clients, unless -profile forbids them", c.algorithms.set)
	f.StringVar(&c.nonceSecretFiles, "nonce-secret-files", "", "`files`, separated by commas, with at least 32 secret bytes each, for DPoP nonces: the first makes them, all are accepted; default: derived from the pairwise secret")
	f.StringVar(&c.clientsFile, "clients", "", "JSON `file` with an array of clients, each with the metadata of RFC 7591 and its client_id")
	f.StringVar((*string)(&c.profile), "profile", "", "`profile` to which every client is held: fapi2 for the FAPI 2.0 Security Profile, fapi2-message-signing for signed requests too; empty: that of its registration")
	f.StringVar(&c.pairwiseSecretFile, "pairwise-secret-file", "", "`file` with at least 32 secret bytes from which pairwise subjects are derived; default: random, so that they change at every start")
	f.StringVar(&c.demoPassword, "demo-password", "signet-demo", "`password` of the invented people")
	f.StringVar(&c.personas, "personas", "", "JSON `file` with an array of people, as authenticator/mock describes it; empty: those that are built in")
	f.StringVar(&c.identityFile, "identity", "", "JSON `file` that says which identity system knows the people, and how it is reached (docs/login-methods.md); empty: invented people")
	f.BoolVar(&c.development, "development", false, "nobody's identity depends on this server: one-time codes may be written to the log")
	f.StringVar(&c.acrsFile, "acrs", "", "JSON `file` with the ACRs and the factors that reach each, in our format or eSignet's (docs/login-methods.md); empty: one for each factor, and one for password and code")
	f.BoolVar(&c.passkeys, "passkeys", true, "people may register passkeys for the host of the issuer, and log in with them")
	f.StringVar(&c.passkeyACRs, "passkey-acrs", "", "`ACRs`, separated by commas, that a login must reach before a passkey can be registered; empty: those that take a code, a password or biometrics")
	f.StringVar(&c.pagesFile, "pages", "", "JSON `file` with identifier_types, links, frame_ancestors and logos of the login pages, or eSignet's keys for them (docs/pages.md); empty: one kind of identifier, no links, no frames")
	f.StringVar(&c.texts, "texts", "", "`directory` with language files, as km.json, that are laid over those of the pages (docs/languages.md)")
	f.BoolVar(&c.wallet, "wallet", true, "people may bind a wallet, and log in with it by scanning a code; with -keys or -identity only if this is given")
	f.DurationVar(&c.linkCodeLifetime, "link-code-lifetime", time.Minute, "how long a wallet can scan a code that a page shows")
	f.DurationVar(&c.linkTransactionLifetime, "link-transaction-lifetime", 5*time.Minute, "how much time a wallet has after it scanned a code, if the login lasts as long")
	f.StringVar(&c.documentsDir, "documents", "", "`directory` with terms.en.txt, privacy.en.txt and accessibility.en.txt, and the same in other languages, that become pages (docs/pages.md)")
	f.BoolVar(&c.apiDescription, "api-description", true, "serve the description of the API, OpenAPI, at /openapi.json, and a page with it at /api/")
	f.StringVar(&c.captcha, "captcha", "", "`captcha` that tells people from programs: altcha, which asks no third party, or recaptcha:service.json for a service with the interface of reCAPTCHA; empty: none")
	f.StringVar(&c.captchaOn, "captcha-on", "code,answer", "`steps` at which the captcha is asked for: code, before one is sent, and answer, before one is looked at")
	f.IntVar(&c.captchaAfter, "captcha-after", 0, "how many `uses` of a step go before the captcha is asked for: codes that were sent, answers that were wrong")
	f.DurationVar(&c.authenticatorTimeout, "authenticator-timeout", 30*time.Second, "how long the identity system may take to answer")
	f.StringVar(&c.themeFile, "theme", "", "JSON or YAML `file` with name, logo, colours and fonts of the pages (docs/theming.md); empty: Signet's own")
	f.StringVar(&c.templatesDir, "templates", "", "`directory` with templates that replace pages one by one (docs/theming.md); empty: none")
	f.BoolVar(&c.uiPreview, "ui-preview", false, "show every page in every state at /login/preview/, for development")
	f.DurationVar(&c.accessTokenLifetime, "access-token-lifetime", 10*time.Minute, "how long an access token is valid")
	f.IntVar(&c.attemptsPerPerson, "attempts-per-person", 10, "how many wrong `answers`, and how many codes, one identifier is allowed in 15 minutes over all logins")
	f.IntVar(&c.attemptsPerAddress, "attempts-per-address", 100, "how many wrong `answers` one network address is allowed in 15 minutes over all logins, and ten times as many codes")
	f.IntVar(&c.attemptsPerLogin, "attempts-per-login", 5, "how many wrong `answers` end a login")
	f.IntVar(&c.codesPerLogin, "codes-per-login", 3, "how many one-time `codes` are sent in a login")
	f.DurationVar(&c.delay, "delay", time.Second, "how long the next answer for an identifier has to wait after wrong ones, the first time; it doubles each time, to a minute at most")
	f.IntVar(&c.delayAfter, "delay-after", 0, "how many `answers` for an identifier go wrong before the first delay, over all logins; more than -attempts-per-person: there are no delays; 0: a third of -attempts-per-person, and at least 2")
	f.DurationVar(&c.loginLifetime, "login-lifetime", 10*time.Minute, "how much time a person has to log in")
	f.BoolVar(&c.esignet, "esignet", true, "serve eSignet's HTTP API under /v1/esignet too, for pages, scripts and tools that speak it (docs/esignet.md)")
	f.StringVar(&c.esignetUI, "esignet-ui", "", "`file` of a JSON object with further settings of eSignet's pages, which they find in \"configs\"")
	f.StringVar(&c.esignetIssuer, "esignet-issuer", "", "`issuer` of the bearer tokens with which clients are managed through eSignet's API, or \"open\" to ask for none, with -development; empty: the API does not manage clients")
	f.StringVar(&c.esignetJWKS, "esignet-jwks", "", "`URL` of the keys of -esignet-issuer")
	f.StringVar(&c.signUpClient, "signup-client", "", "`client_id` of the sign-up portal to which eSignet's pages take people whose claims are not verified, and which then logs them in by the ID Token that they bring; empty: there is none (docs/esignet.md)")
	f.StringVar(&c.signUpURL, "signup-url", "", "`URL` of this portal, to which people are taken: https://signup.example/identity-verification")
	f.BoolVar(&c.sessions, "sessions", false, "single sign-on: people stay logged in for 8 hours, or until they do nothing for 30 minutes or log out")
	f.StringVar(&c.logFormat, "log-format", "text", "`format` of the log on stderr: text or json")
	f.TextVar(&c.logLevel, "log-level", slog.LevelInfo, "lowest `level` to log: debug, info, warn or error")
	f.DurationVar(&c.drainDelay, "drain-delay", 0, "how long /readyz says 503 before connections are refused, for load balancers to notice")
	f.DurationVar(&c.shutdownTimeout, "shutdown-timeout", 15*time.Second, "how long requests in flight may take to finish")
	return f
}

// parseConfig reads environment and flags, of which the flags win.
func parseConfig(args []string, getenv func(string) string) (*config, error) {
	c := new(config)
	flags := c.flags()
	var errs []error
	flags.VisitAll(func(f *flag.Flag) {
		value := getenv(envName(f.Name))
		if value == "" {
			return
		}
		if err := flags.Set(f.Name, value); err != nil {
			errs = append(errs, fmt.Errorf("%s: invalid value %q: %w", envName(f.Name), value, err))
		}
	})
	if err := flags.Parse(args); err != nil {
		return nil, err // flag.ErrHelp, or a message that names the flag
	}
	if flags.NArg() > 0 {
		errs = append(errs, fmt.Errorf("unexpected argument %q; -help lists the flags", flags.Arg(0)))
	}
	c.given = make(map[string]bool)
	flags.Visit(func(f *flag.Flag) { c.given[f.Name] = true })
	if !c.given["mock-listen"] && (c.identityFile != "" || c.portalListen == "") {
		c.mockListen = "" // instances beside each other, and other people, are no demonstration
	}
	if !c.given["self-signed-certificates"] && c.esignet && c.esignetIssuer != "" {
		c.selfSigned = true // whoever manages clients through eSignet's API asks for certificates there
	}
	if !c.given["wallet"] && (c.keys != "" || c.identityFile != "") {
		c.wallet = false // a deployment that has an authority for wallets, for months, says so
	}
	if err := errors.Join(append(errs, c.validate(), c.validateLogins(), c.validateSignUp(), c.validatePreview())...); err != nil {
		return nil, err
	}
	return c, nil
}

func (c *config) validate() error {
	var errs []error
	for _, address := range []struct{ name, value string }{
		{"listen", c.listen}, {"portal-listen", c.portalListen}, {"mock-listen", c.mockListen}, {"ops-listen", c.opsListen},
	} {
		if address.value == "" && address.name != "listen" {
			continue
		}
		if _, _, err := net.SplitHostPort(address.value); err != nil {
			errs = append(errs, fmt.Errorf("-%s: %q is not an address like localhost:8080", address.name, address.value))
		}
	}
	if c.issuer != "" {
		if err := oauth.CheckIssuer(c.issuer); err != nil {
			errs = append(errs, fmt.Errorf("-issuer: %w", err))
		}
	}
	errs = append(errs, c.validateTLS(), c.checkState())
	if err := checkProfile(c.profile); err != nil {
		errs = append(errs, fmt.Errorf("-profile: %w", err))
	}
	if c.store != "" && c.pairwiseSecretFile == "" {
		errs = append(errs, errors.New("-store: needs -pairwise-secret-file, the same in all instances; otherwise people would be strangers after a restart"))
	}
	if c.store != "" && c.keys == "" {
		errs = append(errs, errors.New("-store: needs -keys, the same in all instances; keys in memory are those of one"))
	}
	if c.profile == oauth.ProfileFAPI2MessageSigning && c.portalListen != "" {
		errs = append(errs, errors.New("-profile: the portal does not sign its requests; switch it off with -portal-listen ''"))
	}
	if !slices.Contains([]string{"text", "json"}, c.logFormat) {
		errs = append(errs, fmt.Errorf("-log-format: %q is neither text nor json", c.logFormat))
	}
	for _, d := range []struct {
		name  string
		value time.Duration
	}{{"drain-delay", c.drainDelay}, {"shutdown-timeout", c.shutdownTimeout}} {
		if d.value < 0 {
			errs = append(errs, fmt.Errorf("-%s: %v is negative", d.name, d.value))
		}
	}
	return errors.Join(errs...)
}

// validateLogins finds flags that do not go together, of those that are about people and how they log in.
func (c *config) validateLogins() error {
	var errs []error
	refuse := func(wrong bool, format string, args ...any) {
		if wrong {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	for _, name := range []string{"personas", "demo-password"} {
		refuse(c.identityFile != "" && c.given[name], "-%s: is for the invented people, and -identity says who knows the real ones", name)
	}
	refuse(c.identityFile != "" && c.mockListen != "", "-mock-listen: is for the invented people, and -identity says who knows the real ones")
	refuse(c.passkeyACRs != "" && !c.passkeys, "-passkey-acrs: there are no passkeys")
	refuse(c.captcha != "" && c.captcha != "altcha" && !strings.HasPrefix(c.captcha, "recaptcha:"), "-captcha: it is neither altcha nor recaptcha: and the name of a file")
	for _, name := range []string{"captcha-on", "captcha-after"} {
		refuse(c.captcha == "" && c.given[name], "-%s: goes with -captcha", name)
	}
	for name, n := range map[string]int{"captcha-after": c.captchaAfter, "delay-after": c.delayAfter} {
		refuse(n < 0, "-%s: %d is negative", name, n)
	}
	for name, n := range map[string]int{"attempts-per-login": c.attemptsPerLogin, "codes-per-login": c.codesPerLogin} {
		refuse(n < 1, "-%s: %d is not at least one", name, n)
	}
	refuse(c.delay < time.Millisecond || c.delay > time.Minute, "-delay: %v is not between a millisecond and a minute", c.delay)
	for name, d := range map[string]time.Duration{"link-code-lifetime": c.linkCodeLifetime, "link-transaction-lifetime": c.linkTransactionLifetime} {
		refuse(d < time.Second || d > time.Hour, "-%s: %v is not between a second and an hour", name, d)
	}
	refuse(c.authenticatorTimeout <= 0, "-authenticator-timeout: %v is no time", c.authenticatorTimeout)
	_, err := c.captchaUses()
	return errors.Join(append(errs, err)...)
}

func checkProfile(p oauth.Profile) error {
	if !slices.Contains([]oauth.Profile{oauth.ProfileNone, oauth.ProfileFAPI2, oauth.ProfileFAPI2MessageSigning}, p) {
		return fmt.Errorf("%q is none; there are %s and %s", p, oauth.ProfileFAPI2, oauth.ProfileFAPI2MessageSigning)
	}
	return nil
}

// validateTLS makes sure that an https issuer is one: nobody else notices a proxy that passes plain http on.
func (c *config) validateTLS() error {
	https, terminates := strings.HasPrefix(c.issuer, "https:"), c.tlsCert != ""
	switch {
	case terminates != (c.tlsKey != ""):
		return errors.New("-tls-cert and -tls-key need each other")
	case https && !terminates && c.trustedProxies == nil:
		return errors.New("-issuer: for https give -tls-cert and -tls-key, or -trusted-proxies if a proxy terminates TLS")
	case terminates && c.issuer != "" && !https:
		return errors.New("-issuer: with -tls-cert it must be an https URL")
	}
	return nil
}

// logger writes to stderr, in the format and from the level that were asked for.
func (c *config) logger(stderr io.Writer) *slog.Logger {
	options := &slog.HandlerOptions{Level: c.logLevel}
	if c.logFormat == "json" {
		return slog.New(slog.NewJSONHandler(stderr, options))
	}
	return slog.New(slog.NewTextHandler(stderr, options))
}

func envName(flag string) string {
	return "SIGNET_" + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

// writeHelp lists the flags by what they are about.
func writeHelp(w io.Writer) {
	fmt.Fprint(w, "Usage: server [flags]\n       server command [flags]\n\n"+
		"An OpenID Provider over invented people, and a portal to log in to. Without flags everything lives in memory.\n"+
		"Each flag can be set in the environment too: -log-format is SIGNET_LOG_FORMAT. Flags win.\n")
	flags := new(config).flags()
	for _, group := range optionGroups {
		fmt.Fprintf(w, "\n%s:\n", group.title)
		writeFlags(w, flags, group.names)
	}
	writeCommands(w)
}

// writeFlags lists the flags with the names.
func writeFlags(w io.Writer, flags *flag.FlagSet, names []string) {
	for _, name := range names {
		f := flags.Lookup(name)
		placeholder, usage := flag.UnquoteUsage(f)
		fmt.Fprintf(w, "  -%s %s\n", name, placeholder)
		if f.DefValue != "" && f.DefValue != "0s" {
			usage += " (default " + strings.ToLower(strings.NewReplacer("h0m0s", "h", "m0s", "m").Replace(f.DefValue)) + ")"
		}
		for _, line := range wrap(usage, 88) {
			fmt.Fprintf(w, "        %s\n", line)
		}
	}
}

// wrap breaks text into lines of at most width bytes.
func wrap(text string, width int) []string {
	var lines []string
	line := ""
	for word := range strings.FieldsSeq(text) {
		if line != "" && len(line)+1+len(word) > width {
			lines = append(lines, line)
			line = ""
		}
		line = strings.TrimPrefix(line+" "+word, " ")
	}
	return append(lines, line)
}
