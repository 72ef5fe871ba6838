// Command portal runs the health portal alone, against any OpenID Provider.
//
//	go run ./examples/portal/cmd/portal -issuer https://id.example -client-id portal -key portal.jwk
//
// The file of -key holds a private JWK. Its public half is registered at the provider, together with the redirect URI,
// which is that of -redirect-uri.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/gosignet/signet/examples/portal"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "portal:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("portal", flag.ContinueOnError)
	flags.SetOutput(stderr)
	listen := flags.String("listen", "localhost:8081", "`address` to listen on")
	issuer := flags.String("issuer", "http://localhost:8080", "the provider's issuer `URL`")
	clientID := flags.String("client-id", "health-portal", "the portal's client_id")
	keyFile := flags.String("key", "", "`file` with the portal's private JWK (required)")
	redirectURI := flags.String("redirect-uri", "http://localhost:8081/callback", "the registered redirect `URI`")
	scope := flags.String("scope", "openid profile email phone address", "scopes to ask for, separated by spaces")
	issOptional := flags.Bool("iss-optional", false, "accept responses without iss, from a provider without RFC 9207")
	encryptionKeyFile := flags.String("encryption-key", "", "`file` with the private JWK to which userinfo is encrypted, as registered")
	encryptedIDToken := flags.Bool("encrypted-id-token", false, "ID Tokens are encrypted to the key of -encryption-key, too")
	verified := flags.String("verified", "", "`claims` to have together with how they were verified, separated by spaces")
	purpose := flags.String("purpose", "", "`why` they are asked for, for people to read")
	recordACRs := flags.String("record-acr", "", "`acr` values that the medical record takes, separated by spaces")
	recordURL := flags.String("record-url", "", "`URL` of the resource that keeps the medical record")
	fapi2 := flags.Bool("fapi2", false, "log in by FAPI 2.0 only: push every request, and have every token bound to a key")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() > 0 {
		return fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	config := portal.Config{
		Issuer:      *issuer,
		ClientID:    *clientID,
		RedirectURI: *redirectURI,
		Scopes:      strings.Fields(*scope),
		IssOptional: *issOptional,
		FAPI2:       *fapi2,
		Logger:      slog.New(slog.NewTextHandler(stderr, nil)),

		VerifiedClaims:   strings.Fields(*verified),
		Purpose:          *purpose,
		EncryptedIDToken: *encryptedIDToken,
		Record:           portal.Record{ACRValues: strings.Fields(*recordACRs), URL: *recordURL},
	}
	var err error
	if config.Key, err = readKey("key", *keyFile); err != nil {
		return err
	}
	if *encryptionKeyFile != "" {
		if config.EncryptionKey, err = readKey("encryption-key", *encryptionKeyFile); err != nil {
			return err
		}
	}
	handler, err := portal.New(config)
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", *listen)
	if err != nil {
		return err
	}
	fmt.Fprintf(stdout, "Health Portal: http://%s\n", listener.Addr())
	return serve(ctx, listener, handler)
}

// readKey reads the JWK that a flag names the file of.
func readKey(flag, file string) (key jose.JSONWebKey, err error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return key, fmt.Errorf("-%s: %w", flag, err)
	}
	if err := json.Unmarshal(data, &key); err != nil {
		return key, fmt.Errorf("-%s: %s holds no JWK", flag, file)
	}
	return key, nil
}

// serve ends in an orderly way when the context does.
func serve(ctx context.Context, listener net.Listener, handler http.Handler) error {
	server := &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      30 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    32 << 10,
	}
	done := make(chan error, 1)
	go func() { done <- server.Serve(listener) }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
		defer cancel()
		return server.Shutdown(ctx)
	}
}
