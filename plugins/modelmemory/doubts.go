package modelmemory

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	v1 "k8s.io/api/core/v1"

	"github.com/ashlar-dev/ashlar/topology/memory/launch"
	"github.com/ashlar-dev/ashlar/topology/memory/model"
	"github.com/ashlar-dev/ashlar/topology/nearest"
)

// Doubts says what about the pod's model servers was not looked at, and which of their
// settings contradict one another, and which annotations are nearly known ones.
func Doubts(pod *v1.Pod) []string {
	doubts := misspelledAnnotations(pod.Annotations)
	if other := OtherDevices(&pod.Spec); other != "" {
		return append(doubts, other)
	}
	for _, part := range partsOf(pod) {
		doubts = append(doubts, part.listDoubts()...)
	}
	return doubts
}

// NoDeviceDoubt says of a pod as it was admitted that its model server gets no GPU; "" if it gets one, or needs none.
func NoDeviceDoubt(pod *v1.Pod) string {
	for _, part := range partsOf(pod) {
		reading, err := part.launched.Read()
		if err != nil || reading.GPUMemory > 0 || !needsGPU(reading.Launch.Engine) {
			continue
		}
		if none, _ := NoDevices(&pod.Spec, &reading); none != "" {
			return none
		}
	}
	return ""
}

// misspelledAnnotations says of each annotation of Ashlar's that is nearly one about a model
// server that it says nothing.
func misspelledAnnotations(annotations map[string]string) []string {
	known := launch.ServerAnnotations()
	var doubts []string
	for _, name := range slices.Sorted(maps.Keys(annotations)) {
		if !strings.HasPrefix(name, annotationDomain) || slices.Contains(known, name) {
			continue
		}
		short := make([]string, len(known))
		for i := range known {
			short[i] = strings.TrimPrefix(known[i], annotationDomain)
		}
		if near := nearest.Names(strings.TrimPrefix(name, annotationDomain), short); len(near) > 0 {
			doubts = append(doubts, fmt.Sprintf("annotation %s is not known and was ignored; did you mean %s%s?", name, annotationDomain, near[0]))
		}
	}
	return doubts
}

// annotationDomain begins the names of Ashlar's annotations.
const annotationDomain = "ashlar.dev/"

func (p *launchPart) listDoubts() []string {
	reading, err := p.launched.Read()
	if errors.As(err, new(*launch.RefusedNumber)) {
		return []string{err.Error()}
	}
	if err != nil {
		return []string{fmt.Sprintf("its model server's memory was not checked: %v", err)}
	}
	if !reading.IsServer() || reading.GPUMemory > 0 {
		return nil
	}
	var doubts []string
	for _, contradiction := range reading.Contradictions {
		doubts = append(doubts, p.nameContainer(contradiction))
	}
	unchecked := func(format string, args ...any) {
		doubts = append(doubts, p.nameContainer("its model server's memory was not checked: "+fmt.Sprintf(format, args...)))
	}
	if open := openSettings(reading); len(open) > 0 {
		unchecked("%s is unknown, because %s", open[0].Field, open[0].Because)
	}
	if old := reading.Launch; len(versionsOf(reading)) == 0 {
		unchecked("how %s %s takes memory is not known, but only that of releases from %s on", reading.Server, old.Version, firstAccounted)
	}
	if draft := UnknownDraft(&reading.Launch); draft != "" {
		unchecked("%s", draft)
	}
	if reading.Model != "" {
		if _, err := model.Known(reading.Model); err != nil {
			unchecked("%v", err)
		}
	}
	return doubts
}

// SeparateDoubt says of a pod with several model servers, each with limits of its own, that their
// memory is not checked where something else than NVIDIA's device plugin serves it; "" for other
// pods, of which Doubts tells.
func SeparateDoubt(pod *v1.Pod) string {
	if len(separateParts(pod)) == 0 {
		return ""
	}
	return fmt.Sprintf("its model servers' memory was not checked: which container gets which GPU is told only where NVIDIA's device plugin "+
		"hands them out: give each server a pod, or state the memory of all on each GPU with annotation %s", launch.GPUMemoryAnnotation)
}
