package scenario

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/catalogue"
	"github.com/ashlar-dev/ashlar/topology/mig"
	"github.com/ashlar-dev/ashlar/topology/placement"
)

// Request is what each member of a job asks for: exactly one of gpus, mig, share,
// model and cpuOnly.
type Request struct {
	// Name is how the log calls it, by default what is asked for.
	Name string `json:"name,omitempty"`
	// Weight is how often it is drawn, relative to the others; 1 if not stated.
	Weight float64 `json:"weight,omitempty"`
	// GPUs is a number of whole GPUs, Bandwidth the least of the best ring through them,
	// in GB/s per direction.
	GPUs      int64 `json:"gpus,omitempty"`
	Bandwidth int64 `json:"bandwidth,omitempty"`
	// MIG is a profile: "1g.10gb".
	MIG   string `json:"mig,omitempty"`
	Share *Share `json:"share,omitempty"`
	Model *Model `json:"model,omitempty"`
	// CPUOnly is true for a job without GPUs.
	CPUOnly bool `json:"cpuOnly,omitempty"`
	// Products are the acceptable GPU models, by their keys in the catalogue or what
	// NVML calls them.
	Products []string `json:"products,omitempty"`
	// Uses is the memory that is really allocated on each GPU, slice or share; by default
	// what is asked for. It decides who runs out of memory.
	Uses Memory `json:"uses,omitempty"`
	// Grows is memory that is allocated while the pod runs; nothing grows without.
	Grows *MemoryGrowth `json:"grows,omitempty"`
	// CPU and Memory are what a member takes of its node, by default the workload's.
	CPU    CPU    `json:"cpu,omitempty"`
	Memory Memory `json:"memory,omitempty"`
}

// Share is part of one GPU.
type Share struct {
	// Memory and Compute are what is taken of each, compute in thousandths of the GPU and
	// 0 to leave it open. Or else Part is the part of both, in thousandths.
	Memory  Memory `json:"memory,omitempty"`
	Compute int64  `json:"compute,omitempty"`
	Part    int64  `json:"part,omitempty"`
}

// maxWeight bounds weights, which are relative anyway.
const maxWeight = 1e9

func (r *Request) checkFields(path string) error {
	given := map[string]bool{"gpus": r.GPUs != 0, "mig": r.MIG != "", "share": r.Share != nil, "model": r.Model != nil, "cpuOnly": r.CPUOnly}
	problems := []error{
		oneOf(path, given, "gpus", "mig", "share", "model", "cpuOnly"),
		checkRange(path+".gpus", r.GPUs, 0, topology.MaxGPUs), checkRange(path+".bandwidth", r.Bandwidth, 0, 1_000_000),
		checkRange(path+".uses", int64(r.Uses), 0, maxMemory), checkRange(path+".cpu", int64(r.CPU), 0, maxCPU*1000),
		checkRange(path+".memory", int64(r.Memory), 0, maxMemory),
	}
	if math.IsNaN(r.Weight) || r.Weight < 0 || r.Weight > maxWeight {
		problems = append(problems, fieldErrorf(path+".weight", "%v, want above 0 and up to %g", r.Weight, float64(maxWeight)))
	}
	if r.Name != "" {
		problems = append(problems, checkName(path+".name", r.Name))
	}
	if r.Bandwidth > 0 && r.GPUs < 2 {
		problems = append(problems, fieldErrorf(path+".bandwidth", "goes with 2 or more gpus"))
	}
	if r.CPUOnly && (len(r.Products) > 0 || r.Uses > 0) {
		problems = append(problems, fieldErrorf(path+".cpuOnly", "does not go with products or uses"))
	}
	problems = append(problems, r.Grows.checkFields(path+".grows"))
	if r.Grows != nil && (r.CPUOnly || r.Uses > r.Grows.To) {
		problems = append(problems, fieldErrorf(path+".grows", "is of GPU memory, from uses up: want more than that"))
	}
	if r.Model != nil {
		problems = append(problems, r.Model.checkFields(path+".model"))
	}
	if r.Share != nil {
		problems = append(problems, r.Share.checkFields(path+".share"))
	}
	return errors.Join(problems...)
}

