package storetest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gosignet/signet/store"
)

// patience is how long the kit waits for what has to happen by itself, before it reports that it does not.
const patience = 30 * time.Second

// NotifierBackend is a notifier under test.
type NotifierBackend struct {
	// A and B are two handles on the same backend, as those of [Backend].
	A, B store.Notifier
}

// RunNotifier checks the notifier that open returns against every rule of [store.Notifier], as [Run] does. Notifiers may
// share a backend: no two rules use the same topics.
func RunNotifier(t *testing.T, open func(t testing.TB) NotifierBackend) {
	run(t, notifierRules, func(t testing.TB) *notifier { return newNotifier(open(t), patience) })
}

// notifierRules are all rules of [RunNotifier].
var notifierRules = []rule[*notifier]{
	{
		name:  "NotifyWakes",
		rule:  "Notify wakes the subscribers of the topic through both handles, again and again",
		why:   "the browser waits at one instance of the provider for what the wallet tells another",
		check: checkNotifyWakes,
	},
	{
		name:  "NoHintIsLost",
		rule:  "a Notify that begins when Subscribe has returned wakes the subscriber",
		why:   "who subscribes, then looks, then waits would wait for ever for what happened in between",
		check: checkNoHintIsLost,
	},
	{
		name:  "HintsBecomeOne",
		rule:  "hints that nobody reads become one, and keep neither Notify nor other subscribers waiting",
		why:   "a browser that has gone must not stop the wallets of everybody else",
		check: checkHintsBecomeOne,
	},
	{
		name:  "TopicsAreApart",
		rule:  "topics are told apart byte for byte: subscribers to others are not woken",
		why:   "if each login woke all who wait, each would cost as much as all of them",
		check: checkTopicsAreApart,
	},
	{
		name:  "SubscriptionEnds",
		rule:  "a subscription ends with its context, without closing the channel, and no other ends with it",
		why:   "a closed channel reads as a hint for ever, and two tabs wait for one login",
		check: checkSubscriptionEnds,
	},
	{
		name:  "ManySubscribers",
		rule:  "a handle carries a thousand subscriptions at once, to one topic or to a thousand",
		why:   "a connection for each of those who wait would use up all that the backend has",
		check: checkManySubscribers,
	},
	{
		name:  "NotifierArguments",
		rule:  "a topic that no key could be is refused with ErrInvalid; when the context has ended, its error is returned",
		why:   "the mistake must show with every backend",
		check: checkNotifierArguments,
	},
}

// notifier is a notifier under test with topics that nobody else uses.
type notifier struct {
	NotifierBackend
	patience time.Duration
	prefix   string
}

func newNotifier(b NotifierBackend, patience time.Duration) *notifier {
	return &notifier{NotifierBackend: b, patience: patience, prefix: "storetest:" + rand.Text() + ":"}
}

func (n *notifier) topic(name string) string { return n.prefix + name }

func (n *notifier) subscribe(ctx context.Context, h store.Notifier, topic string) (<-chan struct{}, error) {
	hints, err := h.Subscribe(ctx, n.topic(topic))
	if err == nil && hints == nil {
		err = errors.New("no channel")
	}
	return hints, expectError("Subscribe", err, nil)
}

func (n *notifier) notify(ctx context.Context, h store.Notifier, topic string) error {
	return expectError("Notify", h.Notify(ctx, n.topic(topic)), nil)
}

// woken waits for a hint.
func (n *notifier) woken(hints <-chan struct{}) error { return woken(hints, n.patience) }

func woken(hints <-chan struct{}, patience time.Duration) error {
	late := time.NewTimer(patience)
	defer late.Stop()
	select {
	case _, open := <-hints:
		if !open {
			return errors.New("the channel was closed")
		}
		return nil
	case <-late.C:
		return fmt.Errorf("a subscriber was not woken within %s", patience)
	}
}

