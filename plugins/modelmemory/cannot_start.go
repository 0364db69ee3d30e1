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
	parts := partsOf(pod)
	for i := range pod.Spec.Containers {
		if len(pod.Spec.Containers[i].Resources.Claims) == 0 {
			continue // a part of a pod has no claims
		}
		if c := &parts[0].launched.Containers[i]; c.GPUs == 0 {
			c.GPUs = claimed
		}
	}
	for i := range parts {
		if because := cannotStartIn(pod, &parts[i]); because != "" {
			return "the pod's model server cannot start: " + because
		}
	}
	return ""
}

// cannotStartIn is CannotStart for a part of a pod.
func cannotStartIn(pod *v1.Pod, part *launchPart) string {
	reading, err := part.launched.Read()
	switch {
	case errors.As(err, new(*launch.RefusedNumber)):
		return err.Error() // it names the container
	case err != nil || !reading.IsServer():
		return ""
	case reading.TooFewGPUs != "":
		return part.nameContainer(reading.TooFewGPUs)
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
	return part.nameContainer(launch.DescribeFault(reading.Launch.Engine, wrong))
}
