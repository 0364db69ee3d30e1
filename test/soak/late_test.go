package soak

import (
	"context"
	"math/rand"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	resourceapi "k8s.io/api/resource/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// lateKind is one thing that users do to pods that already wait.
type lateKind struct {
	name string
	// prepare has an arrival wait for the change that it returns; nil, and nothing is done, if there is
	// no such change for such an arrival.
	prepare func(*rand.Rand, *arrival) *lateChange
}

var lateKinds = slices.Concat(lateClaims, lateClasses, lateGangs, lateNodes)

// lateChange is a change for which an arrival waits. All of it is drawn beforehand: changes run beside each other.
type lateChange struct {
	name string
	// after is after how many rounds it is made.
	after int
	// withheld are the claims that are not made with the pods; withheldGroup says that the group is not.
	withheld      []*resourceapi.ResourceClaim
	withheldGroup bool
	// before is done before the pods come, make is the change, undo is done when they leave.
	before, make, undo func(context.Context, *world) error
	made               bool
}

// drawLate draws a change of any kind that there is for the arrival.
func (a *arrival) drawLate(random *rand.Rand) {
	for _, i := range random.Perm(len(lateKinds)) {
		if a.prepareLate(random, &lateKinds[i]) {
			return
		}
	}
}

// prepareLate has the arrival wait for a change of a kind, and reports whether there is one for it.
func (a *arrival) prepareLate(random *rand.Rand, kind *lateKind) bool {
	if a.late = kind.prepare(random, a); a.late == nil {
		return false
	}
	a.late.name, a.late.after = kind.name, 1+random.Intn(3)
	a.rounds = max(a.rounds, a.late.after+1)
	return true
}

// changeLate makes the change for which an arrival waits, once.
func (w *world) changeLate(ctx context.Context, a *arrival) error {
	if a.late == nil || a.late.made {
		return nil
	}
	a.late.made = true
	w.tally.count("late: " + a.late.name)
	return a.late.make(ctx, w)
}

// someOf draws some of a list, one at least, in any order.
func someOf[T any](random *rand.Rand, list []T) []T {
	list = slices.Clone(list)
	random.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	return list[:1+random.Intn(len(list))]
}

// oneByOne does something with each of a list, at once or seconds apart.
func oneByOne[T any](random *rand.Rand, list []T, do func(context.Context, *world, T) error) func(context.Context, *world) error {
	pauses := make([]time.Duration, len(list))
	for i := range pauses {
		pauses[i] = time.Duration(pick(random, 0, 0, random.Intn(1500))) * time.Millisecond
	}
	return func(ctx context.Context, w *world) error {
		for i, one := range list {
			time.Sleep(pauses[i])
			if err := do(ctx, w, one); err != nil {
				return err
			}
		}
		return nil
	}
}

// gate holds pods back until liftGate.
func gate(pods []*corev1.Pod) {
	for _, pod := range pods {
		pod.Spec.SchedulingGates = []corev1.PodSchedulingGate{{Name: "example.com/late"}}
	}
}

func liftGate(ctx context.Context, w *world, pod *corev1.Pod) error {
	return w.changePod(ctx, pod.Name, func(now *corev1.Pod) { now.Spec.SchedulingGates = nil })
}

// changePod changes a pod, if it is there.
func (w *world) changePod(ctx context.Context, name string, change func(*corev1.Pod)) error {
	return w.persist(ctx, func(ctx context.Context) error {
		now, err := w.client.CoreV1().Pods(namespace).Get(ctx, name, metav1.GetOptions{})
		if err != nil {
			return err
		}
		change(now)
		_, err = w.client.CoreV1().Pods(namespace).Update(ctx, now, metav1.UpdateOptions{})
		return err
	})
}
