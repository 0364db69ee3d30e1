package simulated

import (
	"github.com/NVIDIA/go-nvml/pkg/nvml"
)

// GetMigMode is the mode at present and after a reset.
func (d *simulatedGPU) GetMigMode() (int, int, nvml.Return) {
	state, ret := d.beginCall(CallRead)
	if ret == nvml.SUCCESS && d.table == nil {
		ret = nvml.ERROR_NOT_SUPPORTED
	}
	if ret != nvml.SUCCESS {
		return 0, 0, ret
	}
	return modeNumber(state.MIG), modeNumber(state.PendingMIG), nvml.SUCCESS
}

func modeNumber(on bool) int {
	if on {
		return nvml.DEVICE_MIG_ENABLE
	}
	return nvml.DEVICE_MIG_DISABLE
}

// needsResetForMIG reports whether the mode changes with a reset only, as on Ampere.
func (d *simulatedGPU) needsResetForMIG() bool { return d.gpu.Model.Architecture == "Ampere" }

// SetMigMode switches MIG mode. The first code says whether the mode is in effect, the
// second whether it was accepted. On Ampere it is noted, and takes effect with a reset;
// from Hopper on it takes effect at once, and is refused while the GPU is in use.
func (d *simulatedGPU) SetMigMode(mode int) (nvml.Return, nvml.Return) {
	if d.table == nil {
		return nvml.ERROR_NOT_SUPPORTED, nvml.ERROR_NOT_SUPPORTED
	}
	if mode != nvml.DEVICE_MIG_DISABLE && mode != nvml.DEVICE_MIG_ENABLE {
		return nvml.ERROR_INVALID_ARGUMENT, nvml.ERROR_INVALID_ARGUMENT
	}
	on, activation := mode == nvml.DEVICE_MIG_ENABLE, nvml.SUCCESS
	ret := d.changeState(CallMIGMode, func(state *gpuState) nvml.Return {
		switch {
		case state.MIG == on:
			state.PendingMIG = on
		case len(state.Instances) > 0:
			return nvml.ERROR_IN_USE
		case d.needsResetForMIG():
			state.PendingMIG, activation = on, nvml.ERROR_RESET_REQUIRED
			if state.busy() {
				activation = nvml.ERROR_IN_USE
			}
		case state.busy():
			return nvml.ERROR_IN_USE
		default:
			state.MIG, state.PendingMIG = on, on
			if on {
				state.ComputeMode = nvml.COMPUTEMODE_DEFAULT
			}
		}
		return nvml.SUCCESS
	})
	if ret != nvml.SUCCESS {
		activation = ret
	}
	return activation, ret
}

// GetComputeMode is how many processes the GPU takes.
func (d *simulatedGPU) GetComputeMode() (nvml.ComputeMode, nvml.Return) {
	state, ret := d.beginCall(CallRead)
	if ret != nvml.SUCCESS {
		return nvml.COMPUTEMODE_DEFAULT, ret
	}
	return state.ComputeMode, nvml.SUCCESS
}

// SetComputeMode says how many processes the GPU takes. In MIG mode only the default is
// supported.
func (d *simulatedGPU) SetComputeMode(mode nvml.ComputeMode) nvml.Return {
	if mode < nvml.COMPUTEMODE_DEFAULT || mode >= nvml.COMPUTEMODE_COUNT {
		return nvml.ERROR_INVALID_ARGUMENT
	}
	return d.changeState(CallComputeMode, func(state *gpuState) nvml.Return {
		if state.MIG && mode != nvml.COMPUTEMODE_DEFAULT {
			return nvml.ERROR_NOT_SUPPORTED
		}
		state.ComputeMode = mode
		return nvml.SUCCESS
	})
}

// GetComputeRunningProcesses lists processes that are not clients of MPS.
func (d *simulatedGPU) GetComputeRunningProcesses() ([]nvml.ProcessInfo, nvml.Return) {
	return d.processes(func(p Process) bool { return !p.MPS })
}

// GetMPSComputeRunningProcesses lists clients of MPS.
func (d *simulatedGPU) GetMPSComputeRunningProcesses() ([]nvml.ProcessInfo, nvml.Return) {
	return d.processes(func(p Process) bool { return p.MPS })
}

// GetGraphicsRunningProcesses lists none: no simulated process draws.
func (d *simulatedGPU) GetGraphicsRunningProcesses() ([]nvml.ProcessInfo, nvml.Return) {
	return d.processes(func(Process) bool { return false })
}

func (d *simulatedGPU) processes(wanted func(Process) bool) ([]nvml.ProcessInfo, nvml.Return) {
	state, ret := d.beginCall(CallRead)
	if ret != nvml.SUCCESS {
		return nil, ret
	}
	var found []nvml.ProcessInfo
	for _, process := range state.Processes {
		if !wanted(process) {
			continue
		}
		info := nvml.ProcessInfo{Pid: process.PID, GpuInstanceId: noInstance, ComputeInstanceId: noInstance}
		if process.GPUInstance != nil {
			info.GpuInstanceId = *process.GPUInstance
		}
		if process.ComputeInstance != nil {
			info.ComputeInstanceId = *process.ComputeInstance
		}
		found = append(found, info)
	}
	return found, nvml.SUCCESS
}
