package hardware

import (
	"context"
	"encoding/binary"

	"github.com/NVIDIA/go-nvml/pkg/nvml"
)

// Clocks are held down because it is too hot, or because of the power supply.
const (
	thermalReasons = nvml.ClocksThrottleReasonSwThermalSlowdown | nvml.ClocksThrottleReasonHwThermalSlowdown
	powerReasons   = nvml.ClocksThrottleReasonHwPowerBrakeSlowdown
)

// Condition implements Reader.
func (n *NVML) Condition(ctx context.Context, gpu string) (Condition, error) {
	var condition Condition
	err := n.on(ctx, gpu, n.options.ReadTimeout, func(o *operation, handle nvml.Device) error {
		read, err := n.readCondition(o, handle)
		if err == nil && o.finish() {
			condition = read
		}
		return err
	})
	return condition, err
}

func (n *NVML) readCondition(o *operation, handle nvml.Device) (c Condition, err error) {
	// note keeps an answer; what the GPU or the driver does not have stays zero.
	note := func(ret nvml.Return, keep func()) {
		switch {
		case err != nil || isAbsent(ret):
		case ret == nvml.SUCCESS:
			keep()
		default:
			err = o.failure(ret)
		}
	}
	o.begin("GetFieldValues(GPU_RECOVERY_ACTION)")
	fields := []nvml.FieldValue{{FieldId: nvml.FI_DEV_GET_GPU_RECOVERY_ACTION}}
	note(handle.GetFieldValues(fields), func() {
		note(nvml.Return(fields[0].NvmlReturn), func() {
			if value, known := fieldNumber(fields[0]); known {
				c.Recovery, c.HasRecovery = RecoveryAction(value), true
			}
		})
	})
	o.begin("GetTotalEccErrors")
	errorCount, ret := handle.GetTotalEccErrors(nvml.MEMORY_ERROR_TYPE_UNCORRECTED, nvml.VOLATILE_ECC)
	note(ret, func() { c.UncorrectableECC = errorCount })
	if n.hasSymbol("nvmlDeviceGetRemappedRows") {
		o.begin("GetRemappedRows")
		_, _, pending, failed, ret := handle.GetRemappedRows()
		note(ret, func() { c.RowsPending, c.RowsFailed = pending, failed })
	}
	o.begin("GetCurrentClocksThrottleReasons")
	reasons, ret := handle.GetCurrentClocksThrottleReasons()
	note(ret, func() {
		c.ThermalSlowdown, c.PowerBrake = reasons&thermalReasons != 0, reasons&powerReasons != 0
	})
	return c, err
}

// fieldNumber reads a number that is not negative out of a field.
func fieldNumber(field nvml.FieldValue) (value uint64, known bool) {
	switch nvml.ValueType(field.ValueType) {
	case nvml.VALUE_TYPE_UNSIGNED_INT:
		return uint64(binary.NativeEndian.Uint32(field.Value[:4])), true
	case nvml.VALUE_TYPE_UNSIGNED_LONG, nvml.VALUE_TYPE_UNSIGNED_LONG_LONG:
		return binary.NativeEndian.Uint64(field.Value[:]), true
	case nvml.VALUE_TYPE_SIGNED_INT:
		if number := int32(binary.NativeEndian.Uint32(field.Value[:4])); number >= 0 {
			return uint64(number), true
		}
	}
	return 0, false
}
