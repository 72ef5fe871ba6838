package passkey

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"time"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/protocol/webauthncose"
	"github.com/go-webauthn/webauthn/webauthn"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/store"
)

// The sizes of RSA moduli in bits; more protects nothing and keeps the provider busy.
const (
	minRSABits = 2048
	maxRSABits = 4096
)

var (
	errNobody          = errors.New("passkey: nobody is there to register it for")
	errRegistered      = errors.New("passkey: the credential is registered already")
	errNotDiscoverable = errors.New("passkey: the credential is not discoverable")
	errRSA             = fmt.Errorf("passkey: an RSA key needs %d to %d bits", minRSABits, maxRSABits)
)

// algorithms are those of the credentials that are registered, the preferred ones first.
func algorithms() (parameters []protocol.CredentialParameter) {
	for _, alg := range []webauthncose.COSEAlgorithmIdentifier{
		webauthncose.AlgES256, webauthncose.AlgEdDSA, webauthncose.AlgES384, webauthncose.AlgRS256,
	} {
		parameters = append(parameters, protocol.CredentialParameter{Type: protocol.PublicKeyCredentialType, Algorithm: alg})
	}
	return parameters
}

// BeginEnrollment returns the options of navigator.credentials.create, as a JSON object with "publicKey", whose members are
// for PublicKeyCredential.parseCreationOptionsFromJSON. A device that has one of the person's passkeys makes no second one.
func (m *Method) BeginEnrollment(ctx context.Context, r *authenticator.EnrollmentRequest) (*authenticator.Device, error) {
	if err := check(r); err != nil {
		return nil, err
	}
	owned, err := m.owned(ctx, r.Identity.Subject)
	if err != nil {
		return nil, err
	}
	if len(owned) >= m.config.MaxPerPerson {
		return nil, fail(authenticator.Unsupported, ErrTooMany)
	}
	exclude := make([]protocol.CredentialDescriptor, len(owned))
	for i := range owned {
		exclude[i] = owned[i].credential.Descriptor()
	}
	options, session, err := m.webauthn.BeginRegistration(m.person(r),
		webauthn.WithCredentialParameters(algorithms()),
		webauthn.WithExclusions(exclude),
		webauthn.WithExtensions(webauthn.WithExtensionCredProps()),
	)
	if err != nil {
		return nil, fmt.Errorf("passkey: %w", err)
	}
	return m.device(options, session)
}

// FinishEnrollment registers the passkey. It fails with WrongCredentials for one that somebody has registered, and with
// Unsupported and ErrTooMany for one too many.
func (m *Method) FinishEnrollment(ctx context.Context, r *authenticator.EnrollmentRequest) error {
	if err := check(r); err != nil {
		return err
	}
	session, err := m.resume(r.State, r.Response)
	if err != nil {
		return err
	}
	credential, err := m.verifyNew(m.person(r), session, r.Response)
	if err != nil {
		return err
	}
	blob, err := json.Marshal(credential)
	if err != nil {
		return fmt.Errorf("passkey: encoding a credential: %w", err)
	}
	now := m.now().UTC()
	e := store.Entry[record]{ID: m.keys.recordID(credential.ID)}
	if err := m.write(&e, &passkey{
		Subject: r.Identity.Subject, State: r.Identity.State, Credential: blob,
		CreatedAt: now.Truncate(time.Second), UsedOn: now.Truncate(24 * time.Hour),
	}); err != nil {
		return err
	}
	if _, err = m.records.Put(ctx, e); errors.Is(err, store.ErrConflict) {
		return fail(authenticator.WrongCredentials, errRegistered)
	} else if err != nil {
		return unavailable(err)
	}
	return m.limit(ctx, r.Identity.Subject, e.ID)
}

// limit takes a new passkey back if it is one too many. It counts after writing, so that of passkeys that are registered
// at the same time rather too few stay than too many.
func (m *Method) limit(ctx context.Context, subject, id string) error {
	present, err := m.records.List(ctx, store.Query{Owner: m.keys.ownerOf(subject)})
	if err != nil {
		return unavailable(err)
	}
	if len(present) <= m.config.MaxPerPerson {
		return nil
	}
	if err := m.records.Erase(ctx, id); err != nil {
		return unavailable(err)
	}
	return fail(authenticator.Unsupported, ErrTooMany)
}

func check(r *authenticator.EnrollmentRequest) error {
	if r.Factor != authenticator.Passkey {
		return fail(authenticator.Unsupported, nil)
	}
	if r.Identity.Subject == "" {
		return fail(authenticator.Unavailable, errNobody)
	}
	return nil
}

// person is who registers a passkey. The account is stored by their device alone.
func (m *Method) person(r *authenticator.EnrollmentRequest) *user {
	return &user{handle: m.keys.userHandle(r.Identity.Subject), name: cmp.Or(r.Account, m.config.DisplayName)}
}

// verifyNew returns the credential that a device made.
func (m *Method) verifyNew(owner *user, session webauthn.SessionData, response string) (*webauthn.Credential, error) {
	creation, err := protocol.ParseCredentialCreationResponseBytes([]byte(response))
	if err != nil {
		return nil, refusal(err)
	}
	// Who asks for no attestation gets none from a browser, and could not tell an honest one from one that was made up.
	attestation := &creation.Response.AttestationObject
	attestation.Format, attestation.AttStatement, attestation.SubStatements = string(protocol.AttestationFormatNone), nil, nil

	credential, err := m.webauthn.CreateCredential(owner, session, creation)
	if err != nil {
		return nil, refusal(err)
	}
	if discoverable := credential.Extensions.RK; discoverable != nil && !*discoverable {
		return nil, fail(authenticator.WrongCredentials, errNotDiscoverable)
	}
	key, err := webauthncose.ParsePublicKey(credential.PublicKey)
	if err != nil {
		return nil, refusal(err)
	}
	if key, ok := key.(webauthncose.RSAPublicKeyData); ok {
		if bits := new(big.Int).SetBytes(key.Modulus).BitLen(); bits < minRSABits || bits > maxRSABits {
			return nil, fail(authenticator.WrongCredentials, errRSA)
		}
	}
	credential.Attestation = webauthn.CredentialAttestation{}
	return credential, nil
}
