package login

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/oauth"
	"github.com/gosignet/signet/oidc"
)

const (
	// maxVerifications is how often a person may go to the Verifier in one login.
	maxVerifications     = 3
	maxVerificationState = 4 << 10
	maxVerificationURI   = 8 << 10
)

const errVerification breach = "nothing of a verification, or too much, or a URI that is not https"

// Verifier is where people have claims verified that their identity system has not verified so far, such as a sign-up
// portal.
type Verifier interface {
	// Start returns where to send the browser, which comes back to the return URI, and what is needed then: at most 4 KiB,
	// kept encrypted with the login. The URI is https, or http on a loopback host.
	Start(ctx context.Context, r *VerificationRequest) (uri string, state []byte, err error)
	// Resume reads what the browser came back with, which may be anybody's invention, against the state of Start. Whether
	// the claims are verified now is then asked of the identity system. An error means that nothing came of it; one that is
	// a *VerificationError says why.
	Resume(ctx context.Context, state []byte, query url.Values) error
}

// VerificationError says that nothing came of a verification.
type VerificationError struct {
	// Code is that of the Verifier, for those who began the verification: at most 64 letters, digits, and any of ".-_". Others
	// are left out. Empty means that there is none.
	Code string
}

func (e *VerificationError) Error() string { return "login: nothing came of a verification: " + e.Code }

var verificationCode = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)

// VerificationRequest says whose claims are to be verified.
type VerificationRequest struct {
	Transaction string
	ClientID    string
	// Subject is the person in the identity system.
	Subject string
	// Claims are those that lack verification.
	Claims []string
	// ReturnURI is where the browser is to come back to.
	ReturnURI string
	Locales   []string
}

// verification is what finds out whether claims are verified, and has them verified. The zero value does neither.
type verification struct {
	all      bool     // ask about voluntary claims too
	verifier Verifier // nil if nobody can be sent anywhere
	client   string   // of the portal that comes back by itself, or empty
	// others are the contexts for all clients but the portal: what people come back with is of use there alone.
	others   authenticator.ACRs
	portal   *system // the verifier
	assurer  authenticator.Assurer
	identity *system // the assurer
}

// started is a verification that was started, and not come back from.
type started struct {
	State []byte `json:"state,omitempty"`
	Nonce string `json:"nonce,omitempty"` // of the Departure
}

func newVerification(c *Config) verification {
	assurer := authenticator.AssurerOf(c.Authenticator)
	if assurer == nil || c.Verifier == nil && !c.Assure {
		return verification{others: c.ACRs}
	}
	others := c.ACRs
	if c.Portal != "" {
		others = withoutFactor(c.ACRs, authenticator.IDToken)
	}
	return verification{
		others: others,
		all:    c.Assure, verifier: c.Verifier, client: c.Portal, portal: &system{timeout: c.AuthenticatorTimeout, logger: c.Logger.With("of", "Verifier")},
		assurer: assurer, identity: &system{timeout: c.AuthenticatorTimeout, logger: c.Logger},
	}
}

// withoutFactor are the contexts that can be reached without the factor.
func withoutFactor(acrs authenticator.ACRs, f authenticator.Factor) (left authenticator.ACRs) {
	for _, acr := range acrs {
		acr.Alternatives = slices.DeleteFunc(slices.Clone(acr.Alternatives), func(set authenticator.FactorSet) bool {
			return slices.Contains(set, f)
		})
		if len(acr.Alternatives) > 0 {
			left = append(left, acr)
		}
	}
	return left
}

// assure takes a login in StepConsent to StepVerification if essential claims are not verified. Each login asks the identity
// system once before, and once after each verification. Without a page nobody can be sent anywhere: what is not verified
// is then left out, as it is for people of whom nobody can say it. Nobody has to wait for what is only to be shown.
func (f *Flow) assure(ctx context.Context, handle string, client *oauth.Client, rec *record) (*record, error) {
	if rec.Assured || rec.step() != StepConsent || rec.OpenID.HasPrompt(oidc.PromptNone) || !f.verification.concerns(rec) {
		return rec, nil
	}
	found, err := f.assured(ctx, handle, client, rec)
	e, ok := errors.AsType[*authenticator.Error](err)
	if ok && (e.Reason == authenticator.Unsupported || f.verification.verifier == nil || len(rec.essentialVerified()) == 0) {
		found, err = assured{}, nil
	}
	if err != nil {
		return rec, err
	}
	known := rec
	rec, err = f.update(ctx, handle, rec, func(r *record) error {
		if r.Assured || r.step() != StepConsent || r.identity().Subject != known.identity().Subject {
			return errStay
		}
		r.Assured, r.Assurances = true, found.claims
		if f.verification.verifier != nil {
			r.Unverified = found.missing
		}
		return nil
	})
	if err == nil {
		rec.recalled = known.recalled
	}
	if errors.Is(err, errStay) {
		err = nil
	}
	return rec, err
}

