package authenticator

import "slices"

// Factor is a way to prove who one is. Its name is also its Authentication Method Reference, so it should be the one
// that [RFC 8176] registers, where there is one. The set is open: a country adds its own, named with at most 32
// lower-case letters, digits, '_' and '-'.
//
// [RFC 8176]: https://www.rfc-editor.org/rfc/rfc8176#section-2
type Factor string

// The factors that have the same meaning everywhere, and pages of their own.
const (
	// OTP is a one-time code that the identity system sends ([CodeSender]).
	OTP Factor = "otp"
	// Password is a memorised secret.
	Password Factor = "pwd"
	// PIN is a memorised secret of digits.
	PIN Factor = "pin"
	// Knowledge is what a person knows about themselves. The response is a JSON object: the name of each field of the
	// identity system's form, and the text that the person gave.
	Knowledge Factor = "kba"
	// Biometrics are captured by a device that speaks the MOSIP Secure Biometric Interface, version 2.0. The response is
	// the capture as the device gave it, a JSON object with "biometrics", encoded in base64url.
	Biometrics Factor = "bio"
	// Passkey is a discoverable WebAuthn credential ([Challenger]). The response is the JSON form of a PublicKeyCredential
	// (Web Authentication Level 3 section 5.1). The name is that of the proof of possession of a key.
	Passkey Factor = "pop"
	// Wallet is a JWT that is signed by a key which is bound to the person in a wallet.
	Wallet Factor = "wla"
	// IDToken is an ID Token of an earlier login at the provider itself, which the sign-up portal hands over.
	IDToken Factor = "idt"
)

// AMR returns the amr of the ID Token: the factors that succeeded, and "mfa" when they were two or more different
// ones.
func AMR(succeeded []Factor) []string {
	var amr []string
	for _, f := range succeeded {
		if !slices.Contains(amr, string(f)) {
			amr = append(amr, string(f))
		}
	}
	if len(amr) > 1 {
		amr = append(amr, "mfa")
	}
	return amr
}

// maxNameBytes bounds the names of factors and of types of identifiers.
const maxNameBytes = 32

// validName reports whether a name can stand in configuration, forms and logs.
func validName(s string) bool {
	for i := range len(s) {
		if c := s[i]; (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '_' && c != '-' {
			return false
		}
	}
	return s != "" && len(s) <= maxNameBytes
}
