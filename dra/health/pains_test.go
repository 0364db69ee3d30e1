package health

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ashlar-dev/ashlar/dra"
	"github.com/ashlar-dev/ashlar/dra/hardware"
	"github.com/ashlar-dev/ashlar/topology/mig"
)

// pollFor polls a GPU every 10 s.
func (n *node) pollFor(gpu int, c hardware.Condition, from, until time.Duration) {
	for at := from; at <= until; at += 10 * time.Second {
		n.poll(gpu, c, at)
	}
}

// A taint goes when the GPU is well again, without a restart of the driver.
func TestTaintsAreNotSticky(t *testing.T) {
	for name, tc := range map[string]struct {
		broken func(*node)
		well   hardware.Condition
		want   time.Duration // after which it is gone
	}{
		"the recovery action says so": {func(n *node) { n.xid(0, 62, 0) }, settled, time.Minute},
		"of the action itself":        {func(n *node) { n.poll(0, asksFor(hardware.RecoverReset), 0) }, settled, time.Minute},
		"lost and back":               {func(n *node) { n.NoteFailure("GPU-0", hardware.ErrGPULost, start) }, settled, 5 * time.Minute},
		"hung and back":               {func(n *node) { n.NoteFailure("GPU-0", hardware.ErrHangs, start) }, settled, time.Minute},
		"an older driver, lost and back": {func(n *node) {
			n.xid(0, 119, 0)
			n.NoteFailure("GPU-0", hardware.ErrGPULost, start)
		}, hardware.Condition{}, 5 * time.Minute},
		"an older driver, rows remapped by a reset": {func(n *node) {
			n.poll(0, hardware.Condition{RowsPending: true}, 0)
			n.xid(0, 64, 0)
		}, hardware.Condition{}, time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			n := newNode(DefaultPolicy(), 1)
			tc.broken(n)
			n.pollFor(0, tc.well, 10*time.Second, tc.want)
			if len(n.taints()) != 4 {
				t.Fatalf("after %s: %v, want taints of all devices", tc.want, n.taints())
			}
			n.poll(0, tc.well, tc.want+10*time.Second)
			if got := n.taints(); len(got) != 0 {
				t.Errorf("after %s: %v, want no taint", tc.want+10*time.Second, got)
			}
		})
	}
}

// Without a sign that an XID is over, on a driver that does not tell, its taint stays.
func TestXIDStaysWithoutEvidence(t *testing.T) {
	n := newNode(DefaultPolicy(), 1)
	n.poll(0, hardware.Condition{UncorrectableECC: 2}, 0)
	n.xid(0, 95, 0)
	n.pollFor(0, hardware.Condition{UncorrectableECC: 2}, 10*time.Second, 24*time.Hour)
	if len(n.taints()) != 4 {
		t.Errorf("got %v, want taints of all devices", n.taints())
	}
}

