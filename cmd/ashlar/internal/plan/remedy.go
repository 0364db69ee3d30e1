package plan

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/ashlar-dev/ashlar/cmd/ashlar/internal/cli"
	"github.com/ashlar-dev/ashlar/topology/memory/launch"
	memoryplan "github.com/ashlar-dev/ashlar/topology/memory/plan"
)

// remedyReport is a change with which a server fits, in -o json and yaml.
type remedyReport struct {
	Kind memoryplan.RemedyKind `json:"kind"`
	// GPU is the model of GPU, Profile the MIG profile of a slice, GPUs how many all copies of the
	// server take together.
	GPU              string `json:"gpu"`
	Profile          string `json:"profile,omitempty"`
	GPUs             int64  `json:"gpus"`
	TensorParallel   int64  `json:"tensorParallel"`
	PipelineParallel int64  `json:"pipelineParallel,omitempty"`
	DataParallel     int64  `json:"dataParallel,omitempty"`
	// Scheme is the quantisation to state, Model the copy to serve instead.
	Scheme      string `json:"scheme,omitempty"`
	Model       string `json:"model,omitempty"`
	MaxModelLen int64  `json:"maxModelLen,omitempty"`
	// Requests is how many fit at once.
	Requests int64 `json:"requests,omitempty"`
	// Flags are the engine's, and Without those that are to be left out.
	Flags   []string `json:"flags,omitempty"`
	Without []string `json:"without,omitempty"`
	// Cost says in a phrase what is lost by it, MicroDollars what it costs in an hour, nil if unknown.
	Cost         string `json:"cost"`
	MicroDollars *int64 `json:"microDollarsPerHour,omitempty"`
	// Bytes are for each GPU.
	WeightBytes int64 `json:"weightBytes"`
	KVBytes     int64 `json:"kvBytes"`
}

func (a *serverAnswer) newRemedyReports(remedies []memoryplan.FitRemedy) []remedyReport {
	var reports []remedyReport
	for _, r := range remedies {
		e := &r.Option.Estimate
		report := remedyReport{
			Kind: r.Kind, GPU: r.Option.Offer.Model, Profile: r.Option.Offer.Profile, GPUs: r.Option.GPUs, TensorParallel: r.Option.TensorParallel,
			PipelineParallel: r.PipelineParallel, Scheme: r.Scheme, MaxModelLen: r.MaxModelLen, Requests: r.Requests, Cost: r.Cost,
			WeightBytes: int64(e.WeightBytes()), KVBytes: int64(e.KV),
		}
		if r.Kind == memoryplan.DataParallelRemedy {
			report.DataParallel = r.Launch.DataParallel
		}
		if r.Copy != nil {
			report.Model = r.Copy.Name
		}
		if r.Option.Cost != nil {
			cost := int64(*r.Option.Cost)
			report.MicroDollars = &cost
		}
		for _, change := range r.ListChanges(&a.Request.Launch) {
			name, known := launch.ArgumentName(a.Request.Launch.Engine, change.Field)
			flag := strings.TrimSuffix(name+"="+change.Value, "=")
			switch {
			case !known:
			case change.Dropped:
				report.Without = append(report.Without, flag)
			default:
				report.Flags = append(report.Flags, flag)
			}
		}
		reports = append(reports, report)
	}
	return reports
}

// writeRemedies says with which changes the server fits the GPU.
func (a *serverAnswer) writeRemedies(p *cli.Page, o *memoryplan.Option) {
	if remedies := a.remedies[o]; len(remedies) > 0 {
		p.Printf("  ways out, each enough by itself:\n")
		a.writeRemedyTable(p, remedies)
	}
}

// writeCheapest says with which changes the server fits some GPU, where it fits none.
func (a *serverAnswer) writeCheapest(p *cli.Page) {
	if len(a.cheapest) > 0 {
		p.Printf("\nways out, each enough by itself, on the cheapest GPUs for it:\n")
		a.writeRemedyTable(p, a.cheapest)
	}
}

var remedyColumns = []string{"    ON", "WEIGHTS", "KV CACHE", "$/HOUR", "CHANGE: WHAT IT COSTS"}

// remedyWidth is how wide the last column of remedies is.
const remedyWidth = 64

// writeRemedyTable lists remedies; weights and KV cache are those of each GPU.
func (a *serverAnswer) writeRemedyTable(p *cli.Page, remedies []memoryplan.FitRemedy) {
	rows := [][]string{remedyColumns}
	for i := range remedies {
		r := &remedies[i]
		e, cost, kv := &r.Option.Estimate, cli.Unknown, cli.Unknown
		if r.Option.Cost != nil {
			cost = r.Option.Cost.String()
		}
		if e.KV > 0 && !a.Request.Launch.Engine.LoadsOnly() {
			kv = e.KV.String()
		}
		lines := cli.WrapText(a.changeText(r)+": "+r.Cost, remedyWidth)
		rows = append(rows, []string{"    " + r.Option.Title(), e.WeightBytes().String(), kv, cost, lines[0]})
		for _, line := range lines[1:] {
			rows = append(rows, []string{"", "", "", "", "  " + line})
		}
	}
	p.PrintTable(rows)
}

// changeText is what to change, as it is typed.
func (a *serverAnswer) changeText(r *memoryplan.FitRemedy) string {
	var words, without []string
	if r.Copy != nil {
		words = append(words, "model "+r.Copy.Name)
	}
	for _, change := range r.ListChanges(&a.Request.Launch) {
		text := strings.TrimSpace(a.flagName(change.Field) + " " + change.Value)
		switch {
		case change.Dropped:
			without = append(without, text)
		case change.Field == launch.FieldDataParallel:
			words = append(words, a.copiesText(r))
		case r.MaxModelLen > 0 && change.Field == launch.FieldMaxModelLen:
			words = append(words, text+" or less")
		default:
			words = append(words, text)
		}
	}
	if r.Requests == 1 {
		words = append(words, "one request at once")
	} else if r.Requests > 1 {
		words = append(words, fmt.Sprintf("%d requests at once", r.Requests))
	}
	if a.question.where != "" && r.Option.GPUs > a.Request.Launch.GPUCount() && r.Kind != memoryplan.DataParallelRemedy {
		words = append(words, fmt.Sprintf("%d GPUs asked for", r.Option.GPUs))
	}
	if len(without) > 0 {
		words = append([]string{"without " + strings.Join(without, " ")}, words...)
	}
	return strings.Join(words, " and ")
}

// copiesText is how several copies of a server are asked for.
func (a *serverAnswer) copiesText(r *memoryplan.FitRemedy) string {
	replicas := fmt.Sprintf("%d replicas", r.Launch.DataParallel)
	if _, known := launch.ArgumentName(a.Request.Launch.Engine, launch.FieldDataParallel); !known {
		return replicas
	}
	return fmt.Sprintf("%s %d, or %s", a.flagName(launch.FieldDataParallel), r.Launch.DataParallel, replicas)
}

// flagName is the flag that states a field: plan's own for a model that its arguments
// name, if it has one, and the engine's for a pod.
func (a *serverAnswer) flagName(field launch.Field) string {
	own := flagOf(field.String())
	name, known := launch.ArgumentName(a.Request.Launch.Engine, field)
	if a.question.where == "" || !known {
		return cmp.Or(own, name)
	}
	return name
}
