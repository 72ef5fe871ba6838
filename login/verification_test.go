package login_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/login"
	"github.com/gosignet/signet/oauth"
	"github.com/gosignet/signet/oidc"
)

const returnURI = "https://id.example.org/login/return"

// portal is where people have claims verified: it believes whoever comes back with the state's secret.
type portal struct {
	mu      sync.Mutex
	started []*login.VerificationRequest
	resumed int
	uri     string
	state   []byte
	err     error
	// verify is called for those it believes, and refusal returned.
	verify  func()
	refusal error
}

func (p *portal) Start(_ context.Context, r *login.VerificationRequest) (string, []byte, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.started = append(p.started, r)
	return p.uri, p.state, p.err
}

func (p *portal) Resume(_ context.Context, state []byte, query url.Values) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.resumed++
	if query.Get("secret") != string(state) {
		return errors.New("an invention of " + alice.Value)
	}
	if p.verify != nil {
		p.verify()
	}
	return p.refusal
}

// verifying is a world in which names are not verified until the portal does it.
type verifying struct {
	*memoryOf
	portal   *portal
	mu       sync.Mutex
	verified bool
	down     bool
	asked    []authenticator.ClaimsRequest
}

func newVerifying(t *testing.T, config ...func(*login.Config)) *verifying {
	t.Helper()
	v := &verifying{portal: &portal{uri: "https://verify.example.org/start?x=1", state: []byte("s3cr3t")}}
	v.memoryOf = newMemory(t, append([]func(*login.Config){func(c *login.Config) { c.Verifier = v.portal }}, config...)...)
	v.portal.verify = func() { v.set(true, false) }
	v.people.verifications = func(r *authenticator.ClaimsRequest) ([]authenticator.VerifiedClaims, error) {
		v.mu.Lock()
		defer v.mu.Unlock()
		v.asked = append(v.asked, *r)
		switch {
		case v.down:
			return nil, &authenticator.Error{Reason: authenticator.Unavailable}
		case !v.verified:
			return nil, nil
		}
		return []authenticator.VerifiedClaims{{
			Verification: json.RawMessage(`{"trust_framework":"gold"}`),
			Values:       map[string]json.RawMessage{"name": json.RawMessage(`null`)},
		}}, nil
	}
	v.people.said = map[string]json.RawMessage{"name": json.RawMessage(`"Alice"`)}
	return v
}

func (v *verifying) set(verified, down bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.verified, v.down = verified, down
}

const mustBeGold = `{"verification":{"trust_framework":{"value":"gold"}},"claims":{"name":{"essential":true}}}`

// paused is a login of alice that lacks her verified name.
func (v *verifying) paused() (handle string) {
	v.Helper()
	handle, _, err := v.Begin(v.Context(), verifiedName(false, mustBeGold), "")
	require.NoError(v, err)
	s := v.ok(v.Answer(v.Context(), handle, alice, right(alice, authenticator.Password)))
	require.Equal(v, login.StepVerification, s.Step)
	require.Equal(v, []string{"name"}, s.Unverified)
	return handle
}

func back(secret string) url.Values { return url.Values{"secret": {secret}} }

func TestALoginIsPausedUntilAnEssentialClaimIsVerified(t *testing.T) {
	t.Parallel()
	v := newVerifying(t)
	handle := v.paused()
	require.Equal(t, []string{"name"}, v.asked[0].Verified)
	_, err := v.Decide(t.Context(), handle, login.Decision{Claims: []string{"name"}})
	require.ErrorIs(t, err, login.ErrStep)
	require.Empty(t, v.authorizer.grants)

	leave, err := v.StartVerification(t.Context(), handle, returnURI)
	require.NoError(t, err)
	require.Equal(t, &login.Departure{URI: v.portal.uri}, leave)
	require.Equal(t, &login.VerificationRequest{
		Transaction: login.ID(handle), ClientID: "clinic", Subject: alicesSubject, Claims: []string{"name"}, ReturnURI: returnURI,
	}, v.portal.started[0])
	for _, value := range v.store.values {
		require.NotContains(t, string(value), "s3cr3t", "the state is sealed")
	}
	s := v.ok(v.ResumeVerification(t.Context(), handle, back("s3cr3t")))
	require.Equal(t, login.StepConsent, s.Step)
	require.Equal(t, []string{"name"}, s.Essential)
	require.Equal(t, []oidc.VerifiedItem{{Name: "name", TrustFrameworks: []string{"gold"}}}, s.Verified)
	require.Equal(t, s, v.ok(v.ResumeVerification(t.Context(), handle, back("s3cr3t"))), "a reload")
	require.Equal(t, 1, v.portal.resumed)
	require.Len(t, v.asked, 2, "asked before and after, and not on every page")
	s = v.ok(v.Decide(t.Context(), handle, login.Decision{Claims: []string{"name"}}))
	v.requireDurable(s)
}

