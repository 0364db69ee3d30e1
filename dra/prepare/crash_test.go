package prepare

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"testing"

	resourceapi "k8s.io/api/resource/v1"

	"github.com/ashlar-dev/ashlar/dra/checkpoint"
	"github.com/ashlar-dev/ashlar/topology"
)

var errCrash = errors.New("crash")

// crashingDriver is a process that dies before step number `at`.
type crashingDriver struct {
	node  *fakeNode
	path  string
	steps int
	at    int
}

// run lets the process start, recover and do something, until it is done or dies. It
// returns the step before which it died, "" if it did not.
func (c *crashingDriver) run(t *testing.T, do func(ctx context.Context, m *Manager) error) (died string) {
	t.Helper()
	c.steps = 0
	between := func(step string) {
		if c.steps++; c.steps == c.at {
			died = step
			panic(errCrash)
		}
	}
	defer func() {
		if r := recover(); r != nil && r != errCrash { //nolint:errorlint // the same value
			panic(r)
		}
	}()
	c.node.between = between
	store, _, err := checkpoint.OpenStore(checkpoint.StoreOptions{Path: c.path, BootID: "boot-1", Between: between})
	if err != nil {
		t.Fatal(err)
	}
	m := newTestManager(c.node, store, between)
	if err := m.Recover(quietContext(t)); err != nil {
		t.Fatal(err)
	}
	if err := do(quietContext(t), m); err != nil {
		t.Fatal(err)
	}
	return ""
}

// The process dies before each step in turn: while it prepares, unprepares, and while it
// recovers from that. Whatever is left then is as if the call had or had not been made.
func TestCrashBeforeEachStep(t *testing.T) {
	for name, claim := range map[string]*resourceapi.ResourceClaim{
		"whole GPU":     newClaim("c", allocated("gpu-0")),
		"MIG":           newClaim("c", allocated("gpu-0-mig-1g10gb-19-6"), allocated("gpu-0-mig-3g40gb-9-0"), allocated("gpu-1-mig-7g80gb-0-0")),
		"MIG with MPS":  withConfig(newClaim("c", allocated("gpu-0-mig-1g10gb-19-6")), testConfig{MPS: true}),
		"sliced share":  withConfig(newClaim("c", withMemory(allocated("gpu-0-share"), topology.GiB)), testConfig{Interval: 3}),
		"share of MPS":  withConfig(newClaim("c", withMemory(allocated("gpu-0-share"), topology.GiB)), testConfig{MPS: true}),
		"GPU and slice": newClaim("c", allocated("gpu-1"), allocated("gpu-0-mig-1g10gb-19-0")),
	} {
		t.Run(name, func(t *testing.T) {
			prepare := func(ctx context.Context, m *Manager) error {
				_, err := m.Prepare(ctx, claim)
				return err
			}
			unprepare := func(ctx context.Context, m *Manager) error { return m.Unprepare(ctx, claim.UID) }
			nothing := func(context.Context, *Manager) error { return nil }
			crashes := 0
			for at := 1; ; at++ {
				driver := newCrashingDriver(t)
				driver.at = at
				died := driver.run(t, prepare)
				crashes += crashInRecovery(t, driver, "prepare died "+died, prepare, nothing)
				if died == "" {
					break
				}
			}
			for at := 1; ; at++ {
				driver := newCrashingDriver(t)
				driver.run(t, prepare)
				driver.at = at
				died := driver.run(t, unprepare)
				crashes += crashInRecovery(t, driver, "unprepare died "+died, unprepare, unprepare)
				if died == "" {
					break
				}
			}
			t.Logf("%d crashes", crashes)
		})
	}
}

func newCrashingDriver(t *testing.T) *crashingDriver {
	t.Helper()
	node, err := newFakeNode("", 2)
	if err != nil {
		t.Fatal(err)
	}
	node.state.GPUs[gpuUUID(1)].TimeSlice = 0
	return &crashingDriver{node: node, path: filepath.Join(memoryDirectory(t), "checkpoint")}
}

// crashInRecovery starts the process after a crash, lets it die once more at every third
// step, and then checks that nothing is half done, that the call can be made again, and
// that the end is an empty node.
func crashInRecovery(t *testing.T, driver *crashingDriver, what string, again, last func(context.Context, *Manager) error) int {
	t.Helper()
	nothing := func(context.Context, *Manager) error { return nil }
	crashes := 1
	for at := 1; ; at += 3 {
		driver.at = at
		if driver.run(t, nothing) == "" {
			break
		}
		crashes++
	}
	driver.at = 0
	check := func(step string, do func(context.Context, *Manager) error) {
		driver.run(t, do)
		store, _, err := checkpoint.OpenStore(checkpoint.StoreOptions{Path: driver.path, BootID: "boot-1"})
		if err != nil {
			t.Fatal(err)
		}
		for _, problem := range leftoversOf(driver.node.state, store.PreparedClaims()) {
			t.Errorf("%s, then %s: %s", what, step, problem)
		}
	}
	check("recovered", nothing)
	check("asked again", again)
	check("ended", last)
	check("unprepared", func(ctx context.Context, m *Manager) error { return m.Unprepare(ctx, "uid-c") })
	if left := fmt.Sprint(driver.node.state.Specs, driver.node.state.Daemons); left != "map[] map[]" {
		t.Errorf("%s: at the end there are %s", what, left)
	}
	return crashes
}
