package modelmemory

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/memory"
	"github.com/ashlar-dev/ashlar/topology/memory/launch"
	"github.com/ashlar-dev/ashlar/topology/memory/plan"
)

// Offer is a kind of device that a node has, on which a server may be started instead.
type Offer struct {
	Device Device
	// Profile is the MIG profile of a slice, "" for others.
	Profile string
	// Most is how many the node has that one server can take together: 1 for slices and
	// shares, which have no links.
	Most int64
	// Request is how a pod asks for one, for people: "nvidia.com/gpu", "MIG profile 2g.12gb".
	Request string
	Node    string
}

// Remedy is an offer on which a server would start, as it is or with a change.
type Remedy struct {
	Offer
	// Kind is what is changed, "" where the server starts as it is, and Cost what that costs in a
	// phrase, beside devices.
	Kind plan.RemedyKind
	Cost string
	// Count is how many devices it takes.
	Count int64
	// Flags are what the engine must be told, and Model is what it must serve, "" for its own.
	Flags []string
	Model string
	// change is all of that in words.
	change string
}

// DescribeChange is what to change of the server, in words; "" where it starts as it is.
func (r *Remedy) DescribeChange() string { return r.change }

// String tells what to ask for: "nvidia.com/gpu: 2 with --tensor-parallel-size=2 on node
// h100-0".
func (r *Remedy) String() string {
	text := fmt.Sprintf("%s: %d", r.Request, r.Count)
	if r.change != "" {
		joint := " with "
		if strings.HasPrefix(r.change, "without ") {
			joint = " "
		}
		text += joint + r.change
	}
	return fmt.Sprintf("%s on node %s", text, r.Node)
}

// FindRemedies are the offers on which the server would start: that with the least memory, then
// that with the fewest devices, then the others by memory; equal ones by node. Of one kind of
// device only the first is given.
func (s *Server) FindRemedies(offers []Offer) []Remedy {
	offers = slices.Clone(offers)
	slices.SortStableFunc(offers, func(a, b Offer) int { return cmp.Compare(a.Node, b.Node) })
	seen := map[string]bool{}
	var remedies []Remedy
	for _, offer := range offers {
		key := offer.kindKey()
		if seen[key] {
			continue
		}
		seen[key] = true
		if remedy, found := s.remedyOn(offer); found {
			remedies = append(remedies, remedy)
		}
	}
	slices.SortStableFunc(remedies, func(a, b Remedy) int {
		return cmp.Or(cmp.Compare(a.memory(), b.memory()), cmp.Compare(a.Count, b.Count))
	})
	if len(remedies) > 2 {
		rest := remedies[1:]
		fewest := slices.MinFunc(rest, func(a, b Remedy) int { return cmp.Compare(a.Count, b.Count) })
		at := slices.IndexFunc(rest, func(r Remedy) bool { return r.Count == fewest.Count })
		copy(rest[1:at+1], rest[:at])
		rest[0] = fewest
	}
	return remedies
}

// memory is what the remedy takes of a cluster.
func (r *Remedy) memory() topology.Bytes {
	if r.Device.Share > 0 {
		return r.Device.Share
	}
	return topology.Bytes(r.Count) * r.Device.GPU.Total
}

// remedyOn is how the server would start on an offer.
func (s *Server) remedyOn(offer Offer) (Remedy, bool) {
	if s.Refuses(offer.Device) == "" {
		return Remedy{Offer: offer, Count: s.Degree()}, s.Degree() <= offer.Most
	}
	if offer.Most < 2 || offer.Profile != "" || offer.Device.Share > 0 {
		return Remedy{}, false
	}
	asked := memory.GPUOffer{GPU: offer.Device.GPU, Most: offer.Most}
	for _, l := range s.launches {
		l.TensorParallel = 0
		option := memory.FindOptions(s.model, l, []memory.GPUOffer{asked}, s.demand)[0]
		name, known := launch.ArgumentName(l.Engine, launch.FieldTensorParallel)
		if !known || option.Err != nil || !option.Estimate.MayStart() || option.GPUs > offer.Most {
			continue
		}
		flag := fmt.Sprintf("%s=%d", name, option.TensorParallel)
		remedy := Remedy{Offer: offer, Kind: plan.TensorParallelRemedy, Count: option.GPUs, Flags: []string{flag}, change: flag}
		if more := option.GPUs - s.Degree(); more > 0 {
			remedy.Cost = plan.DescribeMore(more)
		}
		return remedy, true
	}
	return Remedy{}, false
}

// Degree is how many devices the server spans, 1 where only its memory is stated.
func (s *Server) Degree() int64 {
	if len(s.servers) == 0 {
		return 1
	}
	return s.servers[0].GPUs()
}

// ModelParallel is over how many devices each copy of the model is spread: tensor times
// pipeline parallel; 1 where only the server's memory is stated.
func (s *Server) ModelParallel() int64 {
	if len(s.launches) == 0 {
		return 1
	}
	l := &s.launches[0]
	return max(l.TensorParallel, 1) * max(l.PipelineParallel, 1)
}

// FixedClaim is what the server takes of any GPU; false for an engine that takes a part of
// the GPU that it finds.
func (s *Server) FixedClaim() (topology.Bytes, bool) {
	switch {
	case s.stated > 0:
		return s.stated, true
	case len(s.launches) > 0 && s.launches[0].Engine.LoadsOnly():
		large := memory.GPU{Total: 1 << 40, Compute: topology.ComputeCapability{Major: 1000}}
		return s.Claims(Device{GPU: large}), true
	}
	return 0, false
}

// StatedDemands is Demands if the pod states the memory, and "" otherwise.
func (s *Server) StatedDemands() string {
	if s.stated == 0 {
		return ""
	}
	return s.Demands()
}

// Demands says what the server asks of a GPU, to stand behind "no GPU": "on which vLLM
// starts meta-llama/Llama-3.1-8B-Instruct".
func (s *Server) Demands() string {
	if s.stated > 0 {
		return fmt.Sprintf("with the %s that the pod states (%s)", s.stated, launch.GPUMemoryAnnotation)
	}
	return fmt.Sprintf("on which %s starts %s", s.engine, s.name)
}
