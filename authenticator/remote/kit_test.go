package remote_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/authenticator/authenticatortest"
	"github.com/gosignet/signet/authenticator/mock"
	"github.com/gosignet/signet/authenticator/remote"
	"github.com/gosignet/signet/store/memory"
)

// certifyingMock certifies the keys of whoever can log in.
type certifyingMock struct{ *mock.Mock }

func (m certifyingMock) BindKey(ctx context.Context, r *authenticator.KeyBindingRequest) (*authenticator.KeyBinding, error) {
	return authenticatortest.BindKey(ctx, m.Mock, r)
}

func TestMockBehindBothHalvesKeepsTheContract(t *testing.T) {
	t.Parallel()
	for name, behind := range map[string]func(*mock.Mock) authenticator.Authenticator{
		"and certifies nothing":  func(m *mock.Mock) authenticator.Authenticator { return m },
		"and certifies keys too": func(m *mock.Mock) authenticator.Authenticator { return certifyingMock{m} },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			authenticatortest.Run(t, func(t testing.TB) authenticatortest.Subject {
				w := newWorld(t)
				people, err := mock.New(mock.Config{Password: "a password", Store: must(memory.New(memory.Config{}))})
				require.NoError(t, err)
				t.Cleanup(func() { _ = people.Close() })
				w.handler.Handler = must(remote.Handler(behind(people), w.serverConfig))
				return authenticatortest.Subject{
					Authenticator: w.client(t),
					Person:        authenticator.Identifier{Type: mock.NationalID, Value: "8051437269"},
					Unknown:       authenticator.Identifier{Type: mock.NationalID, Value: "0000000000"},
					Answers:       map[authenticator.Factor]authenticatortest.Answer{authenticator.Password: {Right: "a password", Wrong: "no password"}},
					Code:          func(context.Context, string) (string, error) { return mock.OTP, nil },
					Claims:        []string{"name", "birthdate", "email"},
					Languages:     []string{"name#en"},
					Verified:      []string{"name", "birthdate"},
				}
			})
		})
	}
}

func TestPythonSampleKeepsTheContract(t *testing.T) {
	t.Parallel()
	a := newAuthority(t)
	url, _ := startPython(t, a)
	config := &tls.Config{
		RootCAs: a.pool(), Certificates: []tls.Certificate{a.issue(t, "provider", x509.ExtKeyUsageClientAuth)},
	}
	authenticatortest.Run(t, func(testing.TB) authenticatortest.Subject {
		c, err := remote.New(t.Context(), remote.Config{BaseURL: url, TLS: config, Timeout: time.Minute})
		require.NoError(t, err)
		return authenticatortest.Subject{
			Authenticator: c,
			Person:        authenticator.Identifier{Value: "8051437269"},
			Unknown:       authenticator.Identifier{Value: "0000000000"},
			Answers:       map[authenticator.Factor]authenticatortest.Answer{authenticator.Password: {Right: "lotus-8051", Wrong: "lotus-8052"}},
			Claims:        []string{"name", "birthdate"},
			Languages:     []string{"name#en"},
		}
	})
}
