package model

// Rule is something that the provider does right, unless it is told to break it.
type Rule string

// The rules of pushed authorization requests.
const (
	PARPostOnly             Rule = "PAR takes POST only"
	PARRequired             Rule = "FAPI clients must push"
	PARCreated              Rule = "PAR answers 201"
	NoRequestURIAtPAR       Rule = "a pushed request has no request_uri"
	RequestURIUnguessable   Rule = "request_uri is unguessable"
	RequestURIOnce          Rule = "request_uri leads to one login"
	RequestURIReopens       Rule = "request_uri can be opened again before the login is completed"
	RequestURIExpires       Rule = "request_uri expires"
	RequestURIBoundToClient Rule = "request_uri belongs to its client"
	OutsideIgnored          Rule = "parameters beside request_uri are ignored"
	DuplicatesOptional      Rule = "client_id and request_uri suffice"
	ProofAtPAR              Rule = "a proof may come with a pushed request"
	RedirectErrorCode       Rule = "a bad redirect_uri is invalid_request"
	DuplicatesTolerated     Rule = "parameters beside request_uri are tolerated"
)

// The rules of authorization requests.
const (
	RedirectURIExact      Rule = "redirect URIs match exactly"
	RedirectURIQueryExact Rule = "queries of redirect URIs match exactly"
	RedirectURIRequired   Rule = "redirect_uri is required"
	KnownClients          Rule = "the client is registered"
	ResponseTypeRequired  Rule = "response_type is required"
	ResponseTypeCode      Rule = "the response type is code"
	PKCERequired          Rule = "FAPI clients send a code challenge"
	PKCES256Accepted      Rule = "code challenges with S256 are accepted"
	RequestUnsupported    Rule = "request objects outside PAR are ignored"
	PKCES256              Rule = "the code challenge method is S256"
	LongState             Rule = "state may be long"
	ScopeOrder            Rule = "the order of scopes means nothing"
	UnknownParameters     Rule = "unknown parameters are ignored"
	PostAuthorize         Rule = "the authorization endpoint takes POST"
	DisplayIgnored        Rule = "display, hints and locales are harmless"
	AuthorizeErrorStatus  Rule = "error pages have status 400"
	AuthorizeErrorCode    Rule = "error pages show the code"
	ClientErrors          Rule = "errors go back to the client"
	ErrorCharacters       Rule = "error descriptions have the allowed characters"
	PromptNoneAlone       Rule = "prompt none stands alone"
)

// The rules of request objects.
const (
	ObjectRequired   Rule = "clients that sign must sign"
	ObjectSignature  Rule = "request objects are verified"
	ObjectKey        Rule = "request objects are signed by their client"
	ObjectAlgorithm  Rule = "request objects are signed with the allowed algorithms"
	ObjectExpiry     Rule = "request objects expire"
	ObjectExpPresent Rule = "request objects have exp"
	ObjectNbfPresent Rule = "request objects have nbf"
	ObjectExpNear    Rule = "request objects expire within an hour"
	ObjectNbfNear    Rule = "request objects are younger than an hour"
	ObjectSkew       Rule = "request objects may be from a clock that is a little ahead"
	ObjectAudience   Rule = "request objects are for the issuer"
	ObjectAudiences  Rule = "request objects may be for the issuer among others"
	ObjectIssuer     Rule = "request objects name their client"
	ObjectRequestURI Rule = "request objects have no request_uri"
	ObjectTypCase    Rule = "the typ of request objects is compared without case"
)

// The rules of sessions and pages.
const (
	PromptLogin     Rule = "prompt login asks to log in again"
	PromptNone      Rule = "prompt none shows no page"
	PromptNoneError Rule = "prompt none without a session is an error"
	ConsentKept     Rule = "consent is remembered"
	MaxAge          Rule = "old logins are repeated"
	MaxAgeYoung     Rule = "young logins are not repeated"
	AuthTime        Rule = "the ID Token has auth_time"
	AuthTimeStable  Rule = "auth_time is that of the login"
	DistinctPages   Rule = "pages have distinct URLs"
	Cancel          Rule = "who cancels goes back with access_denied"
)

