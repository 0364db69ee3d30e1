package whatif

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"strings"

	corev1 "k8s.io/api/core/v1"
	resourceapi "k8s.io/api/resource/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/ashlar-dev/ashlar/topology/memory/launch"
)

// Save writes a snapshot as a List that kubectl and ReadFile read, one object a line.
//
// It is meant to be shown to others, so it holds what scheduling looks at and nothing
// else. Of containers that is name, image, resources and host ports. Command, arguments
// and environment stay only with model servers, whose memory is read from them; what
// looks like a key, token or password is struck out there. Volumes, probes, managed
// fields, conditions, the images on nodes, and annotations other than Ashlar's are left
// out.
func (o *Objects) Save(w io.Writer) error {
	var text bytes.Buffer
	text.WriteString(`{"apiVersion":"v1","kind":"List","items":[`)
	first := true
	for _, object := range o.bare() {
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

// bare are the objects as they are saved.
func (o *Objects) bare() []any {
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
		if !finished(pod) {
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
		add(bare, schema.GroupVersionKind{Group: "scheduling.k8s.io", Version: "v1", Kind: "PriorityClass"})
	}
	for _, group := range o.Groups {
		all = append(all, struct {
			APIVersion string `json:"apiVersion"`
			Kind       string `json:"kind"`
			*Group
		}{groupVersion, groupKind, group})
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

// keptAnnotation reports whether scheduling or the reading of model servers looks at a
// pod's annotation.
func keptAnnotation(name string) bool {
	return strings.HasPrefix(name, "ashlar.dev/") || name == corev1.MirrorPodAnnotationKey
}

func barePod(pod *corev1.Pod) *corev1.Pod {
	bare := &corev1.Pod{ObjectMeta: bareMeta(&pod.ObjectMeta)}
	for name, value := range pod.Annotations {
		if keptAnnotation(name) {
			if bare.Annotations == nil {
				bare.Annotations = map[string]string{}
			}
			bare.Annotations[name] = value
		}
	}
	spec := &pod.Spec
	bare.Spec = corev1.PodSpec{
		NodeName: spec.NodeName, NodeSelector: spec.NodeSelector, Affinity: spec.Affinity, Tolerations: spec.Tolerations,
		TopologySpreadConstraints: spec.TopologySpreadConstraints, SchedulerName: spec.SchedulerName, SchedulingGates: spec.SchedulingGates,
		Priority: spec.Priority, PriorityClassName: spec.PriorityClassName, PreemptionPolicy: spec.PreemptionPolicy,
		Overhead: spec.Overhead, Resources: spec.Resources, ResourceClaims: spec.ResourceClaims, HostNetwork: spec.HostNetwork,
		RestartPolicy: spec.RestartPolicy,
	}
	for i := range spec.Containers {
		bare.Spec.Containers = append(bare.Spec.Containers, bareContainer(&spec.Containers[i]))
	}
	for i := range spec.InitContainers {
		bare.Spec.InitContainers = append(bare.Spec.InitContainers, bareContainer(&spec.InitContainers[i]))
	}
	status := &pod.Status
	bare.Status = corev1.PodStatus{
		Phase: status.Phase, NominatedNodeName: status.NominatedNodeName, Resources: status.Resources,
		ResourceClaimStatuses: status.ResourceClaimStatuses, ExtendedResourceClaimStatus: status.ExtendedResourceClaimStatus,
		ContainerStatuses: bareStatuses(status.ContainerStatuses), InitContainerStatuses: bareStatuses(status.InitContainerStatuses),
	}
	return bare
}

// bareStatuses keep the resources that a container was resized to.
func bareStatuses(statuses []corev1.ContainerStatus) []corev1.ContainerStatus {
	var bare []corev1.ContainerStatus
	for i := range statuses {
		if s := &statuses[i]; s.Resources != nil || s.AllocatedResources != nil {
			bare = append(bare, corev1.ContainerStatus{Name: s.Name, Resources: s.Resources, AllocatedResources: s.AllocatedResources})
		}
	}
	return bare
}

func bareContainer(c *corev1.Container) corev1.Container {
	bare := corev1.Container{Name: c.Name, Image: c.Image, Resources: c.Resources, RestartPolicy: c.RestartPolicy}
	for _, port := range c.Ports {
		if port.HostPort != 0 {
			bare.Ports = append(bare.Ports, port)
		}
	}
	if !isModelServer(c) {
		return bare
	}
	bare.Command, bare.Args = wordsWithoutSecrets(c.Command), wordsWithoutSecrets(c.Args)
	for _, variable := range c.Env {
		if secretName.MatchString(variable.Name) && variable.ValueFrom == nil {
			variable.Value = struckOut
		}
		variable.Value = withoutSecrets(variable.Value)
		bare.Env = append(bare.Env, variable)
	}
	return bare
}

// isModelServer reports whether a container starts a model server, as far as can be
// told.
func isModelServer(c *corev1.Container) bool {
	of := launch.Container{Name: c.Name, Image: c.Image, Command: c.Command, Args: c.Args}
	for _, variable := range c.Env {
		of.Env = append(of.Env, launch.EnvVar{Name: variable.Name, Value: variable.Value})
	}
	reading, err := launch.Read(of)
	return err == nil && reading.IsServer()
}

// struckOut stands for what is nobody's business.
const struckOut = "STRUCK-OUT"

var (
	// secretName matches variables and flags that hold secrets: HF_TOKEN, --api-key. Not
	// so MAX_INPUT_TOKENS or --tokenizer.
	secretName = regexp.MustCompile(`(?i)(api[-_]?key|secret|passw(or)?d|credential|[-_]token$|^token$|[-_]key$)`)
	secretFlag = regexp.MustCompile(`(?i)((?:--?|\b)[a-z0-9_-]*(?:api[-_]?key|secret|passw(?:or)?d|credentials?|[-_]token|access[-_]key)[ =]+)("[^"]*"|'[^']*'|[^\s"';&|)]+)`)
)

// withoutSecrets strikes out the values of secrets inside a text: --api-key=X.
func withoutSecrets(text string) string {
	return secretFlag.ReplaceAllString(text, "${1}"+struckOut)
}

// wordsWithoutSecrets does so too where flag and value are words of their own.
func wordsWithoutSecrets(words []string) []string {
	var bare []string
	for i, word := range words {
		if i > 0 && strings.HasPrefix(words[i-1], "-") && !strings.ContainsAny(words[i-1], "= ") && secretName.MatchString(words[i-1]) {
			word = struckOut
		}
		bare = append(bare, withoutSecrets(word))
	}
	return bare
}
