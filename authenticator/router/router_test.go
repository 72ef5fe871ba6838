package router_test

import (
	"context"
	"encoding/json"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/authenticator/authenticatortest"
	"github.com/gosignet/signet/authenticator/mock"
	"github.com/gosignet/signet/authenticator/router"
	"github.com/gosignet/signet/store/memory"
)

// system is an identity system that answers what the test wants.
type system struct {
	err    error
	panics bool
	asked  int
	claims *authenticator.ClaimsRequest
}

var down = &authenticator.Error{Reason: authenticator.Unavailable}

func (s *system) answer() error {
	s.asked++
	if s.panics {
		panic("8051437269")
	}
	return s.err
}

func (s *system) Factors() []authenticator.Factor {
	return []authenticator.Factor{authenticator.Password, authenticator.OTP}
}

func (s *system) Authenticate(context.Context, *authenticator.Request) (*authenticator.Identity, error) {
	if err := s.answer(); err != nil {
		return nil, err
	}
	return &authenticator.Identity{Subject: "1", State: []byte("state:1")}, nil
}

func (s *system) SendCode(context.Context, *authenticator.CodeRequest) (*authenticator.CodeReceipt, error) {
	if err := s.answer(); err != nil {
		return nil, err
	}
	return &authenticator.CodeReceipt{Destinations: []string{"***"}}, nil
}

func (s *system) Claims(_ context.Context, r *authenticator.ClaimsRequest) (*authenticator.Claims, error) {
	s.claims = r
	return &authenticator.Claims{Values: map[string]json.RawMessage{}}, nil
}

func newRouter(t testing.TB, choose func(router.Choice) []string, systems ...router.System) *router.Router {
	state, err := memory.New(memory.Config{})
	require.NoError(t, err)
	r, err := router.New(router.Config{Systems: systems, Choose: choose, Store: state})
	require.NoError(t, err)
	return r
}

func two(t testing.TB, a, b authenticator.Authenticator) *router.Router {
	return newRouter(t, nil, router.System{Name: "a", Authenticator: a}, router.System{Name: "b", Authenticator: b})
}

func password(transaction, idType string) *authenticator.Request {
	return answered(transaction, idType, authenticator.Password)
}

func answered(transaction, idType string, f authenticator.Factor) *authenticator.Request {
	return &authenticator.Request{
		Transaction: transaction, ClientID: "portal", Identifier: authenticator.Identifier{Type: idType, Value: "8051437269"},
		Challenges: []authenticator.Challenge{{Factor: f, Response: "secret"}},
	}
}

func requireReason(t *testing.T, want authenticator.Reason, err error) {
	t.Helper()
	e, ok := errors.AsType[*authenticator.Error](err)
	require.True(t, ok, "%v", err)
	require.Equal(t, want, e.Reason)
}

// certifyingMock certifies the keys of whoever can log in.
type certifyingMock struct{ *mock.Mock }

func (m certifyingMock) BindKey(ctx context.Context, r *authenticator.KeyBindingRequest) (*authenticator.KeyBinding, error) {
	return authenticatortest.BindKey(ctx, m.Mock, r)
}

func TestRouterKeepsTheContract(t *testing.T) {
	t.Parallel()
	for name, behind := range map[string]func(*mock.Mock) authenticator.Authenticator{
		"of a system that certifies nothing":  func(m *mock.Mock) authenticator.Authenticator { return m },
		"of a system that certifies keys too": func(m *mock.Mock) authenticator.Authenticator { return certifyingMock{m} },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			authenticatortest.Run(t, func(t testing.TB) authenticatortest.Subject {
				codes, err := memory.New(memory.Config{})
				require.NoError(t, err)
				m, err := mock.New(mock.Config{Password: "demo password", Store: codes})
				require.NoError(t, err)
				return authenticatortest.Subject{
					Authenticator: two(t, behind(m), &system{err: errors.New("not asked")}),
					Person:        authenticator.Identifier{Value: m.Personas()[0].NationalID},
					Unknown:       authenticator.Identifier{Value: "1000000000"},
					Answers: map[authenticator.Factor]authenticatortest.Answer{
						authenticator.Password: {Right: "demo password", Wrong: "other password"},
					},
					Code:   func(context.Context, string) (string, error) { return mock.OTP, nil },
					Claims: []string{"name", "phone_number", "email"}, Verified: []string{"name", "phone_number"},
				}
			})
		})
	}
}

