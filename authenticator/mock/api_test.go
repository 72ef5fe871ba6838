package mock_test

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/authenticator/mock"
)

const issuer = "https://id.example.org"

// apiKey is the key of every API, because making one takes time.
var apiKey = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
})

// service is an API that is called.
type service struct {
	t       *testing.T
	mock    *mock.Mock
	clock   *clock
	handler http.Handler
}

func serve(t *testing.T, change ...func(*mock.APIConfig)) *service {
	t.Helper()
	faults := new(mock.Faults)
	m, c := everything(t, func(c *mock.Config) { c.Faults = faults })
	config := mock.APIConfig{Mock: m, Issuer: issuer, Key: apiKey()}
	for _, f := range change {
		f(&config)
	}
	handler, err := mock.NewAPI(config)
	require.NoError(t, err)
	return &service{t: t, mock: m, clock: c, handler: handler}
}

// answer is an envelope.
type answer struct {
	Status       int
	ResponseTime string          `json:"responseTime"`
	Response     json.RawMessage `json:"response"`
	Errors       []struct {
		Code    string `json:"errorCode"`
		Message string `json:"message"`
	} `json:"errors"`
}

// codes are those of the errors.
func (a *answer) codes() []string {
	codes := []string{}
	for _, e := range a.Errors {
		codes = append(codes, e.Code)
	}
	return codes
}

// into reads the response, of which there must be one.
func (a *answer) into(t *testing.T, v any) {
	t.Helper()
	require.Empty(t, a.Errors)
	require.NoError(t, json.Unmarshal(a.Response, v))
}

func (s *service) call(method, path, body string) *answer {
	s.t.Helper()
	w := httptest.NewRecorder()
	s.handler.ServeHTTP(w, httptest.NewRequest(method, mock.BasePath+path, strings.NewReader(body)))
	require.Equal(s.t, "application/json", w.Header().Get("Content-Type"))
	a := &answer{Status: w.Code}
	require.NoError(s.t, json.NewDecoder(w.Body).Decode(a))
	assert.Equal(s.t, s.clock.now().Format("2006-01-02T15:04:05.000Z"), a.ResponseTime)
	return a
}

func (s *service) post(path string, body any) *answer {
	s.t.Helper()
	encoded, err := json.Marshal(body)
	require.NoError(s.t, err)
	return s.call("POST", path, string(encoded))
}

// wrap puts a request into its envelope.
func (s *service) wrap(request any) map[string]any {
	return map[string]any{"requestTime": s.clock.now().Format("2006-01-02T15:04:05.000Z"), "request": request}
}

type object = map[string]any

func texts(values ...string) []object {
	var all []object
	for i := 0; i < len(values); i += 2 {
		all = append(all, object{"language": values[i], "value": values[i+1]})
	}
	return all
}

const noor = "8267411571"

// identity is that of somebody new, with changes. A nil value removes a member.
func identity(changes object) object {
	all := object{
		"individualId": noor, "pin": "111222", "password": "Secret@123",
		"fullName":  texts("eng", "Noor Example", "fra", "Noor Exemple"),
		"givenName": texts("eng", "Noor"), "familyName": texts("eng", "Example", "fra", "Exemple"),
		"gender": texts("eng", "Female"), "dateOfBirth": "1987/11/25", "streetAddress": texts("eng", "1 Lane", "fra", "1 rue"),
		"locality": texts("eng", "Town", "fra", "Ville"), "region": texts("eng", "Region"), "country": texts("eng", "Country"),
		"postalCode": "45009", "preferredLang": "eng", "email": "noor@example.org", "phone": "+999000100571",
		"encodedPhoto": "data:image/png;base64,AAAA", "zoneInfo": "Africa/Nairobi",
	}
	maps.Copy(all, changes)
	maps.DeleteFunc(all, func(_ string, v any) bool { return v == nil })
	return all
}

// withNoor has somebody who was created over HTTP.
func withNoor(t *testing.T, change ...func(*mock.APIConfig)) *service {
	t.Helper()
	s := serve(t, change...)
	require.Empty(t, s.post("/identity", s.wrap(identity(nil))).codes())
	return s
}

