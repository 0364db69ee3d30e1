package serverhost

import (
	corev1 "k8s.io/api/core/v1"

	"github.com/ashlar-dev/ashlar/plugins/modelmemory"
	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/memory"
)

// ModelServer is a model server in a pod.
type ModelServer struct {
	Pod *corev1.PodSpec
	// Container is the one that serves.
	Container *corev1.Container
	Launch    memory.Launch
	// Model is the model's name, Weights what its files hold.
	Model   string
	Weights topology.Bytes
	// ReadingRate is how many bytes of them are read in a second, 0 for the usual.
	ReadingRate topology.Bytes
	// Replicas is how many pods of it there may be at once, 0 if that is not known.
	Replicas int64
	// HasOperator says that an operator makes the pod and may give it a token for the hub of its own.
	HasOperator bool
	// Neighbours are the objects beside it.
	Neighbours NeighbourObjects
}

// NeighbourObjects are the objects of a manifest that bear on its pods, by name.
type NeighbourObjects struct {
	Claims   map[string]*corev1.PersistentVolumeClaim
	Services map[string]bool
	// Templates are the claims that each replica gets of its own, by the name of the volume.
	Templates map[string]*corev1.PersistentVolumeClaim
}

// HostNotes says what will stop or slow the server beside its GPUs.
func (s *ModelServer) HostNotes() []HostNote {
	var notes []HostNote
	for _, find := range []func(*ModelServer) []HostNote{
		(*ModelServer).noteSharedMemory, (*ModelServer).noteTritonMemory, (*ModelServer).noteProbes, (*ModelServer).noteMemoryLimit,
		(*ModelServer).noteCPULimit, (*ModelServer).noteStorage, (*ModelServer).noteSharedVolumes, (*ModelServer).noteToken,
		(*ModelServer).noteLockedMemory, (*ModelServer).noteServiceVariables,
	} {
		notes = append(notes, find(s)...)
	}
	return notes
}

// localGPUs is how many processes with a GPU each the container starts: those of a server
// that spans nodes are as many as the container asks for.
func (s *ModelServer) localGPUs() int64 {
	all, asked := s.Launch.GPUCount()*max(1, s.Launch.DataParallel), modelmemory.CountGPUs(s.Container)
	if asked > 0 {
		return min(all, asked)
	}
	return all
}

// linkedGPUs are the GPUs whose processes pass messages to one another: those of one copy of the
// model, and of all copies where they share experts.
func (s *ModelServer) linkedGPUs() int64 {
	if s.Launch.ExpertParallel {
		return s.localGPUs()
	}
	return min(s.Launch.GPUCount(), s.localGPUs())
}

// volumeNamed is a volume of the pod, nil if it has none of that name.
func (s *ModelServer) volumeNamed(name string) *corev1.Volume {
	for i := range s.Pod.Volumes {
		if s.Pod.Volumes[i].Name == name {
			return &s.Pod.Volumes[i]
		}
	}
	return nil
}
