package sunbird

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/authenticator/internal/knowledge"
)

// Config configures a Registry.
type Config struct {
	// SearchURL is where an entity is searched: "https://registry.example.org/api/v1/Insurance/search". Required.
	SearchURL string
	// EntityURL is where a record is read, without its id: "https://registry.example.org/api/v1/Insurance/". Required.
	EntityURL string
	// AllowHTTP allows URLs that are not https, for a registry that is reached through a network that encrypts.
	AllowHTTP bool

	// Form is what a person has to know. Names are those of the fields in the registry. Required: the Identifier, which
	// finds the record, and at least one field that proves that it is the person's.
	Form authenticator.Form
	// CompareOnly names fields of the form that the registry is not asked to filter by, because it compares byte by byte
	// and people spell such values in several ways: names, say. They are compared here, more kindly. Wrong answers then
	// bring the record of somebody else into this process, where it is forgotten. Nil means that the registry filters by
	// all fields.
	CompareOnly []string
	// RecordID is the field that identifies a record forever. Its values are texts of letters, digits, '-', '_', '.' and
	// ':'. Empty means "osid".
	RecordID string
	// Claims are what can be released: the field of the registry by the name of the claim ("given_name"), which may be
	// followed by "#" and a language ("name#km"). Nil means nothing.
	Claims map[string]Claim

	// Timeout bounds one HTTP call, from dialling to the last byte. Zero means 5 seconds.
	Timeout time.Duration
	// Tries is how often a call is made, at most 5, if there is no connection or a gateway answers 502, 503 or 504. All
	// calls only read, so that repeating them is safe. A call that timed out is not repeated. Zero means 2.
	Tries int
	// MaxInFlight bounds the calls that are under way at once. Beyond it the registry is Unavailable. Zero means 64.
	MaxInFlight int
	// MaxResponseBytes bounds an answer of the registry, which must have room for two records. Zero means 1 MiB.
	MaxResponseBytes int64
	// MaxFailures is how many failures in a row suspend all calls. Zero means 5.
	MaxFailures int
	// Pause is how long they are suspended, until one is tried. Zero means 10 seconds.
	Pause time.Duration

	// Transport makes the calls. It can present a client certificate, or add a header that a gateway wants. Nil means
	// one with a pool of MaxInFlight connections, TLS 1.2 or newer, and without a proxy.
	Transport http.RoundTripper
	// Now is the clock. Nil means time.Now.
	Now func() time.Time
	// Logger hears of calls that are suspended, and of records that are ambiguous or ill-formed, of which it names
	// fields but no values. Nil means that nobody does.
	Logger *slog.Logger
}

// Claim says where a claim comes from.
type Claim struct {
	// Field is a field of the record. Required. A number is released as text if OpenID Connect says that the claim is
	// one, such as phone_number. Everything else is released as it is.
	Field string
	// DateFormat is how the registry writes the field if it is a date, in the notation of
	// [authenticator.FormField].Format. It is released as "yyyy-MM-dd". Empty means the format in the form if the field is
	// a date there, and otherwise that the field is no date.
	DateFormat string
}

func (c Config) withDefaults() Config {
	c.RecordID = cmp.Or(c.RecordID, "osid")
	c.Timeout = cmp.Or(c.Timeout, 5*time.Second)
	c.Tries = cmp.Or(c.Tries, 2)
	c.MaxInFlight = cmp.Or(c.MaxInFlight, 64)
	c.MaxResponseBytes = cmp.Or(c.MaxResponseBytes, 1<<20)
	c.MaxFailures = cmp.Or(c.MaxFailures, 5)
	c.Pause = cmp.Or(c.Pause, 10*time.Second)
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}

// protocolClaims belong to the provider or, like verified_claims, to other kinds of sources.
var protocolClaims = []string{
	"sub", "iss", "aud", "azp", "exp", "iat", "auth_time", "nonce", "acr", "amr", "at_hash", "c_hash", "verified_claims",
}

func (c Config) validate() error {
	var errs []error
	check := func(ok bool, format string, args ...any) {
		if !ok {
			errs = append(errs, fmt.Errorf("sunbird: "+format, args...))
		}
	}
	add := func(what string, err error) {
		check(err == nil, "%s: %w", what, err)
	}
	add("SearchURL", c.validateURL(c.SearchURL))
	add("EntityURL", c.validateURL(c.EntityURL))

	check(c.Form.Identifier != nil, "Form has no Identifier")
	check(len(c.Form.Fields) > 0, "Form has no fields besides the Identifier: whoever knows that would be let in")
	check(len(c.Form.Fields) == 0 || slices.ContainsFunc(c.Form.Fields, authenticator.FormField.Proves),
		"Form has no field that has to be filled in with what not everybody knows: whoever knows the Identifier would be let in")
	if err := c.Form.Validate(); err != nil && len(c.Form.Fields) > 0 {
		for problem := range strings.Lines(err.Error()) {
			check(false, "%s", strings.TrimSpace(problem))
		}
	} else {
		for _, f := range fieldsOf(c.Form) {
			_, err := newField(f, false)
			add(fmt.Sprintf("field %q", f.Name), err)
		}
	}
	for i, name := range c.CompareOnly {
		inForm := slices.ContainsFunc(c.Form.Fields, func(f authenticator.FormField) bool { return f.Name == name })
		check(inForm, "CompareOnly: %q is no field of the form, or its Identifier", name)
		check(!slices.Contains(c.CompareOnly[:i], name), "CompareOnly: %q is there twice", name)
	}
	check(knowledge.ValidName(c.RecordID), "RecordID is not a name")
	for _, name := range slices.Sorted(maps.Keys(c.Claims)) {
		claim := c.Claims[name]
		base, language, tagged := strings.Cut(name, "#")
		check(base != "" && tagged == (language != ""), "claim %q: not a name", name)
		check(!slices.Contains(protocolClaims, base), "claim %q: does not come from a registry", name)
		check(knowledge.ValidName(claim.Field), "claim %q: Field is not a name", name)
		if claim.DateFormat != "" {
			_, err := knowledge.DateLayout(claim.DateFormat)
			add(fmt.Sprintf("claim %q", name), err)
		}
	}

	check(c.Timeout > 0, "Timeout is negative")
	check(c.Tries > 0 && c.Tries <= 5, "Tries is not within 1 to 5")
	check(c.MaxInFlight > 0, "MaxInFlight is negative")
	check(c.MaxResponseBytes > 0, "MaxResponseBytes is negative")
	check(c.MaxFailures > 0, "MaxFailures is negative")
	check(c.Pause > 0, "Pause is negative")
	return errors.Join(errs...)
}

// validateURL does not repeat the URL, which may hold a password by mistake.
func (c Config) validateURL(s string) error {
	u, err := url.Parse(s)
	switch {
	case s == "":
		return errors.New("is required")
	case err != nil || u.Host == "" || u.Opaque != "":
		return errors.New("is not an absolute URL")
	case u.Scheme != "https" && (u.Scheme != "http" || !c.AllowHTTP):
		return errors.New("is not https")
	case u.User != nil || u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return errors.New("has user, query or fragment")
	}
	return nil
}

// fieldsOf returns the Identifier, if there is one, and the fields.
func fieldsOf(f authenticator.Form) []authenticator.FormField {
	if f.Identifier == nil {
		return f.Fields
	}
	return append([]authenticator.FormField{*f.Identifier}, f.Fields...)
}
