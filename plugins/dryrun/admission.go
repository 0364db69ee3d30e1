package dryrun

import (
	"fmt"
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"
	resourceapi "k8s.io/api/resource/v1"
	schedulingapi "k8s.io/api/scheduling/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"

	"github.com/ashlar-dev/ashlar/plugins/podspec"
)

// podAdmission does to new pods what the API server and its controllers do before a
// scheduler sees them: defaults, priority, and claims made from templates.
type podAdmission struct {
	templates  map[types.NamespacedName]*resourceapi.ResourceClaimTemplate
	claims     map[types.NamespacedName]bool
	priorities map[string]*schedulingapi.PriorityClass
	general    *schedulingapi.PriorityClass
	limits     map[string][]*corev1.LimitRange
	quotas     *quotaLedger
	// faulty are the claims and templates of manifests that could not be read, and where they are.
	faulty map[claimObject]string
	// overQuota are the claims of manifests that a quota has no room for, and why.
	overQuota map[types.NamespacedName]error
	made      int
}

// podRefusal is why a new pod has no place before any scheduler looks for one.
type podRefusal struct {
	reason string
	// rejected says that the API server refuses the pod; others are there and wait.
	rejected bool
	// mistake says that the manifests are at fault, and not the cluster.
	mistake bool
}

func (r *podRefusal) Error() string { return r.reason }

// newPodAdmission knows the objects of all sources; where two have one name the first
// source counts.
func newPodAdmission(sources ...*ClusterObjects) *podAdmission {
	a := &podAdmission{
		templates:  map[types.NamespacedName]*resourceapi.ResourceClaimTemplate{},
		claims:     map[types.NamespacedName]bool{},
		priorities: map[string]*schedulingapi.PriorityClass{},
		limits:     map[string][]*corev1.LimitRange{},
		faulty:     map[claimObject]string{},
		overQuota:  map[types.NamespacedName]error{},
	}
	for _, o := range sources {
		maps.Copy(a.faulty, o.faulty)
		for _, limit := range o.Limits {
			known := func(other *corev1.LimitRange) bool { return other.Name == limit.Name }
			if !slices.ContainsFunc(a.limits[limit.Namespace], known) {
				a.limits[limit.Namespace] = append(a.limits[limit.Namespace], limit)
			}
		}
		for _, claim := range o.Claims {
			a.claims[types.NamespacedName{Namespace: claim.Namespace, Name: claim.Name}] = true
		}
		for _, template := range o.Templates {
			key := types.NamespacedName{Namespace: template.Namespace, Name: template.Name}
			if a.templates[key] == nil {
				a.templates[key] = template
			}
		}
		for _, class := range o.Priorities {
			if a.priorities[class.Name] == nil {
				a.priorities[class.Name] = class
			}
			if class.GlobalDefault && a.general == nil {
				a.general = class
			}
		}
	}
	return a
}

// newUID is one that no object of the snapshot has.
func (a *podAdmission) newUID() types.UID {
	a.made++
	return types.UID(fmt.Sprintf("dryrun-%d", a.made))
}

// identifyPod is the pod with a UID, by which the scheduler's plugins tell pods apart. Snapshots that
// people have made smaller may lack it.
func (a *podAdmission) identifyPod(pod *corev1.Pod) *corev1.Pod {
	if pod.UID != "" {
		return pod
	}
	identified := pod.DeepCopy()
	identified.UID = a.newUID()
	return identified
}

// AdmitPod finishes a new pod of ours as the API server and its controllers would:
// defaults, priority, limits, quotas, and the claims that are made for it. The pod is changed.
// The error says why the API server or a controller would not go along.
func (s *Snapshot) AdmitPod(pod *corev1.Pod) (PendingPod, error) {
	claims, refusal := s.admission.admitPod(pod)
	if refusal != nil {
		return PendingPod{Pod: pod, refusal: refusal}, fmt.Errorf("pod %s/%s: %w", pod.Namespace, pod.Name, refusal)
	}
	return PendingPod{Pod: pod, Claims: claims}, nil
}

// admitWorkloadPod admits a pod of a workload; one that is not admitted has a refusal.
func (s *Snapshot) admitWorkloadPod(pod workloadPod, w *podspec.Workload) PendingPod {
	pending, _ := s.AdmitPod(pod.Pod) // the error is its refusal
	pending.workload, pending.template = w, pod.template
	return pending
}

// admitPod finishes a new pod, and returns the claims that are made for it.
func (a *podAdmission) admitPod(pod *corev1.Pod) ([]*resourceapi.ResourceClaim, *podRefusal) {
	pod.UID = a.newUID()
	objectScheme.Default(pod)
	if err := a.setPriority(pod); err != nil {
		return nil, &podRefusal{reason: err.Error(), rejected: true, mistake: true}
	}
	if err := a.limitPod(pod); err != nil {
		return nil, &podRefusal{reason: err.Error(), rejected: true}
	}
	if err := validatePod(pod); err != nil {
		return nil, &podRefusal{reason: err.Error(), rejected: true, mistake: true}
	}
	if err := a.quotas.chargePod(pod); err != nil {
		return nil, &podRefusal{reason: err.Error(), rejected: true}
	}
	return a.makeClaims(pod)
}

// systemPriorities are the classes that every API server has.
var systemPriorities = map[string]int32{"system-cluster-critical": 2000000000, "system-node-critical": 2000001000}

// setPriority sets the pod's priority as the admission plugin Priority does.
func (a *podAdmission) setPriority(pod *corev1.Pod) error {
	if pod.Spec.Priority != nil {
		return nil
	}
	name := pod.Spec.PriorityClassName
	class := a.priorities[name]
	if name == "" {
		class = a.general
	}
	switch value, system := systemPriorities[name]; {
	case class != nil:
		pod.Spec.Priority, pod.Spec.PreemptionPolicy = ptr.To(class.Value), class.PreemptionPolicy
	case system:
		pod.Spec.Priority = ptr.To(value)
	case name == "":
		pod.Spec.Priority = ptr.To[int32](0)
	default:
		return fmt.Errorf("spec.priorityClassName: there is no PriorityClass %s in the cluster: add it with -f", name)
	}
	return nil
}
