// Wallet is a wallet for demonstrations: it binds a key to one of the invented people of examples/server, and logs them in
// at a page that shows a QR code.
//
//	go run ./examples/wallet                                       a page on http://localhost:8083
//	go run ./examples/wallet -file wallet.json bind 2740198356     asks for the one-time code
//	go run ./examples/wallet -file wallet.json link LINK           takes a deep link or a link code, says who asks for what, and asks
package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"time"

	"github.com/gosignet/signet/examples/wallet/simulator"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdin, os.Stdout); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

const usage = `wallet [flags]                     a page on which a person binds a key and takes logins
wallet [flags] bind IDENTIFIER     binds the key to the person, who is asked for a one-time code
wallet [flags] link LINK           takes a deep link or a link code, says who asks for what, and asks

`

// run does what the arguments say.
func run(ctx context.Context, args []string, in io.Reader, out io.Writer) error {
	flags := flag.NewFlagSet("wallet", flag.ContinueOnError)
	flags.SetOutput(out)
	var c simulator.Config
	flags.StringVar(&c.API, "api", "http://localhost:8080/v1/esignet", "`URL` of the provider's API")
	flags.StringVar(&c.File, "file", "", "`file` for the key; empty: memory, until it stops")
	flags.StringVar(&c.Token, "token", "", "bearer `token` for binding, where the provider asks for one")
	listen := flags.String("listen", "localhost:8083", "loopback `address` of the page")
	flags.Usage = func() {
		fmt.Fprint(out, usage)
		flags.PrintDefaults()
	}
	if err := flags.Parse(args); err != nil {
		return err
	}
	w, err := simulator.New(c)
	if err != nil {
		return err
	}
	lines := bufio.NewScanner(in)
	switch command := flags.Arg(0); command {
	case "":
		return serve(ctx, *listen, w, out)
	case "bind":
		if err := w.SendCode(ctx, flags.Arg(1)); err != nil {
			return err
		}
		return w.Bind(ctx, flags.Arg(1), ask(lines, out, "One-time code: "))
	case "link":
		return link(ctx, w, simulator.CodeIn(flags.Arg(1)), lines, out)
	default:
		return fmt.Errorf("wallet: %q is neither bind nor link", command)
	}
}

func link(ctx context.Context, w *simulator.Wallet, code string, lines *bufio.Scanner, out io.Writer) error {
	if w.Owner() == "" {
		return simulator.ErrNotBound
	}
	r, err := w.Link(ctx, code)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "%s asks for\n  required: %s\n  optional: %s\n", r.Name(), strings.Join(r.Essential, ", "),
		strings.Join(append(r.Voluntary, r.Scopes...), ", "))
	switch ask(lines, out, "Approve? (yes, all or no) ") {
	case "yes":
		return w.Approve(ctx, r, nil, nil)
	case "all":
		return w.Approve(ctx, r, r.Voluntary, r.Scopes)
	}
	fmt.Fprintln(out, "Nothing was shared.")
	return nil
}

func ask(lines *bufio.Scanner, out io.Writer, question string) string {
	fmt.Fprint(out, question)
	lines.Scan()
	return strings.TrimSpace(lines.Text())
}

func serve(ctx context.Context, address string, w *simulator.Wallet, out io.Writer) error {
	server := &http.Server{Addr: address, Handler: simulator.NewPage(w), ReadHeaderTimeout: 10 * time.Second}
	context.AfterFunc(ctx, func() { server.Close() })
	fmt.Fprintf(out, "The wallet is at http://%s\n", address)
	if err := server.ListenAndServe(); err != http.ErrServerClosed {
		return err
	}
	return nil
}
