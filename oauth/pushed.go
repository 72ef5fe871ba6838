package oauth

import (
	"context"
	"errors"
	"net/http"

	"github.com/gosignet/signet/audit"
	"github.com/gosignet/signet/store"
)

// RequestURIPrefix begins every request_uri of a pushed request (RFC 9126 section 2.2).
const RequestURIPrefix = "urn:ietf:params:oauth:request_uri:"

// errRequestURI is the answer to a request_uri that leads nowhere, whatever the reason.
func errRequestURI(cause error) *Error {
	return &Error{Code: InvalidRequestURI, Description: "the request_uri is not valid", Cause: cause}
}

// AcceptPushedRequest authenticates the client of a pushed authorization request, validates the request as the
// authorization endpoint would (RFC 9126 section 2.1), and has it kept. The endpoint is the one that was called. An error
// is for [Server.WriteError].
//
// A valid request is given to keep, which puts what stores it into the batch that also uses up what the client
// authenticated with, and returns what came of it. If AcceptPushedRequest returns an error nobody may get to know where
// the request is stored.
func (s *Server) AcceptPushedRequest(
	w http.ResponseWriter, r *http.Request, endpoint Endpoint,
	keep func(b *store.Batch, req *AuthorizationRequest) (result func() error),
) error {
	ctx := r.Context()
	event := audit.Event{Type: audit.RequestPushed, Outcome: audit.Success}
	err := s.acceptPushedRequest(ctx, w, r, endpoint, keep, &event)
	if err != nil {
		event.Outcome, event.Reason = AsError(err).outcome(), string(AsError(err).Code)
	}
	s.record(ctx, event)
	return err
}

func (s *Server) acceptPushedRequest(
	ctx context.Context, w http.ResponseWriter, r *http.Request, endpoint Endpoint,
	keep func(*store.Batch, *AuthorizationRequest) func() error, event *audit.Event,
) error {
	f, err := readForm(w, r)
	if err != nil {
		return err
	}
	a, err := s.verifyAssertion(ctx, r, f, endpoint)
	if err != nil {
		*event = clientEvent(a)
		return err
	}
	event.ClientID = a.client.ID
	proof, err := s.verifyProof(w, r, a.client, endpoint, false)
	if err != nil {
		return err // a demand for a nonce costs the client nothing either
	}
	req, err := s.readPushedRequest(ctx, a.client, f)
	if err == nil && proof != nil {
		if err = bindCode(req, proof); err != nil {
			err = proofError(w, err)
		}
	}
	if e, ok := errors.AsType[*Error](err); err != nil && (!ok || e.internal()) {
		return err // an outage costs the client not even its assertion
	}
	var b store.Batch
	authenticated := s.consumeIn(&b, a)
	proved, kept := nothing, nothing
	if err == nil {
		if proof != nil {
			proved = proof.ConsumeIn(&b)
		}
		kept = keep(&b, req)
	}
	b.Do(ctx)
	if err := authenticated(); err != nil {
		*event = clientEvent(a)
		return err
	}
	s.record(ctx, clientEvent(a))
	if err != nil {
		return err
	}
	if err := proved(); err != nil {
		return proofError(w, err)
	}
	return kept()
}

// nothing is the result of what was not in a batch.
func nothing() error { return nil }

func (s *Server) readPushedRequest(ctx context.Context, client *Client, f form) (*AuthorizationRequest, error) {
	if f.values.Has("request_uri") {
		return nil, refuse(InvalidRequest, "request_uri must not be pushed").about("request_uri")
	}
	if _, err := f.need("client_id"); err != nil { // verifyAssertion has compared it
		return nil, err
	}
	f, err := s.openRequestObject(ctx, client, f)
	if err != nil {
		return nil, err
	}
	req, err := requestTarget(client, f)
	if err != nil {
		return nil, err
	}
	return s.checkRequest(ctx, client, req, f)
}

// beginPushed answers an authorization request with a request_uri. Only client_id and request_uri count; what else is in
// the query is ignored, because anybody on the way could have put it there (RFC 9126 section 4). As long as the request
// is not known there is no place to send an error to but the page.
func (s *Server) beginPushed(w http.ResponseWriter, r *http.Request, i Interaction, f form) error {
	uri, err := f.need("request_uri")
	if err != nil {
		return err
	}
	client, err := s.requestClient(r.Context(), f)
	if err != nil {
		return err
	}
	if resumer, ok := i.(Resumer); ok && resumer.Resume(w, r, client.ID, uri) {
		return nil
	}
	req, err := s.pushedRequest(r.Context(), client, uri)
	if err != nil {
		return err
	}
	i.Begin(w, r, req)
	return nil
}

// pushedRequest finds the request that the client pushed under the request_uri.
func (s *Server) pushedRequest(ctx context.Context, client *Client, uri string) (*AuthorizationRequest, error) {
	req, err := s.pushed.Request(ctx, client.ID, uri)
	if err != nil {
		return nil, err
	}
	if req.ClientID != client.ID || !client.AcceptsRedirectURI(req.RedirectURI) {
		return nil, errRequestURI(errors.New("the registration of the client changed"))
	}
	req.RequestURI = uri
	return req, nil
}

// SpendRequest makes the login the one that completes the request, if it was pushed. Of many logins with one pushed
// request one gets no error, each time it asks; the others get an [*Error] to be denied with.
func (s *Server) SpendRequest(ctx context.Context, req *AuthorizationRequest, transaction string) error {
	var b store.Batch
	result := s.spendRequestIn(&b, req, transaction)
	b.Do(ctx)
	return result(ctx)
}

// spendRequestIn is SpendRequest in a batch.
func (s *Server) spendRequestIn(b *store.Batch, req *AuthorizationRequest, transaction string) (result func(context.Context) error) {
	switch {
	case req.RequestURI == "":
		return func(context.Context) error { return nil }
	case s.pushed == nil:
		return func(context.Context) error {
			return errors.New("oauth: the request was pushed, and Config.Pushed is missing")
		}
	}
	return s.pushed.SpendIn(b, req.RequestURI, transaction)
}
