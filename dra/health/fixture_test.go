package health

import (
	"fmt"
	"slices"
	"strings"
	"time"

	resourceapi "k8s.io/api/resource/v1"

	"github.com/ashlar-dev/ashlar/dra"
	"github.com/ashlar-dev/ashlar/dra/hardware"
	"github.com/ashlar-dev/ashlar/topology/mig"
)

var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

var half = &mig.Profile{ID: 9, Name: "3g.40gb"}

func gpuNumber(i int) dra.GPUIdentity {
	return dra.GPUIdentity{UUID: fmt.Sprintf("GPU-%d", i), BusID: fmt.Sprintf("0000:%02x:00.0", 16+i), Index: int64(i)}
}

// devicesOn are the whole GPU, two MIG instances and the share.
func devicesOn(gpu dra.GPUIdentity) []dra.Device {
	return []dra.Device{
		{Form: dra.FormGPU, GPU: gpu},
		{Form: dra.FormMIG, GPU: gpu, Profile: half, Placement: mig.Placement{Start: 0, Size: 4}},
		{Form: dra.FormMIG, GPU: gpu, Profile: half, Placement: mig.Placement{Start: 4, Size: 4}},
		{Form: dra.FormShare, GPU: gpu},
	}
}

// node is a machine and what it says at present.
type node struct {
	*StateMachine
	devices []dra.Device
}

func newNode(policy TaintPolicy, gpus int) *node {
	n := &node{StateMachine: NewStateMachine(policy)}
	for i := range gpus {
		n.WatchGPU(gpuNumber(i))
		n.devices = append(n.devices, devicesOn(gpuNumber(i))...)
	}
	return n
}

func (n *node) xid(gpu int, code uint64, after time.Duration) {
	n.NoteEvent(hardware.Event{GPU: gpuNumber(gpu).UUID, Kind: hardware.EventXID, XID: code, At: start.Add(after)}, nil)
}

func (n *node) xidIn(gpu int, code uint64, after time.Duration, place mig.Placement) {
	instance := uint32(place.Start)
	n.NoteEvent(hardware.Event{
		GPU: gpuNumber(gpu).UUID, Kind: hardware.EventXID, XID: code, GPUInstance: &instance, At: start.Add(after),
	}, &place)
}

func (n *node) poll(gpu int, c hardware.Condition, after time.Duration) {
	n.NoteCondition(gpuNumber(gpu).UUID, c, start.Add(after))
}

// taints are those of each device that has some.
func (n *node) taints() map[string]string {
	found := map[string]string{}
	for _, device := range n.devices {
		if text := taintText(n.DeviceTaints(device)); text != "" {
			found[device.Name()] = text
		}
	}
	return found
}

func taintText(taints []resourceapi.DeviceTaint) string {
	words := make([]string, 0, len(taints))
	for _, t := range taints {
		words = append(words, fmt.Sprintf("%s=%s:%s since %s", t.Key, t.Value, t.Effect, t.TimeAdded.Sub(start)))
	}
	return strings.Join(words, ", ")
}

// settled is what a GPU says that needs nothing.
var settled = hardware.Condition{HasRecovery: true}

func asksFor(action hardware.RecoveryAction) hardware.Condition {
	return hardware.Condition{HasRecovery: true, Recovery: action}
}

// taintNames are taints without effects and times, in the order of their names.
func taintNames(taints []resourceapi.DeviceTaint) string {
	words := make([]string, 0, len(taints))
	for _, t := range taints {
		words = append(words, strings.TrimPrefix(t.Key, "gpu.ashlar.dev/")+"="+t.Value)
	}
	slices.Sort(words)
	return strings.Join(words, " ")
}
