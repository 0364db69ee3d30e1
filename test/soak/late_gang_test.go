package soak

import (
	"context"
	"fmt"
	"math/rand"

	corev1 "k8s.io/api/core/v1"
	resourceapi "k8s.io/api/resource/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
)

var lateGangs = []lateKind{
	{"PodGroup made after its pods", groupAfterPods},
	{"minMember lowered to the members", fewerNeeded},
	{"minMember lowered to those that fit", fewerNeededThanMembers},
	{"members replaced by others for less", membersReplaced},
	{"required topology given up", topologyGivenUp},
}

// requiredTopology is the annotation of a PodGroup that lists levels of which its pods must be in one domain.
const requiredTopology = "ashlar.dev/required-topology"

func groupAfterPods(_ *rand.Rand, a *arrival) *lateChange {
	if a.group == nil {
		return nil
	}
	return &lateChange{withheldGroup: true, make: func(ctx context.Context, w *world) error { return w.makeGroup(ctx, a.group) }}
}

// fewerNeeded has the gang need a member more at first than there is.
func fewerNeeded(_ *rand.Rand, a *arrival) *lateChange {
	if a.group == nil {
		return nil
	}
	a.setNeeded(a.needed + 1)
	return &lateChange{make: func(ctx context.Context, w *world) error { return w.lowerNeeded(ctx, a.name, a.needed) }}
}

// fewerNeededThanMembers has one member ask for too much, whom the gang needs at first.
func fewerNeededThanMembers(random *rand.Rand, a *arrival) *lateChange {
	if a.group == nil || !a.askTooMuch(random, a.pods[random.Intn(len(a.pods))]) {
		return nil
	}
	a.needed--
	return &lateChange{make: func(ctx context.Context, w *world) error { return w.lowerNeeded(ctx, a.name, a.needed) }}
}

// topologyGivenUp has the group ask for one domain of a level that no node has.
func topologyGivenUp(_ *rand.Rand, a *arrival) *lateChange {
	if a.group == nil {
		return nil
	}
	a.group.SetAnnotations(map[string]string{requiredTopology: "example.com/row"})
	patch := fmt.Appendf(nil, `{"metadata":{"annotations":{%q:null}}}`, requiredTopology)
	return &lateChange{make: func(ctx context.Context, w *world) error { return w.patchGroup(ctx, a.name, patch) }}
}

// setNeeded sets how many members the group that is to be made needs.
func (a *arrival) setNeeded(members int) {
	if err := unstructured.SetNestedField(a.group.Object, int64(members), "spec", "minMember"); err != nil {
		panic(err) // it has a spec
	}
}

func (w *world) lowerNeeded(ctx context.Context, group string, members int) error {
	return w.patchGroup(ctx, group, fmt.Appendf(nil, `{"spec":{"minMember":%d}}`, members))
}

func (w *world) patchGroup(ctx context.Context, group string, patch []byte) error {
	return w.persist(ctx, func(ctx context.Context) error {
		_, err := w.groups.Patch(ctx, group, types.MergePatchType, patch, metav1.PatchOptions{})
		return err
	})
}

// replacement is a pod that comes for another, with its claim if it has one.
type replacement struct {
	gone  string
	pod   *corev1.Pod
	claim *resourceapi.ResourceClaim
}

// membersReplaced has some members ask for too much, which are deleted and replaced by others of the same or of another name.
func membersReplaced(random *rand.Rand, a *arrival) *lateChange {
	if a.group == nil {
		return nil
	}
	sameName := random.Intn(2) == 0
	var others []replacement
	for _, pod := range someOf(random, a.pods) {
		other := replacement{gone: pod.Name, pod: pod.DeepCopy()}
		if !sameName {
			other.pod.Name += "r"
		}
		for _, claim := range a.claims {
			if claim.Name == pod.Name {
				other.claim = newClaim(pod.Name+"-again", &claim.Spec.Devices)
				other.pod.Spec.ResourceClaims[0].ResourceClaimName = &other.claim.Name
			}
		}
		if !a.askTooMuch(random, pod) {
			return nil
		}
		others = append(others, other)
	}
	replace := oneByOne(random, others, func(ctx context.Context, w *world, other replacement) error { return w.replacePod(ctx, a, other) })
	return &lateChange{make: func(ctx context.Context, w *world) error {
		if w.begun(a) > 0 {
			return nil // nobody replaces members that run
		}
		return replace(ctx, w)
	}}
}

func (w *world) replacePod(ctx context.Context, a *arrival, other replacement) error {
	w.tally.noteDeleted(other.gone)
	err := w.persist(ctx, func(ctx context.Context) error {
		return w.client.CoreV1().Pods(namespace).Delete(ctx, other.gone, metav1.DeleteOptions{GracePeriodSeconds: new(int64)})
	})
	if err != nil {
		return err
	}
	if other.claim != nil {
		a.claims = append(a.claims, other.claim)
		if err := w.makeClaim(ctx, other.claim); err != nil {
			return err
		}
	}
	a.pods = append(a.pods, other.pod)
	return w.makePod(ctx, other.pod)
}

// begun is how many pods of an arrival have a node.
func (w *world) begun(a *arrival) int {
	begun, pods := map[string]bool{}, w.history.current()
	for _, pod := range a.pods {
		if pods[pod.Name].node != "" {
			begun[pod.Name] = true
		}
	}
	return len(begun)
}

// askTooMuch has a pod ask for too much, by its own claim or by amounts, and reports whether it has either.
func (a *arrival) askTooMuch(random *rand.Rand, pod *corev1.Pod) bool {
	for _, claim := range a.claims {
		if claim.Name == pod.Name {
			claim.Spec.Devices = *tooMuch(random)
			return true
		}
	}
	amounts := pod.Spec.Containers[0].Resources.Limits
	for name, amount := range amounts {
		amount.Set(pick[int64](random, 8, 9))
		amounts[name] = amount
		return true
	}
	return false
}
