package ui_test

import (
	"context"
	"net/url"
	"sync"
	"time"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/login"
	"github.com/gosignet/signet/oauth"
	"github.com/gosignet/signet/oidc"
)

// fakeFlow stands at the states that a test puts it in. Every call is answered by do.
type fakeFlow struct {
	mu     sync.Mutex
	states map[string]*login.State
	// do answers a call that changes a login. Nil leaves the login as it is.
	do func(call string, s *login.State) error
	// broken is returned by every method.
	broken error
	calls  []string
}

func newFakeFlow() *fakeFlow { return &fakeFlow{states: map[string]*login.State{}} }

// put makes the handle reach the state.
func (f *fakeFlow) put(handle string, s *login.State) {
	f.mu.Lock()
	defer f.mu.Unlock()
	s.ID = login.ID(handle)
	if s.Client == nil {
		s.Client = &oauth.Client{ID: "portal", Names: map[string]string{"": "Health Portal", "ar": "بوابة الصحة"}}
	}
	if s.RedirectURI == "" {
		s.RedirectURI = "https://portal.example.org/callback"
	}
	if s.ExpiresAt.IsZero() {
		s.ExpiresAt = time.Now().Add(10 * time.Minute)
	}
	f.states[handle] = s
}

func (f *fakeFlow) call(call, handle string) (*login.State, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.broken != nil {
		return nil, f.broken
	}
	s, ok := f.states[handle]
	if !ok {
		return nil, login.ErrUnknown
	}
	var err error
	if call != "state" {
		f.calls = append(f.calls, call)
		if f.do != nil {
			err = f.do(call, s)
		}
	}
	shown := *s
	return &shown, err
}

func (f *fakeFlow) Begin(context.Context, *oauth.AuthorizationRequest, string) (string, *login.State, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for handle, s := range f.states {
		if s.Step == login.StepChoose {
			return handle, s, nil
		}
	}
	return "", nil, &oauth.Error{Code: oauth.LoginRequired}
}

func (f *fakeFlow) Refuse(_ context.Context, req *oauth.AuthorizationRequest, err error) *oauth.AuthorizationResponse {
	return &oauth.AuthorizationResponse{
		RedirectURI: req.RedirectURI,
		Parameters:  url.Values{"error": {string(oauth.AsError(err).Code)}},
	}
}

func (f *fakeFlow) State(_ context.Context, handle string) (*login.State, error) {
	return f.call("state", handle)
}

func (f *fakeFlow) Choose(_ context.Context, handle string, _ int) (*login.State, error) {
	return f.call("choose", handle)
}

func (f *fakeFlow) SendCode(_ context.Context, handle string, _ authenticator.Identifier, _ ...authenticator.Channel) (*login.State, error) {
	return f.call("send", handle)
}

func (f *fakeFlow) Answer(
	_ context.Context, handle string, _ authenticator.Identifier, _ authenticator.Challenge,
) (*login.State, error) {
	return f.call("answer", handle)
}

func (f *fakeFlow) Decide(context.Context, string, login.Decision) (*login.State, error) {
	panic("unused")
}

func (f *fakeFlow) Cancel(_ context.Context, handle string) (*login.State, error) {
	return f.call("cancel", handle)
}

func (f *fakeFlow) Join(_ context.Context, handle, _ string) (*login.State, error) {
	return f.call("state", handle)
}

func (f *fakeFlow) SelectAccount(_ context.Context, handle string, _ bool) (*login.State, error) {
	return f.call("account", handle)
}

func (f *fakeFlow) KeepSession(context.Context, string, string) (string, error) { return "", nil }

func (f *fakeFlow) Session(context.Context, string, *oidc.LogoutRequest) (*login.Session, error) {
	return nil, login.ErrUnknown
}

func (f *fakeFlow) LogOut(context.Context, string) error { return nil }

// newEvilClient is a client whose every text is the given one.
func newEvilClient(text string) *oauth.Client {
	return &oauth.Client{ID: "evil", Names: map[string]string{"": text}, LogoURI: text, PolicyURI: "javascript:" + text, TOSURI: text}
}
