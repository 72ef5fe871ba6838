package conformance

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

const (
	requestTimeout = 30 * time.Second
	maxBody        = 1 << 20
)

// answer is what came back for a request.
type answer struct {
	request *http.Request
	status  int
	header  http.Header
	body    []byte
}

// send makes a request, follows nothing, and checks what holds for every answer. No answer ends the check.
func (t *trial) send(req *http.Request) *answer {
	a, err := exchange(t.ctx, t.transport, req)
	if err != nil {
		t.fatal("%s %s: %v", req.Method, short(req.URL.String()), err)
	}
	t.note("%s", a.line())
	for _, nonce := range a.header.Values("DPoP-Nonce") {
		if !nonceSyntax(nonce) {
			t.fail("the DPoP-Nonce header %q is empty or has characters other than those of RFC 9449 8.1", nonce)
		}
	}
	if len(a.header.Values("DPoP-Nonce")) > 1 {
		t.fail("more than one DPoP-Nonce header in one answer (RFC 9449 8.1)")
	}
	return a
}

func exchange(ctx context.Context, transport http.RoundTripper, req *http.Request) (*answer, error) {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	resp, err := transport.RoundTrip(req.WithContext(ctx))
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxBody+1))
	if err != nil {
		return nil, err
	}
	if len(body) > maxBody {
		return nil, fmt.Errorf("more than %d bytes came back", maxBody)
	}
	return &answer{request: req, status: resp.StatusCode, header: resp.Header, body: body}, nil
}

// newGet returns a request without a body.
func (t *trial) newGet(u string) *http.Request {
	req, err := http.NewRequestWithContext(t.ctx, http.MethodGet, u, nil)
	if err != nil {
		t.fatal("%v", err)
	}
	return req
}

// newPost returns a request with a form as its body.
func (t *trial) newPost(u string, form url.Values) *http.Request {
	return t.newPostBody(u, form.Encode())
}

// newPostBody is newPost for parameters whose order matters.
func (t *trial) newPostBody(u, body string) *http.Request {
	req, err := http.NewRequestWithContext(t.ctx, http.MethodPost, u, strings.NewReader(body))
	if err != nil {
		t.fatal("%v", err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Accept", "application/json")
	return req
}

// isJSON says whether the answer declares itself to be JSON.
func (a *answer) isJSON() bool {
	kind, _, err := mime.ParseMediaType(a.header.Get("Content-Type"))
	return err == nil && kind == "application/json"
}

// object returns the JSON object of the body, or nil.
func (a *answer) object() map[string]any {
	var m map[string]any
	if json.Unmarshal(a.body, &m) != nil {
		return nil
	}
	return m
}

// errorCode returns the error code of an OAuth error in JSON, or "".
func (a *answer) errorCode() string {
	code, _ := a.object()["error"].(string)
	return code
}

// noStore says whether nobody may keep the answer.
func (a *answer) noStore() bool {
	for _, line := range a.header.Values("Cache-Control") {
		directives := strings.Split(strings.ToLower(strings.ReplaceAll(line, " ", "")), ",")
		if slices.Contains(directives, "no-store") {
			return true
		}
	}
	return false
}

func (a *answer) String() string {
	return fmt.Sprintf("%d %s %s", a.status, a.header.Get("Content-Type"), short(string(a.body)))
}

// line tells the exchange in one line.
func (a *answer) line() string {
	text := fmt.Sprintf("%s %s: %d", a.request.Method, short(a.request.URL.String()), a.status)
	if location := a.header.Get("Location"); location != "" {
		return text + " to " + short(location)
	}
	if strings.HasPrefix(a.header.Get("Content-Type"), "text/html") {
		return text + " a page"
	}
	return text + " " + short(string(a.body))
}

func short(s string) string {
	const most = 400
	s = strings.Join(strings.Fields(s), " ")
	if len(s) > most {
		return s[:most] + "…"
	}
	return s
}

// nonceSyntax says whether the nonce is made of NQCHAR, of which RFC 9449 8.1 wants at least one.
func nonceSyntax(nonce string) bool {
	return nonce != "" && !strings.ContainsFunc(nonce, func(r rune) bool {
		return r < 0x21 || r == '"' || r == '\\' || r > 0x7e
	})
}
