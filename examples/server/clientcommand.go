package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"text/tabwriter"

	"github.com/gosignet/signet/oauth"
	"github.com/gosignet/signet/registry"
	"github.com/gosignet/signet/store"
)

var (
	readFlags   = []string{"store"}
	changeFlags = []string{"store", "profile", "actor", "version"}
)

// clientCommands change and show the register of clients in -store.
func clientCommands() map[string]command {
	withFile := append([]string{"file"}, changeFlags...)
	return map[string]command{
		"client create": {"client create", "Register the clients of a file: one registration, or an array", withFile,
			clientCommand(createClients)},
		"client put": {"client put", "Replace the registration of a client with that of a file", withFile,
			clientCommand(func(ctx context.Context, t *terminal, r *registry.Registry, _ []string) error {
				data, err := t.input()
				if err != nil {
					return err
				}
				client, err := registry.Parse(data)
				if err != nil {
					return err
				}
				return t.show(r.Put(ctx, t.actor, client, t.version))
			})},
		"client patch": {"client patch <client_id>", "Change members of a registration: those of the file's JSON object; null removes one", withFile,
			clientCommand(func(ctx context.Context, t *terminal, r *registry.Registry, args []string) error {
				patch, err := t.input()
				if err != nil {
					return err
				}
				return t.show(r.Patch(ctx, t.actor, args[0], patch, t.version))
			})},
		"client activate": {"client activate <client_id>", "Serve a client again", changeFlags,
			clientCommand(func(ctx context.Context, t *terminal, r *registry.Registry, args []string) error {
				return t.show(r.Activate(ctx, t.actor, args[0], t.version))
			})},
		"client deactivate": {"client deactivate <client_id>", "Serve a client no longer, within seconds and on all instances", changeFlags,
			clientCommand(func(ctx context.Context, t *terminal, r *registry.Registry, args []string) error {
				return t.show(r.Deactivate(ctx, t.actor, args[0], t.version))
			})},
		"client show": {"client show <client_id>", "Show a registration", readFlags,
			clientCommand(func(ctx context.Context, t *terminal, r *registry.Registry, args []string) error {
				return t.show(r.Get(ctx, args[0]))
			})},
		"client history": {"client history <client_id>", "Show what a registration was before, and who changed it, the latest first", readFlags,
			clientCommand(func(ctx context.Context, t *terminal, r *registry.Registry, args []string) error {
				versions, err := r.History(ctx, args[0])
				if err != nil {
					return err
				}
				return t.write(versions)
			})},
		"client list": {"client list", "List the clients", readFlags, clientCommand(listClients)},
	}
}

// clientCommand opens the registry for the command.
func clientCommand(run func(context.Context, *terminal, *registry.Registry, []string) error) func(context.Context, *terminal, []string) error {
	return func(ctx context.Context, t *terminal, args []string) error {
		if t.store == "" {
			return errors.New("-store is missing: a register in memory ends with this command")
		}
		state, err := t.openLasting(ctx, slog.New(slog.NewTextHandler(t.stderr, nil)))
		if err != nil {
			return err
		}
		defer state.close()
		r, err := registry.New(registry.Config{
			Ledger: state.ledger, Notifier: state.notifier, Profile: t.config.profile, Development: true,
		})
		if err != nil {
			return err
		}
		defer r.Close()
		return explain(run(ctx, t, r, args))
	}
}

// explain says in the words of the commands what went wrong.
func explain(err error) error {
	switch {
	case errors.Is(err, oauth.ErrUnknownClient):
		return errors.New("there is no such client")
	case errors.Is(err, store.ErrExists):
		return errors.New("a client with this client_id is registered already, active or not; change it with put, patch or activate")
	case errors.Is(err, store.ErrConflict):
		return errors.New("the client was changed by somebody else: look at it again")
	}
	return err
}

// createClients registers every client of the file that it can, and says which it could not.
func createClients(ctx context.Context, t *terminal, r *registry.Registry, _ []string) error {
	data, err := t.input()
	if err != nil {
		return err
	}
	var clients []*oauth.Client
	if bytes.HasPrefix(bytes.TrimSpace(data), []byte("[")) {
		clients, err = registry.ParseAll(data)
	} else {
		clients = make([]*oauth.Client, 1)
		clients[0], err = registry.Parse(data)
	}
	if err != nil {
		return err
	}
	var errs []error
	for _, c := range clients {
		if err := t.show(r.Create(ctx, t.actor, c)); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", c.ID, explain(err)))
		}
	}
	return errors.Join(errs...)
}

func listClients(ctx context.Context, t *terminal, r *registry.Registry, _ []string) error {
	table := tabwriter.NewWriter(t.stdout, 0, 0, 3, ' ', 0)
	fmt.Fprintln(table, "CLIENT_ID\tSTATUS\tVERSION\tCHANGED AT\tBY")
	for after := ""; ; {
		page, err := r.List(ctx, after, 0)
		if err != nil {
			return err
		}
		for _, c := range page {
			fmt.Fprintf(table, "%s\t%s\t%d\t%s\t%s\n", c.ID, c.Status, c.Version, c.ChangedAt.UTC().Format("2006-01-02 15:04:05Z"), c.ChangedBy)
			after = c.ID
		}
		if len(page) < store.MaxList {
			return table.Flush()
		}
	}
}

// show writes a registration, or passes the error on.
func (t *terminal) show(r *registry.Registration, err error) error {
	if err != nil {
		return err
	}
	return t.write(r)
}

// write writes indented JSON.
func (t *terminal) write(v any) error {
	encoder := json.NewEncoder(t.stdout)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	return encoder.Encode(v)
}