// hinted says whether a hint can be read, and reads it.
func hinted(hints <-chan struct{}) (bool, error) {
	select {
	case _, open := <-hints:
		if !open {
			return true, errors.New("the channel was closed")
		}
		return true, nil
	default:
		return false, nil
	}
}

func checkNotifyWakes(ctx context.Context, n *notifier) error {
	through := map[string]store.Notifier{"handle A": n.A, "handle B": n.B}
	subscribers := map[string]<-chan struct{}{}
	for name, h := range through {
		hints, err := n.subscribe(ctx, h, "topic")
		if err != nil {
			return err
		}
		subscribers[name] = hints
	}
	for range rounds {
		for from, h := range through {
			if err := n.notify(ctx, h, "topic"); err != nil {
				return err
			}
			for to, hints := range subscribers {
				if err := n.woken(hints); err != nil {
					return fmt.Errorf("after Notify through %s, through %s: %w", from, to, err)
				}
			}
		}
	}
	return nil
}

func checkNoHintIsLost(ctx context.Context, n *notifier) error {
	for round := range rounds {
		errs := race(n.A, n.B, func(h store.Notifier, racer int) error {
			other := n.B
			if racer%2 == 1 { // h is B
				other = n.A
			}
			topic := fmt.Sprint(round, "-", racer)
			hints, err := n.subscribe(ctx, h, topic)
			if err != nil {
				return err
			}
			if err := n.notify(ctx, other, topic); err != nil {
				return err
			}
			return n.woken(hints)
		})
		if err := errors.Join(errs...); err != nil {
			return err
		}
	}
	return nil
}

func checkHintsBecomeOne(ctx context.Context, n *notifier) error {
	idle, err := n.subscribe(ctx, n.B, "topic")
	if err != nil {
		return err
	}
	reading, err := n.subscribe(ctx, n.B, "topic")
	if err != nil {
		return err
	}
	for range 10 * rounds {
		ctx, cancel := context.WithTimeout(ctx, n.patience)
		err := n.notify(ctx, n.A, "topic")
		cancel()
		if err == nil {
			err = n.woken(reading)
		}
		if err != nil {
			return fmt.Errorf("while another subscriber does not read: %w", err)
		}
	}
	if cap(idle) > 1 {
		return fmt.Errorf("the channel has room for %d hints, want 1", cap(idle))
	}
	return n.woken(idle)
}

func checkTopicsAreApart(ctx context.Context, n *notifier) error {
	rest := strings.Repeat("x", store.MaxKey-len(n.prefix)-1)
	names := []string{"topic", "TOPIC", "topic*", "top?c", "[topic]", "top", "topic:", `"topic"`, "'topic'", "topic;--", `to\pic`, rest, rest + "a", rest + "b"}
	subscribers := make([]<-chan struct{}, len(names))
	for i, name := range names {
		var err error
		if subscribers[i], err = n.subscribe(ctx, n.B, name); err != nil {
			return err
		}
	}
	// A hint may come for nothing, but not most of the time.
	for i, name := range names {
		woken := make([]int, len(names))
		for range rounds {
			if err := n.notify(ctx, n.A, name); err != nil {
				return err
			}
			if err := n.woken(subscribers[i]); err != nil {
				return fmt.Errorf("topic %q: %w", name, err)
			}
			for other, hints := range subscribers {
				hint, err := hinted(hints)
				if err != nil {
					return err
				}
				if hint {
					woken[other]++
				}
			}
		}
		for other, times := range woken {
			if times > rounds/2 {
				return fmt.Errorf("Notify of %q has woken a subscriber of %q %d times of %d", name, names[other], times, rounds)
			}
		}
	}
	return nil
}

