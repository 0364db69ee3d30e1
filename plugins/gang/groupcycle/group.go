package groupcycle

import (
	"fmt"
	"slices"
	"time"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	fwk "k8s.io/kube-scheduler/framework"
)

// Group is the PodGroup of the pod whose cycle it is.
type Group struct {
	Key types.NamespacedName
	// MinMember is how many members start together.
	MinMember int
	// Created is when the group was made.
	Created time.Time
	// Assigned are members that have a node, whether or not they are bound.
	Assigned []*v1.Pod
	// Pending are members that have none and may run, the cycle's pod among them.
	Pending []*v1.Pod
	// Constraints are what members must share.
	Constraints Constraints
	// Timeout is how long members wait for one another.
	Timeout time.Duration
	// OneCycle says that the members come in one cycle of the scheduler, which ends for all if one is
	// refused without whom the group does not start.
	OneCycle bool

	shortfall *Shortfall
	spared    bool
	refused   func() string
}

// Shortfall is what a group lacks that cannot start.
type Shortfall struct {
	// Fit is how many members would have a place, those that have one already included.
	Fit int
	// Because says what the others lack, for people.
	Because string
}

// Needed is how many more members must have a node.
func (g *Group) Needed() int { return max(0, g.MinMember-len(g.Assigned)) }

// ShortfallWords says to people what a group lacks.
func (g *Group) ShortfallWords(shortfall Shortfall) string {
	return fmt.Sprintf("%d of the %d pods that PodGroup %s starts together have a place; %s",
		shortfall.Fit, g.MinMember, g.Key.Name, shortfall.Because)
}

// NoteShortfall says what the group lacks.
func (g *Group) NoteShortfall(shortfall Shortfall) { g.shortfall = &shortfall }

// Shortfall is what the group lacks, nil if nobody said so.
func (g *Group) Shortfall() *Shortfall { return g.shortfall }

// NoteSpared says that the group starts without the cycle's pod.
func (g *Group) NoteSpared() { g.spared = true }

// Spared reports whether the group starts without the cycle's pod: others have nothing to give back for it.
func (g *Group) Spared() bool { return g.spared }

// NoteSent says that the cycle's pod is sent to its place. If it does not arrive, refused is to be called, which
// says what becomes of the group.
func (g *Group) NoteSent(refused func() string) { g.refused = refused }

// NoteArrived says that a pod has its place. Members that come later in the same cycle see it among those that have
// a node.
func (g *Group) NoteArrived(pod *v1.Pod) {
	g.refused = nil
	at := slices.IndexFunc(g.Pending, func(other *v1.Pod) bool { return other.UID == pod.UID })
	if g.OneCycle && at >= 0 {
		g.Pending, g.Assigned = slices.Delete(slices.Clone(g.Pending), at, at+1), append(slices.Clone(g.Assigned), pod)
	}
}

// TakeRefused is what is to be called since the pod that was sent to its place last did not arrive; nil if it did.
func (g *Group) TakeRefused() func() string {
	refused := g.refused
	g.refused = nil
	return refused
}

const stateKey fwk.StateKey = "ashlar.dev/pod-group"

// cycleData is a Group in a cycle's state. Copies of the state share it.
type cycleData struct{ group *Group }

// Clone implements fwk.StateData.
func (d cycleData) Clone() fwk.StateData { return d }

// stateReader and stateWriter are the states of a pod's cycle and of a placement of a group.
type (
	stateReader interface {
		Read(key fwk.StateKey) (fwk.StateData, error)
	}
	stateWriter interface {
		Write(key fwk.StateKey, data fwk.StateData)
	}
)

// WriteGroup puts a group into a cycle's state.
func WriteGroup(state stateWriter, group *Group) { state.Write(stateKey, cycleData{group}) }

// GroupOf is the group in a cycle's state, nil for a pod in none.
func GroupOf(state stateReader) *Group {
	if data, err := state.Read(stateKey); err == nil {
		if d, ok := data.(cycleData); ok {
			return d.group
		}
	}
	return nil
}
