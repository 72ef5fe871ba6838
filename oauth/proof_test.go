package oauth_test

import (
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/oauth"
)

// The rows of the Foundation's negative tests at the token endpoint, under the names of their modules. What is refused
// burns nobody's code.
func TestTokenEndpointRefusesUnderTheProfile(t *testing.T) {
	t.Parallel()
	type request struct {
		form   url.Values
		proofs []string
	}
	for module, c := range map[string]struct {
		// push changes what is pushed, and returns the proofs with it.
		push   func(p *provider, a *holder, form url.Values) []string
		spoil  func(p *provider, a, b *holder, r *request)
		status int
		code   oauth.ErrorCode
	}{
		"ensure-client-id-in-token-endpoint": {
			spoil:  func(_ *provider, _, _ *holder, r *request) { r.form.Set("client_id", "clinic") },
			status: 401, code: oauth.InvalidClient},
		"ensure-authorization-code-is-bound-to-client": {
			spoil: func(p *provider, _, _ *holder, r *request) {
				r.form.Set("client_assertion", p.clinic.assertion(t, nil))
			}, status: 400, code: oauth.InvalidGrant},
		"the code of another client, bound to a key, without a proof": {
			push: func(_ *provider, a *holder, form url.Values) []string {
				form.Set("dpop_jkt", a.thumbprint(t))
				return nil
			},
			spoil: func(p *provider, _, _ *holder, r *request) {
				r.form.Set("client_assertion", p.clinic.assertion(t, nil))
				r.proofs = nil
			}, status: 400, code: oauth.InvalidGrant},
		"ensure-pkce-code-verifier-required": {
			spoil:  func(_ *provider, _, _ *holder, r *request) { r.form.Del("code_verifier") },
			status: 400, code: oauth.InvalidGrant},
		"incorrect-pkce-code-verifier-rejected": {
			spoil:  func(_ *provider, _, _ *holder, r *request) { r.form.Set("code_verifier", verifier+"x") },
			status: 400, code: oauth.InvalidGrant},
		"another redirect_uri": {
			spoil: func(_ *provider, _, _ *holder, r *request) {
				r.form.Set("redirect_uri", "https://portal.example/other")
			},
			status: 400, code: oauth.InvalidGrant},
		"ensure-holder-of-key-required": {
			spoil:  func(_ *provider, _, _ *holder, r *request) { r.proofs = nil },
			status: 400, code: oauth.InvalidDPoPProof},
		"ensure-token-endpoint-fails-with-mismatched-dpop-proof-jkt": {
			push:   func(_ *provider, a *holder, _ url.Values) []string { return []string{a.proof(t, pushEndpoint, nil)} },
			spoil:  func(_ *provider, _, b *holder, r *request) { r.proofs = []string{b.proof(t, endpoints.Token, nil)} },
			status: 400, code: oauth.InvalidDPoPProof},
		"ensure-token-endpoint-fails-with-mismatched-dpop-jkt": {
			push: func(_ *provider, a *holder, form url.Values) []string {
				form.Set("dpop_jkt", a.thumbprint(t))
				return nil
			},
			spoil:  func(_ *provider, _, b *holder, r *request) { r.proofs = []string{b.proof(t, endpoints.Token, nil)} },
			status: 400, code: oauth.InvalidDPoPProof},
		"a proof for PAR": {
			spoil:  func(_ *provider, a, _ *holder, r *request) { r.proofs = []string{a.proof(t, pushEndpoint, nil)} },
			status: 400, code: oauth.InvalidDPoPProof},
		"two proofs": {
			spoil: func(_ *provider, a, b *holder, r *request) {
				r.proofs = append(r.proofs, b.proof(t, endpoints.Token, nil))
			},
			status: 400, code: oauth.InvalidDPoPProof},
		"a proof of an hour ago": {
			spoil: func(p *provider, a, _ *holder, r *request) {
				r.proofs = []string{a.proof(t, endpoints.Token, map[string]any{"iat": p.clock.Now().Add(-time.Hour).Unix()})}
			}, status: 400, code: oauth.InvalidDPoPProof},
		"an unknown nonce": {
			spoil: func(_ *provider, a, _ *holder, r *request) {
				r.proofs = []string{a.proof(t, endpoints.Token, map[string]any{"nonce": "x"})}
			}, status: 400, code: oauth.UseDPoPNonce},
		"ensure-client-assertion-in-token-endpoint": {
			spoil: func(_ *provider, _, _ *holder, r *request) {
				r.form.Set("client_id", "portal")
				r.form.Del("client_assertion")
				r.form.Del("client_assertion_type")
			}, status: 401, code: oauth.InvalidClient},
		"ensure-client-assertion-with-exp-is-5-minutes-in-past-fails": {
			spoil: func(p *provider, _, _ *holder, r *request) {
				r.form.Set("client_assertion", p.portal.assertion(t, map[string]any{"exp": p.clock.Now().Add(-5 * time.Minute).Unix()}))
			}, status: 401, code: oauth.InvalidClient},
		"ensure-client-assertion-with-wrong-aud-fails": {
			spoil: func(p *provider, _, _ *holder, r *request) {
				r.form.Set("client_assertion", p.portal.assertion(t, map[string]any{"aud": "https://other.example"}))
			}, status: 401, code: oauth.InvalidClient},
		"the token endpoint as the audience": {
			spoil: func(p *provider, _, _ *holder, r *request) {
				r.form.Set("client_assertion", p.portal.assertion(t, map[string]any{"aud": endpoints.Token}))
			}, status: 401, code: oauth.InvalidClient},
		"an array of the issuer as the audience": {
			spoil: func(p *provider, _, _ *holder, r *request) {
				r.form.Set("client_assertion", p.portal.assertion(t, map[string]any{"aud": []string{issuer}}))
			}, status: 401, code: oauth.InvalidClient},
		"ensure-client-assertion-with-no-sub-fails": {
			spoil: func(p *provider, _, _ *holder, r *request) {
				r.form.Set("client_assertion", p.portal.assertion(t, map[string]any{"sub": nil}))
			}, status: 401, code: oauth.InvalidClient},
	} {
		t.Run(module, func(t *testing.T) {
			t.Parallel()
			p := newFAPI(t)
			a, b := p.newHolder(t), p.newHolder(t)
			form := p.portal.pushRequest(t)
			var proofs []string
			if c.push != nil {
				proofs = c.push(p, a, form)
			}
			code := p.pushedCode(t, p.portal, form, proofs...)
			r := &request{p.portal.fapiRedemption(t, code), []string{a.proof(t, endpoints.Token, nil)}}
			c.spoil(p, a, b, r)
			requireRefused(t, postProved(p.TokenHandler(), r.form, r.proofs...), c.status, c.code)
			p.redeemBound(t, p.portal, code, a)
		})
	}
}

