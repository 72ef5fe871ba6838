package signet_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet"
	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/authenticator/mock"
	"github.com/gosignet/signet/login"
	"github.com/gosignet/signet/oidc"
)

const civilRegister = "urn:example:civil-register"

// assurances says which frameworks clients may ask for.
func assurances(c *signet.Config) {
	c.Assurance = oidc.Assurance{
		TrustFrameworks: []string{civilRegister, "urn:example:address-check", "urn:example:telecom", "urn:example:none"},
		Claims:          []string{"name", "birthdate", "address", "phone_number", "email", "gender"},
	}
}

func byFramework(framework string, claims map[string]any) map[string]any {
	return map[string]any{"verification": map[string]any{"trust_framework": map[string]any{"value": framework}}, "claims": claims}
}

// authenticated is a transaction of alice with the userinfo part of a claims parameter.
func (w *esWorld) authenticated(userinfo map[string]any) esTransaction {
	w.Helper()
	request := w.details(uuid.NewString())
	request["acrValues"], request["claims"] = "mosip:idp:acr:password", map[string]any{"userinfo": userinfo}
	tx, _ := w.beginAs(request)
	require.Empty(w, w.answerWith("v3/", tx, "", esPassword).Errors)
	return tx
}

type claimFacts struct{ Verified, Available bool }

func (w *esWorld) claimDetails(tx esTransaction) (status map[string]claimFacts, incomplete bool) {
	w.Helper()
	a := w.send(http.MethodGet, "/authorization/claim-details", tx, nil)
	require.Empty(w, a.Errors)
	var d struct {
		ProfileUpdateRequired bool
		ClaimStatus           []struct {
			Claim               string
			Verified, Available bool
		}
	}
	require.NoError(w, json.Unmarshal(a.Response, &d))
	status = map[string]claimFacts{}
	for _, c := range d.ClaimStatus {
		status[c.Claim] = claimFacts{c.Verified, c.Available}
	}
	return status, d.ProfileUpdateRequired
}

func TestESignetTellsWhichClaimsAreVerified(t *testing.T) {
	t.Parallel()
	w := newESWorld(t, assurances)
	verified, unverified := claimFacts{true, true}, claimFacts{false, true}

	status, incomplete := w.claimDetails(w.authenticated(map[string]any{"verified_claims": []any{
		byFramework(civilRegister, map[string]any{"name": map[string]any{"essential": true}, "email": nil}),
		byFramework("urn:example:none", map[string]any{"birthdate": nil}),
	}}))
	assert.Equal(t, verified, status["name"])
	assert.Equal(t, unverified, status["email"], "a voluntary claim that nobody verified is not verified")
	assert.Equal(t, unverified, status["birthdate"], "it is verified, but not as the client wants")
	assert.Equal(t, verified, status["gender"], "what is wanted in any way is verified in some")
	assert.False(t, incomplete, "nothing is missing that is essential")

	_, incomplete = w.claimDetails(w.authenticated(map[string]any{"verified_claims": byFramework(civilRegister, map[string]any{"email": map[string]any{"essential": true}})}))
	assert.True(t, incomplete)

	status, incomplete = w.claimDetails(w.authenticated(map[string]any{"name": map[string]any{"essential": true}}))
	assert.Equal(t, claimFacts{}, status["name"], "nobody is asked where the client wants no verification")
	assert.False(t, incomplete)
}

func TestESignetTellsWhichClaimsAreVerifiedWhereNobodyIsAsked(t *testing.T) {
	t.Parallel()
	w := newESWorld(t, assurances)
	request := map[string]any{"verified_claims": byFramework(civilRegister, map[string]any{"name": map[string]any{"essential": true}})}
	tx := w.authenticated(request)
	w.code(tx, "name")
	tx = w.authenticated(request)
	status, _ := w.claimDetails(tx)
	assert.Equal(t, claimFacts{true, true}, status["name"])
}

// esPortal verifies the e-mail address of whoever comes.
type esPortal struct {
	returnURI string
	subject   string // of the person
	fails     error
	verify    func()
}

func (p *esPortal) Start(_ context.Context, r *login.VerificationRequest) (string, []byte, error) {
	p.returnURI, p.subject = r.ReturnURI, r.Subject
	return "https://signup.example/start?id_token_hint=a.b.c&ui_locales=en", nil, nil
}

func (p *esPortal) Resume(context.Context, []byte, url.Values) error {
	if p.fails != nil {
		return p.fails
	}
	p.verify()
	return nil
}

// verifiable is the mock, in which a claim becomes verified.
type verifiable struct {
	*mock.Mock
	verified bool
}

