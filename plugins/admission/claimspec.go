package admission

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	resourceapi "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/ashlar-dev/ashlar/plugins/claim"
	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/deviceapi"
)

// The device classes of Ashlar's driver, by form.
var formClasses = map[askForm]string{
	wholeForm: deviceapi.Driver, shareForm: "share." + deviceapi.Driver, migForm: "mig." + deviceapi.Driver,
}

// unclaimableAsk is why no claim means the same as an ask.
type unclaimableAsk struct{ because string }

func (u *unclaimableAsk) Error() string { return u.because }

// claimSpec is the claim that means the same, with what about it should be known. The error
// is an *unclaimableAsk.
func (a *gpuAsk) claimSpec(cluster *Cluster) (spec resourceapi.ResourceClaimSpec, notes []string, err error) {
	request := resourceapi.DeviceRequest{Name: claim.RequestName}
	class, selectors := formClasses[a.form], a.deviceSelectors()
	switch {
	case a.percent != nil:
		request.FirstAvailable, notes, err = a.percentAlternatives(cluster, class, selectors)
		if err != nil {
			return spec, nil, err
		}
	default:
		request.Exactly = &resourceapi.ExactDeviceRequest{
			DeviceClassName: class, AllocationMode: resourceapi.DeviceAllocationModeExactCount, Count: a.count,
			Selectors: asSelectors(selectors), Capacity: a.shareCapacity(a.memory),
		}
	}
	spec.Devices.Requests = []resourceapi.DeviceRequest{request}
	spec.Devices.Constraints = a.deviceConstraints()
	spec.Devices.Config = a.deviceConfig()
	return spec, notes, nil
}

// percentAlternatives are the alternatives of a part of a GPU: GPUs of each size, with their
// part in bytes, the smallest first.
func (a *gpuAsk) percentAlternatives(cluster *Cluster, class string, selectors []string) ([]resourceapi.DeviceSubRequest, []string, error) {
	sizes := cluster.shareSizes()
	if len(sizes) == 0 {
		return nil, nil, &unclaimableAsk{fmt.Sprintf("no GPU is published by %s, so that %s%% of one is not known", deviceapi.Driver,
			decimalText(a.percent))}
	}
	var notes []string
	if left := len(sizes) - resourceapi.FirstAvailableDeviceRequestMaxSize; left > 0 {
		sizes = sizes[:resourceapi.FirstAvailableDeviceRequestMaxSize]
		notes = append(notes, fmt.Sprintf("GPUs of %d sizes are left out: a claim has at most %d alternatives", left, len(sizes)))
	}
	all := make([]resourceapi.DeviceSubRequest, 0, len(sizes))
	for _, size := range sizes {
		own := fmt.Sprintf("%s.compareTo(quantity(%q)) == 0", memoryInCEL, quantityText(size))
		all = append(all, resourceapi.DeviceSubRequest{
			Name: fmt.Sprintf("of-%dmi", size/topology.MiB), DeviceClassName: class,
			AllocationMode: resourceapi.DeviceAllocationModeExactCount, Count: a.count,
			Selectors: asSelectors(append([]string{own}, selectors...)), Capacity: a.shareCapacity(partOf(a.percent, size)),
		})
	}
	return all, notes, nil
}

// memoryInCEL is a device's memory.
var memoryInCEL = fmt.Sprintf("device.capacity[%q].%s", deviceapi.Driver, deviceapi.Memory)

// deviceSelectors are expressions that say which devices will do.
func (a *gpuAsk) deviceSelectors() []string {
	var all []string
	attribute := func(name string) string { return fmt.Sprintf("device.attributes[%q].%s", deviceapi.Driver, name) }
	if a.memory > 0 && a.form != shareForm {
		all = append(all, fmt.Sprintf("%s.compareTo(quantity(%q)) >= 0", memoryInCEL, quantityText(a.memory)))
	}
	if a.profile != "" {
		all = append(all, fmt.Sprintf("%s == %q", attribute(deviceapi.Profile), a.profile))
	}
	product := func(part string) string {
		return fmt.Sprintf("%s.lowerAscii().contains(%s)", attribute(deviceapi.ProductName), strconv.Quote(strings.ToLower(part)))
	}
	all = append(all, a.products.celExpressions(product)...)
	uuid := deviceapi.ParentUUID
	if a.form == wholeForm {
		uuid = deviceapi.UUID
	}
	return append(all, a.uuids.celExpressions(func(id string) string { return attribute(uuid) + " == " + strconv.Quote(id) })...)
}

