package health

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"k8s.io/component-base/metrics/legacyregistry"
	"k8s.io/component-base/metrics/testutil"
	"k8s.io/dynamic-resource-allocation/kubeletplugin"
	testingclock "k8s.io/utils/clock/testing"

	"github.com/ashlar-dev/ashlar/dra"
	"github.com/ashlar-dev/ashlar/dra/hardware"
	"github.com/ashlar-dev/ashlar/topology/mig"
)

// library is a node's GPUs as tests want them.
type library struct {
	hardware.Reader
	mu         sync.Mutex
	conditions map[string]hardware.Condition
	errs       map[string]error
	stuck      map[string]chan struct{} // calls wait for it, whatever their context
	instances  []hardware.Instance
	events     chan any // an event or an error
}

func (l *library) Condition(_ context.Context, gpu string) (hardware.Condition, error) {
	l.mu.Lock()
	stuck, condition, err := l.stuck[gpu], l.conditions[gpu], l.errs[gpu]
	l.mu.Unlock()
	if stuck != nil {
		<-stuck
	}
	return condition, err
}

func (l *library) Instances(context.Context, string) ([]hardware.Instance, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.instances, nil
}

func (l *library) NextEvent(ctx context.Context) (hardware.Event, error) {
	select {
	case next := <-l.events:
		if err, is := next.(error); is {
			return hardware.Event{}, err
		}
		return next.(hardware.Event), nil
	case <-ctx.Done():
		return hardware.Event{}, ctx.Err()
	}
}

func (l *library) set(gpu string, condition hardware.Condition, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.conditions[gpu], l.errs[gpu] = condition, err
}

// bench is a Monitor that runs.
type bench struct {
	*Monitor
	*library
	clock   *testingclock.FakeClock
	changes atomic.Int64
	stop    func()
}

func startMonitor(t *testing.T, gpus int) *bench {
	t.Helper()
	b := &bench{clock: testingclock.NewFakeClock(start), library: &library{
		conditions: map[string]hardware.Condition{}, errs: map[string]error{}, stuck: map[string]chan struct{}{}, events: make(chan any, 100),
	}}
	var identities []dra.GPUIdentity
	var devices []dra.Device
	for i := range gpus {
		identities, devices = append(identities, gpuNumber(i)), append(devices, devicesOn(gpuNumber(i))...)
		b.set(gpuNumber(i).UUID, settled, nil)
	}
	monitor, err := NewMonitor(MonitorOptions{
		Reader: b.library, Events: b.library, Clock: b.clock, Pool: "node-1", Policy: DefaultPolicy(),
		GPUs: func() []dra.GPUIdentity { return identities }, Devices: func() []dra.Device { return devices },
		TaintsChanged: func() { b.changes.Add(1) },
	})
	if err != nil {
		t.Fatal(err)
	}
	b.Monitor = monitor
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		monitor.Run(ctx)
	}()
	b.stop = sync.OnceFunc(func() {
		cancel()
		select {
		case <-ended:
		case <-time.After(10 * time.Second):
			t.Error("Run does not end with its context")
		}
	})
	t.Cleanup(b.stop)
	return b
}

// stands waits until the first device of a GPU has the taints; time passes meanwhile.
func (b *bench) stands(t *testing.T, device int, want string) {
	t.Helper()
	got := ""
	for range 2000 {
		got = taintNames(b.DeviceTaints(b.options.Devices()[device]))
		if got == want {
			return
		}
		time.Sleep(5 * time.Millisecond)
		b.clock.Step(time.Second)
	}
	t.Fatalf("got taints %q, want %q", got, want)
}

