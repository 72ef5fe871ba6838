package remote

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"net/http"

	"github.com/gosignet/signet/authenticator"
)

// getCapabilities asks the Authenticator for the form and the device's challenge of each factor, to say which have one.
func (s *server) getCapabilities(r *http.Request) (*capabilities, error) {
	can := s.capabilities
	for _, factor := range can.Factors {
		if s.forms != nil {
			_, err := s.forms.Form(r.Context(), factor)
			has, err := supports(err)
			if err != nil {
				return nil, err
			}
			if has {
				can.Forms = append(can.Forms, factor)
			}
		}
		if s.challenger != nil {
			_, err := s.challenger.Challenge(r.Context(), &authenticator.DeviceRequest{Transaction: rand.Text(), Factor: factor})
			has, err := supports(err)
			if err != nil {
				return nil, err
			}
			if has {
				can.Devices = append(can.Devices, factor)
			}
		}
	}
	return &can, nil
}

// supports reports what an answer tells about an ability. One that refuses a particular request has it.
func supports(err error) (bool, error) {
	e, ok := errors.AsType[*authenticator.Error](err)
	if err != nil && (!ok || e.Reason == authenticator.Unavailable) {
		return false, err
	}
	return err == nil || e.Reason != authenticator.Unsupported, nil
}

var errUnsupported = &authenticator.Error{Reason: authenticator.Unsupported}

func (s *server) getForm(r *http.Request) (*authenticator.Form, error) {
	if s.forms == nil {
		return nil, errUnsupported
	}
	return s.forms.Form(r.Context(), authenticator.Factor(r.PathValue("factor")))
}

func (s *server) getKeys(r *http.Request) (*json.RawMessage, error) {
	if s.keys == nil {
		return nil, errUnsupported
	}
	keys, err := s.keys.PublicKeys(r.Context())
	return &keys, err
}

func (s *server) postAuthenticate(ctx context.Context, r *authenticateRequest) (*identity, error) {
	req, err := s.request(r)
	if err != nil {
		return nil, err
	}
	i, err := s.authenticator.Authenticate(ctx, req)
	return identityOf(i), err
}

func (s *server) postBindings(ctx context.Context, r *bindingRequest) (*binding, error) {
	req, err := s.request(&r.Authentication)
	if err != nil {
		return nil, err
	}
	if !factorName.MatchString(string(r.Factor)) || len(r.Key) > maxKey || !bytes.HasPrefix(r.Key, []byte("{")) || !validHeader(r.Header) {
		return nil, errRequest
	}
	if s.binder == nil {
		return nil, errUnsupported
	}
	b, err := s.binder.BindKey(ctx, &authenticator.KeyBindingRequest{Request: *req, Factor: r.Factor, Key: r.Key, Header: r.Header})
	if b == nil {
		return nil, err
	}
	return &binding{Identity: *identityOf(&b.Identity), Certificate: b.Certificate}, err
}

func validHeader(header map[string]string) bool {
	for name, value := range header {
		if name == "" || len(name) > maxHeaderName || len(value) > maxHeaderValue {
			return false
		}
	}
	return len(header) <= maxHeader
}

// request is what an authentication asks of the Authenticator.
func (s *server) request(r *authenticateRequest) (*authenticator.Request, error) {
	if len(r.Challenges) == 0 || len(r.Challenges) > maxFactors || !validACRs(r.ACRs) {
		return nil, errRequest
	}
	req := &authenticator.Request{
		Transaction: r.Transaction, ClientID: r.ClientID, Identifier: r.Identifier,
		Challenges: make([]authenticator.Challenge, len(r.Challenges)), ACRs: r.ACRs, Locales: r.Locales,
	}
	identifies := false
	for i, c := range r.Challenges {
		if !factorName.MatchString(string(c.Factor)) || len(c.State) > maxDeviceState {
			return nil, errRequest
		}
		req.Challenges[i] = authenticator.Challenge{Factor: c.Factor, Response: c.Response, State: c.State}
		identifies = identifies || s.capabilities.Traits[c.Factor].Identifies
	}
	nobody := r.Identifier == authenticator.Identifier{}
	if nobody && !identifies || !nobody && r.Identifier.Validate() != nil {
		return nil, errRequest
	}
	return req, nil
}

func (s *server) postRecall(ctx context.Context, r *recallRequest) (*identity, error) {
	if !r.Identity.fits() {
		return nil, errRequest
	}
	if s.recaller == nil {
		return nil, errUnsupported
	}
	i, err := s.recaller.Recall(ctx, r.Identity.contract())
	return identityOf(i), err
}

func (s *server) postClaims(ctx context.Context, r *claimsRequest) (*claims, error) {
	req := r.contract()
	if req == nil {
		return nil, errRequest
	}
	c, err := s.authenticator.Claims(ctx, req)
	return claimsOf(c), err
}

func (s *server) postVerifications(ctx context.Context, r *claimsRequest) (*verifications, error) {
	req := r.contract()
	if req == nil {
		return nil, errRequest
	}
	if s.assurer == nil {
		return nil, errUnsupported
	}
	verified, err := s.assurer.Verifications(ctx, req)
	return verificationsOf(verified), err
}

func (s *server) postCodes(ctx context.Context, r *codeRequest) (*codeReceipt, error) {
	if r.Identifier.Validate() != nil || !validChannels(r.Channels) || !validACRs(r.ACRs) {
		return nil, errRequest
	}
	if s.codes == nil {
		return nil, errUnsupported
	}
	c, err := s.codes.SendCode(ctx, (*authenticator.CodeRequest)(r))
	return (*codeReceipt)(c), err
}

func (s *server) postChallenges(ctx context.Context, r *deviceRequest) (*device, error) {
	nobody := r.Identifier == authenticator.Identifier{}
	if !factorName.MatchString(string(r.Factor)) || !nobody && r.Identifier.Validate() != nil || !validACRs(r.ACRs) {
		return nil, errRequest
	}
	if s.challenger == nil {
		return nil, errUnsupported
	}
	d, err := s.challenger.Challenge(ctx, (*authenticator.DeviceRequest)(r))
	if d == nil {
		return nil, err
	}
	return &device{Options: d.Options, State: d.State}, err
}

func validACRs(acrs []string) bool {
	for _, acr := range acrs {
		if len(acr) > maxACR {
			return false
		}
	}
	return len(acrs) <= maxACRs
}
