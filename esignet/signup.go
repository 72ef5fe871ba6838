package esignet

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/authenticator/idtoken"
	"github.com/gosignet/signet/login"
	"github.com/gosignet/signet/store"
)

const (
	// signupCookieLifetime is how long the pages have to leave for a sign-up portal that does not come back by itself.
	signupCookieLifetime = 5 * time.Minute
	// cookieSeparator is between the nonce and the path in the cookie with which a browser leaves.
	cookieSeparator = "~###~"

	invalidIDTokenHint = "invalid_id_token_hint"
)

// checkSignUp finds a portal whose ID Tokens nobody reads, and a reader of those that no portal brings.
func (p *authorization) checkSignUp() error {
	portal := ""
	if p.Flow != nil {
		portal = p.Flow.Portal()
	}
	switch {
	case p.SignUp == nil && portal != "":
		return errors.New("esignet: Authorization.SignUp is required: Flow has a Portal")
	case p.SignUp != nil && p.Flow != nil && portal == "":
		return errors.New("esignet: Authorization.SignUp: Flow has no Portal")
	case p.SignUp != nil && portal != "" && !p.SignUp.Accepts(portal):
		return fmt.Errorf("esignet: Authorization.SignUp does not take the ID Tokens of Flow's Portal, %q", portal)
	}
	return nil
}

// signupRequest sends the person to the sign-up portal.
type signupRequest struct {
	TransactionID text `json:"transactionId"`
	PathFragment  text `json:"pathFragment"`
}

func (q *signupRequest) validate(v *violations) {
	v.check(!blank(q.TransactionID), "request.transactionId", invalidTransactionID)
	v.check(!blank(q.PathFragment), "request.pathFragment", "invalid_path_fragment")
}

// prepareSignup has the Verifier of the login start. The ID Token that the pages take to the sign-up portal is that of the
// login, or else the id_token_hint in the URI to which the Verifier sends people.
//
// The cookie stays with the browser, which thereby proves, when the portal sends it back, that it is the one that left.
func (p *authorization) prepareSignup(ctx context.Context, r *http.Request, q *signupRequest) (any, error) {
	o, err := of(ctx, q.TransactionID)
	if err != nil {
		return nil, err
	}
	fragment := strings.Join(strings.Fields(string(q.PathFragment)), "")
	cookie := &http.Cookie{
		Name: o.handle, Value: cookieSeparator + fragment, Path: "/", MaxAge: int(signupCookieLifetime / time.Second),
		HttpOnly: true, Secure: p.api.secure(r), SameSite: http.SameSiteLaxMode,
	}
	if err := cookie.Valid(); err != nil {
		return nil, err
	}
	leave, err := p.Flow.StartVerification(ctx, o.handle, p.Origin+"/"+strings.TrimLeft(fragment, "/"))
	if err != nil {
		return nil, answerError(nil, err, invalidTransaction)
	}
	if leave.IDToken == "" {
		u, err := url.Parse(leave.URI)
		if err != nil {
			return nil, err
		}
		leave.IDToken, leave.Nonce, leave.Lifetime = u.Query().Get("id_token_hint"), store.NewHandle(), signupCookieLifetime
	}
	if leave.IDToken == "" {
		return nil, errors.New("the Verifier's URI has no id_token_hint, which the pages need")
	}
	cookie.Value, cookie.MaxAge = leave.Nonce+cookie.Value, int(leave.Lifetime/time.Second)
	err = p.move(ctx, o.handle, func(t *transaction) bool {
		was := t.Halted
		t.Halted = true
		return !was
	})
	if err != nil {
		return nil, err
	}
	return withCookie{struct {
		TransactionID string `json:"transactionId"`
		IDToken       string `json:"idToken"`
	}{o.handle, leave.IDToken}, cookie}, nil
}

// left returns the path that the browser left from with the ID Token, and whether it is the one that did.
func left(r *http.Request, t *idtoken.Token) (path string, ok bool) {
	cookie, err := r.Cookie(t.Subject)
	if err != nil {
		return "", false
	}
	nonce, path, _ := strings.Cut(cookie.Value, cookieSeparator)
	return path, subtle.ConstantTimeCompare([]byte(nonce), []byte(t.Nonce)) == 1
}

// fromPortal reports whether the client is the sign-up portal that comes back by itself.
func (p *authorization) fromPortal(client string) bool {
	return p.SignUp != nil && p.SignUp.Accepts(client)
}

// returning reads the ID Token that a browser brings back from the sign-up portal. The request gets the nonce of the token, and
// as its state the path that the browser left from. The context is for beginning the login.
func (p *authorization) returning(
	ctx context.Context, r *http.Request, client, hint string,
) (_ context.Context, nonce, state *text, err error) {
	t, err := p.SignUp.Read(ctx, hint)
	if _, ok := errors.AsType[*authenticator.Error](err); err != nil && !ok {
		return nil, nil, nil, err
	}
	if err != nil || t.ClientID != client {
		return nil, nil, nil, fail(invalidIDTokenHint, err)
	}
	path, ok := left(r, t)
	if !ok {
		return nil, nil, nil, fail(invalidIDTokenHint, nil)
	}
	return login.WithReturning(ctx, t.Subject), new(text(t.Nonce)), new(text(path)), nil
}

// returned checks, before the login takes it, an answer by which somebody who came back logs in. Versions of the call that
// do not know cookies have no request.
func (p *authorization) returned(ctx context.Context, r *http.Request, q *authenticateRequest) error {
	token, ok := decodeChallenge(authenticator.IDToken, string(q.ChallengeList[0].Challenge))
	if r == nil || len(q.ChallengeList) != 1 || !ok {
		return fail(authFailed, nil)
	}
	t, err := p.SignUp.Read(ctx, token)
	if _, ok := errors.AsType[*authenticator.Error](err); ok {
		return fail("invalid_token", err)
	}
	if err != nil {
		return err
	}
	if string(q.IndividualID) != t.Subject {
		return fail(invalidIndividualID, nil)
	}
	if _, ok := left(r, t); !ok {
		return fail(authFailed, nil)
	}
	return nil
}

// verificationIncomplete is what the pages learn if the sign-up portal says nothing else.
const verificationIncomplete = "verification_incomplete"

type completeRequest struct {
	TransactionID text `json:"transactionId"`
}

func (q *completeRequest) validate(v *violations) {
	v.check(!blank(q.TransactionID), "request.transactionId", invalidTransactionID)
}

// completeSignup sees what came of it.
func (p *authorization) completeSignup(ctx context.Context, _ *http.Request, q *completeRequest) (any, error) {
	o, err := of(ctx, q.TransactionID)
	if err != nil {
		return nil, err
	}
	s, err := p.Flow.ResumeVerification(ctx, o.handle, url.Values{})
	refused, ok := errors.AsType[*login.VerificationError](err)
	if err != nil && !ok {
		return nil, answerError(s, err, verificationIncomplete)
	}
	done := s.Step == login.StepConsent || s.Step == login.StepDone
	err = p.move(ctx, o.handle, func(t *transaction) bool {
		was := t.Halted
		t.Halted, t.Over = false, !done
		return was
	})
	if err != nil {
		return nil, err
	}
	switch {
	case done:
	case refused != nil && refused.Code != "":
		return nil, fail(refused.Code, nil)
	default:
		return nil, fail(verificationIncomplete, nil)
	}
	return struct {
		Status string `json:"status"`
	}{"COMPLETED"}, nil
}
