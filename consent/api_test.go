package consent_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/consent"
	"github.com/gosignet/signet/dpop"
	"github.com/gosignet/signet/oauth"
	"github.com/gosignet/signet/store/memory"
)

const apiURL = issuer + "/me/consents"

// apiTokens are the live tokens, and the clients that there are.
type apiTokens map[string]*oauth.AccessToken

func (t apiTokens) AccessToken(_ context.Context, token string) (*oauth.AccessToken, error) {
	if token == "outage" {
		return nil, errOutage
	}
	if found := t[token]; found != nil {
		return found, nil
	}
	return nil, &oauth.Error{Code: oauth.InvalidToken}
}

func (apiTokens) Client(_ context.Context, id string) (*oauth.Client, error) {
	if id == "gone" {
		return nil, oauth.ErrUnknownClient
	}
	return &oauth.Client{ID: id}, nil
}

// apiWorld is an API over a registry in memory, with tokens that live.
type apiWorld struct {
	*world
	http.Handler
	registry *consent.Registry
	key      *ecdsa.PrivateKey
	log      bytes.Buffer
}

func newAPI(tb testing.TB) *apiWorld {
	tb.Helper()
	w := &apiWorld{world: newWorld(tb)}
	w.registry = w.instance(tb)
	state, err := memory.New(memory.Config{Now: w.clock.Now})
	require.NoError(tb, err)
	proofs, err := dpop.New(dpop.Config{Store: state, Now: w.clock.Now})
	require.NoError(tb, err)
	w.key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(tb, err)
	jkt, err := dpop.Thumbprint(jose.JSONWebKey{Key: w.key.Public()})
	require.NoError(tb, err)
	token := func(person, client, scope, jkt string) *oauth.AccessToken {
		return &oauth.AccessToken{
			ClientID: client, DPoPThumbprint: jkt, Grant: oauth.Grant{Person: person, Scope: strings.Fields(scope)},
		}
	}
	tokens := apiTokens{
		"hers": token(person, "wallet", "openid consents", ""), "his": token("somebody-else", "wallet", "consents", ""),
		"bound":  token(person, "wallet", "consents", jkt),
		"narrow": token(person, "wallet", "openid", ""), "orphan": token(person, "gone", "consents", ""),
		"nobody": token("", "wallet", "consents", ""),
	}
	w.Handler, err = consent.NewAPI(consent.APIConfig{
		Registry: w.registry, Tokens: tokens, Clients: tokens, DPoP: proofs, URL: apiURL,
		Logger: slog.New(slog.NewTextHandler(&w.log, nil)),
	})
	require.NoError(tb, err)
	return w
}

func (w *apiWorld) call(method, path, token string, change ...func(*http.Request)) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, "/me/consents"+path, nil)
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	for _, c := range change {
		c(r)
	}
	answer := httptest.NewRecorder()
	w.ServeHTTP(answer, r)
	return answer
}

// prove makes the request one with the bound token and a proof of its key, for the URL.
func (w *apiWorld) prove(tb testing.TB, at string) func(*http.Request) {
	return func(r *http.Request) {
		sum := sha256.Sum256([]byte("bound"))
		payload, err := json.Marshal(map[string]any{
			"jti": rand.Text(), "htm": r.Method, "htu": at, "iat": w.clock.Now().Unix(), "ath": base64.RawURLEncoding.EncodeToString(sum[:]),
		})
		require.NoError(tb, err)
		signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: w.key}, (&jose.SignerOptions{EmbedJWK: true}).WithType("dpop+jwt"))
		require.NoError(tb, err)
		jws, err := signer.Sign(payload)
		require.NoError(tb, err)
		proof, err := jws.CompactSerialize()
		require.NoError(tb, err)
		r.Header.Set("Authorization", "DPoP bound")
		r.Header.Set("DPoP", proof)
	}
}

func body[T any](tb testing.TB, answer *httptest.ResponseRecorder) (b T) {
	tb.Helper()
	assert.Equal(tb, "application/json", answer.Header().Get("Content-Type"))
	require.NoError(tb, json.Unmarshal(answer.Body.Bytes(), &b), answer.Body.String())
	return b
}

type apiList struct{ Consents []*consent.Record }

