package router_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/authenticator/router"
)

// able is a system with all abilities. It keeps what it was asked.
type able struct {
	system
	channels []authenticator.Channel
	traits   authenticator.Traits
	device   *authenticator.Device
	today    *authenticator.Identity
	keys     string

	code    *authenticator.CodeRequest
	request *authenticator.Request
	earlier *authenticator.Identity
	asks    *authenticator.DeviceRequest
}

func (*able) Factors() []authenticator.Factor {
	return []authenticator.Factor{authenticator.Password, authenticator.OTP, authenticator.Passkey}
}
func (a *able) Channels() []authenticator.Channel                { return a.channels }
func (a *able) Traits(authenticator.Factor) authenticator.Traits { return a.traits }

func (a *able) SendCode(ctx context.Context, r *authenticator.CodeRequest) (*authenticator.CodeReceipt, error) {
	a.code = r
	return a.system.SendCode(ctx, r)
}

func (a *able) Authenticate(ctx context.Context, r *authenticator.Request) (*authenticator.Identity, error) {
	a.request = r
	return a.system.Authenticate(ctx, r)
}

func (a *able) Challenge(_ context.Context, r *authenticator.DeviceRequest) (*authenticator.Device, error) {
	a.asks = r
	return a.device, a.answer()
}

func (a *able) Recall(_ context.Context, earlier *authenticator.Identity) (*authenticator.Identity, error) {
	a.earlier = earlier
	return a.today, a.answer()
}

func (a *able) PublicKeys(context.Context) (json.RawMessage, error) {
	return json.RawMessage(a.keys), a.answer()
}

func TestChannelsAreThoseThatAllSendersShare(t *testing.T) {
	t.Parallel()
	const post authenticator.Channel = "post"
	a := &able{channels: []authenticator.Channel{post, authenticator.Phone, authenticator.Email}}
	b := &able{channels: []authenticator.Channel{authenticator.Email, authenticator.Phone}}
	r := two(t, a, b)
	assert.Equal(t, []authenticator.Channel{authenticator.Phone, authenticator.Email}, r.Channels())
	assert.Empty(t, two(t, a, &system{}).Channels(), "the second sends as it likes")
	assert.Equal(t, a.channels, two(t, a, mute{&system{}}).Channels(), "the second sends nothing")

	asked := &authenticator.CodeRequest{Transaction: "1", Channels: []authenticator.Channel{authenticator.Email}, ACRs: []string{"loa2"}}
	_, err := r.SendCode(t.Context(), asked)
	require.NoError(t, err)
	assert.Equal(t, asked, a.code)
}

// mute hides all abilities.
type mute struct{ authenticator.Authenticator }

func TestTraitsAreThoseOfAllSystemsTogether(t *testing.T) {
	t.Parallel()
	a := &able{traits: authenticator.Traits{Identifies: true, MaxResponse: 100}}
	b := &able{traits: authenticator.Traits{Identifies: true, MaxResponse: 200}}
	r := two(t, a, b)
	assert.Equal(t, authenticator.Traits{Identifies: true, MaxResponse: 200}, authenticator.TraitsOf(r, authenticator.Passkey))
	b.traits.Identifies = false
	assert.Equal(t, authenticator.Traits{MaxResponse: 200}, authenticator.TraitsOf(r, authenticator.Passkey), "one needs an identifier")
	assert.Equal(t, authenticator.TraitsOf(nil, authenticator.Biometrics), authenticator.TraitsOf(r, authenticator.Biometrics))
}

func TestSystemsAreChosenByACR(t *testing.T) {
	t.Parallel()
	a, b := &able{}, &able{device: &authenticator.Device{Options: json.RawMessage(`{}`)}}
	r := newRouter(t, router.ByACR(map[string][]string{"loa3": {"b"}, "loa2": {"a"}}, "a"),
		router.System{Name: "a", Authenticator: a}, router.System{Name: "b", Authenticator: b})
	for _, tt := range []struct {
		acrs []string
		want string
	}{{[]string{"unknown", "loa3", "loa2"}, "b:1"}, {[]string{"loa2", "loa3"}, "a:1"}, {nil, "a:1"}} {
		req := password("1", "")
		req.ACRs = tt.acrs
		i, err := r.Authenticate(t.Context(), req)
		require.NoError(t, err)
		assert.Equal(t, tt.want, i.Subject)
	}
	_, err := r.SendCode(t.Context(), &authenticator.CodeRequest{Transaction: "2", ACRs: []string{"loa3"}})
	require.NoError(t, err)
	assert.NotNil(t, b.code)
	device := &authenticator.DeviceRequest{Transaction: "3", Factor: authenticator.Passkey, ACRs: []string{"loa3"}}
	_, err = r.Challenge(t.Context(), device)
	require.NoError(t, err)
	assert.Equal(t, device, b.asks)
}

