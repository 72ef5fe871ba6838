package esignet_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/gosignet/signet/esignet"
)

func TestRedirectURIsHaveAnAuthorityAndAPlainPath(t *testing.T) {
	t.Parallel()
	for uri, valid := range map[string]bool{
		"https://rp.example/cb":                     true,
		"https://rp.example":                        true,
		"https://rp.example/":                       true,
		"https://rp.example/a/../cb":                true,
		"https://rp.example:8443/cb?x=1#top":        true,
		"https://user@rp.example/cb":                true,
		"http://localhost:3000/userprofile":         true,
		"http://127.0.0.1/cb":                       true,
		"http://[::1]:8080/cb":                      true,
		"residentapp://oauth/done":                  true,
		"io.mosip.residentapp.inji://oauthredirect": true,
		"https://rp.example/a(b)'c;d$%20,!~*":       true,

		"":                              false,
		" ":                             false,
		"/cb":                           false,
		"rp.example/cb":                 false,
		"com.example.app:/cb":           false,
		"mailto:a@rp.example":           false,
		"1a://rp.example/cb":            false,
		"https:///cb":                   false,
		"https://*.rp.example/cb":       false,
		"https://-rp.example/cb":        false,
		"https://rp_.example/cb":        false,
		"https://rp..example/cb":        false,
		"https://rp.1/cb":               false,
		"https://256.1.1.1/cb":          false,
		"http://[::1/cb":                false,
		"https://rp.example:65536/cb":   false,
		"https://rp.example:/cb":        false,
		"https://rp.example:x/cb":       false,
		"https://rp.example//cb":        false,
		"https://rp.example/a//b":       false,
		"https://rp.example/../cb":      false,
		"https://rp.example/a/../../cb": false,
		"https://rp.example/a b":        false,
		"https://rp.example/a|b":        false,
		" https://rp.example/cb":        false,
		"https://rp.example/cb\n":       false,
	} {
		assert.Equal(t, valid, esignet.ValidRedirectURI(uri), "%q", uri)
	}
}

func FuzzRedirectURI(f *testing.F) {
	for _, s := range []string{"https://rp.example/cb", "a://[::1]:1/../x", "https://user@h:9/%2e%2e/"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if esignet.ValidRedirectURI(s) {
			assert.Contains(t, s, "://")
		}
	})
}
