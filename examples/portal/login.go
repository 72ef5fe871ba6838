package portal

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/zitadel/oidc/v3/pkg/client/rp"
	"github.com/zitadel/oidc/v3/pkg/oidc"
	"golang.org/x/oauth2"
	"golang.org/x/text/language"
)

const (
	loginCookie   = "portal-login-"
	loginLifetime = 30 * time.Minute
	// maxLogins bounds the logins that one browser has under way, and with them the size of its Cookie header.
	maxLogins = 8
)

// pendingLogin is what the portal must remember about a login until the browser comes back. It travels, sealed, in a
// cookie of its own, so that logins in several tabs do not meet.
type pendingLogin struct {
	State     string    `json:"state"`
	Nonce     string    `json:"nonce"`
	Verifier  string    `json:"verifier"`
	Locale    string    `json:"locale,omitempty"`
	ExpiresAt time.Time `json:"expires_at"`
	// FAPI2 says that the request is pushed, and RequestURI is then the reference to it.
	FAPI2      bool   `json:"fapi2,omitempty"`
	RequestURI string `json:"request_uri,omitempty"`
	// Demand is what a page wants of the login, which then leads back to it.
	Demand *demand `json:"demand,omitempty"`
}

// login sends the browser to the provider.
func (p *Portal) login(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	p.begin(w, r, &pendingLogin{Locale: locale(query.Get("lang")), FAPI2: query.Get("protocol") == fapi2})
}

// begin sends the browser to the provider with a login of its own. In FAPI 2.0 the request is there before it.
func (p *Portal) begin(w http.ResponseWriter, r *http.Request, l *pendingLogin) {
	party, err := p.provider.relyingParty(r.Context())
	if err != nil {
		p.log(r.Context(), "the provider cannot be reached", err)
		p.fail(w, r, errUnavailable)
		return
	}
	l.State, l.Nonce, l.Verifier = rand.Text(), rand.Text(), oauth2.GenerateVerifier()
	l.ExpiresAt = p.config.Now().Add(loginLifetime)
	l.FAPI2 = l.FAPI2 || p.provider.mustUseFAPI2()
	if l.FAPI2 {
		if l.RequestURI, err = p.provider.push(r.Context(), party, p.request(party, l)); err != nil {
			p.log(r.Context(), "the request was not pushed", err)
			p.fail(w, r, pushFailure(err))
			return
		}
	}
	name := p.loginCookieName(l.State)
	value, err := p.sealer.seal(name, l)
	if err != nil {
		p.log(r.Context(), "the login cannot be sealed", err)
		p.fail(w, r, errUnavailable)
		return
	}
	p.dropLogins(w, r)
	http.SetCookie(w, p.cookie(name, value, loginLifetime))
	http.Redirect(w, r, p.browserURL(party, l), http.StatusSeeOther)
}

// browserURL is what the browser carries to the provider: the request, or the reference to one that is there already.
func (p *Portal) browserURL(party *party, l *pendingLogin) string {
	if !l.FAPI2 {
		return p.requestURL(party, l)
	}
	endpoint, separator := party.OAuthConfig().Endpoint.AuthURL, "?"
	if strings.Contains(endpoint, "?") {
		separator = "&"
	}
	return endpoint + separator + url.Values{"client_id": {p.config.ClientID}, "request_uri": {l.RequestURI}}.Encode()
}

// request is the authorization request.
func (p *Portal) request(party *party, l *pendingLogin) url.Values {
	u, err := url.Parse(p.requestURL(party, l))
	if err != nil {
		return nil
	}
	return u.Query()
}

