package cluster_test

import "testing"

// Each fault comes while people log in and records are written. Afterwards the service is restored by itself: people log
// in again, nothing that was acknowledged is gone, and nothing that was used is accepted again.

func TestStepsOfALoginLandOnDifferentInstances(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	l := w.start()
	l.goOn("people log in")
	l.settle()
}

func TestInstanceIsKilled(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	l := w.start()
	l.goOn("people log in")
	for _, instance := range w.instances {
		if err := instance.Kill(); err != nil {
			t.Fatal(err)
		}
		l.goOn("the others serve")
		if err := instance.Start(); err != nil {
			t.Fatal(err)
		}
		w.eventually("the instance is back", func() bool { return w.balancer.Ready() == 3 })
	}
	l.settle()
}

func TestPostgreSQLIsKilledAndRestarted(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	l := w.start()
	l.goOn("people log in")
	w.postgres.Kill(t)
	l.goOn("clients and keys are known for a while")
	w.postgres.Restart(t)
	l.goOn("people log in again")
	l.settle()
}

func TestRedisIsRestartedAndComesBackEmpty(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	l := w.start()
	l.goOn("people log in")
	w.redis.Kill()
	failed := l.Count().Failed
	w.eventually("nobody can log in", func() bool { return l.Count().Failed > failed+5 })
	w.redis.Restart()
	l.goOn("people log in again")
	l.settle()
}

func TestNetworkBetweenAnInstanceAndItsStoresParts(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	l := w.start()
	l.goOn("people log in")
	for _, cable := range w.cables {
		cable.Cut()
	}
	w.eventually("the balancer leaves the instance out", func() bool { return w.balancer.Ready() == 2 })
	l.goOn("the others serve")
	for _, cable := range w.cables {
		cable.Mend()
	}
	w.eventually("the instance is back", func() bool { return w.balancer.Ready() == 3 })
	l.goOn("all serve")
	l.settle()
}
