package conformance

import (
	"crypto/tls"
	"io"
	"net/http"
	"net/http/httptest"
	"time"
)

// InProcess returns a transport that has the handler answer, without a network, for Target.Transport. The answers have
// a Date, as those of a server do. A panic of the handler is one of the caller.
func InProcess(handler http.Handler) http.RoundTripper { return inProcess{handler} }

type inProcess struct{ handler http.Handler }

func (p inProcess) RoundTrip(req *http.Request) (*http.Response, error) {
	if err := req.Context().Err(); err != nil {
		return nil, err
	}
	// A server sees the request with names of its own; the handler may change what it gets.
	in := req.Clone(req.Context())
	in.RequestURI = req.URL.RequestURI()
	in.Host = req.URL.Host
	in.RemoteAddr = "192.0.2.1:1234"
	in.Header = http.Header{}
	for name, values := range req.Header {
		for _, value := range values {
			in.Header.Add(name, value)
		}
	}
	if req.Body == nil {
		in.Body = io.NopCloser(http.NoBody)
	} else {
		defer req.Body.Close()
	}
	if req.URL.Scheme == "https" {
		in.TLS = &tls.ConnectionState{Version: tls.VersionTLS13, HandshakeComplete: true, ServerName: req.URL.Hostname()}
	}
	recorder := httptest.NewRecorder()
	p.handler.ServeHTTP(recorder, in)
	resp := recorder.Result()
	if resp.Header.Get("Date") == "" {
		resp.Header.Set("Date", time.Now().UTC().Format(http.TimeFormat))
	}
	resp.Request = req
	return resp, nil
}