func (s *Share) checkFields(path string) error {
	problems := []error{
		checkRange(path+".memory", int64(s.Memory), 0, maxMemory),
		checkRange(path+".compute", s.Compute, 0, 1000),
		checkRange(path+".part", s.Part, 0, 1000),
	}
	switch {
	case s.Part > 0 && (s.Memory > 0 || s.Compute > 0):
		problems = append(problems, fieldErrorf(path+".part", "is of memory and compute both: leave them out"))
	case s.Part == 0 && s.Memory == 0:
		problems = append(problems, fieldErrorf(path+".memory", "is missing: how much, or which part"))
	}
	return errors.Join(problems...)
}

func (r *Request) weightOrOne() float64 {
	if r.Weight == 0 {
		return 1
	}
	return r.Weight
}

// titleText is what the log calls it.
func (r *Request) titleText() string {
	switch {
	case r.Name != "":
		return r.Name
	case r.GPUs == 1:
		return "1 GPU"
	case r.GPUs > 1:
		return fmt.Sprintf("%d GPUs", r.GPUs)
	case r.MIG != "":
		return "mig " + r.MIG
	case r.Share != nil && r.Share.Part > 0:
		return fmt.Sprintf("share %dm", r.Share.Part)
	case r.Share != nil && r.Share.Compute > 0:
		return fmt.Sprintf("share %s %dm", topology.Bytes(r.Share.Memory), r.Share.Compute)
	case r.Share != nil:
		return "share " + topology.Bytes(r.Share.Memory).String()
	case r.Model != nil:
		return r.Model.titleText()
	}
	return "CPU only"
}

// checkNames checks what names things of the catalogue.
func (r *Request) checkNames(path string, c *catalogue.Catalogue) error {
	var problems []error
	for i, product := range r.Products {
		if _, known := c.ModelByProduct(product); known {
			continue
		}
		if _, err := c.Model(product); err != nil {
			problems = append(problems, fieldErrorf(fmt.Sprintf("%s.products[%d]", path, i), "%v", err))
		}
	}
	if r.MIG != "" {
		known := slices.ContainsFunc(c.Tables(), func(key string) bool {
			table, err := c.MIG(key)
			return err == nil && slices.ContainsFunc(table.Profiles, func(p mig.Profile) bool { return p.Name == r.MIG })
		})
		if !known {
			problems = append(problems, fieldErrorf(path+".mig", "no GPU has profile %q: ashlar topology mig GPU lists them, like 1g.10gb", r.MIG))
		}
	}
	return errors.Join(problems...)
}

// acceptedDevices are the devices of one form on the products that are acceptable.
func (r *Request) acceptedDevices(inv *placement.Inventory, form placement.Form, enough topology.Bytes) placement.DeviceSet {
	want := placement.DeviceSelector{Forms: []placement.Form{form}, Memory: enough, Models: r.Products}
	return want.AcceptedDevices(inv)
}

// acceptsModel reports whether a GPU model is among the acceptable products.
func (r *Request) acceptsModel(gpu *topology.Model) bool {
	return len(r.Products) == 0 || slices.Contains(r.Products, gpu.Name) || slices.Contains(r.Products, gpu.Product)
}

// acceptedProfiles are the devices of the MIG profile on the products that are acceptable. The
// same profile has another number on another GPU.
func (r *Request) acceptedProfiles(inv *placement.Inventory, c *catalogue.Catalogue) (placement.DeviceSet, topology.Bytes) {
	acceptable := r.acceptedDevices(inv, placement.MIG, 0)
	memory := topology.Bytes(0)
	set := placement.NewDeviceSet(len(inv.Devices))
	for i := range inv.Devices {
		offer := &inv.Devices[i]
		if !acceptable.Has(i) {
			continue
		}
		table, err := c.MIG(inv.Node.GPUs[offer.GPU].Model.MIG)
		if err != nil {
			continue // the catalogue checks that the table is there
		}
		if profile, found := table.Profile(offer.Profile); found && strings.EqualFold(profile.Name, r.MIG) {
			set.Add(i)
			memory = max(memory, offer.Memory)
		}
	}
	return set, memory
}
