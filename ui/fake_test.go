package ui_test

import (
	"context"
	"encoding/json"
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
	// ctx is that of the last call; the others are its arguments.
	ctx        context.Context
	identifier authenticator.Identifier
	challenge  authenticator.Challenge
	channels   []authenticator.Channel
	response   string
	factor     authenticator.Factor
	option     int
	// options is what devices are given.
	options json.RawMessage
	// verifier is where claims are verified.
	verifier  string
	returnURI string
	query     url.Values
	decision  login.Decision
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
	return f.callWith(call, handle, func() {})
}

// callWith notes the arguments of a call before it is answered.
func (f *fakeFlow) callWith(call, handle string, note func()) (*login.State, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	note()
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

func (f *fakeFlow) State(ctx context.Context, handle string) (*login.State, error) {
	return f.callWith("state", handle, func() { f.ctx = ctx })
}

func (f *fakeFlow) Choose(_ context.Context, handle string, option int) (*login.State, error) {
	return f.callWith("choose", handle, func() { f.option = option })
}

func (f *fakeFlow) SendCode(
	ctx context.Context, handle string, id authenticator.Identifier, channels ...authenticator.Channel,
) (*login.State, error) {
	return f.callWith("send", handle, func() { f.ctx, f.identifier, f.channels = ctx, id, channels })
}

func (f *fakeFlow) Answer(
	ctx context.Context, handle string, id authenticator.Identifier, c authenticator.Challenge,
) (*login.State, error) {
	return f.callWith("answer", handle, func() { f.ctx, f.identifier, f.challenge = ctx, id, c })
}

func (f *fakeFlow) Challenge(_ context.Context, handle string, factor authenticator.Factor) (json.RawMessage, error) {
	_, err := f.callWith("challenge", handle, func() { f.factor = factor })
	return f.options, err
}

func (f *fakeFlow) WishToEnroll(_ context.Context, handle string, factor authenticator.Factor) (*login.State, error) {
	return f.callWith("wish", handle, func() { f.factor = factor })
}

func (f *fakeFlow) EnrollmentOptions(_ context.Context, handle string) (json.RawMessage, error) {
	_, err := f.call("options", handle)
	return f.options, err
}

func (f *fakeFlow) Enroll(_ context.Context, handle, response string) (*login.State, error) {
	return f.callWith("enroll", handle, func() { f.response = response })
}

func (f *fakeFlow) SolveCaptcha(_ context.Context, handle, response string) (*login.State, error) {
	return f.callWith("solve", handle, func() { f.response = response })
}

func (f *fakeFlow) Decide(_ context.Context, handle string, d login.Decision) (*login.State, error) {
	return f.callWith("decide", handle, func() { f.decision = d })
}

func (f *fakeFlow) StartVerification(_ context.Context, handle, returnURI string) (*login.Departure, error) {
	_, err := f.callWith("start", handle, func() { f.returnURI = returnURI })
	return &login.Departure{URI: f.verifier}, err
}

func (f *fakeFlow) ResumeVerification(_ context.Context, handle string, query url.Values) (*login.State, error) {
	return f.callWith("resume", handle, func() { f.query = query })
}

func (f *fakeFlow) Cancel(_ context.Context, handle string) (*login.State, error) {
	return f.call("cancel", handle)
}

func (f *fakeFlow) Extend(_ context.Context, handle string) (*login.State, error) {
	return f.call("extend", handle)
}

func (f *fakeFlow) Join(_ context.Context, handle, _ string) (*login.State, error) {
	return f.call("join", handle)
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
	return &oauth.Client{ID: "evil", Names: map[string]string{"": text}, LogoURIs: map[string]string{"": text},
		PolicyURIs: map[string]string{"": "javascript:" + text}, TOSURIs: map[string]string{"": text}}
}
