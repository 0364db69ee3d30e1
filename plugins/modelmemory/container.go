package modelmemory

import (
	v1 "k8s.io/api/core/v1"

	"github.com/ashlar-dev/ashlar/topology/deviceapi"
	"github.com/ashlar-dev/ashlar/topology/memory/launch"
)

// LaunchPod is what package launch reads of a pod. Init containers that run beside the
// others (restartPolicy: Always) come after them.
func LaunchPod(annotations map[string]string, spec *v1.PodSpec) launch.Pod {
	out := launch.Pod{Annotations: annotations}
	for i := range spec.InitContainers {
		out.InitContainers = append(out.InitContainers, launchContainer(&spec.InitContainers[i]))
	}
	for i := range spec.Containers {
		out.Containers = append(out.Containers, launchContainer(&spec.Containers[i]))
	}
	for i := range spec.InitContainers {
		if c := &spec.InitContainers[i]; c.RestartPolicy != nil && *c.RestartPolicy == v1.ContainerRestartPolicyAlways {
			out.Containers = append(out.Containers, launchContainer(c))
		}
	}
	return out
}

// launchContainer is what package launch reads of a container.
func launchContainer(c *v1.Container) launch.Container {
	out := launch.Container{Name: c.Name, Image: c.Image, Command: c.Command, Args: c.Args}
	for i := range c.Env {
		out.Env = append(out.Env, launch.EnvVar{Name: c.Env[i].Name, Value: c.Env[i].Value, From: sourceOf(c.Env[i].ValueFrom)})
	}
	out.GPUs = CountGPUs(c)
	return out
}

// CountGPUs is how many GPUs, slices or replicas of one a container asks of device plugins.
func CountGPUs(c *v1.Container) int64 {
	count := int64(0)
	for name, quantity := range c.Resources.Limits {
		if deviceapi.IsAnyGPUResource(string(name)) {
			count += quantity.Value()
		}
	}
	return count
}

// sourceOf says where a variable's value is kept, "" for one that is in the pod.
func sourceOf(from *v1.EnvVarSource) string {
	switch {
	case from == nil:
		return ""
	case from.ConfigMapKeyRef != nil:
		return "configMapKeyRef " + from.ConfigMapKeyRef.Name + "/" + from.ConfigMapKeyRef.Key
	case from.SecretKeyRef != nil:
		return "secretKeyRef " + from.SecretKeyRef.Name + "/" + from.SecretKeyRef.Key
	case from.FieldRef != nil:
		return "fieldRef " + from.FieldRef.FieldPath
	case from.ResourceFieldRef != nil:
		return "resourceFieldRef " + from.ResourceFieldRef.Resource
	}
	return "a source outside the pod"
}