// ensure-token-endpoint-fails-with-expired-auth-code
func TestCodeUnderTheProfileLivesAMinute(t *testing.T) {
	t.Parallel()
	p := newFAPI(t)
	a := p.newHolder(t)
	code := p.pushedCode(t, p.portal, p.portal.pushRequest(t))
	p.clock.advance(62 * time.Second)
	rec := postProved(p.TokenHandler(), p.portal.fapiRedemption(t, code), a.proof(t, endpoints.Token, nil))
	requireRefused(t, rec, 400, oauth.InvalidGrant)
}

// attempt-reuse-authorization-code-after-one-second: whichever key comes with the replay, the token dies.
func TestInvariant4ReplayedBoundCodeRevokesItsToken(t *testing.T) {
	t.Parallel()
	for name, sameKey := range map[string]bool{"with the key of the token": true, "with another key": false} {
		for _, bound := range []bool{true, false} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				p := newFAPI(t)
				a, key := p.newHolder(t), p.newHolder(t)
				if sameKey {
					key = a
				}
				form := p.portal.pushRequest(t)
				if bound {
					form.Set("dpop_jkt", a.thumbprint(t))
				}
				code := p.pushedCode(t, p.portal, form)
				token := p.redeemBound(t, p.portal, code, a).AccessToken
				p.clock.advance(time.Second)
				rec := postProved(p.TokenHandler(), p.portal.fapiRedemption(t, code), key.proof(t, endpoints.Token, nil))
				requireRefused(t, rec, 400, oauth.InvalidGrant)
				require.False(t, p.live(t, token))
			})
		}
	}
}

