package oauth

import (
	"errors"
	"net/http"
	"strings"
)

// ErrorCode is a registered OAuth error code.
type ErrorCode string

// Error codes of RFC 6749 sections 4.1.2.1 and 5.2, RFC 6750 section 3.1, RFC 7009 section 2.2.1, RFC 8707, RFC 9101 section
// 7, RFC 9449,
// OpenID Connect Core section 3.1.2.6 and OpenID Connect Unmet Authentication Requirements.
const (
	InvalidRequest                  ErrorCode = "invalid_request"
	UnauthorizedClient              ErrorCode = "unauthorized_client"
	AccessDenied                    ErrorCode = "access_denied"
	UnsupportedResponseType         ErrorCode = "unsupported_response_type"
	InvalidScope                    ErrorCode = "invalid_scope"
	ServerError                     ErrorCode = "server_error"
	TemporarilyUnavailable          ErrorCode = "temporarily_unavailable"
	InvalidClient                   ErrorCode = "invalid_client"
	InvalidGrant                    ErrorCode = "invalid_grant"
	UnsupportedGrantType            ErrorCode = "unsupported_grant_type"
	InvalidToken                    ErrorCode = "invalid_token"
	InsufficientScope               ErrorCode = "insufficient_scope"
	UnsupportedTokenType            ErrorCode = "unsupported_token_type"
	RequestNotSupported             ErrorCode = "request_not_supported"
	RequestURINotSupported          ErrorCode = "request_uri_not_supported"
	RegistrationNotSupported        ErrorCode = "registration_not_supported"
	InvalidRequestObject            ErrorCode = "invalid_request_object"
	InvalidRequestURI               ErrorCode = "invalid_request_uri"
	InvalidTarget                   ErrorCode = "invalid_target"
	InvalidDPoPProof                ErrorCode = "invalid_dpop_proof"
	UseDPoPNonce                    ErrorCode = "use_dpop_nonce"
	LoginRequired                   ErrorCode = "login_required"
	InteractionRequired             ErrorCode = "interaction_required"
	ConsentRequired                 ErrorCode = "consent_required"
	AccountSelectionRequired        ErrorCode = "account_selection_required"
	UnmetAuthenticationRequirements ErrorCode = "unmet_authentication_requirements"
)

// Error is an error that a client, or the person at the browser, is told about.
type Error struct {
	// Code is a registered code.
	Code ErrorCode
	// Description helps the client's developer. It is one sentence of plain ASCII without quotes and backslashes, never
	// holds what the client sent, and never tells how the provider works inside.
	Description string
	// Parameter names the one parameter of the request that is at fault, if that is known: for faces with codes of their
	// own. It is not sent.
	Parameter string
	// Status is the HTTP status where the error is a response of its own. Zero means 400.
	Status int
	// Cause is what went wrong inside. It is logged and never sent; it holds no personal data and no secret.
	Cause error
}

func (e *Error) Error() string {
	s := string(e.Code)
	if e.Description != "" {
		s += ": " + e.Description
	}
	if e.Cause != nil {
		s += ": " + e.Cause.Error()
	}
	return s
}

func (e *Error) Unwrap() error { return e.Cause }

// StatusCode is the HTTP status of the error: Status, or 400.
func (e *Error) StatusCode() int {
	if e.Status == 0 {
		return http.StatusBadRequest
	}
	return e.Status
}

// description is the Description in the characters that RFC 6749 section 5.2 allows, should an extension or a login have
// used others.
func (e *Error) description() string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' || r == '"' || r == '\\' {
			return -1
		}
		return r
	}, e.Description)
}

// internal reports whether the provider, and not the request, is at fault.
func (e *Error) internal() bool {
	return e.Code == ServerError || e.Code == TemporarilyUnavailable || e.StatusCode() >= http.StatusInternalServerError
}

// AsError returns err as an *Error. An error that is none becomes a server_error with status 503, because what fails
// without a code here is a backend: it is the cause, and nothing of it is shown.
func AsError(err error) *Error {
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	return &Error{
		Code:        ServerError,
		Description: "the service is temporarily unavailable",
		Status:      http.StatusServiceUnavailable,
		Cause:       err,
	}
}

func refuse(code ErrorCode, description string) *Error {
	return &Error{Code: code, Description: description}
}

// about says which parameter of the request an error is about.
func (e *Error) about(parameter string) *Error {
	e.Parameter = parameter
	return e
}