// celExpressions are the choice in CEL, of which all must hold; test is that of one name.
func (n nameChoice) celExpressions(test func(string) string) []string {
	var all []string
	var among []string
	for _, name := range n.among {
		among = append(among, test(name))
	}
	if len(among) > 0 {
		all = append(all, strings.Join(among, " || "))
	}
	var except []string
	for _, name := range n.except {
		except = append(except, "!("+test(name)+")")
	}
	if len(except) > 0 {
		all = append(all, strings.Join(except, " && "))
	}
	return all
}

func asSelectors(expressions []string) []resourceapi.DeviceSelector {
	var all []resourceapi.DeviceSelector
	for _, expression := range expressions {
		all = append(all, resourceapi.DeviceSelector{CEL: &resourceapi.CELDeviceSelector{Expression: expression}})
	}
	return all
}

// shareCapacity is what a share takes of its GPU, nil for other forms.
func (a *gpuAsk) shareCapacity(memory topology.Bytes) *resourceapi.CapacityRequirements {
	if a.form != shareForm {
		return nil
	}
	return &resourceapi.CapacityRequirements{Requests: map[resourceapi.QualifiedName]resource.Quantity{
		deviceapi.Memory: quantityOf(topology.RoundShare(memory)),
	}}
}

func quantityText(b topology.Bytes) string {
	q := quantityOf(b)
	return q.String()
}

func quantityOf(b topology.Bytes) resource.Quantity {
	q := *resource.NewQuantity(int64(b), resource.BinarySI)
	_ = q.String() // equal amounts are equal values then
	return q
}

// deviceConstraints tie the devices of several GPUs: shares of different ones, and all of
// them on one NUMA node where that is asked for.
func (a *gpuAsk) deviceConstraints() []resourceapi.DeviceConstraint {
	if a.count < 2 {
		return nil
	}
	var all []resourceapi.DeviceConstraint
	if a.form != wholeForm {
		gpu := resourceapi.FullyQualifiedName(deviceapi.Driver + "/" + deviceapi.ParentUUID)
		if a.form == shareForm {
			all = append(all, resourceapi.DeviceConstraint{DistinctAttribute: &gpu})
		}
	}
	if a.sameNUMA {
		numa := resourceapi.FullyQualifiedName(deviceapi.NUMANode)
		all = append(all, resourceapi.DeviceConstraint{MatchAttribute: &numa})
	}
	return all
}

// shareConfig is the driver's configuration of a share.
type shareConfig struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	Strategy   string `json:"strategy"`
	Threads    int64  `json:"defaultActiveThreadPercentage,omitempty"`
}

// deviceConfig asks for MPS.
func (a *gpuAsk) deviceConfig() []resourceapi.DeviceClaimConfiguration {
	if !a.mps || a.form != shareForm {
		return nil
	}
	raw, err := json.Marshal(shareConfig{APIVersion: deviceapi.Driver + "/v1alpha1", Kind: "ShareConfig", Strategy: "MPS", Threads: a.threads})
	if err != nil {
		panic(err) // strings and a number
	}
	return []resourceapi.DeviceClaimConfiguration{{DeviceConfiguration: resourceapi.DeviceConfiguration{
		Opaque: &resourceapi.OpaqueDeviceConfiguration{Driver: deviceapi.Driver, Parameters: runtime.RawExtension{Raw: raw}},
	}}}
}

// equalAsk reports whether two asks mean the same.
func (a *gpuAsk) equalAsk(b *gpuAsk) bool {
	samePercent := a.percent == nil && b.percent == nil || a.percent != nil && b.percent != nil && a.percent.Cmp(b.percent) == 0
	sameNames := func(a, b nameChoice) bool { return slices.Equal(a.among, b.among) && slices.Equal(a.except, b.except) }
	return samePercent && a.count == b.count && a.form == b.form && a.memory == b.memory && a.profile == b.profile &&
		sameNames(a.products, b.products) && sameNames(a.uuids, b.uuids) && a.sameNUMA == b.sameNUMA && a.mps == b.mps && a.threads == b.threads
}
