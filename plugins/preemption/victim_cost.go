package preemption

import (
	"cmp"
	"slices"
	"sync"
	"time"

	v1 "k8s.io/api/core/v1"
	policy "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	corelisters "k8s.io/client-go/listers/core/v1"
	"k8s.io/component-helpers/scheduling/corev1"
	"sigs.k8s.io/scheduler-plugins/apis/scheduling/v1alpha1"
)

// victimLoss is what is lost when pods end.
type victimLoss struct {
	// priority is the highest of them.
	priority int64
	// gpuTime is for how long they have had GPUs, in thousandths of a GPU times seconds.
	gpuTime int64
	pods    int64
}

// compare orders losses, the smaller first: by priority, then GPU time, then pods.
func (l victimLoss) compare(other victimLoss) int {
	return cmp.Or(cmp.Compare(l.priority, other.priority), cmp.Compare(l.gpuTime, other.gpuTime), cmp.Compare(l.pods, other.pods))
}

// victimCost says what is lost with pods, at one moment. Safe for concurrent use.
type victimCost struct {
	lister corelisters.PodLister
	// held is how many thousandths of a GPU a pod has.
	held func(*v1.Pod) int64
	now  time.Time

	mutex sync.Mutex
	// groups are the bound pods of groups that were asked for, times the GPU times of pods.
	groups map[types.NamespacedName][]*v1.Pod
	times  map[types.UID]int64
}

func newVictimCost(lister corelisters.PodLister, held func(*v1.Pod) int64, now time.Time) *victimCost {
	return &victimCost{lister: lister, held: held, now: now, groups: map[types.NamespacedName][]*v1.Pod{}, times: map[types.UID]int64{}}
}

// ofPods is what is lost with just these pods.
func (c *victimCost) ofPods(pods []*v1.Pod) victimLoss {
	var loss victimLoss
	for i, pod := range pods {
		priority := int64(corev1.PodPriority(pod))
		if i == 0 || priority > loss.priority {
			loss.priority = priority
		}
		loss.gpuTime += c.gpuTimeOf(pod)
		loss.pods++
	}
	return loss
}

// gpuTimeOf is for how long a pod has had how much of GPUs. One that has just started has had
// them for a second, so that fewer GPUs are less.
func (c *victimCost) gpuTimeOf(pod *v1.Pod) int64 {
	c.mutex.Lock()
	known, found := c.times[pod.UID]
	c.mutex.Unlock()
	if found {
		return known
	}
	since := int64(1)
	if started := pod.Status.StartTime; started != nil {
		since = max(since, int64(c.now.Sub(started.Time)/time.Second))
	}
	lost := c.held(pod) * since
	c.mutex.Lock()
	c.times[pod.UID] = lost
	c.mutex.Unlock()
	return lost
}

// groupOf are the pods that end with a pod: the bound ones of its PodGroup, itself among them;
// just itself if it names none.
func (c *victimCost) groupOf(pod *v1.Pod) []*v1.Pod {
	name := pod.Labels[v1alpha1.PodGroupLabel]
	if name == "" {
		return []*v1.Pod{pod}
	}
	key := types.NamespacedName{Namespace: pod.Namespace, Name: name}
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if members, known := c.groups[key]; known {
		return members
	}
	all, err := c.lister.Pods(pod.Namespace).List(labels.SelectorFromSet(labels.Set{v1alpha1.PodGroupLabel: name}))
	if err != nil {
		return []*v1.Pod{pod} // of a cache, which does not fail
	}
	var members []*v1.Pod
	for _, member := range all {
		if member.Spec.NodeName != "" && member.Status.Phase != v1.PodSucceeded && member.Status.Phase != v1.PodFailed {
			members = append(members, member)
		}
	}
	if !slices.ContainsFunc(members, func(member *v1.Pod) bool { return member.UID == pod.UID }) {
		members = append(members, pod)
	}
	slices.SortFunc(members, func(a, b *v1.Pod) int { return cmp.Compare(a.Name, b.Name) })
	c.groups[key] = members
	return members
}

// withGroups adds to pods the rest of their groups.
func (c *victimCost) withGroups(pods []*v1.Pod) []*v1.Pod {
	var whole []*v1.Pod
	seen := map[types.UID]bool{}
	for _, pod := range pods {
		for _, member := range c.groupOf(pod) {
			if !seen[member.UID] {
				seen[member.UID] = true
				whole = append(whole, member)
			}
		}
	}
	return whole
}

// violatedBy is how many of some pods, beside those that were counted before, a budget does not
// permit to end.
func violatedBy(pods, counted []*v1.Pod, budgets []*policy.PodDisruptionBudget) int {
	left := make([]int32, len(budgets))
	matches := make([]labels.Selector, len(budgets))
	for i, budget := range budgets {
		left[i] = budget.Status.DisruptionsAllowed
		if selector, err := metav1.LabelSelectorAsSelector(budget.Spec.Selector); err == nil {
			matches[i] = selector
		}
	}
	violated := 0
	take := func(pod *v1.Pod, counts bool) {
		for i, budget := range budgets {
			if matches[i] == nil || matches[i].Empty() || budget.Namespace != pod.Namespace || !matches[i].Matches(labels.Set(pod.Labels)) {
				continue
			}
			if left[i]--; left[i] < 0 && counts {
				violated++
				return
			}
		}
	}
	for _, pod := range counted {
		take(pod, false)
	}
	for _, pod := range pods {
		if !slices.ContainsFunc(counted, func(other *v1.Pod) bool { return other.UID == pod.UID }) {
			take(pod, true)
		}
	}
	return violated
}
