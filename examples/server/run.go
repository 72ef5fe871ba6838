package main

import (
	"context"
	"errors"
	"flag"
	"io"
	"log/slog"
	"net/http"
	"strings"

	"github.com/gosignet/signet/oauth"
)

// run is a command, or the whole server until the context ends.
func run(ctx context.Context, args []string, getenv func(string) string, stdin io.Reader, stdout, stderr io.Writer) error {
	command, rest, err := findCommand(args)
	if err != nil {
		return err
	}
	if command != nil {
		return runCommand(ctx, command, rest, getenv, stdin, stdout, stderr)
	}
	c, err := parseConfig(args, getenv)
	if errors.Is(err, flag.ErrHelp) {
		writeHelp(stdout)
	}
	if err != nil {
		return err
	}
	logger := c.logger(stderr)
	var clients []*oauth.Client
	if c.clientsFile != "" {
		if clients, err = readClients(c.clientsFile); err != nil {
			return err
		}
	}
	var certificate *certificate
	if c.tlsCert != "" {
		if certificate, err = readCertificate(c.tlsCert, c.tlsKey); err != nil {
			return err
		}
		defer certificate.readOnHangup(logger)()
	}
	endpoints, err := listenAll(c, certificate)
	if err != nil {
		return err
	}
	defer closeAll(endpoints)
	if c.issuer == "" {
		c.issuer = endpoints.provider.url()
	}
	if endpoints.portal != nil {
		handler, client, err := newPortal(c, endpoints.portal, logger)
		if err != nil {
			return err
		}
		endpoints.portal.handle(handler, logger)
		clients = append(clients, client)
	}
	provider, err := newIdentityProvider(ctx, c, clients, logger)
	if err != nil {
		return err
	}
	h := &health{keys: provider.keys.Health, store: provider.state.ephemeral, ledger: provider.state.ledger, logger: logger}
	handler := echoInteractionID(c.trustedProxies.addressed(provider.handler))
	if strings.HasPrefix(c.issuer, "https:") {
		handler = c.trustedProxies.requireHTTPS(handler)
	}
	endpoints.handle(handler, h, logger)
	if wallets := provider.provider.Linker; wallets != nil {
		endpoints.provider.server.RegisterOnShutdown(wallets.Release)
	}
	if endpoints.mock != nil {
		endpoints.mock.handle(mockAPI(provider.identity.people, c.issuer), logger)
	}
	writeBanner(stdout, c, endpoints, provider.identity)
	err = serve(ctx, c, h, logger, endpoints.list())
	bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), c.shutdownTimeout)
	defer cancel()
	if err = errors.Join(err, provider.close(bounded)); err == nil {
		logger.Info("stopped")
	}
	return err
}

// endpoints are the listeners of the server. Others are nil where there are none.
type endpoints struct{ provider, portal, mock, ops *endpoint }

// list orders them for the end: the portal calls the provider, and supervisors watch until there is nothing to watch.
func (e *endpoints) list() []*endpoint {
	var list []*endpoint
	for _, endpoint := range []*endpoint{e.portal, e.provider, e.mock, e.ops} {
		if endpoint != nil {
			list = append(list, endpoint)
		}
	}
	return list
}

// listenAll opens all addresses, or says what is wrong with each. People and relying parties come by TLS if there is a
// certificate; supervisors do not need it.
func listenAll(c *config, cert *certificate) (*endpoints, error) {
	e := new(endpoints)
	var errs []error
	for _, l := range []struct {
		flag, address string
		endpoint      **endpoint
		certificate   *certificate
	}{
		{"listen", c.listen, &e.provider, cert},
		{"portal-listen", c.portalListen, &e.portal, cert},
		{"mock-listen", c.mockListen, &e.mock, nil},
		{"ops-listen", c.opsListen, &e.ops, nil},
	} {
		if l.address == "" {
			continue
		}
		endpoint, err := listen(l.flag, l.address)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		endpoint.certificate, endpoint.proxies = l.certificate, c.trustedProxies
		*l.endpoint = endpoint
	}
	if err := errors.Join(errs...); err != nil {
		closeAll(e)
		return nil, err
	}
	return e, nil
}

// handle mounts the provider and the health checks.
func (e *endpoints) handle(provider http.Handler, h *health, logger *slog.Logger) {
	mux := http.NewServeMux()
	mux.Handle("/", provider)
	if e.ops == nil {
		h.register(mux)
	} else {
		ops := http.NewServeMux()
		h.register(ops)
		e.ops.handle(ops, logger)
	}
	e.provider.handle(mux, logger)
}

func closeAll(e *endpoints) {
	for _, endpoint := range e.list() {
		endpoint.listener.Close() // harmless where the server has closed it
	}
}