func TestADeviceAnswersTheSystemThatGaveItSomething(t *testing.T) {
	t.Parallel()
	a, b := &able{system: system{err: down}}, &able{device: &authenticator.Device{Options: []byte(`{}`), State: []byte("x:y")}}
	r := two(t, a, b)
	device, err := r.Challenge(t.Context(), &authenticator.DeviceRequest{Transaction: "1", Factor: authenticator.Passkey})
	require.NoError(t, err)
	assert.JSONEq(t, `{}`, string(device.Options))

	a.err, a.asked = nil, 0
	req := answered("1", "", authenticator.Passkey)
	req.Challenges[0].State = device.State
	i, err := r.Authenticate(t.Context(), req)
	require.NoError(t, err)
	assert.Equal(t, "b:1", i.Subject)
	assert.Zero(t, a.asked)
	assert.Equal(t, []byte("x:y"), b.request.Challenges[0].State)
	assert.Equal(t, device.State, req.Challenges[0].State, "the login's request is left alone")

	req.Challenges[0].State = []byte("c:x")
	_, err = r.Authenticate(t.Context(), req)
	requireReason(t, authenticator.Unsupported, err)

	b.device.State = make([]byte, 4<<10)
	_, err = r.Challenge(t.Context(), &authenticator.DeviceRequest{Transaction: "1", Factor: authenticator.Passkey})
	requireReason(t, authenticator.Unavailable, err)
	_, err = two(t, &system{}, &system{}).Challenge(t.Context(), &authenticator.DeviceRequest{Factor: authenticator.Password})
	requireReason(t, authenticator.Unsupported, err)
}

func TestADeviceOfALoginThatProvedSomethingIsAskedThere(t *testing.T) {
	t.Parallel()
	device := &authenticator.Device{Options: []byte(`{}`)}
	a, b := &able{system: system{err: down}, device: device}, &able{device: device}
	r := two(t, a, b)
	_, err := r.Authenticate(t.Context(), password("1", ""))
	require.NoError(t, err)
	a.err = nil
	got, err := r.Challenge(t.Context(), &authenticator.DeviceRequest{Transaction: "1", Factor: authenticator.Passkey})
	require.NoError(t, err)
	assert.Equal(t, "b:", string(got.State))
}

func TestWhoIsRecalledIsAskedOfTheirSystem(t *testing.T) {
	t.Parallel()
	a, b := &able{}, &able{today: &authenticator.Identity{Subject: "1", State: []byte("new")}}
	r := two(t, a, b)
	today, err := r.Recall(t.Context(), &authenticator.Identity{Subject: "b:1", State: []byte("b:old:1")})
	require.NoError(t, err)
	assert.Equal(t, &authenticator.Identity{Subject: "b:1", State: []byte("b:new")}, today)
	assert.Equal(t, &authenticator.Identity{Subject: "1", State: []byte("old:1")}, b.earlier)
	assert.Zero(t, a.asked)

	b.today.Subject = "2"
	_, err = r.Recall(t.Context(), &authenticator.Identity{Subject: "b:1", State: []byte("b:")})
	requireReason(t, authenticator.Unavailable, err)
	for _, nobody := range []authenticator.Identity{{Subject: "b:1", State: []byte("c:")}, {Subject: "a:1", State: []byte("b:")}} {
		_, err = r.Recall(t.Context(), &nobody)
		requireReason(t, authenticator.Unavailable, err)
	}
	_, err = two(t, &system{}, b).Recall(t.Context(), &authenticator.Identity{Subject: "a:1", State: []byte("a:")})
	requireReason(t, authenticator.Unsupported, err)
}

func TestKeysOfAllSystemsArePublished(t *testing.T) {
	t.Parallel()
	a := &able{keys: `{"keys":[{"kid":"1"},{"kid":"2"}]}`}
	b := &able{keys: `{"keys":[{"kid":"2"},{"kid":"3"}]}`}
	r := newRouter(t, nil, router.System{Name: "a", Authenticator: a}, router.System{Name: "b", Authenticator: b},
		router.System{Name: "c", Authenticator: &system{}})
	for want, change := range map[string]func(){
		`{"keys":[{"kid":"1"},{"kid":"2"},{"kid":"3"}]}`: func() {},
		`{"keys":[{"kid":"1"},{"kid":"2"}]}`:             func() { b.err = errors.New("gone") },
	} {
		b.err = nil
		change()
		keys, err := r.PublicKeys(t.Context())
		require.NoError(t, err)
		assert.JSONEq(t, want, string(keys))
	}
	a.keys, b.err = "nonsense", down
	_, err := r.PublicKeys(t.Context())
	requireReason(t, authenticator.Unavailable, err)
	assert.False(t, strings.Contains(err.Error(), "nonsense"))

	keys, err := two(t, &system{}, &system{}).PublicKeys(t.Context())
	require.NoError(t, err)
	assert.JSONEq(t, `{"keys":[]}`, string(keys))
}
