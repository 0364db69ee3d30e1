package simulated

import (
	"context"
	"fmt"
	"io/fs"
	"strconv"
	"strings"
	"testing/fstest"

	"github.com/NVIDIA/go-nvml/pkg/nvml"
)

// How many instances the driver makes capability files for, whether they exist or not.
const (
	capabilityInstances = 15
	capabilityComputes  = 8
)

// Proc is what /proc would say of the driver: the minor numbers of the capability files
// that MIG instances need, in driver/nvidia-caps/mig-minors.
func (l *Library) Proc() fs.FS {
	lines := []string{"config 1", "monitor 2"}
	minor := 3
	add := func(path string) {
		lines = append(lines, fmt.Sprintf("%s/access %d", path, minor))
		minor++
	}
	for gpu := range l.devices {
		for instance := range capabilityInstances {
			add(fmt.Sprintf("gpu%d/gi%d", gpu, instance))
			for compute := range capabilityComputes {
				add(fmt.Sprintf("gpu%d/gi%d/ci%d", gpu, instance, compute))
			}
		}
	}
	return fstest.MapFS{
		"driver/nvidia-caps/mig-minors": {Mode: 0o444, Data: []byte(strings.Join(lines, "\n") + "\n")},
	}
}

// maxTimeSlice is nvidia-smi's number of the longest interval.
const maxTimeSlice = 3

// RunCommand is nvidia-smi, of which it knows
//
//	nvidia-smi compute-policy -i <GPU UUID> --set-timeslice <0 to 3>
func (l *Library) RunCommand(ctx context.Context, name string, args ...string) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	line := strings.Join(append([]string{name}, args...), " ")
	if name != "nvidia-smi" || len(args) != 5 || args[0] != "compute-policy" || args[1] != "-i" || args[3] != "--set-timeslice" {
		return nil, fmt.Errorf("the simulated node has no command %q", line)
	}
	interval, err := strconv.Atoi(args[4])
	if err != nil || interval < 0 || interval > maxTimeSlice {
		return []byte("Invalid timeslice"), fmt.Errorf("%s: exit status 2", line)
	}
	for _, device := range l.devices {
		if device.uuid != args[2] {
			continue
		}
		ret := device.changeState(CallComputeMode, func(state *gpuState) nvml.Return {
			state.TimeSlice = interval
			return nvml.SUCCESS
		})
		if ret != nvml.SUCCESS {
			return []byte(ret.Error()), fmt.Errorf("%s: exit status %d", line, ret)
		}
		return nil, nil
	}
	return []byte("No devices were found"), fmt.Errorf("%s: exit status 6", line)
}
