package discovery

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"time"

	"github.com/NVIDIA/go-nvml/pkg/nvml"

	"github.com/ashlar-dev/ashlar/dra"
	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/mig"
)

// Library is the part of NVML that ReadNode uses, beside the methods of gpuReader on the
// GPUs that it hands out. nvml.New() has it, and so has package simulated.
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
	dra.GPUIdentity
	// Table is the GPU's MIG geometry as NVML tells it, nil for a GPU without MIG.
	Table *mig.Table
	// NIC is the nearest network adapter, nil on a node without, and NICLink how near it is.
	NIC     *NIC
	NICLink topology.Link
	// MIGMode is whether MIG is on, and MIGPending whether it will be after a reset.
	MIGMode, MIGPending bool
}

// SwitchesFreely reports whether MIG mode is switched without a reset of the GPU: from
// Hopper on (NVIDIA's MIG user guide, "Enable MIG Mode").
func (g *GPU) SwitchesFreely(model *topology.Model) bool {
	return g.Table != nil && model.Compute.Major >= 9
}

// UnusableGPU is a GPU that cannot be described, and so is not handed out.
type UnusableGPU struct {
	Index   int64 // NVML's
	Because error
}

// Node is everything that one node's NVML and sysfs tell. It is immutable once read.
type Node struct {
	// DriverVersion is the driver's own notation, for example "580.95.05".
	DriverVersion string
	// CUDAVersion is what the driver supports, for example "13.0".
	CUDAVersion string
	// Topology is the node. The models in it are named after their product, and so are the
	// MIG tables: nothing is taken from a catalogue.
	Topology *topology.Node
	// GPUs[i] belongs to Topology.GPUs[i]; the lengths are equal.
	GPUs []GPU
	// NICs[i] belongs to Topology.NICs[i]; the lengths are equal.
	NICs []NIC
	// NICsUnread is why network adapters are missing, nil if none is.
	NICsUnread error
	// Unusable are the GPUs that NVML counts and that are not in GPUs.
	Unusable []UnusableGPU
}

// ReadNode asks NVML and sysfs what the node has. sys is the root of sysfs:
// os.DirFS("/sys"), or a file system like it; links in it are read with
// fs.ReadLink. ReadNode starts and ends a session of its own; NVML counts
// sessions, so a caller may hold another.
//
// A GPU that refuses to answer, is off the bus or does not answer in time is left out,
// with the call and the reason; the others are described without it. It is an error if no
// GPU is left, or if the node as a whole does not answer. ErrNoDriver,
// ErrFabricNotReady and ErrHangs can be told apart with errors.Is.
func ReadNode(lib Library, sys fs.FS) (*Node, error) {
	return ReadNodeWithin(answerTimeout, lib, sys)
}