type apiOne struct {
	Consent *consent.Record
	History []*consent.Record
}

func TestThePersonSeesTheirConsentsThroughTheAPI(t *testing.T) {
	t.Parallel()
	w := newAPI(t)
	assert.JSONEq(t, `{"consents":[]}`, w.call(http.MethodGet, "", "hers").Body.String(), "an empty list is a list")
	first := decide(t, w.registry, asks(), grants()).Record
	w.clock.pass(time.Hour)
	second := decide(t, w.registry, asks(), consent.Decision{Claims: []string{"name"}}).Record

	answer := w.call(http.MethodGet, "", "hers")
	assert.Equal(t, http.StatusOK, answer.Code)
	assert.Equal(t, []*consent.Record{second}, body[apiList](t, answer).Consents)
	assert.Equal(t, "no-store", answer.Header().Get("Cache-Control"))
	assert.Empty(t, answer.Header().Get("Access-Control-Allow-Origin"))

	one := body[apiOne](t, w.call(http.MethodGet, "/"+second.ID, "hers"))
	assert.Equal(t, second, one.Consent)
	assert.Equal(t, []*consent.Record{second, first}, one.History)
	assert.Equal(t, second, body[apiOne](t, w.call(http.MethodGet, "/"+first.ID, "hers")).Consent, "an earlier ID leads to what followed")
}

func TestReceiptsAreDownloadedThroughTheAPI(t *testing.T) {
	t.Parallel()
	w := newAPI(t)
	first := decide(t, w.registry, asks(), grants()).Record
	w.clock.pass(time.Hour)
	second := decide(t, w.registry, asks(), grants()).Record
	for query, want := range map[string]*consent.Record{"": second, "?version=1": first, "?version=2": second} {
		answer := w.call(http.MethodGet, "/"+first.ID+"/receipt"+query, "hers")
		require.Equal(t, http.StatusOK, answer.Code, query)
		assert.Equal(t, "application/jwt", answer.Header().Get("Content-Type"))
		assert.Equal(t, `attachment; filename="`+want.ReceiptName()+`"`, answer.Header().Get("Content-Disposition"))
		says, err := w.registry.Verify(t.Context(), answer.Body.String())
		require.NoError(t, err)
		assert.Equal(t, want.Subject, says.Subject)
		assert.Equal(t, want.Receipt, answer.Body.String())
	}
	assert.Equal(t, "consent-receipt-2026-01-02-1.jwt", first.ReceiptName())
	assert.Equal(t, http.StatusNotFound, w.call(http.MethodGet, "/"+first.ID+"/receipt?version=3", "hers").Code)

	w.keys.outage.Store(true)
	_, err := w.registry.Withdraw(t.Context(), person, second.ID)
	require.NoError(t, err)
	assert.Equal(t, http.StatusNotFound, w.call(http.MethodGet, "/"+first.ID+"/receipt", "hers").Code, "it could not be signed")
}

func TestAConsentIsWithdrawnThroughTheAPI(t *testing.T) {
	t.Parallel()
	w := newAPI(t)
	given := decide(t, w.registry, asks(), grants()).Record

	w.tokens.fail(true)
	answer := w.call(http.MethodDelete, "/"+given.ID, "hers")
	assert.Equal(t, http.StatusServiceUnavailable, answer.Code, "tokens may live: the app has to repeat")
	assert.Contains(t, answer.Body.String(), "repeat the request")
	assert.NotEmpty(t, answer.Header().Get("Retry-After"))
	w.tokens.fail(false)
	answer = w.call(http.MethodDelete, "/"+given.ID, "hers")
	assert.Equal(t, http.StatusOK, answer.Code)
	assert.Equal(t, consent.Withdrawn, body[apiOne](t, answer).Consent.Status)
	assert.True(t, w.tokens.has(given.ID))

	again := decide(t, w.registry, asks(), grants()).Record
	answer = w.call(http.MethodDelete, "/"+given.ID, "hers")
	assert.Equal(t, http.StatusConflict, answer.Code, "the present one is another")
	assert.Equal(t, again, body[apiOne](t, answer).Consent)
	require.NoError(t, w.registry.Check(t.Context(), again.ID))
}

