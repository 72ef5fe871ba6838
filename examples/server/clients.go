package main

import (
	"fmt"
	"os"

	"github.com/gosignet/signet/oauth"
	"github.com/gosignet/signet/registry"
)

// readClients reads a JSON array of client registrations, as package registry understands them.
func readClients(file string) ([]*oauth.Client, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("-clients: %w", err)
	}
	clients, err := registry.ParseAll(data)
	if err != nil {
		return nil, fmt.Errorf("-clients: %s: %w", file, err)
	}
	return clients, nil
}
