// Package idatest stands in for MOSIP's ID Authentication in tests: a [Server] that opens, verifies and compares every
// byte that it gets, and answers as IDA does.
package idatest

import (
	"bytes"
	"crypto"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/authenticator/ida"
)

// What the Server wants to see.
const (
	// LicenseKey has a slash, which must arrive as a part of the segment.
	LicenseKey = "misp/licence+key"
	PartnerID  = "partner-1"
	APIKey     = "api-key-1"
	DomainURI  = "https://esignet.example.org"
	AccountID  = "account"
	AccountKey = "account-secret"
)

// Person is somebody whom the Server knows.
type Person struct {
	// Token is the authToken, which is the Subject.
	Token string
	// OTP is the code that each SendCode sends. PIN and Password may be empty: the person has none.
	OTP, PIN, Password string
	// Biometrics is the bioValue of the person's captures ([Server.Capture]).
	Biometrics string
	// Email and Mobile are masked. Either may be empty.
	Email, Mobile string
	// Claims have IDA's names for languages: "name#fra".
	Claims map[string]any
	// Metadata says how claims were verified, a list for each.
	Metadata map[string]any
}

// People returns those whom a Server knows, by their individual IDs.
func People() map[string]*Person {
	return map[string]*Person{
		"8267411571": {
			Token: "psut-of-asha", OTP: "345678", PIN: "998877", Password: `p<a>s&s "wörd"`, Biometrics: "asha's finger",
			Email: "XXhXXa@example.org", Mobile: "XXXXXX5566",
			Claims: map[string]any{
				"name": "Asha Rao", "name#fra": "Acha Rao", "email": "asha@example.org", "phone_number": "+910000005566",
				"birthdate": "1987/11/25", "address": map[string]any{"locality": "Mysuru", "country": "IN"}, "gender": nil,
				"picture": "data:image/jpeg;base64," + strings.Repeat("QUJD", 50_000),
			},
			Metadata: map[string]any{
				"name": []any{
					map[string]any{"trust_framework": "example_register", "verification_process": "enrolment", "time": "2024-01-01T10:00Z"},
				},
				"birthdate": []any{}, "email": "null",
			},
		},
		"5544332211": {Token: "psut-of-sok", OTP: "112233", Mobile: "XXXXXX9090", Claims: map[string]any{"name": "Sok"}},
	}
}

type kycToken struct {
	individual, transaction, client string
	spent                           bool
}

// Server is IDA. What is not right in a request is an error of the test. Its fields are changed before the first call, or
// with Set.
type Server struct {
	*httptest.Server
	// Now is the clock, of which requests must have the time.
	Now func() time.Time
	// Version is that of the calls that are expected.
	Version ida.Version
	// PartnerID and APIKey are those that are expected in paths.
	PartnerID, APIKey string
	// Channels are those that requests for codes must name.
	Channels []string
	// KeyID is the kid that signatures of requests must have, none if it is empty.
	KeyID string
	// Metadata says that authentications must ask how claims were verified.
	Metadata bool
	// Encrypted says that claims must be asked for as a JWE, which is for the DecryptionKey.
	Encrypted bool

	// People are those whom the Server knows.
	People map[string]*Person
	// Encryption is the key that opens requests, Signing the one that signs claims. Published are the identities that the
	// service of signing certificates knows.
	Encryption, Signing Identity
	Published           []Identity
	// AccessToken is the one of the account at that service.
	AccessToken string

	// Override answers in place of the Server where it returns true. The call is "kyc-auth", "kyc-exchange", "otp",
	// "certificate", "signing" or "token".
	Override func(call string, w http.ResponseWriter, r *http.Request) bool
	// Forge changes claims before they are signed, and Released makes what is released in place of them.
	Forge    func(claims map[string]any)
	Released func() string
	// OnExchange sees each request for claims.
	OnExchange func(request map[string]any)

	t      testing.TB
	mu     sync.Mutex
	calls  map[string]int
	codes  map[string]string // by transaction and individual
	tokens map[string]*kycToken
	used   map[string]bool // session keys and nonces
}

