package deviceplacement

import (
	"slices"

	v1 "k8s.io/api/core/v1"

	"github.com/ashlar-dev/ashlar/plugins/gang/groupcycle"
	"github.com/ashlar-dev/ashlar/topology/cluster"
	"github.com/ashlar-dev/ashlar/topology/placement"
)

// A group may have more pods than it needs to start. If not all fit together, those that it starts
// with are chosen, whichever pod came first. The others are spared: they wait until the group has
// started, and are then placed by themselves.

// spareMember says in the cycle that the group starts without its pod.
func spareMember(group *groupcycle.Group) *groupAnswer {
	group.NoteSpared()
	return &groupAnswer{group: group, refusal: sparedWords(group)}
}

// spare is how many more pods could be placed than are needed, negative if too few can.
func (s *groupSolve) spare() int { return len(s.group.Pending) - len(s.unmade) - s.group.Needed() }

// solveFor places all pods, or, if they do not all fit, as many as the group needs.
func (s *groupSolve) solveFor(pod *v1.Pod, levels []cluster.GroupLevel) cluster.GroupVerdict {
	snapshot := s.cycle.Snapshot()
	snapshot.Fork()
	defer snapshot.Revert()
	s.plugin.holdPlans(snapshot, s.plugin.plans.heldFor(s.group.Key, "", podPriority(pod)))
	verdict := snapshot.SolveGroup(s.groupOf(levels, nil))
	spare := s.spare()
	if verdict.Outcome != placement.Refused || spare <= 0 {
		return verdict
	}
	pods, shapes := s.pods, s.shapes
	homeless := map[*groupShape]int{} // so many of a shape find no room even alone
	for _, short := range verdict.Shortfall.Shapes {
		homeless[shapes[short.Member]] = short.Members - short.Alone
	}
	s.leaveOut(spare, pod, homeless)
	verdict = snapshot.SolveGroup(s.groupOf(levels, nil))
	withoutHomeless, leftPods, leftShapes := verdict, s.pods, s.shapes
	for _, shape := range firstShapes(shapes) {
		if verdict.Outcome != placement.Refused {
			return verdict
		}
		s.pods, s.shapes = pods, shapes
		s.leaveOut(spare, pod, map[*groupShape]int{shape: spare})
		verdict = snapshot.SolveGroup(s.groupOf(levels, nil))
	}
	if verdict.Outcome == placement.Refused {
		verdict, s.pods, s.shapes = withoutHomeless, leftPods, leftShapes
	}
	return verdict
}

// firstShapes are the shapes that there are, no more than is worth trying to leave out.
func firstShapes(shapes []*groupShape) []*groupShape {
	const worthTrying = 8
	var first []*groupShape
	for _, shape := range shapes {
		if len(first) < worthTrying && !slices.Contains(first, shape) {
			first = append(first, shape)
		}
	}
	if len(first) == 1 {
		return nil
	}
	return first
}

// leaveOut leaves out so many pods that the group can start without: first so many of the shapes that are
// named, then the last ones, and where that is equal rather others than the one whose cycle it is.
func (s *groupSolve) leaveOut(spare int, but *v1.Pod, first map[*groupShape]int) {
	s.pods, s.shapes = slices.Clone(s.pods), slices.Clone(s.shapes)
	leave := func(isNext func(*v1.Pod, *groupShape) bool) {
		for i := len(s.pods) - 1; i >= 0 && spare > 0; i-- {
			if pod, shape := s.pods[i], s.shapes[i]; isNext(pod, shape) {
				s.pods, s.shapes = slices.Delete(s.pods, i, i+1), slices.Delete(s.shapes, i, i+1)
				first[shape]--
				spare--
			}
		}
	}
	leave(func(pod *v1.Pod, shape *groupShape) bool { return first[shape] > 0 && pod.UID != but.UID })
	leave(func(_ *v1.Pod, shape *groupShape) bool { return first[shape] > 0 })
	leave(func(pod *v1.Pod, _ *groupShape) bool { return pod.UID != but.UID })
}
