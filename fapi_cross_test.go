package signet_test

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/oauth"
)

// Two clients, each with its registration, key, code, verifier and token. Whatever of one is put together with anything of
// the other is refused, and none of the refused attempts costs anybody anything: at the end what belongs together works.

// each calls f with every way to choose n times between 0 and 1.
func each(n int, f func(choice []int)) {
	for bits := range 1 << n {
		choice := make([]int, n)
		for i := range choice {
			choice[i] = bits >> i & 1
		}
		f(choice)
	}
}

// same reports whether all choices are the same.
func same(choice []int) bool { return slices.Min(choice) == slices.Max(choice) }

func TestEveryCrossCombinationAtTheTokenEndpointIsRefused(t *testing.T) {
	t.Parallel()
	w := newFAPIWorld(t)
	attempts := [2]*attempt{}
	callbacks := [2]*url.URL{}
	for i, c := range []*party{w.portal, w.clinic} {
		attempts[i] = c.begin(func(f url.Values) { f.Set("dpop_jkt", thumbprint(t, c.dpop)) })
		v := w.newVisitor()
		v.person = w.people[i].NationalID
		callbacks[i] = v.login(attempts[i].url())
	}
	refused := 0
	each(5, func(choice []int) {
		if same(choice) {
			return
		}
		code, client, key, verifier, redirect := choice[0], choice[1], choice[2], choice[3], choice[4]
		form := url.Values{
			"grant_type": {"authorization_code"}, "code": {callbacks[code].Query().Get("code")},
			"redirect_uri":  {attempts[redirect].client.RedirectURIs[0]},
			"code_verifier": {attempts[verifier].verifier},
		}
		proof := w.proof(attempts[key].dpop, http.MethodPost, w.issuer+"/token")
		attempts[client].call("/token", form, proof).refused(t, 400, oauth.InvalidGrant, oauth.InvalidDPoPProof)
		refused++
	})
	require.Equal(t, 30, refused)
	for i, a := range attempts {
		a.tokens(callbacks[i])
	}
}

func TestEveryCrossCombinationOfTokensAndKeysIsRefused(t *testing.T) {
	t.Parallel()
	w := newFAPIWorld(t)
	parties := []*party{w.portal, w.clinic}
	tokens := []string{w.portal.login(), w.clinic.login()}
	refused := 0
	each(3, func(choice []int) {
		token, key, hash := choice[0], choice[1], choice[2]
		proof := w.proof(parties[key].dpop, http.MethodGet, w.issuer+"/userinfo", map[string]any{"ath": digest(tokens[hash])})
		status := w.show("DPoP "+tokens[token], proof).status
		if same(choice) {
			require.Equal(t, http.StatusOK, status)
			return
		}
		require.Equal(t, http.StatusUnauthorized, status, fmt.Sprint(choice))
		refused++
	})
	require.Equal(t, 6, refused)
}

func TestEveryCrossCombinationOfTokensAndClientsIsRefused(t *testing.T) {
	t.Parallel()
	w := newFAPIWorld(t)
	parties := []*party{w.portal, w.clinic}
	tokens := []string{w.portal.login(), w.clinic.login()}
	each(2, func(choice []int) {
		token, client := choice[0], choice[1]
		form := url.Values{"token": {tokens[token]}}
		answer := parties[client].call("/introspect", form).json(t)
		require.Equal(t, same(choice), answer["active"], fmt.Sprint(choice))
		if !same(choice) {
			require.Len(t, answer, 1)
			require.Equal(t, http.StatusOK, parties[client].call("/revoke", form).status, "the answer does not tell")
		}
	})
	for i, token := range tokens {
		require.Equal(t, http.StatusOK, w.userinfo(token, parties[i].dpop).status)
		require.Equal(t, http.StatusOK, parties[i].call("/revoke", url.Values{"token": {token}}).status)
		require.Equal(t, http.StatusUnauthorized, w.userinfo(token, parties[i].dpop).status)
	}
}

