package coexistence

import (
	"context"
	"fmt"
	"syscall"
	"testing"
	"time"
)

// takeoverLimit is the longest that no pod may be bound.
const takeoverLimit = 20 * time.Second

// A second replica goes on where the first was ended, within takeoverLimit and with nothing lost.
func TestTakeover(t *testing.T) {
	for name, signal := range map[string]syscall.Signal{"killed": syscall.SIGKILL, "asked to end": syscall.SIGTERM} {
		t.Run(name, func(t *testing.T) {
			const pods = 150
			lease := fmt.Sprintf("takeover-%d", signal)
			grantLease(t, lease)
			first := startLeader(t, lease+"-first", scheduler, lease)
			startScheduler(t, lease+"-second", scheduler, lease)
			time.Sleep(3 * time.Second) // it has seen who leads
			before := holderOf(t.Context(), lease)
			createPods(t, lease, pods, scheduler)
			awaitBound(t, time.Minute, 30)
			sendSignal(t, first, signal)
			ended := time.Now()
			await(t, time.Minute, "the second to lead", func(ctx context.Context) error {
				if holder := holderOf(ctx, lease); holder == before || holder == "" {
					return fmt.Errorf("%q holds the lease", holder)
				}
				return nil
			})
			leads := time.Since(ended)
			atTakeover, err := boundPods(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			awaitBound(t, time.Minute, min(atTakeover+1, pods))
			binds := time.Since(ended)
			awaitBound(t, 2*time.Minute, pods)
			t.Logf("%s with %d of %d pods bound: the second leads after %.1f s, binds after %.1f s, all after %.1f s",
				name, atTakeover, pods, leads.Seconds(), binds.Seconds(), time.Since(ended).Seconds())
			if binds > takeoverLimit {
				t.Errorf("the next pod was bound after %s, want %s", binds, takeoverLimit)
			}
			if twice := promisedTwiceNow(t); len(twice) > 0 {
				t.Errorf("promised twice: %v", twice)
			}
		})
	}
}
