package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/authenticator/mock"
)

const (
	signUpURL      = "https://signup.example/identity-verification"
	clinicCallback = "https://clinic.example/cb"

	// tomas is a person whose telephone number nobody has verified.
	tomas       = "3185507412"
	tomasMail   = "tomas.dvoracek@example.org"
	fromTelecom = "urn:example:telecom"
)

// leg is a browser on eSignet's pages, with the clinic and a sign-up portal, whose parts the test plays.
type leg struct {
	*esCaller
	portal   *esCaller // which has a key of its own
	people   string    // the identity system, over HTTP
	banner   string
	verifier string
}

// newLeg is a leg of the invented people of the server.
func newLeg(t *testing.T) *leg {
	t.Helper()
	l := legOf(t, "-mock-listen", "127.0.0.1:0")
	l.people = regexp.MustCompile(`People +(http://\S+)`).FindStringSubmatch(l.banner)[1]
	return l
}

// legOf is a leg of a server with the flags.
func legOf(t *testing.T, args ...string) *leg {
	t.Helper()
	s := start(t, append([]string{"-development", "-esignet-issuer", "open", "-signup-client", "signup", "-signup-url", signUpURL}, args...)...)
	l := &leg{esCaller: newESCaller(t, s), portal: newESCaller(t, s), banner: s.banner, verifier: strings.Repeat("v", 43)}
	l.fetchCSRF()
	clinic, portal := l.client(), l.portal.client()
	clinic["userClaims"], clinic["authContextRefs"] = []string{"phone_number"}, []string{"mosip:idp:acr:password"}
	portal["clientId"], portal["clientName"], portal["redirectUris"] = "signup", "Sign-up", []string{signUpURL}
	portal["userClaims"], portal["authContextRefs"] = []string{"email"}, []string{"mosip:idp:acr:id-token"}
	var registered members
	l.ok("POST", "/client-mgmt/client", clinic, &registered)
	l.ok("POST", "/client-mgmt/client", portal, &registered)
	return l
}

// transaction is one of a browser, by which further calls are bound.
type transaction struct {
	id      string
	configs members
	factors [][]members
	header  http.Header
}

// begin begins a transaction, of the client's request with more members.
func (l *leg) begin(client, redirectURI string, more members) *transaction {
	l.Helper()
	sum := sha256.Sum256([]byte(l.verifier))
	request := members{
		"clientId": client, "scope": "openid", "responseType": "code", "redirectUri": redirectURI, "nonce": uuid.NewString(), "state": "st",
		"codeChallenge": base64.RawURLEncoding.EncodeToString(sum[:]), "codeChallengeMethod": "S256",
	}
	for name, value := range more {
		request[name] = value
	}
	var details struct {
		TransactionID string
		Configs       members
		AuthFactors   [][]members
	}
	l.bound = nil
	response := l.ok("POST", "/authorization/v3/oauth-details", request, &details)
	hash := sha256.Sum256(response)
	tx := &transaction{id: details.TransactionID, configs: details.Configs, factors: details.AuthFactors, header: http.Header{
		"Oauth-Details-Key": {details.TransactionID}, "Oauth-Details-Hash": {base64.RawURLEncoding.EncodeToString(hash[:])},
	}}
	l.bound = tx.header
	return tx
}

// in makes a call in the transaction.
func (l *leg) in(tx *transaction, method, path string, more members) members {
	l.Helper()
	l.bound = tx.header
	request := members{"transactionId": tx.id}
	for name, value := range more {
		request[name] = value
	}
	var answer members
	l.ok(method, path, request, &answer)
	return answer
}

func challenge(factor, format, answer string) []members {
	return []members{{"authFactorType": factor, "format": format, "challenge": answer}}
}

// lacking is a transaction of tomas at the clinic, whose telephone number nobody verified.
func (l *leg) lacking() *transaction {
	l.Helper()
	tx := l.wanting()
	require.Equal(l, true, l.in(tx, "GET", "/authorization/claim-details", nil)["profileUpdateRequired"])
	return tx
}

// wanting is a transaction of tomas at the clinic, which needs his telephone number verified.
func (l *leg) wanting() *transaction {
	l.Helper()
	tx := l.beginWanting()
	var answer members
	l.ok("POST", "/authorization/v3/authenticate", l.byPassword(tx), &answer)
	return tx
}

