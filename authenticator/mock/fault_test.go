package mock_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/authenticator/mock"
)

var errPlanned = errors.New("as planned")

// operations are calls of a mock, by what their faults are set for.
func operations(m *mock.Mock, handler http.Handler) map[mock.Operation]func(context.Context) (any, error) {
	identity := authenticator.Identity{Subject: dara.Value}
	return map[mock.Operation]func(context.Context) (any, error){
		mock.Sending: func(ctx context.Context) (any, error) {
			return m.SendCode(ctx, &authenticator.CodeRequest{Transaction: "1", Identifier: dara})
		},
		mock.Answering(authenticator.PIN): func(ctx context.Context) (any, error) {
			return m.Authenticate(ctx, &authenticator.Request{Transaction: "1", Identifier: dara, Challenges: []authenticator.Challenge{
				{Factor: authenticator.PIN, Response: mock.PIN},
			}})
		},
		mock.Releasing: func(ctx context.Context) (any, error) {
			return m.Claims(ctx, &authenticator.ClaimsRequest{Identity: identity, Names: []string{"name"}})
		},
		mock.Recalling: func(ctx context.Context) (any, error) { return m.Recall(ctx, &identity) },
		mock.Calling("/v2/kyc-auth"): func(ctx context.Context) (any, error) {
			w := httptest.NewRecorder()
			handler.ServeHTTP(w, httptest.NewRequestWithContext(ctx, "POST", mock.BasePath+"/v2/kyc-auth/rp/client",
				strings.NewReader(`{"transactionId":"1","individualId":"8051437269","pin":"`+mock.PIN+`"}`)))
			if w.Code != http.StatusOK {
				return nil, errPlanned
			}
			return w.Body.String(), nil
		},
	}
}

func broken(t *testing.T) (*mock.Faults, map[mock.Operation]func(context.Context) (any, error)) {
	t.Helper()
	faults := new(mock.Faults)
	m, _ := everything(t, func(c *mock.Config) { c.Faults = faults })
	handler, err := mock.NewAPI(mock.APIConfig{Mock: m, Issuer: issuer, Key: apiKey()})
	require.NoError(t, err)
	return faults, operations(m, handler)
}

func TestOperationsFailAsPlannedAndHeal(t *testing.T) {
	t.Parallel()
	faults, all := broken(t)
	for operation, call := range all {
		faults.Set(operation, mock.Fault{Err: errPlanned})
		_, err := call(t.Context())
		require.ErrorIs(t, err, errPlanned, operation)
		for other, call := range all {
			if other != operation {
				_, err := call(t.Context())
				assert.NotErrorIs(t, err, errPlanned, "%s, where %s fails", other, operation)
			}
		}
		faults.Set(operation, mock.Fault{Panic: true})
		require.Panics(t, func() { call(t.Context()) }, operation)
		faults.Set(operation, mock.Fault{})
		_, err = call(t.Context())
		require.NotErrorIs(t, err, errPlanned, operation)
	}
}

func TestOperationsReturnNonsenseAsPlanned(t *testing.T) {
	t.Parallel()
	faults, all := broken(t)
	for operation, call := range all {
		faults.Set(operation, mock.Fault{Nonsense: true})
		result, err := call(t.Context())
		require.NoError(t, err, operation)
		switch result := result.(type) {
		case *authenticator.CodeReceipt:
			assert.Negative(t, result.Length)
		case *authenticator.Identity:
			assert.Empty(t, result.Subject)
		case *authenticator.Claims:
			assert.False(t, json.Valid(result.Values["name"]))
		case string:
			assert.False(t, json.Valid([]byte(result)))
		default:
			t.Errorf("%s returned %T", operation, result)
		}
	}
}

func TestOperationsTakeTheirTimeAndNoMoreThanTheirContext(t *testing.T) {
	t.Parallel()
	faults, all := broken(t)
	for operation, call := range all {
		faults.Set(operation, mock.Fault{Delay: time.Hour, Err: errPlanned})
		synctest.Test(t, func(t *testing.T) {
			before := time.Now()
			_, err := call(t.Context())
			require.ErrorIs(t, err, errPlanned, operation)
			assert.Equal(t, time.Hour, time.Since(before), operation)

			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			before = time.Now()
			_, err = call(ctx)
			require.Error(t, err, operation)
			assert.Equal(t, time.Minute, time.Since(before), operation)
		})
	}
}
