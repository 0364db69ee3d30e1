package gpuchain

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// podTrouble is why a pod is not ready, as the end of a sentence about several pods, ""
// if it is. It is the same while a pod alternates between a crash and the next start.
func podTrouble(pod *corev1.Pod) string {
	switch pod.Status.Phase {
	case corev1.PodFailed:
		return "have failed"
	case corev1.PodSucceeded:
		return "have ended"
	}
	if pod.DeletionTimestamp != nil {
		return "are being deleted"
	}
	if pod.Spec.NodeName == "" {
		return notScheduled
	}
	if isPodReady(pod) {
		return ""
	}
	for i := range pod.Status.InitContainerStatuses {
		if trouble := containerTrouble(&pod.Status.InitContainerStatuses[i]); trouble != "" {
			return trouble
		}
	}
	if name := unfinishedInit(pod); name != "" {
		return "wait for their init container " + cutText(name, 63)
	}
	for i := range pod.Status.ContainerStatuses {
		if trouble := containerTrouble(&pod.Status.ContainerStatuses[i]); trouble != "" {
			return trouble
		}
	}
	if len(pod.Status.ContainerStatuses) > 0 && pod.Status.ContainerStatuses[0].State.Waiting != nil {
		if class := pod.Spec.RuntimeClassName; class != nil {
			return noContainer + " (RuntimeClass " + cutText(*class, 60) + ", which the container toolkit sets up)"
		}
		return noContainer
	}
	return notReady
}

// notScheduled is said of pods that their node has no room for, and noContainer of pods
// that it is making: the events of both tell more.
const (
	notScheduled = "are not scheduled"
	noContainer  = "have no container yet"
)

// notReady is said of pods that are not ready for different reasons too.
const notReady = "are not ready"

func isPodReady(pod *corev1.Pod) bool {
	if pod.Status.Phase != corev1.PodRunning {
		return false
	}
	for _, condition := range pod.Status.Conditions {
		if condition.Type == corev1.PodReady {
			return condition.Status == corev1.ConditionTrue
		}
	}
	return true
}

// containerTrouble is what keeps a container from running, "" if nothing says.
func containerTrouble(status *corev1.ContainerStatus) string {
	if waiting := status.State.Waiting; waiting != nil {
		switch waiting.Reason {
		case "ImagePullBackOff", "ErrImagePull", "ErrImageNeverPull", "InvalidImageName", "ImageInspectError", "RegistryUnavailable":
			return "cannot pull their image"
		case "CrashLoopBackOff":
			return "crash"
		case "CreateContainerConfigError", "CreateContainerError", "RunContainerError", "StartError":
			return "cannot start a container"
		}
	}
	if ended := status.State.Terminated; ended != nil && ended.ExitCode != 0 {
		return "crash"
	}
	return ""
}

// unfinishedInit is the first init container that has not ended well, "" if all have.
// Sidecars, which do not end, are left out.
func unfinishedInit(pod *corev1.Pod) string {
	sidecar := map[string]bool{}
	for i := range pod.Spec.InitContainers {
		c := &pod.Spec.InitContainers[i]
		sidecar[c.Name] = c.RestartPolicy != nil && *c.RestartPolicy == corev1.ContainerRestartPolicyAlways
	}
	for i := range pod.Status.InitContainerStatuses {
		status := &pod.Status.InitContainerStatuses[i]
		if sidecar[status.Name] || status.State.Terminated != nil && status.State.Terminated.ExitCode == 0 {
			continue
		}
		return status.Name
	}
	return ""
}

// ownerOf names what made a pod, for a message.
func ownerOf(pod *corev1.Pod) string {
	if owner := metav1.GetControllerOf(pod); owner != nil && owner.Kind == "DaemonSet" {
		return "daemonset " + cutText(pod.Namespace+"/"+owner.Name, 90)
	}
	return "namespace " + cutText(pod.Namespace, 63)
}