// New starts a Server with TLS, which ends with the test.
func New(t testing.TB) *Server {
	s := &Server{
		Now: time.Now, Version: ida.V2, PartnerID: PartnerID, APIKey: APIKey, Channels: []string{"email", "phone"}, People: People(),
		Encryption: EncryptionKey(), Signing: SigningKey(), Published: []Identity{SigningKey()},
		t: t, calls: map[string]int{}, codes: map[string]string{}, tokens: map[string]*kycToken{}, used: map[string]bool{},
	}
	s.Server = httptest.NewTLSServer(s)
	t.Cleanup(s.Close)
	return s
}

// Config returns that of an Authenticator for the Server, with every factor and without a time that answers have to take.
// Its clock is the Server's of now.
func (s *Server) Config() ida.Config {
	return ida.Config{
		AuthURL:    s.URL + "/auth/v1/",
		OTPURL:     s.URL + "/otp/v1",
		LicenseKey: LicenseKey,
		Partner:    ida.Partner{ID: PartnerID, APIKey: APIKey},
		DomainURI:  DomainURI, Environment: "Staging",
		Signer: PartnerKey().Key, Certificate: PartnerKey().Certificate,
		IDACertificateURL: s.URL + "/mosip-certs/ida-partner.cer",
		SigningService: &ida.CertificateService{
			URL:      s.URL + "/internal/getAllCertificates?applicationId=IDA&referenceId=SIGN",
			TokenURL: s.URL + "/authmanager/token", ClientID: AccountID, SecretKey: AccountKey,
		},
		Factors: []authenticator.Factor{
			authenticator.OTP, authenticator.PIN, authenticator.Password, authenticator.Biometrics,
		},
		AnswerTime: -1,
		Transport:  s.Client().Transport,
		Now:        s.Now,
	}
}

// Count returns how many calls there were.
func (s *Server) Count(call string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls[call]
}

// Set changes what the Server does, between calls.
func (s *Server) Set(change func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change()
}

// ServeHTTP answers a call.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	root, delegated := r.URL.EscapedPath(), "/delegated"
	if s.Version == ida.V2 {
		delegated = "/v2/delegated"
	}
	tail := "/misp%2Flicence+key/" + s.PartnerID + "/" + s.APIKey
	calls := map[string]struct {
		name string
		do   func(w http.ResponseWriter, r *http.Request, body []byte)
	}{
		"POST /auth/v1/kyc-auth" + delegated + tail:     {"kyc-auth", s.kycAuth},
		"POST /auth/v1/kyc-exchange" + delegated + tail: {"kyc-exchange", s.kycExchange},
		"POST /otp/v1/otp" + tail:                       {"otp", s.otp},
		"GET /mosip-certs/ida-partner.cer":              {"certificate", s.certificate},
		"GET /internal/getAllCertificates":              {"signing", s.signingCertificates},
		"POST /authmanager/token":                       {"token", s.token},
	}
	call, ok := calls[r.Method+" "+root]
	if !ok {
		s.t.Errorf("unexpected call %s %s", r.Method, root)
		w.WriteHeader(http.StatusNotFound)
		return
	}
	s.calls[call.name]++
	body, err := io.ReadAll(r.Body)
	if err != nil {
		s.t.Errorf("%s: %v", call.name, err)
		return
	}
	if s.Override == nil || !s.overridden(call.name, w, r) {
		call.do(w, r, body)
	}
}

// overridden lets the override answer, which may wait or panic.
func (s *Server) overridden(call string, w http.ResponseWriter, r *http.Request) bool {
	override := s.Override
	s.mu.Unlock()
	defer s.mu.Lock()
	return override(call, w, r)
}

// check fails the test unless what was sent is what the reference says.
func (s *Server) check(ok bool, format string, args ...any) {
	if !ok {
		s.t.Errorf("IDA: "+format, args...)
	}
}

