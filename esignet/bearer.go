package esignet

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/gosignet/signet/internal/jwt"
	"github.com/gosignet/signet/internal/outbound"
)

const (
	bearerSkew = 10 * time.Second
	// bearerKeysFor is how long fetched keys are used, and bearerKeysAfter the least time between two searches for a key that
	// is not among them, whatever strangers send.
	bearerKeysFor     = 15 * time.Minute
	bearerKeysAfter   = 30 * time.Second
	bearerFetchFor    = 5 * time.Second
	defaultActorClaim = "preferred_username"
)

// BearerConfig says whose access tokens open what is not for everybody. It is not changed after NewBearer.
type BearerConfig struct {
	// Issuer is the iss of the tokens. Required.
	Issuer string
	// JWKSURI is where the issuer publishes its keys: https, or http on a loopback host. Keys are the keys themselves.
	// One of the two is required.
	JWKSURI string
	Keys    []jose.JSONWebKey
	// Algorithms are those that tokens may be signed with. Empty means RS256, PS256 and ES256.
	Algorithms []jose.SignatureAlgorithm
	// Audience is what the aud of tokens must have. Empty means that it is not looked at.
	Audience string
	// ActorClaim names who calls, for histories. Empty means preferred_username; a token without it has its sub.
	ActorClaim string
	// AllowPrivate lets keys be fetched from addresses that are not public.
	AllowPrivate bool
	// Now is the clock. Nil means time.Now.
	Now func() time.Time
}

// Bearer checks bearer tokens (RFC 6750) of another issuer, signed as JWT. It is safe for concurrent use.
type Bearer struct {
	config BearerConfig
	client *http.Client

	mu   sync.Mutex
	keys []jose.JSONWebKey
	// fetched is when keys were fetched last, or that was tried, and searched when that was for a key that was not there.
	fetched, searched time.Time
}

// NewBearer returns a Bearer, or everything that is wrong with the configuration. Keys are fetched when a token comes.
func NewBearer(c BearerConfig) (*Bearer, error) {
	var errs []error
	if c.Issuer == "" {
		errs = append(errs, errors.New("esignet: BearerConfig.Issuer is missing"))
	}
	if (c.JWKSURI == "") == (len(c.Keys) == 0) {
		errs = append(errs, errors.New("esignet: BearerConfig needs JWKSURI or Keys, and not both"))
	}
	if u, err := url.Parse(c.JWKSURI); c.JWKSURI != "" &&
		(err != nil || u.Host == "" || u.Scheme != "https" && (u.Scheme != "http" || !loopback(u.Hostname()))) {
		errs = append(errs, errors.New("esignet: BearerConfig.JWKSURI must be https, or http on a loopback host"))
	}
	if len(c.Algorithms) == 0 {
		c.Algorithms = []jose.SignatureAlgorithm{jose.RS256, jose.PS256, jose.ES256}
	}
	if err := jwt.CheckAlgorithms(c.Algorithms); err != nil {
		errs = append(errs, fmt.Errorf("esignet: BearerConfig.Algorithms: %w", err))
	}
	for _, key := range c.Keys {
		if !key.Valid() || !key.IsPublic() {
			errs = append(errs, errors.New("esignet: BearerConfig.Keys must be public keys"))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	if c.ActorClaim == "" {
		c.ActorClaim = defaultActorClaim
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return &Bearer{config: c, keys: c.Keys, client: outbound.NewClient(c.AllowPrivate, 1)}, nil
}

func loopback(host string) bool { return host == "localhost" || host == "127.0.0.1" || host == "::1" }

type actorKey struct{}

// actor is who calls, for histories.
func actor(ctx context.Context) string {
	if name, ok := ctx.Value(actorKey{}).(string); ok {
		return name
	}
	return "esignet"
}

// Guard lets calls through to the handler that have a token with the scope.
func (b *Bearer) Guard(scope string, h http.Handler) http.Handler { return b.protect(scope, h) }

// protect lets calls through that have a token with the scope. A nil Bearer lets everybody through.
func (b *Bearer) protect(scope string, h http.Handler) http.Handler {
	if b == nil {
		return h
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		values := r.Header.Values("Authorization")
		if len(values) == 0 {
			refuseBearer(w, http.StatusUnauthorized, "Bearer")
			return
		}
		scheme, token, _ := strings.Cut(values[0], " ")
		var claims *jwt.Claims
		err := errors.New("esignet: no bearer token")
		if len(values) == 1 && strings.EqualFold(scheme, "Bearer") {
			claims, err = b.check(r.Context(), strings.TrimLeft(token, " "))
		}
		if errors.Is(err, errNoBearerKeys) {
			problem(w, http.StatusServiceUnavailable)
			return
		}
		if err != nil {
			refuseBearer(w, http.StatusUnauthorized, `Bearer error="invalid_token"`)
			return
		}
		if !slices.Contains(scopes(claims), scope) {
			refuseBearer(w, http.StatusForbidden, `Bearer error="insufficient_scope", scope="`+scope+`"`)
			return
		}
		h.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), actorKey{}, b.actor(claims))))
	})
}

