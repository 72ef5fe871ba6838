package esignet

import (
	"context"
	"errors"
	"mime"
	"net/http"
	"slices"

	"github.com/gosignet/signet/oauth"
	"github.com/gosignet/signet/registry"
	"github.com/gosignet/signet/store"
)

// ClientRegistry is where clients are registered: a [registry.Registry].
type ClientRegistry interface {
	Create(ctx context.Context, actor string, c *oauth.Client) (*registry.Registration, error)
	Put(ctx context.Context, actor string, c *oauth.Client, version int64) (*registry.Registration, error)
	Activate(ctx context.Context, actor, id string, version int64) (*registry.Registration, error)
	Deactivate(ctx context.Context, actor, id string, version int64) (*registry.Registration, error)
	Get(ctx context.Context, id string) (*registry.Registration, error)
}

// ManagementConfig configures the registration of clients, and certificates for operators.
type ManagementConfig struct {
	// Clients is the registry. Required.
	Clients ClientRegistry
	// Ledger remembers which client has which key, of which no two may have the same. Required.
	Ledger store.Ledger
	// Bearer says whose tokens may call: add_oidc_client registers clients, update_oidc_client changes them, get_certificate
	// and upload_certificate are about certificates. Required, unless Open.
	Bearer *Bearer
	// Open lets everybody call who reaches the paths, as eSignet does with empty rules. For development, and where a proxy
	// asks for tokens.
	Open bool
	// ACRs are the authentication contexts that clients may be registered for. Required.
	ACRs []string
	// Claims are the names of the claims that clients may be registered for; [DefaultClaims] are those of eSignet. Required.
	Claims []string
	// Scopes are those that clients may ask for: in eSignet, whatever there is. Required.
	Scopes []string
	// Profile is that of the provider, eSignet's server profile: it is switched on for all clients.
	Profile oauth.Profile
	// Certificates are the provider's. Nil: /system-info is not served.
	Certificates CertificateStore
}

// DefaultClaims returns the claims that eSignet 1.8 registers clients for. A client may be registered for one that the identity
// system does not know, and gets the others.
func DefaultClaims() []string {
	return []string{
		"name", "address", "gender", "birthdate", "picture", "email", "phone_number", "individual_id", "phone_number_verified",
		"registration_type", "updated_at",
	}
}

func (c *ManagementConfig) validate() error {
	var errs []error
	for what, missing := range map[string]bool{
		"Clients is missing": c.Clients == nil, "Ledger is missing": c.Ledger == nil, "ACRs are missing": len(c.ACRs) == 0,
		"Claims are missing": len(c.Claims) == 0, "Scopes are missing": len(c.Scopes) == 0,
		"Bearer is missing; without it Open must say so": c.Bearer == nil && !c.Open,
		"Bearer and Open exclude each other":             c.Bearer != nil && c.Open,
	} {
		if missing {
			errs = append(errs, errors.New("esignet: ManagementConfig."+what))
		}
	}
	return errors.Join(errs...)
}

// serve mounts the endpoints.
func (c *ManagementConfig) serve(a *API) error {
	if c == nil {
		return nil
	}
	if err := c.validate(); err != nil {
		return err
	}
	m := newManager(*c)
	for _, v := range []struct {
		path           string
		create, update *shape
	}{
		{"oidc-client", createV1, updateV1}, {"oauth-client", createV2, updateV2}, {"client", createV3, updateV3},
	} {
		a.handle("POST /client-mgmt/"+v.path, c.Bearer.protect("add_oidc_client", a.managed(m, v.create, m.create)))
		a.handle("PUT /client-mgmt/"+v.path+"/{client_id}", c.Bearer.protect("update_oidc_client", a.managed(m, v.update, m.update)))
	}
	a.handle("PATCH /client-mgmt/client/{client_id}", c.Bearer.protect("update_oidc_client", a.managed(m, patchShape, m.update)))
	if c.Certificates != nil {
		c.serveSystemInfo(a)
	}
	return nil
}

// managed is the handler of requests of a shape.
func (a *API) managed(m *manager, s *shape, answer func(context.Context, string, *clientFields) (*clientAnswer, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || media != "application/json" {
			problem(w, http.StatusUnsupportedMediaType)
			return
		}
		f := &clientFields{shape: s, manager: m}
		if wrong := a.read(w, r, f); wrong != nil {
			a.respond(w, r, nil, wrong)
			return
		}
		response, err := answer(r.Context(), r.PathValue("client_id"), f)
		a.finish(w, r, response, err)
	})
}

