package install

import (
	"context"
	"fmt"
	"maps"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	resourceapi "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/ashlar-dev/ashlar/dra/discovery"
	"github.com/ashlar-dev/ashlar/dra/publish"
	"github.com/ashlar-dev/ashlar/dra/simulated"
	"github.com/ashlar-dev/ashlar/test/cluster"
	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/catalogue"
	"github.com/ashlar-dev/ashlar/topology/deviceapi"
)

// GPUOffer is who hands out the GPUs of a node.
type GPUOffer string

// The kinds of nodes.
const (
	// OfferedByAshlar is the default: Ashlar's driver publishes them.
	OfferedByAshlar GPUOffer = ""
	// OfferedByNVIDIA has them published as NVIDIA's DRA driver publishes whole GPUs.
	OfferedByNVIDIA GPUOffer = "nvidia-dra-driver"
	// OfferedByPlugin has them counted in the node's allocatable, as NVIDIA's device
	// plugin does, and keeps pods out that do not tolerate nvidia.com/gpu.
	OfferedByPlugin GPUOffer = "device-plugin"
)

// PluginResource is what a device plugin calls whole GPUs, and the key of the taint that
// many clusters put on such nodes.
const PluginResource = "nvidia.com/gpu"

// specOf is a node as kubelet, node feature discovery and GPU feature discovery leave it.
func (n Node) specOf() (cluster.NodeSpec, error) {
	spec := cluster.NodeSpec{Name: n.Name, Labels: map[string]string{"ashlar.dev/machine": labelValue(n.Machine)}}
	found, err := n.discoverGPUs()
	if err != nil {
		return spec, err
	}
	switch n.Offer {
	case OfferedByAshlar, OfferedByNVIDIA:
	case OfferedByPlugin:
		spec.Capacity = corev1.ResourceList{PluginResource: *resource.NewQuantity(int64(len(found.GPUs)), resource.DecimalSI)}
		spec.Taints = []corev1.Taint{{Key: PluginResource, Value: "present", Effect: corev1.TaintEffectNoSchedule}}
	default:
		return spec, fmt.Errorf("node %s: offer %q: want %s or %s, or none", n.Name, n.Offer, OfferedByNVIDIA, OfferedByPlugin)
	}
	maps.Copy(spec.Labels, featureLabels(found))
	maps.Copy(spec.Labels, n.Labels)
	return spec, nil
}

func (n Node) discoverGPUs() (*discovery.Node, error) {
	known := catalogue.Default()
	machine, err := known.Machine(n.Machine)
	if err != nil {
		return nil, fmt.Errorf("node %s: %w", n.Name, err)
	}
	if n.Clique != "" {
		machine = simulated.InClique(machine, n.Clique)
	}
	return simulated.Node{Name: n.Name, Machine: machine}.Discover(known.MIG)
}

// featureLabels are the labels of node feature discovery and GPU feature discovery.
func featureLabels(found *discovery.Node) map[string]string {
	if len(found.GPUs) == 0 {
		return nil
	}
	model := found.Topology.GPUs[0].Model
	labels := map[string]string{
		"feature.node.kubernetes.io/pci-10de.present": "true",
		"nvidia.com/gpu.present":                      "true",
		"nvidia.com/gpu.product":                      strings.ReplaceAll(model.Product, " ", "-"),
		"nvidia.com/gpu.count":                        strconv.Itoa(len(found.GPUs)),
		"nvidia.com/gpu.memory":                       strconv.FormatInt(int64(model.Memory/topology.MiB), 10),
		"nvidia.com/gpu.family":                       strings.ToLower(strings.ReplaceAll(model.Architecture, " ", "-")),
		"nvidia.com/gpu.mode":                         "compute",
		"nvidia.com/gpu.replicas":                     "1",
		"nvidia.com/gpu.sharing-strategy":             "none",
		"nvidia.com/mig.capable":                      strconv.FormatBool(found.GPUs[0].Table != nil),
		"nvidia.com/mig.strategy":                     "single",
		"nvidia.com/cuda.driver-version.full":         found.DriverVersion,
		"nvidia.com/cuda.runtime-version.full":        found.CUDAVersion,
	}
	for prefix, version := range map[string]string{
		"nvidia.com/gpu.compute.":          model.Compute.String(),
		"nvidia.com/cuda.driver-version.":  found.DriverVersion,
		"nvidia.com/cuda.runtime-version.": found.CUDAVersion,
	} {
		for i, part := range strings.SplitN(version, ".", 3) {
			name := []string{"major", "minor", "revision"}[i]
			if part != "" && (name != "revision" || prefix == "nvidia.com/cuda.driver-version.") {
				labels[prefix+name] = part
			}
		}
	}
	if clique := found.Topology.GPUs[0].Clique; clique != "" {
		labels["nvidia.com/gpu.clique"] = clique
	}
	return labels
}