func TestMonitorFollowsEventsAndPolls(t *testing.T) {
	b := startMonitor(t, 2)
	b.events <- hardware.Event{GPU: "GPU-0", Kind: hardware.EventXID, XID: 31}
	b.events <- hardware.Event{GPU: "GPU-nobody-knows", Kind: hardware.EventXID, XID: 79}
	b.events <- errors.New("unknown error")
	b.events <- &hardware.CallError{Call: "EventSetWait", GPU: "GPU-1", Kind: hardware.ErrGPULost}
	b.stands(t, 4, "unhealthy=off-bus")
	b.stands(t, 4, "") // polls find it well
	b.set("GPU-1", asksFor(hardware.RecoverReboot), nil)
	b.stands(t, 4, "recovery=reboot")
	b.set("GPU-0", hardware.Condition{}, &hardware.CallError{Call: "x", GPU: "GPU-0", Kind: hardware.ErrHangs})
	b.events <- hardware.ErrClosed // and polls go on
	b.stands(t, 0, "unhealthy=not-responding")
	for range 1000 {
		if b.changes.Load() >= 4 {
			break
		}
		time.Sleep(5 * time.Millisecond)
	}
	if changes := b.changes.Load(); changes != 4 {
		t.Errorf("told %d times that taints changed, want 4", changes)
	}
}

// An event of an instance hits the place where the instance is.
func TestMonitorFindsInstances(t *testing.T) {
	b := startMonitor(t, 1)
	b.library.mu.Lock()
	b.instances = []hardware.Instance{{ID: 3, Placement: mig.Placement{Start: 4, Size: 4}}}
	b.library.mu.Unlock()
	known, unknown := uint32(3), uint32(7)
	b.set("GPU-0", asksFor(hardware.RecoverDrainP2P), nil)
	b.stands(t, 1, "recovery=drain-p2p")
	b.events <- hardware.Event{GPU: "GPU-0", Kind: hardware.EventXID, XID: 46, GPUInstance: &known}
	b.stands(t, 2, "recovery=drain-p2p unhealthy=xid-46")
	b.stands(t, 1, "recovery=drain-p2p")
	b.events <- hardware.Event{GPU: "GPU-0", Kind: hardware.EventXID, XID: 64, GPUInstance: &unknown}
	b.stands(t, 1, "recovery=drain-p2p unhealthy=xid-64") // it is gone: the whole GPU
}

// A call that never returns costs its GPU alone, and does not keep Run from ending.
func TestHangingGPUBlocksNobody(t *testing.T) {
	b := startMonitor(t, 2)
	stuck := make(chan struct{})
	defer close(stuck)
	b.library.mu.Lock()
	b.stuck["GPU-0"] = stuck
	b.library.mu.Unlock()
	b.stands(t, 0, "unhealthy=not-responding")
	b.set("GPU-1", asksFor(hardware.RecoverReset), nil)
	b.stands(t, 4, "recovery=reset")
	b.set("GPU-1", settled, nil)
	b.stands(t, 4, "")
	b.stop()
}

// The kubelet is told at once, again in less than 30 s, and when something changes.
func TestWatchHealthStatus(t *testing.T) {
	b := startMonitor(t, 2)
	b.stands(t, 0, "")
	ctx, cancel := context.WithCancel(t.Context())
	reports, ended := make(chan kubeletplugin.DeviceHealthReport), make(chan error, 1)
	go func() { ended <- b.WatchHealthStatus(ctx, reports) }()
	want := func(text string) {
		t.Helper()
		got := ""
		for range 2000 {
			select {
			case report := <-reports:
				if len(report.Devices) != 8 {
					t.Fatalf("a report of %d devices, want 8", len(report.Devices))
				}
				device := report.Devices[0]
				if device.PoolName != "node-1" || device.DeviceName != "gpu-0" || device.HealthCheckTimeout != 30*time.Second {
					t.Fatalf("got %+v", device)
				}
				if got = fmt.Sprintf("%s %s", device.Health, device.Message); strings.HasPrefix(got, text) {
					return
				}
			case <-time.After(5 * time.Millisecond):
				b.clock.Step(time.Second)
			}
		}
		t.Fatalf("got %q, want %q", got, text)
	}
	want("Healthy")
	first := b.clock.Now()
	want("Healthy")
	if again := b.clock.Since(first); again > 20*time.Second {
		t.Errorf("sent again after %s, want less than 20 s", again)
	}
	b.events <- hardware.Event{GPU: "GPU-0", Kind: hardware.EventXID, XID: 79}
	want("Unhealthy XID 79")
	cancel()
	select {
	case err := <-ended:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(10 * time.Second):
		t.Error("WatchHealthStatus does not end with its context")
	}
}

