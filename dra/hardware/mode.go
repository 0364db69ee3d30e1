package hardware

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/NVIDIA/go-nvml/pkg/nvml"
)

// MIGMode implements Reader.
func (n *NVML) MIGMode(ctx context.Context, gpu string) (current, pending bool, err error) {
	var mode migMode // written by the call alone, read once it has returned
	err = n.on(ctx, gpu, n.options.ReadTimeout, func(o *operation, handle nvml.Device) error {
		read, err := readMode(o, handle)
		if err == nil && o.finish() {
			mode = read
		}
		return err
	})
	return mode.current, mode.pending, err
}

type migMode struct{ supported, current, pending bool }

func readMode(o *operation, handle nvml.Device) (migMode, error) {
	o.begin("GetMigMode")
	current, pending, ret := handle.GetMigMode()
	if isAbsent(ret) {
		return migMode{}, nil
	}
	return migMode{
		supported: true, current: current == nvml.DEVICE_MIG_ENABLE, pending: pending == nvml.DEVICE_MIG_ENABLE,
	}, o.failure(ret)
}

// SetMIGMode implements Writer. What NVML only notes for later, because the GPU is in
// use, is taken back.
func (n *NVML) SetMIGMode(ctx context.Context, gpu string, on bool) error {
	defer n.forgetHandle(gpu) // switching may reset the GPU
	return n.on(ctx, gpu, n.options.WriteTimeout, func(o *operation, handle nvml.Device) error {
		mode, err := readMode(o, handle)
		switch {
		case err != nil:
			return err
		case !mode.supported && !on, mode.supported && mode.current == on && mode.pending == on:
			return nil
		}
		o.begin(fmt.Sprintf("SetMigMode(%d)", modeNumber(on)))
		activation, ret := handle.SetMigMode(modeNumber(on))
		if err := o.failure(ret); err != nil {
			return err
		}
		switch activation {
		case nvml.SUCCESS:
			if mode, err = readMode(o, handle); err != nil || mode.current == on {
				return err
			}
			activation = nvml.ERROR_RESET_REQUIRED
			fallthrough
		case nvml.ERROR_RESET_REQUIRED:
			return &CallError{Call: o.current(), GPU: gpu, Code: activation, Kind: ErrNeedsReset}
		}
		refused := o.failure(activation)
		o.begin(fmt.Sprintf("SetMigMode(%d), to take it back", modeNumber(mode.current)))
		_, ret = handle.SetMigMode(modeNumber(mode.current))
		return errors.Join(refused, o.failure(ret))
	})
}

func modeNumber(on bool) int {
	if on {
		return nvml.DEVICE_MIG_ENABLE
	}
	return nvml.DEVICE_MIG_DISABLE
}

// SetExclusive implements Writer.
func (n *NVML) SetExclusive(ctx context.Context, gpu string, exclusive bool) error {
	mode := nvml.COMPUTEMODE_DEFAULT
	if exclusive {
		mode = nvml.COMPUTEMODE_EXCLUSIVE_PROCESS
	}
	return n.on(ctx, gpu, n.options.WriteTimeout, func(o *operation, handle nvml.Device) error {
		o.begin(fmt.Sprintf("SetComputeMode(%d)", mode))
		return o.failure(handle.SetComputeMode(mode))
	})
}

// Processes implements Reader. What NVML lists twice counts once.
func (n *NVML) Processes(ctx context.Context, gpu string) (int, error) {
	count := 0
	err := n.on(ctx, gpu, n.options.ReadTimeout, func(o *operation, handle nvml.Device) error {
		pids := map[uint32]bool{}
		for _, list := range []struct {
			call string
			ask  func() ([]nvml.ProcessInfo, nvml.Return)
		}{
			{"GetComputeRunningProcesses", handle.GetComputeRunningProcesses},
			{"GetGraphicsRunningProcesses", handle.GetGraphicsRunningProcesses},
			{"GetMPSComputeRunningProcesses", handle.GetMPSComputeRunningProcesses},
		} {
			if list.call == "GetMPSComputeRunningProcesses" && !n.hasSymbol("nvmlDeviceGetMPSComputeRunningProcesses") {
				continue
			}
			o.begin(list.call)
			processes, ret := list.ask()
			if isAbsent(ret) {
				continue
			}
			if err := o.failure(ret); err != nil {
				return err
			}
			for _, process := range processes {
				pids[process.Pid] = true
			}
		}
		if o.finish() {
			count = len(pids)
		}
		return nil
	})
	return count, err
}

// shownOutput is how much of a command's output an error has, in bytes.
const shownOutput = 200

// SetTimeSlice implements Writer with nvidia-smi: NVML has no call for it.
func (n *NVML) SetTimeSlice(ctx context.Context, gpu string, interval TimeSlice) error {
	if interval < DefaultTimeSlice || interval > LongTimeSlice {
		return fmt.Errorf("GPU %s: time slice %d is none of %d to %d", gpu, interval, DefaultTimeSlice, LongTimeSlice)
	}
	if err := checkGPU(gpu); err != nil {
		return err
	}
	return n.dog.run(ctx, gpu, n.options.WriteTimeout, func(o *operation) error {
		call := fmt.Sprintf("nvidia-smi compute-policy --set-timeslice %d", interval)
		o.begin(call)
		// The command ends itself a little before the watchdog gives it up.
		ctx, cancel := context.WithTimeout(ctx, n.options.WriteTimeout-n.options.WriteTimeout/commandMargin)
		defer cancel()
		output, err := n.options.Command(ctx, "nvidia-smi", "compute-policy", "-i", gpu, "--set-timeslice", strconv.Itoa(int(interval)))
		if err != nil {
			return fmt.Errorf("GPU %s: %s: %w: it printed %.*q", gpu, call, err, shownOutput, output)
		}
		return nil
	})
}

const commandMargin = 10

// minimumWait is the least time between two attempts at what failed.
const minimumWait = time.Second
