// Command conform checks a running provider against FAPI 2.0 and OpenID Connect.
//
//	conform init -issuer https://op.example -user 2740198356 -password … -out dir
//	conform -config dir/config.json [-issuer …] [-group oidc,fapi2-security] [-junit out.xml] [-html out.html]
//	conform oidf -issuer https://op.example -user … -password … -out dir
//
// init writes a configuration with fresh test keys, and the registrations of its clients for the provider. oidf does the
// same for the OpenID Foundation's own suite. The exit status of a check is 0 only if nothing failed.
package main

import (
	"context"
	"os"
	"os/signal"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	status := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(status)
}