// beginWanting is wanting before the person has answered anything.
func (l *leg) beginWanting() *transaction {
	l.Helper()
	return l.begin("clinic", clinicCallback, members{"claims": members{"userinfo": members{"verified_claims": members{
		"verification": members{"trust_framework": members{"value": fromTelecom}},
		"claims":       members{"phone_number": members{"essential": true}},
	}}}})
}

func (l *leg) byPassword(tx *transaction) members {
	return members{"transactionId": tx.id, "individualId": tomas, "challengeList": challenge("PWD", "alpha-numeric", "signet-demo")}
}

// userinfo is what the client, with the key of the caller, gets for the code.
func (l *leg) userinfo(c *esCaller, client, redirectURI string, code any) members {
	l.Helper()
	tokens := c.redeem(client, redirectURI, code.(string), l.verifier)
	req, err := http.NewRequestWithContext(l.Context(), http.MethodGet, l.base+"/oidc/userinfo", nil)
	require.NoError(l, err)
	req.Header.Set("Authorization", "Bearer "+tokens["access_token"].(string))
	res, err := http.DefaultClient.Do(req)
	require.NoError(l, err)
	defer res.Body.Close()
	jwt, err := io.ReadAll(res.Body)
	require.NoError(l, err)
	return payload(l.T, string(jwt))
}

func payload(t *testing.T, jwt string) (claims members) {
	t.Helper()
	parts := strings.Split(jwt, ".")
	require.Len(t, parts, 3, jwt)
	data, err := base64.RawURLEncoding.DecodeString(parts[1])
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(data, &claims))
	return claims
}

// verify has the identity system know that the telephone number of tomas was verified.
func (l *leg) verify() {
	l.Helper()
	body, err := json.Marshal(members{
		"requestTime": time.Now().UTC().Format("2006-01-02T15:04:05.000Z"),
		"request": members{"individualId": tomas, "active": true, "verificationDetail": members{
			"phone": members{"trust_framework": fromTelecom},
		}},
	})
	require.NoError(l, err)
	res, err := http.Post(l.people+"/identity/add-verified-claim", "application/json", bytes.NewReader(body))
	require.NoError(l, err)
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	require.NoError(l, err)
	require.Contains(l, string(answer), "added successfully")
}

func TestASignUpPortalRunsBesideTheServer(t *testing.T) {
	t.Parallel()
	newLeg(t).complete()
}

// whatRemotesAssure is what clients can have verified of the people of startRemote.
const whatRemotesAssure = `"assurance": {"trust_frameworks_supported": ["` + fromTelecom + `"], "claims_in_verified_claims_supported": ["phone_number"]}`

// serveVerifiable serves people to the server, as the member base_url and what goes with it, and their API to the portal.
func serveVerifiable(t *testing.T) (asRemote, api string) {
	t.Helper()
	people := newPeople(t)
	server := httptest.NewServer(mockAPI(people, "http://people.example"))
	t.Cleanup(server.Close)
	return `"type": "remote", "base_url": "` + serveRemote(t, people).URL + `", "allow_http": true, "key_file": "partner.key"`, server.URL + mock.BasePath
}

func TestASignUpPortalRunsBesideAServerWhosePeopleAreElsewhere(t *testing.T) {
	t.Parallel()
	t.Run("in another process", func(t *testing.T) {
		t.Parallel()
		asRemote, api := serveVerifiable(t)
		l := legOf(t, "-identity", configuration(t, `{`+asRemote+`, `+whatRemotesAssure+`}`))
		l.people = api
		l.complete()
	})
	t.Run("in one of several systems", func(t *testing.T) {
		t.Parallel()
		asRemote, api := serveVerifiable(t)
		l := legOf(t, "-identity", configuration(t, `{"type": "router", `+whatRemotesAssure+`, "systems": [
			{"name": "register", "choose": {"clients": ["nobody"]}, "config": {"type": "csv", "file": "register.csv", "iterations": 1000}},
			{"name": "citizens", "config": {`+asRemote+`}}]}`))
		l.people = api
		l.complete()
	})
}

