package dra

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	v1 "k8s.io/api/core/v1"
	resourceapi "k8s.io/api/resource/v1"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/ashlar-dev/ashlar/plugins/modelmemory"
)

// PodRequest is what a pod wants from DRA, read from its unallocated claims and its
// extended resources once per scheduling cycle. It is the same for all nodes.
type PodRequest struct {
	requests    []deviceRequest
	constraints []constraintRule
	// server is the model server that the pod runs, nil if none is known.
	server *modelmemory.Server
	// unsupportedReason says why all that the pod asks for is left to the in-tree code; "" if
	// it is not. Single requests have reasons of their own.
	unsupportedReason string
}

// deviceRequest is one request of a claim, with its alternatives in order of
// preference; a request without firstAvailable has one.
type deviceRequest struct {
	claim        int
	name         string
	resource     v1.ResourceName // set if it stems from an extended resource
	alternatives []subRequest
}

// subRequest is one way to satisfy a request.
type subRequest struct {
	name        string
	class       string // the device class
	count       int64
	selectors   []string // CEL, the class's first
	ofClass     int      // how many of the selectors are the class's
	tolerations []resourceapi.DeviceToleration
	capacity    map[resourceapi.QualifiedName]int64
	// adminAccess says that the devices are only looked at: others may hold them, and
	// nothing is taken.
	adminAccess bool
	// takesAll says that it is for all devices that match, however many.
	takesAll bool
	// unsupportedReason says why GPUs are not chosen for it here, but by the in-tree code;
	// "" if they are.
	unsupportedReason string
}

// constraintRule is a claim's constraint between devices.
type constraintRule struct {
	requests  []constrainedRequest
	attribute resourceapi.FullyQualifiedName
	distinct  bool
}

// constrainedRequest is a request that a constraint is about, or one of its alternatives.
type constrainedRequest struct {
	request     int // an index into PodRequest.requests
	alternative int // an index into its alternatives, -1 for any
}

// maxCombinations bounds the combinations of alternatives that are looked at.
const maxCombinations = 64

// maxDevices is the most devices that one claim can be allocated
// (resource.k8s.io/v1, AllocationResultsMaxSize).
const maxDevices = resourceapi.AllocationResultsMaxSize

// UnsupportedReason says why all that the pod asks for is left to the in-tree code, "" if it
// is not.
func (r *PodRequest) UnsupportedReason() string { return r.unsupportedReason }

// ModelServer is the model server that the pod runs, nil if none is known.
func (r *PodRequest) ModelServer() *modelmemory.Server { return r.server }

// MostDevices is how many devices the pod gets at most, 0 if that is not known.
func (r *PodRequest) MostDevices() int64 {
	if r.unsupportedReason != "" {
		return 0
	}
	total := int64(0)
	for i := range r.requests {
		most := int64(0)
		for j := range r.requests[i].alternatives {
			most = max(most, r.requests[i].alternatives[j].count)
		}
		total += most
	}
	return total
}

// Empty reports whether the pod asks for no devices.
func (r *PodRequest) Empty() bool { return len(r.requests) == 0 }

// newPodRequest reads a pod. claims are those of its claims that need an allocation.
func newPodRequest(pod *v1.Pod, claims []*resourceapi.ResourceClaim, manager fwk.SharedDRAManager) (*PodRequest, error) {
	server, err := modelmemory.Of(pod)
	if err != nil {
		return nil, err
	}
	r := &PodRequest{server: server}
	for index, claim := range claims {
		if err := r.addClaim(index, claim, manager.DeviceClasses()); err != nil {
			return nil, err
		}
	}
	r.addExtendedResources(pod, manager.DeviceClassResolver())
	combinations := 1
	for _, request := range r.requests {
		combinations *= len(request.alternatives)
		if combinations > maxCombinations {
			r.unsupportedReason = "too many combinations of alternatives"
			break
		}
	}
	return r, nil
}

func (r *PodRequest) addClaim(index int, claim *resourceapi.ResourceClaim, classes fwk.DeviceClassLister) error {
	byName := map[string]int{}
	for i := range claim.Spec.Devices.Requests {
		spec := &claim.Spec.Devices.Requests[i]
		request := deviceRequest{claim: index, name: spec.Name}
		if spec.Exactly != nil {
			if err := r.addAlternative(&request, spec.Name, spec.Exactly, classes); err != nil {
				return err
			}
		}
		for j := range spec.FirstAvailable {
			sub := &spec.FirstAvailable[j]
			exactly := &resourceapi.ExactDeviceRequest{
				DeviceClassName: sub.DeviceClassName, Selectors: sub.Selectors, AllocationMode: sub.AllocationMode,
				Count: sub.Count, Tolerations: sub.Tolerations, Capacity: sub.Capacity,
			}
			if err := r.addAlternative(&request, spec.Name+"/"+sub.Name, exactly, classes); err != nil {
				return err
			}
		}
		byName[spec.Name] = len(r.requests)
		r.requests = append(r.requests, request)
	}
	for i := range claim.Spec.Devices.Constraints {
		r.addConstraint(&claim.Spec.Devices.Constraints[i], byName)
	}
	return nil
}

