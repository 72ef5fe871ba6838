package login

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"github.com/gosignet/signet/audit"
	"github.com/gosignet/signet/authenticator"
)

const (
	// maxDeviceAge is how long what a device was given serves for further pages.
	maxDeviceAge = 5 * time.Minute
	// maxDevices bounds the record of a login.
	maxDevices = 2
)

// device is what a person's device was given to answer. ID tells it from what it was given before and after: a wrong
// answer forgets it, and with it every answer to it that is still on its way.
type device struct {
	ID         string                   `json:"id"`
	Factor     authenticator.Factor     `json:"factor"`
	Identifier authenticator.Identifier `json:"identifier,omitzero"`
	Options    json.RawMessage          `json:"options"`
	State      []byte                   `json:"state,omitempty"`
	At         time.Time                `json:"at"`
}

func (f *Flow) newDevice(
	factor authenticator.Factor, id authenticator.Identifier, d *authenticator.Device,
) device {
	return device{ID: rand.Text(), Factor: factor, Identifier: id, Options: d.Options, State: d.State, At: f.now()}
}

// serves reports whether a further page may be given the same.
func (d *device) serves(f authenticator.Factor, id authenticator.Identifier, now time.Time) bool {
	return d != nil && d.Factor == f && d.Identifier == id && now.Sub(d.At) < maxDeviceAge
}

// Challenge returns what the person's device is to answer for the factor: the one that is asked for, or one of
// [State.DeviceFactors]. For another factor the error is ErrStep. For a while it is the same for each page, until a wrong
// answer is given to it: no answer to it is right any more then, and without a challenge there is no answer.
func (f *Flow) Challenge(ctx context.Context, handle string, factor authenticator.Factor) (json.RawMessage, error) {
	rec, err := f.read(ctx, handle)
	if err != nil {
		return nil, err
	}
	m := f.methods.of[factor]
	if m == nil || m.challenger == nil || !rec.asksFor(factor) {
		return nil, ErrStep
	}
	id := m.identifier(rec)
	if d := rec.device(factor); d.serves(factor, id, f.now()) {
		return d.Options, nil
	}
	given, err := m.challenge(ctx, f.deviceRequest(handle, rec, m))
	if err != nil {
		f.auditUnavailable(ctx, handle, rec, factor, err)
		return nil, err
	}
	d := f.newDevice(factor, id, given)
	_, err = f.update(ctx, handle, rec, func(r *record) error {
		if !r.asksFor(factor) || m.identifier(r) != id {
			return ErrStep
		}
		if other := r.device(factor); other.serves(factor, id, f.now()) { // that of another page
			d = *other
			return errStay
		}
		r.forget(r.device(factor))
		r.Devices = append(slices.Clone(r.Devices), d)
		r.Devices = r.Devices[max(0, len(r.Devices)-maxDevices):]
		return nil
	})
	if err != nil && !errors.Is(err, errStay) {
		return nil, err
	}
	return d.Options, nil
}

// needsChallenge reports whether the factor is answered by a device that has to be given something. Of each factor the
// Method is asked once.
func (f *Flow) needsChallenge(ctx context.Context, handle string, r *record, m *method) (bool, error) {
	switch {
	case m.challenger == nil, m.challenged.Load() == never:
		return false, nil
	case m.challenged.Load() == always:
		return true, nil
	}
	_, err := m.challenge(ctx, f.deviceRequest(handle, r, m))
	if reasonIs(err, authenticator.Unsupported) {
		return false, nil
	}
	return err == nil, err
}

func (f *Flow) deviceRequest(handle string, r *record, m *method) *authenticator.DeviceRequest {
	return &authenticator.DeviceRequest{
		Transaction: ID(handle),
		ClientID:    r.Request.ClientID,
		Factor:      m.factor,
		Identifier:  m.identifier(r),
		ACRs:        slices.Clone(r.ACRs),
		Locales:     slices.Clone(r.OpenID.UILocales),
	}
}

// identifier is who the person says they are, to the method. One whose answers identify by themselves hears only what
// was proved.
func (m *method) identifier(r *record) authenticator.Identifier {
	if m.traits.Identifies && !r.fixed() {
		return authenticator.Identifier{}
	}
	return r.Identifier
}

// asksFor reports whether a device may be given something to answer for the factor: it is asked for, or could be chosen.
func (r *record) asksFor(f authenticator.Factor) bool {
	if r.step() == StepVerify && r.factor() == f {
		return true
	}
	for i := range r.Options {
		if r.choosable() && r.first(i) == f {
			return true
		}
	}
	return false
}

// device is what was given for the factor, or nil.
func (r *record) device(f authenticator.Factor) *device {
	for i := range r.Devices {
		if r.Devices[i].Factor == f {
			return &r.Devices[i]
		}
	}
	return nil
}

// forget forgets what a device was given, if anything, and reports whether it was known.
func (r *record) forget(used *device) bool {
	if used == nil || !r.gave(used) {
		return false
	}
	r.Devices = slices.DeleteFunc(slices.Clone(r.Devices), func(d device) bool { return d.ID == used.ID })
	return true
}

// gave reports whether a device was given it, and no answer to it was wrong. What needs nothing, nil, was given it.
func (r *record) gave(used *device) bool {
	return used == nil || slices.ContainsFunc(r.Devices, func(d device) bool { return d.ID == used.ID })
}

// issued is what the device was given that answers for the factor: nil if it needs nothing, ErrStep if it needs something
// and was not given it.
func (f *Flow) issued(ctx context.Context, handle string, rec *record, m *method) (*device, error) {
	if d := rec.device(m.factor); d != nil {
		return d, nil
	}
	needs, err := f.needsChallenge(ctx, handle, rec, m)
	switch {
	case err != nil:
		f.auditUnavailable(ctx, handle, rec, m.factor, err)
		return nil, err
	case needs:
		return nil, ErrStep
	}
	return nil, nil
}

// auditUnavailable records that something which the page of a factor needs could not be had.
func (f *Flow) auditUnavailable(ctx context.Context, handle string, rec *record, factor authenticator.Factor, err error) {
	if outcome, reason := verdict(err); outcome == audit.Failed {
		f.audit(ctx, handle, rec, audit.Event{
			Type: audit.FactorUnavailable, Outcome: outcome, Reason: reason, Factors: []string{string(factor)},
		})
	}
}
