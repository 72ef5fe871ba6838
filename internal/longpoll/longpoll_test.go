package longpoll_test

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/internal/longpoll"
)

// call is an answer that is being waited for.
type call struct {
	w      http.ResponseWriter
	r      *http.Request
	finish chan struct{}
}

// room is a server whose requests wait until a test answers them.
type room struct {
	*longpoll.Room
	*httptest.Server
	calls    chan call
	returned chan struct{}
	log      *bytes.Buffer
}

func newRoom(t *testing.T, start func(*httptest.Server)) *room {
	t.Helper()
	r := &room{calls: make(chan call), returned: make(chan struct{}, 1), log: new(bytes.Buffer)}
	r.Room = longpoll.New(slog.New(slog.NewTextHandler(r.log, nil)))
	r.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		io.Copy(io.Discard, request.Body)
		w.Header().Set("X-Frame-Options", "DENY")
		r.Answer(w, request, time.Minute, func(w http.ResponseWriter, request *http.Request) {
			c := call{w, request, make(chan struct{})}
			r.calls <- c
			<-c.finish
			if request.URL.Path == "/panic" {
				panic("no such thing")
			}
			w.Header().Set("Content-Type", "text/plain")
			w.WriteHeader(http.StatusAccepted)
			io.WriteString(w, "hello")
		})
		r.returned <- struct{}{}
	}))
	start(r.Server)
	t.Cleanup(r.Server.Close)
	return r
}

// get asks, and passes on what is answered.
func (r *room) get(ctx context.Context, t *testing.T, path string) <-chan string {
	t.Helper()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, r.URL+path, http.NoBody)
	require.NoError(t, err)
	answer := make(chan string, 1)
	go func() {
		response, err := r.Client().Do(request)
		if err != nil {
			answer <- "none"
			return
		}
		defer response.Body.Close()
		body, err := io.ReadAll(response.Body)
		assert.NoError(t, err)
		assert.Equal(t, "DENY", response.Header.Get("X-Frame-Options"))
		assert.NotEmpty(t, response.Header.Get("Date"))
		answer <- response.Status + " " + string(body)
	}()
	return answer
}

func TestAnswersComeAfterTheHandlerHasReturned(t *testing.T) {
	t.Parallel()
	r := newRoom(t, (*httptest.Server).Start)
	answer := r.get(t.Context(), t, "/wait")
	c := <-r.calls
	<-r.returned
	assert.NoError(t, c.r.Context().Err())
	assert.Equal(t, "/wait", c.r.URL.Path)
	close(c.finish)
	assert.Equal(t, "202 Accepted hello", <-answer)
}

func TestOverHTTP2RequestsWaitInTheServer(t *testing.T) {
	t.Parallel()
	r := newRoom(t, func(s *httptest.Server) {
		s.EnableHTTP2 = true
		s.StartTLS()
	})
	answer := r.get(t.Context(), t, "/wait")
	c := <-r.calls
	assert.Equal(t, 2, c.r.ProtoMajor)
	assert.Empty(t, r.returned)
	close(c.finish)
	assert.Equal(t, "202 Accepted hello", <-answer)
}

func TestWhereConnectionsCannotBeTakenRequestsWaitInTheServer(t *testing.T) {
	t.Parallel()
	recorder := httptest.NewRecorder()
	longpoll.New(slog.New(slog.DiscardHandler)).Answer(recorder, httptest.NewRequest(http.MethodGet, "/", nil), time.Minute,
		func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "hello") })
	assert.Equal(t, "hello", recorder.Body.String())
}

func TestAnAnswerLearnsThatTheClientLeft(t *testing.T) {
	t.Parallel()
	r := newRoom(t, (*httptest.Server).Start)
	ctx, leave := context.WithCancel(t.Context())
	answer := r.get(ctx, t, "/wait")
	c := <-r.calls
	<-r.returned
	leave()
	<-c.r.Context().Done()
	assert.Equal(t, "none", <-answer)
	close(c.finish)
	assert.NoError(t, r.Room.Close(t.Context()))
}

func TestAPanicEndsOneAnswerOnly(t *testing.T) {
	t.Parallel()
	r := newRoom(t, (*httptest.Server).Start)
	answer := r.get(t.Context(), t, "/panic")
	c := <-r.calls
	<-r.returned
	close(c.finish)
	assert.Equal(t, "none", <-answer)
	require.NoError(t, r.Room.Close(t.Context()))
	assert.Contains(t, r.log.String(), "no such thing")
}

func TestCloseWaitsForAnswers(t *testing.T) {
	t.Parallel()
	r := newRoom(t, (*httptest.Server).Start)
	answer := r.get(t.Context(), t, "/wait")
	c := <-r.calls
	<-r.returned
	impatient, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, r.Room.Close(impatient), context.Canceled)
	close(c.finish)
	require.NoError(t, r.Room.Close(t.Context()))
	assert.Equal(t, "202 Accepted hello", <-answer)

	answer = r.get(t.Context(), t, "/wait")
	c = <-r.calls
	assert.Empty(t, r.returned, "nobody would wait for an answer outside")
	close(c.finish)
	assert.Equal(t, "202 Accepted hello", <-answer)
}

func TestAnswersCloseTheConnection(t *testing.T) {
	t.Parallel()
	r := newRoom(t, (*httptest.Server).Start)
	connection, err := r.Client().Transport.(*http.Transport).DialContext(t.Context(), "tcp", r.Listener.Addr().String())
	require.NoError(t, err)
	_, err = io.WriteString(connection, "POST /wait HTTP/1.1\r\nHost: id.example.org\r\nContent-Length: 0\r\n\r\n")
	require.NoError(t, err)
	c := <-r.calls
	close(c.finish)
	reader := bufio.NewReader(connection)
	response, err := http.ReadResponse(reader, nil)
	require.NoError(t, err)
	assert.True(t, response.Close)
	body, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	assert.Equal(t, "hello", string(body))
	_, err = reader.ReadByte()
	assert.ErrorIs(t, err, io.EOF)
}
