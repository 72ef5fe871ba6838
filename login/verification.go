package login

import (
	"context"
	"net/url"
)

// Verifier is where people have claims verified that their identity system has not verified so far, such as a sign-up
// portal.
type Verifier interface {
	// Start returns where to send the browser, which comes back to the return URI, and what is needed then: at most 4 KiB,
	// kept encrypted with the login.
	Start(ctx context.Context, r *VerificationRequest) (uri string, state []byte, err error)
	// Resume reads what the browser came back with, which may be anybody's invention, against the state of Start. Whether
	// the claims are verified now is then asked of the identity system. An error means that nothing came of it.
	Resume(ctx context.Context, state []byte, query url.Values) error
}

// VerificationRequest says whose claims are to be verified.
type VerificationRequest struct {
	Transaction string
	ClientID    string
	// Subject is the person in the identity system.
	Subject string
	// Claims are those that lack verification.
	Claims []string
	// ReturnURI is where the browser is to come back to.
	ReturnURI string
	Locales   []string
}

// StartVerification returns where the browser goes to have claims verified, in StepVerification.
func (f *Flow) StartVerification(ctx context.Context, handle, returnURI string) (uri string, err error) {
	return "", ErrStep
}

// ResumeVerification takes what the browser came back with. A nil query goes on without the verification.
func (f *Flow) ResumeVerification(ctx context.Context, handle string, query url.Values) (*State, error) {
	return nil, ErrStep
}
