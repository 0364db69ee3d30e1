package coexistence

import (
	"context"
	"errors"
	"fmt"
	"syscall"
	"testing"
	"time"
)

// slowWrites makes writes wait in the client, where a stop catches many.
func slowWrites(config map[string]any) {
	connection := config["clientConnection"].(map[string]any)
	connection["qps"], connection["burst"] = 30, 30
}

// A leader is stopped while it binds, a second takes over, and the first wakes while the second is
// at work: no GPU is promised twice and no pod is lost.
func TestFrozenLeaderWritesNothing(t *testing.T) {
	for round := range *freezeRounds {
		t.Run(fmt.Sprintf("round %d", round), func(t *testing.T) {
			const pods = 150
			lease := fmt.Sprintf("freeze-%d", round)
			grantLease(t, lease)
			first := startLeader(t, lease+"-first", scheduler, lease, slowWrites)
			startScheduler(t, lease+"-second", scheduler, lease)
			before := holderOf(t.Context(), lease)
			createPods(t, lease, pods, scheduler)
			awaitBound(t, time.Minute, 5+round%5*5)
			sendSignal(t, first, syscall.SIGSTOP)
			atFreeze, err := boundPods(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			await(t, 40*time.Second, "the second to lead and bind", func(ctx context.Context) error {
				bound, err := boundPods(ctx)
				if err == nil && (holderOf(ctx, lease) == before || bound < atFreeze+10) {
					err = fmt.Errorf("%s holds the lease, %d pods are bound", holderOf(ctx, lease), bound)
				}
				return err
			})
			sendSignal(t, first, syscall.SIGCONT)
			awaitBound(t, 2*time.Minute, pods)
			await(t, time.Minute, "the first to end", func(context.Context) error {
				if first.Err() == nil {
					return errors.New("it runs")
				}
				return nil
			})
			twice := promisedTwiceNow(t)
			t.Logf("frozen with %d of %d pods bound: %d GPUs twice", atFreeze, pods, len(twice))
			if len(twice) > 0 {
				t.Errorf("promised twice: %v", twice)
			}
		})
	}
}
