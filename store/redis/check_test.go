package redis_test

import (
	"context"
	"strings"
	"testing"

	goredis "github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/internal/redistest"
	"github.com/gosignet/signet/store/redis"
)

func TestCheckRefusesServersThatForget(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		arguments []string
		want      string // nothing if the server will do
		rollback  string // the same where AllowRollback is set
	}{
		"Volatile":         {},
		"Durable":          {arguments: []string{"--appendonly", "yes", "--appendfsync", "always", "--save", "60 1"}},
		"Evicting":         {[]string{"--maxmemory-policy", "allkeys-lru"}, "maxmemory-policy is allkeys-lru", "maxmemory-policy"},
		"EvictingVolatile": {[]string{"--maxmemory-policy", "volatile-ttl"}, "maxmemory-policy is volatile-ttl", "maxmemory-policy"},
		"Snapshots":        {[]string{"--save", "60 1"}, `save is "60 1"`, ""},
		"EverySecond":      {[]string{"--appendonly", "yes", "--appendfsync", "everysec"}, `appendfsync is "everysec"`, ""},
		"Hidden":           {[]string{"--rename-command", "CONFIG", ""}, "does not tell its setting save", ""},
		"Replica":          {[]string{"--replicaof", "127.0.0.1 1"}, "not a master", "not a master"},
		"NodeOfACluster":   {[]string{"--cluster-enabled", "yes"}, "a node of a cluster", "a node of a cluster"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := redistest.StartWith(t, redistest.Options{Arguments: test.arguments})
			for allow, want := range map[bool]string{false: test.want, true: test.rollback} {
				s, err := redis.New(redis.Config{URL: server.URL(), AllowRollback: allow})
				require.NoError(t, err)
				defer s.Close()
				if err = s.Check(t.Context()); want == "" {
					require.NoError(t, err)
				} else {
					require.ErrorContains(t, err, want)
				}
			}
		})
	}
}

func TestCheckLooksAtEveryNodeOfACluster(t *testing.T) {
	t.Parallel()
	cluster := redistest.StartCluster(t)
	s := newStore(t, redis.Config{URL: cluster.URL()})
	node := cluster.Nodes[2].Client()
	require.NoError(t, node.ConfigSet(t.Context(), "maxmemory-policy", "allkeys-random").Err())
	err := s.Check(t.Context())
	require.ErrorContains(t, err, "maxmemory-policy is allkeys-random")
	require.ErrorContains(t, err, node.Options().Addr)
}

// pretending makes a server say that it has another version.
type pretending string

func (pretending) DialHook(next goredis.DialHook) goredis.DialHook { return next }

func (pretending) ProcessPipelineHook(next goredis.ProcessPipelineHook) goredis.ProcessPipelineHook {
	return next
}

func (p pretending) ProcessHook(next goredis.ProcessHook) goredis.ProcessHook {
	return func(ctx context.Context, cmd goredis.Cmder) error {
		err := next(ctx, cmd)
		if text, ok := cmd.(*goredis.StringCmd); ok && cmd.Name() == "info" {
			lines := strings.Split(text.Val(), "\r\n")
			for i, line := range lines {
				if strings.HasPrefix(line, "redis_version:") {
					lines[i] = "redis_version:" + string(p)
				}
			}
			text.SetVal(strings.Join(lines, "\r\n"))
		}
		return err
	}
}

func TestCheckRefusesOldServers(t *testing.T) {
	t.Parallel()
	addr := redistest.Shared(t).Client().Options().Addr
	for version, accepted := range map[string]bool{
		"6.2.0": true, "6.2": true, "6.10.1": true, "7.0.15": true, "10.0.0": true,
		"6.1.9": false, "6.0.20": false, "5.9.9": false, "": false, "new": false, "7": false,
	} {
		client := goredis.NewClient(&goredis.Options{Addr: addr})
		defer client.Close()
		client.AddHook(pretending(version))
		s, err := redis.New(redis.Config{Client: client, Prefix: "check:"})
		require.NoError(t, err)
		defer s.Close()
		if err = s.Check(t.Context()); accepted {
			require.NoError(t, err, version)
		} else {
			require.ErrorContains(t, err, "6.2 is the oldest that will do", version)
		}
	}
}
