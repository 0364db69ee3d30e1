package dra

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/NVIDIA/go-nvml/pkg/nvml"

	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/mig"
)

// Library is the part of NVML that DiscoverNode uses, beside the methods of the
// nvml.Device that it hands out. nvml.New() has it, and so has package simulated.
type Library interface {
	Init() nvml.Return
	Shutdown() nvml.Return
	// Extensions tells which functions the installed library has. Calling one
	// that it lacks ends the process, so newer ones are looked up first.
	Extensions() nvml.ExtendedInterface
	SystemGetDriverVersion() (string, nvml.Return)
	SystemGetCudaDriverVersion() (int, nvml.Return)
	DeviceGetCount() (int, nvml.Return)
	DeviceGetHandleByIndex(index int) (nvml.Device, nvml.Return)
}

var _ Library = nvml.Interface(nil)

// ErrNoDriver means that the machine has no NVIDIA driver at all. Trying again
// does not help.
var ErrNoDriver = errors.New("no NVIDIA driver on this machine: libnvidia-ml.so.1 not found")

// ErrFabricNotReady means that the multi-node NVLink domain is still being set
// up, as happens for a while after boot. The caller should discover again later.
var ErrFabricNotReady = errors.New("the NVLink fabric is still being set up")

// GPU is what the driver knows of a physical GPU beyond its place in the node.
type GPU struct {
	// UUID is NVML's, for example "GPU-8f6b...". It is stable; the index is not.
	UUID string
	// Index is the NVML index, and Minor the number in /dev/nvidia<minor>.
	Index, Minor int64
	// MIG is the GPU's MIG geometry as NVML tells it, nil for a GPU without MIG.
	MIG *mig.Table
}

// Discovery is everything that one node's NVML and sysfs tell. It is immutable
// once discovered.
type Discovery struct {
	// DriverVersion is the driver's own notation, for example "580.95.05".
	DriverVersion string
	// CUDAVersion is what the driver supports, for example "13.0".
	CUDAVersion string
	// Node is the node without its NICs. The models in it are named after their
	// product, and so are the MIG tables: nothing is taken from a catalogue.
	Node *topology.Node
	// GPUs[i] belongs to Node.GPUs[i]; the lengths are equal.
	GPUs []GPU
}

// DiscoverNode asks NVML and sysfs what the node has. sys is the root of sysfs:
// os.DirFS("/sys"), or a file system like it; links in it are read with
// fs.ReadLink. DiscoverNode starts and ends a session of its own; NVML counts
// sessions, so a caller may hold another.
//
// Whatever NVML refuses is named with the GPU and the call. ErrNoDriver and
// ErrFabricNotReady can be told apart with errors.Is.
func DiscoverNode(lib Library, sys fs.FS) (inventory *Discovery, err error) {
	switch ret := lib.Init(); ret {
	case nvml.SUCCESS:
	case nvml.ERROR_LIBRARY_NOT_FOUND:
		return nil, ErrNoDriver
	default:
		return nil, fmt.Errorf("starting NVML: Init: %w", ret)
	}
	defer func() {
		if ret := lib.Shutdown(); ret != nvml.SUCCESS && err == nil {
			inventory, err = nil, fmt.Errorf("ending NVML: Shutdown: %w", ret)
		}
	}()

	inventory = &Discovery{Node: &topology.Node{}}
	if err := inventory.readVersions(lib); err != nil {
		return nil, err
	}
	count, ret := lib.DeviceGetCount()
	if ret != nvml.SUCCESS {
		return nil, fmt.Errorf("counting GPUs: DeviceGetCount: %w", ret)
	}
	if count == 0 {
		return nil, errors.New("NVML finds no GPU on this machine")
	}
	devices := make([]nvml.Device, count)
	facts := make([]gpuIdentity, count)
	for gpu := range count {
		if devices[gpu], ret = lib.DeviceGetHandleByIndex(gpu); ret != nvml.SUCCESS {
			return nil, callFailed(gpu, "DeviceGetHandleByIndex", ret)
		}
		if facts[gpu], err = readIdentity(lib, devices[gpu], gpu); err != nil {
			return nil, err
		}
	}
	links, err := readLinks(devices, facts)
	if err != nil {
		return nil, err
	}
	inventory.Node.Links = links.table
	links.shareByProduct(facts)
	models := map[topology.Model]*topology.Model{}
	for gpu, device := range devices {
		if err := inventory.addGPU(lib, sys, device, gpu, facts[gpu], links, models); err != nil {
			return nil, err
		}
	}
	if err := inventory.Node.Validate(); err != nil {
		return nil, fmt.Errorf("this node cannot be described: %w", err)
	}
	return inventory, nil
}

// readVersions reads the versions of the driver and of CUDA.
func (inv *Discovery) readVersions(lib Library) error {
	version, ret := lib.SystemGetDriverVersion()
	if ret != nvml.SUCCESS {
		return fmt.Errorf("reading the driver's version: SystemGetDriverVersion: %w", ret)
	}
	// NVML counts CUDA versions as 1000*major + 10*minor.
	cuda, ret := lib.SystemGetCudaDriverVersion()
	if ret != nvml.SUCCESS {
		return fmt.Errorf("reading CUDA's version: SystemGetCudaDriverVersion: %w", ret)
	}
	inv.DriverVersion = version
	inv.CUDAVersion = fmt.Sprintf("%d.%d", cuda/1000, cuda%1000/10)
	return nil
}

// addGPU completes one GPU. Equal models become one value, found in models.
func (inv *Discovery) addGPU(lib Library, sys fs.FS, device nvml.Device, gpu int, facts gpuIdentity,
	links nodeLinks, models map[topology.Model]*topology.Model) error {
	table, err := readMIG(device, gpu, facts.model)
	if err != nil {
		return err
	}
	clique, err := readClique(lib, device, gpu)
	if err != nil {
		return err
	}
	place, err := readPlace(sys, facts.busID)
	if err != nil {
		return fmt.Errorf("GPU %d: %w", gpu, err)
	}
	model := facts.model
	model.LaneGBps = links.laneGBps[gpu]
	model.P2P = links.p2p[gpu]
	if table != nil {
		model.MIG = table.Name
	}
	shared, found := models[model]
	if !found {
		shared = &model
		models[model] = shared
	}
	inv.Node.GPUs = append(inv.Node.GPUs, topology.GPU{
		Model: shared, NUMA: place.numa, PCIeRoot: place.root, BusID: facts.busID, Clique: clique,
	})
	inv.GPUs = append(inv.GPUs, GPU{UUID: facts.uuid, Index: int64(gpu), Minor: facts.minor, MIG: table})
	return nil
}

// callFailed names what NVML refused.
func callFailed(gpu int, call string, ret nvml.Return) error {
	return fmt.Errorf("GPU %d: %s: %w", gpu, call, ret)
}

// isAbsent reports whether ret says that the GPU or the driver does not have
// what was asked for, as opposed to failing to tell.
func isAbsent(ret nvml.Return) bool {
	return ret == nvml.ERROR_NOT_SUPPORTED || ret == nvml.ERROR_FUNCTION_NOT_FOUND || ret == nvml.ERROR_INVALID_ARGUMENT
}
