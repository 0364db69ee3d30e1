package simulated

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/NVIDIA/go-nvml/pkg/nvml"

	"github.com/ashlar-dev/ashlar/topology/mig"
)

// Process is a process that uses a GPU. GPUInstance and ComputeInstance say which MIG
// instance it uses, nil for none.
type Process struct {
	PID             uint32  `json:"pid"`
	GPUInstance     *uint32 `json:"gpuInstance,omitempty"`
	ComputeInstance *uint32 `json:"computeInstance,omitempty"`
	// MPS is whether the process is a client of MPS.
	MPS bool `json:"mps,omitempty"`
}

// Control does to a node's simulated GPUs what happens to real ones without NVML's
// doing. GPUs are named by their index. It is safe for concurrent use, and beside the
// processes that use the node.
type Control struct{ store stateStore }

// Control is the control of this node's GPUs.
func (l *Library) Control() *Control { return &Control{store: l.store} }

// OpenControl opens the control of the node whose state is in a directory, written by
// a Library with WithDirectory.
func OpenControl(directory string) (*Control, error) {
	files, err := filepath.Glob(filepath.Join(directory, "gpu-*.json"))
	if err == nil && len(files) == 0 {
		_, err = os.Stat(directory)
		err = errors.Join(err, errors.New("it has no file gpu-<index>.json: start the simulated node with it first"))
	}
	if err != nil {
		return nil, fmt.Errorf("opening %s as the state of simulated GPUs: %w", directory, err)
	}
	return &Control{store: directoryStore{path: directory}}, nil
}

func (c *Control) change(gpu int, what string, change func(*gpuState) error) error {
	var refused error
	ret, err := c.store.update(gpu, func(state *gpuState) nvml.Return {
		if refused = change(state); refused != nil {
			return nvml.ERROR_INVALID_ARGUMENT
		}
		return nvml.SUCCESS
	})
	if err == nil && ret != nvml.SUCCESS {
		err = refused
	}
	if err != nil {
		return fmt.Errorf("simulated GPU %d: %s: %w", gpu, what, err)
	}
	return nil
}

// ReportXID reports an XID error, of a MIG instance if process says so.
func (c *Control) ReportXID(gpu int, xid uint64, process *Process) error {
	return c.ReportEvent(gpu, nvml.EventTypeXidCriticalError, xid, process)
}

// ReportEvent reports an event of any of NVML's types.
func (c *Control) ReportEvent(gpu int, eventType, data uint64, process *Process) error {
	event := gpuEvent{
		Type: eventType, Data: data, GPUInstance: noInstance, ComputeInstance: noInstance,
	}
	if process != nil && process.GPUInstance != nil {
		event.GPUInstance = *process.GPUInstance
		if process.ComputeInstance != nil {
			event.ComputeInstance = *process.ComputeInstance
		}
	}
	return c.change(gpu, "reporting an event", func(s *gpuState) error {
		s.addEvent(event)
		return nil
	})
}

// AddECCErrors counts uncorrectable memory errors and reports them.
func (c *Control) AddECCErrors(gpu int, count uint64) error {
	return c.change(gpu, "adding ECC errors", func(s *gpuState) error {
		s.UncorrectableECC += count
		s.addEvent(gpuEvent{
			Type: nvml.EventTypeDoubleBitEccError, GPUInstance: noInstance, ComputeInstance: noInstance,
		})
		return nil
	})
}

// SetRemappedRows says whether memory rows wait for a reset, and whether remapping failed.
func (c *Control) SetRemappedRows(gpu int, pending, failed bool) error {
	return c.change(gpu, "setting remapped rows", func(s *gpuState) error {
		s.RowsPending, s.RowsFailed = pending, failed
		return nil
	})
}

// SetThrottle sets the reasons for which clocks are held down, as NVML's bits.
func (c *Control) SetThrottle(gpu int, reasons uint64) error {
	return c.change(gpu, "setting throttle reasons", func(s *gpuState) error {
		s.Throttle = reasons
		return nil
	})
}

