package parity

import (
	"fmt"
	"math/rand"

	resourceapi "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ashlar-dev/ashlar/simulator"
	"github.com/ashlar-dev/ashlar/test/install"
	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/deviceapi"
	"github.com/ashlar-dev/ashlar/topology/placement"
)

// machines is how many nodes of which machine type there are: NVLink switches, bridges
// and none at all, MIG and none.
var machines = []struct {
	name  string
	count int
}{
	{"dgx-a100", 16}, {"4xA30-pcie", 16}, {"dgx-h100", 10}, {"azure-nc96ads-a100", 6}, {"8xL40S-2socket-node", 6}, {"aws-p3.16xlarge", 6},
}

// nodes lists the nodes by name, with machine types mixed.
func nodes() []install.Node {
	var list []install.Node
	for round := range 16 {
		for _, m := range machines {
			if round < m.count {
				list = append(list, install.Node{Name: fmt.Sprintf("node-%02d", len(list)), Machine: m.name})
			}
		}
	}
	return list
}

// Device classes of manifests/base.
const (
	wholeClass = "gpu.ashlar.dev"
	migClass   = "mig.gpu.ashlar.dev"
	shareClass = "share.gpu.ashlar.dev"
)

// kind is one way to ask for GPUs.
type kind struct {
	name, class string
	count       int
	profile     string
	// product restricts whole GPUs to one product.
	product string
	bytes   topology.Bytes
	weight  int
}

var kinds = []kind{
	{name: "1 GPU", class: wholeClass, count: 1, weight: 60},
	{name: "2 GPUs", class: wholeClass, count: 2, weight: 12},
	{name: "4 GPUs", class: wholeClass, count: 4, weight: 6},
	{name: "8 GPUs", class: wholeClass, count: 8, weight: 2},
	{name: "1g.10gb", class: migClass, count: 1, profile: "1g.10gb", weight: 120},
	{name: "2g.20gb", class: migClass, count: 1, profile: "2g.20gb", weight: 50},
	{name: "3g.40gb", class: migClass, count: 1, profile: "3g.40gb", weight: 20},
	{name: "1g.6gb", class: migClass, count: 1, profile: "1g.6gb", weight: 60},
	{name: "2g.12gb", class: migClass, count: 1, profile: "2g.12gb", weight: 30},
	{name: "4 GiB", class: shareClass, count: 1, bytes: 4 * topology.GiB, weight: 200},
	{name: "7 GiB", class: shareClass, count: 1, bytes: 7 * topology.GiB, weight: 150},
	{name: "12 GiB", class: shareClass, count: 1, bytes: 12 * topology.GiB, weight: 100},
	{name: "30 GiB", class: shareClass, count: 1, bytes: 30 * topology.GiB, weight: 20},
}

// arrivals draws what each pod asks for.
func arrivals(pods int) []*kind {
	random, total := rand.New(rand.NewSource(7)), 0
	for i := range kinds {
		total += kinds[i].weight
	}
	list := make([]*kind, pods)
	for i := range list {
		at := random.Intn(total)
		for k := range kinds {
			if at -= kinds[k].weight; at < 0 {
				list[i] = &kinds[k]
				break
			}
		}
	}
	return list
}

// ask is what the kind asks of the simulator. profileOf names the MIG profile of an
// offer.
func (k *kind) ask(profileOf func(inv *placement.Inventory, offer int) string) *simulator.PodTemplate {
	form := map[string]placement.Form{wholeClass: placement.Whole, migClass: placement.MIG, shareClass: placement.Share}[k.class]
	return &simulator.PodTemplate{Name: k.name, For: func(inv *placement.Inventory) simulator.NodeRequest {
		accepts := placement.NewDeviceSet(len(inv.Devices))
		for i := range inv.Devices {
			offer := &inv.Devices[i]
			if k.product != "" && inv.Node.GPUs[offer.GPU].Model.Product != k.product {
				continue
			}
			if offer.Form == form && (k.profile == "" || profileOf(inv, i) == k.profile) && (k.bytes == 0 || offer.Memory >= k.bytes) {
				accepts.Add(i)
			}
		}
		return simulator.NodeRequest{
			Request: &placement.Request{Parts: []placement.Part{{Name: "r", Count: k.count, Bytes: k.bytes, Accepts: accepts}}},
		}
	}}
}

// claim is the claim of a pod of the kind.
func (k *kind) claim(name string) *resourceapi.ResourceClaim {
	exactly := &resourceapi.ExactDeviceRequest{
		DeviceClassName: k.class,
		AllocationMode:  resourceapi.DeviceAllocationModeExactCount,
		Count:           int64(k.count),
	}
	if k.profile != "" {
		exactly.Selectors = []resourceapi.DeviceSelector{{CEL: &resourceapi.CELDeviceSelector{
			Expression: fmt.Sprintf("device.attributes[%q].profile == %q", deviceapi.Driver, k.profile),
		}}}
	}
	if k.product != "" {
		exactly.Selectors = []resourceapi.DeviceSelector{{CEL: &resourceapi.CELDeviceSelector{
			Expression: fmt.Sprintf("device.attributes[%q].productName == %q", deviceapi.Driver, k.product),
		}}}
	}
	if k.bytes > 0 {
		exactly.Capacity = &resourceapi.CapacityRequirements{Requests: map[resourceapi.QualifiedName]resource.Quantity{
			deviceapi.Memory: *resource.NewQuantity(int64(k.bytes), resource.BinarySI),
		}}
	}
	claim := &resourceapi.ResourceClaim{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: namespace}}
	claim.Spec.Devices.Requests = []resourceapi.DeviceRequest{{Name: "r", Exactly: exactly}}
	return claim
}
