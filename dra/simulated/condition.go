package simulated

import (
	"encoding/binary"

	"github.com/NVIDIA/go-nvml/pkg/nvml"
)

// hasECC reports whether the GPU counts memory errors: those of data centres do.
func (d *simulatedGPU) hasECC() bool { return d.gpu.Model.Brand != "GeForce" }

// hasRowRemapping reports whether the GPU remaps memory rows: from Ampere on.
func (d *simulatedGPU) hasRowRemapping() bool {
	switch d.gpu.Model.Architecture {
	case "Pascal", "Volta", "Turing":
		return false
	}
	return d.hasECC()
}

// GetTotalEccErrors counts memory errors. Aggregate and volatile counters are the same.
func (d *simulatedGPU) GetTotalEccErrors(kind nvml.MemoryErrorType, _ nvml.EccCounterType) (uint64, nvml.Return) {
	state, ret := d.beginCall(CallRead)
	if ret == nvml.SUCCESS && !d.hasECC() {
		ret = nvml.ERROR_NOT_SUPPORTED
	}
	if ret != nvml.SUCCESS || kind != nvml.MEMORY_ERROR_TYPE_UNCORRECTED {
		return 0, ret
	}
	return state.UncorrectableECC, nvml.SUCCESS
}

// GetRemappedRows says whether rows were remapped, wait for a reset, or could not be.
func (d *simulatedGPU) GetRemappedRows() (corrected, uncorrected int, pending, failed bool, ret nvml.Return) {
	state, ret := d.beginCall(CallRead)
	if ret == nvml.SUCCESS && !d.hasRowRemapping() {
		ret = nvml.ERROR_NOT_SUPPORTED
	}
	if ret != nvml.SUCCESS {
		return 0, 0, false, false, ret
	}
	return 0, int(state.UncorrectableECC), state.RowsPending, state.RowsFailed, nvml.SUCCESS
}

// GetCurrentClocksThrottleReasons says why clocks are held down.
func (d *simulatedGPU) GetCurrentClocksThrottleReasons() (uint64, nvml.Return) {
	state, ret := d.beginCall(CallRead)
	if ret != nvml.SUCCESS {
		return 0, ret
	}
	return state.Throttle, nvml.SUCCESS
}

// GetCurrentClocksEventReasons is the newer name of GetCurrentClocksThrottleReasons.
func (d *simulatedGPU) GetCurrentClocksEventReasons() (uint64, nvml.Return) {
	return d.GetCurrentClocksThrottleReasons()
}

// GetFieldValues answers for the speed of NVLinks and for what the GPU needs to recover.
func (d *simulatedGPU) GetFieldValues(fields []nvml.FieldValue) nvml.Return {
	state, ret := d.beginCall(CallRead)
	if ret != nvml.SUCCESS {
		return ret
	}
	for i := range fields {
		field := &fields[i]
		field.NvmlReturn = uint32(nvml.ERROR_NOT_SUPPORTED)
		value, known := uint32(0), false
		switch field.FieldId {
		case nvml.FI_DEV_NVLINK_SPEED_MBPS_COMMON:
			value, known = d.lineMBps(), len(d.links) > 0
		case nvml.FI_DEV_NVLINK_GET_SPEED:
			value, known = d.lineMBps(), int(field.ScopeId) < len(d.links)
		case nvml.FI_DEV_GET_GPU_RECOVERY_ACTION:
			value, known = state.Recovery, true
		}
		if known {
			field.ValueType = uint32(nvml.VALUE_TYPE_UNSIGNED_INT)
			binary.NativeEndian.PutUint32(field.Value[:4], value)
			field.NvmlReturn = uint32(nvml.SUCCESS)
		}
	}
	return nvml.SUCCESS
}
