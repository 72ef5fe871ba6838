package wallet_test

import (
	"context"
	"fmt"
	"time"

	"github.com/gosignet/signet/authenticator"
	"github.com/gosignet/signet/wallet"
)

func ExampleApp_Link() {
	app := wallet.App{Name: "Inji", DeepLink: "inji://link?code={LINK_CODE}&expires={LINK_EXPIRE_DT}"}
	if err := app.Validate(); err != nil {
		panic(err)
	}
	link := app.Link(wallet.Code{
		Code:      "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
		ExpiresAt: time.Date(2031, 3, 14, 9, 26, 53, 0, time.UTC),
	})
	svg, err := wallet.QR(link, "Scan with Inji")
	if err != nil {
		panic(err)
	}
	fmt.Println(link)
	fmt.Println(svg[:60])
	// Output:
	// inji://link?code=dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk&expires=2031-03-14T09:26:53.000Z
	// <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 49 49"
}

// The page asks for a code, shows it and waits; the wallet does the rest.
func ExampleLinker() {
	page := func(ctx context.Context, l *wallet.Linker, app *wallet.App, login string) (redirect string, err error) {
		code, err := l.LinkCode(ctx, login)
		if err != nil {
			return "", err
		}
		if _, err := wallet.QR(app.Link(code), "Scan with "+app.Name); err != nil { // to be shown
			return "", err
		}
		for seen := wallet.Unlinked; ; {
			s, err := l.Status(ctx, login, code.Code, seen, 25*time.Second)
			if err != nil {
				return "", err
			}
			if seen = s.Stage; seen == wallet.Done {
				return s.Login.Response.URL(), nil
			}
		}
	}
	phone := func(ctx context.Context, l *wallet.Linker, code, proof, signature string) error {
		t, err := l.Link(ctx, code)
		if err != nil {
			return err
		}
		answer := authenticator.Challenge{Factor: authenticator.Wallet, Response: proof}
		if _, err := l.Authenticate(ctx, t.Handle, authenticator.Identifier{}, answer); err != nil {
			return err
		}
		_, err = l.Consent(ctx, t.Handle, wallet.Decision{Claims: t.Essential, Signature: signature})
		return err
	}
	_, _ = page, phone
}
