package health

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"
	resourceapi "k8s.io/api/resource/v1"

	"github.com/ashlar-dev/ashlar/dra/hardware"
	"github.com/ashlar-dev/ashlar/topology/mig"
)

// The files of testdata say what happens to GPUs, and when; and which taints come (+) and
// go (-) of it, and when.
func TestScenarios(t *testing.T) {
	datadriven.Walk(t, "testdata/scenarios", func(t *testing.T, path string) {
		s := &story{}
		datadriven.RunTest(t, path, s.run)
	})
}

type story struct {
	*node
	before map[string]string
}

func (s *story) run(t *testing.T, d *datadriven.TestData) string {
	var out strings.Builder
	if d.Cmd == "gpus" {
		number, policy := 0, DefaultPolicy()
		d.ScanArgs(t, "number", &number)
		if d.HasArg("reset") {
			effect := ""
			d.ScanArgs(t, "reset", &effect)
			policy.Reset = resourceapi.DeviceTaintEffect(effect)
		}
		if d.HasArg("drain-and-reset") {
			effect := ""
			d.ScanArgs(t, "drain-and-reset", &effect)
			policy.DrainAndReset = resourceapi.DeviceTaintEffect(effect)
		}
		s.node, s.before = newNode(policy, number), map[string]string{}
		return ""
	}
	gpu, at := 0, argTime(t, d, "at")
	d.ScanArgs(t, "gpu", &gpu)
	if d.Cmd == "health" {
		for _, device := range devicesOn(gpuNumber(gpu)) {
			health := s.DeviceHealth(device, start.Add(at), 30*time.Second)
			fmt.Fprintf(&out, "%s %s %s\n", health.DeviceName, health.Health, health.Message)
		}
		return out.String()
	}
	until, every := at, time.Second
	if d.HasArg("until") {
		until, every = argTime(t, d, "until"), argTime(t, d, "every")
	}
	for ; at <= until; at += every {
		s.happen(t, d, gpu, at)
		s.writeChanges(&out, at)
	}
	for _, notice := range s.TakeNotices() {
		kind := "Normal"
		if notice.Warning {
			kind = "Warning"
		}
		fmt.Fprintf(&out, "%s %s: %s\n", kind, notice.Reason, notice.Message)
	}
	return out.String()
}

func (s *story) happen(t *testing.T, d *datadriven.TestData, gpu int, at time.Duration) {
	uuid := gpuNumber(gpu).UUID
	switch d.Cmd {
	case "xid":
		code, place := uint64(0), mig.Placement{}
		d.ScanArgs(t, "code", &code)
		if d.HasArg("instance") {
			d.ScanArgs(t, "instance", &place.Start, &place.Size)
			s.xidIn(gpu, code, at, place)
			return
		}
		s.xid(gpu, code, at)
	case "event":
		kind := ""
		d.ScanArgs(t, "kind", &kind)
		s.NoteEvent(hardware.Event{GPU: uuid, Kind: hardware.EventKind(kind), At: start.Add(at)}, nil)
	case "poll":
		if d.HasArg("error") {
			kind := ""
			d.ScanArgs(t, "error", &kind)
			err, known := map[string]error{
				"lost": hardware.ErrGPULost, "hangs": hardware.ErrHangs, "other": errors.New("unknown error"),
			}[kind]
			if !known {
				d.Fatalf(t, "unknown error %q", kind)
			}
			s.NoteFailure(uuid, err, start.Add(at))
			return
		}
		c := hardware.Condition{
			RowsPending: d.HasArg("rows-pending"), RowsFailed: d.HasArg("rows-failed"),
			ThermalSlowdown: d.HasArg("hot"), PowerBrake: d.HasArg("power-brake"),
		}
		if c.HasRecovery = d.HasArg("action"); c.HasRecovery {
			d.ScanArgs(t, "action", (*int)(&c.Recovery))
		}
		if d.HasArg("ecc") {
			d.ScanArgs(t, "ecc", &c.UncorrectableECC)
		}
		s.poll(gpu, c, at)
	default:
		d.Fatalf(t, "unknown command %q", d.Cmd)
	}
}

// writeChanges writes which taints came and went.
func (s *story) writeChanges(out *strings.Builder, at time.Duration) {
	now, on := map[string]string{}, map[[2]string][]string{}
	for _, device := range s.devices {
		for _, taint := range s.DeviceTaints(device) {
			text := fmt.Sprintf("%s=%s:%s", taint.Key, taint.Value, taint.Effect)
			at := [2]string{device.GPU.UUID, text}
			on[at] = append(on[at], device.Name())
			now[device.Name()+" "+text] = taint.TimeAdded.Sub(start).String()
		}
	}
	for at, names := range on {
		if len(names) == len(devicesOn(gpuNumber(0))) { // all of them in one line
			now["all of "+at[0]+" "+at[1]] = now[names[0]+" "+at[1]]
			for _, name := range names {
				delete(now, name+" "+at[1])
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(s.before)) {
		if now[name] != s.before[name] {
			fmt.Fprintf(out, "%s - %s\n", at, name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(now)) {
		if now[name] != s.before[name] {
			fmt.Fprintf(out, "%s + %s\n", at, name)
		}
	}
	s.before = now
}

func argTime(t *testing.T, d *datadriven.TestData, name string) time.Duration {
	text := ""
	d.ScanArgs(t, name, &text)
	at, err := time.ParseDuration(text)
	if err != nil {
		d.Fatalf(t, "%s: %v", name, err)
	}
	return at
}
