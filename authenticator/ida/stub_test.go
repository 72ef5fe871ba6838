package ida_test

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
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/authenticator/ida"
)

const (
	licenseKey = "misp/licence+key" // its slash must arrive as a part of the segment
	partnerID  = "partner-1"
	apiKey     = "api-key-1"
	clientID   = "client-1"
	domainURI  = "https://esignet.example.org"
	accountKey = "account-secret"
)

// The people of the stub. Nothing of them may be logged.
var people = map[string]*person{
	"8267411571": {
		token: "psut-of-asha", otp: "345678", pin: "998877", password: `p<a>s&s "wörd"`, bio: "asha's finger",
		email: "XXhXXa@example.org", mobile: "XXXXXX5566",
		claims: map[string]any{
			"name": "Asha Rao", "name#fra": "Acha Rao", "email": "asha@example.org", "phone_number": "+910000005566",
			"birthdate": "1987/11/25", "address": map[string]any{"locality": "Mysuru", "country": "IN"}, "gender": nil,
			"picture": "data:image/jpeg;base64," + strings.Repeat("QUJD", 50_000),
		},
	},
	"5544332211": {token: "psut-of-sok", otp: "112233", mobile: "XXXXXX9090", claims: map[string]any{"name": "Sok"}},
}

type person struct {
	token, otp, pin, password, bio string
	email, mobile                  string
	claims                         map[string]any
}

type kycToken struct {
	individual, transaction, client string
	spent                           bool
}

// stub is IDA: it opens, verifies and compares whatever it gets, and answers as IDA does. What is not right is a failure
// of the test.
type stub struct {
	*httptest.Server
	clock   *clock
	version ida.Version
	fail    func(format string, args ...any)
	// override answers in place of the stub where it returns true. The call has been checked then.
	override func(call string, w http.ResponseWriter, r *http.Request) bool
	// client is the API key that is expected in paths.
	partner, client string
	encrypted       bool   // claims are asked for as a JWE
	kid             string // of the partner's signatures

	mu          sync.Mutex
	encryption  identity   // the key that opens requests
	signing     identity   // the key that signs claims
	published   []identity // the certificates of signatures that the service knows
	calls       map[string]int
	codes       map[string]string // by transaction and individual
	tokens      map[string]*kycToken
	used        map[string]bool // session keys and nonces
	accessToken string
	forge       func(claims map[string]any)
	released    func(s *stub) string // in place of signed claims
	onExchange  func(request map[string]any)
}

func newStub(fail func(format string, args ...any)) *stub {
	s := &stub{
		clock: &clock{}, version: ida.V2, fail: fail, partner: partnerID, client: apiKey,
		encryption: idaKey(), signing: idaSigningKey(), published: []identity{idaSigningKey()},
		calls: map[string]int{}, codes: map[string]string{}, tokens: map[string]*kycToken{}, used: map[string]bool{},
	}
	s.Server = httptest.NewTLSServer(s)
	return s
}

// config is that of an Authenticator for the stub, with everything fixed.
func (s *stub) config() ida.Config {
	return ida.Config{
		AuthURL:    s.URL + "/auth/v1/",
		OTPURL:     s.URL + "/otp/v1",
		LicenseKey: licenseKey,
		Partner:    ida.Partner{ID: partnerID, APIKey: apiKey},
		DomainURI:  domainURI, Environment: "Staging",
		Signer: partnerKey().key, Certificate: partnerKey().certificate,
		IDACertificateURL: s.URL + "/mosip-certs/ida-partner.cer",
		SigningService: &ida.CertificateService{
			URL:      s.URL + "/internal/getAllCertificates?applicationId=IDA&referenceId=SIGN",
			TokenURL: s.URL + "/authmanager/token", ClientID: "account", SecretKey: accountKey,
		},
		Factors: []authenticator.Factor{
			authenticator.OTP, authenticator.PIN, authenticator.Password, authenticator.Biometrics,
		},
		AnswerTime: -1,
		Transport:  s.Client().Transport,
		Now:        s.clock.now,
	}
}

func (s *stub) count(call string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls[call]
}

// set changes what the stub does, between calls.
func (s *stub) set(change func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change()
}

func (s *stub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	root, delegated := r.URL.EscapedPath(), "/delegated"
	if s.version == ida.V2 {
		delegated = "/v2/delegated"
	}
	tail := "/misp%2Flicence+key/" + s.partner + "/" + s.client
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
		s.fail("unexpected call %s %s", r.Method, root)
		w.WriteHeader(http.StatusNotFound)
		return
	}
	s.calls[call.name]++
	body, err := io.ReadAll(r.Body)
	if err != nil {
		s.fail("%s: %v", call.name, err)
		return
	}
	if s.override == nil || !s.overridden(call.name, w, r) {
		call.do(w, r, body)
	}
}

// overridden lets the override answer, which may wait or panic.
func (s *stub) overridden(call string, w http.ResponseWriter, r *http.Request) bool {
	override := s.override
	s.mu.Unlock()
	defer s.mu.Lock()
	return override(call, w, r)
}

