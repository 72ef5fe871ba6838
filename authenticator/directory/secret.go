package directory

import (
	"context"

	"github.com/gosignet/signet/authenticator"
)

// secret is a password or PIN that was answered, and the hash in the register.
type secret struct {
	factor authenticator.Factor
	answer string
	valid  bool   // somebody could have it
	stored string // empty if the person has none, and for nobody
	// cost is that of the hash in the register, if it was right.
	cost cost
}

// secrets returns those that were answered, the password first.
func secrets(person *Person, answers map[authenticator.Factor]string) []secret {
	var all []secret
	if password, ok := answers[authenticator.Password]; ok {
		s := secret{factor: authenticator.Password, answer: password, valid: validPasswordLength(password)}
		if person != nil {
			s.stored = person.PasswordHash
		}
		all = append(all, s)
	}
	if typed, ok := answers[authenticator.PIN]; ok {
		s := secret{factor: authenticator.PIN}
		s.answer, s.valid = normalizePIN(typed)
		if person != nil {
			s.stored = person.PINHash
		}
		all = append(all, s)
	}
	return all
}

// checkSecret reports whether the answer is the person's. The work is the same for somebody who has no such secret, and
// for nobody. The cause says why a hash in the register could not be used.
func (d *Directory) checkSecret(ctx context.Context, s *secret) (matches bool, cause, err error) {
	if !s.valid {
		return false, nil, nil
	}
	hash, usable := d.dummy, false
	if s.stored != "" {
		parsed, err := parsePasswordHash(s.stored)
		if err != nil {
			cause = err
		} else {
			hash, usable = parsed, true
		}
	}
	matches, err = d.hasher.verify(ctx, hash, s.answer)
	if matches = matches && usable; matches {
		s.cost = hash.cost
	}
	return matches, cause, err
}
