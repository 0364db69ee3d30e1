package deviceplugin

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	v1 "k8s.io/api/core/v1"

	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/catalogue"
	"github.com/ashlar-dev/ashlar/topology/deviceapi"
	"github.com/ashlar-dev/ashlar/topology/memory"
)

// Sharing is how a device plugin lets several pods have one device.
type Sharing uint8

// The ways of sharing.
const (
	// Exclusive gives a device to one pod.
	Exclusive Sharing = iota
	// TimeSlicing lets pods take turns; nothing bounds their memory.
	TimeSlicing
	// MPS lets pods run at once, each with an equal part of the memory at most.
	MPS
)

// Node is what a node's device plugin hands out, sorted by name.
type Node struct {
	Name      string
	Resources []Resource
	// GPUs is how many GPUs the node has, whole or cut, of the model that is labelled; 0 if
	// that is not told.
	GPUs int64
	// make spells out all but the node's name, and kind is its number in the source that
	// read the node.
	make string
	kind int
}

// Resource is one kind of device that a device plugin hands out.
type Resource struct {
	Name v1.ResourceName
	// Count is how many the kubelet may hand out, counting each replica of a shared device.
	Count   int64
	Sharing Sharing
	// Replicas is how many pods may have one device, 1 for Exclusive; 0 if that is not told.
	Replicas int64
	// Model is the GPU that a device is or is a slice of, nil if that is not told.
	Model *topology.Model
	// Profile is the MIG profile of a slice, "" for whole GPUs.
	Profile string
	// Device is what a model server finds there. Its Total is 0 if memory is not told;
	// UnknownBecause says why, in a sentence's end.
	Device         memory.GPU
	UnknownBecause string
}

// IsGPUResource reports whether NVIDIA's device plugin hands out GPUs or slices of them
// under the name.
func IsGPUResource(name v1.ResourceName) bool {
	return deviceapi.IsGPUResource(string(name))
}

// ReadNode reads what a node's device plugin hands out; nil if that is no GPU of NVIDIA's.
func ReadNode(node *v1.Node) *Node {
	read := &Node{Name: node.Name, GPUs: positiveLabel(node, wholePrefix+countSuffix)}
	for _, name := range slices.Sorted(maps.Keys(node.Status.Allocatable)) {
		if !IsGPUResource(name) {
			continue
		}
		amount := node.Status.Allocatable[name]
		if count := amount.Value(); count > 0 {
			read.Resources = append(read.Resources, readResource(node, name, count))
		}
	}
	if len(read.Resources) == 0 {
		return nil
	}
	if _, profile, _ := productOf(node.Labels[productLabel]); profile != "" {
		read.GPUs = 0 // of the strategy "single": the label counts slices
	}
	read.make = read.spellMake()
	if known := instanceOf(node); known != nil {
		read.make += known.Name
	}
	return read
}

func readResource(node *v1.Node, name v1.ResourceName, count int64) Resource {
	base, renamed := strings.CutSuffix(string(name), deviceapi.SharedResourceSuffix)
	product, profile, shared := productOf(node.Labels[productLabel])
	prefix := wholePrefix
	if sliced := deviceapi.ResourceProfile(base); sliced != "" {
		// The strategy "mixed": labels of its own, beside those of the node's whole GPUs.
		prefix, profile, shared = base, sliced, false
		if label := node.Labels[base+productSuffix]; label != "" {
			product, _, shared = productOf(label)
		}
	}
	if googleProfile := node.Labels[partitionLabel]; base == wholePrefix && product == "" && googleProfile != "" {
		profile = deviceapi.ParseProfileLabel(googleProfile)
	}
	r := Resource{Name: name, Count: count, Profile: profile}
	r.readSharing(node, prefix, shared || renamed)
	if r.UnknownBecause = r.unlabelledRest(node, prefix, product); r.UnknownBecause != "" {
		return r
	}
	reported := topology.Bytes(positiveLabel(node, prefix+memorySuffix)) * topology.MiB
	r.readDevice(node, product, reported)
	return r
}

