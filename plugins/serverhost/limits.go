package serverhost

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"

	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/memory"
)

// processMemory is about what each process of a server keeps in host memory: libraries, CUDA's context
// and buffers. vLLM issue 57469 has 3 GiB of anonymous memory for a worker.
const processMemory = 3 * topology.GiB

// noteMemoryLimit is about the container's memory. Engines map the files: their pages count
// within the limit, and are given up when it is reached. What stays in host memory is not, nor
// are files in a volume that is memory.
func (s *ModelServer) noteMemoryLimit() []HostNote {
	quantity, limited := s.Container.Resources.Limits[corev1.ResourceMemory]
	if !limited || quantity.Sign() <= 0 {
		return nil
	}
	limit, kept := topology.Bytes(quantity.Value()), s.Launch.CPUOffload*topology.Bytes(s.localGPUs())
	enough := func(least topology.Bytes) []string {
		const step = 8 * topology.GiB
		whole := (least + processMemory*topology.Bytes(s.localGPUs()+1) + step - 1) / step * step
		return []string{fmt.Sprintf("resources: {limits: {memory: %dGi}}", int64(whole/topology.GiB))}
	}
	volume := s.cacheVolume()
	inMemory := volume != nil && volume.EmptyDir != nil && volume.EmptyDir.Medium == corev1.StorageMediumMemory
	switch {
	case kept > limit:
		return []HostNote{{
			Cause:  fmt.Sprintf("%s of weights stay in host memory, and the container's limit is %s", kept, &quantity),
			Detail: "it is killed (OOMKilled)", Remedy: "raise limits.memory", Lines: enough(kept),
		}}
	case inMemory && s.downloadsModel() && s.Weights > limit:
		return []HostNote{{
			Cause: fmt.Sprintf("%s of weights are downloaded into volume %s, which is memory and counts within the limit of %s", s.Weights,
				volume.Name, &quantity),
			Detail: "the container is killed (OOMKilled)", Remedy: "keep them on disk, or raise limits.memory above them",
			Lines: []string{fmt.Sprintf("volumes: [{name: %s, emptyDir: {}}]", quoteText(volume.Name))},
		}}
	case s.Weights > limit:
		detail := "the files' pages count within it and are read again once given up, so that loading is slow at best, and where the engine " +
			"copies them the container is killed (OOMKilled)"
		if n := s.localGPUs(); n > 1 {
			detail = fmt.Sprintf("%d loaders share it: ", n) + detail
		}
		return []HostNote{{
			Cause:  fmt.Sprintf("%s of weights pass through a memory limit of %s", s.Weights, &quantity),
			Detail: detail, Remedy: "raise limits.memory above the weights", Lines: enough(s.Weights),
		}}
	}
	return nil
}

// noteCPULimit is about a limit of CPU, which throttles threads that hand work to the GPUs.
// vLLM keeps a core busy for each GPU, one for its engine and one for its API, and a CPU is half a core
// where cores have two threads. Source: vLLM's page on optimization, CPU resources. Of other
// engines it is known that they have a process for each GPU and one more.
func (s *ModelServer) noteCPULimit() []HostNote {
	quantity, limited := s.Container.Resources.Limits[corev1.ResourceCPU]
	if !limited || quantity.Sign() <= 0 || s.Launch.Engine == memory.Plain || s.Launch.Engine == "" {
		return nil
	}
	busy, gpus, least := s.localGPUs()+1, countGPUs(s.localGPUs()), int64(0)
	if s.Launch.Engine == memory.VLLM {
		busy++
		least = 2 * busy
	}
	const remedy = "request CPUs, and leave the limit out"
	lines := []string{fmt.Sprintf("resources: {requests: {cpu: %d}}", max(least, busy))}
	switch {
	case quantity.MilliValue() < 1000*busy:
		return []HostNote{{
			Cause: fmt.Sprintf("the CPU limit of %s is less than the %d CPUs that %s keeps busy with %s", &quantity, busy, s.Launch.Engine.Title(),
				gpus),
			Detail: "its threads are throttled while GPUs wait", Remedy: remedy, Lines: lines,
		}}
	case quantity.MilliValue() < 1000*least:
		return []HostNote{{
			Cause: fmt.Sprintf("the CPU limit of %s throttles threads in bursts, such as loading, compiling and tokenising, while %s wait",
				&quantity, gpus),
			Detail: fmt.Sprintf("vLLM's %d processes keep %d cores busy, of two CPUs each", busy, busy), Remedy: remedy, Lines: lines,
		}}
	}
	return nil
}

func countGPUs(n int64) string {
	if n == 1 {
		return "1 GPU"
	}
	return fmt.Sprintf("%d GPUs", n)
}

// noteLockedMemory is about adapters for RDMA, whose memory is locked: without the capability the limit
// of the container runtime applies, which is often 64KiB. Source: the RDMA shared device plugin's and
// NVIDIA's network operator's examples; "ibv_reg_mr failed with error Cannot allocate memory" of NCCL.
func (s *ModelServer) noteLockedMemory() []HostNote {
	adapter := ""
	for name := range s.Container.Resources.Limits {
		if isRDMA(string(name)) && (adapter == "" || string(name) < adapter) {
			adapter = string(name)
		}
	}
	if adapter == "" || s.mayLockMemory() {
		return nil
	}
	return []HostNote{{
		Cause:  fmt.Sprintf("%s needs locked memory, and the container has no capability IPC_LOCK", adapter),
		Detail: "NCCL may fail (\"ibv_reg_mr ... Cannot allocate memory\") unless the runtime's memlock limit is raised",
		Remedy: "add it", Lines: []string{"securityContext: {capabilities: {add: [IPC_LOCK]}}"},
	}}
}
