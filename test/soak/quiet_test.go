package soak

import (
	"context"
	"fmt"
	"math/rand"
	"time"

	corev1 "k8s.io/api/core/v1"
)

const (
	// refusal is how long it is waited for that the scheduler refuses pods, quietPatience for that
	// it starts them: longer than its back-off.
	refusal       = 2 * time.Second
	quietPatience = 10 * time.Second
	// quietMembers are so many as fit on any node beside its holder.
	quietMembers = 3
)

// changeInQuiet makes a change of each kind for one pod and for a gang, one after the other, where nothing
// else happens: nothing but the change can wake those that wait for it, and they all fit. On each node a
// pod holds one GPU, so that whoever asks for all of a node waits for it.
func (w *world) changeInQuiet(ctx context.Context, random *rand.Rand) error {
	var holders []*arrival
	for i, node := range nodeNames() {
		holder := newQuiet(fmt.Sprintf("holder-%02d", i), 1, false)
		holder.selectNode(corev1.LabelHostname, node)
		w.tally.addArrival(holder)
		holders = append(holders, holder)
	}
	if err := inParallel(ctx, holders, w.arrive); err != nil {
		return err
	}
	for i := range lateKinds {
		for _, members := range []int{1, quietMembers} {
			name := fmt.Sprintf("quiet-%02d-%d", i, members)
			a := newQuiet(name, members, random.Intn(3) == 0)
			if !a.prepareLate(random, &lateKinds[i]) {
				a = newQuiet(name, members, false) // there may be a change for claims of their own
				if !a.prepareLate(random, &lateKinds[i]) {
					continue
				}
			}
			if err := w.changeAlone(ctx, random, a); err != nil {
				return fmt.Errorf("%s, %d pods: %w", a.late.name, members, err)
			}
		}
	}
	return w.leaveAll(ctx, holders)
}

// newQuiet is a pod or a gang that asks for a GPU for each.
func newQuiet(name string, members int, template bool) *arrival {
	a := &arrival{name: name, form: "in quiet", needed: members, abrupt: true}
	if members > 1 {
		a.makeGang(members)
	}
	for member := range members {
		pod := newPod(fmt.Sprintf("%s-%d", name, member), nil)
		if members > 1 {
			pod.Labels = map[string]string{gangLabel: name}
		}
		a.pods = append(a.pods, pod)
	}
	a.useClaim(claimFor(asking("gpu", wholeClass, 1)), template)
	return a
}

// changeAlone lets an arrival come and wait, makes its change, and holds that it starts. If it does not in time, it
// is asked whether a fresh scheduler starts it.
func (w *world) changeAlone(ctx context.Context, random *rand.Rand, a *arrival) error {
	w.tally.addArrival(a)
	if err := w.arrive(ctx, a); err != nil {
		return err
	}
	for begin := time.Now(); time.Since(begin) < refusal && !w.refused(a); {
		time.Sleep(20 * time.Millisecond)
	}
	time.Sleep(time.Duration(random.Intn(500)) * time.Millisecond)
	if begun := w.begun(a); begun > 0 {
		w.problem(gangsHalf, "%d of %s have begun before what they wait for: %s", begun, a.name, a.late.name)
	}
	if err := w.changeLate(ctx, a); err != nil {
		return err
	}
	for begin := time.Now(); time.Since(begin) < quietPatience && w.begun(a) < a.needed; {
		time.Sleep(20 * time.Millisecond)
	}
	if w.begun(a) < a.needed {
		when := fmt.Sprintf("%d pods in quiet, %s", len(a.pods), a.late.name)
		if err := w.checkRest(ctx, when); err != nil {
			return err
		}
		if begun := w.begun(a); begun < a.needed {
			w.problem(forgotten, "%s: %d of %s begin, with a fresh scheduler too", when, begun, a.name)
		}
	}
	return w.leaveAll(ctx, []*arrival{a})
}

// refused reports whether all pods of an arrival were told why they wait.
func (w *world) refused(a *arrival) bool {
	pods := w.history.current()
	for _, pod := range a.pods {
		if pods[pod.Name].waits == "" {
			return false
		}
	}
	return true
}
