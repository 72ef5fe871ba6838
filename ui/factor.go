package ui

import (
	"slices"
	"strings"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/login"
)

// hasPage reports whether a person can answer for the factor on a page. A wallet and the sign-up portal answer for theirs
// elsewhere, though a page may show a wallet's code; a country's own factor has the page of its form, or one field.
func hasPage(f authenticator.Factor) bool {
	return f != authenticator.Wallet && f != authenticator.IDToken
}

// offered returns the indices of the options that can be gone through on pages.
func (u *UI) offered(s *login.State) []int {
	var indices []int
	for i, set := range s.Options {
		if u.offersWallet(set) || !slices.ContainsFunc(set, func(f authenticator.Factor) bool { return !hasPage(f) }) {
			indices = append(indices, i)
		}
	}
	return indices
}

func (u *UI) options(l *locale, s *login.State, p purpose) []optionView {
	ways := u.offered(s)
	_, with := p.texts()
	views := make([]optionView, len(ways))
	for n, i := range ways {
		set := s.Options[i]
		var labels []string
		for _, f := range set {
			labels = append(labels, factorName(l, f))
		}
		o := optionView{
			Index: i, ID: "login_with_" + wayName(set), Icon: wayName(set), Alias: u.alias(set),
			Passkey: slices.Contains(set, authenticator.Passkey),
		}
		key := "factor." + o.Icon
		alone := s.IdentifierKnown || len(u.identifiers) > 0 // of several kinds, not each is a number
		switch {
		case alone && l.has(key+".hint_alone"):
			o.Hint = l.text(key + ".hint_alone")
		case l.has(key + ".hint"):
			o.Hint = l.text(key + ".hint")
		}
		if l.has(key+".button") && with == "choose.with" {
			o.Label = l.text(key + ".button")
		} else {
			o.Label = l.text(with, "methods", strings.Join(labels, l.text("choose.join")))
		}
		views[n] = o
	}
	return views
}

// alias is what eSignet's pages call the way, where that is something else: its wallets have names, and knowledge is "kbi".
func (u *UI) alias(set authenticator.FactorSet) string {
	switch {
	case len(set) == 1 && set[0] == authenticator.Knowledge:
		return "login_with_kbi"
	case len(set) == 1 && set[0] == authenticator.Wallet && len(u.wallets) > 0:
		return "login_with_" + strings.ToLower(strings.ReplaceAll(u.wallets[0].Name, " ", "_"))
	}
	return ""
}

// rememberedFirst puts the way that the browser remembers before the others.
func (v *visit) rememberedFirst(l *locale, s *login.State, ways []optionView) ([]optionView, bool) {
	way, _ := v.remembered()
	i := slices.IndexFunc(ways, func(o optionView) bool { return wayName(s.Options[o.Index]) == way })
	if i < 0 {
		return ways, false
	}
	first := ways[i]
	first.Hint = l.text("choose.remembered")
	return slices.Insert(slices.Delete(ways, i, i+1), 0, first), true
}

func factorName(l *locale, f authenticator.Factor) string {
	if key := "factor." + string(f) + ".name"; l.has(key) {
		return l.text(key)
	}
	return l.label("factor", string(f))
}

// maxBody bounds the body of a form: 16 KiB, and more where answers to a factor need more. Each byte of an answer may be
// three in a form, but for those of base64url.
func (u *UI) maxBody(step string, f authenticator.Factor) int64 {
	if step != "verify" {
		return maxFormBytes
	}
	n := int64(u.maxResponse(f))
	if f != authenticator.Biometrics {
		n *= 3
	}
	return max(maxFormBytes, n+4<<10)
}
