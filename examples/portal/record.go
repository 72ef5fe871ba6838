package portal

import (
	"errors"
	"mime"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/zitadel/oidc/v3/pkg/oidc"
)

// Record is what it takes to see the page with the medical record.
type Record struct {
	// ACRValues are the authentication contexts that the page takes, in order of preference: whoever is signed in
	// otherwise is sent to the provider again. Nil takes any.
	ACRValues []string
	// URL is the resource that keeps the record, and that the portal calls with its access token. What it demands of the
	// login (RFC 9470) is asked of the provider. Empty means that there is no record.
	URL string
}

func (r Record) validate() error {
	if u, err := url.Parse(r.URL); r.URL != "" && (err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http") {
		return errors.New("has a URL that is not an absolute http or https URL")
	}
	for _, acr := range r.ACRValues {
		if acr == "" || strings.ContainsAny(acr, " \t\r\n") {
			return errors.New("has an ACR value that is empty or has a space in it")
		}
	}
	return nil
}

const (
	maxRecord    = 1 << 20
	maxACRValues = 20
)

// errTooWeak says that a login did not bring what it was made for.
var errTooWeak = errors.New("the login is not as strong or as recent as was asked for")

// demand is what a page, or a resource behind it, wants of a login.
type demand struct {
	ACRValues []string `json:"acr_values,omitempty"`
	MaxAge    *uint64  `json:"max_age,omitempty"` // in seconds
}

// metBy says whether a login is as it should be. acr_values is only a wish to the provider (OpenID Connect Core section
// 3.1.2.1), so it must be looked at what came of it.
func (d *demand) metBy(claims *oidc.IDTokenClaims, now time.Time) error {
	if d == nil {
		return nil
	}
	if len(d.ACRValues) > 0 && !slices.Contains(d.ACRValues, claims.AuthenticationContextClassReference) {
		return errTooWeak
	}
	if d.MaxAge != nil {
		at := claims.AuthTime.AsTime()
		if at.IsZero() || now.Sub(at).Seconds() > float64(*d.MaxAge)+clockSkew.Seconds() {
			return errTooWeak
		}
	}
	return nil
}

func (d *demand) equal(o *demand) bool {
	sameAge := o != nil && (d.MaxAge == nil) == (o.MaxAge == nil) && (d.MaxAge == nil || *d.MaxAge == *o.MaxAge)
	return sameAge && slices.Equal(d.ACRValues, o.ACRValues)
}

// record shows the medical record to who has proven enough of themselves, and has others prove more.
func (p *Portal) record(w http.ResponseWriter, r *http.Request) {
	s := p.session(r)
	if s == nil {
		http.Redirect(w, r, homePath, http.StatusSeeOther)
		return
	}
	if s.ended {
		http.Redirect(w, r, profilePath, http.StatusSeeOther)
		return
	}
	acrs := p.config.Record.ACRValues
	if len(acrs) > 0 && !slices.Contains(acrs, s.acr) {
		p.stepUp(w, r, s, &demand{ACRValues: acrs})
		return
	}
	var text string
	if address := p.config.Record.URL; address != "" {
		res, err := p.provider.call(r.Context(), address, s.access)
		if err != nil {
			p.log(r.Context(), "the record cannot be reached", err)
			p.fail(w, r, errNoRecord)
			return
		}
		if d := demandOf(res); d != nil {
			res.Body.Close()
			p.stepUp(w, r, s, d)
			return
		}
		body, err := readAnswer(res, http.StatusOK, maxRecord)
		if err != nil {
			p.log(r.Context(), "the record was not given", err)
			p.fail(w, r, errNoRecord)
			return
		}
		text = string(body)
		if kind, _, err := mime.ParseMediaType(res.Header.Get("Content-Type")); err == nil && kind == "application/json" {
			text = pretty(body)
		}
	}
	p.render(w, r, p.pages.record, http.StatusOK, page{
		Title:    "Your medical record",
		SignedIn: true,
		Content:  struct{ ACR, Record string }{s.acr, text},
	})
}

// stepUp sends the browser to the provider with the demand, by the protocol of the session, and from there back to the
// page. A login that was made for the same demand and did not satisfy is not repeated.
func (p *Portal) stepUp(w http.ResponseWriter, r *http.Request, s *session, d *demand) {
	if d.equal(s.demand) {
		p.fail(w, r, errNotStrongEnough)
		return
	}
	p.begin(w, r, &pendingLogin{FAPI2: s.trace.FAPI2, Demand: d})
}

// demandOf returns what a resource wants of the login (RFC 9470 section 3), or nil if that is not why it refused.
func demandOf(res *http.Response) *demand {
	challenge := challengeOf(res)
	if challenge["error"] != "insufficient_user_authentication" {
		return nil
	}
	d := &demand{ACRValues: strings.Fields(challenge["acr_values"])}
	d.ACRValues = d.ACRValues[:min(len(d.ACRValues), maxACRValues)]
	if seconds, err := strconv.ParseUint(challenge["max_age"], 10, 31); err == nil {
		d.MaxAge = &seconds
	}
	return d
}

var (
	challengeScheme = regexp.MustCompile(`(?i)^\s*(Bearer|DPoP)\s`)
	challengeParam  = regexp.MustCompile(`([a-zA-Z_]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s",]+))`)
)

// challengeOf returns the parameters of the challenge for access tokens in an answer with status 401 (RFC 6750 section 3
// and RFC 9449 section 7.1).
func challengeOf(res *http.Response) map[string]string {
	params := map[string]string{}
	if res.StatusCode != http.StatusUnauthorized {
		return params
	}
	for _, line := range res.Header.Values("WWW-Authenticate") {
		if !challengeScheme.MatchString(line) {
			continue
		}
		for _, m := range challengeParam.FindAllStringSubmatch(line, -1) {
			if name := strings.ToLower(m[1]); params[name] == "" {
				params[name] = m[2] + m[3]
			}
		}
	}
	return params
}
