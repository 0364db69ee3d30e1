package discovery

import (
	"fmt"

	"github.com/NVIDIA/go-nvml/pkg/nvml"
)

// readClique reads the multi-node NVLink domain of a GPU, in the form that
// NVIDIA's tools publish: "<cluster UUID>.<clique id>". It is "" for a GPU that
// is in none. Only a completed registration with a UUID other than zero counts;
// one that is under way gives ErrFabricNotReady.
func readClique(lib Library, device gpuReader, gpu int) (string, error) {
	if lib.Extensions().LookupSymbol("nvmlDeviceGetGpuFabricInfo") != nil {
		return "", nil // drivers before 525
	}
	fabric, ret := device.GetGpuFabricInfo()
	switch {
	case isAbsent(ret):
		return "", nil
	case ret != nvml.SUCCESS:
		return "", callFailed(gpu, "GetGpuFabricInfo", ret)
	case fabric.State == nvml.GPU_FABRIC_STATE_NOT_STARTED || fabric.State == nvml.GPU_FABRIC_STATE_IN_PROGRESS:
		return "", fmt.Errorf("GPU %d: GetGpuFabricInfo: %w", gpu, ErrFabricNotReady)
	case fabric.State != nvml.GPU_FABRIC_STATE_COMPLETED:
		return "", nil
	}
	if status := nvml.Return(fabric.Status); status != nvml.SUCCESS {
		return "", callFailed(gpu, "GetGpuFabricInfo: registering with the NVLink fabric", status)
	}
	id := fabric.ClusterUuid
	if id == [16]uint8{} {
		return "", nil // one machine with NVSwitch, no domain across machines
	}
	return fmt.Sprintf("%x-%x-%x-%x-%x.%d", id[0:4], id[4:6], id[6:8], id[8:10], id[10:16], fabric.CliqueId), nil
}