func refuseBearer(w http.ResponseWriter, status int, value string) {
	w.Header().Set("WWW-Authenticate", value)
	w.WriteHeader(status)
}

// actor is who the token is of, as far as a history can say it.
func (b *Bearer) actor(claims *jwt.Claims) string {
	name, err := claims.Text(b.config.ActorClaim)
	if err != nil || name == "" {
		name = claims.Subject
	}
	name = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r == '\uFFFD' || r >= 0x80 && r < 0xa0 {
			return -1
		}
		return r
	}, name)
	if runes := []rune(name); len(runes) > 60 {
		name = string(runes[:60])
	}
	if name == "" {
		return "esignet"
	}
	return name
}

// scopes are those of the token: scope is a list separated by spaces, and scp that or an array.
func scopes(claims *jwt.Claims) []string {
	var all []string
	for _, name := range []string{"scope", "scp"} {
		var one string
		var many []string
		if raw := claims.Member(name); json.Unmarshal(raw, &one) == nil {
			all = append(all, strings.Fields(one)...)
		} else if json.Unmarshal(raw, &many) == nil {
			all = append(all, many...)
		}
	}
	return all
}

// check returns the claims of a token that is valid now.
func (b *Bearer) check(ctx context.Context, compact string) (*jwt.Claims, error) {
	token, err := jwt.Parse(compact, b.config.Algorithms)
	if err != nil {
		return nil, err
	}
	keys, err := b.current(ctx, false)
	if err != nil {
		return nil, err
	}
	payload, err := token.Verify(keys)
	if errors.Is(err, jwt.ErrUnknownKey) && b.config.JWKSURI != "" {
		if keys, err = b.current(ctx, true); err != nil {
			return nil, err
		}
		payload, err = token.Verify(keys)
	}
	if err != nil {
		return nil, err
	}
	claims, err := jwt.DecodeClaims(payload)
	if err != nil {
		return nil, err
	}
	switch {
	case claims.Issuer != b.config.Issuer:
		return nil, errors.New("esignet: a token of another issuer")
	case claims.ExpiresAt.IsZero():
		return nil, errors.New("esignet: a token without exp")
	case b.config.Audience != "" && !claims.Audience.Contains(b.config.Audience):
		return nil, errors.New("esignet: a token for another audience")
	}
	return claims, claims.CheckTime(b.config.Now(), bearerSkew)
}

var errNoBearerKeys = errors.New("esignet: the keys of the tokens cannot be fetched")

// current returns the issuer's keys. They are fetched again when they are old, or do not have the one that is wanted.
func (b *Bearer) current(ctx context.Context, again bool) ([]jose.JSONWebKey, error) {
	if b.config.JWKSURI == "" {
		return b.keys, nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.config.Now()
	last, pause := b.fetched, bearerKeysFor
	switch {
	case again:
		last, pause = b.searched, bearerKeysAfter
	case len(b.keys) == 0:
		pause = bearerKeysAfter
	}
	if now.Sub(last) < pause {
		if len(b.keys) == 0 {
			return nil, errNoBearerKeys
		}
		return b.keys, nil
	}
	if b.fetched = now; again {
		b.searched = now
	}
	keys, err := b.fetch(ctx)
	if err == nil {
		b.keys = keys
	}
	if len(b.keys) == 0 {
		return nil, fmt.Errorf("%w: %w", errNoBearerKeys, err)
	}
	return b.keys, nil
}

func (b *Bearer) fetch(ctx context.Context) ([]jose.JSONWebKey, error) {
	// Whoever asked first may hang up; others wait for the same keys.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), bearerFetchFor)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, b.config.JWKSURI, nil)
	if err != nil {
		return nil, err
	}
	answer, err := b.client.Do(r)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("esignet: the keys were answered with status %d", answer.StatusCode)
	}
	data, err := io.ReadAll(io.LimitReader(answer.Body, jwt.MaxKeySetSize+1))
	if err != nil {
		return nil, err
	}
	set, err := jwt.ParseKeySet(data)
	return set.Keys, err
}