// concerns reports whether there is anything to ask the identity system about.
func (v *verification) concerns(rec *record) bool {
	return v.assurer != nil && (v.all && len(rec.Verified) > 0 || v.verifier != nil && len(rec.essentialVerified()) > 0)
}

// assured is what the identity system says.
type assured struct {
	// missing are the essential claims that are not verified as the client wants them.
	missing []string
	// claims are those of [State.Assurances].
	claims map[string]bool
}

func (f *Flow) assured(ctx context.Context, handle string, client *oauth.Client, rec *record) (assured, error) {
	essential := rec.essentialVerified()
	claims := essential
	if f.verification.all {
		claims = slices.Concat(rec.Essential, rec.Voluntary)
	}
	verified, err := ask(ctx, f.verification.identity, ID(handle), func(ctx context.Context) ([]authenticator.VerifiedClaims, error) {
		return f.verification.assurer.Verifications(ctx, &authenticator.ClaimsRequest{
			Transaction: ID(handle),
			ClientID:    client.ID,
			Identity:    *rec.identity(),
			Names:       claims,
			Verified:    slices.Clone(claims),
			Locales:     slices.Clone(rec.OpenID.ClaimsLocales),
		})
	})
	if err != nil {
		return assured{}, err
	}
	there := map[string]bool{} // and whether it is verified at all
	for _, v := range verified {
		for name := range v.Values {
			name, _, _ = strings.Cut(name, "#")
			there[name] = there[name] || len(v.Verification) > 0
		}
	}
	verified = slices.DeleteFunc(verified, func(v authenticator.VerifiedClaims) bool { return len(v.Verification) == 0 })
	unmet, err := f.openID.Missing(ctx, client, allEssential(rec.OpenID), &authenticator.Claims{Verified: verified})
	if err != nil {
		f.logger.ErrorContext(ctx, "what is verified cannot be told", "transaction", ID(handle), "error", err)
		return assured{}, &authenticator.Error{Reason: authenticator.Unavailable, Err: err}
	}
	lacks := func(name string) bool { return slices.Contains(unmet, name) }
	found := assured{claims: map[string]bool{}}
	for _, name := range claims {
		if vouched, ok := there[name]; ok {
			found.claims[name] = vouched && !lacks(name)
		}
	}
	found.missing = slices.DeleteFunc(unmet, func(name string) bool { return !slices.Contains(essential, name) })
	return found, nil
}

// allEssential is the request as if the client could do without none of the claims that it wants verified.
func allEssential(r *oidc.Request) *oidc.Request {
	all := *r
	for _, elements := range []*[]oidc.VerifiedRequest{&all.Claims.VerifiedUserinfo, &all.Claims.VerifiedIDToken} {
		*elements = slices.Clone(*elements)
		for i := range *elements {
			claims := maps.Clone((*elements)[i].Claims)
			for name, c := range claims {
				c.Essential = true
				claims[name] = c
			}
			(*elements)[i].Claims = claims
		}
	}
	return &all
}