func (v *verifiable) Verifications(ctx context.Context, r *authenticator.ClaimsRequest) ([]authenticator.VerifiedClaims, error) {
	all, err := v.Mock.Verifications(ctx, r)
	if v.verified {
		all = append(all, authenticator.VerifiedClaims{
			Verification: json.RawMessage(`{"trust_framework":"` + civilRegister + `"}`), Values: map[string]json.RawMessage{"email": json.RawMessage("null")},
		})
	}
	return all, err
}

func TestESignetHasClaimsVerifiedAtTheSignUpPortal(t *testing.T) {
	t.Parallel()
	request := map[string]any{"verified_claims": byFramework(civilRegister, map[string]any{"email": map[string]any{"essential": true}})}
	world := func(t *testing.T) (*esWorld, *esPortal) {
		portal := &esPortal{}
		return newESWorld(t, assurances, func(c *signet.Config) {
			people := &verifiable{Mock: c.Authenticator.(*mock.Mock)}
			portal.verify = func() { people.verified = true }
			c.Authenticator, c.Verifier = people, portal
		}), portal
	}
	prepare := func(w *esWorld, tx esTransaction, fragment string) esAnswer {
		return w.post("/authorization/prepare-signup-redirect", tx, map[string]any{"transactionId": tx.id, "pathFragment": fragment})
	}
	complete := func(w *esWorld, tx esTransaction) esAnswer {
		return w.post("/authorization/complete-signup-redirect", tx, map[string]any{"transactionId": tx.id})
	}

	t.Run("and goes on", func(t *testing.T) {
		t.Parallel()
		w, portal := world(t)
		tx := w.authenticated(request)
		_, incomplete := w.claimDetails(tx)
		require.True(t, incomplete)
		for path, code := range map[string]string{"/authorization/prepare-signup-redirect": "invalid_path_fragment", "/authorization/complete-signup-redirect": "invalid_transaction"} {
			assert.Equal(t, code, w.post(path, tx, map[string]any{"transactionId": tx.id}).code())
		}
		assert.Equal(t, "unknown_error", prepare(w, tx, "/consent;x").code(), "that is no cookie")
		a := prepare(w, tx, "/claim details?a=b")
		require.Empty(t, a.Errors)
		assert.JSONEq(t, `{"transactionId":"`+tx.id+`","idToken":"a.b.c"}`, string(a.Response))
		assert.Equal(t, w.URL+"/claimdetails?a=b", portal.returnURI)
		at, err := url.Parse(w.URL)
		require.NoError(t, err)
		cookies := w.browser.Jar.Cookies(at)
		i := slices.IndexFunc(cookies, func(c *http.Cookie) bool { return c.Name == tx.id })
		require.GreaterOrEqual(t, i, 0)
		assert.Regexp(t, `^[\w-]{43}~###~/claimdetails\?a=b$`, cookies[i].Value)

		assert.Equal(t, "invalid_transaction", prepare(w, tx, "/consent").code(), "the person is away")
		assert.Equal(t, "invalid_transaction", w.post("/authorization/auth-code", tx, map[string]any{"transactionId": tx.id, "acceptedClaims": []string{"email"}}).code())
		a = complete(w, tx)
		require.Empty(t, a.Errors)
		assert.JSONEq(t, `{"status":"COMPLETED"}`, string(a.Response))
		assert.Equal(t, "invalid_transaction", complete(w, tx).code())
		w.code(tx, "email")
	})
	for name, c := range map[string]struct {
		fails error
		code  string
	}{
		"with the portal's reason":   {&login.VerificationError{Code: "identity_verification_failed"}, "identity_verification_failed"},
		"without a reason":           {&login.VerificationError{}, "verification_incomplete"},
		"with a reason that is none": {&login.VerificationError{Code: "a person's own words"}, "verification_incomplete"},
		"because it cannot be had":   {errors.New("connection refused"), "verification_incomplete"},
	} {
		t.Run("or does not, "+name, func(t *testing.T) {
			t.Parallel()
			w, portal := world(t)
			portal.fails = c.fails
			tx := w.authenticated(request)
			require.Empty(t, prepare(w, tx, "/consent").Errors)
			assert.Equal(t, c.code, complete(w, tx).code())
			assert.Equal(t, "invalid_transaction", complete(w, tx).code(), "the transaction is gone")
			assert.Equal(t, "invalid_transaction", prepare(w, tx, "/consent").code())
		})
	}
	t.Run("or is not verified after all", func(t *testing.T) {
		t.Parallel()
		w, portal := world(t)
		portal.verify = func() {}
		tx := w.authenticated(request)
		require.Empty(t, prepare(w, tx, "/consent").Errors)
		assert.Equal(t, "verification_incomplete", complete(w, tx).code())
	})
}
