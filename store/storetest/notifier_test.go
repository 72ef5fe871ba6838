package storetest_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/gosignet/signet/store"
	"github.com/gosignet/signet/store/storetest"
)

// faultyNotifier is a correct notifier with a fault in a method.
type faultyNotifier struct {
	store.Notifier
	notify    func(ctx context.Context, n store.Notifier, topic string) error
	subscribe func(ctx context.Context, n store.Notifier, topic string) (<-chan struct{}, error)
}

func (f *faultyNotifier) Notify(ctx context.Context, topic string) error {
	if f.notify == nil {
		return f.Notifier.Notify(ctx, topic)
	}
	return f.notify(ctx, f.Notifier, topic)
}

func (f *faultyNotifier) Subscribe(ctx context.Context, topic string) (<-chan struct{}, error) {
	if f.subscribe == nil {
		return f.Notifier.Subscribe(ctx, topic)
	}
	return f.subscribe(ctx, f.Notifier, topic)
}

// relay passes hints on to a channel of its own until the context ends.
func relay(ctx context.Context, n store.Notifier, topic string, room int) (<-chan struct{}, error) {
	from, err := n.Subscribe(ctx, topic)
	if err != nil {
		return nil, err
	}
	hints := make(chan struct{}, room)
	go func() {
		for {
			select {
			case <-from:
				select {
				case hints <- struct{}{}:
				case <-ctx.Done():
				}
			case <-ctx.Done():
				return
			}
		}
	}()
	return hints, nil
}

