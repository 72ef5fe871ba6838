package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"sync"

	"github.com/gosignet/signet/authenticator/mock"
	"github.com/gosignet/signet/store/memory"
)

// otherDefaults are the values of flags that are others for a command than for the server.
var otherDefaults = map[string]map[string]string{"mock": {"listen": "127.0.0.1:8082"}}

// mockCommands run the identity system of the invented people without a provider.
func mockCommands() map[string]command {
	return map[string]command{"mock": {
		usage: "mock", about: "Run the identity system of the invented people alone, over HTTP as eSignet's mock",
		flags: []string{"listen", "personas", "issuer", "demo-password", "log-format", "log-level", "shutdown-timeout"},
		run:   runMock,
	}}
}

// runMock serves the mock identity system until the context ends.
func runMock(ctx context.Context, t *terminal, _ []string) (err error) {
	personas, err := readPersonas(t.personas)
	if err != nil {
		return err
	}
	state, err := memory.New(memory.Config{})
	if err != nil {
		return err
	}
	people, err := mock.New(mock.Config{Password: t.demoPassword, Store: state, Personas: personas})
	if err != nil {
		return fmt.Errorf("-demo-password, -personas: %w", err)
	}
	defer func() { err = errors.Join(err, people.Close()) }()
	e, err := listen("listen", t.listen)
	if err != nil {
		return err
	}
	defer e.listener.Close() // harmless where the server has closed it
	if t.issuer == "" {
		t.issuer = e.url()
	}
	logger := t.logger(t.stderr)
	e.handle(mockAPI(people, t.issuer), logger)
	fmt.Fprintf(t.stdout, "\nThe mock identity system is at %s%s with %d people.\n"+
		"Whoever reaches it can be any of them, and change them. Ctrl-C stops it.\n\n", e.url(), mock.BasePath, len(people.Personas()))
	return serve(ctx, t.config, new(health), logger, []*endpoint{e})
}

// mockAPI serves the people over HTTP. The key that it signs with is made when somebody first asks: RSA takes a while.
func mockAPI(people *mock.Mock, issuer string) http.Handler {
	api := sync.OnceValues(func() (http.Handler, error) {
		return mock.NewAPI(mock.APIConfig{Mock: people, Issuer: issuer})
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		handler, err := api()
		if err != nil {
			answer(w, http.StatusInternalServerError, err.Error())
			return
		}
		handler.ServeHTTP(w, r)
	})
}

// readPersonas reads the file of -personas. Without one they are nil, which stands for those that are built in.
func readPersonas(file string) ([]mock.Persona, error) {
	if file == "" {
		return nil, nil
	}
	f, err := os.Open(file)
	if err != nil {
		return nil, fmt.Errorf("-personas: %w", err)
	}
	defer f.Close()
	personas, err := mock.ReadPersonas(f)
	if err != nil {
		return nil, fmt.Errorf("-personas: %s: %w", file, err)
	}
	return personas, nil
}
