package nodedriver

import (
	"context"

	"github.com/ashlar-dev/ashlar/dra/mps"
	"github.com/ashlar-dev/ashlar/dra/prepare"
)

// controlDaemons runs MPS control daemons without limits of their own: those of each client
// are in its container's environment.
type controlDaemons struct{ daemons mps.Daemons }

var _ prepare.MPSDaemons = controlDaemons{}

// EnsureDaemon implements prepare.MPSDaemons.
func (c controlDaemons) EnsureDaemon(ctx context.Context, daemon prepare.MPSDaemon) error {
	return c.daemons.Ensure(ctx, mps.Spec{UUID: daemon.Device})
}

// RemoveDaemon implements prepare.MPSDaemons.
func (c controlDaemons) RemoveDaemon(ctx context.Context, device string) error {
	return c.daemons.Remove(ctx, device)
}
