package consent_test

import (
	"crypto/rand"
	"encoding/json"
	"math/big"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/consent"
)

func TestCanonicalFormIsAsDocumented(t *testing.T) {
	t.Parallel()
	a := consent.Asked{
		ClientID: "c", Subject: "s", Essential: []string{"name", "name"}, Voluntary: []string{"email", "name"},
		Verified: []consent.Verified{{Name: "birthdate", Purpose: "Age", TrustFrameworks: []string{"eidas"}}},
	}
	assert.Equal(t, `{"client_id":"c","essential":["name"],"resources":[],"scopes":[],`+
		`"verified":[{"essential":false,"evidence":false,"name":"birthdate","purpose":"Age","trust_frameworks":["eidas"]}],"voluntary":["email"]}`,
		string(a.Canonical()))
	assert.Equal(t, "JWTrWx-F5BJhVNpfwslMl7HTiw1Xwq_bT0b4cnGJyLY", a.Hash())
}

func TestCanonicalFormIsJSONWhateverTheTexts(t *testing.T) {
	t.Parallel()
	purpose := "\"<\\&>\u2028é𝄞 {}"
	a := consent.Asked{ClientID: `"`, Verified: []consent.Verified{{Name: "name", Purpose: purpose}}}
	var form struct {
		Verified []struct{ Purpose string }
	}
	require.NoError(t, json.Unmarshal(a.Canonical(), &form))
	assert.Equal(t, purpose, form.Verified[0].Purpose)
	assert.Contains(t, string(a.Canonical()), "<\\\\&>\u2028é𝄞", "RFC 8785 escapes no more than it must")
}

func TestHashDependsOnWhatIsAskedAlone(t *testing.T) {
	t.Parallel()
	hash := func(change func(*consent.Question)) string { return asks(change).Asked.Hash() }
	same := asks().Asked.Hash()
	assert.Equal(t, same, hash(func(q *consent.Question) { q.Asked.Subject = "another" }))
	assert.Equal(t, same, hash(func(q *consent.Question) { q.Asked.Voluntary = []string{"phone_number", "email", "email", "name"} }))
	for name, change := range map[string]func(*consent.Question){
		"client":          func(q *consent.Question) { q.Asked.ClientID = "tax-office" },
		"scope":           func(q *consent.Question) { q.Asked.Scopes = []string{"records"} },
		"resource":        func(q *consent.Question) { q.Asked.Resources = nil },
		"essential":       func(q *consent.Question) { q.Asked.Essential = []string{"name", "email"} },
		"voluntary":       func(q *consent.Question) { q.Asked.Voluntary = []string{"email"} },
		"purpose":         func(q *consent.Question) { q.Asked.Verified[0].Purpose = "Advertising" },
		"trust framework": func(q *consent.Question) { q.Asked.Verified[0].TrustFrameworks = nil },
		"verified":        func(q *consent.Question) { q.Asked.Verified[0].Essential = true },
	} {
		assert.NotEqual(t, same, hash(change), name)
	}
}

func TestHashIsIndependentOfOrderAndRepetition(t *testing.T) {
	t.Parallel()
	for range 500 {
		a := randomAsked()
		b := a
		for _, list := range []*[]string{&b.Scopes, &b.Resources, &b.Essential, &b.Voluntary} {
			*list = shuffled(*list)
		}
		b.Verified = shuffled(b.Verified)
		for i := range b.Verified {
			b.Verified[i].TrustFrameworks = shuffled(b.Verified[i].TrustFrameworks)
		}
		require.Equal(t, string(a.Canonical()), string(b.Canonical()))
		require.Equal(t, a.Hash(), b.Hash())
		require.Equal(t, a.Items(), b.Items())
	}
}

func TestWhatIsOutOfBoundsIsRefused(t *testing.T) {
	t.Parallel()
	r := newWorld(t).instance(t)
	many := func(n int) []string { return slices.Repeat([]string{"claim"}, n) }
	for name, change := range map[string]func(*consent.Question){
		"no client":            func(q *consent.Question) { q.Asked.ClientID = "" },
		"no subject":           func(q *consent.Question) { q.Asked.Subject = "" },
		"empty name":           func(q *consent.Question) { q.Asked.Scopes = []string{""} },
		"control character":    func(q *consent.Question) { q.Asked.Voluntary = []string{"na\nme"} },
		"no text":              func(q *consent.Question) { q.Asked.Essential = []string{"\xff"} },
		"long purpose":         func(q *consent.Question) { q.Asked.Verified[0].Purpose = strings.Repeat("x", 4<<10) },
		"many claims":          func(q *consent.Question) { q.Asked.Voluntary = many(300) },
		"scopes and resources": func(q *consent.Question) { q.Asked.Scopes, q.Asked.Resources = many(1000), many(1000) },
		"much text":            func(q *consent.Question) { q.Asked.Resources = slices.Repeat([]string{strings.Repeat("r", 1<<10)}, 20) },
		"policy":               func(q *consent.Question) { q.Policy.Remember = "a while" },
		"no duration":          func(q *consent.Question) { q.Policy.Remember = consent.ForDuration },
		"duration of always":   func(q *consent.Question) { q.Policy.Duration = 1 << 40 },
		"essential":            func(q *consent.Question) { q.Policy.Essential = "maybe" },
	} {
		_, err := r.Recall(t.Context(), asks(change))
		require.ErrorIs(t, err, consent.ErrInvalid, name)
		_, err = r.Decide(t.Context(), asks(change), grants(), by(person))
		require.ErrorIs(t, err, consent.ErrInvalid, name)
	}
	_, err := r.Decide(t.Context(), asks(), grants(), by(""))
	require.ErrorIs(t, err, consent.ErrInvalid)
	_, err = r.Decide(t.Context(), &consent.Question{Asked: consent.Asked{ClientID: "c", Subject: "s"}}, grants(), by(person))
	require.ErrorIs(t, err, consent.ErrInvalid, "nothing was asked")
}

// below is a random number from 0 to n-1.
func below(n int) int {
	i, err := rand.Int(rand.Reader, big.NewInt(int64(n)))
	if err != nil {
		panic(err)
	}
	return int(i.Int64())
}

// shuffled returns the list in another order, with an entry twice.
func shuffled[T any](list []T) []T {
	list = slices.Clone(list)
	if len(list) > 0 {
		list = append(list, list[below(len(list))])
	}
	for i := range list {
		j := below(i + 1)
		list[i], list[j] = list[j], list[i]
	}
	return list
}

var names = []string{"name", "email", "birthdate", "address", "gender"}

// some returns some of the names.
func some(names []string) []string {
	var list []string
	for _, name := range names {
		if below(2) == 0 {
			list = append(list, name)
		}
	}
	return list
}

func randomAsked() consent.Asked {
	a := consent.Asked{
		ClientID: "clinic", Subject: "subject", Scopes: some([]string{"read", "write"}), Resources: some([]string{"https://a", "https://b"}),
		Essential: some(names), Voluntary: some(names),
	}
	for _, name := range append(some(names), some(names)...) {
		a.Verified = append(a.Verified, consent.Verified{
			Name: name, Purpose: []string{"", "one", "two"}[below(3)], TrustFrameworks: some([]string{"eidas", "national"}), Essential: below(2) == 0,
		})
	}
	return a
}
