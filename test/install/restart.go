package install

import (
	"context"
	"fmt"
	"slices"
)

// RestartScheduler ends the scheduler and starts it anew, as an update of its Deployment
// would. It returns once the new one is started, which leads when the old one's lease has
// run out.
func (i *Installation) RestartScheduler(ctx context.Context) error {
	for _, process := range slices.Backward(i.cluster.Processes()) {
		if process.Name() == scheduler {
			if err := process.Stop(); err != nil {
				return fmt.Errorf("ending the scheduler: %w", err)
			}
			break
		}
	}
	if err := i.startScheduler(ctx); err != nil {
		return fmt.Errorf("starting the scheduler again: %w", err)
	}
	return nil
}
