package dryrun

import (
	"fmt"
	"slices"
	"sync"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	resourceapi "k8s.io/api/resource/v1"
	schedulingapi "k8s.io/api/scheduling/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/scheduler-plugins/apis/scheduling/v1alpha1"

	"github.com/ashlar-dev/ashlar/plugins/podspec"
	"github.com/ashlar-dev/ashlar/plugins/resourceslices"
)

// ClusterObjects are the parts of a cluster that scheduling looks at.
type ClusterObjects struct {
	Nodes      []*corev1.Node
	Pods       []*corev1.Pod
	Namespaces []*corev1.Namespace
	Slices     []*resourceapi.ResourceSlice
	Claims     []*resourceapi.ResourceClaim
	Templates  []*resourceapi.ResourceClaimTemplate
	Classes    []*resourceapi.DeviceClass
	Priorities []*schedulingapi.PriorityClass
	PodGroups  []*v1alpha1.PodGroup
	Quotas     []*corev1.ResourceQuota
	Limits     []*corev1.LimitRange
	// Budgets are read for defragmentation: scheduling does not look at them.
	Budgets []*policyv1.PodDisruptionBudget
	// Autoscalers are HorizontalPodAutoscalers and objects like them.
	Autoscalers []*podspec.Autoscaler

	// pools reads the pools of Slices; nil before PoolCache is asked for it.
	pools *resourceslices.PoolCache
	// unread counts the objects of a snapshot that are written in a version of their API that is not
	// read.
	unread map[schema.GroupVersionKind]int
	// faulty are claims and templates that could not be read, and where they are.
	faulty map[claimObject]string
}

var newPoolCache sync.Mutex

// PoolCache is what reads the pools of the cluster's slices, so that all who ask about one cluster read each of
// them once. Any number may ask at once, but not while objects are added.
func (o *ClusterObjects) PoolCache() *resourceslices.PoolCache {
	newPoolCache.Lock()
	defer newPoolCache.Unlock()
	if o.pools == nil {
		o.pools = &resourceslices.PoolCache{}
	}
	return o.pools
}

// claimObject names a claim or a template.
type claimObject struct{ kind, namespace, name string }

const claimKind, templateKind = "ResourceClaim", "ResourceClaimTemplate"

// AddObject takes an object of a cluster. It reports false for kinds that scheduling
// does not look at.
func (o *ClusterObjects) AddObject(object any) bool {
	switch object := object.(type) {
	case *corev1.Node:
		o.Nodes = append(o.Nodes, object)
	case *corev1.Pod:
		o.Pods = append(o.Pods, object)
	case *corev1.Namespace:
		o.Namespaces = append(o.Namespaces, object)
	case *resourceapi.ResourceSlice:
		o.Slices = append(o.Slices, object)
	case *resourceapi.ResourceClaim:
		o.Claims = append(o.Claims, object)
	case *resourceapi.ResourceClaimTemplate:
		o.Templates = append(o.Templates, object)
	case *resourceapi.DeviceClass:
		o.Classes = append(o.Classes, object)
	case *schedulingapi.PriorityClass:
		o.Priorities = append(o.Priorities, object)
	case *v1alpha1.PodGroup:
		o.PodGroups = append(o.PodGroups, object)
	case *corev1.ResourceQuota:
		o.Quotas = append(o.Quotas, object)
	case *corev1.LimitRange:
		o.Limits = append(o.Limits, object)
	case *policyv1.PodDisruptionBudget:
		o.Budgets = append(o.Budgets, object)
	case *autoscalingv2.HorizontalPodAutoscaler:
		o.Autoscalers = append(o.Autoscalers, readAutoscaler(object))
	default:
		return false
	}
	return true
}

// readAutoscaler is what scheduling looks at of an autoscaler.
func readAutoscaler(object *autoscalingv2.HorizontalPodAutoscaler) *podspec.Autoscaler {
	target := &object.Spec.ScaleTargetRef
	return &podspec.Autoscaler{
		Kind: "HorizontalPodAutoscaler", Namespace: object.Namespace, Name: object.Name,
		ScaleRange:  podspec.ScaleRange{Min: int(ptr.Deref(object.Spec.MinReplicas, 1)), Max: int(object.Spec.MaxReplicas)},
		TargetGroup: schema.FromAPIVersionAndKind(target.APIVersion, "").Group, TargetKind: target.Kind, TargetName: target.Name,
	}
}

// CheckComplete refuses a copy of a cluster on which nothing could be asked.
func (o *ClusterObjects) CheckComplete() error {
	if len(o.Nodes) == 0 {
		return fmt.Errorf("no nodes in it: %s", howToRecord)
	}
	if len(o.Classes) == 0 && len(o.Slices) > 0 {
		return fmt.Errorf("it has ResourceSlices and no DeviceClasses, without which no claim can be served: %s", howToRecord)
	}
	return nil
}

func (o *ClusterObjects) noteUnread(kind schema.GroupVersionKind) {
	if o.unread == nil {
		o.unread = map[schema.GroupVersionKind]int{}
	}
	o.unread[kind]++
}

// notesOnUnread say which objects of the snapshot were left out for the version of their API.
func (o *ClusterObjects) notesOnUnread() []string {
	var notes []string
	for kind, count := range o.unread {
		notes = append(notes, fmt.Sprintf("%d %s(s) of the snapshot were left out: they are of %s, which is not read; want %s", count,
			kind.Kind, kind.GroupVersion(), versionToday(kind.Group, kind.Kind)))
	}
	slices.Sort(notes)
	return notes
}

// howToRecord says how a snapshot is made.
const howToRecord = "ashlar whatif --save FILE writes one, or kubectl get " +
	"nodes,pods,resourceslices,resourceclaims,resourceclaimtemplates,deviceclasses,priorityclasses,resourcequotas,limitranges,hpa -A -o json"

// podFinished reports whether a pod's containers have ended for good: it takes nothing
// of its node any more.
func podFinished(pod *corev1.Pod) bool {
	return pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed
}

// BoundPods are the pods that run on nodes, or are about to.
func (o *ClusterObjects) BoundPods() []*corev1.Pod {
	var bound []*corev1.Pod
	for _, pod := range o.Pods {
		if pod.Spec.NodeName != "" && !podFinished(pod) {
			bound = append(bound, pod)
		}
	}
	return bound
}

// placedPods are those of the bound pods whose nodes there are. Others are left for a while after a
// node is deleted, and take nothing of any that is there.
func (o *ClusterObjects) placedPods() []*corev1.Pod {
	nodes := map[string]bool{}
	for _, node := range o.Nodes {
		nodes[node.Name] = true
	}
	return slices.DeleteFunc(o.BoundPods(), func(pod *corev1.Pod) bool { return !nodes[pod.Spec.NodeName] })
}

// WaitingPods are the pods that no scheduler has found a node for.
func (o *ClusterObjects) WaitingPods() []*corev1.Pod {
	var waiting []*corev1.Pod
	for _, pod := range o.Pods {
		if pod.Spec.NodeName == "" && !podFinished(pod) && pod.DeletionTimestamp == nil {
			waiting = append(waiting, pod)
		}
	}
	return waiting
}
