package remote

import (
	"cmp"
	"crypto"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/store"
)

// ServerConfig configures a Handler. At least one way to authenticate requests is required: Keys, ClientCertificate, or
// both.
type ServerConfig struct {
	// Keys are the public keys of the signers whose requests are answered, of the kinds that [Config.Signer] has. Nil
	// means that signatures are not asked for.
	Keys []crypto.PublicKey
	// BaseURL is what clients have as theirs, which signatures are bound to. Required with Keys.
	BaseURL string
	// Replays remembers which signed requests were answered, for all instances that share it. Required with Keys.
	Replays store.Ephemeral
	// ClientCertificate asks for a client certificate that the HTTP server has verified (tls.RequireAndVerifyClientCert).
	// Whom its ClientCAs certify may ask, so they should certify nobody else.
	ClientCertificate bool

	// Timeout bounds what the Authenticator is given for one request. Zero means 10 seconds.
	Timeout time.Duration
	// MaxRequestBytes bounds a request. Zero means 1 MiB, or what answers to all factors at once need, as long as their
	// traits allow, if that is more.
	MaxRequestBytes int64
	// Now is the clock. Nil means time.Now.
	Now func() time.Time
	// Logger hears of requests that are not authenticated, and of an Authenticator that fails, panics or breaks its
	// contract. Nil means that nobody does.
	Logger *slog.Logger
}

func (c ServerConfig) withDefaults(can capabilities) ServerConfig {
	c.BaseURL = strings.TrimSuffix(c.BaseURL, "/")
	c.Timeout = cmp.Or(c.Timeout, 10*time.Second)
	if c.MaxRequestBytes == 0 {
		need := int64(64 << 10)
		for _, t := range can.Traits {
			need += 2 * int64(t.MaxResponse) // in JSON, quotes take two bytes
		}
		c.MaxRequestBytes = max(1<<20, need)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}

func (c ServerConfig) validate() error {
	var errs []error
	check := func(ok bool, message string) {
		if !ok {
			errs = append(errs, errors.New("remote: "+message))
		}
	}
	check(len(c.Keys) > 0 || c.ClientCertificate, "anybody could ask: there are no Keys, and no ClientCertificate is asked for")
	if len(c.Keys) > 0 {
		check(c.Replays != nil, "Keys need Replays")
		if err := validateURL(c.BaseURL, true); err != nil {
			errs = append(errs, err)
		}
	}
	check(c.Timeout > 0, "Timeout is negative")
	check(c.MaxRequestBytes > 0, "MaxRequestBytes is negative")
	return errors.Join(errs...)
}

// Handler serves an Authenticator under "/v1/", with all the abilities that it has of [authenticator.ChannelSender],
// [authenticator.FormProvider], [authenticator.Describer], [authenticator.Challenger], [authenticator.Recaller],
// [authenticator.KeyPublisher], [authenticator.KeyBinder] and [authenticator.Assurer]. It returns everything that is wrong with
// the configuration, or with the Authenticator's factors. The description is at "/v1/openapi.json", for everybody. A program
// that serves it below a path uses http.StripPrefix.
func Handler(a authenticator.Authenticator, c ServerConfig) (http.Handler, error) {
	if a == nil {
		return nil, errors.New("remote: no Authenticator")
	}
	s := newServer(a)
	c = c.withDefaults(s.capabilities)
	var keysErr error
	s.config = c
	s.verifier, keysErr = newVerifier(c.Keys, c.Now)
	if err := errors.Join(c.validate(), keysErr, s.capabilities.check()); err != nil {
		return nil, err
	}
	s.mux.HandleFunc("GET "+pathOpenAPI, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(openAPI)
	})
	s.mux.HandleFunc("GET "+pathCapabilities, get(s, s.getCapabilities, parseCapabilities))
	s.mux.HandleFunc("GET "+pathForms+"{factor}", get(s, s.getForm, parseForm))
	s.mux.HandleFunc("POST "+pathAuthenticate, answer(s, s.postAuthenticate, parseIdentity))
	s.mux.HandleFunc("POST "+pathClaims, answer(s, s.postClaims, parseClaims))
	s.mux.HandleFunc("POST "+pathCodes, answer(s, s.postCodes, parseReceipt))
	s.mux.HandleFunc("POST "+pathChallenges, answer(s, s.postChallenges, parseDevice))
	s.mux.HandleFunc("POST "+pathRecall, answer(s, s.postRecall, parseIdentity))
	s.mux.HandleFunc("POST "+pathBindings, answer(s, s.postBindings, parseBinding))
	s.mux.HandleFunc("POST "+pathVerifications, answer(s, s.postVerifications, parseVerifications))
	s.mux.HandleFunc("GET "+pathKeys, get(s, s.getKeys, parseKeys))
	s.mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { refuse(w, http.StatusNotFound) })
	return s, nil
}

type server struct {
	authenticator authenticator.Authenticator
	// What else the Authenticator is, nil if it is not.
	codes      authenticator.CodeSender
	forms      authenticator.FormProvider
	challenger authenticator.Challenger
	recaller   authenticator.Recaller
	keys       authenticator.KeyPublisher
	binder     authenticator.KeyBinder
	assurer    authenticator.Assurer

	capabilities capabilities // without forms and devices
	config       ServerConfig
	verifier     *verifier
	mux          http.ServeMux
}

// newServer finds out what the Authenticator can do.
func newServer(a authenticator.Authenticator) *server {
	s := &server{authenticator: a}
	s.codes, _ = a.(authenticator.CodeSender)
	s.forms, _ = a.(authenticator.FormProvider)
	s.challenger, _ = a.(authenticator.Challenger)
	s.recaller, _ = a.(authenticator.Recaller)
	s.keys, _ = a.(authenticator.KeyPublisher)
	s.binder, _ = a.(authenticator.KeyBinder)
	s.assurer = authenticator.AssurerOf(a)
	s.capabilities = capabilities{
		Versions: []int{1}, Factors: a.Factors(), Codes: s.codes != nil, Recall: s.recaller != nil, Keys: s.keys != nil,
		Bindings: s.binder != nil, Verifications: s.assurer != nil, Traits: make(map[authenticator.Factor]traits),
	}
	if sender, ok := a.(authenticator.ChannelSender); ok {
		s.capabilities.Channels = sender.Channels()
	}
	for _, f := range s.capabilities.Factors {
		s.capabilities.Traits[f] = traits(authenticator.TraitsOf(a, f))
	}
	return s
}

// ServeHTTP answers with a problem, too, if the Authenticator panics.
func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set(versionHeader, version)
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	defer func() {
		if p := recover(); p != nil {
			s.config.Logger.ErrorContext(r.Context(), "remote: the authenticator panicked", "type", fmt.Sprintf("%T", p))
			writeProblem(w, problem{Status: http.StatusServiceUnavailable, Reason: authenticator.Unavailable})
		}
	}()
	s.mux.ServeHTTP(w, r)
}