// Instances come and go while faults are there: the fault stays with the memory slices.
func TestHealthBesideDynamicMIG(t *testing.T) {
	n := newNode(DefaultPolicy(), 1)
	n.xidIn(0, 46, time.Second, mig.Placement{Start: 4, Size: 2})
	const taint = "gpu.ashlar.dev/unhealthy=xid-46:NoSchedule since 1s"
	want := map[string]string{"gpu-0": taint, "gpu-0-mig-3g40gb-9-4": taint, "gpu-0-share": taint}
	if diff := cmp.Diff(want, n.taints()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	// Another instance, which may be created there later, and one beside it.
	for start, wantTaints := range map[int64]int{4: 1, 5: 1, 6: 0, 0: 0} {
		device := dra.Device{
			Form: dra.FormMIG, GPU: gpuNumber(0), Profile: &mig.Profile{ID: 19, Name: "1g.10gb"}, Placement: mig.Placement{Start: start, Size: 1},
		}
		if got := n.DeviceTaints(device); len(got) != wantTaints {
			t.Errorf("an instance at %d has taints %v, want %d", start, got, wantTaints)
		}
	}
	// The same in two instances is one taint of the whole GPU, with the first time.
	n.xidIn(0, 46, time.Hour, mig.Placement{Start: 0, Size: 4})
	want["gpu-0-mig-3g40gb-9-0"] = "gpu.ashlar.dev/unhealthy=xid-46:NoSchedule since 1h0m0s"
	if diff := cmp.Diff(want, n.taints()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestLostGPUTaintsOnlyItself(t *testing.T) {
	for name, lose := range map[string]func(*node){
		"XID 79": func(n *node) { n.xid(1, 79, 0) },
		"event": func(n *node) {
			n.NoteEvent(hardware.Event{GPU: "GPU-1", Kind: hardware.EventGPULost, At: start}, nil)
		},
		"poll": func(n *node) {
			n.NoteFailure("GPU-1", &hardware.CallError{Call: "x", GPU: "GPU-1", Kind: hardware.ErrGPULost}, start)
		},
	} {
		t.Run(name, func(t *testing.T) {
			n := newNode(DefaultPolicy(), 8)
			lose(n)
			if len(n.taints()) != 4 {
				t.Errorf("got %v, want taints of the four devices on GPU 1", n.taints())
			}
			for _, device := range n.devices {
				if got := len(n.DeviceTaints(device)) > 0; got != (device.GPU.Index == 1) {
					t.Errorf("%s is tainted: %v", device.Name(), got)
				}
			}
		})
	}
}

// A timeout of context switches asks for a reset; it is no error of an application.
func TestXID109AsksForReset(t *testing.T) {
	n := newNode(DefaultPolicy(), 1)
	n.xid(0, 109, 0)
	if got, want := n.taints()["gpu-0"], "gpu.ashlar.dev/unhealthy=xid-109:NoSchedule since 0s"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// XID 154 taints by what the GPU says that it needs, and ends what XIDs said.
func TestXID154IsTheAuthority(t *testing.T) {
	n := newNode(DefaultPolicy(), 1)
	n.xid(0, 119, 0)
	authority := hardware.Event{GPU: "GPU-0", Kind: hardware.EventXID, XID: 154, At: start}
	if !n.NoteEvent(authority, nil) {
		t.Error("after XID 154 the GPU is not polled")
	}
	n.poll(0, asksFor(hardware.RecoverDrainAndReset), time.Second)
	want := "gpu.ashlar.dev/unhealthy=xid-119:NoSchedule since 0s, gpu.ashlar.dev/recovery=drain-and-reset:NoSchedule since 1s"
	if got := n.taints()["gpu-0"]; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	// A reset that the counters show is not enough as long as the authority says otherwise.
	n.poll(0, hardware.Condition{HasRecovery: true, Recovery: hardware.RecoverDrainAndReset, UncorrectableECC: 3}, 2*time.Second)
	n.pollFor(0, asksFor(hardware.RecoverDrainAndReset), 10*time.Second, 10*time.Minute)
	if got := n.taints()["gpu-0"]; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	n.NoteEvent(authority, nil)
	n.pollFor(0, settled, 11*time.Minute, 12*time.Minute)
	if got := n.taints(); len(got) != 0 {
		t.Errorf("got %v, want no taint", got)
	}
}

// The tenth error does not make a taint younger: tolerations for a time count from it.
func TestRepeatsKeepTheTime(t *testing.T) {
	n := newNode(DefaultPolicy(), 1)
	version := uint64(0)
	for i := range 10 {
		n.xid(0, 120, time.Duration(i)*time.Minute)
		if i == 0 {
			version = n.TaintVersion()
		}
	}
	if got, want := n.taints()["gpu-0"], "gpu.ashlar.dev/unhealthy=xid-120:NoSchedule since 0s"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if n.TaintVersion() != version {
		t.Error("repeats change what is published")
	}
	health := n.DeviceHealth(n.devices[0], start.Add(10*time.Minute), time.Minute)
	if want := "XID 120, error of the GPU's system processor, 10 times since 2026-03-01T12:00:00Z"; health.Message != want {
		t.Errorf("got %q, want %q", health.Message, want)
	}
}