func checkSubscriptionEnds(ctx context.Context, n *notifier) error {
	stays, err := n.subscribe(ctx, n.B, "topic")
	if err != nil {
		return err
	}
	for round := range racers {
		ending, end := context.WithCancel(ctx)
		ended, err := n.subscribe(ending, n.B, "topic")
		if err != nil {
			end()
			return err
		}
		end()
		// Its topic has no other subscriber, so that the backend forgets it while it is subscribed again.
		if err := n.again(ctx, strconv.Itoa(round)); err != nil {
			return fmt.Errorf("subscribed when another subscription had just ended: %w", err)
		}
		if err := n.notify(ctx, n.A, "topic"); err != nil {
			return err
		}
		if err := n.woken(stays); err != nil {
			return fmt.Errorf("when another subscription had ended: %w", err)
		}
		if _, err := hinted(ended); err != nil {
			return err
		}
	}
	return n.expectEnds(ctx, stays)
}

// again subscribes to a topic, ends that, subscribes again and expects to be woken.
func (n *notifier) again(ctx context.Context, topic string) error {
	ending, end := context.WithCancel(ctx)
	_, err := n.subscribe(ending, n.B, topic)
	end()
	if err != nil {
		return err
	}
	hints, err := n.subscribe(ctx, n.B, topic)
	if err != nil {
		return err
	}
	if err := n.notify(ctx, n.A, topic); err != nil {
		return err
	}
	return n.woken(hints)
}

// expectEnds expects that a subscriber whose context has ended is not woken any more, soon.
func (n *notifier) expectEnds(ctx context.Context, stays <-chan struct{}) error {
	ending, end := context.WithCancel(ctx)
	ended, err := n.subscribe(ending, n.B, "topic")
	end()
	if err != nil {
		return err
	}
	again := time.NewTicker(time.Millisecond)
	defer again.Stop()
	for late := time.After(n.patience); ; {
		if err := n.notify(ctx, n.A, "topic"); err != nil {
			return err
		}
		if err := n.woken(stays); err != nil {
			return err
		}
		if hint, err := hinted(ended); err != nil || !hint {
			return err
		}
		select {
		case <-again.C:
		case <-late:
			return fmt.Errorf("a subscriber was still woken %s after its context had ended", n.patience)
		}
	}
}

func checkManySubscribers(ctx context.Context, n *notifier) error {
	const topics = 1000
	var same, own []<-chan struct{}
	for i := range topics {
		for topic, hints := range map[string]*[]<-chan struct{}{"topic": &same, strconv.Itoa(i): &own} {
			subscribed, err := n.subscribe(ctx, n.B, topic)
			if err != nil {
				return fmt.Errorf("the subscription after %d and %d: %w", len(same), len(own), err)
			}
			*hints = append(*hints, subscribed)
		}
	}
	if err := n.notify(ctx, n.A, "topic"); err != nil {
		return err
	}
	for _, hints := range same {
		if err := n.woken(hints); err != nil {
			return fmt.Errorf("one of %d to the same topic: %w", topics, err)
		}
	}
	for i, hints := range own {
		if err := n.notify(ctx, n.A, strconv.Itoa(i)); err != nil {
			return err
		}
		if err := n.woken(hints); err != nil {
			return fmt.Errorf("one of %d, each to its own topic: %w", topics, err)
		}
	}
	return nil
}

func checkNotifierArguments(ctx context.Context, n *notifier) error {
	for _, topic := range []string{"", "a b", "nul\x00", "é", strings.Repeat("x", store.MaxKey+1)} {
		_, err := n.A.Subscribe(ctx, topic)
		if err := expectError(fmt.Sprintf("Subscribe to %q", topic), err, store.ErrInvalid); err != nil {
			return err
		}
		if err := expectError(fmt.Sprintf("Notify of %q", topic), n.A.Notify(ctx, topic), store.ErrInvalid); err != nil {
			return err
		}
	}
	ended, end := context.WithCancel(ctx)
	end()
	_, err := n.A.Subscribe(ended, n.topic("topic"))
	if err := expectError("Subscribe", err, ended.Err()); err != nil {
		return err
	}
	return expectError("Notify", n.A.Notify(ended, n.topic("topic")), ended.Err())
}
