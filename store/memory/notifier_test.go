package memory_test

import (
	"context"
	"runtime"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gosignet/signet/store/memory"
)

// It counts goroutines and measures the heap, and therefore runs alone.
func TestSubscribersCostNoGoroutineAndAreFreedWithTheirContext(t *testing.T) {
	const subscribers, most = 10_000, 4096 // bytes of each
	s, _ := newStore(t, memory.Config{})
	goroutines, before := runtime.NumGoroutine(), heapInUse()
	ctx, end := context.WithCancel(t.Context())
	hints := make([]<-chan struct{}, subscribers)
	for i := range hints {
		request, done := context.WithCancel(ctx)
		defer done()
		var err error
		hints[i], err = s.Subscribe(request, strconv.Itoa(i))
		require.NoError(t, err)
	}
	assert.LessOrEqual(t, runtime.NumGoroutine(), goroutines)
	assert.Less(t, int64(heapInUse())-int64(before), int64(subscribers*most))

	require.NoError(t, s.Notify(ctx, "7"))
	assert.Len(t, hints[7], 1)
	assert.Empty(t, hints[8])

	full := heapInUse()
	end()
	require.Eventually(t, func() bool { return s.Topics() == 0 }, time.Minute, time.Millisecond, "a subscription ends with its context")
	assert.Less(t, heapInUse(), full)
	runtime.KeepAlive(hints)
}
