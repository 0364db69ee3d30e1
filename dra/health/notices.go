package health

import (
	"fmt"
	"time"

	"github.com/ashlar-dev/ashlar/dra"
	"github.com/ashlar-dev/ashlar/topology/mig"
)

// Notice is for the events of the Kubernetes node: a cause with figures, and a remedy.
type Notice struct {
	GPU     dra.GPUIdentity
	Warning bool   // else it is a normal event
	Reason  string // in one word, as events have it
	Message string
}

// noticeQueue is how many notices are kept until somebody takes them.
const noticeQueue = 256

// TakeNotices gives the notices since the last call, the oldest first. Of more than 256
// the later ones are lost; they are in the metrics.
func (m *StateMachine) TakeNotices() []Notice {
	taken := m.notices
	m.notices = nil
	return taken
}

func (m *StateMachine) tell(g *gpuState, notice Notice) {
	notice.GPU = g.identity
	if len(m.notices) < noticeQueue {
		m.notices = append(m.notices, notice)
	}
}

// toldCauses is of how many different causes a GPU's notices are counted: there are no
// more in the table, and a GPU that invents codes fills no memory.
const toldCauses = 256

// tellSometimes tells the 1st, 10th, 100th... time that something happens.
func (m *StateMachine) tellSometimes(g *gpuState, cause string, notice Notice) {
	if _, known := g.told[cause]; !known && len(g.told) >= toldCauses {
		return
	}
	g.told[cause]++
	power := uint64(1)
	for power < g.told[cause] {
		power *= 10
	}
	if power == g.told[cause] {
		m.tell(g, notice)
	}
}

// raiseAndTell raises a fault and tells of it if it is new.
func (m *StateMachine) raiseAndTell(g *gpuState, key faultKey, class FaultClass, what string, at time.Time) {
	if m.raise(g, key, class, what, at) {
		f := g.faults[key]
		reason := "GPUUnhealthy"
		if f.effect == "" {
			reason = "GPUWatched"
		}
		m.tell(g, Notice{Warning: true, Reason: reason, Message: fmt.Sprintf("%s: %s. %s", g.name(), f.text(), f.remedy(g))})
	}
}

// name is what people call a GPU.
func (g *gpuState) name() string {
	if g.identity.BusID == "" {
		return fmt.Sprintf("GPU %d (%s)", g.identity.Index, g.identity.UUID)
	}
	return fmt.Sprintf("GPU %d (%s at %s)", g.identity.Index, g.identity.UUID, g.identity.BusID)
}

// text is what is wrong, where, and how often.
func (f *fault) text() string {
	text := f.what
	if f.place != wholeGPU {
		text += fmt.Sprintf(", in the MIG instance on memory slices %s", sliceRange(f.place))
	}
	if f.count > 1 {
		text += fmt.Sprintf(", %d times since %s", f.count, f.since.UTC().Format(time.RFC3339))
	}
	return text
}

func sliceRange(p mig.Placement) string { return fmt.Sprintf("%d to %d", p.Start, p.Start+p.Size-1) }

// remedy is what to do about it.
func (f *fault) remedy(g *gpuState) string {
	ends := fmt.Sprintf("The taint ends once the GPU has been well for %s.", shortTime(f.holds))
	if f.effect == "" {
		ends = "No pod is kept away from it."
	}
	switch f.class {
	case ClassDrainAndReset:
		return "Let the pods on it end, then reset it: nvidia-smi --gpu-reset -i " + g.identity.UUID + ". " + ends
	case ClassReset:
		return "End the pods on it and reset it: nvidia-smi --gpu-reset -i " + g.identity.UUID + ". " + ends
	case ClassDecode:
		return "Look at the NVLinks: nvidia-smi nvlink -e -i " + g.identity.UUID + "; reset the GPU if errors go on. " + ends
	case ClassNode:
		return "Drain the node and reboot it; if it comes again, have the GPU replaced. " + ends
	case ClassLost:
		return "Look at the node's kernel log, then drain the node and reboot it. " + ends
	case ClassSilent:
		return "The other GPUs go on; if it stays so, drain the node and reboot it. " + ends
	}
	return "It is counted; replace or check the GPU if it goes on. " + ends
}

// shortTime is a duration without the zeros that String writes.
func shortTime(d time.Duration) string {
	switch {
	case d%time.Hour == 0:
		return fmt.Sprintf("%dh", d/time.Hour)
	case d%time.Minute == 0:
		return fmt.Sprintf("%dm", d/time.Minute)
	}
	return d.String()
}

func clearedNotice(g *gpuState, f *fault, at time.Time) Notice {
	return Notice{Reason: "GPUHealthy", Message: fmt.Sprintf(
		"%s: well for %s now, after this: %s. The taint %s=%s is taken away; nothing is left to do.",
		g.name(), shortTime(at.Sub(f.wellSince)), f.text(), f.taint, f.cause)}
}

func throttleNotice(g *gpuState, why, look string, held bool) Notice {
	if held {
		return Notice{Warning: true, Reason: "GPUThrottled", Message: fmt.Sprintf(
			"%s: its clocks are held down because of %s, and pods on it run slower. Look at %s.", g.name(), why, look)}
	}
	return Notice{Reason: "GPUNotThrottled", Message: fmt.Sprintf(
		"%s: its clocks are not held down because of %s any more. Nothing is left to do.", g.name(), why)}
}

func xidNotice(g *gpuState, entry XIDEntry, count uint64) Notice {
	remedy := "No pod is kept away from it; nothing is to be done."
	switch entry.Class {
	case ClassApplication:
		remedy = "The process that met it must be started again; no pod is kept away from the GPU."
	case ClassEcho:
		remedy = "It goes with another error: look at that. No pod is kept away from the GPU."
	case ClassUnknown:
		remedy = "No pod is kept away from the GPU; look the code up at https://docs.nvidia.com/deploy/xid-errors."
	}
	return Notice{Warning: entry.Class == ClassUnknown, Reason: "GPUError", Message: fmt.Sprintf(
		"%s: XID %d, %s, %d so far. %s", g.name(), entry.Code, entry.What, count, remedy)}
}