// check fails the test unless what was sent is what the reference says.
func (s *stub) check(ok bool, format string, args ...any) {
	if !ok {
		s.fail("IDA: "+format, args...)
	}
}

// signed checks the headers and the detached signature of a request, and decodes it: it must have the members and no others.
func (s *stub) signed(r *http.Request, body []byte, members ...string) map[string]any {
	s.check(r.Header.Get("Content-Type") == "application/json;charset=UTF-8", "Content-Type is %q", r.Header.Get("Content-Type"))
	s.check(r.Header.Get("Authorization") == "Authorization", "Authorization is %q", r.Header.Get("Authorization"))
	protected, signature, ok := strings.Cut(r.Header.Get("signature"), "..")
	s.check(ok, "signature is not detached")
	want := map[string]any{"alg": "RS256", "x5c": []any{base64.StdEncoding.EncodeToString(partnerKey().certificate.Raw)}}
	if s.kid != "" {
		want["kid"] = s.kid
	}
	var header map[string]any
	s.check(json.Unmarshal(s.decode(protected), &header) == nil && fmt.Sprint(header) == fmt.Sprint(want), "header is %v", header)
	digest := sha256.Sum256([]byte(protected + "." + base64.RawURLEncoding.EncodeToString(body)))
	public := partnerKey().certificate.PublicKey.(*rsa.PublicKey)
	s.check(rsa.VerifyPKCS1v15(public, crypto.SHA256, digest[:], s.decode(signature)) == nil, "the signature is wrong")

	request := s.members(body, members...)
	s.check(s.isNow(request["requestTime"]), "requestTime is %v", request["requestTime"])
	s.check(request["version"] == "1.0", "version is %v", request["version"])
	return request
}

func (s *stub) isNow(v any) bool {
	text, _ := v.(string)
	at, err := time.Parse("2006-01-02T15:04:05.000Z", text)
	return err == nil && at.Equal(s.clock.now())
}

func (s *stub) members(data []byte, members ...string) map[string]any {
	var object map[string]any
	s.check(json.Unmarshal(data, &object) == nil, "no JSON object")
	got := slices.Sorted(maps.Keys(object))
	slices.Sort(members)
	s.check(slices.Equal(got, members), "members are %v", got)
	return object
}

func (s *stub) decode(text any) []byte {
	encoded, _ := text.(string)
	data, err := base64.RawURLEncoding.Strict().DecodeString(encoded)
	s.check(err == nil && encoded != "", "no base64url")
	return data
}

func (s *stub) kycAuth(w http.ResponseWriter, r *http.Request, body []byte) {
	request := s.signed(r, body, "id", "version", "individualId", "transactionID", "requestTime", "thumbprint", "domainUri",
		"env", "consentObtained", "request", "requestHMAC", "requestSessionKey")
	s.check(request["id"] == "mosip.identity.kycauth", "id is %v", request["id"])
	s.check(request["domainUri"] == domainURI && request["env"] == "Staging", "domainUri or env is wrong")
	s.check(request["consentObtained"] == true, "no consent")

	digest := sha256.Sum256(s.encryption.certificate.Raw)
	if !bytes.Equal(s.decode(request["thumbprint"]), digest[:]) {
		s.answer(w, request, nil, "IDA-MPA-003")
		return
	}
	key, err := rsa.DecryptOAEP(sha256.New(), nil, s.encryption.key, s.decode(request["requestSessionKey"]), nil)
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
func (s *stub) verdict(w http.ResponseWriter, request, given map[string]any) {
	individual, transaction := text(request["individualId"]), text(request["transactionID"])
	p, known := people[individual]
	if !known {
		s.answer(w, request, map[string]any{"kycStatus": false}, "IDA-MLC-018")
		return
	}
	proved := 0
	for member, want := range map[string]string{"staticPin": p.pin, "password": p.password} {
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
	s.tokens[token] = &kycToken{individual: individual, transaction: transaction, client: s.client}
	s.answer(w, request, map[string]any{
		"kycToken": token, "authToken": p.token, "kycStatus": true, "verifiedClaimsMetadata": `{"name":[],"email":"null"}`,
	})
}

// matches compares a capture, which must have arrived as the device gave it.
func (s *stub) matches(p *person, transaction string, given any) bool {
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
			s.fail("IDA: biometrics: %v", err)
			return false
		}
		payload, err := jws.Verify(deviceKey().key.Public())
		s.check(err == nil, "biometrics: the signature of the device is wrong")
		var signed map[string]any
		s.check(json.Unmarshal(payload, &signed) == nil && signed["transactionId"] == transaction, "biometrics: another transaction")
		if signed["bioValue"] != p.bio {
			return false
		}
	}
	return true
}

// openGCM opens ciphertext, tag and nonce, in this order. No nonce may come twice.
func (s *stub) openGCM(key, data []byte) []byte {
	block, err := aes.NewCipher(key)
	if err != nil || len(data) < 16+16 {
		s.fail("IDA: cannot decrypt")
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

func (s *stub) once(secret string) {
	s.check(!s.used[secret], "a key or nonce was used twice")
	s.used[secret] = true
}
