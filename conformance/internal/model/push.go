package model

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
)

// pushed is a request that waits to be opened.
type pushed struct {
	request *request
	expires int64
	opened  bool
	spent   bool
}

const requestURILifetime = 60

func (p *Provider) servePush(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost && (r.Method != http.MethodPut || p.keeps(PARPostOnly)) {
		w.Header().Set("Allow", http.MethodPost)
		p.writeError(w, &refused{"invalid_request", "use POST", http.StatusMethodNotAllowed})
		return
	}
	r.ParseForm()
	if r.Method == http.MethodPut {
		writeJSON(w, http.StatusCreated, map[string]any{"request_uri": "urn:example:" + random(32), "expires_in": 60})
		return
	}
	req, e := p.push(w, r)
	if e != nil {
		p.writeError(w, e)
		return
	}
	uri := "urn:ietf:params:oauth:request_uri:" + p.secret(RequestURIUnguessable)
	if !p.keeps(RequestURIUnguessable) {
		uri = "urn:x:" + random(4)
	}
	req.requestURI = uri
	p.pushed[uri] = &pushed{request: req, expires: now() + requestURILifetime}
	answer := map[string]any{"request_uri": uri, "expires_in": requestURILifetime}
	if p.Tamper.Push != nil {
		p.Tamper.Push(answer)
	}
	status := http.StatusCreated
	if !p.keeps(PARCreated) {
		status = http.StatusOK
	}
	w.Header().Set("Cache-Control", "no-store")
	writeJSON(w, status, answer)
}

func (p *Provider) push(w http.ResponseWriter, r *http.Request) (*request, *refused) {
	var proof *proof
	if len(r.Header.Values("DPoP")) > 0 {
		if !p.keeps(ProofAtPAR) {
			return nil, refuse("invalid_request", "what is this proof for")
		}
		var e *refused
		if proof, e = p.readProof(w, r, ""); e != nil {
			return nil, e
		}
	}
	c, e := p.authenticate(r, "/par")
	if e != nil {
		return nil, e
	}
	if r.PostForm.Has("request_uri") && p.keeps(NoRequestURIAtPAR) {
		return nil, refuse("invalid_request", "request_uri cannot be pushed")
	}
	params := maps.Clone(r.PostForm)
	if object := r.PostForm.Get("request"); object != "" {
		if params, e = p.readObject(c, object); e != nil {
			return nil, e
		}
	} else if c.Signed && p.keeps(ObjectRequired) {
		return nil, refuse("invalid_request", "the request must be signed")
	}
	if !p.goodRedirectURI(c, params.Get("redirect_uri")) {
		if !p.keeps(RedirectErrorCode) {
			return nil, refuse("invalid_redirect_uri", "redirect_uri is not registered")
		}
		return nil, refuse("invalid_request", "redirect_uri is not registered")
	}
	if e := p.validate(c, params); e != nil {
		return nil, e
	}
	req := &request{client: c, params: params, jkt: params.Get("dpop_jkt")}
	if proof != nil {
		if req.jkt != "" && req.jkt != proof.jkt && p.keeps(MismatchRefused) {
			return nil, refuse("invalid_dpop_proof", "dpop_jkt is another key")
		}
		req.jkt, req.byProof = proof.jkt, true
	}
	return req, nil
}

// openPushed returns the pushed request that the browser comes with.
func (p *Provider) openPushed(query url.Values) (*request, *refused) {
	entry := p.pushed[query.Get("request_uri")]
	switch {
	case entry == nil, entry.spent && p.keeps(RequestURIOnce):
		return nil, refuse("invalid_request_uri", "unknown or spent request_uri")
	case entry.expires < now() && p.keeps(RequestURIExpires):
		return nil, refuse("invalid_request_uri", "the request_uri expired")
	case entry.request.client.ID != query.Get("client_id") && p.keeps(RequestURIBoundToClient):
		return nil, refuse("invalid_request_uri", "the request_uri belongs to another client")
	case entry.opened && !p.keeps(RequestURIReopens):
		return nil, refuse("invalid_request_uri", "the request_uri was opened before")
	case len(query) == 2 && !p.keeps(DuplicatesOptional):
		return nil, refuse("invalid_request", "parameters are missing")
	case len(query) > 2 && !p.keeps(DuplicatesTolerated):
		return nil, refuse("invalid_request", "parameters beside request_uri")
	}
	entry.opened = true
	if p.keeps(OutsideIgnored) {
		return entry.request, nil
	}
	mixed := *entry.request
	mixed.params = maps.Clone(mixed.params)
	for _, name := range []string{"state", "nonce", "redirect_uri"} {
		if query.Has(name) && slices.Contains(entry.request.client.RedirectURIs, mixed.redirectURI()) {
			mixed.params.Set(name, query.Get(name))
		}
	}
	return &mixed, nil
}