// SetRecovery sets what the GPU needs to recover, and reports the change: as an event,
// and as XID 154.
func (c *Control) SetRecovery(gpu int, action nvml.DeviceGpuRecoveryAction) error {
	return c.change(gpu, "setting the recovery action", func(s *gpuState) error {
		s.Recovery = uint32(action)
		for _, event := range []gpuEvent{
			{Type: nvml.EventTypeXidCriticalError, Data: 154},
			{Type: nvml.EventTypeGpuRecoveryAction, Data: uint64(action)},
		} {
			event.GPUInstance, event.ComputeInstance = noInstance, noInstance
			s.addEvent(event)
		}
		return nil
	})
}

// LoseGPU takes the GPU off the bus: XID 79, and every later call fails.
func (c *Control) LoseGPU(gpu int) error {
	return c.change(gpu, "losing it", func(s *gpuState) error {
		s.Lost = true
		s.addEvent(gpuEvent{
			Type: nvml.EventTypeXidCriticalError, Data: 79, GPUInstance: noInstance, ComputeInstance: noInstance,
		})
		return nil
	})
}

// RestoreGPU brings a lost GPU back without a reset, as it was.
func (c *Control) RestoreGPU(gpu int) error {
	return c.change(gpu, "restoring it", func(s *gpuState) error {
		s.Lost = false
		return nil
	})
}

// ResetGPU resets the GPU: a pending MIG mode takes effect, instances, processes and
// errors are gone. A reboot of the node is a reset of all its GPUs.
func (c *Control) ResetGPU(gpu int) error {
	return c.change(gpu, "resetting it", func(s *gpuState) error {
		s.reset()
		return nil
	})
}

// StartProcess has a process use the GPU, or an instance of it that exists.
func (c *Control) StartProcess(gpu int, process Process) error {
	return c.change(gpu, "starting a process", func(s *gpuState) error {
		if id := process.GPUInstance; id != nil {
			instance := s.instance(*id)
			if instance == nil || process.ComputeInstance != nil && instance.compute(*process.ComputeInstance) == nil {
				return fmt.Errorf("GPU instance %d, or the compute instance in it, does not exist", *id)
			}
		}
		s.Processes = append(s.Processes, process)
		return nil
	})
}

// EndProcess ends the process of that number.
func (c *Control) EndProcess(gpu int, pid uint32) error {
	return c.change(gpu, "ending a process", func(s *gpuState) error {
		s.Processes = slices.DeleteFunc(s.Processes, func(p Process) bool { return p.PID == pid })
		return nil
	})
}

// AddInstance creates a GPU instance as somebody beside the driver would, with compute
// instances of one slice each. It returns the instance's number.
func (c *Control) AddInstance(gpu int, profile mig.ProfileID, placement mig.Placement, compute int) (uint32, error) {
	var id uint32
	err := c.change(gpu, "adding an instance", func(s *gpuState) error {
		if !s.MIG {
			return errors.New("MIG mode is off")
		}
		if placement.Start < 0 || placement.Size < 1 || placement.Start+placement.Size > s.MemorySlices {
			return fmt.Errorf("placement %s is not on the GPU's %d slices", placement, s.MemorySlices)
		}
		if other := s.overlapping(placement); other != nil {
			return fmt.Errorf("placement %s overlaps GPU instance %d", placement, other.ID)
		}
		instance := s.addInstance(uint32(profile), placement)
		id = instance.ID
		for i := range compute {
			s.NextSerial++
			instance.Compute = append(instance.Compute, computeInstance{
				ID: uint32(i), Serial: s.NextSerial, Profile: nvml.COMPUTE_INSTANCE_PROFILE_1_SLICE, Start: uint32(i), Size: 1,
			})
		}
		return nil
	})
	return id, err
}

// TimeSlice is the interval that was set last, as nvidia-smi numbers it.
func (c *Control) TimeSlice(gpu int) (int, error) {
	state, err := c.store.load(gpu)
	if err != nil {
		return 0, err
	}
	return state.TimeSlice, nil
}
