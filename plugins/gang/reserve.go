package gang

import (
	"context"
	"fmt"

	v1 "k8s.io/api/core/v1"
	fwk "k8s.io/kube-scheduler/framework"
)

// Reserve does nothing: members are counted at Permit.
func (p *Plugin) Reserve(context.Context, fwk.CycleState, *v1.Pod, string) *fwk.Status { return nil }

// Unreserve notes that the member has lost its node, for instance because it waited too
// long, and makes the members that still wait give theirs back.
func (p *Plugin) Unreserve(_ context.Context, _ fwk.CycleState, pod *v1.Pod, _ string) {
	key, ok := p.groupOf(pod)
	if !ok {
		return
	}
	p.ledger.releaseMember(key, pod.UID)
	because := p.ledger.shortfallOf(key)
	if because == "" {
		because = fmt.Sprintf("pod %s of PodGroup %s lost its own", pod.Name, key.Name)
	}
	p.rejectWaiting(key, givenBack(because))
	if group, err := p.findGroup(key); err == nil && group != nil {
		p.ledger.noteFailure(key, p.ledger.shortfallOf(key))
	}
}
