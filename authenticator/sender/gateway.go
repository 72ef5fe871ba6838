package sender

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"text/template"
	"time"

	"github.com/gosignet/signet/authenticator/directory"
)

const (
	maxAnswerBytes = 64 << 10
	minPhoneDigits = 7
	maxPhoneDigits = 15 // ITU-T E.164
)

// Gateway is a directory.Sender that hands messages to an SMS gateway over HTTP. It is safe for concurrent use.
type Gateway struct {
	config    GatewayConfig
	url, body *template.Template
	texts     *texts
	client    *http.Client
}

var _ directory.Sender = (*Gateway)(nil)

// NewGateway returns a Gateway, or everything that is wrong with the configuration. It does not connect.
func NewGateway(c GatewayConfig) (*Gateway, error) {
	c = c.withDefaults()
	address, urlErr := c.parseURL()
	body, bodyErr := c.parseBody()
	t, textErr := newTexts(c.Texts, c.Fallback, false, c.Now)
	if err := errors.Join(c.validate(), urlErr, bodyErr, textErr); err != nil {
		return nil, err
	}
	return &Gateway{config: c, url: address, body: body, texts: t, client: &http.Client{
		Transport: &http.Transport{
			TLSClientConfig: &tls.Config{RootCAs: c.RootCAs, MinVersion: tls.VersionTLS12},
			// net/http repeats a GET by itself when a connection that it had kept is closed under it.
			DisableKeepAlives:      c.Method == http.MethodGet,
			MaxIdleConnsPerHost:    16,
			IdleConnTimeout:        time.Minute,
			MaxResponseHeaderBytes: maxAnswerBytes,
		},
		// What is secret in the request is not for whoever the gateway points to.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}, nil
}

// SendCode sends one message. It ends when the context does.
func (g *Gateway) SendCode(ctx context.Context, m *directory.Message) error {
	data := GatewayData{Code: m.Code, Language: g.texts.choose(m.Locales)}
	var err error
	if data.To, data.Digits, err = phoneNumber(m.To.Address); err != nil {
		return err
	}
	if _, data.Text, err = g.texts.write(m); err != nil {
		return err
	}
	address, err := execute(g.url, data.escaped(escapeURL))
	if err != nil {
		return errors.New("sender: gateway: the URL cannot be written")
	}
	body, err := execute(g.body, data.escaped(g.config.escape()))
	if err != nil {
		return errors.New("sender: gateway: the body cannot be written")
	}
	for try := 1; ; try++ {
		connected, err := g.post(ctx, address, []byte(body))
		if err == nil || connected || try == g.config.Tries {
			return err
		}
		wait := time.NewTimer(g.config.RetryAfter)
		select {
		case <-wait.C:
		case <-ctx.Done():
			wait.Stop()
			return err
		}
	}
}

// post makes one request. As long as there was no connection, the gateway cannot have got anything of it.
func (g *Gateway) post(ctx context.Context, address string, body []byte) (connected bool, err error) {
	var got atomic.Bool
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { got.Store(true) }})
	r, err := http.NewRequestWithContext(ctx, g.config.Method, address, bytes.NewReader(body))
	if err != nil {
		return true, errors.New("sender: gateway: the request cannot be made")
	}
	if len(body) > 0 {
		r.Header.Set("Content-Type", map[Format]string{JSON: "application/json", Form: "application/x-www-form-urlencoded"}[g.config.Format])
	}
	for name, value := range g.config.Headers {
		r.Header.Set(name, value)
	}
	resp, err := g.client.Do(r)
	if err != nil {
		return got.Load(), explain(err, got.Load())
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswerBytes+1))
	return true, g.judge(resp.StatusCode, answer, err)
}

// explain leaves out the URL, which errors of net/http repeat, and what the gateway said, which they repeat if it is not
// HTTP.
func explain(err error, connected bool) error {
	if wrapped, ok := errors.AsType[*url.Error](err); ok {
		err = wrapped.Err
	}
	var network net.Error
	if connected && !errors.As(err, &network) && !errors.Is(err, context.Canceled) && !errors.Is(err, io.EOF) {
		return errors.New("sender: gateway: the answer is not HTTP")
	}
	return fmt.Errorf("sender: gateway: %w", err)
}

// judge says whether the gateway accepted the message. Of its answer only the status is repeated.
func (g *Gateway) judge(status int, answer []byte, err error) error {
	switch {
	case !slices.Contains(g.config.Statuses, status):
		return fmt.Errorf("sender: gateway: status %d", status)
	case g.config.AnswerField == "":
		return nil
	case err != nil || len(answer) > maxAnswerBytes:
		return fmt.Errorf("sender: gateway: status %d, with an answer that cannot be read or is too long", status)
	}
	value, ok := find(answer, g.config.AnswerField)
	if !ok {
		return fmt.Errorf("sender: gateway: status %d, with an answer that has no %s", status, g.config.AnswerField)
	}
	if !slices.Contains(g.config.AnswerValues, value) {
		return fmt.Errorf("sender: gateway: status %d, with another %s than expected", status, g.config.AnswerField)
	}
	return nil
}

// find returns the text, number or truth value at a path in a JSON value.
func find(answer json.RawMessage, path string) (string, bool) {
	for name := range strings.SplitSeq(path, ".") {
		var members map[string]json.RawMessage
		var elements []json.RawMessage
		if json.Unmarshal(answer, &members) == nil {
			answer = members[name]
		} else if i, err := strconv.Atoi(name); err == nil && json.Unmarshal(answer, &elements) == nil && i >= 0 && i < len(elements) {
			answer = elements[i]
		} else {
			return "", false
		}
	}
	var text *string
	if json.Unmarshal(answer, &text) == nil && text != nil {
		return *text, true
	}
	literal := strings.TrimSpace(string(answer))
	return literal, literal != "" && literal != "null" && literal[0] != '{' && literal[0] != '['
}

// phoneNumber reads a number as registers write it.
func phoneNumber(address string) (to, digits string, err error) {
	to = strings.NewReplacer(" ", "", "-", "", "(", "", ")", "", ".", "").Replace(address)
	digits = strings.TrimPrefix(to, "+")
	if strings.Trim(digits, "0123456789") != "" || len(digits) < minPhoneDigits || len(digits) > maxPhoneDigits {
		return "", "", errors.New("sender: gateway: the address is not a telephone number")
	}
	return to, digits, nil
}