func TestSystemsAreChosenByTypeAndClient(t *testing.T) {
	t.Parallel()
	a, b := router.System{Name: "a", Authenticator: &system{}}, router.System{Name: "b", Authenticator: &system{}}
	byType := newRouter(t, router.ByType(map[string][]string{"passport": {"b"}}, "a"), a, b)
	for idType, want := range map[string]string{"passport": "b:1", "": "a:1"} {
		i, err := byType.Authenticate(t.Context(), password("1", idType))
		require.NoError(t, err)
		assert.Equal(t, want, i.Subject)
	}
	byClient := newRouter(t, router.ByClient(map[string][]string{"portal": {"b"}}), a, b)
	i, err := byClient.Authenticate(t.Context(), password("1", ""))
	require.NoError(t, err)
	assert.Equal(t, "b:1", i.Subject)
	other := password("1", "")
	other.ClientID = "clinic"
	_, err = byClient.Authenticate(t.Context(), other)
	requireReason(t, authenticator.Unsupported, err)
}

func TestAFallbackIsAskedOnlyWhenTheFirstIsUnavailable(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		a    *system
		b    int // how often it is asked
	}{
		{"unavailable", &system{err: down}, 1},
		{"broken", &system{err: errors.New("SELECT 8051437269")}, 1},
		{"panics", &system{panics: true}, 1},
		{"wrong", &system{err: &authenticator.Error{Reason: authenticator.WrongCredentials}}, 0},
		{"locked", &system{err: &authenticator.Error{Reason: authenticator.Locked}}, 0},
		{"right", &system{}, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := &system{}
			_, err := two(t, tt.a, b).Authenticate(t.Context(), password("1", ""))
			assert.Equal(t, tt.b, b.asked)
			if err != nil {
				assert.NotContains(t, err.Error(), "8051437269")
			}
		})
	}
}

// An answer was looked at if one system may have looked at it, whatever the others say. A reason other than Unavailable is
// passed on as it is.
func TestAnswersAreUnaskedOnlyIfNoSystemLookedAtThem(t *testing.T) {
	t.Parallel()
	unasked := &authenticator.Error{Reason: authenticator.Unavailable, Unasked: true}
	for _, tt := range []struct {
		name string
		a, b error
		want bool
	}{
		{"neither was asked", unasked, unasked, true},
		{"the first was", down, unasked, false},
		{"the second was", unasked, down, false},
		{"both were", down, down, false},
		{"the first broke", errors.New("broken"), unasked, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := two(t, &system{err: tt.a}, &system{err: tt.b}).Authenticate(t.Context(), password("1", ""))
			requireReason(t, authenticator.Unavailable, err)
			e, _ := errors.AsType[*authenticator.Error](err)
			assert.Equal(t, tt.want, e.Unasked)
			assert.True(t, unasked.Unasked, "a system's own error stays as it is")
		})
	}
}

func TestSystemThatIsNotAskedForAWhileIsUnasked(t *testing.T) {
	t.Parallel()
	a := &system{err: down}
	r := newRouter(t, nil, router.System{Name: "a", Authenticator: a})
	for i := range 6 {
		_, err := r.Authenticate(t.Context(), password("1", ""))
		requireReason(t, authenticator.Unavailable, err)
		e, _ := errors.AsType[*authenticator.Error](err)
		assert.Equal(t, i == 5, e.Unasked, "call %d", i)
		assert.Equal(t, i == 5, !e.RetryAt.IsZero())
	}
	assert.Equal(t, 5, a.asked)
}

