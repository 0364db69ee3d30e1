package fencing

import (
	"context"
	"net"
	"time"
)

// dialContext returns a dialer whose connections ask the fence before each system call that
// sends. next dials; nil for client-go's own way.
func (f *Fence) dialContext(
	next func(ctx context.Context, network, address string) (net.Conn, error),
) func(ctx context.Context, network, address string) (net.Conn, error) {
	if next == nil {
		next = (&net.Dialer{Timeout: 30 * time.Second, KeepAlive: 30 * time.Second}).DialContext
	}
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		connection, err := next(ctx, network, address)
		if err != nil {
			return nil, err
		}
		if tcp, ok := connection.(*net.TCPConn); ok {
			if err := limitSilence(tcp, f.silence); err != nil {
				_ = connection.Close() // the first error says what is wrong
				return nil, err
			}
		}
		return &fencedConn{Conn: connection, fence: f}, nil
	}
}

// fencedConn sends nothing while the fence is closed.
type fencedConn struct {
	net.Conn

	fence *Fence
}

// Write implements net.Conn. A connection that was refused once is closed: what it would send next
// would follow a gap.
func (c *fencedConn) Write(bytes []byte) (int, error) {
	if c.fence.remainingTime() <= 0 {
		_ = c.Close() // the fence is what is to be told
		return 0, ErrNotLeader
	}
	return c.Conn.Write(bytes)
}
