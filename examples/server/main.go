// Command server is the reference server: an OpenID Provider over the invented people of authenticator/mock, and beside
// it the Health Portal to log in to.
//
//	go run ./examples/server
//
// Without arguments it needs nothing and keeps nothing: keys, logins and tokens live in memory. -store, -state and -keys
// put them into PostgreSQL, Redis and an HSM, for as many instances as there are. -help lists what can be set; each flag
// has an environment variable of the same name, -log-format being SIGNET_LOG_FORMAT.
//
// With a command in place of the flags it administers the same state: "server client create -file portal.json" registers
// a relying party, "server keys rotate" changes the keys.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	err := run(ctx, os.Args[1:], os.Getenv, os.Stdin, os.Stdout, os.Stderr)
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "server:", err)
		os.Exit(1)
	}
}
