package load

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/gosignet/signet/dpop"
	"github.com/gosignet/signet/keystore"
)

const (
	assertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
	acrPassword   = "mosip:idp:acr:password"
	maxPages      = 8
)

// Spent is what a login used up. None of it may ever be accepted again.
type Spent struct {
	visit *visit
	code  string
	// assertion is the client's at the token endpoint.
	assertion string
}

// visit is one login: the relying party's side with its key, and the browser.
type visit struct {
	*Loader
	person   Person
	browser  *http.Client
	party    *http.Client // proves possession of the visit's own key
	state    string
	verifier string
}

func (l *Loader) newVisit(transport http.RoundTripper) (*visit, error) {
	jar, err := cookiejar.New(nil)
	if err != nil {
		return nil, err
	}
	keys, err := keystore.Generate(jose.ES256)
	if err != nil {
		return nil, err
	}
	key, err := keys.Signer(context.Background(), keystore.TokenSigning, jose.ES256)
	if err != nil {
		return nil, err
	}
	proving, err := dpop.NewTransport(dpop.TransportConfig{Key: key, Base: transport})
	if err != nil {
		return nil, err
	}
	people := l.config.People
	return &visit{
		Loader: l,
		person: people[int(l.next.Add(1)-1)%len(people)],
		browser: &http.Client{Transport: transport, Jar: jar, CheckRedirect: func(r *http.Request, via []*http.Request) error {
			if strings.HasPrefix(r.URL.String(), l.config.RedirectURI+"?") {
				return http.ErrUseLastResponse
			}
			return nil
		}},
		party: &http.Client{Transport: proving},
		state: rand.Text(), verifier: rand.Text() + rand.Text(),
	}, nil
}

// errStopped is the error of a login that ended where Begin was to end it.
var errStopped = errors.New("load: stopped as it was told")

// Login logs the next person in, from the pushed request to userinfo. What is wrong with an answer that the provider gave
// is a *RefusedError.
func (l *Loader) Login(ctx context.Context) (*Spent, error) { return l.login(ctx, l.transport) }

// Begin begins to log the next person in and leaves them there after so many requests. It returns nil if the login was
// complete by then.
func (l *Loader) Begin(ctx context.Context, requests int) error {
	_, err := l.login(ctx, &stopping{base: l.transport, left: requests})
	if errors.Is(err, errStopped) {
		return nil
	}
	return err
}

// stopping is a RoundTripper for so many requests.
type stopping struct {
	base http.RoundTripper
	left int
}

func (s *stopping) RoundTrip(r *http.Request) (*http.Response, error) {
	if s.left--; s.left < 0 {
		return nil, errStopped
	}
	return s.base.RoundTrip(r)
}

func (l *Loader) login(ctx context.Context, transport http.RoundTripper) (*Spent, error) {
	v, err := l.newVisit(transport)
	if err != nil {
		return nil, err
	}
	uri, err := v.push(ctx)
	if err != nil {
		return nil, fmt.Errorf("push the request: %w", err)
	}
	code, err := v.throughPages(ctx, uri)
	if err != nil {
		return nil, fmt.Errorf("log in: %w", err)
	}
	spent := &Spent{visit: v, code: code, assertion: v.assertion()}
	token, err := v.redeem(ctx, code, spent.assertion)
	if err != nil {
		return nil, fmt.Errorf("redeem the code: %w", err)
	}
	if err := v.userinfo(ctx, token); err != nil {
		return nil, fmt.Errorf("read userinfo: %w", err)
	}
	return spent, nil
}

func (v *visit) push(ctx context.Context) (requestURI string, err error) {
	return v.pushWith(ctx, v.assertion())
}

func (v *visit) pushWith(ctx context.Context, assertion string) (requestURI string, err error) {
	challenge := sha256.Sum256([]byte(v.verifier))
	form := url.Values{
		"response_type": {"code"}, "redirect_uri": {v.config.RedirectURI}, "scope": {"openid profile"}, "state": {v.state}, "acr_values": {acrPassword},
		"code_challenge": {base64.RawURLEncoding.EncodeToString(challenge[:])}, "code_challenge_method": {"S256"},
	}
	res, err := v.post(ctx, v.endpoints.Pushed, form, assertion)
	if err != nil {
		return "", err
	}
	var pushed struct {
		RequestURI string `json:"request_uri"`
	}
	return pushed.RequestURI, res.json(&pushed)
}