// ReadNodeWithin is ReadNode for a driver that may take so long for all about one GPU.
func ReadNodeWithin(timeout time.Duration, lib Library, sys fs.FS) (node *Node, err error) {
	ret, err := within(timeout, "Init", func() (nvml.Return, error) { return lib.Init(), nil })
	if err != nil {
		return nil, fmt.Errorf("starting NVML: %w", err)
	}
	switch ret {
	case nvml.SUCCESS:
	case nvml.ERROR_LIBRARY_NOT_FOUND:
		return nil, ErrNoDriver
	default:
		return nil, fmt.Errorf("starting NVML: Init: %w", ret)
	}
	defer func() {
		if ret := lib.Shutdown(); ret != nvml.SUCCESS && err == nil {
			node, err = nil, fmt.Errorf("ending NVML: Shutdown: %w", ret)
		}
	}()

	node = &Node{Topology: &topology.Node{}}
	if err := node.readVersions(lib); err != nil {
		return nil, err
	}
	count, ret := lib.DeviceGetCount()
	if ret != nvml.SUCCESS {
		return nil, fmt.Errorf("counting GPUs: DeviceGetCount: %w", ret)
	}
	if count == 0 {
		return nil, errors.New("NVML finds no GPU on this machine")
	}
	var found []*gpuFacts
	for index := range count {
		facts, err := within(timeout, fmt.Sprintf("GPU %d", index), func() (*gpuFacts, error) { return readFacts(lib, sys, index) })
		if errors.Is(err, ErrFabricNotReady) {
			return nil, err
		}
		if err == nil && slices.ContainsFunc(found, func(other *gpuFacts) bool { return other.uuid == facts.uuid }) {
			err = fmt.Errorf("GPU %d: GetUUID: another GPU has %q too", index, facts.uuid)
		}
		if err != nil {
			node.Unusable = append(node.Unusable, UnusableGPU{Index: int64(index), Because: err})
			continue
		}
		found = append(found, facts)
	}
	links, err := node.readLinksAmong(timeout, &found)
	if err != nil {
		return nil, err
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("no GPU of %d can be used: %w", count, node.Unusable[0].Because)
	}
	node.Topology.Links = links.table
	links.shareByProduct(found)
	models := map[topology.Model]*topology.Model{}
	for at, facts := range found {
		node.addGPU(facts, at, links, models)
	}
	node.NICs, node.NICsUnread = readNICs(sys)
	node.joinNICs(found)
	if err := node.Topology.Validate(); err != nil {
		return nil, fmt.Errorf("this node cannot be described: %w", err)
	}
	return node, nil
}

// readLinksAmong reads the links of the GPUs, and leaves out those that do not tell theirs.
func (n *Node) readLinksAmong(timeout time.Duration, found *[]*gpuFacts) (nodeLinks, error) {
	for {
		asked, failed := slices.Clone(*found), -1
		links, err := within(timeout, "the links between GPUs", func() (nodeLinks, error) {
			links, at, err := readLinks(asked)
			failed = at
			return links, err
		})
		if err == nil || errors.Is(err, ErrHangs) {
			return links, err
		}
		n.Unusable = append(n.Unusable, UnusableGPU{Index: asked[failed].index, Because: err})
		*found = slices.Delete(*found, failed, failed+1)
	}
}

// readVersions reads the versions of the driver and of CUDA.
func (n *Node) readVersions(lib Library) error {
	version, ret := lib.SystemGetDriverVersion()
	if ret != nvml.SUCCESS {
		return fmt.Errorf("reading the driver's version: SystemGetDriverVersion: %w", ret)
	}
	// NVML counts CUDA versions as 1000*major + 10*minor.
	cuda, ret := lib.SystemGetCudaDriverVersion()
	if ret != nvml.SUCCESS {
		return fmt.Errorf("reading CUDA's version: SystemGetCudaDriverVersion: %w", ret)
	}
	n.DriverVersion = version
	n.CUDAVersion = fmt.Sprintf("%d.%d", cuda/1000, cuda%1000/10)
	return nil
}

// addGPU completes one GPU, the at-th that is usable. Equal models become one value, found
// in models.
func (n *Node) addGPU(facts *gpuFacts, at int, links nodeLinks, models map[topology.Model]*topology.Model) {
	model := facts.model
	model.LaneGBps = links.laneGBps[at]
	model.P2P = links.p2p[at]
	if facts.table != nil {
		model.MIG = facts.table.Name
	}
	shared, found := models[model]
	if !found {
		shared = &model
		models[model] = shared
	}
	n.Topology.GPUs = append(n.Topology.GPUs, topology.GPU{
		Model: shared, NUMA: facts.place.numa, PCIeRoot: facts.place.root, BusID: facts.busID, Clique: facts.clique,
	})
	n.GPUs = append(n.GPUs, GPU{
		GPUIdentity: dra.GPUIdentity{UUID: facts.uuid, BusID: facts.busID, Index: facts.index, Minor: facts.minor},
		Table:       facts.table, MIGMode: facts.migMode, MIGPending: facts.migPending,
	})
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
