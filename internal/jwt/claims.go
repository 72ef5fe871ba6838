package jwt

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"time"
)

// maxDate is the last second of the year 9999, the last that common date formats can write.
const maxDate = 253402300799

// Claims are the registered claims of a token (RFC 7519, section 4.1). A string that is absent is "", a date that is
// absent is the zero time; a date that is there never is the zero time.
type Claims struct {
	Issuer    string    // iss
	Subject   string    // sub
	Audience  Audience  // aud
	ExpiresAt time.Time // exp
	NotBefore time.Time // nbf
	IssuedAt  time.Time // iat
	ID        string    // jti

	members members
}

// Audience is the aud claim, which is a string or an array of strings.
type Audience struct {
	// Values has the one string, or those of the array. It is empty when the claim is absent.
	Values []string
	// Array says that the claim was an array, if only of one string.
	Array bool
}

// Contains reports whether the audience is value, or an array that has it.
func (a Audience) Contains(value string) bool { return slices.Contains(a.Values, value) }

// Is reports whether the audience is value, as a string and not as an array: FAPI 2.0 demands this of client assertions.
func (a Audience) Is(value string) bool {
	return !a.Array && len(a.Values) == 1 && a.Values[0] == value
}

// DecodeClaims reads the payload of a token. The payload must be a JSON object; registered claims must have the types
// that RFC 7519 gives them (null is none of them), and dates must lie between 1970 and 9999. A name that is there twice
// is refused at the top level; below it, it is for whoever decodes the member.
func DecodeClaims(payload []byte) (*Claims, error) {
	if len(payload) > MaxTokenSize {
		return nil, fmt.Errorf("%w: claims of more than %d bytes", ErrMalformed, MaxTokenSize)
	}
	members, err := object(payload)
	if err != nil {
		return nil, err
	}
	c := &Claims{members: members}
	errs := make([]error, 7)
	c.Issuer, errs[0] = members.text("iss")
	c.Subject, errs[1] = members.text("sub")
	c.Audience, errs[2] = audience(members.get("aud"))
	c.ExpiresAt, errs[3] = members.date("exp")
	c.NotBefore, errs[4] = members.date("nbf")
	c.IssuedAt, errs[5] = members.date("iat")
	c.ID, errs[6] = members.text("jti")
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return c, nil
}

// Text returns any claim that must be a string, such as DPoP's htm; it is "" when the claim is absent.
func (c *Claims) Text(name string) (string, error) { return c.members.text(name) }

// Member returns any claim as the JSON that was sent, nil when it is absent. The caller must not change it.
func (c *Claims) Member(name string) []byte { return c.members.get(name) }

// CheckTime says whether the claims are valid now: exp has not come, nbf and iat have. Each is checked if it is there,
// and clocks may differ by skew. Whether a date must be there, and how far from now it may be, is for the caller.
func (c *Claims) CheckTime(now time.Time, skew time.Duration) error {
	early, late := now.Add(-skew), now.Add(skew)
	switch {
	case !c.ExpiresAt.IsZero() && !early.Before(c.ExpiresAt):
		return fmt.Errorf("%w: expired at %s", ErrTime, c.ExpiresAt.UTC().Format(time.RFC3339))
	case late.Before(c.NotBefore):
		return fmt.Errorf("%w: not valid before %s", ErrTime, c.NotBefore.UTC().Format(time.RFC3339))
	case late.Before(c.IssuedAt):
		return fmt.Errorf("%w: issued in the future, at %s", ErrTime, c.IssuedAt.UTC().Format(time.RFC3339))
	}
	return nil
}

func audience(raw []byte) (Audience, error) {
	if raw == nil {
		return Audience{}, nil
	}
	if raw[0] == '"' {
		one, err := unquote(raw)
		return Audience{Values: []string{string(one)}}, err
	}
	var many []*string
	err := json.Unmarshal(raw, &many)
	if err != nil || many == nil || slices.Contains(many, nil) {
		return Audience{}, fmt.Errorf("%w: \"aud\" is neither a string nor an array of strings", ErrMalformed)
	}
	a := Audience{Array: true}
	for _, value := range many {
		a.Values = append(a.Values, *value)
	}
	return a, nil
}

// date decodes a NumericDate: seconds since 1970, which may have a fraction.
func (m members) date(name string) (time.Time, error) {
	raw := m.get(name)
	if raw == nil {
		return time.Time{}, nil
	}
	// raw is known to be JSON, which has none of the other things that ParseFloat takes: "0x10", "1_0", "Inf", "NaN".
	seconds, err := strconv.ParseFloat(string(raw), 64)
	if err != nil || seconds < 0 || seconds > maxDate {
		return time.Time{}, fmt.Errorf("%w: %q is not a date between 1970 and 9999", ErrMalformed, name)
	}
	whole, fraction := math.Modf(seconds)
	return time.Unix(int64(whole), int64(fraction*1e9)), nil
}