func TestNobodyOfASystemThatSaysNothingIsSentToTheSignUpPortal(t *testing.T) {
	t.Parallel()
	asRemote, _ := serveVerifiable(t)
	l := legOf(t, "-identity", configuration(t, `{"type": "router", `+whatRemotesAssure+`, "systems": [
		{"name": "silent", "choose": {"clients": ["clinic"]},
			"config": {"type": "remote", "base_url": "`+serveRemote(t, silent{newPeople(t)}).URL+`", "allow_http": true, "key_file": "partner.key"}},
		{"name": "citizens", "config": {`+asRemote+`}}]}`))
	tx := l.wanting()
	assert.Equal(t, false, l.in(tx, "GET", "/authorization/claim-details", nil)["profileUpdateRequired"])
	code := l.in(tx, "POST", "/authorization/auth-code", members{"acceptedClaims": []string{"phone_number"}})
	assert.NotContains(t, l.userinfo(l.esCaller, "clinic", clinicCallback, code["code"]), "verified_claims", "it is left out")
}

// silent does not say how claims are verified.
type silent struct{ authenticator.Authenticator }

func TestALoginWaitsUntilThePeopleElsewhereSayWhatIsVerified(t *testing.T) {
	t.Parallel()
	var away atomic.Bool
	people := serveRemote(t, newPeople(t))
	whole := people.Config.Handler
	people.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/v1/verifications" && away.Load() {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		whole.ServeHTTP(w, r)
	})
	l := legOf(t, "-identity", configuration(t, `{"type": "remote", "base_url": "`+people.URL+`", "allow_http": true, "key_file": "partner.key", `+whatRemotesAssure+`}`))
	away.Store(true)
	tx := l.beginWanting()
	_, _, code := l.call("POST", "/authorization/v3/authenticate", l.byPassword(tx))
	assert.Equal(t, "auth_failed", code)
	_, _, code = l.call("POST", "/authorization/auth-code", members{"transactionId": tx.id, "acceptedClaims": []string{"phone_number"}})
	assert.NotEmpty(t, code, "nobody consents before it is known what to")
	away.Store(false)
	assert.Equal(t, true, l.in(tx, "GET", "/authorization/claim-details", nil)["profileUpdateRequired"])
}

// complete is the way to the portal and back.
func (l *leg) complete() {
	l.Helper()
	t := l.T
	left := l.lacking()
	assert.Equal(t, signUpURL, left.configs["eKYC-steps.config"], "where the pages take people")
	assert.Equal(t, [][]members{{{"type": "PWD", "count": 0., "subTypes": nil}}}, left.factors)
	hint := l.in(left, "POST", "/authorization/prepare-signup-redirect", members{"pathFragment": "urlInfo1"})["idToken"].(string)

	// The portal logs the person in, by what they bring along.
	tx := l.begin("signup", signUpURL, members{
		"idTokenHint": hint, "claims": members{"userinfo": members{"email": members{"essential": true}}},
	})
	assert.Equal(t, "IDT", tx.factors[0][0]["type"])
	answer, err := json.Marshal(members{"token": hint, "code": "code"})
	require.NoError(t, err)
	l.in(tx, "POST", "/authorization/v3/authenticate", members{
		"individualId": left.id, "challengeList": challenge("IDT", "base64url-encoded-json", base64.RawURLEncoding.EncodeToString(answer)),
	})
	code := l.in(tx, "POST", "/authorization/auth-code", members{"acceptedClaims": []string{"email"}})
	assert.Equal(t, "urlInfo1", code["state"], "where the pages go on")
	assert.Equal(t, tomasMail, l.userinfo(l.portal, "signup", signUpURL, code["code"])["email"], "the portal knows who has come")
	l.verify()

	// The pages go on with the login that was left.
	assert.Equal(t, members{"status": "COMPLETED"}, l.in(left, "POST", "/authorization/complete-signup-redirect", nil))
	code = l.in(left, "POST", "/authorization/auth-code", members{"acceptedClaims": []string{"phone_number"}})
	verified, _ := l.userinfo(l.esCaller, "clinic", clinicCallback, code["code"])["verified_claims"].(members)
	require.NotNil(t, verified)
	assert.Equal(t, members{"trust_framework": fromTelecom}, verified["verification"])
	assert.Contains(t, verified["claims"], "phone_number")
}

