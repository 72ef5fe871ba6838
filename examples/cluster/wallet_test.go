package cluster_test

import (
	"context"
	"encoding/json"
	"errors"
	"html"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptrace"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/authenticator/mock"
	"github.com/gosignet/signet/examples/cluster"
	"github.com/gosignet/signet/examples/wallet/simulator"
	"github.com/gosignet/signet/internal/serverprogram"
	"github.com/gosignet/signet/store"
)

const (
	kioskID  = "kiosk"
	kioskURI = "https://kiosk.example/callback"
	// wakes is when a browser that waits looks by itself, if nothing woke it before.
	wakes = 10 * time.Second
)

// TestWalletsAndBrowsersMeetAcrossInstances has a browser wait at one instance while the wallet speaks to another.
func TestWalletsAndBrowsersMeetAcrossInstances(t *testing.T) {
	t.Parallel()
	for name, inRedis := range map[string]bool{"over Redis": true, "over PostgreSQL": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorldOver(t, inRedis)
			w.registerKiosk()
			phones := []*simulator.Wallet{w.phone(0, 1, nil), w.phone(1, 2, nil)}
			t.Run("the browser is woken", func(t *testing.T) { w.with(t).browserIsWoken(phones[0]) })
			t.Run("the browser's network is cut", func(t *testing.T) { w.with(t).browserIsCut(phones[0]) })
			for i, path := range []string{"/link-transaction", "/authenticate", "/consent"} {
				t.Run("the answer of "+path+" is lost", func(t *testing.T) { w.with(t).answerIsLost(path, 2+i) })
			}
			t.Run("two wallets race for one code", func(t *testing.T) { w.with(t).walletsRace(phones) })
		})
	}
}

// with is the world in a subtest.
func (w *world) with(t *testing.T) *world {
	own := *w
	own.T = t
	return &own
}

// registerKiosk registers a client whose logins are begun with a link.
func (w *world) registerKiosk() {
	w.Helper()
	key := w.key.Public()
	registration, err := json.Marshal(map[string]any{
		"client_id": kioskID, "client_name": "Kiosk", "redirect_uris": []string{kioskURI}, "scope": "openid profile",
		"jwks": map[string]any{"keys": []any{key}}, "token_endpoint_auth_signing_alg": "ES256", "require_pkce": false,
	})
	require.NoError(w, err)
	serverprogram.Command(w, registration, "client", "create", "-store", w.dsn)
}

// dialing makes every connection to the one address, as a name server does.
func dialing(address string) *http.Transport {
	return &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, address)
	}}
}

// phone is the wallet of a person, bound, which speaks to the instance. lost says of which calls the answer gets lost, once.
func (w *world) phone(person, instance int, lost func(path string) bool) *simulator.Wallet {
	w.Helper()
	client := &http.Client{Transport: &lossy{dialing(w.instances[instance].Address), lost}}
	phone, err := simulator.New(simulator.Config{API: w.issuer + "/v1/esignet", Client: client})
	require.NoError(w, err)
	id := people(w.T)[person].ID
	require.NoError(w, phone.SendCode(w.Context(), id))
	require.NoError(w, phone.Bind(w.Context(), id, mock.OTP))
	return phone
}

// lossy loses answers to what the server has done.
type lossy struct {
	http.RoundTripper
	lost func(path string) bool
}

func (l *lossy) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := l.RoundTripper.RoundTrip(r)
	if err != nil || l.lost == nil || !l.lost(r.URL.Path) {
		return res, err
	}
	defer res.Body.Close()
	if _, err := io.Copy(io.Discard, res.Body); err != nil {
		return nil, err
	}
	return nil, io.ErrUnexpectedEOF
}

// kiosk is a browser, all of whose connections go to one instance over a cable.
type kiosk struct {
	*world
	*http.Client
	cable *cluster.Cable
	login string // the path of the login
}