// signed checks the headers and the detached signature of a request, and decodes it: it must have the members and no others.
func (s *Server) signed(r *http.Request, body []byte, members ...string) map[string]any {
	s.check(r.Header.Get("Content-Type") == "application/json;charset=UTF-8", "Content-Type is %q", r.Header.Get("Content-Type"))
	s.check(r.Header.Get("Authorization") == "Authorization", "Authorization is %q", r.Header.Get("Authorization"))
	protected, signature, ok := strings.Cut(r.Header.Get("signature"), "..")
	s.check(ok, "signature is not detached")
	want := map[string]any{"alg": "RS256", "x5c": []any{base64.StdEncoding.EncodeToString(PartnerKey().Certificate.Raw)}}
	if s.KeyID != "" {
		want["kid"] = s.KeyID
	}
	var header map[string]any
	s.check(json.Unmarshal(s.decode(protected), &header) == nil && fmt.Sprint(header) == fmt.Sprint(want), "header is %v", header)
	digest := sha256.Sum256([]byte(protected + "." + base64.RawURLEncoding.EncodeToString(body)))
	public := PartnerKey().Certificate.PublicKey.(*rsa.PublicKey)
	s.check(rsa.VerifyPKCS1v15(public, crypto.SHA256, digest[:], s.decode(signature)) == nil, "the signature is wrong")

	request := s.members(body, members...)
	s.check(s.isNow(request["requestTime"]), "requestTime is %v", request["requestTime"])
	s.check(request["version"] == "1.0", "version is %v", request["version"])
	return request
}

func (s *Server) isNow(v any) bool {
	text, _ := v.(string)
	at, err := time.Parse("2006-01-02T15:04:05.000Z", text)
	return err == nil && s.Now().Sub(at).Abs() < 30*time.Second
}

func (s *Server) members(data []byte, members ...string) map[string]any {
	var object map[string]any
	s.check(json.Unmarshal(data, &object) == nil, "no JSON object")
	got := slices.Sorted(maps.Keys(object))
	slices.Sort(members)
	s.check(slices.Equal(got, members), "members are %v", got)
	return object
}

func (s *Server) decode(text any) []byte {
	encoded, _ := text.(string)
	data, err := base64.RawURLEncoding.Strict().DecodeString(encoded)
	s.check(err == nil && encoded != "", "no base64url")
	return data
}

func (s *Server) kycAuth(w http.ResponseWriter, r *http.Request, body []byte) {
	members := []string{"id", "version", "individualId", "transactionID", "requestTime", "thumbprint", "domainUri", "env",
		"consentObtained", "request", "requestHMAC", "requestSessionKey"}
	if s.Metadata {
		members = append(members, "claimsMetadataRequired")
	}
	request := s.signed(r, body, members...)
	s.check(!s.Metadata || request["claimsMetadataRequired"] == true, "metadata is not asked for")
	s.check(request["id"] == "mosip.identity.kycauth", "id is %v", request["id"])
	s.check(request["domainUri"] == DomainURI && request["env"] == "Staging", "domainUri or env is wrong")
	s.check(request["consentObtained"] == true, "no consent")

	digest := sha256.Sum256(s.Encryption.Certificate.Raw)
	if !bytes.Equal(s.decode(request["thumbprint"]), digest[:]) {
		s.answer(w, request, nil, "IDA-MPA-003")
		return
	}
	key, err := rsa.DecryptOAEP(sha256.New(), nil, s.Encryption.Key, s.decode(request["requestSessionKey"]), nil)
	s.check(err == nil && len(key) == 32, "the session key cannot be opened")
	inner := s.openGCM(key, s.decode(request["request"]))
	innerDigest := sha256.Sum256(inner)
	s.check(string(s.openGCM(key, s.decode(request["requestHMAC"]))) == strings.ToUpper(hex.EncodeToString(innerDigest[:])),
		"the digest is wrong")
	s.once(string(key))

	given := s.members(inner, "otp", "staticPin", "timestamp", "biometrics", "keyBindedTokens", "password")
	s.check(s.isNow(given["timestamp"]), "timestamp is %v", given["timestamp"])
	s.check(given["keyBindedTokens"] == nil, "tokens of wallets")
	s.verdict(w, request, given)
}