func TestEveryCrossCombinationAtPARIsRefused(t *testing.T) {
	t.Parallel()
	w := newFAPIWorld(t)
	parties := []*party{w.portal, w.clinic}
	refused := 0
	each(5, func(choice []int) {
		id, assertion, redirect, named, proved := choice[0], choice[1], choice[2], choice[3], choice[4]
		form := parties[id].attempt().request()
		form.Set("redirect_uri", parties[redirect].client.RedirectURIs[0])
		form.Set("dpop_jkt", thumbprint(t, parties[named].dpop))
		form.Set("client_assertion_type", assertionType)
		form.Set("client_assertion", parties[assertion].assertion())
		answer := parties[id].push(form, w.proof(parties[proved].dpop, http.MethodPost, w.issuer+"/par"))
		switch {
		case id != assertion:
			answer.refused(t, 401, oauth.InvalidClient)
		case id != redirect:
			answer.refused(t, 400, oauth.InvalidRequest)
		case named != proved:
			answer.refused(t, 400, oauth.InvalidDPoPProof)
		default: // a DPoP key is no client's: whoever pushes says which one it is
			require.Equal(t, http.StatusCreated, answer.status, answer.body)
			return
		}
		refused++
	})
	require.Equal(t, 28, refused)
}

func TestEveryCrossCombinationOfAssertionsIsRefused(t *testing.T) {
	t.Parallel()
	w := newFAPIWorld(t)
	parties := []*party{w.portal, w.clinic}
	each(4, func(choice []int) {
		issuer, subject, key, id := choice[0], choice[1], choice[2], choice[3]
		form := parties[id].attempt().request()
		form.Set("client_assertion_type", assertionType)
		form.Set("client_assertion", parties[key].assertion(map[string]any{
			"iss": parties[issuer].client.ID, "sub": parties[subject].client.ID,
		}))
		answer := parties[id].push(form)
		if same(choice) {
			require.Equal(t, http.StatusCreated, answer.status, answer.body)
			return
		}
		answer.refused(t, 401, oauth.InvalidClient)
	})
}

func TestEveryCrossCombinationAtTheAuthorizationEndpointIsRefused(t *testing.T) {
	t.Parallel()
	w := newFAPIWorld(t)
	attempts := []*attempt{w.portal.begin(), w.clinic.begin()}
	each(2, func(choice []int) {
		id, uri := choice[0], choice[1]
		target := w.issuer + "/authorize?" + url.Values{
			"client_id": {attempts[id].client.ID}, "request_uri": {attempts[uri].requestURI},
		}.Encode()
		if !same(choice) {
			w.newVisitor().showsError(target, oauth.InvalidRequestURI)
			return
		}
		v := w.newVisitor()
		v.person = w.people[id].NationalID
		attempts[id].tokens(v.login(target))
	})
}

// The response of one client's login is not taken for that of another's.
func TestEveryCrossCombinationOfCallbacksIsRefused(t *testing.T) {
	t.Parallel()
	w := newFAPIWorld(t)
	attempts := []*attempt{w.portal.begin(), w.clinic.begin()}
	callbacks := make([]*url.URL, 2)
	for i, a := range attempts {
		v := w.newVisitor()
		v.person = w.people[i].NationalID
		callbacks[i] = v.login(a.url())
	}
	each(2, func(choice []int) {
		if a, callback := attempts[choice[0]], callbacks[choice[1]]; !same(choice) {
			require.Empty(t, a.accept(callback))
			a.redeem(callback.Query().Get("code"), a.dpop).refused(t, 400, oauth.InvalidGrant)
		}
	})
	for i, a := range attempts {
		a.tokens(callbacks[i])
	}
}

// Pairwise subjects keep the two clients from knowing that it is the same person.
func TestTwoClientsSeeTwoSubjects(t *testing.T) {
	t.Parallel()
	w := newFAPIWorld(t)
	one, two := w.claims(w.portal.login()), w.claims(w.clinic.login())
	require.NotEqual(t, one["sub"], two["sub"])
	require.Equal(t, one["sub"], w.claims(w.portal.login())["sub"])
}
