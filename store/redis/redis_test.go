package redis_test

import (
	"strings"
	"testing"

	goredis "github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/internal/redistest"
	"github.com/gosignet/signet/store/redis"
	"github.com/gosignet/signet/store/storetest"
)

// newStore returns a Store that is ready.
func newStore(t testing.TB, c redis.Config) *redis.Store {
	t.Helper()
	s, err := redis.New(c)
	require.NoError(t, err)
	t.Cleanup(func() { s.Close() })
	require.NoError(t, s.Check(t.Context()))
	return s
}

// newOpenStore returns a Store on a new deployment.
func newOpenStore(t testing.TB, c redis.Config) *redis.Store {
	t.Helper()
	s := newStore(t, c)
	require.NoError(t, s.Begin(t.Context()))
	return s
}

func TestStoreKeepsTheContract(t *testing.T) {
	t.Parallel()
	keepsTheContract(t, redis.Config{URL: redistest.Shared(t).URL(), Prefix: "contract:"})
}

func TestStoreKeepsTheContractOnACluster(t *testing.T) {
	t.Parallel()
	keepsTheContract(t, redis.Config{URL: redistest.StartCluster(t).URL()})
}

func keepsTheContract(t *testing.T, c redis.Config) {
	storetest.Run(t, func(t testing.TB) storetest.Backend {
		return storetest.Backend{A: newOpenStore(t, c), B: newOpenStore(t, c)}
	})
	storetest.RunNotifier(t, func(t testing.TB) storetest.NotifierBackend {
		return storetest.NotifierBackend{A: newStore(t, c), B: newStore(t, c)}
	})
}

func TestStoreKeepsTheContractThroughAnOutage(t *testing.T) {
	t.Parallel()
	storetest.RunOutage(t, func(t testing.TB) storetest.OutageBackend {
		server := redistest.StartWith(t, redistest.Options{Durable: true})
		s := newOpenStore(t, redis.Config{URL: server.URL()})
		return storetest.OutageBackend{Ephemeral: s, Notifier: s, Stop: server.Kill, Start: server.Restart}
	})
}

func TestStoreKeepsTheContractThroughAnOutageOfACluster(t *testing.T) {
	t.Parallel()
	storetest.RunOutage(t, func(t testing.TB) storetest.OutageBackend {
		cluster := redistest.StartCluster(t)
		s := newStore(t, redis.Config{URL: cluster.URL()})
		return storetest.OutageBackend{Ephemeral: s, Notifier: s, Stop: cluster.Kill, Start: cluster.Restart}
	})
}

func TestNewReportsEveryMistake(t *testing.T) {
	t.Parallel()
	_, err := redis.New(redis.Config{Prefix: "with space"})
	require.ErrorContains(t, err, "URL or Client is missing")
	require.ErrorContains(t, err, `Prefix is "with space"`)

	client := goredis.NewClient(&goredis.Options{})
	defer client.Close()
	ring := goredis.NewRing(&goredis.RingOptions{})
	defer ring.Close()
	stale := goredis.NewClusterClient(&goredis.ClusterOptions{RouteRandomly: true})
	defer stale.Close()
	caching := goredis.NewClient(&goredis.Options{ClientSideCacheConfig: &goredis.ClientSideCacheConfig{}})
	defer caching.Close()
	for name, test := range map[string]struct {
		config redis.Config
		want   string
	}{
		"Both":        {redis.Config{URL: "redis://localhost", Client: client}, "both a URL and a Client"},
		"Ring":        {redis.Config{Client: ring}, "neither a *redis.Client nor a *redis.ClusterClient"},
		"Replicas":    {redis.Config{Client: stale}, "reads from replicas"},
		"ReplicasURL": {redis.Config{URL: "redis://localhost?addr=localhost:2&read_only=true"}, "reads from replicas"},
		"Cache":       {redis.Config{Client: caching}, "keeps a cache"},
		"Scheme":      {redis.Config{URL: "http://localhost"}, "invalid URL scheme"},
		"Option":      {redis.Config{URL: "redis://localhost?no_such_option=1"}, "no_such_option"},
		"SkipVerify":  {redis.Config{URL: "rediss://localhost?skip_verify=true"}, "anybody's certificate"},
		"HashTag":     {redis.Config{Client: client, Prefix: "{tag}"}, "braces"},
		"LongPrefix":  {redis.Config{Client: client, Prefix: strings.Repeat("x", 65)}, "64 bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := redis.New(test.config)
			assert.ErrorContains(t, err, test.want)
		})
	}
}

func TestErrorsDoNotQuoteThePassword(t *testing.T) {
	t.Parallel()
	for _, url := range []string{
		"redis://user:secret@local host", "redis://user:secret@localhost:port", "redis://user:sec%ret@localhost",
		"redis://user:secret@localhost/x/y", "redis://user:secret@localhost?addr=a&x=1", "redis://:secret/x@localhost",
	} {
		_, err := redis.New(redis.Config{URL: url})
		require.Error(t, err, url)
		assert.NotContains(t, err.Error(), "sec", url)
	}
}

func TestCloseLeavesAClientThatItWasGiven(t *testing.T) {
	t.Parallel()
	client := goredis.NewClient(&goredis.Options{Addr: redistest.Shared(t).Client().Options().Addr})
	defer client.Close()
	s, err := redis.New(redis.Config{Client: client})
	require.NoError(t, err)
	require.NoError(t, s.Close())
	require.NoError(t, client.Ping(t.Context()).Err())
}

func TestStoreNeedsFewRights(t *testing.T) {
	t.Parallel()
	ctx, server := t.Context(), redistest.Start(t)
	require.NoError(t, server.Client().Do(ctx, "acl", "setuser", "signet", "on", ">secret", "~signet:*", "&signet:*",
		"+get", "+set", "+getdel", "+exists", "+incrby", "+pttl", "+time", "+eval", "+evalsha", "+publish", "+subscribe",
		"+unsubscribe", "+ping", "+hello", "+info", "+config|get").Err())
	s := newOpenStore(t, redis.Config{URL: strings.Replace(server.URL(), "redis://", "redis://signet:secret@", 1)})
	hint := subscribe(t, ctx, s, "topic")
	require.NoError(t, s.Notify(ctx, "topic"))
	wait(t, hint)
	require.NoError(t, s.Add(ctx, "key", []byte("old"), minute))
	require.NoError(t, s.Replace(ctx, "key", []byte("old"), []byte("new"), minute))
	_, err := s.Take(ctx, "key")
	require.NoError(t, err)
	for _, delta := range []int64{1, 1, -3} {
		_, err = s.Increment(ctx, "key", delta, minute)
		require.NoError(t, err)
	}
}

func TestPrefixesSeparateDeployments(t *testing.T) {
	t.Parallel()
	url := redistest.Shared(t).URL()
	a := newOpenStore(t, redis.Config{URL: url, Prefix: "deployment-a:"})
	b := newOpenStore(t, redis.Config{URL: url, Prefix: "deployment-b:"})
	require.NoError(t, a.Add(t.Context(), "key", nil, minute))
	require.NoError(t, b.Add(t.Context(), "key", nil, minute))
	require.Empty(t, withoutExpiry(t, redistest.Shared(t).Client(), "deployment-a:"), "only markers stay")
}