func TestInvariant5OnlyTheKeyOfTheRequestGetsTokens(t *testing.T) {
	t.Parallel()
	p := newFAPI(t)
	a, b := p.newHolder(t), p.newHolder(t)
	for name, code := range map[string]string{
		"dpop_jkt at PAR":           p.pushedCode(t, p.portal, with(p.portal.pushRequest(t), "dpop_jkt", a.thumbprint(t))),
		"a proof at PAR":            p.pushedCode(t, p.portal, p.portal.pushRequest(t), a.proof(t, pushEndpoint, nil)),
		"both":                      p.pushedCode(t, p.portal, with(p.portal.pushRequest(t), "dpop_jkt", a.thumbprint(t)), a.proof(t, pushEndpoint, nil)),
		"an ordinary client at PAR": p.pushedCode(t, p.clinic, p.clinic.pushRequest(t), a.proof(t, pushEndpoint, nil)),
		"dpop_jkt in the query":     response(t, p.authorize(with(p.clinic.request(), "dpop_jkt", a.thumbprint(t)))).Get("code"),
	} {
		client := p.portal
		if name == "an ordinary client at PAR" || name == "dpop_jkt in the query" {
			client = p.clinic
		}
		rec := postProved(p.TokenHandler(), client.fapiRedemption(t, code), b.proof(t, endpoints.Token, nil))
		requireRefused(t, rec, 400, oauth.InvalidDPoPProof)
		rec = post(p.TokenHandler(), client.fapiRedemption(t, code))
		requireRefused(t, rec, 400, oauth.InvalidDPoPProof)
		p.redeemBound(t, client, code, a)
	}
}

func TestBoundTokenSaysSo(t *testing.T) {
	t.Parallel()
	p := newFAPI(t)
	a := p.newHolder(t)
	tokens := p.redeemBound(t, p.portal, p.pushedCode(t, p.portal, p.portal.pushRequest(t)), a)
	require.Equal(t, "DPoP", tokens.TokenType)
	_, claims := payload(t, tokens.AccessToken)
	require.Equal(t, map[string]any{"jkt": a.thumbprint(t)}, claims["cnf"])
	live, err := p.AccessToken(t.Context(), tokens.AccessToken)
	require.NoError(t, err)
	require.Equal(t, a.thumbprint(t), live.DPoPThumbprint)

	form := p.portal.authenticated(t, issuer, url.Values{"token": {tokens.AccessToken}})
	answer := decode[map[string]any](t, post(p.IntrospectionHandler(), form))
	require.Equal(t, true, answer["active"])
	require.Equal(t, "DPoP", answer["token_type"])
	require.Equal(t, map[string]any{"jkt": a.thumbprint(t)}, answer["cnf"])

	form = p.clinic.authenticated(t, issuer, url.Values{"token": {tokens.AccessToken}})
	require.Equal(t, map[string]any{"active": false}, decode[map[string]any](t, post(p.IntrospectionHandler(), form)))
}

// What holds for a FAPI client changes nothing for the ordinary client beside it.
func TestBearerClientIsUnaffectedBesideAFAPIClient(t *testing.T) {
	t.Parallel()
	p := newFAPI(t)
	tokens := p.redeem(t, p.clinic, p.code(t, p.clinic)) // not pushed; assertion for the token endpoint; no proof
	require.Equal(t, "Bearer", tokens.TokenType)
	_, claims := payload(t, tokens.AccessToken)
	require.NotContains(t, claims, "cnf")
	answer := decode[map[string]any](t, post(p.IntrospectionHandler(),
		p.clinic.authenticated(t, endpoints.Introspection, url.Values{"token": {tokens.AccessToken}})))
	require.Equal(t, "Bearer", answer["token_type"])
	require.NotContains(t, answer, "cnf")
	p.redeem(t, p.clinic, p.pushedCode(t, p.clinic, p.clinic.pushRequest(t)))
}