func TestALoginStaysWithTheSystemThatProvedSomething(t *testing.T) {
	t.Parallel()
	a, b := &system{}, &system{}
	r := two(t, a, b)
	_, err := r.Authenticate(t.Context(), password("1", ""))
	require.NoError(t, err)
	a.err = down
	_, err = r.Authenticate(t.Context(), password("1", ""))
	requireReason(t, authenticator.Unavailable, err)
	assert.Zero(t, b.asked)
	_, err = r.Authenticate(t.Context(), password("2", ""))
	require.NoError(t, err, "another login may go elsewhere")
}

func TestACodeIsVerifiedWhereItWasSent(t *testing.T) {
	t.Parallel()
	a, b := &system{err: down}, &system{}
	r := two(t, a, b)
	_, err := r.SendCode(t.Context(), &authenticator.CodeRequest{Transaction: "1", Identifier: authenticator.Identifier{Value: "1"}})
	require.NoError(t, err)
	a.err = nil
	i, err := r.Authenticate(t.Context(), answered("1", "", authenticator.OTP))
	require.NoError(t, err)
	assert.Equal(t, "b:1", i.Subject)
}

func TestClaimsComeFromTheSystemThatAnswered(t *testing.T) {
	t.Parallel()
	a, b := &system{err: down}, &system{}
	r := newRouter(t, nil, router.System{Name: "a", Register: "r", Authenticator: a}, router.System{Name: "b", Register: "r", Authenticator: b})
	i, err := r.Authenticate(t.Context(), password("1", ""))
	require.NoError(t, err)
	assert.Equal(t, "r:1", i.Subject, "a replica knows the same people")
	_, err = r.Claims(t.Context(), &authenticator.ClaimsRequest{Identity: *i})
	require.NoError(t, err)
	assert.Nil(t, a.claims)
	assert.Equal(t, authenticator.Identity{Subject: "1", State: []byte("state:1")}, b.claims.Identity)

	i.Subject = "a:1"
	_, err = r.Claims(t.Context(), &authenticator.ClaimsRequest{Identity: *i})
	requireReason(t, authenticator.Unavailable, err)
}

func TestAHangingSystemIsBoundedAndLeavesTheOtherAlone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		defer close(release)
		a, b := &blocked{until: release}, &system{}
		r := newRouter(t, router.ByType(map[string][]string{"a": {"a"}}, "b"),
			router.System{Name: "a", Authenticator: a, MaxInFlight: 1, Timeout: time.Second}, router.System{Name: "b", Authenticator: b})
		began := time.Now()
		_, err := r.Authenticate(t.Context(), password("1", "a"))
		requireReason(t, authenticator.Unavailable, err)
		assert.Equal(t, time.Second, time.Since(began))

		_, err = r.Authenticate(t.Context(), password("2", "a"))
		requireReason(t, authenticator.Unavailable, err)
		assert.Equal(t, time.Second, time.Since(began), "at once, because the first call still hangs")

		_, err = r.Authenticate(t.Context(), password("3", "b"))
		require.NoError(t, err)
	})
}

// blocked does not even return when its context ends.
type blocked struct {
	system
	until chan struct{}
}

func (b *blocked) Authenticate(context.Context, *authenticator.Request) (*authenticator.Identity, error) {
	<-b.until
	return nil, down
}

func TestNewSaysAllThatIsWrong(t *testing.T) {
	t.Parallel()
	_, err := router.New(router.Config{Systems: []router.System{{Name: "A:"}, {Name: "A:", Register: "b:", MaxInFlight: -1, Timeout: -1}}, MaxFailures: -1, Pause: -1, Lifetime: -1})
	for _, want := range []string{
		"Name is not a name", "Register is not a name", "is there twice", "Authenticator is required", "MaxInFlight", "Timeout",
		"Store is required", "Lifetime", "MaxFailures", "Pause",
	} {
		assert.ErrorContains(t, err, want)
	}
	_, err = router.New(router.Config{})
	assert.ErrorContains(t, err, "Systems are required")
}
