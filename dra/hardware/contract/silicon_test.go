package contract_test

import (
	"encoding/json"
	"os"
	"testing"

	"github.com/NVIDIA/go-nvml/pkg/nvml"
)

// With ASHLAR_SILICON set, the contract is tested on a real GPU; CAPTURE names the file
// for what it answered.
const (
	siliconVariable = "ASHLAR_SILICON"
	captureVariable = "CAPTURE"
	captureFile     = "silicon-capture.json"
)

// capture is what is written of a run.
type capture struct {
	Driver, GPU, UUID string
	Answers           map[string]any
	Kept              bool // whether everything was as promised
}

func TestRealGPUKeepsTheContract(t *testing.T) {
	if os.Getenv(siliconVariable) == "" {
		t.Skip("a real GPU is changed by `make silicon` alone")
	}
	lib := nvml.New()
	if ret := lib.Init(); ret != nvml.SUCCESS {
		t.Skipf("there is no NVIDIA driver to test with: nvmlInit says %v", ret)
	}
	defer lib.Shutdown()
	gpu := idleGPU(t, lib)
	result := capture{Answers: map[string]any{}}
	result.Driver, _ = lib.SystemGetDriverVersion()
	result.GPU, _ = gpu.GetName()
	result.UUID, _ = gpu.GetUUID()
	defer func() {
		result.Kept = !t.Failed()
		writeCapture(t, result)
	}()
	s := subject{lib: lib, gpu: gpu, note: func(what string, answer any) { result.Answers[what] = answer }}
	before, _, ret := gpu.GetMigMode()
	if ret == nvml.ERROR_NOT_SUPPORTED {
		lacksMIG(t, s)
		return
	}
	want(t, "GetMigMode", ret, nvml.SUCCESS)
	defer gpu.SetMigMode(before)
	s.switchMode = func(t *testing.T, on bool) {
		t.Helper()
		mode := nvml.DEVICE_MIG_DISABLE
		if on {
			mode = nvml.DEVICE_MIG_ENABLE
		}
		if current, _, _ := gpu.GetMigMode(); current == mode {
			return
		}
		activation, ret := gpu.SetMigMode(mode)
		s.note("switching MIG mode", []string{ret.Error(), activation.Error()})
		if ret != nvml.SUCCESS || activation != nvml.SUCCESS {
			gpu.SetMigMode(before) // a mode that is noted for later is taken back
			t.Skipf("MIG mode of GPU %s cannot be switched to %d without a reset or more rights: %v, %v", result.UUID, mode, ret, activation)
		}
	}
	keepsContract(t, s)
}

// idleGPU finds a GPU that nobody uses, one with MIG if there is one.
func idleGPU(t *testing.T, lib nvml.Interface) nvml.Device {
	t.Helper()
	count, ret := lib.DeviceGetCount()
	want(t, "DeviceGetCount", ret, nvml.SUCCESS)
	var idle nvml.Device
	for index := range count {
		gpu, ret := lib.DeviceGetHandleByIndex(index)
		if ret != nvml.SUCCESS {
			continue
		}
		if processes, ret := gpu.GetComputeRunningProcesses(); ret != nvml.SUCCESS || len(processes) > 0 {
			continue
		}
		if (subject{lib: lib, gpu: gpu}).hasInstances() {
			continue
		}
		if _, _, ret := gpu.GetMigMode(); ret == nvml.SUCCESS {
			return gpu
		}
		idle = gpu
	}
	if idle == nil {
		t.Skipf("none of %d GPU(s) is free of processes and MIG instances", count)
	}
	return idle
}

// hasInstances reports whether somebody's MIG instances are on the GPU, or may be.
func (s subject) hasInstances() bool {
	if current, _, ret := s.gpu.GetMigMode(); ret != nvml.SUCCESS || current != nvml.DEVICE_MIG_ENABLE {
		return false
	}
	for enum := range nvml.GPU_INSTANCE_PROFILE_COUNT {
		info, ret := s.gpu.GetGpuInstanceProfileInfo(enum)
		if ret != nvml.SUCCESS {
			continue
		}
		if instances, ret := s.gpu.GetGpuInstances(&info); ret != nvml.SUCCESS || len(instances) > 0 {
			return true
		}
	}
	return false
}

func writeCapture(t *testing.T, result capture) {
	t.Helper()
	file := os.Getenv(captureVariable)
	if file == "" {
		file = captureFile
	}
	text, err := json.MarshalIndent(result, "", "  ")
	if err == nil {
		err = os.WriteFile(file, append(text, '\n'), 0o600)
	}
	if err != nil {
		t.Errorf("writing what the GPU answered: %v", err)
		return
	}
	t.Logf("what the GPU answered is in %s", file)
}