func TestAVerificationIsComeBackFromOnce(t *testing.T) {
	t.Parallel()
	v := newVerifying(t)
	handle := v.paused()
	_, err := v.StartVerification(t.Context(), handle, returnURI)
	require.NoError(t, err)
	together(16, func(int) {
		_, err := v.ResumeVerification(t.Context(), handle, back("s3cr3t"))
		assert.NoError(t, err)
	})
	require.Equal(t, 1, v.portal.resumed)
	require.Equal(t, login.StepConsent, v.ok(v.State(t.Context(), handle)).Step)
}

// What the browser comes back with may be anybody's invention, and what the portal says is not believed either.
func TestOnlyTheIdentitySystemSaysWhatIsVerified(t *testing.T) {
	t.Parallel()
	v := newVerifying(t)
	v.portal.verify = nil
	handle := v.paused()
	for _, secret := range []string{"a guess", "s3cr3t"} {
		s := v.ok(v.ResumeVerification(t.Context(), handle, back(secret)))
		require.Equal(t, login.StepVerification, s.Step, "nothing was started")
		_, err := v.StartVerification(t.Context(), handle, returnURI)
		require.NoError(t, err)
		s, err = v.ResumeVerification(t.Context(), handle, back(secret))
		if secret == "a guess" {
			require.Equal(t, &login.VerificationError{}, err, "without what the portal said of it")
		} else {
			require.NoError(t, err)
		}
		require.Equal(t, login.StepVerification, s.Step)
		require.Equal(t, []string{"name"}, s.Unverified)
	}
	require.Equal(t, 2, v.portal.resumed)
}

func TestTheCodeOfTheVerifierIsPassedOn(t *testing.T) {
	t.Parallel()
	for code, passed := range map[string]string{
		"identity_verification_failed": "identity_verification_failed", "KYC-014.2": "KYC-014.2", "": "",
		"Alice gave up": "", "<b>": "", strings.Repeat("x", 65): "", "x\n": "",
	} {
		v := newVerifying(t)
		v.portal.refusal = fmt.Errorf("portal: %w", &login.VerificationError{Code: code})
		handle := v.paused()
		_, err := v.StartVerification(t.Context(), handle, returnURI)
		require.NoError(t, err)
		s, err := v.ResumeVerification(t.Context(), handle, back("s3cr3t"))
		require.Equal(t, &login.VerificationError{Code: passed}, err, code)
		require.Equal(t, login.StepVerification, s.Step)
		require.Equal(t, s, v.ok(v.ResumeVerification(t.Context(), handle, back("s3cr3t"))), "it is told once")
	}
}

func TestThePersonMayGoOnWithoutWhatIsNotVerified(t *testing.T) {
	t.Parallel()
	v := newVerifying(t)
	handle := v.paused()
	s := v.ok(v.ResumeVerification(t.Context(), handle, nil))
	require.Equal(t, login.StepConsent, s.Step)
	require.Equal(t, s, v.ok(v.ResumeVerification(t.Context(), handle, nil)))
	s = v.ok(v.Decide(t.Context(), handle, login.Decision{Claims: []string{"name"}}))
	v.requireDurable(s)
	grant := v.authorizer.lastGrant(t)
	x := &oauth.Exchange{Client: v.client, Grant: &grant}
	require.NoError(t, v.openID.Extend(t.Context(), x))
	require.JSONEq(t, `{}`, string(x.Data), "neither as verified nor as it is")
}

func TestThePersonMayGiveUpWhileClaimsAreNotVerified(t *testing.T) {
	t.Parallel()
	v := newVerifying(t)
	s := v.ok(v.Cancel(t.Context(), v.paused()))
	require.Equal(t, "access_denied", s.Response.Parameters.Get("error"))
}

func TestALoginGoesToTheVerifierAFewTimes(t *testing.T) {
	t.Parallel()
	v := newVerifying(t)
	handle := v.paused()
	for range 3 {
		_, err := v.StartVerification(t.Context(), handle, returnURI)
		require.NoError(t, err)
	}
	_, err := v.StartVerification(t.Context(), handle, returnURI)
	require.Equal(t, authenticator.Locked, reasonOf(t, err))
	require.Len(t, v.portal.started, 3)
	require.Equal(t, login.StepConsent, v.ok(v.ResumeVerification(t.Context(), handle, back("s3cr3t"))).Step)
	_, err = v.StartVerification(t.Context(), handle, returnURI)
	require.ErrorIs(t, err, login.ErrStep)
}

