package plan

import (
	"fmt"

	"github.com/ashlar-dev/ashlar/cmd/ashlar/internal/cli"
)

// writeSummary says what is asked and what it takes.
func (a *serverAnswer) writeSummary(p *cli.Page) {
	if a.question.where != "" {
		p.Printf("%s\n", a.question.where)
	}
	m := a.Request.Model
	about := fmt.Sprintf("%s parameters, %s of weights", parameterCount(m.Parameters()), m.Loaded())
	if m.Quantisation != "" {
		about += " (" + m.Quantisation + ")"
	}
	if a.KVPerToken > 0 {
		about += fmt.Sprintf(", %s of KV cache per token", a.KVPerToken)
	}
	p.Printf("%s: %s\n", m.Name, about)
	p.Printf("asked: %s%s\n", a.DescribeRequest(), a.question.replicaText())
	if a.Refusal != "" {
		p.Printf("does not start: %s\n", a.Refusal)
	}
	if s := a.Smallest; s != nil {
		p.Printf("smallest that fits: %s, which %s\n", s.Title(), a.describeNeed())
	}
	for _, u := range a.question.unknown {
		p.Printf("%s: unknown, because %s\n", u.Field, u.Because)
	}
	for _, note := range a.notes {
		p.Printf("note: %s\n", note)
	}
	a.writeHostNotes(p)
}

// describeNeed is what the smallest option needs of each GPU.
func (a *serverAnswer) describeNeed() string {
	need, each := a.Smallest.Estimate.Need(), ""
	if a.Smallest.GPUs > 1 {
		each = " on each"
	}
	if need.Start == need.Wanted {
		return fmt.Sprintf("needs %s%s", need.Start, each)
	}
	return fmt.Sprintf("needs %s%s to start and %s for what is asked", need.Start, each, need.Wanted)
}

// parameterCount is a number of parameters as model names have it.
func parameterCount(n int64) string {
	if n >= 1e9 {
		return fmt.Sprintf("%.2fB", float64(n)/1e9)
	}
	return fmt.Sprintf("%.0fM", float64(n)/1e6)
}
