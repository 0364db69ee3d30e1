package claim

import (
	"fmt"
	"slices"
	"strings"

	resourceapi "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/deviceapi"
	"github.com/ashlar-dev/ashlar/topology/memory/plan"
)

// The device classes of manifests/base.
const (
	wholeClass = deviceapi.Driver
	migClass   = "mig." + deviceapi.Driver
	shareClass = "share." + deviceapi.Driver
)

// memoryCapacity is the capacity that a share takes a part of.
const memoryCapacity = "memory"

// claimAlternative is one entry of firstAvailable: GPUs that are had in the same form.
type claimAlternative struct {
	name, class string
	// profiles are the MIG profiles and the GPUs that have them, one without a name
	// for whole GPUs and shares.
	profiles []profileProducts
	// memory is what is asked of a share.
	memory topology.Bytes
	gpus   int64
	// about are the GPUs with their prices, for people.
	about []string
}

// profileProducts is one MIG profile of some GPUs.
type profileProducts struct {
	profile  string
	products []string
}

func newAlternative(o *plan.Option) *claimAlternative {
	a := &claimAlternative{
		name: "whole", class: wholeClass, gpus: o.GPUs, about: []string{o.Offer.Title()},
		profiles: []profileProducts{{o.Offer.Profile, []string{o.Offer.Hardware.Product}}},
	}
	switch o.Form {
	case plan.MIGForm:
		a.class, a.name = migClass, "mig-"+strings.ReplaceAll(o.Offer.Profile, ".", "-")
	case plan.ShareForm:
		a.class, a.memory = shareClass, o.Share.Memory
		a.name = shareName(a.memory)
	}
	if o.Cost != nil {
		a.about[0] += " " + o.Cost.String()
	}
	return a
}

// shareName is what a claim calls a share of so much memory: "share-20gi", "share-1098mi".
func shareName(memory topology.Bytes) string {
	if memory%topology.GiB == 0 {
		return fmt.Sprintf("share-%dgi", memory/topology.GiB)
	}
	return fmt.Sprintf("share-%dmi", memory/topology.MiB)
}

// isLike reports whether both are had in the same form.
func (a *claimAlternative) isLike(other *claimAlternative) bool {
	return a.class == other.class && a.memory == other.memory && a.profiles[0].profile == other.profiles[0].profile
}

// addGPUs adds the GPUs of another.
func (a *claimAlternative) addGPUs(other *claimAlternative) {
	a.about = append(a.about, other.about...)
	for _, added := range other.profiles {
		i := slices.IndexFunc(a.profiles, func(p profileProducts) bool { return p.profile == added.profile })
		if i < 0 {
			a.profiles = append(a.profiles, added)
			continue
		}
		a.profiles[i].products = append(a.profiles[i].products, added.products...)
	}
}

// subRequest is the alternative as the API has it.
func (a *claimAlternative) subRequest() resourceapi.DeviceSubRequest {
	request := resourceapi.DeviceSubRequest{
		Name: a.name, DeviceClassName: a.class,
		Selectors: []resourceapi.DeviceSelector{{CEL: &resourceapi.CELDeviceSelector{Expression: selectorExpression(a.profiles)}}},
	}
	if a.gpus > 1 {
		request.AllocationMode, request.Count = resourceapi.DeviceAllocationModeExactCount, a.gpus
	}
	if a.memory > 0 {
		request.Capacity = &resourceapi.CapacityRequirements{Requests: map[resourceapi.QualifiedName]resource.Quantity{
			memoryCapacity: *resource.NewQuantity(int64(a.memory), resource.BinarySI),
		}}
	}
	return request
}

// joinAlternatives makes alternatives of options, which are in the order of preference,
// and says how many are left out. Where there are more than the API takes, the last two
// are any other slice and any other whole GPU.
func joinAlternatives(options []*plan.Option) (chosen []*claimAlternative, left int) {
	var all []*claimAlternative
	for _, o := range options {
		next := newAlternative(o)
		if last := len(all) - 1; last >= 0 && next.isLike(all[last]) {
			all[last].addGPUs(next)
			continue
		}
		all = append(all, next)
	}
	if len(all) <= resourceapi.FirstAvailableDeviceRequestMaxSize {
		nameApart(all)
		return all, 0
	}
	chosen = all[:resourceapi.FirstAvailableDeviceRequestMaxSize-2]
	otherNames := map[string]string{migClass: "other-mig", wholeClass: "other-whole"}
	others := map[string]*claimAlternative{}
	for _, next := range all[len(chosen):] {
		switch other := others[next.class]; {
		case next.memory > 0:
			left++ // shares of different sizes cannot be one alternative
		case other == nil:
			next.name = otherNames[next.class]
			others[next.class] = next
		default:
			other.addGPUs(next)
		}
	}
	for _, class := range []string{migClass, wholeClass} {
		if other := others[class]; other != nil {
			chosen = append(chosen, other)
		}
	}
	nameApart(chosen)
	return chosen, left
}

// nameApart gives alternatives names of their own.
func nameApart(all []*claimAlternative) {
	seen := map[string]int{}
	for _, a := range all {
		if seen[a.name]++; seen[a.name] > 1 {
			a.name = fmt.Sprintf("%s-%d", a.name, seen[a.name])
		}
	}
}
