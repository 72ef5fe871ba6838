package esignet_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/esignet"
	"github.com/gosignet/signet/store/memory"
)

var now = time.Date(2026, 1, 31, 8, 15, 30, 0, time.UTC)

func newAPI(t testing.TB) *esignet.API {
	t.Helper()
	backend, err := memory.New(memory.Config{})
	require.NoError(t, err)
	t.Cleanup(func() { backend.Close() })
	a, err := esignet.New(esignet.Config{Store: backend, Now: func() time.Time { return now }})
	require.NoError(t, err)
	return a
}

// values are what Go and JavaScript write differently unless one takes care.
var values = []string{
	`{"b":"\u2028\u2029","a":"\\u2028 \\\u2029 \\\\u2028"}`,
	`{"name":"វិបផតថល <&>/ é \ud83d\ude00 \u007f","control":"\b\f\n\r\t\u0001\u001f"}`,
	`[1,-0,1.0,20.50,1e3,1e21,1e-7,123456789012345678901,0.1,true,false,null,{},[],""]`,
	`"\ud800"`,
	`{"__proto__":1,"01":2,"-1":3}`,
}

// eSignet's pages say that there is no network when this is not answered.
func TestPagesLearnThatTheServerIsThere(t *testing.T) {
	t.Parallel()
	w := httptest.NewRecorder()
	newAPI(t).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/v1/esignet/actuator/health", nil))
	assert.Equal(t, http.StatusOK, w.Code)
	assert.JSONEq(t, `{"status":"UP"}`, w.Body.String())
}

func TestAnswersAreWrittenAsABrowserWritesThem(t *testing.T) {
	t.Parallel()
	for _, v := range values {
		written, err := esignet.Stringify([]byte(v))
		require.NoError(t, err)
		cmd := exec.CommandContext(t.Context(), "node", "-e", `
			let s = ""; process.stdin.setEncoding("utf8").on("data", d => s += d).on("end", () => process.stdout.write(JSON.stringify(JSON.parse(s))))`)
		cmd.Stdin = bytes.NewReader(written)
		browser, err := cmd.Output()
		require.NoError(t, err)
		assert.Equal(t, string(browser), string(written))
	}
}

func TestMembersThatABrowserWouldMoveAreRefused(t *testing.T) {
	t.Parallel()
	for _, v := range []string{`{"b":1,"10":2}`, `{"a":1,"a":2}`, `{"a":{"0":1}}`} {
		_, err := esignet.Stringify([]byte(v))
		assert.Error(t, err, v)
	}
	_, err := esignet.Encode(map[string]any{"wrong": "\xff"})
	assert.NoError(t, err)
}

func FuzzStringify(f *testing.F) {
	for _, v := range values {
		f.Add([]byte(v))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		once, err := esignet.Stringify(data)
		if err != nil {
			return
		}
		require.True(t, json.Valid(once))
		twice, err := esignet.Stringify(once)
		require.NoError(t, err)
		require.Equal(t, string(once), string(twice))
	})
}

func TestRequestTimeHasOneForm(t *testing.T) {
	t.Parallel()
	h := esignet.EchoDetails(newAPI(t))
	for at, ok := range map[string]bool{
		"2026-01-31T08:15:30.000Z": true, "2026-01-31T08:17:29.999Z": true, "2026-01-31T08:13:30.001Z": true,
		"2026-01-31T08:17:30.000Z": false, "2026-01-31T08:13:30.000Z": false, "2026-01-31T08:15:30Z": false,
		"2026-01-31T08:15:30,000Z": false, "2026-01-31T08:15:30.0000Z": false, "2026-01-31T08:15:30.000+00:00": false,
		"2026-01-31 08:15:30.000Z": false, "": false,
	} {
		body := `{"requestTime":"` + at + `","request":{"clientId":"c","scope":"openid","responseType":"code","redirectUri":"https://a.example/b"}}`
		r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		var answer reply
		require.NoError(t, json.Unmarshal(w.Body.Bytes(), &answer))
		if assert.Equal(t, ok, len(answer.Errors) == 0, at); !ok {
			assert.Equal(t, "requestTime: invalid_request", answer.Errors[0].Message)
		}
	}
}