// essentialVerified are the claims that the client cannot do without, verified.
func (r *record) essentialVerified() []string {
	names := map[string]bool{}
	for _, element := range slices.Concat(r.OpenID.Claims.VerifiedUserinfo, r.OpenID.Claims.VerifiedIDToken) {
		for name, claim := range element.Claims {
			if claim.Essential && slices.Contains(r.Essential, name) {
				names[name] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(names))
}

// StartVerification returns how the browser leaves to have claims verified, in StepVerification; elsewhere it is ErrStep. A
// login may start a few: after that it is an *[authenticator.Error] with the reason Locked. If the Verifier cannot be
// had, the reason is Unavailable.
func (f *Flow) StartVerification(ctx context.Context, handle, returnURI string) (*Departure, error) {
	rec, err := f.read(ctx, handle)
	if err != nil {
		return nil, err
	}
	if rec, err = f.checkSession(ctx, handle, rec); err != nil {
		return nil, err
	}
	rec, err = f.update(ctx, handle, rec, func(r *record) error {
		switch {
		case r.step() != StepVerification || f.verification.verifier == nil:
			return ErrStep
		case r.Verifications >= maxVerifications:
			return &authenticator.Error{Reason: authenticator.Locked}
		}
		r.Verifications++
		return nil
	})
	if err != nil {
		return nil, err
	}
	type start struct {
		uri   string
		state []byte
	}
	s, err := ask(ctx, f.verification.portal, ID(handle), func(ctx context.Context) (start, error) {
		uri, state, err := f.verification.verifier.Start(ctx, &VerificationRequest{
			Transaction: ID(handle),
			ClientID:    rec.Request.ClientID,
			Subject:     rec.identity().Subject,
			Claims:      slices.Clone(rec.Unverified),
			ReturnURI:   returnURI,
			Locales:     slices.Clone(rec.OpenID.UILocales),
		})
		if err == nil && (!validVerificationURI(uri) || len(state) > maxVerificationState) {
			err = errVerification
		}
		return start{uri, state}, err
	})
	if err != nil {
		return nil, err
	}
	d := &Departure{URI: s.uri}
	if f.verification.client != "" {
		if err := f.handOver(ctx, handle, rec, d); err != nil {
			return nil, err
		}
	}
	count := rec.Verifications
	_, err = f.update(ctx, handle, rec, func(r *record) error {
		if r.step() != StepVerification || r.Verifications != count { // another page started one since
			return ErrStep
		}
		r.Verification = &started{State: s.state, Nonce: d.Nonce}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return d, nil
}

func validVerificationURI(s string) bool {
	u, err := url.Parse(s)
	if err != nil || len(s) > maxVerificationURI {
		return false
	}
	u.RawQuery, u.Fragment, u.Path = "", "", ""
	return oauth.CheckIssuer(u.String()) == nil
}

// ResumeVerification takes what the browser came back with, once for each start, and goes on if the claims are verified now;
// if not, the login stays at StepVerification, with what is missing in State.Unverified. If the Verifier says that nothing
// came of it, or cannot be had, the error is a *[VerificationError]. A nil query goes on without: claims that are not verified
// as the client wants them are left out of what it gets.
func (f *Flow) ResumeVerification(ctx context.Context, handle string, query url.Values) (*State, error) {
	rec, err := f.read(ctx, handle)
	if err != nil {
		return nil, err
	}
	if rec, err = f.checkSession(ctx, handle, rec); err != nil {
		return nil, err
	}
	var state []byte
	rec, err = f.update(ctx, handle, rec, func(r *record) error {
		switch {
		case r.Response != nil, r.step() == StepConsent && r.Assured, r.step() == StepVerification && query != nil && r.Verification == nil:
			return errStay
		case r.step() != StepVerification:
			return ErrStep
		}
		if query == nil {
			r.Unverified = nil
		} else {
			state = r.Verification.State
		}
		r.Verification = nil
		return nil
	})
	if err != nil || query == nil {
		return f.present(ctx, handle, rec, err)
	}
	rec, err = f.verified(ctx, handle, rec, state, query)
	return f.present(ctx, handle, rec, err)
}

// verified asks, after a verification, what is missing now.
func (f *Flow) verified(
	ctx context.Context, handle string, rec *record, state []byte, query url.Values,
) (*record, error) {
	refused, err := ask(ctx, f.verification.portal, ID(handle), func(ctx context.Context) (*VerificationError, error) {
		err := f.verification.verifier.Resume(ctx, state, query)
		if e, ok := errors.AsType[*VerificationError](err); ok {
			return &VerificationError{Code: verificationCode.FindString(e.Code)}, nil
		}
		return nil, err
	})
	if ctx.Err() != nil {
		return rec, ctx.Err()
	}
	if err != nil {
		refused = &VerificationError{}
	}
	if refused != nil {
		f.logger.InfoContext(ctx, "a verification came to nothing", "transaction", ID(handle), "code", refused.Code)
		return rec, refused
	}
	client, err := f.clients.Client(ctx, rec.Request.ClientID)
	if err != nil {
		return nil, fmt.Errorf("login: look up the client: %w", err)
	}
	found, err := f.assured(ctx, handle, client, rec)
	if err != nil {
		return rec, err
	}
	known := rec.identity().Subject
	return f.update(ctx, handle, rec, func(r *record) error {
		if r.step() != StepVerification || r.identity().Subject != known {
			return errStay
		}
		r.Unverified, r.Assurances = found.missing, found.claims
		return nil
	})
}
