package dryrun

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	resourceapi "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/component-helpers/resource"
	corev1helpers "k8s.io/component-helpers/scheduling/corev1"
	"k8s.io/component-helpers/scheduling/corev1/nodeaffinity"
	"k8s.io/klog/v2"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/framework"
	"k8s.io/utils/ptr"

	"github.com/ashlar-dev/ashlar/plugins/deviceplacement"
	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/cluster"
	"github.com/ashlar-dev/ashlar/topology/placement"
)

// defragModel is the cluster as the core sees it: devices, CPU and memory. What else decides where
// a pod goes is left to the confirmation by the scheduler.
type defragModel struct {
	planner  *defragPlanner
	snapshot *cluster.Snapshot
	defrag   cluster.Defragmentation
	// request ranks nodes for the pods that room is made for.
	request  *cluster.NodeRanking
	mix      []cluster.ExpectedRequest
	mixNames []string
	// pods are those with GPUs, by UID. budgets are the budgets that cover a pod.
	pods    map[types.UID]*corev1.Pod
	budgets map[types.UID][]string
	staying []StayingPods
	// state is that of a cycle, from which nodes are read.
	state fwk.CycleState
}

// hostOf is what a pod takes of its node besides devices.
func hostOf(pod *corev1.Pod) topology.HostResources {
	requests := resource.PodRequests(pod, resource.PodResourcesOptions{})
	return topology.HostResources{CPU: topology.MilliCPU(requests.Cpu().MilliValue()), Memory: topology.Bytes(requests.Memory().Value())}
}

// buildModel reads who holds what, who may be moved, and what each of them asks for.
func (d *defragPlanner) buildModel(ctx context.Context, s *Snapshot, asked []PendingPod, consent moveConsent) (*defragModel, error) {
	m := &defragModel{planner: d, pods: map[types.UID]*corev1.Pod{}, budgets: map[types.UID][]string{}}
	m.defrag.MaxMoves, m.defrag.MayClose = d.question.MaxMoves, d.question.MayCordon
	claims, err := s.claims.List()
	if err != nil {
		return nil, err
	}
	byUser := claimsByUser(claims)
	cycles := map[string]fwk.CycleState{}
	var movable []*corev1.Pod
	for _, pod := range s.pods {
		if len(byUser[pod.UID]) == 0 {
			continue
		}
		m.pods[pod.UID] = pod
		reason := d.whyStays(pod, byUser[pod.UID], consent)
		key := requestKey(pod, byUser[pod.UID])
		if reason == "" {
			if cycles[key] == nil {
				cycles[key], reason = s.prepareAgain(ctx, pod)
			}
			m.state = cycles[key]
		}
		if reason != "" {
			m.addStaying(reason, pod)
			continue
		}
		movable = append(movable, pod)
	}
	var requestState fwk.CycleState
	if len(asked) > 0 {
		requestState, err = s.prefilterPod(ctx, &asked[0])
		if err != nil {
			return nil, fmt.Errorf("pod %s/%s: %w", asked[0].Pod.Namespace, asked[0].Pod.Name, err)
		}
		m.state = requestState
	}
	if m.state == nil {
		return m, nil
	}
	if m.snapshot, err = s.placement.SnapshotNodes(m.state, s.nodeHosts(m.pods), m.identifyHolder(claims)); err != nil {
		return nil, err
	}
	rankings := map[string]*cluster.NodeRanking{}
	for _, pod := range movable {
		key := requestKey(pod, byUser[pod.UID])
		if rankings[key] == nil {
			if rankings[key], err = s.placement.RankPod(ctx, cycles[key], m.snapshot, s.admittedOn(pod)); err != nil {
				m.addStaying("what it asks for is not understood: "+err.Error(), pod)
				continue
			}
		}
		m.addMovable(pod, rankings[key])
	}
	if requestState != nil {
		m.request, err = s.placement.RankPod(ctx, requestState, m.snapshot, s.admittedOn(asked[0].Pod))
		return m, err
	}
	m.expectMix(s)
	return m, nil
}

// claimsByUser are the claims with devices, by the pods that use them.
func claimsByUser(claims []*resourceapi.ResourceClaim) map[types.UID][]*resourceapi.ResourceClaim {
	byUser := map[types.UID][]*resourceapi.ResourceClaim{}
	for _, claim := range claims {
		if claim.Status.Allocation == nil {
			continue
		}
		for _, user := range claim.Status.ReservedFor {
			byUser[user.UID] = append(byUser[user.UID], claim)
		}
	}
	return byUser
}

// requestKey is the same for pods that ask for the same.
func requestKey(pod *corev1.Pod, claims []*resourceapi.ResourceClaim) string {
	bare := barePod(pod)
	bare.ObjectMeta.Name, bare.ObjectMeta.UID, bare.Spec.NodeName, bare.Status = "", "", "", corev1.PodStatus{}
	bare.OwnerReferences, bare.Labels = nil, nil
	key := struct {
		Namespace   string
		Annotations map[string]string
		Spec        corev1.PodSpec
		Claims      []string
	}{Namespace: pod.Namespace, Annotations: bare.Annotations, Spec: bare.Spec}
	for _, claim := range claims {
		text, err := json.Marshal(&claim.Spec)
		if err != nil {
			return string(pod.UID)
		}
		key.Claims = append(key.Claims, string(text))
	}
	slices.Sort(key.Claims)
	text, err := json.Marshal(&key)
	if err != nil {
		return string(pod.UID)
	}
	return string(text)
}

