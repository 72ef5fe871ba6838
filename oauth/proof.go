package oauth

import (
	"errors"
	"net/http"

	"github.com/gosignet/signet/dpop"
)

// codeKey reads dpop_jkt, the key that the code will be bound to (RFC 9449 section 10).
func (s *Server) codeKey(f form) (string, error) {
	if s.dpop == nil {
		return "", nil
	}
	thumbprint, err := f.get("dpop_jkt")
	if err != nil {
		return "", err
	}
	if thumbprint != "" && !dpop.ValidThumbprint(thumbprint) {
		return "", refuse(InvalidRequest, "dpop_jkt is not a thumbprint").about("dpop_jkt")
	}
	return thumbprint, nil
}

// verifyProof verifies the DPoP proof of a request to the endpoint with the URL. There is none, without an error, if the
// request has none and none is required. The proof is not used up yet. The answer gets the nonce that it is to bring, or
// that the next one is.
func (s *Server) verifyProof(w http.ResponseWriter, r *http.Request, client *Client, endpoint Endpoint, required bool) (*dpop.Proof, error) {
	if s.dpop == nil {
		if required {
			return nil, errors.New("oauth: a token is to be bound to a key, and Config.DPoP is missing")
		}
		return nil, nil
	}
	if !required && !dpop.HasProof(r.Header) {
		return nil, nil
	}
	proof, err := s.dpop.Verify(dpop.Request{
		Header: r.Header, Method: r.Method, URL: endpoint.URL, RequireNonce: client.RequireDPoPNonce || endpoint.RequireNonce,
	})
	if err != nil {
		return nil, proofError(w, err)
	}
	if proof.NextNonce != "" {
		w.Header().Set(dpop.HeaderNonce, proof.NextNonce)
	}
	return proof, nil
}

// proofError translates an error of package dpop, which may come with a nonce for the client.
func proofError(w http.ResponseWriter, err error) error {
	e, ok := errors.AsType[*dpop.Error](err)
	if !ok {
		return err
	}
	if e.Nonce != "" {
		w.Header().Set(dpop.HeaderNonce, e.Nonce)
	}
	return &Error{Code: ErrorCode(e.Code), Description: e.Description, Cause: e.Cause}
}

// bindCode binds the code of a pushed request to the key of the proof that came with it (RFC 9449 section 10.1). If the
// request names a key itself, it must be the same.
func bindCode(req *AuthorizationRequest, proof *dpop.Proof) error {
	if req.DPoPThumbprint != "" {
		return proof.CheckKey(req.DPoPThumbprint)
	}
	req.DPoPThumbprint = proof.Thumbprint
	return nil
}