func FuzzEnvelope(f *testing.F) {
	f.Add(`{"requestTime":"2026-01-31T08:15:30.000Z","request":{"clientId":"c","scope":"openid","responseType":"code","redirectUri":"https://a.example/b","claims":{"userinfo":{"name":null}},"maxAge":"1"}}`)
	f.Add(`{"requestTime":1,"request":null}`)
	f.Add(`{"requestTime":"2026-01-31T08:15:30.000Z","request":{"claims":"","codeChallenge":"x"}}`)
	f.Add(`{} {}`)
	f.Add(`[`)
	h := esignet.EchoDetails(newAPI(f))
	f.Fuzz(func(t *testing.T, body string) {
		r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		rec := httptest.NewRecorder()
		h.ServeHTTP(rec, r)
		require.Equal(t, http.StatusOK, rec.Code)
		var answer struct {
			ResponseTime string
			Response     json.RawMessage
			Errors       []esignet.Error
		}
		require.NoError(t, json.Unmarshal(rec.Body.Bytes(), &answer))
		require.NotNil(t, answer.Errors)
		require.Equal(t, len(answer.Errors) > 0, string(answer.Response) == "null")
	})
}

func FuzzCSRFToken(f *testing.F) {
	const secret = "b8a1fd2a-6f4d-4d5c-9a43-7f1f5b5a6f10"
	f.Add(esignet.Mask(secret), secret)
	f.Add(secret, secret)
	f.Add("", "")
	f.Fuzz(func(t *testing.T, token, other string) {
		esignet.Unmasks(token, other)
		require.True(t, esignet.Unmasks(esignet.Mask(other), other))
		if esignet.Unmasks(token, secret) && esignet.Unmasks(token, other) {
			require.Equal(t, secret, other, "a token is good for one cookie")
		}
	})
}

func TestCSRFTokenIsMasked(t *testing.T) {
	t.Parallel()
	const secret = "b8a1fd2a-6f4d-4d5c-9a43-7f1f5b5a6f10"
	assert.NotEqual(t, esignet.Mask(secret), esignet.Mask(secret))
	assert.False(t, esignet.Unmasks(secret, secret), "the cookie alone is no token")
	assert.False(t, esignet.Unmasks(esignet.Mask(secret), strings.Replace(secret, "b8", "b9", 1)))
}

func TestClaimsParameterObeysTheSchema(t *testing.T) {
	t.Parallel()
	for parameter, ok := range map[string]bool{
		`{}`:                                       true,
		`{"userinfo":null,"id_token":null}`:        true,
		`{"userinfo":{"name":{"value":"x"}}}`:      true,
		`{"other":1}`:                              true,
		`{"userinfo":[]}`:                          false,
		`{"userinfo":{"name":[]}}`:                 false,
		`{"userinfo":{"name":{"essential":1}}}`:    false,
		`{"userinfo":{"name":{"essential":null}}}`: false,
		`{"userinfo":{"name":{"purpose":"ab"}}}`:   false,
		`{"userinfo":{"verified_claims":{"verification":{"trust_framework":null},"claims":{"name":null}}}}`: true,
		`{"userinfo":{"verified_claims":[{"verification":{"trust_framework":null},"claims":null}]}}`:        true,
		`{"userinfo":{"verified_claims":[]}}`:                                                                                                   false,
		`{"userinfo":{"verified_claims":{"verification":{},"claims":{"name":null}}}}`:                                                           false,
		`{"userinfo":{"verified_claims":{"verification":{"trust_framework":null},"claims":{}}}}`:                                                false,
		`{"userinfo":{"verified_claims":{"verification":{"trust_framework":{"value":"x"}},"claims":{"name":null}}}}`:                            false,
		`{"userinfo":{"verified_claims":{"verification":{"trust_framework":null},"claims":{"name":null},"more":1}}}`:                            false,
		`{"userinfo":{"verified_claims":{"verification":{"trust_framework":null,"evidence":[]},"claims":{"name":null}}}}`:                       false,
		`{"userinfo":{"verified_claims":{"verification":{"trust_framework":null,"evidence":[{"type":{"value":"x"}}]},"claims":{"name":null}}}}`: false,
	} {
		assert.Equal(t, ok, esignet.ClaimsObeySchema([]byte(parameter)), parameter)
	}
}
