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
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/authenticator/internal/breaker"
)

// Client is an Authenticator that asks a server. It is safe for concurrent use. It has the methods of all abilities,
// because only the server knows which it has: the others are answered by the client itself, with Unsupported or with
// nothing, as each says.
type Client struct {
	calls *caller
	can   *capabilities
	forms map[authenticator.Factor]*authenticator.Form
}

var (
	_ authenticator.Authenticator = (*Client)(nil)
	_ authenticator.ChannelSender = (*Client)(nil)
	_ authenticator.FormProvider  = (*Client)(nil)
	_ authenticator.Describer     = (*Client)(nil)
	_ authenticator.Challenger    = (*Client)(nil)
	_ authenticator.Recaller      = (*Client)(nil)
	_ authenticator.KeyPublisher  = (*Client)(nil)
	_ authenticator.KeyBinder     = (*Client)(nil)
	_ authenticator.MaybeAssurer  = (*Client)(nil)
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
	client := &Client{calls: calls, can: can, forms: make(map[authenticator.Factor]*authenticator.Form, len(can.Forms))}
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
func (c *Client) Factors() []authenticator.Factor { return slices.Clone(c.can.Factors) }

// Traits returns what the server said at the start, and what is usual for the factor if it said nothing.
func (c *Client) Traits(f authenticator.Factor) authenticator.Traits {
	if t, ok := c.can.Traits[f]; ok {
		return authenticator.Traits(t)
	}
	return authenticator.TraitsOf(nil, f)
}

// Channels returns what the server said at the start. None means that people have no choice.
func (c *Client) Channels() []authenticator.Channel { return slices.Clone(c.can.Channels) }

// Form returns what the server said at the start.
func (c *Client) Form(_ context.Context, factor authenticator.Factor) (*authenticator.Form, error) {
	form, ok := c.forms[factor]
	if !ok {
		return nil, unsupported("the factor has no form")
	}
	return form, nil
}

// Authenticate asks the server, once. A request without answers is Unsupported and not sent: all of none are right, so a
// server that loops over them would let everybody in.
func (c *Client) Authenticate(ctx context.Context, r *authenticator.Request) (*authenticator.Identity, error) {
	if len(r.Challenges) == 0 {
		return nil, unsupported("nothing was answered")
	}
	return post(ctx, c.calls, pathAuthenticate, requestOf(r), parseIdentity)
}

// BindKey asks the server, once. If the server said at the start that it certifies no keys, it is asked who the person is, as
// by Authenticate.
func (c *Client) BindKey(ctx context.Context, r *authenticator.KeyBindingRequest) (*authenticator.KeyBinding, error) {
	if !c.can.Bindings {
		identity, err := c.Authenticate(ctx, &r.Request)
		if err != nil {
			return nil, err
		}
		return &authenticator.KeyBinding{Identity: *identity}, nil
	}
	if len(r.Challenges) == 0 {
		return nil, unsupported("nothing was answered")
	}
	return post(ctx, c.calls, pathBindings, bindingRequest{
		Authentication: requestOf(&r.Request), Factor: r.Factor, Key: r.Key, Header: r.Header,
	}, parseBinding)
}

// SendCode asks the server, once. The error is Unsupported if the server said at the start that it sends no codes.
func (c *Client) SendCode(ctx context.Context, r *authenticator.CodeRequest) (*authenticator.CodeReceipt, error) {
	if !c.can.Codes {
		return nil, unsupported("the server sends no codes")
	}
	return post(ctx, c.calls, pathCodes, codeRequest(*r), parseReceipt)
}

// Challenge asks the server, once. The error is Unsupported for factors whose devices are given nothing, as the server
// said at the start.
func (c *Client) Challenge(ctx context.Context, r *authenticator.DeviceRequest) (*authenticator.Device, error) {
	if !slices.Contains(c.can.Devices, r.Factor) {
		return nil, unsupported("the device of the factor needs nothing")
	}
	return post(ctx, c.calls, pathChallenges, deviceRequest(*r), parseDevice)
}

// Recall asks the server, once. The error is Unsupported if the server said at the start that it recalls nobody. An answer
// about somebody else is not believed.
func (c *Client) Recall(ctx context.Context, earlier *authenticator.Identity) (*authenticator.Identity, error) {
	if !c.can.Recall {
		return nil, unsupported("the server recalls nobody")
	}
	parse := func(data []byte) (*authenticator.Identity, error) {
		today, err := parseIdentity(data)
		if err == nil && today.Subject != earlier.Subject {
			err = errors.New("remote: the server recalled somebody else")
		}
		return today, err
	}
	return post(ctx, c.calls, pathRecall, recallRequest{*identityOf(earlier)}, parse)
}

// Claims asks the server, once.
func (c *Client) Claims(ctx context.Context, r *authenticator.ClaimsRequest) (*authenticator.Claims, error) {
	return post(ctx, c.calls, pathClaims, claimsRequestOf(r), parseClaims)
}

// Assures returns what the server said at the start.
func (c *Client) Assures() bool { return c.can.Verifications }

// Verifications asks the server, once. The error is Unsupported if the server said at the start that it does not say how
// claims are verified. Values do not cross the wire.
func (c *Client) Verifications(ctx context.Context, r *authenticator.ClaimsRequest) ([]authenticator.VerifiedClaims, error) {
	if !c.can.Verifications {
		return nil, unsupported("the server does not say how claims are verified")
	}
	verified, err := post(ctx, c.calls, pathVerifications, claimsRequestOf(r), parseVerifications)
	if err != nil {
		return nil, err
	}
	return *verified, nil
}

// PublicKeys asks the server, once. The set is empty if the server said at the start that it signs nothing.
func (c *Client) PublicKeys(ctx context.Context) (json.RawMessage, error) {
	if !c.can.Keys {
		return json.RawMessage(`{"keys":[]}`), nil
	}
	keys, err := call(ctx, c.calls, http.MethodGet, pathKeys, nil, parseKeys)
	if err != nil {
		return nil, toError(err)
	}
	return *keys, nil
}

func unsupported(why string) *authenticator.Error {
	return &authenticator.Error{Reason: authenticator.Unsupported, Err: errors.New("remote: " + why)}
}

// toError makes an error of a call the one that the contract wants.
func toError(err error) *authenticator.Error {
	if e, ok := errors.AsType[*authenticator.Error](err); ok {
		return e
	}
	e := &authenticator.Error{Reason: authenticator.Unavailable, Unasked: breaker.Unmade(err), Err: err}
	if open, ok := errors.AsType[*breaker.OpenError](err); ok {
		e.RetryAt = open.Until
	}
	return e
}
