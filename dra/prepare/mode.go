package prepare

import (
	"context"
	"errors"
	"fmt"

	"github.com/ashlar-dev/ashlar/dra/checkpoint"
	"github.com/ashlar-dev/ashlar/dra/hardware"
)

// switchMode brings the GPU into the MIG mode that the device needs. The GPU has no
// other claims and no instances if the mode is another.
func (m *Manager) switchMode(ctx context.Context, device checkpoint.Device) error {
	want := device.MIGMode == "on"
	current, pending, err := m.options.Reader.MIGMode(ctx, device.GPU)
	if err != nil || current == want {
		return err
	}
	if pending == want {
		return resetNeeded(device)
	}
	err = m.options.Writer.SetMIGMode(ctx, device.GPU, want)
	if errors.Is(err, hardware.ErrNeedsReset) {
		// Nothing may be left that changes the GPU when somebody resets it.
		restored := m.options.Writer.SetMIGMode(ctx, device.GPU, current)
		if errors.Is(restored, hardware.ErrNeedsReset) {
			restored = nil
		}
		return errors.Join(resetNeeded(device), restored)
	}
	return err
}

func resetNeeded(device checkpoint.Device) error {
	return fmt.Errorf("MIG mode must be %s, and this GPU changes it by a reset only, which the driver never does: "+
		"drain the GPU and run nvidia-smi -i %s -mig %d && nvidia-smi -i %s --gpu-reset: %w",
		device.MIGMode, device.GPU, map[string]int{"on": 1}[device.MIGMode], device.GPU, hardware.ErrNeedsReset)
}