// readSharing reads how a device is shared. suspected says that its name says so.
func (r *Resource) readSharing(node *v1.Node, prefix string, suspected bool) {
	r.Replicas = positiveLabel(node, prefix+replicasSuffix)
	strategy := node.Labels[prefix+sharingSuffix]
	if strategy == "" && prefix == wholePrefix {
		strategy = node.Labels[googleSharingLabel]
		r.Replicas = max(r.Replicas, positiveLabel(node, googleClientsLabel))
	}
	had, devices := r.hadOn(node), positiveLabel(node, prefix+countSuffix)
	if known := instanceOf(node); devices == 0 && known != nil && prefix == wholePrefix && r.Profile == "" {
		devices = known.GPUs
	}
	switch strategy {
	case "mps":
		r.Sharing = MPS
	case "time-slicing", "time-sharing":
		r.Sharing = TimeSlicing
	case "none":
	default:
		// More than there are, and no label says that each is one.
		suspected = suspected || devices > 0 && had > devices && r.Replicas == 0
		if suspected || r.Replicas > 1 {
			r.Sharing = TimeSlicing
		}
	}
	switch {
	case r.Sharing == Exclusive && !suspected:
		r.Replicas = 1
	case r.Replicas <= 1 && devices > 0 && had >= devices:
		r.Replicas = had / devices
	case r.Replicas <= 1:
		r.Replicas = 0
	}
	if r.Replicas == 1 {
		r.Sharing = Exclusive
	}
}

// readDevice reads what a device is. reported is the memory that a label states, 0 for none.
func (r *Resource) readDevice(node *v1.Node, product string, reported topology.Bytes) {
	whole := reported
	if r.Profile != "" {
		whole = 0 // what is reported is the slice's
	}
	compute := computeLabel(node)
	r.Model = modelOf(product, whole, compute)
	if r.Model == nil {
		r.Model = machineModel(node, product)
		if known := instanceOf(node); known != nil && r.Model != nil && r.Model.MIG != "" && r.Profile == "" && r.Count > known.GPUs {
			r.UnknownBecause = fmt.Sprintf("it hands out %d %s of %d GPUs, as slices or shared, and has no label %s",
				r.Count, r.Name, known.GPUs, productLabel)
			return
		}
	}
	switch {
	case r.Model == nil && product == "":
		r.UnknownBecause = "the node has no label " + productLabel + " (GPU feature discovery is not running there)"
		return
	case r.Model == nil:
		r.UnknownBecause = fmt.Sprintf("the product %s is not in the catalogue and the node has no label %s", product, wholePrefix+memorySuffix)
		return
	case r.Profile != "":
		r.Device = memory.MIGSlice(r.Model, r.Profile, sliceMemory(r.Model, r.Profile, reported))
		if r.Device.Total == 0 {
			r.UnknownBecause = fmt.Sprintf("the profile %s of %s is not in the catalogue and the node has no label for its memory",
				r.Profile, r.Model.Product)
		}
		return
	}
	r.Device = memory.WholeGPU(r.Model)
	if r.Model.Memory == 0 {
		// The GPU works in the host's memory: no more than that can be had.
		host := node.Status.Allocatable[v1.ResourceMemory]
		r.Device.Total = topology.Bytes(max(0, host.Value()))
	}
	if r.Device.Total <= 0 {
		r.Device.Total, r.UnknownBecause = 0, "nothing tells the memory of "+r.Model.Product
	}
}

// sliceMemory is what one slice of a profile has: what is reported, or else what the
// catalogue says.
func sliceMemory(model *topology.Model, profile string, reported topology.Bytes) topology.Bytes {
	table, err := catalogue.Default().MIG(model.MIG)
	if err == nil && table != nil {
		for i := range table.Profiles {
			known := &table.Profiles[i]
			if known.Name == profile && known.Memory > 0 && (reported == 0 || known.Memory < reported) {
				return known.Memory
			}
		}
	}
	return reported
}

// CountDevices is how many devices are behind the resource: GPUs or slices. It is 0 if that is
// not told.
func (r *Resource) CountDevices() int64 {
	if r.Replicas == 0 {
		return 0
	}
	return (r.Count + r.Replicas - 1) / r.Replicas
}

// DescribeDevice is what a device is, for people: "Tesla T4", "NVIDIA A100 80GB PCIe 1g.10gb".
func (r *Resource) DescribeDevice() string {
	switch {
	case r.Model == nil && r.Profile != "":
		return "MIG slice " + r.Profile
	case r.Model == nil:
		return "GPU"
	}
	return r.Device.Name
}

// FindResource is the resource of a name, nil if it is not handed out.
func (n *Node) FindResource(name v1.ResourceName) *Resource {
	for i := range n.Resources {
		if n.Resources[i].Name == name {
			return &n.Resources[i]
		}
	}
	return nil
}

func (n *Node) spellMake() string {
	var text strings.Builder
	for i := range n.Resources {
		r := &n.Resources[i]
		fmt.Fprintf(&text, "%s %d %d %d %v %s\n", r.Name, r.Count, r.Sharing, r.Replicas, r.Device, r.Profile)
	}
	return text.String()
}
