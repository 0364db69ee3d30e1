package main

import (
	"fmt"
	"io"
	"slices"

	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/mig"
	"github.com/ashlar-dev/ashlar/topology/placement"
)

// choice is what topology choose prints: its JSON form is stable.
type choice struct {
	Machine string `json:"machine"`
	Policy  string `json:"policy"`
	Count   int    `json:"requestedGPUs"`
	Busy    []int  `json:"busyGPUs"`
	// Outcome is "fits", "refused" or "undecided".
	Outcome string `json:"outcome"`
	// Chosen is what the request gets, FirstFit what the first free GPUs would be;
	// absent if it is refused.
	Chosen   *ring `json:"chosen,omitempty"`
	FirstFit *ring `json:"firstFit,omitempty"`
	// Best is the best set on the empty machine; absent if it has too few GPUs.
	Best *ring `json:"bestOnEmptyMachine,omitempty"`
	// Share is Chosen's bandwidth as percent of Best's, rounded down; absent for a
	// single GPU.
	Share   *int64   `json:"sharePercent,omitempty"`
	Reasons []reason `json:"reasons,omitempty"`
	Changes []change `json:"changes,omitempty"`
}

type reason struct {
	Code string `json:"code"`
	Text string `json:"text"`
	Want int64  `json:"want"`
	Have int64  `json:"have"`
}

type change struct {
	Kind string `json:"kind"`
	Text string `json:"text"`
	// Count is the number of GPUs that would fit, GPUs those to free.
	Count int   `json:"gpusThatFit,omitempty"`
	GPUs  []int `json:"gpusToFree,omitempty"`
}

// wholeInventory is an inventory of the node's whole GPUs.
func wholeInventory(node *topology.Node) (*placement.Inventory, error) {
	offers := placement.NodeDevices(node, make([]*mig.Table, len(node.GPUs)))
	return placement.NewInventory(node, offers, placement.PriorDemand())
}

// wholeGPUs asks for count whole GPUs.
func wholeGPUs(inventory *placement.Inventory, count int) *placement.Request {
	accepts := inventory.SelectDevices(func(offer *placement.Device) bool { return offer.Form == placement.Whole })
	return &placement.Request{Parts: []placement.Part{{Name: "gpus", Count: count, Accepts: accepts}}}
}

// ringOf is what a verdict grants.
func ringOf(inventory *placement.Inventory, verdict placement.Verdict) ring {
	r := ring{GPUs: []int{}}
	var set placement.GPUSet
	for _, grant := range verdict.Devices {
		gpu := inventory.Devices[grant.Device].GPU
		r.GPUs = append(r.GPUs, gpu)
		set |= 1 << gpu
	}
	slices.Sort(r.GPUs)
	r.Bandwidth = inventory.RingBandwidth(set)
	return r
}

// choose places a request for count whole GPUs while busy ones are held.
func choose(machine *topology.MachineType, count int, busy []int, policy placement.Policy) (*choice, error) {
	inventory, err := wholeInventory(machine.Node)
	if err != nil {
		return nil, fmt.Errorf("machine %s: %w", machine.Name, err)
	}
	request := wholeGPUs(inventory, count)
	state := placement.NewNodeState(inventory)
	for i, offer := range inventory.Devices {
		if offer.Form == placement.Whole && slices.Contains(busy, offer.GPU) {
			state.RecordAllocation(placement.Allocation{Holder: "busy", Pinned: true, Devices: []placement.DeviceAllocation{{Device: i}}})
		}
	}
	c := &choice{Machine: machine.Name, Policy: policy.Name(), Count: count, Busy: append([]int{}, busy...)}
	slices.Sort(c.Busy)
	c.Busy = slices.Compact(c.Busy)
	if best := placement.Place(inventory, placement.NewGPUStates(inventory), request, placement.KeepPlaceable{}); best.Outcome == placement.Fits {
		r := ringOf(inventory, best)
		c.Best = &r
	}
	verdict := placement.Place(inventory, state.GPUs(), request, policy)
	c.Outcome = verdict.Outcome.String()
	if verdict.Outcome != placement.Fits {
		for _, r := range verdict.Reasons {
			c.Reasons = append(c.Reasons, reason{Code: string(r.Code), Text: r.String(), Want: r.Want, Have: r.Have})
		}
		for _, r := range placement.SuggestChanges(&state, request, policy) {
			c.Changes = append(c.Changes, changeOf(r, count))
		}
		return c, nil
	}
	chosen := ringOf(inventory, verdict)
	first := ringOf(inventory, placement.Place(inventory, state.GPUs(), request, placement.FirstFit{}))
	c.Chosen, c.FirstFit = &chosen, &first
	if c.Best != nil && c.Best.Bandwidth > 0 {
		share := chosen.Bandwidth * 100 / c.Best.Bandwidth
		c.Share = &share
	}
	return c, nil
}

// changeOf words a change for someone who looks at one machine.
func changeOf(r placement.Suggestion, count int) change {
	c := change{Kind: string(r.Kind), Text: r.String(), Count: r.Count, GPUs: members(r.GPUs)}
	switch r.Kind {
	case placement.FewerGPUs:
		c.Text = plural(r.Count, "GPU")
	case placement.FreeGPUs:
		c.Text = fmt.Sprintf("%s, once these are free: %s", plural(count, "GPU"), ranges(c.GPUs))
	}
	return c
}

func plural(count int, noun string) string {
	if count == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", count, noun)
}

func members(set placement.GPUSet) []int {
	var gpus []int
	for i := range topology.MaxGPUs {
		if set.Has(i) {
			gpus = append(gpus, i)
		}
	}
	return gpus
}

// summary says in one line that nothing was chosen.
func (c *choice) summary() string {
	return fmt.Sprintf("%s: no choice of %s on %s", c.Outcome, plural(c.Count, "GPU"), c.Machine)
}

func (c *choice) writeText(w io.Writer) error {
	p := &page{w: w}
	busy := "nothing busy"
	if len(c.Busy) > 0 {
		busy = "busy: GPUs " + ranges(c.Busy)
	}
	p.printf("%s, %s, %s, policy %s\n\n", c.Machine, plural(c.Count, "GPU"), busy, c.Policy)
	if c.Chosen == nil {
		rows := [][]string{{c.Outcome, ""}}
		for _, r := range c.Reasons {
			rows = append(rows, []string{"  because", fmt.Sprintf("%s (%d are)", r.Text, r.Have)})
		}
		for _, r := range c.Changes {
			rows = append(rows, []string{"  would fit", r.Text})
		}
		if len(c.Changes) == 0 {
			rows = append(rows, []string{"  would fit", "nothing: this machine can never serve it"})
		}
		p.table(rows)
		return p.err
	}
	share := ""
	if c.Share != nil {
		share = fmt.Sprintf("%d%% of the best", *c.Share)
	}
	rows := [][]string{
		{"", "GPUS", "RING", ""},
		{"chosen", ranges(c.Chosen.GPUs), gigabytes(c.Chosen.Bandwidth), share},
		{"first fit", ranges(c.FirstFit.GPUs), gigabytes(c.FirstFit.Bandwidth), ""},
	}
	if c.Best != nil {
		rows = append(rows, []string{"best when empty", ranges(c.Best.GPUs), gigabytes(c.Best.Bandwidth), ""})
	}
	p.table(rows)
	return p.err
}
