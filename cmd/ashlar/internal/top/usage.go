package top

import (
	"strconv"

	"github.com/ashlar-dev/ashlar/cmd/ashlar/internal/cli"
	"github.com/ashlar-dev/ashlar/cmd/ashlar/internal/prometheus"
	"github.com/ashlar-dev/ashlar/plugins/clustermap"
)

// usedSum is what runs on GPUs beside what was promised of them.
type usedSum struct {
	// Measured are the GPUs of which DCGM exporter says something, Idle those of them that somebody holds and that did next to
	// nothing in the last ten minutes.
	Measured int `json:"measuredGPUs"`
	Idle     int `json:"idleGPUs"`
	// PromisedBytes is the memory that is held of the measured GPUs, UsedBytes what is in use of them.
	PromisedBytes int64 `json:"promisedBytes"`
	UsedBytes     int64 `json:"usedBytes"`
}

func (s *usedSum) add(gpu *clustermap.GPU, usage map[string]prometheus.GPUUse) {
	use, measured := usage[gpu.UUID]
	if !measured || gpu.UUID == "" {
		return
	}
	s.Measured++
	s.UsedBytes += use.UsedBytes
	if len(gpu.Holders) > 0 {
		s.PromisedBytes += gpu.Memory - gpu.FreeMemory
		if use.IsIdle() {
			s.Idle++
		}
	}
}

// addUsage puts what runs on the GPUs beside what they hold.
func (r *GPUReport) addUsage(usage map[string]prometheus.GPUUse) {
	r.Used = &usedSum{}
	r.UsedBy = map[string]usedSum{}
	for i := range r.Nodes {
		node, sum := &r.Nodes[i], usedSum{}
		for k := range node.GPUs {
			sum.add(&node.GPUs[k], usage)
			r.Used.add(&node.GPUs[k], usage)
		}
		r.UsedBy[node.Name] = sum
	}
}

// writeUsage writes the table of promised and used memory.
func (r *GPUReport) writeUsage(p *cli.Page, width int) {
	if r.Used == nil {
		return
	}
	rows := [][]string{{"NODE", "MEASURED", "IDLE THOUGH HELD", "PROMISED", "USED"}}
	add := func(name string, sum usedSum) {
		rows = append(rows, []string{cli.PlainText(name), strconv.Itoa(sum.Measured), strconv.Itoa(sum.Idle),
			sizeText(sum.PromisedBytes), sizeText(sum.UsedBytes)})
	}
	for i := range r.Nodes {
		if sum := r.UsedBy[r.Nodes[i].Name]; sum.Measured > 0 {
			add(r.Nodes[i].Name, sum)
		}
	}
	p.Printf("\n")
	if len(rows) == 1 {
		p.Printf("none of the GPUs that DCGM exporter measures is one of these: their UUIDs differ, or are not published\n")
		return
	}
	add("total", *r.Used)
	p.PrintTable(dropColumns(rows, width))
	if r.Used.Idle > 0 {
		p.Printf("\nheld, and next to nothing done on them in the last ten minutes: %s; ashlar top --pods says who holds them\n",
			cli.CountNoun(r.Used.Idle, "GPU"))
	}
}
