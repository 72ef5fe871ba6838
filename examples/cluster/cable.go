package cluster

import (
	"io"
	"net"
	"sync"
)

// Cable is a TCP connection between an instance and a store that can be cut: what is under way then hangs, as when a
// network parts, and what is new hangs too, until it is mended.
type Cable struct {
	listener net.Listener
	target   string

	mu     sync.Mutex
	mended chan struct{} // closed unless the cable is cut
	ended  bool
	conns  map[net.Conn]bool
}

// NewCable returns a Cable to the target.
func NewCable(target string) (*Cable, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	c := &Cable{listener: listener, target: target, mended: make(chan struct{}), conns: map[net.Conn]bool{}}
	close(c.mended)
	go c.accept()
	return c, nil
}

// Address is this end of the cable.
func (c *Cable) Address() string { return c.listener.Addr().String() }

// Cut parts the two ends. Nobody is told: connections stay open, and nothing arrives.
func (c *Cable) Cut() {
	c.mu.Lock()
	defer c.mu.Unlock()
	select {
	case <-c.mended:
		c.mended = make(chan struct{})
	default:
	}
}

// Mend joins them again. What was on its way when the cable was cut is lost with its connections, as after a long
// partition.
func (c *Cable) Mend() {
	c.mu.Lock()
	defer c.mu.Unlock()
	select {
	case <-c.mended:
		return
	default:
	}
	for conn := range c.conns {
		conn.Close()
	}
	close(c.mended)
}

// Close ends the cable.
func (c *Cable) Close() {
	c.Mend()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ended = true
	c.listener.Close()
	for conn := range c.conns {
		conn.Close()
	}
}

func (c *Cable) accept() {
	for {
		near, err := c.listener.Accept()
		if err != nil {
			return
		}
		go c.join(near)
	}
}

func (c *Cable) join(near net.Conn) {
	defer c.forget(near)
	if !c.remember(near) {
		return
	}
	c.wait()
	far, err := net.Dial("tcp", c.target)
	if err != nil {
		return
	}
	defer c.forget(far)
	if !c.remember(far) {
		return
	}
	var group sync.WaitGroup
	for _, way := range []struct{ from, to net.Conn }{{near, far}, {far, near}} {
		group.Go(func() {
			c.carry(way.to, way.from)
			near.Close()
			far.Close()
		})
	}
	group.Wait()
}

// carry copies from one end to the other while the cable holds.
func (c *Cable) carry(to io.Writer, from io.Reader) {
	buffer := make([]byte, 32<<10)
	for {
		n, err := from.Read(buffer)
		c.wait()
		if n > 0 {
			if _, err := to.Write(buffer[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

func (c *Cable) wait() {
	c.mu.Lock()
	mended := c.mended
	c.mu.Unlock()
	<-mended
}

func (c *Cable) remember(conn net.Conn) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.ended {
		c.conns[conn] = true
	}
	return !c.ended
}

func (c *Cable) forget(conn net.Conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.conns, conn)
	conn.Close()
}