// addAlternative reads one way to satisfy a request. Errors name the request and what
// of it cannot be.
func (r *PodRequest) addAlternative(
	request *deviceRequest, name string, spec *resourceapi.ExactDeviceRequest, classes fwk.DeviceClassLister,
) error {
	class, err := classes.Get(spec.DeviceClassName)
	if err != nil {
		return fmt.Errorf("request %s: device class %s: %w", name, spec.DeviceClassName, err)
	}
	sub := subRequest{
		name: name, class: spec.DeviceClassName, count: spec.Count, tolerations: spec.Tolerations, ofClass: len(class.Spec.Selectors),
		adminAccess: spec.AdminAccess != nil && *spec.AdminAccess,
	}
	if spec.AllocationMode != resourceapi.DeviceAllocationModeExactCount {
		sub.unsupportedReason = "allocation mode " + string(spec.AllocationMode)
		sub.takesAll = spec.AllocationMode == resourceapi.DeviceAllocationModeAll
	} else if spec.Count < 1 || spec.Count > maxDevices {
		sub.unsupportedReason = fmt.Sprintf("a count of %d", spec.Count)
	}
	for _, selector := range slices.Concat(class.Spec.Selectors, spec.Selectors) {
		if selector.CEL == nil {
			r.unsupportedReason = "a selector other than CEL"
			sub.ofClass = 0
			continue
		}
		sub.selectors = append(sub.selectors, selector.CEL.Expression)
	}
	if spec.Capacity != nil {
		sub.capacity = map[resourceapi.QualifiedName]int64{}
		for capacity, quantity := range spec.Capacity.Requests {
			if quantity.Sign() < 0 || quantity.CmpInt64(maxAmount) > 0 {
				return fmt.Errorf("request %s: capacity %s of %s is not an amount that a device can have", name, capacity, quantity.String())
			}
			sub.capacity[capacity] = quantity.Value()
		}
	}
	request.alternatives = append(request.alternatives, sub)
	return nil
}

func (r *PodRequest) addConstraint(constraint *resourceapi.DeviceConstraint, byName map[string]int) {
	rule := constraintRule{}
	switch {
	case constraint.MatchAttribute != nil:
		rule.attribute = *constraint.MatchAttribute
	case constraint.DistinctAttribute != nil:
		rule.attribute, rule.distinct = *constraint.DistinctAttribute, true
	default:
		r.unsupportedReason = "an unknown constraint"
		return
	}
	for name, index := range byName {
		if len(constraint.Requests) == 0 || slices.Contains(constraint.Requests, name) {
			rule.requests = append(rule.requests, constrainedRequest{index, -1})
		}
	}
	for _, name := range constraint.Requests {
		if parent, _, isAlternative := strings.Cut(name, "/"); isAlternative {
			if index, found := byName[parent]; found {
				rule.requests = append(rule.requests, constrainedRequest{index, r.requests[index].indexOf(name)})
			}
		}
	}
	slices.SortFunc(rule.requests, func(a, b constrainedRequest) int { return cmp.Compare(a.request, b.request) })
	r.constraints = append(r.constraints, rule)
}

// alternativesOf are the sub-requests that a constraint is about.
func (r *PodRequest) alternativesOf(about constrainedRequest) []*subRequest {
	var subs []*subRequest
	for j := range r.requests[about.request].alternatives {
		if about.alternative < 0 || about.alternative == j {
			subs = append(subs, &r.requests[about.request].alternatives[j])
		}
	}
	return subs
}

// indexOf is the index of an alternative by its name, beyond the last if there is none.
func (d *deviceRequest) indexOf(name string) int {
	for i := range d.alternatives {
		if d.alternatives[i].name == name {
			return i
		}
	}
	return len(d.alternatives)
}

// appliesTo reports whether the rule is about a request, of which an alternative was chosen.
func (c *constraintRule) appliesTo(request, alternative int) bool {
	return slices.ContainsFunc(c.requests, func(about constrainedRequest) bool {
		return about.request == request && (about.alternative < 0 || about.alternative == alternative)
	})
}
