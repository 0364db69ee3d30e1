package serverhost

import (
	"fmt"
	"path"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/memory"
)

const sharedMemoryPath = "/dev/shm"

// defaultSharedMemory is how large container runtimes make /dev/shm.
const defaultSharedMemory = 64 * topology.MiB

// vllmQueue is the ring of vLLM's message queue between its processes: ten chunks of 16 MiB.
// Sources: VLLM_MQ_MAX_CHUNK_BYTES_MB in vllm/envs.py; MessageQueue in
// vllm/distributed/device_communicators/shm_broadcast.py.
const vllmQueue = 160 * topology.MiB

// sharedMemoryLines are what to type for a /dev/shm in memory.
var sharedMemoryLines = []string{
	"volumeMounts: [{name: dshm, mountPath: /dev/shm}]",
	"volumes: [{name: dshm, emptyDir: {medium: Memory, sizeLimit: 2Gi}}]",
}

// noteSharedMemory is about /dev/shm, which container runtimes make 64 MiB large. Processes that
// serve one model together pass messages through it, and NCCL does where GPUs do not reach
// one another. Sources: vLLM issue 1710; vLLM's and NCCL's troubleshooting pages.
func (s *ModelServer) noteSharedMemory() []HostNote {
	if s.linkedGPUs() < 2 || s.Pod.HostIPC {
		return nil
	}
	mount, volume := s.mountAt(sharedMemoryPath)
	switch {
	case mount == nil:
		return []HostNote{{
			Cause: fmt.Sprintf("%d processes serve the model together and %s is not mounted", s.linkedGPUs(), sharedMemoryPath),
			Detail: fmt.Sprintf("it then has %s, in which NCCL (unhandled system error) or the engine (bus error) usually fails",
				defaultSharedMemory),
			Remedy: "mount an emptyDir with medium: Memory there", Lines: sharedMemoryLines,
		}}
	case volume == nil || volume.EmptyDir == nil:
		return nil
	case volume.EmptyDir.Medium != corev1.StorageMediumMemory:
		return []HostNote{{
			Cause:  fmt.Sprintf("volume %s at %s is on the node's disk, not in memory", volume.Name, sharedMemoryPath),
			Detail: fmt.Sprintf("it slows what %d processes tell one another", s.linkedGPUs()),
			Remedy: "give its emptyDir medium: Memory",
			Lines:  []string{fmt.Sprintf("volumes: [{name: %s, emptyDir: {medium: Memory, sizeLimit: 2Gi}}]", quoteText(volume.Name))},
		}}
	}
	limit := volume.EmptyDir.SizeLimit
	if limit == nil || limit.IsZero() {
		return nil
	}
	size, lines := topology.Bytes(limit.Value()), []string{fmt.Sprintf("volumes: [{name: %s, emptyDir: {medium: Memory, sizeLimit: 2Gi}}]",
		quoteText(volume.Name))}
	switch {
	case s.Launch.Engine == memory.VLLM && size < vllmQueue+defaultSharedMemory:
		return []HostNote{{
			Cause: fmt.Sprintf("volume %s at %s is limited to %s, and vLLM's queue between its processes alone takes %s", volume.Name,
				sharedMemoryPath, limit, vllmQueue),
			Remedy: "limit it to 1Gi or more", Lines: lines,
		}}
	case size <= defaultSharedMemory:
		return []HostNote{{
			Cause:  fmt.Sprintf("volume %s at %s is limited to %s, no more than containers have without it", volume.Name, sharedMemoryPath, limit),
			Detail: fmt.Sprintf("NCCL (unhandled system error) usually fails in them between %d GPUs", s.linkedGPUs()),
			Remedy: "limit it to 1Gi or more", Lines: lines,
		}}
	}
	return nil
}

// noteTritonMemory is about Triton's Python backend, in which its vLLM and TensorRT-LLM images run
// models: it passes tensors to its processes through /dev/shm. Source: the README of
// triton-inference-server/python_backend ("shm-default-byte-size"), and the --shm-size of its containers.
func (s *ModelServer) noteTritonMemory() []HostNote {
	if s.Pod.HostIPC || s.linkedGPUs() > 1 || !isPythonTriton(s.Container) {
		return nil
	}
	if mount, _ := s.mountAt(sharedMemoryPath); mount != nil {
		return nil
	}
	return []HostNote{{
		Cause:  fmt.Sprintf("Triton's Python backend passes tensors through %s, which is not mounted", sharedMemoryPath),
		Detail: fmt.Sprintf("it then has %s (\"Failed to increase the shared memory pool size\")", defaultSharedMemory),
		Remedy: "mount an emptyDir with medium: Memory there", Lines: sharedMemoryLines,
	}}
}

// isPythonTriton reports whether a container's image is Triton's with the Python backend of vLLM or
// TensorRT-LLM: nvcr.io/nvidia/tritonserver:24.08-vllm-python-py3.
func isPythonTriton(c *corev1.Container) bool {
	name, tag, _ := strings.Cut(path.Base(c.Image), ":")
	return strings.Contains(name, "tritonserver") && strings.Contains(tag, "python")
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
