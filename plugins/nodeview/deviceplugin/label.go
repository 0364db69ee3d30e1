package deviceplugin

import (
	"strconv"
	"strings"

	v1 "k8s.io/api/core/v1"

	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/deviceapi"
)

// Labels of GPU feature discovery (NVIDIA/k8s-device-plugin, docs/gpu-feature-discovery).
// Those of a MIG profile begin with the resource's name in place of nvidia.com/gpu.
const (
	productLabel  = deviceapi.ProductLabel
	machineLabel  = "nvidia.com/gpu.machine"
	majorLabel    = "nvidia.com/gpu.compute.major"
	minorLabel    = "nvidia.com/gpu.compute.minor"
	wholePrefix   = deviceapi.GPUResource
	memorySuffix  = ".memory"
	countSuffix   = ".count"
	productSuffix = ".product"

	replicasSuffix = ".replicas"
	sharingSuffix  = ".sharing-strategy"
)

// Names that a shared or sliced device adds to its product's label.
const (
	sharedProduct = "-SHARED"
	slicedProduct = "-MIG-"
)

// maxLabel bounds the numbers that labels may state. 1<<30 MiB is a petabyte.
const maxLabel = 1 << 30

// positiveLabel is the number that a label states; 0 if it is missing, no number, or
// beyond what a node can have.
func positiveLabel(node *v1.Node, label string) int64 {
	n, err := strconv.ParseInt(strings.TrimSpace(node.Labels[label]), 10, 64)
	if err != nil || n < 1 || n > maxLabel {
		return 0
	}
	return n
}

// productOf splits a product's label into the product, the MIG profile that the devices
// are slices of ("" for whole GPUs), and whether they are shared.
func productOf(label string) (product, profile string, shared bool) {
	label, shared = strings.CutSuffix(label, sharedProduct)
	product, profile, _ = strings.Cut(label, slicedProduct)
	return product, deviceapi.ParseProfileLabel(profile), shared
}

// computeLabel is the compute capability that labels state, zero if they do not.
func computeLabel(node *v1.Node) topology.ComputeCapability {
	major := positiveLabel(node, majorLabel)
	minor, err := strconv.ParseInt(node.Labels[minorLabel], 10, 64)
	if major == 0 || major > 1000 || err != nil || minor < 0 || minor > 1000 {
		return topology.ComputeCapability{}
	}
	return topology.ComputeCapability{Major: major, Minor: minor}
}
