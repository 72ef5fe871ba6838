package passkey

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/store"
)

var (
	errOneAnswer    = errors.New("passkey: a request has one answer, to a passkey's challenge")
	errUnregistered = errors.New("passkey: the credential is not registered")
	// errUnchanged ends an update that has nothing to write.
	errUnchanged = errors.New("passkey: unchanged")
)

// Challenge returns the options of navigator.credentials.get, as a JSON object with "publicKey", whose members are for
// PublicKeyCredential.parseRequestOptionsFromJSON. They are good for conditional mediation too, which is for the page to
// ask for. They depend on nobody.
func (m *Method) Challenge(_ context.Context, r *authenticator.DeviceRequest) (*authenticator.Device, error) {
	if r.Factor != authenticator.Passkey {
		return nil, fail(authenticator.Unsupported, nil)
	}
	options, session, err := m.webauthn.BeginDiscoverableLogin()
	if err != nil {
		return nil, fmt.Errorf("passkey: %w", err)
	}
	return m.device(options, session)
}

// Authenticate verifies the one answer and returns the owner of the passkey, as the identity system knows them today. It
// does not look at the Identifier.
func (m *Method) Authenticate(ctx context.Context, r *authenticator.Request) (*authenticator.Identity, error) {
	if len(r.Challenges) != 1 || r.Challenges[0].Factor != authenticator.Passkey {
		return nil, fail(authenticator.Unsupported, errOneAnswer)
	}
	answer := &r.Challenges[0]
	session, err := m.resume(answer.State, answer.Response)
	if err != nil {
		return nil, err
	}
	assertion, err := protocol.ParseCredentialRequestResponseBytes([]byte(answer.Response))
	if err != nil {
		return nil, refusal(err)
	}
	owner, err := m.verify(ctx, session, assertion)
	if err != nil {
		return nil, err
	}
	identity, err := m.config.Identities.Recall(ctx, owner)
	if err != nil {
		return nil, err
	}
	if identity == nil || identity.Subject != owner.Subject {
		return nil, fail(authenticator.Unavailable, errors.New("passkey: the identity system recalled somebody else"))
	}
	return identity, nil
}

// verify returns the owner of the credential that made the assertion, and takes note of its counter. When another login
// does so at the same time, the assertion is verified against what that one wrote.
func (m *Method) verify(
	ctx context.Context, session webauthn.SessionData, assertion *protocol.ParsedCredentialAssertionData,
) (*authenticator.Identity, error) {
	var owner *authenticator.Identity
	_, err := m.records.Update(ctx, m.keys.recordID(assertion.RawID), func(e *store.Entry[record]) error {
		if e.Version == 0 {
			return fail(authenticator.WrongCredentials, errUnregistered)
		}
		p, err := m.keys.open(e)
		if err != nil {
			return err
		}
		credential, err := p.credential()
		if err != nil {
			return err
		}
		find := func(_, _ []byte) (webauthn.User, error) {
			return &user{handle: m.keys.userHandle(p.Subject), credentials: []webauthn.Credential{credential}}, nil
		}
		_, used, err := m.webauthn.ValidatePasskeyLogin(find, session, assertion)
		if err != nil {
			return refusal(err)
		}
		if used.Authenticator.CloneWarning {
			return fail(authenticator.WrongCredentials, ErrCloned)
		}
		owner = p.identity()
		return m.use(e, p, used)
	})
	if err != nil && !errors.Is(err, errUnchanged) {
		return nil, unavailable(err)
	}
	return owner, nil
}

// use writes down that the passkey was used. Most have no counter: for them the first login of a day is written.
func (m *Method) use(e *store.Entry[record], p *passkey, used *webauthn.Credential) error {
	credential, err := json.Marshal(used)
	if err != nil {
		return fmt.Errorf("passkey: encoding a credential: %w", err)
	}
	today := m.now().UTC().Truncate(24 * time.Hour)
	if bytes.Equal(credential, p.Credential) && !p.UsedOn.Before(today) {
		return errUnchanged
	}
	p.Credential, p.UsedOn = credential, today
	return m.write(e, p)
}

// write prepares the entry of a passkey that is used now.
func (m *Method) write(e *store.Entry[record], p *passkey) error {
	if m.config.Retention > 0 {
		e.ExpiresAt = m.now().Add(m.config.Retention)
	} else {
		e.ExpiresAt = time.Time{}
	}
	return m.keys.sealInto(e, p)
}
