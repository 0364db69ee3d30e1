package dryrun

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	resourceapi "k8s.io/api/resource/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/scheduler-plugins/apis/scheduling/v1alpha1"

	"github.com/ashlar-dev/ashlar/topology/deviceapi"
)

// SaveObjects writes the objects as a List that kubectl and ReadObjectFiles read, one object a line.
//
// It is meant to be shown to others, so it holds what scheduling looks at and nothing
// else. Of containers that is name, image, resources and host ports. Command, arguments
// and environment stay only with model servers, whose memory is read from them; what
// looks like a key, token or password is struck out there. Volumes, probes, managed
// fields, conditions, the images on nodes, and annotations other than Ashlar's are left
// out.
func (o *ClusterObjects) SaveObjects(w io.Writer) error {
	var text bytes.Buffer
	text.WriteString(`{"apiVersion":"v1","kind":"List","items":[`)
	first := true
	for _, object := range o.bareObjects() {
		line, err := json.Marshal(object)
		if err != nil {
			return fmt.Errorf("writing the snapshot: %w", err)
		}
		if !first {
			text.WriteByte(',')
		}
		first = false
		text.WriteByte('\n')
		text.Write(line)
	}
	text.WriteString("\n]}\n")
	_, err := w.Write(text.Bytes())
	return err
}

// bareObjects are the objects as they are saved.
func (o *ClusterObjects) bareObjects() []any {
	var all []any
	add := func(object runtime.Object, kind schema.GroupVersionKind) {
		object.GetObjectKind().SetGroupVersionKind(kind)
		all = append(all, object)
	}
	resource := resourceapi.SchemeGroupVersion
	for _, node := range o.Nodes {
		add(&corev1.Node{
			ObjectMeta: bareMeta(&node.ObjectMeta),
			Spec:       corev1.NodeSpec{Unschedulable: node.Spec.Unschedulable, Taints: node.Spec.Taints},
			Status: corev1.NodeStatus{
				Capacity: node.Status.Capacity, Allocatable: node.Status.Allocatable,
				DeclaredFeatures: node.Status.DeclaredFeatures,
			},
		}, corev1.SchemeGroupVersion.WithKind("Node"))
	}
	for _, pod := range o.Pods {
		if !podFinished(pod) {
			add(barePod(pod), corev1.SchemeGroupVersion.WithKind("Pod"))
		}
	}
	for _, namespace := range o.Namespaces {
		add(&corev1.Namespace{ObjectMeta: bareMeta(&namespace.ObjectMeta)}, corev1.SchemeGroupVersion.WithKind("Namespace"))
	}
	for _, slice := range o.Slices {
		add(&resourceapi.ResourceSlice{ObjectMeta: bareMeta(&slice.ObjectMeta), Spec: slice.Spec}, resource.WithKind("ResourceSlice"))
	}
	for _, claim := range o.Claims {
		meta := bareMeta(&claim.ObjectMeta)
		if value, found := claim.Annotations[resourceapi.ExtendedResourceClaimAnnotation]; found {
			meta.Annotations = map[string]string{resourceapi.ExtendedResourceClaimAnnotation: value}
		}
		status := claim.Status
		status.Devices = nil // what drivers report, such as addresses
		add(&resourceapi.ResourceClaim{ObjectMeta: meta, Spec: claim.Spec, Status: status}, resource.WithKind("ResourceClaim"))
	}
	for _, template := range o.Templates {
		bare := &resourceapi.ResourceClaimTemplate{ObjectMeta: bareMeta(&template.ObjectMeta)}
		bare.Spec.Spec = template.Spec.Spec
		add(bare, resource.WithKind("ResourceClaimTemplate"))
	}
	for _, class := range o.Classes {
		add(&resourceapi.DeviceClass{ObjectMeta: bareMeta(&class.ObjectMeta), Spec: class.Spec}, resource.WithKind("DeviceClass"))
	}
	for _, class := range o.Priorities {
		bare := class.DeepCopy()
		bare.ObjectMeta, bare.Description = bareMeta(&class.ObjectMeta), ""
		if value, found := class.Annotations[deviceapi.MovableAnnotation]; found {
			bare.Annotations = map[string]string{deviceapi.MovableAnnotation: value}
		}
		add(bare, schema.GroupVersionKind{Group: "scheduling.k8s.io", Version: "v1", Kind: "PriorityClass"})
	}
	for _, group := range o.PodGroups {
		add(&v1alpha1.PodGroup{
			ObjectMeta: metav1.ObjectMeta{Name: group.Name, Namespace: group.Namespace},
			Spec:       v1alpha1.PodGroupSpec{MinMember: group.Spec.MinMember},
		}, v1alpha1.SchemeGroupVersion.WithKind("PodGroup"))
	}
	return append(all, o.bareLimits()...)
}

// bareLimits are the quotas, limits and autoscalers as they are saved.
func (o *ClusterObjects) bareLimits() []any {
	var all []any
	for _, quota := range o.Quotas {
		all = append(all, &corev1.ResourceQuota{
			TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "ResourceQuota"},
			ObjectMeta: bareMeta(&quota.ObjectMeta), Spec: quota.Spec, Status: quota.Status,
		})
	}
	for _, budget := range o.Budgets {
		status := budget.Status
		status.Conditions = nil
		all = append(all, &policyv1.PodDisruptionBudget{
			TypeMeta:   metav1.TypeMeta{APIVersion: "policy/v1", Kind: "PodDisruptionBudget"},
			ObjectMeta: bareMeta(&budget.ObjectMeta), Spec: budget.Spec, Status: status,
		})
	}
	for _, limit := range o.Limits {
		all = append(all, &corev1.LimitRange{
			TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "LimitRange"}, ObjectMeta: bareMeta(&limit.ObjectMeta), Spec: limit.Spec,
		})
	}
	for _, a := range o.Autoscalers {
		version := "v1"
		if a.TargetGroup != "" {
			version = a.TargetGroup + "/v1"
		}
		all = append(all, &autoscalingv2.HorizontalPodAutoscaler{
			TypeMeta:   metav1.TypeMeta{APIVersion: "autoscaling/v2", Kind: "HorizontalPodAutoscaler"},
			ObjectMeta: metav1.ObjectMeta{Name: a.Name, Namespace: a.Namespace},
			Spec: autoscalingv2.HorizontalPodAutoscalerSpec{
				ScaleTargetRef: autoscalingv2.CrossVersionObjectReference{APIVersion: version, Kind: a.TargetKind, Name: a.TargetName},
				MinReplicas:    ptr.To(int32(a.Min)), MaxReplicas: int32(a.Max), //nolint:gosec // they were int32
			},
		})
	}
	return all
}

// bareMeta keeps what objects find each other by.
func bareMeta(meta *metav1.ObjectMeta) metav1.ObjectMeta {
	bare := metav1.ObjectMeta{
		Name: meta.Name, Namespace: meta.Namespace, UID: meta.UID, Labels: meta.Labels,
		CreationTimestamp: meta.CreationTimestamp, DeletionTimestamp: meta.DeletionTimestamp,
	}
	for _, owner := range meta.OwnerReferences {
		bare.OwnerReferences = append(bare.OwnerReferences, metav1.OwnerReference{
			APIVersion: owner.APIVersion, Kind: owner.Kind, Name: owner.Name, UID: owner.UID, Controller: owner.Controller,
		})
	}
	return bare
}
