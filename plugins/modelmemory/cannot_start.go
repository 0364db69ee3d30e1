package modelmemory

import (
	"errors"

	v1 "k8s.io/api/core/v1"

	"github.com/ashlar-dev/ashlar/topology/memory"
	"github.com/ashlar-dev/ashlar/topology/memory/launch"
	"github.com/ashlar-dev/ashlar/topology/memory/model"
)

// CannotStart says why a pod's model server starts on no GPU whatever, as far as the pod
// alone tells: it spans more GPUs than its container asks for, or a number is out of
// bounds. It is "" if nothing says so. claimed is the most devices that the pod's claims
// give to a container, 0 if that is not known.
func CannotStart(pod *v1.Pod, claimed int64) string {
	const cannot = "the pod's model server cannot start: "
	started := LaunchPod(pod.Annotations, &pod.Spec)
	for i := range pod.Spec.Containers {
		if c := &started.Containers[i]; c.GPUs == 0 && len(pod.Spec.Containers[i].Resources.Claims) > 0 {
			c.GPUs = claimed
		}
	}
	reading, err := started.Read()
	var refused *launch.RefusedNumber
	switch {
	case errors.As(err, &refused):
		return cannot + err.Error()
	case err != nil || !reading.IsServer():
		return ""
	case reading.TooFewGPUs != "":
		return cannot + reading.TooFewGPUs
	case reading.GPUMemory > 0 || !isSettled(pod, reading):
		return ""
	}
	known, err := model.Known(reading.Model)
	if err != nil {
		return ""
	}
	var wrong *memory.LaunchError
	for _, version := range versionsOf(reading) {
		reading.Launch.Version = version
		if _, err := memory.NewServer(known, reading.Launch); !errors.As(err, &wrong) {
			return ""
		}
	}
	if wrong == nil {
		return ""
	}
	return cannot + launch.DescribeFault(reading.Launch.Engine, wrong)
}
