package plan

import (
	"fmt"
	"strings"

	"github.com/ashlar-dev/ashlar/cmd/ashlar/internal/cli"
	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/memory"
	"github.com/ashlar-dev/ashlar/topology/memory/model"
	memoryplan "github.com/ashlar-dev/ashlar/topology/memory/plan"
)

// writeBreakdowns accounts for each GPU line by line.
func (a *serverAnswer) writeBreakdowns(p *cli.Page) {
	for _, o := range a.Options {
		if o.Form == memoryplan.ShareForm {
			continue
		}
		if a.Refusal != "" {
			p.Printf("\n%s: does not start\n", o.Title())
			a.writeRemedies(p, o)
			continue
		}
		p.Printf("\n%s: %s\n", o.Title(), fitAnswer(o))
		if o.Err == nil {
			a.writeLines(p, o)
		}
		if o.Err != nil || o.Estimate.UnsupportedReason() == "" { // else it is said above
			p.Printf("  %s\n", explainOption(o))
		}
		a.writeRemedies(p, o)
		a.writeBeside(p, o)
	}
}

// fitAnswer is yes or no, with how sure that is.
func fitAnswer(o *memoryplan.Option) string {
	switch {
	case o.Fits && o.Close:
		return "fits, but within the margin of this estimate"
	case o.Fits && o.StateFloat16:
		return "fits with --dtype float16, as the GPU has no bfloat16"
	case o.Fits && o.AsFloat16:
		return "fits, in float16: the GPU has no bfloat16, and the engine converts the model by itself"
	case o.Fits:
		return "fits"
	case o.Close:
		return "does not fit, but within the margin of this estimate: " + o.Reason
	}
	return "does not fit: " + o.Reason
}

// writeLines prints what takes a GPU's memory, as shares of its total.
func (a *serverAnswer) writeLines(p *cli.Page, o *memoryplan.Option) {
	e := &o.Estimate
	total := e.GPU.Total
	rows := [][]string{}
	line := func(name string, bytes topology.Bytes, remark string) {
		share := float64(bytes) / float64(total)
		rows = append(rows, []string{"  " + name, bytes.String(), fmt.Sprintf("%.1f%%", 100*share), shareBar(share), remark})
	}
	each := ""
	if o.GPUs > 1 {
		each = fmt.Sprintf(", each of %d", o.GPUs)
	}
	rows = append(rows, []string{"  memory" + each, total.String(), "", "", ""})
	line("weights", e.WeightBytes(), weightParts(e))
	step := fmt.Sprintf("a step of %d tokens, %d requests", e.MaxBatchedTokens, e.MaxSequences)
	switch {
	case a.Request.Model.Kind == model.VisionKind:
		step = fmt.Sprintf("a batch of %d pictures", e.MaxSequences)
	case e.Tried != "":
		step += "; " + e.Tried
	}
	line("activations", e.Activations, step)
	graphs := "counted by the engine"
	if !e.GraphsInBudget {
		graphs = "beside what the engine counts"
	}
	if e.Graphs > 0 {
		line("CUDA graphs", e.Graphs, graphs)
	}
	line("libraries", e.Other, "")
	kv := "nothing is left"
	if e.KV > 0 {
		kv = fmt.Sprintf("%s are wanted, %s per token", e.Wanted, e.KVPerToken)
	}
	if a.Request.Launch.Engine.LoadsOnly() {
		line("left", e.KV, "")
	} else {
		line("KV cache", e.KV, kv)
	}
	if rest := total - e.Budget; rest > 0 && a.Request.Launch.Engine != memory.SGLang {
		line("not the engine's", rest, fmt.Sprintf("the engine takes %.2f; the driver's context is in the rest", e.Utilisation))
	}
	p.PrintTable(rows)
	if e.Outcome() == memory.OutcomeStarts {
		if a.Request.Model.Kind == model.VisionKind {
			p.Printf("  pictures at once: %d\n", e.MaxSequences)
		} else {
			p.Printf("  longest request: %d tokens; at once, of %d tokens each: %d\n", e.LongestContext, a.Context, e.Concurrency)
		}
		p.Printf("  margin: %s (%s)\n", e.Margin, e.Compared)
	}
}

// weightParts says what the weights are.
func weightParts(e *memory.Estimate) string {
	var words []string
	for part, bytes := range e.Weights {
		if bytes > e.WeightBytes()/100 {
			words = append(words, fmt.Sprintf("%s %s", model.Part(part), bytes))
		}
	}
	return strings.Join(words, ", ")
}

const barWidth = 20

// shareBar draws a share of the whole.
func shareBar(share float64) string {
	n := int(share*barWidth + 0.5)
	return strings.Repeat("#", max(0, min(barWidth, n)))
}

// writeBeside says what else the GPU offers: a share, or fewer of them.
func (a *serverAnswer) writeBeside(p *cli.Page, o *memoryplan.Option) {
	if o.FewerGPUs > 0 && (o.Fits || o.FewerGPUs > o.GPUs) { // else it is a remedy
		p.Printf("  with --max-model-len %d or less, %d x %s are enough\n", o.FewerMaxModelLen, o.FewerGPUs, o.Offer.Model)
	}
	if o.Form != memoryplan.WholeForm {
		return
	}
	for _, other := range a.Options {
		if other.Form != memoryplan.ShareForm || other.Offer.Model != o.Offer.Model || !other.Fits {
			continue
		}
		p.Printf("  a share of %s is enough", other.Share.Memory.ExactText())
		if other.Share.Utilisation > 0 {
			p.Printf(", with %s=%.2f", a.shareFlag(), other.Share.Utilisation)
		}
		p.Printf("\n")
	}
}
