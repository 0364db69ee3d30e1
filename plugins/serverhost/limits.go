package serverhost

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"

	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/memory"
)

// noteMemoryLimit is about the container's memory. Engines map the files: their pages count
// within the limit, and are given up when it is reached. What stays in host memory is not.
func (s *ModelServer) noteMemoryLimit() []string {
	quantity, limited := s.Container.Resources.Limits[corev1.ResourceMemory]
	if !limited || quantity.Sign() <= 0 {
		return nil
	}
	limit, kept := topology.Bytes(quantity.Value()), s.Launch.CPUOffload*topology.Bytes(s.localGPUs())
	switch {
	case kept > limit:
		return []string{fmt.Sprintf("%s of weights stay in host memory, and the container's limit is %s: it is killed (OOMKilled): raise "+
			"limits.memory", kept, &quantity)}
	case s.Weights > limit:
		return []string{fmt.Sprintf("%s of weights pass through a memory limit of %s: the files' pages count within it and are read again once "+
			"given up, so that loading is slow at best, and where the engine copies them the container is killed (OOMKilled): raise "+
			"limits.memory above the weights", s.Weights, &quantity)}
	}
	return nil
}

// noteCPULimit is about a limit of CPU, which throttles threads that hand work to the GPUs.
// vLLM keeps a CPU busy for each GPU, one for its engine and one for its API. Source: vLLM's
// page on optimization, CPU resources.
func (s *ModelServer) noteCPULimit() []string {
	quantity, limited := s.Container.Resources.Limits[corev1.ResourceCPU]
	if !limited || quantity.Sign() <= 0 {
		return nil
	}
	if busy := s.localGPUs() + 2; s.Launch.Engine == memory.VLLM && quantity.MilliValue() < 1000*busy {
		return []string{fmt.Sprintf("the CPU limit of %s is less than the %d CPUs that vLLM keeps busy with %d GPUs: its threads are throttled "+
			"while GPUs wait: request CPUs, and leave the limit out", &quantity, busy, s.localGPUs())}
	}
	return []string{fmt.Sprintf("the CPU limit of %s throttles threads in bursts, such as loading, compiling and tokenising, while GPUs "+
		"wait: request CPUs, and leave the limit out", &quantity)}
}