// The rules of authorization responses.
const (
	StateReturned    Rule = "state is returned"
	NoInventedState  Rule = "no state is invented"
	IssuerReturned   Rule = "iss is returned"
	RegisteredQuery  Rule = "the registered query survives"
	QueryMode        Rule = "responses are in the query"
	CodeUnguessable  Rule = "codes are unguessable"
	JARMSigned       Rule = "JARM responses are signed"
	JARMErrors       Rule = "JARM errors are signed"
	JARMLifetime     Rule = "JARM responses live for ten minutes at most"
	JARMAlone        Rule = "JARM responses are alone in the query"
	JARMForTheClient Rule = "JARM responses are for the client"
)

// The rules of client authentication.
const (
	AssertionRequired       Rule = "clients authenticate"
	AssertionSignature      Rule = "assertions are verified"
	AssertionAlgorithm      Rule = "assertions are signed with the allowed algorithms"
	AssertionSubject        Rule = "assertions have sub"
	AssertionIssuer         Rule = "assertions have iss"
	AssertionAudience       Rule = "assertions are for the provider"
	AssertionAudienceString Rule = "the audience of FAPI assertions is a string"
	AssertionAudienceIssuer Rule = "the audience of FAPI assertions is the issuer"
	AssertionIssuerAccepted Rule = "the issuer is a good audience for all"
	AssertionExpiry         Rule = "assertions expire"
	AssertionNotBefore      Rule = "assertions are not from the future"
	AssertionSkew           Rule = "assertions may be from a clock that is a little ahead"
	AssertionOnce           Rule = "assertions are used once"
	ClientIDMatches         Rule = "client_id is the assertion's"
)

// The rules of the token endpoint.
const (
	CodeOnce               Rule = "codes are used once"
	CodeReplayRevokes      Rule = "a replayed code revokes its token"
	CodeExpires            Rule = "codes expire"
	CodeBoundToClient      Rule = "codes belong to their client"
	CodeBoundToRedirectURI Rule = "codes belong to their redirect URI"
	CodeSurvivesMistakes   Rule = "a refused request does not burn the code"
	PKCEVerifier           Rule = "the code verifier is compared"
	PKCEVerifierRequired   Rule = "the code verifier is required"
	PKCEErrorCode          Rule = "a missing verifier is invalid_grant"
	CodeBoundToProof       Rule = "codes belong to the key of the pushed proof"
	CodeBoundToThumbprint  Rule = "codes belong to the key of dpop_jkt"
	MismatchRefused        Rule = "dpop_jkt is the thumbprint of the pushed proof"
	TokenUnguessable       Rule = "access tokens are unguessable"
	NoStore                Rule = "token responses are not stored"
	TokenErrorStatus       Rule = "errors of the token endpoint have status 400"
	IDTokenSigned          Rule = "ID Tokens are signed by the published key"
	IDTokenAlgorithm       Rule = "ID Tokens of FAPI clients are not signed with RS256"
	NoIDTokenWithoutOpenID Rule = "there is no ID Token without openid"
	SubjectStable          Rule = "sub is stable"
	RefreshBoundToClient   Rule = "refresh tokens belong to their client"
	RefreshKeepsSubject    Rule = "a refresh does not change sub"
	ReplacedRefreshWorks   Rule = "replaced refresh tokens work for a while"
	RefreshAnyKey          Rule = "refresh tokens are not bound to a key"
	GrantTypeRequired      Rule = "grant_type is required"
)

