package keystore

// Role is what a key is used for. Keys of different roles can rotate apart, and be held apart.
type Role string

// The roles.
const (
	// TokenSigning signs ID Tokens, access tokens and logout tokens.
	TokenSigning Role = "token-signing"
	// UserinfoSigning signs userinfo responses.
	UserinfoSigning Role = "userinfo-signing"
	// ResponseSigning signs authorization responses (JARM) and introspection responses.
	ResponseSigning Role = "response-signing"
	// RequestDecryption opens what clients encrypt for the provider: request objects.
	RequestDecryption Role = "request-decryption"
	// BindingCA signs the certificates of wallet keys. Its keys are not in the JWKS: they sign certificates, not tokens.
	BindingCA Role = "binding-ca"
)

// Roles returns all roles.
func Roles() []Role {
	return []Role{TokenSigning, UserinfoSigning, ResponseSigning, RequestDecryption, BindingCA}
}
