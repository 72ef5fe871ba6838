package captcha_test

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"log"
	"net/netip"

	"github.com/gosignet/signet/captcha"
	"github.com/gosignet/signet/store/memory"
)

// A captcha that needs no third party: the person's device does some work.
func ExampleNewAltcha() {
	secret := make([]byte, 32) // the same in all instances
	rand.Read(secret)
	state, err := memory.New(memory.Config{})
	if err != nil {
		log.Fatal(err)
	}
	defer state.Close()
	verifier, err := captcha.NewAltcha(captcha.AltchaConfig{Secret: secret, Store: state})
	if err != nil {
		log.Fatal(err)
	}
	widget, err := verifier.Widget(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	var challenge struct{ Algorithm string }
	if err := json.Unmarshal(widget.Challenge, &challenge); err != nil {
		log.Fatal(err)
	}
	fmt.Println(widget.Kind, challenge.Algorithm)

	solved, err := verifier.Verify(context.Background(), "bm8gc29sdXRpb24=", netip.Addr{})
	fmt.Println(solved, err)
	// Output:
	// altcha SHA-256
	// false <nil>
}

// A captcha of a service.
func ExampleNewReCaptcha() {
	verifier, err := captcha.NewReCaptcha(captcha.ReCaptchaConfig{
		Service:   captcha.Turnstile(),
		SiteKey:   "1x00000000000000000000AA",
		Secret:    "the secret that belongs to it",
		Hostnames: []string{"id.example.org"},
	})
	if err != nil {
		log.Fatal(err)
	}
	widget, err := verifier.Widget(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(widget.ScriptURL, widget.Origins)
	// Output: https://challenges.cloudflare.com/turnstile/v0/api.js [https://challenges.cloudflare.com]
}
