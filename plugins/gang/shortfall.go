package gang

import (
	"fmt"
	"slices"
	"strings"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/framework"
	"sigs.k8s.io/scheduler-plugins/apis/scheduling/v1alpha1"
)

// reasonUnschedulable is that of the event on a PodGroup that says what it lacks.
const reasonUnschedulable = "Unschedulable"

// placesOf says how many of the pods that a group needs have a place.
func placesOf(group *v1alpha1.PodGroup, assigned int) string {
	return fmt.Sprintf("%d of the %d pods that PodGroup %s starts together have a place", assigned, group.Spec.MinMember, group.Name)
}

// shortfallOf says what a group lacks of which a member fits on no node: all members, and
// the group, are told the same.
func (p *Plugin) shortfallOf(
	group *v1alpha1.PodGroup, members []*v1.Pod, pod *v1.Pod, assigned int, statuses fwk.NodeToStatusReader,
) string {
	text := placesOf(group, assigned)
	refused, ok := statuses.(*framework.NodeToStatus)
	if !ok || refused == nil {
		return text
	}
	nodes, err := p.handle.SnapshotSharedLister().NodeInfos().List()
	if err != nil {
		return text
	}
	unfit := framework.FitError{Pod: pod, NumAllNodes: len(nodes), Diagnosis: framework.Diagnosis{NodeToStatus: refused}}
	who := "the next"
	if int(group.Spec.MinMember)-assigned == 1 || haveOneController(members) {
		who = "the others"
	}
	return cutReasons(fmt.Sprintf("%s; %s: %s", text, who, strings.TrimSuffix(unfit.Error(), ".")), maxShortfall)
}

// maxShortfall is how many characters a shortfall has at most, so that a status with what
// the scheduler puts before it stays within 400.
const maxShortfall = 340

// cutReasons leaves out the last of the reasons of nodes, with what else is too long.
func cutReasons(text string, limit int) string {
	const more = ", ..."
	if len(text) <= limit {
		return text
	}
	text = strings.ToValidUTF8(text[:limit-len(more)], "")
	if at := strings.LastIndex(text, ", "); at > 0 {
		text = text[:at]
	}
	return text + more
}

// haveOneController reports whether one controller made all pods, so that they ask alike.
func haveOneController(pods []*v1.Pod) bool {
	return len(pods) > 0 && !slices.ContainsFunc(pods, func(pod *v1.Pod) bool {
		owner, first := metav1.GetControllerOf(pod), metav1.GetControllerOf(pods[0])
		return owner == nil || first == nil || owner.UID != first.UID
	})
}

// givenBack is what the status of a member says that had a node and gave it back. The
// scheduler puts "0/1 nodes are available: 1 " before it.
func givenBack(because string) string { return "node(s) given back: " + because }

// announceShortfall sends an event about a group. The broadcaster counts equal ones
// together.
func (p *Plugin) announceShortfall(group *v1alpha1.PodGroup, text string) {
	recorder := p.handle.EventRecorder()
	if recorder == nil {
		return
	}
	named := group.DeepCopy()
	named.APIVersion, named.Kind = v1alpha1.SchemeGroupVersion.String(), "PodGroup"
	recorder.Eventf(named, nil, v1.EventTypeWarning, reasonUnschedulable, "Scheduling", "%s", text)
}
