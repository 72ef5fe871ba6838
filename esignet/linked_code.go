package esignet

import (
	"context"
	"errors"
	"net/http"
	"slices"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/login"
	"github.com/gosignet/signet/store"
	"github.com/gosignet/signet/wallet"
)

const invalidLinkCode = "invalid_link_code"

// linkCodeRequest asks for a code to show. The transaction is the login of the browser.
type linkCodeRequest struct {
	TransactionID text `json:"transactionId"`
}

func (q *linkCodeRequest) validate(v *violations) {
	v.check(!blank(q.TransactionID), "request.transactionId", invalidTransactionID)
}

func (p *wallets) linkCode(ctx context.Context, r *http.Request, q *linkCodeRequest) (any, error) {
	if p.api.pages != nil {
		if err := p.api.pages.mayLink(r, string(q.TransactionID)); err != nil {
			return nil, err
		}
	}
	c, err := p.Linker.LinkCode(ctx, string(q.TransactionID))
	if err != nil {
		return nil, linkError(err)
	}
	return struct {
		TransactionID  text   `json:"transactionId"`
		LinkCode       string `json:"linkCode"`
		ExpireDateTime string `json:"expireDateTime"`
	}{q.TransactionID, c.Code, c.ExpiresAt.UTC().Format(timeFormat)}, nil
}

// mayLink lets wallets into all logins of the API that the browser began, and into those of other pages that are for wallets.
// Any other page need not look for wallets, and would then let whoever sits before it decide on what the person proved with
// one.
func (p *authorization) mayLink(r *http.Request, handle string) error {
	ctx := r.Context()
	t, err := p.transactions.Get(ctx, handle)
	switch {
	case err == nil && !t.begunBy(r):
		return fail(invalidTransaction, nil)
	case !errors.Is(err, store.ErrNotFound):
		return err
	}
	s, err := p.Flow.State(ctx, handle)
	if s == nil {
		return linkError(err)
	}
	if !slices.ContainsFunc(s.Options, func(set authenticator.FactorSet) bool { return len(set) > 0 && set[0] == authenticator.Wallet }) {
		return fail(invalidTransaction, nil)
	}
	return nil
}

// linkStatusRequest waits for a wallet.
type linkStatusRequest struct {
	TransactionID text `json:"transactionId"`
	LinkCode      text `json:"linkCode"`
}

func (q *linkStatusRequest) validate(v *violations) {
	v.check(!blank(q.TransactionID), "request.transactionId", invalidTransactionID)
	v.check(!blank(q.LinkCode), "request.linkCode", invalidLinkCode)
}

func (p *wallets) linkStatus(ctx context.Context, _ *http.Request, q *linkStatusRequest) (any, error) {
	return p.await(ctx, string(q.TransactionID), string(q.LinkCode), wallet.Unlinked,
		func(context.Context, *wallet.Status) (any, error) {
			return struct {
				LinkStatus string `json:"linkStatus"`
			}{"LINKED"}, nil
		})
}

// await answers once the login is further than the stage that the browser has seen.
func (p *wallets) await(
	ctx context.Context, handle, code string, seen wallet.Stage, answer func(context.Context, *wallet.Status) (any, error),
) (any, error) {
	s, err := p.Linker.Status(ctx, handle, code, seen, 0)
	switch {
	case err != nil:
		return nil, statusError(err)
	case s.Stage < seen:
		return nil, fail(invalidLinkCode, nil)
	case s.Stage > seen:
		return answer(ctx, s)
	}
	return later(func(ctx context.Context) (any, error) {
		s, err := p.Linker.Status(ctx, handle, code, seen, p.Wait)
		switch {
		case err != nil:
			return nil, statusError(err)
		case s.Stage == seen:
			return nil, timedOut()
		}
		return answer(ctx, s)
	}), nil
}

// statusError is an error of waiting. A code of another login is as good as none.
func statusError(err error) error {
	if errors.Is(err, wallet.ErrCode) || errors.Is(err, wallet.ErrTransaction) || errors.Is(err, login.ErrUnknown) {
		return fail(invalidLinkCode, err)
	}
	return err
}

// timedOut tells the browser to ask again.
func timedOut() error {
	return &Error{Code: "response_timeout", Message: "The wallet has not answered yet. Please ask again."}
}

// linkAuthCodeRequest waits for the authorization code.
type linkAuthCodeRequest struct {
	TransactionID text `json:"transactionId"`
	LinkedCode    text `json:"linkedCode"`
}

func (q *linkAuthCodeRequest) validate(v *violations) {
	v.check(!blank(q.TransactionID), "request.transactionId", invalidTransactionID)
	v.check(!blank(q.LinkedCode), "request.linkedCode", invalidLinkCode)
}

// linkAuthCode answers with the same code as often as it is asked: a login has one.
func (p *wallets) linkAuthCode(ctx context.Context, _ *http.Request, q *linkAuthCodeRequest) (any, error) {
	handle := string(q.TransactionID)
	return p.await(ctx, handle, string(q.LinkedCode), wallet.Linked, func(ctx context.Context, s *wallet.Status) (any, error) {
		return p.authorizationCode(ctx, handle, s.Login)
	})
}

func (p *wallets) authorizationCode(ctx context.Context, handle string, s *login.State) (any, error) {
	parameters := s.Response.Parameters
	if refused := parameters.Get("error"); refused != "" {
		return nil, fail(refused, nil)
	}
	request, err := p.requests.Get(ctx, handle)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return nil, err
	}
	if given := parameters.Get("state"); request.State == nil && given != "" {
		request.State = &given
	}
	return struct {
		Nonce       *string `json:"nonce"`
		State       *string `json:"state"`
		Code        string  `json:"code"`
		RedirectURI string  `json:"redirectUri"`
	}{request.Nonce, request.State, parameters.Get("code"), s.RedirectURI}, nil
}