// verdict compares what a person gave with what they should have.
func (s *Server) verdict(w http.ResponseWriter, request, given map[string]any) {
	individual, transaction := text(request["individualId"]), text(request["transactionID"])
	p, known := s.People[individual]
	if !known {
		s.answer(w, request, map[string]any{"kycStatus": false}, "IDA-MLC-018")
		return
	}
	proved := 0
	for member, want := range map[string]string{"staticPin": p.PIN, "password": p.Password} {
		if given[member] == nil {
			continue
		}
		if given[member] != want {
			s.answer(w, request, map[string]any{"kycStatus": false}, map[string]string{"staticPin": "IDA-SPA-001", "password": "IDA-PSD-001"}[member])
			return
		}
		proved++
	}
	if given["otp"] != nil {
		if code, ok := s.codes[transaction+individual]; !ok || given["otp"] != code {
			s.answer(w, request, map[string]any{"kycStatus": false}, "IDA-OTA-004")
			return
		}
		delete(s.codes, transaction+individual)
		proved++
	}
	if given["biometrics"] != nil {
		if !s.matches(p, transaction, given["biometrics"]) {
			s.answer(w, request, map[string]any{"kycStatus": false}, "IDA-BIA-001")
			return
		}
		proved++
	}
	s.check(proved > 0, "nothing was proved")
	token := rand.Text()
	s.tokens[token] = &kycToken{individual: individual, transaction: transaction, client: s.APIKey}
	metadata, err := json.Marshal(p.Metadata)
	must(err)
	s.answer(w, request, map[string]any{
		"kycToken": token, "authToken": p.Token, "kycStatus": true, "verifiedClaimsMetadata": string(metadata),
	})
}

// matches compares a capture, which must have arrived as the device gave it.
func (s *Server) matches(p *Person, transaction string, given any) bool {
	list, _ := given.([]any)
	s.check(len(list) > 0, "no biometrics")
	for _, entry := range list {
		segment, _ := entry.(map[string]any)
		data := text(segment["data"])
		s.check(fmt.Sprint(segment) == fmt.Sprint(map[string]any{
			"data": data, "hash": "the hash", "sessionKey": "the key", "specVersion": "1.0", "thumbprint": "the thumbprint",
		}), "the segment was changed")
		jws, err := jose.ParseSignedCompact(data, []jose.SignatureAlgorithm{jose.RS256})
		if err != nil {
			s.t.Errorf("IDA: biometrics: %v", err)
			return false
		}
		payload, err := jws.Verify(DeviceKey().Key.Public())
		s.check(err == nil, "biometrics: the signature of the device is wrong")
		var signed map[string]any
		s.check(json.Unmarshal(payload, &signed) == nil && signed["transactionId"] == transaction, "biometrics: another transaction")
		if signed["bioValue"] != p.Biometrics {
			return false
		}
	}
	return true
}

// openGCM opens ciphertext, tag and nonce, in this order. No nonce may come twice.
func (s *Server) openGCM(key, data []byte) []byte {
	block, err := aes.NewCipher(key)
	if err != nil || len(data) < 16+16 {
		s.t.Errorf("IDA: cannot decrypt")
		return nil
	}
	aead, err := cipher.NewGCMWithNonceSize(block, 16)
	must(err)
	nonce := data[len(data)-16:]
	s.once(string(nonce))
	plaintext, err := aead.Open(nil, nonce, data[:len(data)-16], nil)
	s.check(err == nil, "cannot decrypt")
	return plaintext
}

func (s *Server) once(secret string) {
	s.check(!s.used[secret], "a key or nonce was used twice")
	s.used[secret] = true
}
