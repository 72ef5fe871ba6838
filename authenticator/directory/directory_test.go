package directory_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/authenticator/directory"
)

func TestNewReportsEveryProblem(t *testing.T) {
	t.Parallel()
	_, err := directory.New(directory.Config{MaxHashing: -1, Argon2id: directory.Argon2id{Memory: 1}})
	for _, problem := range []string{"Lookup is required", "MaxHashing is negative", "argon2id cost"} {
		require.ErrorContains(t, err, problem)
	}
	assert.NotContains(t, err.Error(), "Store", "which only codes need")

	_, err = directory.New(directory.Config{
		Sender:      make(outbox),
		Secret:      make([]byte, 31),
		Decoys:      []directory.Contact{{Channel: directory.SMS, Address: "+85512000000"}, {Channel: directory.Email, Address: "nobody"}},
		CodeLength:  5,
		MaxTries:    11,
		ResendAfter: time.Hour, CodeLifetime: 16 * time.Minute,
		SendTimeout: -1, MaxSending: -1,
	})
	for _, problem := range []string{
		"Lookup is required", "Store is required", "Secret needs 32 bytes", "decoy 2 is no e-mail address",
		"CodeLength", "CodeLifetime is not within 15 minutes", "MaxTries", "ResendAfter", "SendTimeout", "MaxSending",
	} {
		require.ErrorContains(t, err, problem)
	}
	assert.NotContains(t, err.Error(), "decoy 1")

	_, err = directory.New(directory.Config{
		Lookup: noLookup,
		Form: authenticator.Form{Identifier: &authenticator.FormField{Name: "id"}, Fields: []authenticator.FormField{
			{Name: "id"}, {Name: "a b"}, {Name: "born", Type: "date", Format: "dd"}, {Name: "card", Pattern: "("},
		}},
	})
	for _, problem := range []string{
		`field "id" is there twice`, `field "a b": a name is`, `field "born": a date format`, `field "card": pattern`,
	} {
		require.ErrorContains(t, err, problem)
	}
	_, err = directory.New(directory.Config{Lookup: noLookup, Form: authenticator.Form{Identifier: form.Identifier}})
	require.ErrorContains(t, err, "no fields besides the Identifier")

	_, err = directory.New(directory.Config{
		Sender:          make(outbox),
		Decoys:          []directory.Contact{{Channel: directory.SMS, Address: "+85512000000"}},
		Channels:        []directory.Channel{directory.SMS, directory.Email, directory.SMS},
		DefaultChannels: []directory.Channel{directory.SMS, "post", directory.SMS},
		MaxSending:      2,
	})
	for _, problem := range []string{
		`channel "email" has no decoy`, `channel "phone" is there twice`, `DefaultChannels: "post" is not one of`,
		`DefaultChannels: "phone" is there twice`, "MaxSending is negative, or less than",
	} {
		require.ErrorContains(t, err, problem)
	}

	_, err = directory.New(directory.Config{Sender: make(outbox)})
	require.ErrorContains(t, err, "Decoys are required")
}

func TestFactors(t *testing.T) {
	t.Parallel()
	assert.Equal(t, []authenticator.Factor{
		authenticator.OTP, authenticator.Password, authenticator.PIN, authenticator.Knowledge,
	}, newFixture(t).Factors())
}

func login(t *testing.T, f *fixture, id string) authenticator.Identity {
	t.Helper()
	identity, err := f.Authenticate(t.Context(), answer(exampleTxn, id, pwd(password)))
	require.NoError(t, err)
	return *identity
}

func TestClaimsReleasesWhatIsNamed(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	identity := login(t, f, sokID)
	tests := []struct {
		name  string
		names []string
		want  map[string]json.RawMessage
	}{
		{"nothing", nil, map[string]json.RawMessage{}},
		{"a name", []string{"name"}, map[string]json.RawMessage{"name": json.RawMessage(`"សុខ ដារ៉ា"`)}},
		{"the name in a language", []string{"name#en"}, map[string]json.RawMessage{"name#en": json.RawMessage(`"Sok Dara"`)}},
		{"other types", []string{"email_verified", "updated_at", "address"}, map[string]json.RawMessage{
			"email_verified": json.RawMessage(`false`),
			"updated_at":     json.RawMessage(`1746774000`),
			"address":        json.RawMessage(`{"country":"កម្ពុជា"}`),
		}},
		{"what the person does not have", []string{"email", "nickname", ""}, map[string]json.RawMessage{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			claims, err := f.Claims(t.Context(), &authenticator.ClaimsRequest{
				Transaction: exampleTxn, ClientID: exampleRP, Identity: identity, Names: tt.names,
			})
			require.NoError(t, err)
			assert.Equal(t, tt.want, claims.Values)
		})
	}
}