func TestOrdinaryClientGetsABoundTokenForItsProof(t *testing.T) {
	t.Parallel()
	p := newFAPI(t)
	a := p.newHolder(t)
	tokens := p.redeemBound(t, p.clinic, p.code(t, p.clinic), a)
	require.Equal(t, "DPoP", tokens.TokenType)
	rec := postProved(p.TokenHandler(), p.clinic.redemption(t, p.code(t, p.clinic)), a.proof(t, pushEndpoint, nil))
	requireRefused(t, rec, 400, oauth.InvalidDPoPProof)
}

func TestClientThatIsRegisteredForBoundTokensGetsNoOthers(t *testing.T) {
	t.Parallel()
	p := newFAPI(t)
	p.clinic.client.DPoPBound = true
	code := p.code(t, p.clinic)
	requireRefused(t, post(p.TokenHandler(), p.clinic.redemption(t, code)), 400, oauth.InvalidDPoPProof)
	require.Equal(t, "DPoP", p.redeemBound(t, p.clinic, code, p.newHolder(t)).TokenType)
}

func TestProofIsAcceptedOnceAcrossInstancesUnderRace(t *testing.T) {
	t.Parallel()
	p := newFAPI(t)
	a := p.newHolder(t)
	other := p.instance(t)
	proof := a.proof(t, endpoints.Token, nil)
	const n = 20
	forms := make([]url.Values, n)
	for i := range forms {
		forms[i] = p.portal.fapiRedemption(t, p.pushedCode(t, p.portal, p.portal.pushRequest(t)))
	}
	status := make([]int, n)
	race(n, func(i int) {
		handler := p.TokenHandler()
		if i%2 == 0 {
			handler = other.TokenHandler()
		}
		status[i] = postProved(handler, forms[i], proof).Code
	})
	count := map[int]int{}
	for _, s := range status {
		count[s]++
	}
	require.Equal(t, map[int]int{200: 1, 400: n - 1}, count)
}

// use_dpop_nonce is no refusal: the client sends the very same again, with another proof.
func TestDemandForANonceUsesNothingUp(t *testing.T) {
	t.Parallel()
	p := newFAPI(t)
	p.portal.client.RequireDPoPNonce = true
	a := p.newHolder(t)

	form := p.portal.pushRequest(t)
	stale := a.proof(t, pushEndpoint, nil)
	for range 2 {
		rec := postProved(p.pushHandler(), form, stale)
		requireRefused(t, rec, 400, oauth.UseDPoPNonce)
		require.Len(t, rec.Header().Values("DPoP-Nonce"), 1)
	}
	nonce := postProved(p.pushHandler(), form, stale).Header().Get("DPoP-Nonce")
	require.Regexp(t, `^[\x21\x23-\x5b\x5d-\x7e]+$`, nonce)
	code := p.pushedCode(t, p.portal, form, a.proof(t, pushEndpoint, map[string]any{"nonce": nonce}))

	redemption := p.portal.fapiRedemption(t, code)
	stale = a.proof(t, endpoints.Token, nil)
	for range 2 {
		rec := postProved(p.TokenHandler(), redemption, stale)
		requireRefused(t, rec, 400, oauth.UseDPoPNonce)
		require.Equal(t, nonce, rec.Header().Get("DPoP-Nonce"))
	}
	rec := postProved(p.TokenHandler(), redemption, a.proof(t, endpoints.Token, map[string]any{"nonce": nonce}))
	require.Equal(t, http.StatusOK, rec.Code, rec.Body)
	require.Empty(t, rec.Header().Get("DPoP-Nonce"), "the nonce is still the one to use")
}

// The proof with which a nonce was missing was not used up: it has a jti that may come again, with the nonce.
func TestProofThatLackedANonceIsNotUsedUp(t *testing.T) {
	t.Parallel()
	p := newFAPI(t)
	p.portal.client.RequireDPoPNonce = true
	a := p.newHolder(t)
	form := p.portal.pushRequest(t)
	claims := map[string]any{"jti": "the-same"}
	nonce := postProved(p.pushHandler(), form, a.proof(t, pushEndpoint, claims)).Header().Get("DPoP-Nonce")
	claims["nonce"] = nonce
	p.pushes(t, form, a.proof(t, pushEndpoint, claims))
}

