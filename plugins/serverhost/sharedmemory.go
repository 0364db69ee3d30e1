package serverhost

import (
	"fmt"
	"path"

	corev1 "k8s.io/api/core/v1"

	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/memory"
)

const sharedMemoryPath = "/dev/shm"

// vllmQueue is the ring of vLLM's message queue between its processes: ten chunks of 16 MiB.
// Sources: VLLM_MQ_MAX_CHUNK_BYTES_MB in vllm/envs.py; MessageQueue in
// vllm/distributed/device_communicators/shm_broadcast.py.
const vllmQueue = 160 * topology.MiB

// noteSharedMemory is about /dev/shm, which container runtimes make 64 MiB large. Processes that
// serve one model together pass messages through it, and NCCL does where GPUs do not reach
// one another. Sources: vLLM issue 1710; vLLM's and NCCL's troubleshooting pages.
func (s *ModelServer) noteSharedMemory() []string {
	if s.localGPUs() < 2 || s.Pod.HostIPC {
		return nil
	}
	const remedy = "mount an emptyDir with medium: Memory there"
	mount, volume := s.mountAt(sharedMemoryPath)
	switch {
	case mount == nil:
		return []string{fmt.Sprintf("%d processes serve the model together and %s is not mounted: it then has 64MiB, in which NCCL "+
			"(unhandled system error) or the engine (bus error) usually fails: %s", s.localGPUs(), sharedMemoryPath, remedy)}
	case volume == nil || volume.EmptyDir == nil:
		return nil
	case volume.EmptyDir.Medium != corev1.StorageMediumMemory:
		return []string{fmt.Sprintf("volume %s at %s is on the node's disk, not in memory, which slows what %d processes tell one another: "+
			"give its emptyDir medium: Memory", volume.Name, sharedMemoryPath, s.localGPUs())}
	}
	limit := volume.EmptyDir.SizeLimit
	if limit != nil && !limit.IsZero() && s.Launch.Engine == memory.VLLM && topology.Bytes(limit.Value()) < vllmQueue {
		return []string{fmt.Sprintf("volume %s at %s is limited to %s, and vLLM's queue between its processes alone takes %s: limit it to "+
			"1Gi or more", volume.Name, sharedMemoryPath, limit, vllmQueue)}
	}
	return nil
}

// mountAt is what the container mounts at a path, or nil.
func (s *ModelServer) mountAt(where string) (*corev1.VolumeMount, *corev1.Volume) {
	for i := range s.Container.VolumeMounts {
		if m := &s.Container.VolumeMounts[i]; path.Clean(m.MountPath) == where {
			return m, s.volumeNamed(m.Name)
		}
	}
	return nil, nil
}