// kiosk begins a login by wallet at the instance.
func (w *world) kiosk(instance int) *kiosk {
	w.Helper()
	cable, err := cluster.NewCable(w.instances[instance].Address)
	require.NoError(w, err)
	w.Cleanup(cable.Close)
	jar, err := cookiejar.New(nil)
	require.NoError(w, err)
	k := &kiosk{world: w, cable: cable, Client: &http.Client{Transport: dialing(cable.Address()), Jar: jar}}
	k.CheckRedirect = func(r *http.Request, _ []*http.Request) error {
		if r.URL.Host != strings.TrimPrefix(w.issuer, "http://") {
			return http.ErrUseLastResponse
		}
		return nil
	}
	res, page := k.open(http.MethodGet, "/authorize?"+url.Values{
		"client_id": {kioskID}, "redirect_uri": {kioskURI}, "response_type": {"code"}, "scope": {"openid profile"}, "state": {"s"},
	}.Encode(), nil)
	k.login = res.Request.URL.Path[:strings.LastIndex(res.Request.URL.Path, "/")]
	option := k.find(page, `id="login_with_wla" name="option" value="(\d+)"`)
	k.open(http.MethodPost, k.login+"/choose", url.Values{"csrf": {k.csrf(page)}, "option": {option}})
	return k
}

func (k *kiosk) open(method, path string, form url.Values) (*http.Response, string) {
	k.Helper()
	r, err := http.NewRequestWithContext(k.Context(), method, k.issuer+path, strings.NewReader(form.Encode()))
	require.NoError(k, err)
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	res, err := k.Do(r)
	require.NoError(k, err)
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	require.NoError(k, err)
	return res, string(body)
}

func (k *kiosk) find(page, pattern string) string {
	k.Helper()
	m := regexp.MustCompile(pattern).FindStringSubmatch(page)
	require.NotNil(k, m, "no %s in %s", pattern, page)
	return html.UnescapeString(m[1])
}

func (k *kiosk) csrf(page string) string {
	k.Helper()
	return k.find(page, `name="csrf" value="([^"]+)"`)
}

// code is the link code that the page shows.
func (k *kiosk) code() string {
	k.Helper()
	_, page := k.open(http.MethodGet, k.login+"/verify/wla", nil)
	return simulator.CodeIn(k.find(page, `id="wallet-qr-btn" href="([^"]+)"`))
}

// polled is the answer to a browser that waited.
type polled struct {
	stage string
	err   error
	took  time.Duration
}

// poll waits as the script of the page does. It returns when the browser has asked, and an instance that was asked later has
// answered.
func (k *kiosk) poll(seen string) <-chan polled {
	k.Helper()
	sent, answer := make(chan struct{}), make(chan polled, 1)
	trace := &httptrace.ClientTrace{WroteRequest: func(httptrace.WroteRequestInfo) { close(sent) }}
	r, err := http.NewRequestWithContext(httptrace.WithClientTrace(k.Context(), trace), http.MethodGet, k.issuer+k.login+"/wallet?seen="+seen, nil)
	require.NoError(k, err)
	go func() {
		began := time.Now()
		var p polled
		res, err := k.Do(r)
		if err == nil {
			var body struct{ Stage string }
			err = json.NewDecoder(res.Body).Decode(&body)
			p.stage = body.Stage
			res.Body.Close()
		}
		p.err, p.took = err, time.Since(began)
		answer <- p
	}()
	<-sent
	k.open(http.MethodGet, k.login+"/verify/wla", nil)
	return answer
}

// arrives is where the browser goes when the wallet is done: back to the client, with a code that is good for once.
func (k *kiosk) arrives() {
	k.Helper()
	var codes []string
	for range 2 { // however often it goes there
		res, _ := k.open(http.MethodGet, k.login+"/", nil)
		require.Equal(k, http.StatusSeeOther, res.StatusCode)
		location, err := res.Location()
		require.NoError(k, err)
		require.True(k, strings.HasPrefix(location.String(), kioskURI), location)
		codes = append(codes, location.Query().Get("code"))
	}
	require.NotEmpty(k, codes[0])
	require.Equal(k, codes[0], codes[1])
	assert.Equal(k, http.StatusOK, k.redeem(codes[0]))
	assert.Equal(k, http.StatusBadRequest, k.redeem(codes[0]))
}

// redeem trades a code for tokens, and returns the status.
func (k *kiosk) redeem(code string) int {
	k.Helper()
	now := time.Now()
	assertion, err := k.key.SignJSON(k.Context(), "JWT", map[string]any{
		"iss": kioskID, "sub": kioskID, "aud": k.issuer, "jti": store.NewHandle(), "iat": now.Unix(), "exp": now.Add(time.Minute).Unix(),
	})
	require.NoError(k, err)
	res, err := http.PostForm(k.issuer+"/token", url.Values{
		"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {kioskURI}, "client_id": {kioskID},
		"client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"}, "client_assertion": {assertion},
	})
	require.NoError(k, err)
	res.Body.Close()
	return res.StatusCode
}