func TestAnswersBringTheNextNonceBeforeTheLastOneEnds(t *testing.T) {
	t.Parallel()
	p := newFAPI(t)
	p.portal.client.RequireDPoPNonce = true
	a := p.newHolder(t)
	nonce := postProved(p.pushHandler(), p.portal.pushRequest(t), a.proof(t, pushEndpoint, nil)).Header().Get("DPoP-Nonce")
	p.clock.advance(time.Minute)
	rec := postProved(p.pushHandler(), p.portal.pushRequest(t), a.proof(t, pushEndpoint, map[string]any{"nonce": nonce}))
	require.Equal(t, http.StatusCreated, rec.Code)
	next := rec.Header().Get("DPoP-Nonce")
	require.NotEmpty(t, next)
	require.NotEqual(t, nonce, next)
	code := response(t, p.authorize(p.portal.reference(decode[map[string]any](t, rec)["request_uri"].(string)))).Get("code")
	rec = postProved(p.TokenHandler(), p.portal.fapiRedemption(t, code), a.proof(t, endpoints.Token, map[string]any{"nonce": nonce}))
	require.Equal(t, http.StatusOK, rec.Code, rec.Body)
	require.Equal(t, next, rec.Header().Get("DPoP-Nonce"))
	p.clock.advance(time.Minute)
	rec = postProved(p.pushHandler(), p.portal.pushRequest(t), a.proof(t, pushEndpoint, map[string]any{"nonce": nonce}))
	requireRefused(t, rec, 400, oauth.UseDPoPNonce)
}

// A request without any proof is told that it lacks one, and not that the proof lacks a nonce.
func TestMissingProofIsNoDemandForANonce(t *testing.T) {
	t.Parallel()
	p := newFAPI(t)
	p.portal.client.RequireDPoPNonce = true
	code := p.pushedCode(t, p.portal, p.portal.pushRequest(t))
	rec := post(p.TokenHandler(), p.portal.fapiRedemption(t, code))
	requireRefused(t, rec, 400, oauth.InvalidDPoPProof)
}

func TestProofThatCannotBeRememberedGetsNoToken(t *testing.T) {
	t.Parallel()
	p := newFAPI(t)
	a := p.newHolder(t)
	code := p.pushedCode(t, p.portal, p.portal.pushRequest(t))
	form, proof := p.portal.fapiRedemption(t, code), a.proof(t, endpoints.Token, nil)
	p.store.failWith(func(n int, _ string) error { // read the code, remember the assertion, remember the proof
		if n == 3 {
			return errors.New("connection refused")
		}
		return nil
	})
	requireRefused(t, postProved(p.TokenHandler(), form, proof), 503, oauth.ServerError)
	p.store.failWith(nil)
	p.redeemBound(t, p.portal, code, a)
}

// ensure-signed-client-assertion-with-RS256-fails
func TestRS256AssertionOfAPS256ClientFails(t *testing.T) {
	t.Parallel()
	p := newFAPI(t)
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	p.portal.client.Keys.Keys = []jose.JSONWebKey{jwk(key, "rsa")}
	p.portal.client.AssertionAlgorithm = jose.PS256
	claims := func() map[string]any {
		return map[string]any{
			"iss": "portal", "sub": "portal", "aud": issuer, "jti": newCode(), "exp": p.clock.Now().Add(time.Minute).Unix(),
		}
	}
	form := p.portal.request()
	form.Set("client_assertion_type", assertionType)
	for alg, status := range map[jose.SignatureAlgorithm]int{jose.PS256: 201, jose.RS256: 401} {
		form.Set("client_assertion", sign(t, alg, jose.JSONWebKey{Key: key, KeyID: "rsa"}, "", claims()))
		require.Equal(t, status, post(p.pushHandler(), form).Code, alg)
	}
}

func TestServerWithoutDPoPIgnoresProofs(t *testing.T) {
	t.Parallel()
	p := newProvider(t)
	form := p.clinic.redemption(t, p.code(t, p.clinic))
	rec := postProved(p.TokenHandler(), form, p.newHolder(t).proof(t, endpoints.Token, nil))
	require.Equal(t, "Bearer", decode[tokenResponse](t, rec).TokenType)
}