func TestNobodyReachesTheConsentsOfAnother(t *testing.T) {
	t.Parallel()
	w := newAPI(t)
	given := decide(t, w.registry, asks(), grants()).Record
	unknown := given.ID[:43] + ".AAAAAAAAAAAAAAAA"
	assert.JSONEq(t, `{"consents":[]}`, w.call(http.MethodGet, "", "his").Body.String())
	for _, c := range []struct{ method, path string }{
		{http.MethodGet, ""}, {http.MethodGet, "/receipt"}, {http.MethodDelete, ""},
	} {
		foreign := w.call(c.method, "/"+given.ID+c.path, "his")
		assert.Equal(t, http.StatusNotFound, foreign.Code)
		missing := w.call(c.method, "/"+strings.Repeat("A", 43)+unknown[43:]+c.path, "his")
		assert.Equal(t, missing.Body.String(), foreign.Body.String(), "nor learns that there are some")
	}
	require.NoError(t, w.registry.Check(t.Context(), given.ID))
}

func TestTheAPIRefusesOtherTokens(t *testing.T) {
	t.Parallel()
	w := newAPI(t)
	given := decide(t, w.registry, asks(), grants()).Record
	for name, c := range map[string]struct {
		token     string
		status    int
		challenge string
	}{
		"none":                      {"", http.StatusUnauthorized, ""},
		"unknown":                   {"forged", http.StatusUnauthorized, `error="invalid_token"`},
		"of a client that is gone":  {"orphan", http.StatusUnauthorized, `error="invalid_token"`},
		"bound, without its proof":  {"bound", http.StatusUnauthorized, `error="invalid_token"`},
		"of another scope":          {"narrow", http.StatusForbidden, `error="insufficient_scope", error_description="the access token lacks the scope consents", scope="consents"`},
		"of nobody":                 {"nobody", http.StatusForbidden, `error="insufficient_scope"`},
		"that nobody can check now": {"outage", http.StatusServiceUnavailable, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, method := range []string{http.MethodGet, http.MethodDelete} {
				answer := w.call(method, "/"+given.ID, c.token)
				assert.Equal(t, c.status, answer.Code)
				challenges := strings.Join(answer.Header().Values("WWW-Authenticate"), "; ")
				assert.Contains(t, challenges, c.challenge)
				assert.Equal(t, c.status != http.StatusServiceUnavailable, challenges != "", challenges)
				assert.NotContains(t, answer.Body.String(), given.ID)
				assert.Equal(t, "no-store", answer.Header().Get("Cache-Control"))
			}
			require.NoError(t, w.registry.Check(t.Context(), given.ID))
		})
	}
}

func TestABoundTokenNeedsItsProofAtTheAPI(t *testing.T) {
	t.Parallel()
	w := newAPI(t)
	given := decide(t, w.registry, asks(), grants()).Record
	assert.Equal(t, http.StatusUnauthorized, w.call(http.MethodDelete, "/"+given.ID, "", w.prove(t, apiURL)).Code, "a proof for another URL")
	proved := w.prove(t, apiURL+"/"+given.ID)
	answer := w.call(http.MethodGet, "/"+given.ID, "", proved)
	require.Equal(t, http.StatusOK, answer.Code, answer.Header())
	assert.Equal(t, given, body[apiOne](t, answer).Consent)

	var once http.Header
	w.call(http.MethodGet, "/"+given.ID, "", proved, func(r *http.Request) { once = r.Header.Clone() })
	assert.Equal(t, http.StatusUnauthorized, w.call(http.MethodGet, "/"+given.ID, "", func(r *http.Request) { r.Header = once }).Code, "a proof is used once")
}

