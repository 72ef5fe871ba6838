package ui_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/login"
	"github.com/gosignet/signet/oauth"
	"github.com/gosignet/signet/ui"
)

func TestThePurposeOfAClientIsSaid(t *testing.T) {
	t.Parallel()
	titled := map[string]string{"": "Renew <your> licence", "fra": "Renouveler votre permis"}
	for name, c := range map[string]struct {
		purpose  *oauth.Purpose
		language string
		want     string
	}{
		"none given": {nil, "en", "Log in to Health Portal Choose how you want to prove who you are. Log in with a one-time code"},
		"login":      {&oauth.Purpose{Type: "login"}, "en", "Log in to Health Portal Choose how you want to prove who you are. Log in with a one-time code"},
		"verify":     {&oauth.Purpose{Type: "verify"}, "en", "Prove who you are to Health Portal Choose how you want to prove who you are. Prove who you are with one-time code"},
		"link":       {&oauth.Purpose{Type: "link"}, "en", "Link your ID with Health Portal Choose how you want to prove who you are. Link with one-time code"},
		"none":       {&oauth.Purpose{Type: "none"}, "en", "Choose how you want to prove who you are. Log in with a one-time code"},
		"title":      {&oauth.Purpose{Type: "verify", Title: titled}, "en", "Renew <your> licence Choose how you want to prove who you are. Prove who you are with one-time code"},
		"sub-title":  {&oauth.Purpose{Type: "login", SubTitle: titled}, "en", "Log in to Health Portal Renew <your> licence Log in with a one-time code"},
		"language":   {&oauth.Purpose{Type: "login", Title: titled}, "fr", "Renouveler votre permis Choisissez comment vous voulez prouver qui vous êtes."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client := &oauth.Client{Names: map[string]string{"": "Health Portal"}, Purpose: c.purpose}
			f := newFakeLogin(t, &login.State{Step: login.StepChoose, Client: client, UILocales: []string{c.language},
				Options: []authenticator.FactorSet{{authenticator.OTP}, {authenticator.Password}}}, nil)
			assert.Contains(t, f.page().text(), "portal.example.org "+c.want)
			f.flow.put(fakeHandle, &login.State{Step: login.StepVerify, Factor: authenticator.Password, Client: client, UILocales: []string{c.language}})
			page := f.page()
			if c.purpose != nil && c.purpose.Title != nil {
				assert.Contains(t, page.body, `<small id="purpose" dir="auto"`+map[bool]string{true: "", false: ` lang=""`}[c.language == "fr"]+`>Re`, "the only way to log in has no heading for it")
			} else {
				assert.NotContains(t, page.body, `id="purpose"`)
			}
		})
	}
}

func TestAClientMayLeaveOutTheLinksForAnAccount(t *testing.T) {
	t.Parallel()
	yes, no := true, false
	for name, c := range map[string]struct {
		wish  *bool
		shown bool
	}{"nothing said": {nil, true}, "wanted": {&yes, true}, "not wanted": {&no, false}} {
		client := &oauth.Client{Names: map[string]string{"": "Health Portal"}, SignUpBanner: c.wish, ForgottenPasswordLink: c.wish}
		f := newFakeLogin(t, &login.State{Step: login.StepVerify, Factor: authenticator.Password, Client: client}, func(config *ui.Config) {
			config.Links = ui.Links{SignUp: "https://join.example.org/", ForgottenPassword: "https://join.example.org/reset"}
		})
		body := f.page().body
		assert.Equal(t, c.shown, strings.Contains(body, `id="sign-up"`), name)
		assert.Equal(t, c.shown, strings.Contains(body, `id="forgot-password-hyperlink"`), name)
	}
}

func TestMoreThanFourWaysFold(t *testing.T) {
	t.Parallel()
	ways := []authenticator.FactorSet{{"otp"}, {"pwd"}, {"pin"}, {"bio"}, {"pop"}, {"kba"}}
	for n := range len(ways) {
		f := newFakeLogin(t, &login.State{Step: login.StepChoose, Options: ways[:n+1]}, nil)
		shown, folded, folds := strings.Cut(f.page().body, `<summary id="show-more-options">More ways to log in</summary>`)
		assert.Equal(t, n+1 > 4, folds)
		assert.Equal(t, min(n+1, 4), strings.Count(shown, `class="option"`))
		assert.Equal(t, max(0, n+1-4), strings.Count(folded, `class="option"`))
	}
}
