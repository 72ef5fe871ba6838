package router_test

import (
	"context"
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/authenticator"
)

// certifying is a system that certifies keys. It keeps what it was asked.
type certifying struct {
	able
	bound *authenticator.KeyBindingRequest
}

func (c *certifying) BindKey(_ context.Context, r *authenticator.KeyBindingRequest) (*authenticator.KeyBinding, error) {
	c.bound = r
	if err := c.answer(); err != nil {
		return nil, err
	}
	return &authenticator.KeyBinding{Identity: authenticator.Identity{Subject: "1", State: []byte("kyc")}, Certificate: []byte("X.509")}, nil
}

func binding(r *authenticator.Request) *authenticator.KeyBindingRequest {
	return &authenticator.KeyBindingRequest{
		Request: *r, Factor: authenticator.Wallet, Key: json.RawMessage(`{}`), Header: map[string]string{"partner-id": "p"},
	}
}

func TestKeysAreCertifiedByTheSystemThatDoes(t *testing.T) {
	t.Parallel()
	a, b := &able{}, &certifying{}
	r := two(t, a, b)
	asked := binding(password("1", ""))
	bound, err := r.BindKey(t.Context(), asked)
	require.NoError(t, err)
	assert.Equal(t, &authenticator.KeyBinding{
		Identity: authenticator.Identity{Subject: "b:1", State: []byte("b:kyc")}, Certificate: []byte("X.509"),
	}, bound)
	assert.Equal(t, asked, b.bound)
	assert.Zero(t, a.asked)

	_, err = r.Authenticate(t.Context(), password("1", ""))
	require.NoError(t, err)
	assert.Zero(t, a.asked, "it proved something in this login")

	b.err = &authenticator.Error{Reason: authenticator.WrongCredentials}
	_, err = r.BindKey(t.Context(), binding(password("2", "")))
	requireReason(t, authenticator.WrongCredentials, err)
	assert.Zero(t, a.asked, "a wrong answer is not tried at another")
	b.err = down
	_, err = r.BindKey(t.Context(), binding(password("3", "")))
	requireReason(t, authenticator.Unavailable, err)
	assert.Zero(t, a.asked, "nobody gets a key without the certificate that they come for")
}

func TestNothingIsCertifiedWhereNoSystemDoes(t *testing.T) {
	t.Parallel()
	a, b := &able{system: system{err: down}}, &able{}
	r := two(t, a, b)
	bound, err := r.BindKey(t.Context(), binding(password("1", "")))
	require.NoError(t, err)
	assert.Equal(t, "b:1", bound.Identity.Subject)
	assert.Empty(t, bound.Certificate)
}

func TestAKeyIsBoundByTheSystemThatSentTheCode(t *testing.T) {
	t.Parallel()
	a, b := &able{}, &certifying{}
	r := two(t, a, b)
	_, err := r.SendCode(t.Context(), &authenticator.CodeRequest{Transaction: "1"})
	require.NoError(t, err)
	require.NotNil(t, a.code)
	bound, err := r.BindKey(t.Context(), binding(answered("1", "", authenticator.OTP)))
	require.NoError(t, err)
	assert.Equal(t, "a:1", bound.Identity.Subject)
	assert.Nil(t, b.bound)
}

func TestABindingOfNobodyIsNotBelieved(t *testing.T) {
	t.Parallel()
	for name, bound := range map[string]*authenticator.KeyBinding{"nothing": nil, "nobody": {Certificate: []byte("X.509")}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := two(t, lying{&able{}, bound}, mute{&system{}}).BindKey(t.Context(), binding(password("1", "")))
			requireReason(t, authenticator.Unavailable, err)
		})
	}
}

// lying returns what it should not.
type lying struct {
	*able
	bound *authenticator.KeyBinding
}

func (l lying) BindKey(context.Context, *authenticator.KeyBindingRequest) (*authenticator.KeyBinding, error) {
	return l.bound, nil
}
