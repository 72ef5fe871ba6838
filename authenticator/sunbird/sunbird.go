// Package sunbird is an [authenticator.Authenticator] over a registry of Sunbird RC: people log in with what they know
// about their own record, and share what is in it.
//
// # What is asked
//
// The deployment's [Config.Form] says what a person has to know: an identifier, a policy number say, and further fields
// of the record, such as the name and the date of birth. Answers are read strictly: all fields, no others, none too
// long, no date that does not exist.
//
// The registry is searched by them, and the answer has to be exactly one record. The registry's word alone is not
// enough, because its search may be more generous than it seems: the record has to contain what the person said. Case,
// white space, the script of digits, the notation of dates and compatible forms of Unicode (NFKC) do not count in that
// comparison. They count in the registry's own, so fields that people write in several ways belong into
// [Config.CompareOnly].
//
// # Nobody learns who is registered
//
// Somebody unknown, a wrong answer and answers that fit several records are the same WrongCredentials after the same one
// call of the registry. Answers that are ill-formed are refused without a call, whoever they are about.
//
// What people know about themselves is known to others too, and easily guessed: limits on attempts are the provider's
// business, and knowledge should be one factor of two where much is at stake.
//
// # Subject
//
// [authenticator.Identity.Subject] is the id of the record (its "osid"), so a person keeps it when their identifier
// changes. There is no State: claims are read again, by the id of the record, when they are released.
//
// # A registry that fails
//
// A call that gets no answer is repeated once by default, since nothing is changed by calls. After a row of failures
// the registry is left in peace for a while, and everybody hears that it is unavailable, at once. No error and no log
// line contains what a person typed, what the registry answered, or a URL of a record.
package sunbird

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/authenticator/internal/breaker"
)

// Registry is an Authenticator over one entity of a Sunbird RC registry. It is safe for concurrent use.
type Registry struct {
	form      *authenticator.Form
	questions questions
	claims    map[string]mapping
	recordID  string
	client    *client
	logger    *slog.Logger
}

var (
	_ authenticator.Authenticator = (*Registry)(nil)
	_ authenticator.FormProvider  = (*Registry)(nil)
	_ authenticator.Recaller      = (*Registry)(nil)
)

// New returns a Registry, or everything that is wrong with the configuration. It does not call the registry.
func New(c Config) (*Registry, error) {
	c = c.withDefaults()
	if err := c.validate(); err != nil {
		return nil, err
	}
	q, err := newQuestions(c)
	if err != nil {
		return nil, err
	}
	return &Registry{
		form:      c.Form.Clone(),
		questions: q,
		claims:    newMappings(c, q),
		recordID:  c.RecordID,
		client:    newClient(c),
		logger:    c.Logger,
	}, nil
}

// Factors returns Knowledge.
func (*Registry) Factors() []authenticator.Factor {
	return []authenticator.Factor{authenticator.Knowledge}
}

// Form returns the form of Knowledge, as it was configured.
func (r *Registry) Form(_ context.Context, factor authenticator.Factor) (*authenticator.Form, error) {
	if factor != authenticator.Knowledge {
		return nil, fail(authenticator.Unsupported, errFactor)
	}
	return r.form.Clone(), nil
}

var errFactor = errors.New("sunbird: the only factor is knowledge")

// Authenticate verifies the response to the form, the one challenge that there may be. The type of the identifier does
// not matter.
func (r *Registry) Authenticate(ctx context.Context, req *authenticator.Request) (*authenticator.Identity, error) {
	if len(req.Challenges) != 1 || req.Challenges[0].Factor != authenticator.Knowledge {
		return nil, fail(authenticator.Unsupported, errFactor)
	}
	answers, err := r.questions.read(req.Identifier, req.Challenges[0].Response)
	if err != nil {
		return nil, fail(authenticator.WrongCredentials, err)
	}
	records, err := r.client.search(ctx, r.questions.filters(answers))
	switch {
	case err != nil:
		return nil, unavailable(err)
	case len(records) > 1:
		r.logger.WarnContext(ctx, "sunbird: several records have the same identifying fields", "transaction", req.Transaction)
		return nil, fail(authenticator.WrongCredentials, errNoMatch)
	case len(records) == 0 || !r.questions.match(records[0], answers):
		return nil, fail(authenticator.WrongCredentials, errNoMatch)
	}
	subject, err := records[0].id(r.recordID)
	if err != nil {
		return nil, unavailable(err)
	}
	return &authenticator.Identity{Subject: subject}, nil
}

// errNoMatch is the one cause for all wrong answers, so that a log does not tell who is registered either.
var errNoMatch = errors.New("sunbird: the answers are not those of exactly one record")

// Claims reads the record again and releases the claims that are named, mapped and there. A value that cannot be the
// claim's, such as a date in another format, is left out and logged by the name of the claim.
func (r *Registry) Claims(ctx context.Context, req *authenticator.ClaimsRequest) (*authenticator.Claims, error) {
	claims := &authenticator.Claims{Values: make(map[string]json.RawMessage)}
	names := wanted(r.claims, req)
	if len(names) == 0 {
		return claims, nil
	}
	record, err := r.read(ctx, req.Identity.Subject)
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		value, ok := r.claims[name].value(record)
		if !ok {
			r.logger.WarnContext(ctx, "sunbird: the record does not hold what the claim needs",
				"transaction", req.Transaction, "claim", name)
		}
		if value != nil {
			claims.Values[name] = value
		}
	}
	return claims, nil
}

// Recall reads the record again. Who has none any more is answered with WrongCredentials.
func (r *Registry) Recall(ctx context.Context, earlier *authenticator.Identity) (*authenticator.Identity, error) {
	_, err := r.read(ctx, earlier.Subject)
	if status, ok := errors.AsType[statusError](err); ok && status == http.StatusNotFound {
		return nil, fail(authenticator.WrongCredentials, err)
	}
	if err != nil {
		return nil, err
	}
	return &authenticator.Identity{Subject: earlier.Subject}, nil
}

// read returns the record of a subject.
func (r *Registry) read(ctx context.Context, subject string) (record, error) {
	if !validRecordID(subject) {
		return nil, fail(authenticator.Unavailable, errors.New("sunbird: the subject is not the id of a record"))
	}
	record, err := r.client.get(ctx, subject)
	if err != nil {
		return nil, unavailable(err)
	}
	// Registries may leave the id out of a record that was asked for by it.
	if _, ok := record[r.recordID]; ok {
		if id, err := record.id(r.recordID); err != nil || id != subject {
			return nil, fail(authenticator.Unavailable, errors.New("sunbird: the registry returned another record"))
		}
	}
	return record, nil
}

func fail(reason authenticator.Reason, cause error) *authenticator.Error {
	return &authenticator.Error{Reason: reason, Err: cause}
}

// unavailable says when to come back, where that is known.
func unavailable(err error) *authenticator.Error {
	e := fail(authenticator.Unavailable, err)
	e.Unasked = breaker.Unmade(err)
	if open, ok := errors.AsType[*breaker.OpenError](err); ok {
		e.RetryAt = open.Until
	}
	return e
}
