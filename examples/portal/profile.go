package portal

import (
	"errors"
	"html/template"
	"net/http"
	"slices"
)

// profile shows what the person shares. Whoever looks again sees what they share now.
func (p *Portal) profile(w http.ResponseWriter, r *http.Request) {
	s := p.session(r)
	if s == nil {
		http.Redirect(w, r, homePath, http.StatusSeeOther)
		return
	}
	s = p.refreshed(r, s)
	list := rows(s.userinfo.claims)
	var name value
	if i := slices.IndexFunc(list, func(r row) bool { return r.Name == "name" }); i >= 0 {
		name = list[i].Values[0]
	}
	p.render(w, r, p.pages.profile, http.StatusOK, page{
		Title:    "Your profile",
		SignedIn: true,
		Content: struct {
			Name              value
			Photo             template.URL
			Ended             bool
			Rows              []row
			Verified          []verification
			Signed            bool
			Sealed            string
			IDToken, Userinfo string
			Trace             *trace
		}{
			name, photo(s.userinfo.claims), s.ended, list, verifications(s.userinfo.claims[verifiedClaims]),
			s.userinfo.signed, pretty([]byte(s.userinfo.sealed)), pretty(s.idToken), pretty(s.userinfo.raw), s.trace,
		},
	})
}

// refreshed returns the session with what the provider says now, from the second look on and while the access token
// lives. Once the provider does not take it any more before its time, consent was taken back: what was shared is
// forgotten. If it cannot be asked, the portal shows what it knows.
func (p *Portal) refreshed(r *http.Request, s *session) *session {
	ctx, now := r.Context(), p.config.Now()
	if s.ended || s.seen && !s.access.expiry.IsZero() && !now.Before(s.access.expiry) {
		return s
	}
	n := *s
	n.seen = true
	if s.seen {
		party, err := p.provider.relyingParty(ctx)
		var info *userinfo
		if err == nil {
			info, err = p.provider.userinfo(ctx, party, s.access, s.subject)
		}
		switch {
		case errors.Is(err, errEnded):
			n.ended, n.userinfo, n.access = true, new(userinfo), accessToken{}
		case err != nil:
			p.log(ctx, "userinfo was not fetched again", err)
		default:
			n.userinfo = info
		}
	}
	p.replaceSession(r, s, &n)
	return &n
}