func (w *world) browserIsWoken(phone *simulator.Wallet) {
	k := w.kiosk(0)
	code := k.code()
	waiting := k.poll("0")
	request, err := phone.Link(w.Context(), code)
	require.NoError(w, err)
	assert.Equal(w, "Kiosk", request.Name())
	linked := <-waiting
	require.NoError(w, linked.err)
	assert.Equal(w, "linked", linked.stage)
	assert.Less(w, linked.took, wakes, "it did not have to look by itself")

	waiting = k.poll("1")
	require.NoError(w, phone.Approve(w.Context(), request, request.Voluntary, request.Scopes))
	done := <-waiting
	require.NoError(w, done.err)
	assert.Equal(w, "done", done.stage)
	assert.Less(w, done.took, wakes, "it did not have to look by itself")
	k.arrives()
}

func (w *world) browserIsCut(phone *simulator.Wallet) {
	k := w.kiosk(0)
	code := k.code()
	waiting := k.poll("0")
	k.cable.Cut()
	request, err := phone.Link(w.Context(), code)
	require.NoError(w, err)
	require.NoError(w, phone.Approve(w.Context(), request, nil, nil))
	k.cable.Mend()
	cut := <-waiting
	require.Error(w, cut.err, "the browser hears nothing of it")
	again := <-k.poll("0")
	require.NoError(w, again.err)
	assert.Equal(w, "done", again.stage)
	k.arrives()
}

// answerIsLost loses the answer to a call of the wallet, which calls again. Its person was never asked for consent.
func (w *world) answerIsLost(path string, person int) {
	var lost atomic.Bool
	phone := w.phone(person, 1, func(called string) bool {
		return strings.HasSuffix(called, path) && lost.CompareAndSwap(false, true)
	})
	k := w.kiosk(0)
	code := k.code()
	request, err := phone.Link(w.Context(), code)
	if path == "/link-transaction" {
		require.ErrorIs(w, err, io.ErrUnexpectedEOF)
		_, err = phone.Link(w.Context(), code)
		requireCode(w.T, "invalid_link_code", err)
		_, page := k.open(http.MethodGet, k.login+"/verify/wla", nil)
		k.find(page, `(id="unlink")`) // the person takes the login back, and scans again
		k.open(http.MethodPost, k.login+"/wallet", url.Values{"csrf": {k.csrf(page)}})
		request, err = phone.Link(w.Context(), k.code())
	}
	require.NoError(w, err)
	err = phone.Approve(w.Context(), request, nil, nil)
	if path != "/link-transaction" {
		require.ErrorIs(w, err, io.ErrUnexpectedEOF)
		err = phone.Approve(w.Context(), request, nil, nil)
	}
	if path == "/consent" {
		requireCode(w.T, "invalid_transaction", err) // it is done
		err = nil
	}
	require.NoError(w, err)
	require.True(w, lost.Load())
	assert.Equal(w, "done", (<-k.poll("1")).stage)
	k.arrives()
}

func requireCode(t *testing.T, code string, err error) {
	t.Helper()
	told, ok := errors.AsType[*simulator.Error](err)
	require.True(t, ok, "%v", err)
	require.Equal(t, code, told.Code)
}

func (w *world) walletsRace(phones []*simulator.Wallet) {
	for range 10 {
		k := w.kiosk(0)
		code := k.code()
		requests, errs := make([]*simulator.Request, len(phones)), make([]error, len(phones))
		start := make(chan struct{})
		var group sync.WaitGroup
		for i, phone := range phones {
			group.Go(func() {
				<-start
				requests[i], errs[i] = phone.Link(w.Context(), code)
			})
		}
		close(start)
		group.Wait()
		winner := 0
		if requests[winner] == nil {
			winner = 1
		}
		require.NoError(w, errs[winner])
		requireCode(w.T, "invalid_link_code", errs[1-winner])
		require.NoError(w, phones[winner].Approve(w.Context(), requests[winner], nil, nil))
		k.arrives()
	}
}
