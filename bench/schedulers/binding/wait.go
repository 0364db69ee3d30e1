package binding

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// errLate is that patience ended.
var errLate = errors.New("too late")

// failedEvery is how often is asked whether what is waited for can still come.
const failedEvery = 200 * time.Millisecond

// waitFor waits until a channel is closed. The error is errLate, or what failed says.
func waitFor(ctx context.Context, closed <-chan struct{}, patience time.Duration, failed func() error) error {
	late := time.NewTimer(patience)
	defer late.Stop()
	look := time.NewTicker(failedEvery)
	defer look.Stop()
	for {
		select {
		case <-closed:
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-late.C:
			return fmt.Errorf("%w: nothing within %s", errLate, patience)
		case <-look.C:
			if err := failed(); err != nil {
				return err
			}
		}
	}
}
