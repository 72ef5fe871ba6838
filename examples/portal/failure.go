package portal

import (
	"errors"
	"net/http"
)

// failure is why a login did not work, for the person.
type failure struct {
	Status      int
	Title, Text string
	// Code and Description come from the provider. They are shown as text.
	Code, Description string
}

var (
	errUnavailable = &failure{
		Status: http.StatusServiceUnavailable,
		Title:  "Signing in is not possible at the moment",
		Text:   "The national ID service cannot be reached. Please try again in a few minutes.",
	}
	errNoFAPI2 = &failure{
		Status: http.StatusServiceUnavailable,
		Title:  "Signing in by FAPI 2.0 is not possible",
		Text:   "The national ID service takes no pushed requests. Please go back to the start and sign in without.",
	}
	errUnknownLogin = &failure{
		Status: http.StatusBadRequest,
		Title:  "This sign-in cannot be continued",
		Text: "It was started in another browser, is already over, or took too long. If your browser blocks cookies, " +
			"allow them for this site. Then please sign in again.",
	}
	errBadResponse = &failure{
		Status: http.StatusBadRequest,
		Title:  "This sign-in cannot be continued",
		Text:   "The answer that your browser brought did not come from the national ID service. Please sign in again.",
	}
	errLoginFailed = &failure{
		Status: http.StatusBadGateway,
		Title:  "Signing in did not work",
		Text:   "The national ID service gave an answer that could not be verified. Please sign in again.",
	}
	errUnreadable = &failure{
		Status: http.StatusBadGateway,
		Title:  "Signing in did not work",
		Text: "The national ID service sent your data encrypted for another key than the Health Portal has, so that we cannot " +
			"read them. Signing in again will not help: the portal and its registration must be brought together first.",
	}
	errUnprotected = &failure{
		Status: http.StatusBadGateway,
		Title:  "Signing in did not work",
		Text: "The national ID service sent your data without the encryption that the Health Portal is registered for. We did not " +
			"use them.",
	}
	errNotStrongEnough = &failure{
		Status: http.StatusForbidden,
		Title:  "Your medical record stays closed",
		Text: "It takes a stronger or a more recent proof of who you are than the national ID service could give. You can sign in " +
			"again and choose another way.",
	}
	errNoRecord = &failure{
		Status: http.StatusBadGateway,
		Title:  "Your medical record cannot be shown",
		Text:   "The service that keeps it did not answer as it should. Please try again in a few minutes.",
	}
)

// loginFailure explains why what the provider sent was not good enough.
func loginFailure(err error) *failure {
	switch {
	case errors.Is(err, errNotForUs):
		return errUnreadable
	case errors.Is(err, errInClear):
		return errUnprotected
	case errors.Is(err, errTooWeak):
		return errNotStrongEnough
	}
	return errLoginFailed
}

// pushFailure explains why a request could not be pushed. It is nobody's fault who reads it.
func pushFailure(err error) *failure {
	if errors.Is(err, errNoPushing) {
		return errNoFAPI2
	}
	return errUnavailable
}

// providerFailure explains an error that the provider sent (RFC 6749 section 4.1.2.1).
func providerFailure(code, description string) *failure {
	f := &failure{
		Status:      http.StatusBadRequest,
		Title:       "You are not signed in",
		Text:        "The national ID service could not sign you in. You can try again.",
		Code:        code,
		Description: description,
	}
	switch code {
	case "access_denied":
		f.Status = http.StatusForbidden
		f.Text = "The sign-in was cancelled or refused, and nothing was shared with the Health Portal. You can sign in again " +
			"whenever you like."
	case "server_error", "temporarily_unavailable":
		f.Status = http.StatusServiceUnavailable
		f.Text = "The national ID service has a problem at the moment. Please try again in a few minutes."
	}
	return f
}
