package simulated

import (
	"errors"
	"fmt"
	"strings"

	"github.com/NVIDIA/go-nvml/pkg/nvml"

	"github.com/ashlar-dev/ashlar/dra/discovery"
	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/mig"
)

// The versions that a simulated node reports: a driver of branch R580 and the
// CUDA that it supports, in NVML's notation (1000*major + 10*minor).
const (
	driverVersion = "580.95.05"
	cudaVersion   = 13000
)

// Tables finds the MIG table that a model names; catalogue.Catalogue.MIG is one.
type Tables func(name string) (*mig.Table, error)

// Library is the NVML of one simulated node.
type Library struct {
	nvml.Interface // answers ERROR_NOT_SUPPORTED to whatever is not below
	machine        *topology.MachineType
	devices        []*simulatedGPU
	store          stateStore
}

var (
	_ nvml.Interface    = (*Library)(nil)
	_ discovery.Library = (*Library)(nil)
)

// New simulates the machine under a node's name. It fails if the machine is one
// that NVML could not report, or refers to a MIG table that tables lacks, or if the
// directory of WithDirectory holds something else.
func New(nodeName string, machine *topology.MachineType, tables Tables, opts ...Option) (*Library, error) {
	wiring, err := wireLinks(machine.Node)
	if err != nil {
		return nil, fmt.Errorf("machine type %s cannot be simulated: %w", machine.Name, err)
	}
	library := &Library{Interface: unsupportedInterface(), machine: machine}
	for index := range machine.Node.GPUs {
		device, err := newDevice(nodeName, machine.Node, index, wiring[index], tables)
		if err != nil {
			return nil, fmt.Errorf("machine type %s cannot be simulated: GPU %d: %w", machine.Name, index, err)
		}
		library.devices = append(library.devices, device)
	}
	var chosen options
	for _, option := range opts {
		option(&chosen)
	}
	if err := library.openStore(chosen); err != nil {
		return nil, fmt.Errorf("simulating node %s: %w", nodeName, err)
	}
	return library, nil
}

// Init starts a session. Sessions are not counted.
func (l *Library) Init() nvml.Return { return nvml.SUCCESS }

// InitWithFlags starts a session; the flags make no difference.
func (l *Library) InitWithFlags(uint32) nvml.Return { return nvml.SUCCESS }

// Shutdown ends a session.
func (l *Library) Shutdown() nvml.Return { return nvml.SUCCESS }

// Extensions answers which functions there are.
func (l *Library) Extensions() nvml.ExtendedInterface { return librarySymbols{} }

// librarySymbols are the versioned functions that the library has.
type librarySymbols struct{}

// LookupSymbol knows the newer functions that are simulated.
func (librarySymbols) LookupSymbol(name string) error {
	switch name {
	case "nvmlDeviceGetMemoryInfo_v2", "nvmlDeviceGetGpuFabricInfo", "nvmlDeviceGetRemappedRows", "nvmlDeviceGetMigMode",
		"nvmlDeviceGetMPSComputeRunningProcesses", "nvmlDeviceGetMPSComputeRunningProcesses_v3", "nvmlDeviceGetFieldValues",
		"nvmlDeviceGetCurrentClocksThrottleReasons", "nvmlDeviceGetCurrentClocksEventReasons",
		"nvmlDeviceCreateGpuInstanceWithPlacement":
		return nil
	}
	return errors.New("the simulated NVML has no " + name)
}

// SystemGetDriverVersion returns the simulated driver's version.
func (l *Library) SystemGetDriverVersion() (string, nvml.Return) { return driverVersion, nvml.SUCCESS }

// SystemGetCudaDriverVersion returns the CUDA version that the driver supports.
func (l *Library) SystemGetCudaDriverVersion() (int, nvml.Return) { return cudaVersion, nvml.SUCCESS }

// SystemGetCudaDriverVersion_v2 returns the CUDA version that is installed.
func (l *Library) SystemGetCudaDriverVersion_v2() (int, nvml.Return) { //nolint:revive // the name is go-nvml's
	return cudaVersion, nvml.SUCCESS
}

// DeviceGetCount returns the number of GPUs.
func (l *Library) DeviceGetCount() (int, nvml.Return) { return len(l.devices), nvml.SUCCESS }

// DeviceGetHandleByIndex returns a GPU by its index.
func (l *Library) DeviceGetHandleByIndex(index int) (nvml.Device, nvml.Return) {
	if index < 0 || index >= len(l.devices) {
		return nil, nvml.ERROR_INVALID_ARGUMENT
	}
	return l.devices[index].openHandle()
}

// openHandle is the GPU's handle, which a GPU that is lost does not have.
func (d *simulatedGPU) openHandle() (nvml.Device, nvml.Return) {
	if _, ret := d.beginCall(CallHandle); ret != nvml.SUCCESS {
		return nil, ret
	}
	return d, nvml.SUCCESS
}

// DeviceGetHandleByUUID returns a GPU or a MIG device by its UUID.
func (l *Library) DeviceGetHandleByUUID(uuid string) (nvml.Device, nvml.Return) {
	if strings.HasPrefix(uuid, "MIG-") {
		return l.findMIGDevice(uuid)
	}
	return l.findDevice(func(d *simulatedGPU) bool { return d.uuid == uuid })
}

// DeviceGetHandleByPciBusId returns a GPU by its PCI address, in sysfs' or in
// NVML's notation.
func (l *Library) DeviceGetHandleByPciBusId(address string) (nvml.Device, nvml.Return) { //nolint:revive // the name is go-nvml's
	return l.findDevice(func(d *simulatedGPU) bool {
		return strings.EqualFold(d.busID, address) || strings.EqualFold(nvmlAddress(d.busID), address)
	})
}

func (l *Library) findDevice(matches func(*simulatedGPU) bool) (nvml.Device, nvml.Return) {
	for _, device := range l.devices {
		if matches(device) {
			return device.openHandle()
		}
	}
	return nil, nvml.ERROR_NOT_FOUND
}

func (l *Library) findMIGDevice(uuid string) (nvml.Device, nvml.Return) {
	for _, device := range l.devices {
		state, err := device.store.load(device.index)
		if err != nil || state.Lost {
			continue
		}
		for _, part := range device.migDevices(state) {
			if migUUID(device.uuid, part.instance, part.compute) == uuid {
				return part, nvml.SUCCESS
			}
		}
	}
	return nil, nvml.ERROR_NOT_FOUND
}
