package machines

import (
	"fmt"
	"io"
	"slices"

	"github.com/ashlar-dev/ashlar/cmd/ashlar/internal/cli"
	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/mig"
	"github.com/ashlar-dev/ashlar/topology/placement"
)

// gpuChoice is what topology choose prints: its JSON form is stable.
type gpuChoice struct {
	Machine string `json:"machine"`
	Policy  string `json:"policy"`
	Count   int    `json:"requestedGPUs"`
	Busy    []int  `json:"busyGPUs"`
	// Outcome is "fits", "refused" or "undecided".
	Outcome string `json:"outcome"`
	// Chosen is what the request gets, FirstFit what the first free GPUs would be;
	// absent if it is refused.
	Chosen   *gpuRing `json:"chosen,omitempty"`
	FirstFit *gpuRing `json:"firstFit,omitempty"`
	// Best is the best set on the empty machine; absent if it has too few GPUs.
	Best *gpuRing `json:"bestOnEmptyMachine,omitempty"`
	// Share is Chosen's bandwidth as percent of Best's, rounded down; absent for a
	// single GPU.
	Share   *int64         `json:"sharePercent,omitempty"`
	Reasons []choiceReason `json:"reasons,omitempty"`
	Changes []choiceChange `json:"changes,omitempty"`
}

type choiceReason struct {
	Code string `json:"code"`
	Text string `json:"text"`
	Want int64  `json:"want"`
	Have int64  `json:"have"`
}

type choiceChange struct {
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
func ringOf(inventory *placement.Inventory, verdict placement.Verdict) gpuRing {
	r := gpuRing{GPUs: []int{}}
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

// chooseGPUs places a request for count whole GPUs while busy ones are held.
func chooseGPUs(machine *topology.MachineType, count int, busy []int, policy placement.Policy) (*gpuChoice, error) {
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
	c := &gpuChoice{Machine: machine.Name, Policy: policy.Name(), Count: count, Busy: append([]int{}, busy...)}
	slices.Sort(c.Busy)
	c.Busy = slices.Compact(c.Busy)
	best := placement.Place(inventory, placement.NewGPUStates(inventory), request, placement.KeepPlaceable{})
	if best.Outcome == placement.Fits {
		r := ringOf(inventory, best)
		c.Best = &r
	}
	verdict := placement.Place(inventory, state.GPUs(), request, policy)
	c.Outcome = verdict.Outcome.String()
	if verdict.Outcome != placement.Fits {
		for _, r := range verdict.Reasons {
			c.Reasons = append(c.Reasons, choiceReason{Code: string(r.Code), Text: r.String(), Want: r.Want, Have: r.Have})
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
func changeOf(r placement.Suggestion, count int) choiceChange {
	c := choiceChange{Kind: string(r.Kind), Text: r.String(), Count: r.Count, GPUs: gpusOf(r.GPUs)}
	switch r.Kind {
	case placement.FewerGPUs:
		c.Text = cli.CountNoun(r.Count, "GPU")
	case placement.FreeGPUs:
		c.Text = fmt.Sprintf("%s, once these are free: %s", cli.CountNoun(count, "GPU"), cli.NumberRanges(c.GPUs))
	}
	return c
}

func gpusOf(set placement.GPUSet) []int {
	var gpus []int
	for i := range topology.MaxGPUs {
		if set.Has(i) {
			gpus = append(gpus, i)
		}
	}
	return gpus
}

// refusalLine says in one line that nothing was chosen.
func (c *gpuChoice) refusalLine() string {
	return fmt.Sprintf("%s: no choice of %s on %s", c.Outcome, cli.CountNoun(c.Count, "GPU"), c.Machine)
}

func (c *gpuChoice) writeText(w io.Writer) error {
	p := cli.NewPage(w)
	busy := "nothing busy"
	if len(c.Busy) > 0 {
		busy = "busy: GPUs " + cli.NumberRanges(c.Busy)
	}
	p.Printf("%s, %s, %s, policy %s\n\n", c.Machine, cli.CountNoun(c.Count, "GPU"), busy, c.Policy)
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
		p.PrintTable(rows)
		return p.Err()
	}
	share := ""
	if c.Share != nil {
		share = fmt.Sprintf("%d%% of the best", *c.Share)
	}
	rows := [][]string{
		{"", "GPUS", "RING", ""},
		{"chosen", cli.NumberRanges(c.Chosen.GPUs), bandwidthText(c.Chosen.Bandwidth), share},
		{"first fit", cli.NumberRanges(c.FirstFit.GPUs), bandwidthText(c.FirstFit.Bandwidth), ""},
	}
	if c.Best != nil {
		rows = append(rows, []string{"best when empty", cli.NumberRanges(c.Best.GPUs), bandwidthText(c.Best.Bandwidth), ""})
	}
	p.PrintTable(rows)
	return p.Err()
}