func TestAVerifierThatBreaksItsContractIsContained(t *testing.T) {
	t.Parallel()
	for name, breaks := range map[string]func(*portal){
		"error":     func(p *portal) { p.err = errors.New("of " + alice.Value) },
		"no URI":    func(p *portal) { p.uri = "" },
		"script":    func(p *portal) { p.uri = "javascript:alert(1)" },
		"http":      func(p *portal) { p.uri = "http://verify.example.org/" },
		"long":      func(p *portal) { p.uri += strings.Repeat("x", 9<<10) },
		"big state": func(p *portal) { p.state = make([]byte, 4<<10+1) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := newVerifying(t)
			breaks(v.portal)
			handle := v.paused()
			_, err := v.StartVerification(t.Context(), handle, returnURI)
			require.Equal(t, authenticator.Unavailable, reasonOf(t, err))
			require.NotContains(t, err.Error(), alice.Value)
			require.Equal(t, login.StepVerification, v.ok(v.State(t.Context(), handle)).Step)
		})
	}
}

// Nobody decides while it cannot be told what they would be asked.
func TestALoginWaitsWhileNobodyCanSayWhatIsVerified(t *testing.T) {
	t.Parallel()
	v := newVerifying(t)
	v.set(false, true)
	handle, _, err := v.Begin(t.Context(), verifiedName(false, mustBeGold), "")
	require.NoError(t, err)
	s, err := v.Answer(t.Context(), handle, alice, right(alice, authenticator.Password))
	require.Equal(t, authenticator.Unavailable, reasonOf(t, err))
	require.Equal(t, login.StepConsent, s.Step)
	_, err = v.Decide(t.Context(), handle, login.Decision{Claims: []string{"name"}})
	require.Equal(t, authenticator.Unavailable, reasonOf(t, err))
	require.Empty(t, v.authorizer.grants)
	v.set(false, false)
	require.Equal(t, login.StepVerification, v.ok(v.State(t.Context(), handle)).Step)
	v.set(true, false)
	_, err = v.StartVerification(t.Context(), handle, returnURI)
	require.NoError(t, err)
	require.Equal(t, login.StepConsent, v.ok(v.ResumeVerification(t.Context(), handle, back("s3cr3t"))).Step)
}

func TestNobodyIsSentToBeVerifiedWithoutNeed(t *testing.T) {
	t.Parallel()
	for name, req := range map[string]*oauth.AuthorizationRequest{
		"nothing verified": request(acrPassword),
		"not essential":    verifiedName(false, goldOnly),
	} {
		v := newVerifying(t)
		handle, _, err := v.Begin(t.Context(), req, "")
		require.NoError(t, err)
		s := v.ok(v.Answer(t.Context(), handle, alice, right(alice, authenticator.Password)))
		require.Equal(t, login.StepConsent, s.Step, name)
		require.Empty(t, v.asked, name)
		_, err = v.StartVerification(t.Context(), handle, returnURI)
		require.ErrorIs(t, err, login.ErrStep)
	}
	v := newVerifying(t)
	v.set(true, false)
	handle, _, err := v.Begin(t.Context(), verifiedName(false, mustBeGold), "")
	require.NoError(t, err)
	s := v.ok(v.Answer(t.Context(), handle, alice, right(alice, authenticator.Password)))
	require.Equal(t, login.StepConsent, s.Step, "it is verified")
	v.ok(v.State(t.Context(), handle))
	require.Len(t, v.asked, 1)
}

// Nothing of what was found out about one person passes to another.
func TestTheVerificationIsOfThePersonWhoLogsIn(t *testing.T) {
	t.Parallel()
	v := newVerifying(t)
	session := v.enter("", alice)
	req := verifiedName(false, mustBeGold)
	handle, s, err := v.Begin(t.Context(), req, session)
	require.NoError(t, err)
	require.Equal(t, login.StepVerification, s.Step)
	_, err = v.StartVerification(t.Context(), handle, returnURI)
	require.NoError(t, err)
	s = v.ok(v.SelectAccount(t.Context(), handle, true))
	require.Equal(t, login.StepVerify, s.Step)
	_, err = v.ResumeVerification(t.Context(), handle, back("s3cr3t"))
	require.ErrorIs(t, err, login.ErrStep)
	require.Zero(t, v.portal.resumed)
	s = v.ok(v.Answer(t.Context(), handle, bob, right(bob, authenticator.Password)))
	require.Equal(t, login.StepVerification, s.Step)
	require.Equal(t, "person 8765 4321", v.asked[len(v.asked)-1].Identity.Subject)
}

func TestAVerifierNeedsSomebodyToAsk(t *testing.T) {
	t.Parallel()
	for _, silent := range []authenticator.Authenticator{struct{ authenticator.Authenticator }{&people{}}, standIn{&people{}}} {
		_, err := login.New(login.Config{Verifier: &portal{}, Authenticator: silent})
		require.ErrorContains(t, err, "Config.Verifier")
	}
}

// standIn is an Assurer that stands for none.
type standIn struct{ *people }

func (standIn) Assures() bool { return false }