// prefilterPod is the state of a pod's cycle after PreFilter.
func (s *Snapshot) prefilterPod(ctx context.Context, pending *PendingPod) (fwk.CycleState, error) {
	for _, claim := range pending.Claims {
		s.claims.putClaim(claim)
	}
	state := framework.NewCycleState()
	_, status, _ := s.framework.RunPreFilterPlugins(ctx, state, pending.Pod)
	for _, claim := range pending.Claims {
		s.claims.removeClaim(claim)
	}
	if !status.IsSuccess() && !status.IsRejected() {
		return nil, status.AsError()
	}
	return state, nil
}

// prepareAgain is the state of the cycle in which a pod is placed again, or why there is none.
func (s *Snapshot) prepareAgain(ctx context.Context, pod *corev1.Pod) (fwk.CycleState, string) {
	again, err := s.RecreatePod(pod)
	if err != nil {
		return nil, err.Error()
	}
	state, err := s.prefilterPod(ctx, &again)
	if err != nil {
		return nil, "the scheduler cannot place it again: " + err.Error()
	}
	return state, ""
}

// nodeHosts are the nodes with what pods of the model can have of them.
func (s *Snapshot) nodeHosts(modelled map[types.UID]*corev1.Pod) []deviceplacement.NodeHost {
	taken := map[string]topology.HostResources{}
	for _, pod := range s.pods {
		if modelled[pod.UID] == nil {
			taken[pod.Spec.NodeName] = taken[pod.Spec.NodeName].Plus(hostOf(pod))
		}
	}
	var hosts []deviceplacement.NodeHost
	for _, node := range s.nodes {
		all := topology.HostResources{
			CPU: topology.MilliCPU(node.Status.Allocatable.Cpu().MilliValue()), Memory: topology.Bytes(node.Status.Allocatable.Memory().Value()),
		}
		hosts = append(hosts, deviceplacement.NodeHost{Name: node.Name, Host: all.Minus(taken[node.Name]), Closed: node.Spec.Unschedulable})
	}
	slices.SortFunc(hosts, func(a, b deviceplacement.NodeHost) int { return cmp.Compare(a.Name, b.Name) })
	return hosts
}

// admittedOn says which nodes take a pod by their labels and taints.
func (s *Snapshot) admittedOn(pod *corev1.Pod) func(string) bool {
	affinity := nodeaffinity.GetRequiredNodeAffinity(pod)
	byName := map[string]*corev1.Node{}
	for _, node := range s.nodes {
		byName[node.Name] = node
	}
	return func(name string) bool {
		node := byName[name]
		if matches, err := affinity.Match(node); err != nil || !matches {
			return false
		}
		forbids := func(t *corev1.Taint) bool {
			return t.Effect == corev1.TaintEffectNoSchedule || t.Effect == corev1.TaintEffectNoExecute
		}
		_, repelled := corev1helpers.FindMatchingUntoleratedTaint(klog.Background(), node.Spec.Taints, pod.Spec.Tolerations, forbids, true)
		return !repelled
	}
}

// identifyHolder records what a claim holds as its pod's. What several pods share, or nobody that is
// known, stays where it is.
func (m *defragModel) identifyHolder(claims []*resourceapi.ResourceClaim) func(string, placement.Allocation) placement.Allocation {
	users := map[placement.HolderID][]types.UID{}
	for _, claim := range claims {
		for _, user := range claim.Status.ReservedFor {
			id := placement.HolderID(claim.UID)
			users[id] = append(users[id], user.UID)
		}
	}
	counted := map[types.UID]bool{} // pods whose CPU and memory are
	return func(_ string, a placement.Allocation) placement.Allocation {
		of := users[a.Holder]
		if len(of) != 1 || m.pods[of[0]] == nil {
			a.Pinned = true
			return a
		}
		pod := m.pods[of[0]]
		a.Holder, a.Priority = placement.HolderID(pod.UID), int64(ptr.Deref(pod.Spec.Priority, 0))
		if !counted[pod.UID] {
			counted[pod.UID], a.Host = true, hostOf(pod)
		}
		return a
	}
}

// addStaying notes why a pod is not moved.
func (m *defragModel) addStaying(reason string, pod *corev1.Pod) {
	at := slices.IndexFunc(m.staying, func(s StayingPods) bool { return s.Reason == reason })
	if at < 0 {
		at, m.staying = len(m.staying), append(m.staying, StayingPods{Reason: reason})
	}
	m.staying[at].Pods = append(m.staying[at].Pods, pod.Namespace+"/"+pod.Name)
}