func TestALoginThatTheSignUpPortalDidNotCompleteIsNotGoneOnWith(t *testing.T) {
	t.Parallel()
	l := newLeg(t)
	left := l.lacking()
	l.in(left, "POST", "/authorization/prepare-signup-redirect", members{"pathFragment": "urlInfo1"})
	_, _, code := l.call("POST", "/authorization/complete-signup-redirect", members{"transactionId": left.id})
	assert.Equal(t, "verification_incomplete", code)
}

func TestThePagesOfTheServerTakeNobodyToTheSignUpPortal(t *testing.T) {
	t.Parallel()
	l := newLeg(t)
	sum := sha256.Sum256([]byte(l.verifier))
	v := visit(t, strings.TrimSuffix(l.base, "/v1/esignet")+"/authorize?"+url.Values{
		"client_id": {"clinic"}, "redirect_uri": {clinicCallback}, "response_type": {"code"}, "scope": {"openid"}, "nonce": {"n"},
		"code_challenge": {base64.RawURLEncoding.EncodeToString(sum[:])}, "code_challenge_method": {"S256"},
		"claims": {`{"userinfo":{"verified_claims":{"verification":{"trust_framework":{"value":"` + fromTelecom + `"}},
			"claims":{"phone_number":{"essential":true}}}}}`},
	}.Encode())
	v.press("verify_password", "identifier", tomas, "response", password)
	require.True(t, v.shows("proceed-button"), v.page)
	v.press("proceed-button")
	assert.Contains(t, v.page, "The verification service cannot be reached", "they have no ID Token for it")
	v.press("continue-without")
	assert.True(t, v.shows("continue"), v.page)
}

func TestWhatASignUpPortalNeedsIsSaid(t *testing.T) {
	t.Parallel()
	both := []string{"-signup-client", "signup", "-signup-url", signUpURL}
	for name, c := range map[string]struct {
		problem string
		args    []string
	}{
		"no address": {"-signup-client and -signup-url need each other", both[:2]},
		"no client":  {"-signup-client and -signup-url need each other", both[2:]},
		"no API":     {"-esignet=false", append([]string{"-esignet=false"}, both...)},
		"no https":   {"-signup-url: must be an https URL", []string{"-signup-client", "signup", "-signup-url", "http://signup.example/"}},
		"a fragment": {"-signup-url: must be an https URL", []string{"-signup-client", "signup", "-signup-url", signUpURL + "#x"}},
		"no ACR": {
			"none of the ACRs is reached by idt", append([]string{"-acrs", write(t, "a", `{"acrs": [{"value": "a", "alternatives": [["pwd"]]}]}`)}, both...),
		},
		"nobody who verifies": {
			"does not say how claims are verified",
			append([]string{"-identity", configuration(t, `{"type": "csv", "file": "register.csv", "iterations": 1000}`)}, both...),
		},
		"nobody of several who verifies": {
			"does not say how claims are verified",
			append([]string{"-identity", configuration(t, `{"type": "router", `+whatRemotesAssure+`, "systems": [
				{"name": "register", "config": {"type": "csv", "file": "register.csv", "iterations": 1000}}]}`)}, both...),
		},
		"nobody elsewhere who verifies": {
			"does not say how claims are verified",
			append([]string{"-identity", configuration(t, `{"type": "remote", "base_url": "`+serveRemote(t, silent{newPeople(t)}).URL+`",
				"allow_http": true, "key_file": "partner.key", `+whatRemotesAssure+`}`)}, both...),
		},
		"nothing that is verified": {
			`there is no "assurance" in the file of -identity`,
			append([]string{"-identity", configuration(t, `{"type": "remote", "base_url": "`+startRemote(t).URL+`", "allow_http": true, "key_file": "partner.key"}`)}, both...),
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			err := run(t.Context(), append([]string{"-listen", "127.0.0.1:0", "-portal-listen", ""}, c.args...), env(nil), strings.NewReader(""), &out, &out)
			require.ErrorContains(t, err, c.problem)
		})
	}
}
