package idatest

import (
	"crypto/rand"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/go-jose/go-jose/v4"

	"github.com/gosignet/signet/authenticator/ida"
)

func (s *Server) kycExchange(w http.ResponseWriter, r *http.Request, body []byte) {
	members := []string{"id", "version", "requestTime", "transactionID", "kycToken", "consentObtained", "locales", "respType", "individualId"}
	var raw map[string]any
	_ = json.Unmarshal(body, &raw)
	consent, _ := raw["consentObtained"].([]any)
	if s.Version == ida.V2 && !slices.Equal(consent, []any{"sub"}) {
		members = append(members, "unVerifiedConsentedClaims")
	}
	request := s.signed(r, body, members...)
	s.check(request["id"] == "mosip.identity.kycexchange", "id is %v", request["id"])
	want := "JWS"
	if s.Encrypted {
		want = "JWE"
	}
	s.check(request["respType"] == want, "respType is %v", request["respType"])
	if unverified, ok := request["unVerifiedConsentedClaims"].(map[string]any); ok {
		for _, claim := range consent {
			detail, there := unverified[text(claim)]
			s.check(there && detail == nil && len(unverified) == len(consent), "unverified claims are %v", unverified)
		}
	}
	if s.OnExchange != nil {
		s.OnExchange(request)
	}
	_, isList := request["locales"].([]any)
	s.check(isList, "locales are %v", request["locales"])

	token, ok := s.tokens[text(request["kycToken"])]
	switch {
	case !ok:
		s.answer(w, request, nil, "IDA-KYE-001")
	case token.spent:
		s.answer(w, request, nil, "IDA-KYE-003")
	case token.client != s.APIKey:
		s.answer(w, request, nil, "IDA-KYE-004")
	case token.transaction != request["transactionID"]:
		s.answer(w, request, nil, "IDA-KYE-005")
	case token.individual != request["individualId"]:
		s.answer(w, request, nil, "IDA-KYE-007")
	default:
		token.spent = true
		s.answer(w, request, map[string]any{"encryptedKyc": s.release(s.People[token.individual], consent, request["locales"])})
	}
}

// release signs the claims, and encrypts them if that is asked for. IDA releases the language, and what nobody asked for.
func (s *Server) release(p *Person, consent []any, locales any) string {
	if s.Released != nil {
		return s.Released()
	}
	claims := map[string]any{"sub": p.Token, "iss": "https://ida.example.org", "aud": s.APIKey, "individual_id": "leaked"}
	for name, value := range p.Claims {
		claim, tag, inLanguage := strings.Cut(name, "#")
		if slices.Contains(consent, any(claim)) && (!inLanguage || slices.Contains(locales.([]any), any(tag))) {
			claims[name] = value
		}
	}
	if s.Forge != nil {
		s.Forge(claims)
	}
	return s.Sign(claims)
}

// Sign makes the JWS of an answer with claims, in a JWE if it is to be Encrypted.
func (s *Server) Sign(claims any) string {
	payload, err := json.Marshal(claims)
	must(err)
	key := jose.SigningKey{Algorithm: jose.RS256, Key: jose.JSONWebKey{Key: s.Signing.Key, KeyID: s.Signing.keyID()}}
	signer, err := jose.NewSigner(key, nil)
	must(err)
	jws, err := signer.Sign(payload)
	must(err)
	token, err := jws.CompactSerialize()
	must(err)
	if s.Encrypted {
		return Encrypt(DecryptionKey(), token, jose.NONE)
	}
	return token
}

// Encrypt makes a JWE of a JWS.
func Encrypt(to Identity, token string, zip jose.CompressionAlgorithm) string {
	options := (&jose.EncrypterOptions{Compression: zip}).WithContentType("JWT")
	encrypter, err := jose.NewEncrypter(jose.A256GCM, jose.Recipient{Algorithm: jose.RSA_OAEP_256, Key: to.Key.Public()}, options)
	must(err)
	jwe, err := encrypter.Encrypt([]byte(token))
	must(err)
	compact, err := jwe.CompactSerialize()
	must(err)
	return compact
}

func (s *Server) otp(w http.ResponseWriter, r *http.Request, body []byte) {
	request := s.signed(r, body, "id", "version", "individualId", "individualIdType", "transactionID", "requestTime", "otpChannel")
	s.check(request["id"] == "mosip.identity.otp", "id is %v", request["id"])
	s.check(request["individualIdType"] == nil, "individualIdType is %v", request["individualIdType"])
	s.check(fmt.Sprint(request["otpChannel"]) == fmt.Sprint(s.Channels), "otpChannel is %v", request["otpChannel"])
	individual := text(request["individualId"])
	p, ok := s.People[individual]
	if !ok {
		s.answer(w, request, nil, "IDA-MLC-018")
		return
	}
	s.codes[text(request["transactionID"])+individual] = p.OTP
	response := map[string]any{"maskedEmail": nil, "maskedMobile": nil}
	if slices.Contains(s.Channels, "email") {
		response["maskedEmail"] = p.Email
	}
	if slices.Contains(s.Channels, "phone") {
		response["maskedMobile"] = p.Mobile
	}
	s.answer(w, request, response)
}

// answer writes the envelope.
func (s *Server) answer(w http.ResponseWriter, request map[string]any, response any, codes ...string) {
	errors := []any{}
	for _, code := range codes {
		errors = append(errors, map[string]any{"errorCode": code, "errorMessage": "about Asha Rao", "actionMessage": "ask Asha"})
	}
	writeJSON(w, map[string]any{
		"id": request["id"], "version": "1.0", "transactionID": request["transactionID"], "responseTime": "2026-01-31T10:15:31.000Z",
		"response": response, "errors": errors,
	})
}

func writeJSON(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v)
}

func text(v any) string { s, _ := v.(string); return s }

func (s *Server) certificate(w http.ResponseWriter, _ *http.Request, _ []byte) {
	_ = pem.Encode(w, &pem.Block{Type: "CERTIFICATE", Bytes: s.Encryption.Certificate.Raw})
}

func (s *Server) token(w http.ResponseWriter, r *http.Request, body []byte) {
	outer := s.members(body, "requesttime", "request")
	s.check(s.isNow(outer["requesttime"]), "requesttime is %v", outer["requesttime"])
	s.check(fmt.Sprint(outer["request"]) == fmt.Sprint(map[string]any{"clientId": AccountID, "secretKey": AccountKey, "appId": "ida"}),
		"the account is wrong")
	s.AccessToken = rand.Text()
	w.Header().Set("authorization", s.AccessToken)
	writeJSON(w, map[string]any{"response": map[string]any{"status": "Success"}, "errors": nil})
}

func (s *Server) signingCertificates(w http.ResponseWriter, r *http.Request, _ []byte) {
	s.check(r.URL.RawQuery == "applicationId=IDA&referenceId=SIGN", "query is %s", r.URL.RawQuery)
	s.check(r.Header.Get("Authorization") == "Authorization", "Authorization is %q", r.Header.Get("Authorization"))
	if r.Header.Get("Cookie") != "Authorization="+s.AccessToken {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	all := []any{}
	for _, c := range s.Published {
		data := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Certificate.Raw})
		all = append(all, map[string]any{"certificateData": string(data), "keyId": c.keyID(), "issuedAt": "…", "expiryAt": "…"})
	}
	writeJSON(w, map[string]any{"response": map[string]any{"allCertificates": all}, "errors": []any{}})
}
