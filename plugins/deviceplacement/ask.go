package deviceplacement

import (
	"fmt"
	"slices"

	v1 "k8s.io/api/core/v1"
	resourceapi "k8s.io/api/resource/v1"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/util"

	"github.com/ashlar-dev/ashlar/plugins/modelmemory"
)

// ask is what a pod wants from DRA, read from its unallocated claims and its
// extended resources once per scheduling cycle. It is the same for all nodes.
type ask struct {
	requests []deviceRequest
	alike    []alikeRule
	// server is the model server that the pod runs, nil if none is known.
	server *modelmemory.Server
	// opaque says why the pod asks for something that this plugin leaves to the
	// in-tree code; "" if it understands everything.
	opaque string
}

// deviceRequest is one request of a claim, with its alternatives in order of
// preference; a request without firstAvailable has one.
type deviceRequest struct {
	claim        int
	name         string
	resource     v1.ResourceName // set if it stems from an extended resource
	alternatives []alternative
}

// alternative is one way to satisfy a request.
type alternative struct {
	name        string
	count       int64
	selectors   []string // CEL, the class's first
	ofClass     int      // how many of the selectors are the class's
	tolerations []resourceapi.DeviceToleration
	capacity    map[resourceapi.QualifiedName]int64
}

// alikeRule is a claim's constraint between devices.
type alikeRule struct {
	requests  []int // indexes into ask.requests
	attribute resourceapi.FullyQualifiedName
	distinct  bool
}

// maxVariants bounds the combinations of alternatives that are looked at.
const maxVariants = 64

// maxDevices is the most devices that one claim can be allocated
// (resource.k8s.io/v1, AllocationResultsMaxSize).
const maxDevices = resourceapi.AllocationResultsMaxSize

// askOf reads a pod. claims are those of its claims that need an allocation.
func askOf(pod *v1.Pod, claims []*resourceapi.ResourceClaim, dra fwk.SharedDRAManager) (*ask, error) {
	server, err := modelmemory.Of(pod)
	if err != nil {
		return nil, err
	}
	a := &ask{server: server}
	for index, claim := range claims {
		if err := a.addClaim(index, claim, dra.DeviceClasses()); err != nil {
			return nil, err
		}
	}
	a.addExtendedResources(pod, dra.DeviceClassResolver())
	variants := 1
	for _, request := range a.requests {
		variants *= len(request.alternatives)
		if variants > maxVariants {
			a.opaque = "too many combinations of alternatives"
			break
		}
	}
	return a, nil
}

func (a *ask) addClaim(index int, claim *resourceapi.ResourceClaim, classes fwk.DeviceClassLister) error {
	byName := map[string]int{}
	for i := range claim.Spec.Devices.Requests {
		spec := &claim.Spec.Devices.Requests[i]
		request := deviceRequest{claim: index, name: spec.Name}
		if exactly := spec.Exactly; exactly != nil {
			if exactly.AdminAccess != nil && *exactly.AdminAccess {
				a.opaque = "admin access"
			}
			alternative, err := a.alternative(spec.Name, exactly.DeviceClassName, exactly.AllocationMode, exactly.Count,
				exactly.Selectors, exactly.Tolerations, exactly.Capacity, classes)
			if err != nil {
				return err
			}
			request.alternatives = append(request.alternatives, alternative)
		}
		for j := range spec.FirstAvailable {
			sub := &spec.FirstAvailable[j]
			alternative, err := a.alternative(spec.Name+"/"+sub.Name, sub.DeviceClassName, sub.AllocationMode, sub.Count,
				sub.Selectors, sub.Tolerations, sub.Capacity, classes)
			if err != nil {
				return err
			}
			request.alternatives = append(request.alternatives, alternative)
		}
		byName[spec.Name] = len(a.requests)
		a.requests = append(a.requests, request)
	}
	for i := range claim.Spec.Devices.Constraints {
		if err := a.addConstraint(&claim.Spec.Devices.Constraints[i], byName); err != nil {
			return err
		}
	}
	return nil
}

