package redistest

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"strings"
	"testing"
	"time"
)

const (
	masters = 3
	slots   = 16384
)

// Cluster is a Redis Cluster of three masters on loopback, without replicas.
type Cluster struct {
	Nodes []*Server
}

// StartCluster starts a cluster that keeps nothing on disk, and ends it with the test.
func StartCluster(tb testing.TB) *Cluster {
	tb.Helper()
	c := &Cluster{}
	for range masters {
		c.Nodes = append(c.Nodes, start(tb, Options{}, true))
	}
	if err := c.join(); err != nil {
		tb.Fatalf("redistest: cluster: %v", err)
	}
	return c
}

// URL returns the addresses of the nodes in the form of go-redis: redis://first?addr=second&addr=third.
func (c *Cluster) URL() string {
	others := url.Values{}
	for _, n := range c.Nodes[1:] {
		others.Add("addr", n.addr)
	}
	return c.Nodes[0].url + "?" + others.Encode()
}

// Flush removes everything that the nodes have.
func (c *Cluster) Flush() {
	for _, n := range c.Nodes {
		n.tb.Helper()
		n.Flush()
	}
}

// Kill ends all nodes at once.
func (c *Cluster) Kill() {
	for _, n := range c.Nodes {
		n.tb.Helper()
		n.Kill()
	}
}

// Restart starts all nodes again, at the same addresses and with the same slots. They have forgotten everything else.
func (c *Cluster) Restart() {
	c.Kill()
	for _, n := range c.Nodes {
		n.tb.Helper()
		n.Restart()
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := c.wait(ctx); err != nil {
		c.Nodes[0].tb.Fatalf("redistest: cluster: %v", err)
	}
}

// join gives each node its share of the slots and waits until all know of it.
func (c *Cluster) join() error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for i, n := range c.Nodes {
		if err := n.client.ClusterAddSlotsRange(ctx, slots*i/masters, slots*(i+1)/masters-1).Err(); err != nil {
			return fmt.Errorf("add slots: %w", err)
		}
		host, port, err := net.SplitHostPort(n.addr)
		if err != nil {
			return err
		}
		if err := c.Nodes[0].client.ClusterMeet(ctx, host, port).Err(); err != nil {
			return fmt.Errorf("meet: %w", err)
		}
	}
	return c.wait(ctx)
}

// wait returns when the cluster is ready.
func (c *Cluster) wait(ctx context.Context) error {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		if c.ready(ctx) {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("it does not become ready: %w", ctx.Err())
		case <-tick.C:
		}
	}
}

// ready reports whether every node sees every slot served.
func (c *Cluster) ready(ctx context.Context) bool {
	for _, n := range c.Nodes {
		info, err := n.client.ClusterInfo(ctx).Result()
		if err != nil || !strings.Contains(info, "cluster_state:ok") ||
			!strings.Contains(info, fmt.Sprintf("cluster_slots_ok:%d\r\n", slots)) ||
			!strings.Contains(info, fmt.Sprintf("cluster_known_nodes:%d\r\n", masters)) {
			return false
		}
	}
	return true
}
