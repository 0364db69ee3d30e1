package fencing

import (
	"fmt"
	"net"
	"time"

	"golang.org/x/sys/unix"
)

// limitSilence makes the kernel drop a connection whose peer acknowledges nothing for so long. It
// would otherwise send again for a quarter of an hour what was written before another led.
func limitSilence(connection *net.TCPConn, limit time.Duration) error {
	raw, err := connection.SyscallConn()
	if err != nil {
		return fmt.Errorf("limiting how long %s may be silent: %w", connection.RemoteAddr(), err)
	}
	var failed error
	if err := raw.Control(func(fd uintptr) {
		failed = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(limit.Milliseconds()))
	}); err != nil {
		failed = err
	}
	if failed != nil {
		return fmt.Errorf("limiting how long %s may be silent: %w", connection.RemoteAddr(), failed)
	}
	return nil
}