func (p *Portal) requestURL(party *party, l *pendingLogin) string {
	options := []rp.AuthURLOpt{
		rp.WithCodeChallenge(oidc.NewSHACodeChallenge(l.Verifier)),
		parameter("nonce", l.Nonce),
	}
	if l.Locale != "" {
		options = append(options, parameter("ui_locales", l.Locale))
	}
	if len(p.config.ClaimsLocales) > 0 {
		options = append(options, parameter("claims_locales", strings.Join(p.config.ClaimsLocales, " ")))
	}
	acrs := p.config.ACRValues
	if l.Demand != nil {
		if len(l.Demand.ACRValues) > 0 {
			acrs = l.Demand.ACRValues
		}
		if l.Demand.MaxAge != nil {
			options = append(options, parameter("max_age", strconv.FormatUint(*l.Demand.MaxAge, 10)))
		}
	}
	if len(acrs) > 0 {
		options = append(options, parameter("acr_values", strings.Join(acrs, " ")))
	}
	if claims := p.config.claims(party.metadata); claims != nil {
		options = append(options, parameter("claims", string(claims)))
	}
	return rp.AuthURL(l.State, party, options...)
}

func parameter(name, value string) rp.AuthURLOpt { return rp.AuthURLOpt(rp.WithURLParam(name, value)) }

// locale returns a person's choice of language as a BCP 47 tag, or nothing if it is none.
func locale(choice string) string {
	tag, err := language.Parse(choice)
	if err != nil || tag == language.Und {
		return ""
	}
	return tag.String()
}

// takeLogin returns the login that the browser began with the state, and lets the browser forget it: a response is
// accepted once.
func (p *Portal) takeLogin(w http.ResponseWriter, r *http.Request, state string) (*pendingLogin, bool) {
	name := p.loginCookieName(state)
	cookie, err := r.Cookie(name)
	if err != nil {
		return nil, false
	}
	http.SetCookie(w, p.cookie(name, "", -1))
	l, ok := p.openLogin(cookie)
	return l, ok && l.State == state
}

func (p *Portal) openLogin(cookie *http.Cookie) (*pendingLogin, bool) {
	var l pendingLogin
	if err := p.sealer.open(cookie.Name, cookie.Value, &l); err != nil || !p.config.Now().Before(l.ExpiresAt) {
		return nil, false
	}
	return &l, true
}

// dropLogins makes room for another login: those that are over go, and the oldest of too many.
func (p *Portal) dropLogins(w http.ResponseWriter, r *http.Request) {
	type entry struct {
		name      string
		expiresAt time.Time
	}
	var logins []entry
	for _, cookie := range r.Cookies() {
		if !strings.HasPrefix(cookie.Name, p.cookieName(loginCookie)) {
			continue
		}
		if l, ok := p.openLogin(cookie); ok {
			logins = append(logins, entry{cookie.Name, l.ExpiresAt})
		} else {
			http.SetCookie(w, p.cookie(cookie.Name, "", -1))
		}
	}
	slices.SortFunc(logins, func(a, b entry) int { return a.expiresAt.Compare(b.expiresAt) })
	for _, l := range logins[:max(0, len(logins)-maxLogins+1)] {
		http.SetCookie(w, p.cookie(l.name, "", -1))
	}
}

// loginCookieName names the cookie of a login after its state, which it does not reveal.
func (p *Portal) loginCookieName(state string) string {
	sum := sha256.Sum256([]byte(state))
	return p.cookieName(loginCookie + base64.RawURLEncoding.EncodeToString(sum[:12]))
}

// cookieName keeps other hosts of the domain from setting the cookie, where that is possible.
func (p *Portal) cookieName(name string) string {
	if p.secure {
		return "__Host-" + name
	}
	return name
}

// cookie returns a cookie that scripts cannot read and other sites cannot use, except that it comes along when somebody
// follows a link to the portal: the provider's response is one. A negative lifetime deletes it.
func (p *Portal) cookie(name, value string, lifetime time.Duration) *http.Cookie {
	maxAge := int(lifetime / time.Second)
	if lifetime < 0 {
		maxAge = -1
	}
	return &http.Cookie{
		Name: name, Value: value, Path: "/", MaxAge: maxAge,
		HttpOnly: true, Secure: p.secure, SameSite: http.SameSiteLaxMode,
	}
}