// A report that nobody takes does not keep the watch from ending.
func TestWatchHealthStatusEndsUnheard(t *testing.T) {
	b := startMonitor(t, 1)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := b.WatchHealthStatus(ctx, make(chan kubeletplugin.DeviceHealthReport)); err != nil {
		t.Error(err)
	}
}

func TestMetrics(t *testing.T) {
	RegisterMetrics()
	RegisterMetrics()
	errorCounter.Reset()
	n := newNode(DefaultPolicy(), 3)
	monitor, err := NewMonitor(MonitorOptions{
		Clock: testingclock.NewFakeClock(start), Policy: DefaultPolicy(), Devices: func() []dra.Device { return n.devices },
	})
	if err != nil {
		t.Fatal(err)
	}
	monitor.machine = n.StateMachine
	n.poll(0, hardware.Condition{ThermalSlowdown: true, RowsPending: true}, 0)
	n.poll(1, hardware.Condition{PowerBrake: true, ThermalSlowdown: true}, 0)
	for _, code := range []uint64{31, 31, 79, 4711, 4712} {
		n.xid(1, code, 0)
	}
	monitor.publishMetrics()
	monitor.publishMetrics() // counts nothing twice
	want := `
# HELP ashlar_driver_devices [ALPHA] Devices that the node hands out, by form (gpu, mig or share) and state (healthy, unhealthy or unknown).
# TYPE ashlar_driver_devices gauge
ashlar_driver_devices{form="gpu",state="healthy"} 1
ashlar_driver_devices{form="gpu",state="unhealthy"} 1
ashlar_driver_devices{form="gpu",state="unknown"} 1
ashlar_driver_devices{form="mig",state="healthy"} 2
ashlar_driver_devices{form="mig",state="unhealthy"} 2
ashlar_driver_devices{form="mig",state="unknown"} 2
ashlar_driver_devices{form="share",state="healthy"} 1
ashlar_driver_devices{form="share",state="unhealthy"} 1
ashlar_driver_devices{form="share",state="unknown"} 1
# HELP ashlar_driver_gpu_errors_total [ALPHA] Errors that GPUs reported, by code: xid-<number>, xid-unknown or double-bit-ecc.
# TYPE ashlar_driver_gpu_errors_total counter
ashlar_driver_gpu_errors_total{code="xid-31"} 2
ashlar_driver_gpu_errors_total{code="xid-79"} 1
ashlar_driver_gpu_errors_total{code="xid-unknown"} 2
# HELP ashlar_driver_gpus_rows_pending [ALPHA] GPUs with memory rows that wait for a reset to be remapped.
# TYPE ashlar_driver_gpus_rows_pending gauge
ashlar_driver_gpus_rows_pending 1
# HELP ashlar_driver_gpus_throttled [ALPHA] GPUs whose clocks are held down, by reason: heat or power.
# TYPE ashlar_driver_gpus_throttled gauge
ashlar_driver_gpus_throttled{reason="heat"} 2
ashlar_driver_gpus_throttled{reason="power"} 1
`
	if err := testutil.GatherAndCompare(legacyregistry.DefaultGatherer, strings.NewReader(want), "ashlar_driver_devices",
		"ashlar_driver_gpu_errors_total", "ashlar_driver_gpus_throttled", "ashlar_driver_gpus_rows_pending"); err != nil {
		t.Error(err)
	}
}