// addMovable adds a pod that may be moved.
func (m *defragModel) addMovable(pod *corev1.Pod, ranking *cluster.NodeRanking) {
	movable := cluster.MovableHolder{Holder: placement.HolderID(pod.UID), Ranking: ranking, Host: hostOf(pod)}
	for _, budget := range m.planner.budgetsOf(pod) {
		at := slices.Index(m.planner.objects.Budgets, budget)
		movable.Budgets = append(movable.Budgets, at)
		m.budgets[pod.UID] = append(m.budgets[pod.UID], budget.Name)
	}
	if m.defrag.Budgets == nil {
		for _, budget := range m.planner.objects.Budgets {
			m.defrag.Budgets = append(m.defrag.Budgets, int(budget.Status.DisruptionsAllowed))
		}
	}
	movable.Cost = m.secondsAtRisk(pod)
	m.defrag.Holders = append(m.defrag.Holders, movable)
}

// secondsAtRisk is the GPU time, in seconds of a whole GPU, that is lost if the pod begins anew.
func (m *defragModel) secondsAtRisk(pod *corev1.Pod) int64 {
	ran := m.planner.question.Now.Sub(startedAt(pod))
	milli := int64(0)
	for node := range m.snapshot.Len() {
		if m.snapshot.Node(node).Name != pod.Spec.NodeName {
			continue
		}
		for _, a := range m.snapshot.NodeState(node).Allocations() {
			if a.Holder == placement.HolderID(pod.UID) {
				milli += milliGPUs(m.snapshot.Node(node).Inventory, a.Devices)
			}
		}
	}
	return max(0, int64(ran.Seconds())) * milli / 1000
}

// milliGPUs is how much of GPUs devices are, in thousandths, by memory.
func milliGPUs(inv *placement.Inventory, devices []placement.DeviceAllocation) int64 {
	sum := int64(0)
	for _, given := range devices {
		device := &inv.Devices[given.Device]
		usable := max(1, int64(inv.Node.GPUs[device.GPU].Model.Usable()))
		switch {
		case device.Form == placement.Whole:
			sum += 1000
		case device.Form == placement.Share && given.Bytes > 0:
			sum += int64(given.Bytes) * 1000 / usable
		default:
			sum += int64(device.Memory) * 1000 / usable
		}
	}
	return sum
}

// expectMix expects each MIG profile that there is, a GPU, and all GPUs of a node.
func (m *defragModel) expectMix(s *Snapshot) {
	kinds := map[string]func(inv *placement.Inventory) *placement.Request{}
	weights := map[string]int64{}
	accepted := map[string]map[*placement.Inventory]placement.DeviceSet{}
	whole := func(count func(*placement.Inventory) int) func(*placement.Inventory) *placement.Request {
		return func(inv *placement.Inventory) *placement.Request {
			accepts := inv.SelectDevices(func(d *placement.Device) bool { return d.Form == placement.Whole })
			return &placement.Request{Parts: []placement.Part{{Count: count(inv), Accepts: accepts}}}
		}
	}
	seen := map[*placement.Inventory]bool{}
	for node := range m.snapshot.Len() {
		inv := m.snapshot.Node(node).Inventory
		if inv == nil || seen[inv] {
			continue
		}
		seen[inv] = true
		kinds["1 GPU"], weights["1 GPU"] = whole(func(*placement.Inventory) int { return 1 }), 1000
		if count := len(inv.Node.GPUs); count > 1 {
			name := fmt.Sprintf("%d GPUs", count)
			kinds[name], weights[name] = whole(func(*placement.Inventory) int { return count }), int64(1000*count)
		}
		for i, profile := range s.placement.ProfileNames(m.state, m.snapshot.Node(node).Name) {
			if profile == "" || strings.ContainsAny(profile, "+-") {
				continue
			}
			if accepted[profile] == nil {
				accepted[profile] = map[*placement.Inventory]placement.DeviceSet{}
				weights[profile] = milliGPUs(inv, []placement.DeviceAllocation{{Device: i}})
				kinds[profile] = func(inv *placement.Inventory) *placement.Request {
					set := accepted[profile][inv]
					if set == nil {
						set = placement.NewDeviceSet(len(inv.Devices))
					}
					return &placement.Request{Parts: []placement.Part{{Count: 1, Accepts: set}}}
				}
			}
			if accepted[profile][inv] == nil {
				accepted[profile][inv] = placement.NewDeviceSet(len(inv.Devices))
			}
			accepted[profile][inv].Add(i)
		}
	}
	for name := range kinds {
		m.mixNames = append(m.mixNames, name)
	}
	slices.SortFunc(m.mixNames, func(a, b string) int { return cmp.Or(cmp.Compare(weights[a], weights[b]), cmp.Compare(a, b)) })
	for _, name := range m.mixNames {
		ranking := m.snapshot.Rank(m.snapshot.ByInventory(kinds[name]), m.planner.policy)
		m.mix = append(m.mix, cluster.ExpectedRequest{Ranking: ranking, Weight: weights[name]})
	}
}