// throughPages takes the browser from the authorization endpoint to the redirect URI and returns the code.
func (v *visit) throughPages(ctx context.Context, requestURI string) (code string, err error) {
	target := v.endpoints.Authorization + "?" + url.Values{"client_id": {v.config.ClientID}, "request_uri": {requestURI}}.Encode()
	res, err := v.send(ctx, v.browser, http.MethodGet, target, nil)
	for range maxPages {
		if err != nil {
			return "", err
		}
		if location := res.header.Get("Location"); location != "" {
			return v.callback(location)
		}
		action, form, err := res.form(map[string]string{"identifier": v.person.ID, "response": v.person.Password})
		if err != nil {
			return "", err
		}
		if res, err = v.send(ctx, v.browser, http.MethodPost, action, form); err != nil {
			return "", err
		}
	}
	return "", errors.New("the pages do not end")
}

// callback is what the relying party does with the authorization response.
func (v *visit) callback(location string) (code string, err error) {
	u, err := url.Parse(location)
	if err != nil {
		return "", err
	}
	q := u.Query()
	switch {
	case q.Get("state") != v.state || q.Get("iss") != v.config.Issuer:
		return "", errors.New("the response is another login's, or another provider's")
	case q.Get("error") != "":
		return "", &RefusedError{Status: http.StatusSeeOther, Code: q.Get("error")}
	case q.Get("code") == "":
		return "", errors.New("the response has no code")
	}
	return q.Get("code"), nil
}

func (v *visit) redeem(ctx context.Context, code, assertion string) (token string, err error) {
	form := url.Values{
		"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {v.config.RedirectURI}, "code_verifier": {v.verifier},
	}
	res, err := v.post(ctx, v.endpoints.Token, form, assertion)
	if err != nil {
		return "", err
	}
	var tokens struct {
		AccessToken string `json:"access_token"`
		IDToken     string `json:"id_token"`
		TokenType   string `json:"token_type"`
	}
	if err := res.json(&tokens); err != nil {
		return "", err
	}
	if tokens.AccessToken == "" || tokens.IDToken == "" || tokens.TokenType != "DPoP" {
		return "", errors.New("a token is missing or not bound to a key")
	}
	return tokens.AccessToken, nil
}

func (v *visit) userinfo(ctx context.Context, token string) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, v.endpoints.Userinfo, nil)
	if err != nil {
		return err
	}
	r.Header.Set("Authorization", "DPoP "+token)
	res, err := do(v.party, r)
	if err == nil && len(res.body) == 0 {
		err = errors.New("it is empty")
	}
	return err
}

// post sends a form as the client, with a proof of possession.
func (v *visit) post(ctx context.Context, endpoint string, form url.Values, assertion string) (*response, error) {
	form.Set("client_id", v.config.ClientID)
	form.Set("client_assertion_type", assertionType)
	form.Set("client_assertion", assertion)
	return v.send(ctx, v.party, http.MethodPost, endpoint, form)
}

// assertion is one of the client's, for one use (RFC 7523).
func (l *Loader) assertion() string {
	now := time.Now()
	token, err := l.config.Key.SignJSON(context.Background(), "JWT", map[string]any{
		"iss": l.config.ClientID, "sub": l.config.ClientID, "aud": l.config.Issuer, "jti": rand.Text(),
		"iat": now.Unix(), "exp": now.Add(5 * time.Minute).Unix(),
	})
	if err != nil {
		return err.Error() // which the provider refuses
	}
	return token
}

// Again tries whether the code or the client assertion of the login is accepted a second time, and returns what was. It
// may be called any time after the login. An error means that the provider did not answer: nothing is known then.
func (s *Spent) Again(ctx context.Context) (accepted []string, err error) {
	var failures []error
	for name, try := range map[string]func() error{
		"code":             func() error { _, err := s.visit.redeem(ctx, s.code, s.visit.assertion()); return err },
		"client assertion": func() error { _, err := s.visit.pushWith(ctx, s.assertion); return err },
	} {
		err := try()
		refused, ok := errors.AsType[*RefusedError](err)
		switch {
		case err == nil:
			accepted = append(accepted, name)
		case !ok || refused.Status >= http.StatusInternalServerError:
			failures = append(failures, fmt.Errorf("%s: %w", name, err))
		}
	}
	return accepted, errors.Join(failures...)
}
