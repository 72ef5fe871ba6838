package redis_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/internal/redistest"
	"github.com/gosignet/signet/store"
	"github.com/gosignet/signet/store/redis"
)

func TestSlotsMoveWhileTheStoreIsUsed(t *testing.T) {
	t.Parallel()
	ctx, cluster := t.Context(), redistest.StartCluster(t)
	s := newOpenStore(t, redis.Config{URL: cluster.URL()})
	source, target := cluster.Nodes[0].Client(), cluster.Nodes[1].Client()
	id := func(i int) string {
		name, err := cluster.Nodes[i].Client().Do(ctx, "cluster", "myid").Text()
		require.NoError(t, err)
		return name
	}
	// A value whose slot is the source's.
	key, slot := "", int64(0)
	for i := 0; key == ""; i++ {
		name := fmt.Sprint("key", i)
		require.NoError(t, s.Put(ctx, name, []byte("value"), minute))
		if names := source.Keys(ctx, "*}v:"+name).Val(); len(names) == 1 {
			key, slot = name, source.ClusterKeySlot(ctx, names[0]).Val()
		}
	}
	require.NoError(t, target.Do(ctx, "cluster", "setslot", slot, "importing", id(0)).Err())
	require.NoError(t, source.Do(ctx, "cluster", "setslot", slot, "migrating", id(1)).Err())

	_, err := s.Take(ctx, key)
	require.NoError(t, err, "it has not moved yet")
	require.NoError(t, s.Put(ctx, key, []byte("moving"), minute), "the source sends us to the target")
	require.Len(t, target.Keys(ctx, "*}v:"+key).Val(), 1)
	require.NoError(t, s.Replace(ctx, key, []byte("moving"), []byte("moved"), minute))
	counter, err := s.Increment(ctx, key, 1, minute)
	require.NoError(t, err)
	require.EqualValues(t, 1, counter.N)
	results := s.Do(ctx, []store.Operation{
		{Verb: store.VerbGet, Key: key}, {Verb: store.VerbIncrement, Key: key, Delta: 1, TTL: minute},
	})
	require.NoError(t, results[0].Err)
	require.NoError(t, results[1].Err)
	require.Equal(t, "moved", string(results[0].Value))
	require.EqualValues(t, 2, results[1].Counter.N)
	require.ErrorIs(t, s.Add(ctx, key, nil, minute), store.ErrExists)
	require.ErrorContains(t, use(t, s, key, time.Hour), "TRYAGAIN", "the marker is here and the value there")

	for _, name := range source.ClusterGetKeysInSlot(ctx, int(slot), 100).Val() {
		host := cluster.Nodes[1].Client().Options().Addr
		var port string
		_, err := fmt.Sscanf(host, "127.0.0.1:%s", &port)
		require.NoError(t, err)
		require.NoError(t, source.Do(ctx, "migrate", "127.0.0.1", port, name, 0, 5000).Err())
	}
	for _, node := range cluster.Nodes {
		require.NoError(t, node.Client().Do(ctx, "cluster", "setslot", slot, "node", id(1)).Err())
	}
	require.ErrorIs(t, s.Add(ctx, key, nil, minute), store.ErrExists, "the marker has moved too")
	value, err := s.Take(ctx, key)
	require.NoError(t, err)
	require.Equal(t, "moved", string(value))
	require.NoError(t, s.Add(ctx, key, nil, minute))
	for _, r := range newStore(t, redis.Config{URL: cluster.URL()}).Do(ctx, []store.Operation{
		{Verb: store.VerbTake, Key: key}, {Verb: store.VerbIncrement, Key: key, Delta: 1, TTL: minute},
	}) {
		require.NoError(t, r.Err)
	}
}