// TestABrokenNotifierIsCaught breaks a correct notifier in one way after the other. Every rule catches a fault.
func TestABrokenNotifierIsCaught(t *testing.T) {
	t.Parallel()
	background := context.Background()
	const wait = 100 * time.Millisecond // for what does not come
	tests := []struct {
		fault string
		n     func() *faultyNotifier
		rule  string
	}{
		{"each handle has topics of its own", func() *faultyNotifier { return &faultyNotifier{} }, "NotifyWakes"},
		{"a subscription is for one hint", func() *faultyNotifier {
			return &faultyNotifier{subscribe: func(ctx context.Context, n store.Notifier, topic string) (<-chan struct{}, error) {
				ctx, end := context.WithCancel(ctx)
				from, err := n.Subscribe(ctx, topic)
				hints := make(chan struct{}, 1)
				go func() {
					defer end()
					select {
					case <-from:
						hints <- struct{}{}
					case <-ctx.Done():
					}
				}()
				return hints, err
			}}
		}, "NotifyWakes"},
		{"a subscription begins later", func() *faultyNotifier {
			return &faultyNotifier{subscribe: func(ctx context.Context, n store.Notifier, topic string) (<-chan struct{}, error) {
				hints := make(chan struct{}, 1)
				go func() {
					yield()
					from, _ := n.Subscribe(ctx, topic)
					for ctx.Err() == nil {
						select {
						case <-from:
							hints <- struct{}{}
						case <-ctx.Done():
						}
					}
				}()
				return hints, nil
			}}
		}, "NoHintIsLost"},
		{"hints are kept", func() *faultyNotifier {
			return &faultyNotifier{subscribe: func(ctx context.Context, n store.Notifier, topic string) (<-chan struct{}, error) {
				return relay(ctx, n, topic, 100)
			}}
		}, "HintsBecomeOne"},
		{"Notify waits for who does not read", func() *faultyNotifier {
			var mu sync.Mutex
			var all []chan struct{}
			return &faultyNotifier{
				subscribe: func(context.Context, store.Notifier, string) (<-chan struct{}, error) {
					mu.Lock()
					defer mu.Unlock()
					all = append(all, make(chan struct{}, 1))
					return all[len(all)-1], nil
				},
				notify: func(ctx context.Context, _ store.Notifier, _ string) error {
					mu.Lock()
					defer mu.Unlock()
					for _, hints := range all {
						select {
						case hints <- struct{}{}:
						case <-ctx.Done():
							return ctx.Err()
						}
					}
					return nil
				},
			}
		}, "HintsBecomeOne"},
		{"everybody is woken", func() *faultyNotifier { return topics(func(string) string { return "all" }) }, "TopicsAreApart"},
		{"topics are folded", func() *faultyNotifier { return topics(strings.ToLower) }, "TopicsAreApart"},
		{"topics are cut", func() *faultyNotifier {
			return topics(func(topic string) string { return topic[:min(len(topic), store.MaxKey-1)] })
		}, "TopicsAreApart"},
		{"the channel is closed", func() *faultyNotifier {
			var mu sync.Mutex
			subscribers := map[chan struct{}]context.Context{}
			return &faultyNotifier{
				subscribe: func(ctx context.Context, _ store.Notifier, _ string) (<-chan struct{}, error) {
					mu.Lock()
					defer mu.Unlock()
					hints := make(chan struct{}, 1)
					subscribers[hints] = ctx
					return hints, nil
				},
				notify: func(context.Context, store.Notifier, string) error {
					mu.Lock()
					defer mu.Unlock()
					for hints, ctx := range subscribers {
						if ctx.Err() != nil {
							close(hints)
							delete(subscribers, hints)
							continue
						}
						select {
						case hints <- struct{}{}:
						default:
						}
					}
					return nil
				},
			}
		}, "SubscriptionEnds"},
		{"a subscription does not end", func() *faultyNotifier {
			return &faultyNotifier{subscribe: func(_ context.Context, n store.Notifier, topic string) (<-chan struct{}, error) {
				return n.Subscribe(background, topic)
			}}
		}, "SubscriptionEnds"},
		{"a topic ends with one of its subscriptions", func() *faultyNotifier {
			var mu sync.Mutex
			subscriptions := map[string][]context.Context{}
			return &faultyNotifier{
				subscribe: func(ctx context.Context, n store.Notifier, topic string) (<-chan struct{}, error) {
					mu.Lock()
					defer mu.Unlock()
					subscriptions[topic] = append(subscriptions[topic], ctx)
					return n.Subscribe(ctx, topic)
				},
				notify: func(ctx context.Context, n store.Notifier, topic string) error {
					mu.Lock()
					defer mu.Unlock()
					for _, subscription := range subscriptions[topic] {
						if subscription.Err() != nil {
							return nil
						}
					}
					return n.Notify(ctx, topic)
				},
			}
		}, "SubscriptionEnds"},
		{"a handle carries a hundred subscriptions", func() *faultyNotifier {
			connections := make(chan struct{}, 100)
			return &faultyNotifier{subscribe: func(ctx context.Context, n store.Notifier, topic string) (<-chan struct{}, error) {
				select {
				case connections <- struct{}{}:
					context.AfterFunc(ctx, func() { <-connections })
					return n.Subscribe(ctx, topic)
				default:
					return nil, errors.New("too many connections")
				}
			}}
		}, "ManySubscribers"},
		{"any topic is taken", func() *faultyNotifier {
			return topics(func(topic string) string { return "x" + strings.ToLower(topic) })
		}, "NotifierArguments"},
		{"the context is ignored", func() *faultyNotifier {
			return &faultyNotifier{notify: func(_ context.Context, n store.Notifier, topic string) error { return n.Notify(background, topic) }}
		}, "NotifierArguments"},
	}
	caught := map[string]bool{}
	for _, tt := range tests {
		caught[tt.rule] = true
		t.Run(tt.fault, func(t *testing.T) {
			t.Parallel()
			f := tt.n()
			f.Notifier, _ = correctLedger(t)
			b := storetest.NotifierBackend{A: f, B: f}
			if f.notify == nil && f.subscribe == nil {
				b.B, _ = correctLedger(t)
			}
			assert.Error(t, storetest.CheckNotifier(t.Context(), tt.rule, wait, b))
		})
	}
	for _, rule := range storetest.NotifierRules() {
		assert.Contains(t, caught, rule, "no fault is planted for the rule")
	}
}

// topics changes the topic.
func topics(change func(topic string) string) *faultyNotifier {
	return &faultyNotifier{
		notify: func(ctx context.Context, n store.Notifier, topic string) error { return n.Notify(ctx, change(topic)) },
		subscribe: func(ctx context.Context, n store.Notifier, topic string) (<-chan struct{}, error) {
			return n.Subscribe(ctx, change(topic))
		},
	}
}