func TestTheAPIAnswersNothingElse(t *testing.T) {
	t.Parallel()
	w := newAPI(t)
	id := decide(t, w.registry, asks(), grants()).Record.ID
	for name, c := range map[string]struct {
		method, path string
		status       int
		allow        string
		change       func(*http.Request)
	}{
		"another path":            {http.MethodGet, "/" + id + "/history", http.StatusNotFound, "", nil},
		"a slash too many":        {http.MethodGet, "/" + id + "/", http.StatusNotFound, "", nil},
		"an empty ID":             {http.MethodGet, "/", http.StatusNotFound, "", nil},
		"a neighbour of its path": {http.MethodGet, "x", http.StatusNotFound, "", nil},
		"an ID that is none":      {http.MethodGet, "/%2e%2e", http.StatusNotFound, "", nil},
		"POST":                    {http.MethodPost, "/" + id, http.StatusMethodNotAllowed, "GET, HEAD, DELETE", nil},
		"a list to delete":        {http.MethodDelete, "", http.StatusMethodNotAllowed, "GET, HEAD", nil},
		"a receipt to delete":     {http.MethodDelete, "/" + id + "/receipt", http.StatusMethodNotAllowed, "GET, HEAD", nil},
		"a preflight":             {http.MethodOptions, "/" + id, http.StatusMethodNotAllowed, "GET, HEAD, DELETE", nil},
		"a body": {http.MethodDelete, "/" + id, http.StatusBadRequest, "", func(r *http.Request) {
			r.ContentLength = 1 << 30
		}},
		"a token in the URL": {http.MethodGet, "?access_token=hers&%zz", http.StatusBadRequest, "", nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := &http.Request{Method: c.method, Header: http.Header{"Authorization": {"Bearer hers"}}, Body: http.NoBody}
			var err error
			r.URL, err = url.ParseRequestURI("/me/consents" + c.path)
			require.NoError(t, err)
			if c.change != nil {
				c.change(r)
			}
			answer := httptest.NewRecorder()
			w.ServeHTTP(answer, r.WithContext(t.Context()))
			assert.Equal(t, c.status, answer.Code)
			assert.Equal(t, c.allow, answer.Header().Get("Allow"))
			assert.Empty(t, answer.Header().Get("Access-Control-Allow-Origin"))
		})
	}
}

func TestAnOutageOfTheLedgerIsNoAnswer(t *testing.T) {
	t.Parallel()
	w := newAPI(t)
	id := decide(t, w.registry, asks(), grants()).Record.ID
	w.outage.Store(true)
	for _, method := range []string{http.MethodGet, http.MethodDelete} {
		answer := w.call(method, "/"+id, "hers")
		assert.Equal(t, http.StatusServiceUnavailable, answer.Code)
		assert.NotContains(t, answer.Body.String(), errOutage.Error())
	}
	assert.Contains(t, w.log.String(), errOutage.Error())
	for _, personal := range []string{person, id, asks().Asked.Subject, "hers"} {
		assert.NotContains(t, w.log.String(), personal)
	}
}

func TestNewAPISaysAllThatIsWrong(t *testing.T) {
	t.Parallel()
	_, err := consent.NewAPI(consent.APIConfig{URL: "/consents/", Scope: `a "b"`})
	for _, problem := range []string{"Registry", "Tokens", "Clients", "DPoP", "Scope", "URL"} {
		assert.ErrorContains(t, err, "APIConfig."+problem)
	}
}

func FuzzAPI(f *testing.F) {
	w := newAPI(f)
	given := decide(f, w.registry, asks(), grants()).Record
	f.Add(http.MethodGet, "/"+given.ID, "", "Bearer hers")
	f.Add(http.MethodGet, "/"+given.ID+"/receipt", "version=1", "Bearer his")
	f.Add(http.MethodDelete, "/"+given.ID, "access_token=hers", "DPoP bound")
	f.Add("", "/../x", "version=%", "Basic x")
	f.Fuzz(func(t *testing.T, method, path, query, authorization string) {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Method, r.URL.Path, r.URL.RawQuery = method, "/me/consents"+path, query
		r.Header.Set("Authorization", authorization)
		answer := httptest.NewRecorder()
		w.ServeHTTP(answer, r)
		hers := strings.EqualFold(strings.Join(strings.Fields(authorization), " "), "Bearer hers")
		if !hers && strings.Contains(answer.Body.String(), given.Subject) {
			t.Errorf("%s %s tells another: %s", method, path, answer.Body)
		}
		if !hers && w.registry.Check(t.Context(), given.ID) != nil {
			t.Errorf("%s %s withdraws for another", method, path)
		}
		if answer.Code >= 500 && !strings.Contains(authorization, "outage") {
			t.Errorf("status %d", answer.Code)
		}
	})
}
