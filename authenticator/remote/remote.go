// Package remote is an [authenticator.Authenticator] that another process implements, in any language: requests go over
// HTTP as its OpenAPI description says, which [OpenAPI] returns. [New] is the provider's half. [Handler] is the other
// one, for teams that write their Authenticator in Go and run it on its own.
//
// # Who may ask
//
// Requests are authenticated by mutual TLS, by a signature, or both. A signed request has a JWT as its Bearer token, of
// the type "authenticator-request+jwt", signed by [Config.Signer]. Its claims bind it to one request: "htm" is the
// method, "htu" the URL, "bh" the SHA-256 of the body in base64url; "iat" and "exp" are a minute apart, and "jti" is
// never used again.
//
// # Versions
//
// The path begins with the version of the protocol, and all requests and answers have it in the header
// Authenticator-Version. An answer without it, or with another one, comes from something else, a gateway say, and is not
// believed. The capabilities name all versions that the server speaks. Within a version members are only ever added, so
// both sides ignore members that they do not know; what they know must have its type and keep to its bounds.
//
// # A server that fails
//
// It is contained: calls have a timeout, answers a size, and only so many calls are under way at once. After a row of
// failures there are none for a while, and everybody hears that the system is unavailable, at once. No call is repeated:
// an attempt to log in counts where it arrives. Errors and logs have nothing that a person typed or the server said
// but reasons and statuses, and URLs nothing but names of factors.
package remote

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/authenticator/internal/breaker"
)

// Client is an Authenticator that asks a server. It is safe for concurrent use.
type Client struct {
	calls   *caller
	factors []authenticator.Factor
	codes   bool
	forms   map[authenticator.Factor]*authenticator.Form
}

var (
	_ authenticator.Authenticator = (*Client)(nil)
	_ authenticator.CodeSender    = (*Client)(nil)
	_ authenticator.FormProvider  = (*Client)(nil)
)

// New asks the server what it can do, and fetches its forms. It fails with everything that is wrong with the
// configuration, or when the server does not answer, does not speak this version, or contradicts itself. What the server
// can do is not asked again.
func New(ctx context.Context, c Config) (*Client, error) {
	c = c.withDefaults()
	calls, err := newCaller(c)
	if err != nil {
		return nil, err
	}
	can, err := call(ctx, calls, http.MethodGet, pathCapabilities, nil, parseCapabilities)
	if err != nil {
		return nil, fmt.Errorf("remote: capabilities: %w", err)
	}
	client := &Client{
		calls: calls, factors: can.Factors, codes: can.Codes,
		forms: make(map[authenticator.Factor]*authenticator.Form, len(can.Forms)),
	}
	for _, factor := range can.Forms {
		form, err := call(ctx, calls, http.MethodGet, pathForms+string(factor), nil, parseForm)
		if err != nil {
			return nil, fmt.Errorf("remote: form of %q: %w", factor, err)
		}
		client.forms[factor] = form
	}
	return client, nil
}

// Factors returns what the server said at the start.
func (c *Client) Factors() []authenticator.Factor { return slices.Clone(c.factors) }

// Authenticate asks the server, once. A request without answers is Unsupported and not sent: all of none are right, so a
// server that loops over them would let everybody in.
func (c *Client) Authenticate(ctx context.Context, r *authenticator.Request) (*authenticator.Identity, error) {
	if len(r.Challenges) == 0 {
		return nil, &authenticator.Error{Reason: authenticator.Unsupported, Err: errors.New("remote: nothing was answered")}
	}
	req := authenticateRequest{
		Transaction: r.Transaction, ClientID: r.ClientID, Identifier: r.Identifier,
		Challenges: make([]challenge, len(r.Challenges)), Locales: r.Locales,
	}
	for i, answer := range r.Challenges {
		req.Challenges[i] = challenge{Factor: answer.Factor, Response: answer.Response}
	}
	return post(ctx, c.calls, pathAuthenticate, req, parseIdentity)
}

// SendCode asks the server, once. The error is Unsupported if the server said at the start that it sends no codes.
func (c *Client) SendCode(ctx context.Context, r *authenticator.CodeRequest) (*authenticator.CodeReceipt, error) {
	if !c.codes {
		return nil, &authenticator.Error{Reason: authenticator.Unsupported, Err: errors.New("remote: the server sends no codes")}
	}
	return post(ctx, c.calls, pathCodes, codeRequest{
		Transaction: r.Transaction, ClientID: r.ClientID, Identifier: r.Identifier, Locales: r.Locales,
	}, parseReceipt)
}

// Claims asks the server, once.
func (c *Client) Claims(ctx context.Context, r *authenticator.ClaimsRequest) (*authenticator.Claims, error) {
	return post(ctx, c.calls, pathClaims, claimsRequest{
		Transaction: r.Transaction, ClientID: r.ClientID, Identity: *identityOf(&r.Identity),
		Names: append([]string{}, r.Names...), Locales: r.Locales,
	}, parseClaims)
}

// Form returns what the server said at the start.
func (c *Client) Form(_ context.Context, factor authenticator.Factor) (*authenticator.Form, error) {
	form, ok := c.forms[factor]
	if !ok {
		return nil, &authenticator.Error{Reason: authenticator.Unsupported, Err: errors.New("remote: the factor has no form")}
	}
	return form, nil
}

// toError makes an error of a call the one that the contract wants.
func toError(err error) *authenticator.Error {
	if e, ok := errors.AsType[*authenticator.Error](err); ok {
		return e
	}
	e := &authenticator.Error{Reason: authenticator.Unavailable, Err: err}
	if open, ok := errors.AsType[*breaker.OpenError](err); ok {
		e.RetryAt = open.Until
	}
	return e
}
