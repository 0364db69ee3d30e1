package dryrun

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	resourceapi "k8s.io/api/resource/v1"
	schedulingapi "k8s.io/api/scheduling/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"
)

// podAdmission does to new pods what the API server and its controllers do before a
// scheduler sees them: defaults, priority, and claims made from templates.
type podAdmission struct {
	templates  map[types.NamespacedName]*resourceapi.ResourceClaimTemplate
	priorities map[string]*schedulingapi.PriorityClass
	general    *schedulingapi.PriorityClass
	made       int
}

// newPodAdmission knows the objects of all sources; where two have one name the first
// source counts.
func newPodAdmission(sources ...*ClusterObjects) *podAdmission {
	a := &podAdmission{
		templates:  map[types.NamespacedName]*resourceapi.ResourceClaimTemplate{},
		priorities: map[string]*schedulingapi.PriorityClass{},
	}
	for _, o := range sources {
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

// AdmitPod finishes a new pod of ours as the API server and its controllers would:
// defaults, priority, and the claims that are made for it. The pod is changed.
func (s *Snapshot) AdmitPod(pod *corev1.Pod) (PendingPod, error) {
	claims, err := s.admission.admitPod(pod)
	return PendingPod{Pod: pod, Claims: claims}, err
}

// admitPod finishes a new pod, and returns the claims that are made for it.
func (a *podAdmission) admitPod(pod *corev1.Pod) ([]*resourceapi.ResourceClaim, error) {
	pod.UID = a.newUID()
	objectScheme.Default(pod)
	if err := a.setPriority(pod); err != nil {
		return nil, err
	}
	var claims []*resourceapi.ResourceClaim
	pod.Status.ResourceClaimStatuses = nil
	for i := range pod.Spec.ResourceClaims {
		entry := &pod.Spec.ResourceClaims[i]
		if entry.ResourceClaimTemplateName == nil {
			continue
		}
		template := a.templates[types.NamespacedName{Namespace: pod.Namespace, Name: *entry.ResourceClaimTemplateName}]
		if template == nil {
			return nil, fmt.Errorf("pod %s/%s: spec.resourceClaims[%d]: there is no ResourceClaimTemplate %s in namespace %s, "+
				"neither in the manifests nor in the cluster: add it with -f",
				pod.Namespace, pod.Name, i, *entry.ResourceClaimTemplateName, pod.Namespace)
		}
		claims = append(claims, a.makeClaim(pod, entry.Name, &template.Spec.Spec))
	}
	return claims, nil
}

// makeClaim makes the pod's own claim for one of its spec.resourceClaims.
func (a *podAdmission) makeClaim(pod *corev1.Pod, entry string, spec *resourceapi.ResourceClaimSpec) *resourceapi.ResourceClaim {
	uid := a.newUID()
	claim := &resourceapi.ResourceClaim{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: pod.Namespace, Name: fmt.Sprintf("%s-%s-%s", pod.Name, entry, uid), UID: uid,
			Annotations:     map[string]string{resourceapi.PodResourceClaimAnnotation: entry},
			OwnerReferences: []metav1.OwnerReference{{APIVersion: "v1", Kind: "Pod", Name: pod.Name, UID: pod.UID, Controller: ptr.To(true)}},
		},
		Spec: *spec.DeepCopy(),
	}
	objectScheme.Default(claim)
	pod.Status.ResourceClaimStatuses = append(pod.Status.ResourceClaimStatuses,
		corev1.PodResourceClaimStatus{Name: entry, ResourceClaimName: &claim.Name})
	return claim
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
		return fmt.Errorf("pod %s/%s: spec.priorityClassName: there is no PriorityClass %s in the cluster: add it with -f",
			pod.Namespace, pod.Name, name)
	}
	return nil
}