// The rules of DPoP proofs.
const (
	ProofRequired       Rule = "token requests have a proof"
	ProofKey            Rule = "proofs have jwk"
	ProofURLWithout     Rule = "htu has no query"
	ProofTyp            Rule = "proofs have their typ"
	ProofAlgorithm      Rule = "proofs are signed with the allowed algorithms"
	ProofSignature      Rule = "proofs are verified"
	ProofPrivateKey     Rule = "proofs have no private key"
	ProofJTI            Rule = "proofs have jti"
	ProofOnce           Rule = "proofs are used once"
	ProofMethod         Rule = "proofs are for the method"
	ProofURL            Rule = "proofs are for the URL"
	ProofURLQuery       Rule = "query and fragment of htu are ignored"
	ProofURLNormal      Rule = "htu is normalized"
	ProofTime           Rule = "proofs are recent"
	ProofTimePresent    Rule = "proofs have iat"
	ProofSkew           Rule = "proofs may be a few seconds off"
	ProofHash           Rule = "proofs are for the access token"
	ProofHashPresent    Rule = "proofs have ath"
	ProofSingle         Rule = "there is one proof"
	ProofUnknownMembers Rule = "unknown members of proofs are ignored"
	ProofExpiry         Rule = "proofs may have nbf and exp"
	NonceShowsAge       Rule = "a nonce shows the age of a proof"
	NonceSyntax         Rule = "nonces are not empty"
	NonceKeepsAssertion Rule = "a demand for a nonce does not spend the assertion"
	NonceNotForMissing  Rule = "a missing proof is not answered with a demand for a nonce"
	NonceChallenge      Rule = "the resource's demand for a nonce is in WWW-Authenticate"
)

// The rules of the resource.
const (
	TokenBound        Rule = "access tokens belong to their key"
	NoBearer          Rule = "bound tokens are no bearer tokens"
	NoQueryToken      Rule = "tokens are not taken from the query"
	SchemeCase        Rule = "the scheme is compared without case"
	TokenChecked      Rule = "access tokens are checked"
	UserinfoPost      Rule = "userinfo takes POST"
	UserinfoPostBody  Rule = "userinfo takes the token from the form"
	InteractionIDEcho Rule = "x-fapi-interaction-id is echoed unchanged"
	NoProofIsRefused  Rule = "tokens without a proof are refused"
)

// The rules of logout.
const (
	LogoutRedirectExact Rule = "post_logout_redirect_uri matches exactly"
	LogoutHint          Rule = "id_token_hint is verified"
	LogoutHintRequired  Rule = "a redirect needs an id_token_hint"
	LogoutEndsSession   Rule = "logout ends the session"
	LogoutStays         Rule = "without a redirect URI there is no redirect"
	LogoutState         Rule = "state is returned after logout"
	LogoutFrames        Rule = "front-channel URIs are loaded"
	LogoutFrameSession  Rule = "front-channel URIs have sid"
)

// The rules of verified claims.
const (
	VerifiedValue         Rule = "claims without the wanted value are left out"
	VerifiedFound         Rule = "claims with one of the wanted values are delivered"
	VerifiedFramework     Rule = "trust_framework chooses"
	VerifiedLevel         Rule = "assurance_level chooses"
	VerifiedAge           Rule = "max_age chooses"
	VerifiedEvidence      Rule = "the type of the evidence chooses"
	VerifiedEssential     Rule = "an essential demand that cannot be met is no error"
	VerifiedNotWeakened   Rule = "an essential demand that cannot be met is not weakened"
	VerifiedUnknown       Rule = "unknown claims are passed over"
	VerifiedPlain         Rule = "claims that are asked for in any form are delivered"
	VerifiedIDToken       Rule = "verified claims are in the ID Token if they are asked for there"
	VerifiedUserinfo      Rule = "verified claims are at userinfo if they are asked for there"
	VerifiedOnlyThere     Rule = "verified claims are nowhere but where they are asked for"
	VerifiedMinimum       Rule = "verifications have nothing that was not asked for"
	VerifiedList          Rule = "a list of requests is answered one by one"
	VerifiedForm          Rule = "malformed requests for verified claims are refused"
	VerifiedLocales       Rule = "preferred languages leave verified claims alone"
	VerifiedPurpose       Rule = "a purpose is passed over"
	UserinfoEncrypted     Rule = "userinfo is encrypted for who is registered so"
	UserinfoEncryptionKey Rule = "userinfo is encrypted to the key of the client"
	UserinfoEncryptionAs  Rule = "userinfo is encrypted with the registered algorithms"
	UserinfoSignedInside  Rule = "what is encrypted is signed"
	UserinfoContentType   Rule = "what is encrypted says that it is a JWT"
)
