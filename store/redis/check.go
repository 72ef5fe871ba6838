package redis

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	goredis "github.com/redis/go-redis/v9"
)

// Check returns an error unless the server, or every master of the cluster, can be reached and keeps what it is given:
// see "Settings of the server". It lays the markers where they are missing.
func (s *Store) Check(ctx context.Context) error {
	var err error
	switch c := s.client.(type) {
	case *goredis.Client:
		err = s.checkServer(ctx, c, false)
	case *goredis.ClusterClient:
		err = c.ForEachMaster(ctx, func(ctx context.Context, node *goredis.Client) error {
			if err := s.checkServer(ctx, node, true); err != nil {
				return fmt.Errorf("node %s: %w", node.Options().Addr, err)
			}
			return nil
		})
	}
	if err == nil {
		_, err = s.Since(ctx)
		return err
	}
	return failure(ctx, err)
}

func (s *Store) checkServer(ctx context.Context, c *goredis.Client, cluster bool) error {
	text, err := c.Info(ctx).Result()
	if err != nil {
		return err
	}
	info := map[string]string{}
	for line := range strings.Lines(text) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), ":"); ok {
			info[name] = value
		}
	}
	var errs []error
	// Valkey says which Redis it is like.
	if version := info["redis_version"]; !isRecent(version) {
		errs = append(errs, fmt.Errorf("the server has version %q, 6.2 is the oldest that will do", version))
	}
	if role := info["role"]; role != "master" {
		errs = append(errs, fmt.Errorf("the server is a %s, not a master", role))
	}
	if !cluster && info["cluster_enabled"] == "1" {
		errs = append(errs, errors.New("the server is a node of a cluster: add addr=host:port of another one to the URL"))
	}
	if policy := info["maxmemory_policy"]; policy != "noeviction" {
		errs = append(errs, fmt.Errorf("maxmemory-policy is %s: the server may drop what lives; set it to noeviction", policy))
	}
	if !s.allowRollback {
		errs = append(errs, checkPersistence(ctx, c, info["aof_enabled"] == "1"))
	}
	return errors.Join(errs...)
}

// checkPersistence returns an error if the server can come back with an older state than it had.
func checkPersistence(ctx context.Context, c *goredis.Client, appendOnly bool) error {
	name, want := "save", ""
	if appendOnly {
		name, want = "appendfsync", "always"
	}
	settings, err := c.ConfigGet(ctx, name).Result()
	if value, ok := settings[name]; err != nil || !ok {
		return fmt.Errorf("the server does not tell its setting %s: if it is %q, set AllowRollback (%v)", name, want, err)
	} else if value != want {
		return fmt.Errorf(`%s is %q: after a crash the server would come back with an older state, and codes that were used with it; `+
			`set appendonly yes and appendfsync always, or save "" and appendonly no`, name, value)
	}
	return nil
}

func isRecent(version string) bool {
	first, rest, _ := strings.Cut(version, ".")
	second, _, _ := strings.Cut(rest, ".")
	major, err := strconv.Atoi(first)
	minor, err2 := strconv.Atoi(second)
	return err == nil && err2 == nil && (major > 6 || major == 6 && minor >= 2)
}
