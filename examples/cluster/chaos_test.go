package cluster_test

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// fault is the loss of a part.
type fault struct {
	what string
	// lose takes the part away, and returns when that is felt. heal brings it back.
	lose, heal func(l *traffic)
	// unnoticed faults leave the others able to serve.
	unnoticed bool
}

var faults = []fault{
	{
		what:      "an instance is killed in the middle of what it does",
		lose:      func(l *traffic) { require.NoError(l, l.instances[1].Kill()) },
		heal:      func(l *traffic) { require.NoError(l, l.instances[1].Start()) },
		unnoticed: true,
	},
	{
		what: "PostgreSQL is killed and comes back",
		lose: func(l *traffic) {
			l.postgres.Kill(l)
			failed := l.Count().Failed
			// Clients and keys are known for a while, but not what people consented to.
			l.eventually("nobody can log in", func() bool { return l.Count().Failed > failed+5 })
		},
		heal: func(l *traffic) { l.postgres.Restart(l) },
	},
	{
		what: "the network between an instance and its stores parts",
		lose: func(l *traffic) {
			for _, cable := range l.cables {
				cable.Cut()
			}
			l.eventually("the balancer leaves the instance out", func() bool { return l.balancer.Ready() == 2 })
		},
		heal: func(l *traffic) {
			for _, cable := range l.cables {
				cable.Mend()
			}
		},
		unnoticed: true,
	},
	{
		what: "Redis is killed and comes back empty",
		lose: func(l *traffic) {
			l.redis.Kill()
			failed := l.Count().Failed
			l.eventually("nobody can log in", func() bool { return l.Count().Failed > failed+5 })
		},
		heal: func(l *traffic) { l.redis.Restart() },
	},
}

// TestEveryPartIsLostInTurn takes one part after the other away while people log in and records are written. Each time the
// service is restored by itself; and in the end nothing that was acknowledged is gone, nothing that was used is
// accepted again, and whoever could not log in was told so.
func TestEveryPartIsLostInTurn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	l := w.start()
	l.goOn("people log in")
	for _, f := range faults {
		before := l.Count()
		f.lose(l)
		if f.unnoticed {
			l.goOn("the others serve while " + f.what)
		}
		f.heal(l)
		w.eventually("all instances are ready after "+f.what, func() bool { return w.balancer.Ready() == len(w.instances) })
		l.goOn("people log in again after " + f.what)
		after := l.Count()
		t.Logf("%s: %d complete, %d failed", f.what, after.Complete-before.Complete, after.Failed-before.Failed)
	}
	l.settle()
}