func TestClaimsAreReleasedInTheLanguagesAskedForToo(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	claims, err := f.Claims(t.Context(), &authenticator.ClaimsRequest{
		Transaction: exampleTxn, ClientID: exampleRP, Identity: login(t, f, sokID),
		Names: []string{"name", "updated_at"}, Locales: []string{"fr", "en"},
	})
	require.NoError(t, err)
	assert.Equal(t, map[string]json.RawMessage{
		"name":       json.RawMessage(`"សុខ ដារ៉ា"`),
		"name#en":    json.RawMessage(`"Sok Dara"`),
		"updated_at": json.RawMessage(`1746774000`),
	}, claims.Values)
}

func TestClaimsAreRefusedWhenTheRegisterChangedItsMind(t *testing.T) {
	t.Parallel()
	hash, err := cheap.Hash(password)
	require.NoError(t, err)
	original := directory.Person{Subject: "person-1", PasswordHash: hash, Claims: map[string]any{"name": "Sok Dara"}}

	tests := []struct {
		name   string
		change func(p *directory.Person) (*directory.Person, error)
		want   authenticator.Reason
	}{
		{"the person is gone", func(*directory.Person) (*directory.Person, error) { return nil, directory.ErrUnknown }, authenticator.Unavailable},
		{"the identifier is somebody else's", func(p *directory.Person) (*directory.Person, error) { p.Subject = "person-2"; return p, nil }, authenticator.Unavailable},
		{"the person is locked", func(p *directory.Person) (*directory.Person, error) { p.Locked = true; return p, nil }, authenticator.Locked},
		{"the register is down", func(*directory.Person) (*directory.Person, error) { return nil, errors.New("down") }, authenticator.Unavailable},
		{"a claim is no JSON", func(p *directory.Person) (*directory.Person, error) {
			p.Claims = map[string]any{"name": func() {}}
			return p, nil
		}, authenticator.Unavailable},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			changed := false
			f := newFixture(t, func(c *directory.Config) {
				c.Lookup = func(context.Context, authenticator.Identifier) (*directory.Person, error) {
					person := original
					if !changed {
						return &person, nil
					}
					return tt.change(&person)
				}
			})
			identity := login(t, f, sokID)
			changed = true
			claims, err := f.Claims(t.Context(), &authenticator.ClaimsRequest{Identity: identity, Names: []string{"name"}})
			requireReason(t, tt.want, err)
			assert.Nil(t, claims)
		})
	}

	t.Run("the state is not ours", func(t *testing.T) {
		t.Parallel()
		_, err := newFixture(t).Claims(t.Context(), &authenticator.ClaimsRequest{
			Identity: authenticator.Identity{Subject: "person-1", State: []byte("{")}, Names: []string{"name"},
		})
		requireReason(t, authenticator.Unavailable, err)
	})
}

func TestARegisterThatDoesNotWorkIsUnavailable(t *testing.T) {
	t.Parallel()
	down := errors.New("connection refused")
	for name, lookup := range map[string]directory.Lookup{
		"error":                  func(context.Context, authenticator.Identifier) (*directory.Person, error) { return nil, down },
		"neither person nor err": func(context.Context, authenticator.Identifier) (*directory.Person, error) { return nil, nil },
		"no subject": func(context.Context, authenticator.Identifier) (*directory.Person, error) {
			return &directory.Person{}, nil
		},
		"long subject": func(context.Context, authenticator.Identifier) (*directory.Person, error) {
			return &directory.Person{Subject: string(make([]byte, 257))}, nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t, func(c *directory.Config) { c.Lookup = lookup })
			_, err := f.SendCode(t.Context(), codeRequest(exampleTxn, sokID))
			requireReason(t, authenticator.Unavailable, err)
			_, err = f.Authenticate(t.Context(), answer(exampleTxn, sokID, pwd(password)))
			requireReason(t, authenticator.Unavailable, err)
			if name == "error" {
				require.ErrorIs(t, err, down)
			}
		})
	}
}

func TestNothingPersonalIsInTheStore(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	code := f.send(t, exampleTxn, sokID)
	_, err := f.Authenticate(t.Context(), answer(exampleTxn, sokID, otp(wrong(code))))
	requireReason(t, authenticator.WrongCredentials, err)
	_, err = f.Authenticate(t.Context(), answer(exampleTxn, sokID, otp(code), pwd(password), pinned(pin), known(answersSok)))
	require.NoError(t, err)
	_, err = f.SendCode(t.Context(), codeRequest(exampleTxn, unknownID))
	require.NoError(t, err)

	dump := f.store.dump.String()
	require.NotEmpty(t, dump)
	for _, personal := range []string{
		sokID, unknownID, code, wrong(code), sokPhone, password, pin, "person-1", exampleTxn, exampleRP, "Dara", "DARA", "1990",
	} {
		assert.NotContains(t, dump, personal)
		assert.NotContains(t, dump, base64.StdEncoding.EncodeToString([]byte(personal)))
	}
}

// unreachable is a Lookup that must not be called.
func unreachable(t *testing.T) directory.Lookup {
	return func(context.Context, authenticator.Identifier) (*directory.Person, error) {
		t.Error("looked up")
		return nil, directory.ErrUnknown
	}
}
