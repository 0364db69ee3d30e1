package modelmemory

import (
	"errors"
	"fmt"

	v1 "k8s.io/api/core/v1"

	"github.com/ashlar-dev/ashlar/topology/memory/launch"
	"github.com/ashlar-dev/ashlar/topology/memory/model"
)

// Doubts says what about the pod's model server was not looked at, and which of its
// settings contradict one another; nothing for a pod that runs none.
func Doubts(pod *v1.Pod) []string {
	reading, err := LaunchPod(pod.Annotations, &pod.Spec).Read()
	if errors.As(err, new(*launch.RefusedNumber)) {
		return []string{err.Error()}
	}
	if err != nil {
		return []string{fmt.Sprintf("its model server's memory was not checked: %v", err)}
	}
	if !reading.IsServer() || reading.GPUMemory > 0 {
		return nil
	}
	doubts := reading.Contradictions
	if open := openSettings(reading); len(open) > 0 {
		doubts = append(doubts,
			fmt.Sprintf("its model server's memory was not checked: %s is unknown, because %s", open[0].Field, open[0].Because))
	}
	if reading.Model != "" {
		if _, err := model.Known(reading.Model); err != nil {
			doubts = append(doubts, fmt.Sprintf("its model server's memory was not checked: %v", err))
		}
	}
	return doubts
}