func TestEveryEnvelopeIsChecked(t *testing.T) {
	t.Parallel()
	s := withNoor(t)
	requests := map[string]any{
		"POST /identity":                    identity(object{"individualId": "1234567890"}),
		"PUT /identity":                     identity(nil),
		"POST /identity/add-verified-claim": verifiedName("A framework"),
		"POST /partner":                     partnerKey(t, "portal-key"),
	}
	for endpoint, request := range requests {
		method, path, _ := strings.Cut(endpoint, " ")
		send := func(wrapped any) *answer {
			encoded, err := json.Marshal(wrapped)
			require.NoError(t, err)
			return s.call(method, path, string(encoded))
		}
		at := func(offset time.Duration) object {
			return object{"requestTime": s.clock.now().Add(offset).Format("2006-01-02T15:04:05.000Z"), "request": request}
		}
		for name, wrapped := range map[string]object{
			"without a time": {"request": request}, "too old": at(-121 * time.Second), "from the future": at(121 * time.Second),
			"no time": {"requestTime": "yesterday", "request": request},
		} {
			a := send(wrapped)
			assert.Equal(t, []string{"invalid_request"}, a.codes(), "%s %s", endpoint, name)
			assert.Equal(t, "requestTime: invalid_request", a.Errors[0].Message, "%s %s", endpoint, name)
			assert.Equal(t, http.StatusOK, a.Status)
			assert.JSONEq(t, "null", string(a.Response))
		}
		a := send(s.wrap(nil))
		assert.Equal(t, []string{"invalid_request"}, a.codes(), endpoint)
		assert.Equal(t, "request: invalid_request", a.Errors[0].Message, endpoint)
		assert.Empty(t, send(at(-2*time.Minute)).codes(), endpoint)
		for _, body := range []string{"", "{", "null", "[]", `"x"`, `{"requestTime":1}`} {
			assert.Equal(t, []string{"unknown_error"}, s.call(method, path, body).codes(), "%s %q", endpoint, body)
		}
	}
}

func TestBodiesAreBounded(t *testing.T) {
	t.Parallel()
	s := serve(t)
	for _, path := range []string{"/identity", "/send-otp/rp/client", "/v3/kyc-exchange/rp/client"} {
		a := s.call("POST", path, `{"x":"`+strings.Repeat("x", 2<<20)+`"}`)
		assert.Equal(t, http.StatusRequestEntityTooLarge, a.Status)
		assert.Equal(t, []string{"unknown_error"}, a.codes())
	}
}

func TestOnlyTheEndpointsOfTheReferenceAreThere(t *testing.T) {
	t.Parallel()
	s := serve(t)
	for _, target := range []string{"DELETE /identity/" + noor, "GET /send-otp/rp/client", "POST /kyc-auth/rp", "GET /"} {
		method, path, _ := strings.Cut(target, " ")
		w := httptest.NewRecorder()
		s.handler.ServeHTTP(w, httptest.NewRequest(method, mock.BasePath+path, nil))
		assert.Contains(t, []int{http.StatusNotFound, http.StatusMethodNotAllowed}, w.Code, target)
	}
}

func TestNewAPIReportsEveryProblem(t *testing.T) {
	t.Parallel()
	weak, err := rsa.GenerateKey(rand.Reader, 1024)
	require.NoError(t, err)
	_, err = mock.NewAPI(mock.APIConfig{Key: weak, Schema: 7, UISpec: json.RawMessage("{")})
	for _, problem := range []string{"Mock is required", "Issuer is required", "Key has less", "no such Schema", "UISpec is not JSON"} {
		require.ErrorContains(t, err, problem)
	}
}

func TestTheAPICanBeUsedByManyAtOnce(t *testing.T) {
	t.Parallel()
	s := serve(t)
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() {
			id := fmt.Sprintf("55555%05d", i%10)
			encoded, _ := json.Marshal(s.wrap(identity(object{"individualId": id})))
			for _, target := range []string{"POST /identity", "PUT /identity", "GET /identity/" + id} {
				method, path, _ := strings.Cut(target, " ")
				w := httptest.NewRecorder()
				s.handler.ServeHTTP(w, httptest.NewRequest(method, mock.BasePath+path, bytes.NewReader(encoded)))
				_, err := io.Copy(io.Discard, w.Body)
				assert.NoError(t, err)
			}
			s.mock.Personas()
		})
	}
	wg.Wait()
	assert.Len(t, s.mock.Personas(), 12+10)
}