// clientAnswer answers every call.
type clientAnswer struct {
	ClientID string `json:"clientId"`
	Status   string `json:"status"`
}

func answerOf(r *registry.Registration) *clientAnswer {
	status := "ACTIVE"
	if r.Status != registry.Active {
		status = "INACTIVE"
	}
	return &clientAnswer{r.ID, status}
}

// manager translates eSignet's registrations of clients.
type manager struct {
	ManagementConfig
	keys store.Collection[clientKey]
}

func newManager(c ManagementConfig) *manager {
	return &manager{c, store.Collection[clientKey]{Ledger: c.Ledger, Name: "esignet-client-keys"}}
}

// create registers a client.
func (m *manager) create(ctx context.Context, _ string, f *clientFields) (*clientAnswer, error) {
	c := &oauth.Client{ID: string(*f.ClientID), Names: map[string]string{}}
	m.apply(c, f)
	if err := m.checkRegistration(c); err != nil {
		return nil, err
	}
	if _, err := m.Clients.Get(ctx, c.ID); !errors.Is(err, oauth.ErrUnknownClient) {
		if err == nil {
			err = fail("duplicate_client_id", nil)
		}
		return nil, err
	}
	if err := m.claimKey(ctx, c); err != nil {
		if errors.Is(err, errDuplicateKey) {
			err = fail(f.shape.duplicateKey, err)
		}
		return nil, err
	}
	r, err := m.Clients.Create(ctx, actor(ctx), c)
	switch {
	case errors.Is(err, store.ErrExists):
		return nil, fail("duplicate_client_id", err)
	case err != nil:
		return nil, registryError(err)
	}
	return answerOf(r), nil
}

// maxTries bounds how often a change is made again because somebody else made one.
const maxTries = 8

// update changes a client: what the request does not have stays as it is, as far as the shape says so.
func (m *manager) update(ctx context.Context, id string, f *clientFields) (*clientAnswer, error) {
	for range maxTries {
		r, err := m.updateOnce(ctx, id, f)
		if errors.Is(err, store.ErrConflict) {
			continue
		}
		if err != nil {
			return nil, registryError(err)
		}
		return answerOf(r), nil
	}
	return nil, store.ErrConflict
}

func (m *manager) updateOnce(ctx context.Context, id string, f *clientFields) (*registry.Registration, error) {
	present, err := m.Clients.Get(ctx, id)
	if err != nil {
		return nil, err
	}
	c, err := present.Client()
	if err != nil {
		return nil, err
	}
	m.apply(c, f)
	if err := m.checkRegistration(c); err != nil {
		return nil, err
	}
	who := actor(ctx)
	// One that is to be inactive is so before anything else changes, one that is to be active after.
	if f.Status != nil && *f.Status == "INACTIVE" {
		if present, err = m.Clients.Deactivate(ctx, who, id, present.Version); err != nil {
			return nil, err
		}
	}
	if present, err = m.Clients.Put(ctx, who, c, present.Version); err != nil {
		return nil, err
	}
	if f.Status != nil && *f.Status == "ACTIVE" {
		return m.Clients.Activate(ctx, who, id, present.Version)
	}
	return present, nil
}

// registryError says in the API's words why the registry refused.
func registryError(err error) error {
	if errors.Is(err, oauth.ErrUnknownClient) {
		return fail("invalid_client_id", err)
	}
	if _, ok := errors.AsType[*registry.InvalidError](err); ok {
		return fail(invalidRequest, err)
	}
	return err
}

// checkRegistration finds what no rule of the API's own is about: those that this provider has beyond eSignet's.
func (m *manager) checkRegistration(c *oauth.Client) error {
	if m.Profile != oauth.ProfileNone {
		if len(c.RedirectURIPatterns) > 0 || slices.ContainsFunc(c.RedirectURIs, func(uri string) bool { return uri[:min(6, len(uri))] != "https:" }) {
			return fail("invalid_redirect_uri", errors.New("the profile wants https and no patterns"))
		}
		if !m.Profile.Allows(c.AssertionAlgorithm) {
			return fail("invalid_public_key", errors.New("the profile forbids the algorithm"))
		}
	}
	return nil
}
