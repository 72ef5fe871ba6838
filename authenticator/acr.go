package authenticator

// ACR is an Authentication Context Class: a name that a client can ask for, and the ways to reach it.
type ACR struct {
	// Value is the name, such as "urn:example:loa:2" or "mosip:idp:acr:generated-code".
	Value string
	// Alternatives are sets of factors in order of preference. The ACR is met when all factors of one set succeeded.
	Alternatives []FactorSet
}

// FactorSet is a set of factors that must all succeed. A set of one is the ordinary case, a set of two is two-factor
// authentication.
type FactorSet []Factor