func (a *ask) alternative(name, className string, mode resourceapi.DeviceAllocationMode, count int64, selectors []resourceapi.DeviceSelector,
	tolerations []resourceapi.DeviceToleration, capacity *resourceapi.CapacityRequirements, classes fwk.DeviceClassLister,
) (alternative, error) {
	class, err := classes.Get(className)
	if err != nil {
		return alternative{}, fmt.Errorf("request %s: device class %s: %w", name, className, err)
	}
	result := alternative{name: name, count: count, tolerations: tolerations, ofClass: len(class.Spec.Selectors)}
	if mode != resourceapi.DeviceAllocationModeExactCount {
		a.opaque = "allocation mode " + string(mode)
	}
	if count < 1 || count > maxDevices {
		a.opaque = fmt.Sprintf("a count of %d", count)
	}
	for _, selector := range slices.Concat(class.Spec.Selectors, selectors) {
		if selector.CEL == nil {
			a.opaque = "a selector other than CEL"
			result.ofClass = 0
			continue
		}
		result.selectors = append(result.selectors, selector.CEL.Expression)
	}
	if capacity != nil {
		result.capacity = map[resourceapi.QualifiedName]int64{}
		for name, quantity := range capacity.Requests {
			if quantity.Sign() < 0 || quantity.CmpInt64(maxAmount) > 0 {
				return alternative{}, fmt.Errorf("request %s: capacity %s of %s is not an amount that a device can have", result.name, name, quantity.String())
			}
			result.capacity[name] = quantity.Value()
		}
	}
	return result, nil
}

func (a *ask) addConstraint(constraint *resourceapi.DeviceConstraint, byName map[string]int) error {
	rule := alikeRule{}
	switch {
	case constraint.MatchAttribute != nil:
		rule.attribute = *constraint.MatchAttribute
	case constraint.DistinctAttribute != nil:
		rule.attribute, rule.distinct = *constraint.DistinctAttribute, true
	default:
		a.opaque = "an unknown constraint"
		return nil
	}
	for name, index := range byName {
		if len(constraint.Requests) == 0 || slices.Contains(constraint.Requests, name) {
			rule.requests = append(rule.requests, index)
		}
	}
	for _, name := range constraint.Requests {
		if _, found := byName[name]; !found {
			a.opaque = "a constraint on single alternatives" // request/subrequest
		}
	}
	slices.Sort(rule.requests)
	a.alike = append(a.alike, rule)
	return nil
}

// addExtendedResources turns plain resources such as nvidia.com/gpu into requests
// for the device classes that stand behind them.
func (a *ask) addExtendedResources(pod *v1.Pod, resolver fwk.DeviceClassResolver) {
	for i := range pod.Spec.InitContainers {
		for name, quantity := range pod.Spec.InitContainers[i].Resources.Requests {
			if !quantity.IsZero() && util.IsDRAExtendedResourceName(name) && resolver.GetDeviceClass(name) != nil {
				a.opaque = "extended resources of init containers"
			}
		}
	}
	for i := range pod.Spec.Containers {
		for name, quantity := range pod.Spec.Containers[i].Resources.Requests {
			if quantity.IsZero() || !util.IsDRAExtendedResourceName(name) {
				continue
			}
			class := resolver.GetDeviceClass(name)
			if class == nil {
				continue
			}
			way := alternative{name: string(name), count: quantity.Value()}
			if way.count > maxDevices {
				a.opaque = fmt.Sprintf("%d of %s", way.count, name)
			}
			for _, selector := range class.Spec.Selectors {
				if selector.CEL != nil {
					way.selectors = append(way.selectors, selector.CEL.Expression)
				}
			}
			way.ofClass = len(way.selectors)
			a.requests = append(a.requests, deviceRequest{claim: -1, name: string(name), resource: name, alternatives: []alternative{way}})
		}
	}
}
