package authenticator

import "context"

// Method verifies factors that do not belong to the identity system: what people registered with the provider itself,
// such as passkeys and keys in wallets. Its methods are called concurrently; its errors are those of an [Authenticator].
// An Authenticator is one too.
type Method interface {
	// Factors names the factors. It is asked once, at start-up.
	Factors() []Factor
	// Authenticate proves that a person answered the challenges, all of them, and says who they are to the identity
	// system, which is asked for their claims.
	Authenticate(ctx context.Context, r *Request) (*Identity, error)
}

// Recaller is an Authenticator that can say anew who a person is whom it identified in an earlier login. It is needed by
// a [Method] that registers something for a person: whoever proves later that they are the same has to have an [Identity]
// that works for claims.
type Recaller interface {
	// Recall returns the person's Identity of today: the same Subject, and a State that works now. The reason is Locked
	// for a person who may not log in, WrongCredentials for one who is not there any more, and Unsupported if nobody can be
	// recalled, because what is behind the Recaller cannot.
	Recall(ctx context.Context, earlier *Identity) (*Identity, error)
}

// Traits are how a login treats a factor.
type Traits struct {
	// Identifies says that the answer itself tells who the person is, as that of a passkey does: nobody is asked for an
	// identifier. Where the login knows one from an earlier factor it is in the request all the same.
	Identifies bool
	// MaxResponse bounds an answer, in bytes, at most 4 MiB. Zero means 4 KiB.
	MaxResponse int
}

// Describer is a [Method] that knows the traits of its own factors.
type Describer interface {
	// Traits returns those of the factor, the same each time.
	Traits(f Factor) Traits
}

// Bounds of answers.
const (
	defaultMaxResponse = 4 << 10
	maxMaxResponse     = 4 << 20
)

// TraitsOf returns the traits of a factor that the method verifies: what the method says if it is a [Describer], and
// otherwise what is usual for the factor. MaxResponse is never zero.
func TraitsOf(m Method, f Factor) Traits {
	var t Traits
	switch f {
	case Knowledge:
		t.MaxResponse = 16 << 10
	case Biometrics:
		t.MaxResponse = 2 << 20
	case Passkey, Wallet, IDToken:
		t = Traits{Identifies: true, MaxResponse: 16 << 10}
	}
	if d, ok := m.(Describer); ok {
		t = d.Traits(f)
	}
	if t.MaxResponse <= 0 {
		t.MaxResponse = defaultMaxResponse
	}
	t.MaxResponse = min(t.MaxResponse, maxMaxResponse)
	return t
}
