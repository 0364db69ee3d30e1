package dryrun

import (
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/ashlar-dev/ashlar/topology/memory/launch"
)

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
	if !startsModelServer(c) {
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

// startsModelServer reports whether a container starts a model server, as far as can be
// told.
func startsModelServer(c *corev1.Container) bool {
	of := launch.Container{Name: c.Name, Image: c.Image, Command: c.Command, Args: c.Args}
	for _, variable := range c.Env {
		of.Env = append(of.Env, launch.EnvVar{Name: variable.Name, Value: variable.Value})
	}
	reading, err := launch.Read(of)
	return err == nil && reading.IsServer()
}
