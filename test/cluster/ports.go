package cluster

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
)

// Ports are taken from below the range in which Linux picks ports for outgoing
// connections (32768 upwards unless configured), and below Kubernetes' NodePorts
// (30000 upwards). So only another listener can take one between here and its use.
const (
	firstPort = 20000
	portCount = 10000
)

// portAttempts is how often a component is started again on another port.
const portAttempts = 5

// FreePort returns a port of the loopback interface on which nothing listens.
func FreePort() (int, error) {
	var errs []error
	for range 20 {
		port := firstPort + rand.IntN(portCount)
		listener, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err != nil {
			errs = append(errs, err)
			continue
		}
		if err := listener.Close(); err != nil {
			return 0, fmt.Errorf("freeing port %d again: %w", port, err)
		}
		return port, nil
	}
	return 0, fmt.Errorf("looking for a free port: %w", errors.Join(errs...))
}