// publishForNVIDIA plays NVIDIA's DRA driver: its DeviceClass, and a slice of whole GPUs
// for each of its nodes. The class does not stand behind nvidia.com/gpu, as NVIDIA's does:
// of two classes with that name the newer would be picked, and Ashlar's has it.
func (i *Installation) publishForNVIDIA(ctx context.Context) error {
	client, err := kubernetes.NewForConfig(i.cluster.RESTConfig())
	if err != nil {
		return err
	}
	made := false
	for _, node := range i.nodes {
		if node.Offer != OfferedByNVIDIA {
			continue
		}
		if !made {
			made = true
			expression := fmt.Sprintf("device.driver == %q && device.attributes[%q].type == %q",
				deviceapi.NVIDIADriver, deviceapi.NVIDIADriver, deviceapi.TypeGPU)
			class := &resourceapi.DeviceClass{
				ObjectMeta: metav1.ObjectMeta{Name: deviceapi.NVIDIADriver},
				Spec: resourceapi.DeviceClassSpec{Selectors: []resourceapi.DeviceSelector{
					{CEL: &resourceapi.CELDeviceSelector{Expression: expression}},
				}},
			}
			if _, err := client.ResourceV1().DeviceClasses().Create(ctx, class, metav1.CreateOptions{}); err != nil {
				return fmt.Errorf("creating DeviceClass %s: %w", class.Name, err)
			}
		}
		slice, err := node.nvidiaSlice()
		if err != nil {
			return err
		}
		if _, err := client.ResourceV1().ResourceSlices().Create(ctx, slice, metav1.CreateOptions{}); err != nil {
			return fmt.Errorf("publishing the GPUs of node %s as %s does: %w", node.Name, deviceapi.NVIDIADriver, err)
		}
	}
	return nil
}

// onlyAshlars are the attributes that NVIDIA's driver does not write.
var onlyAshlars = []resourceapi.QualifiedName{
	deviceapi.Index, deviceapi.NVLinkIsland, deviceapi.NVLinkClique, deviceapi.NVLinkLaneBandwidth, deviceapi.Links, deviceapi.P2P,
	deviceapi.NIC, deviceapi.NICLink, deviceapi.NICPCIBusID, deviceapi.NICPCIeRoot, deviceapi.NICNUMANode,
}

// nvidiaSlice has the node's whole GPUs as NVIDIA's driver writes them: without links,
// counters and other forms.
func (n Node) nvidiaSlice() (*resourceapi.ResourceSlice, error) {
	found, err := n.discoverGPUs()
	if err != nil {
		return nil, err
	}
	slice := &resourceapi.ResourceSlice{
		ObjectMeta: metav1.ObjectMeta{GenerateName: n.Name + "-" + deviceapi.NVIDIADriver + "-"},
		Spec: resourceapi.ResourceSliceSpec{
			Driver: deviceapi.NVIDIADriver, NodeName: &n.Name,
			Pool: resourceapi.ResourcePool{Name: n.Name, Generation: 1, ResourceSliceCount: 1},
		},
	}
	devices := found.ListDevices(discovery.DeviceOptions{AnyMode: true})
	for _, part := range publish.DriverResources(n.Name, found, devices, nil).Pools[n.Name].Slices {
		for _, device := range part.Devices {
			if kind := device.Attributes[deviceapi.Type].StringValue; kind == nil || *kind != deviceapi.TypeGPU {
				continue
			}
			device.ConsumesCounters = nil
			for _, name := range onlyAshlars {
				delete(device.Attributes, name)
			}
			slice.Spec.Devices = append(slice.Spec.Devices, device)
		}
	}
	return slice, nil
}
