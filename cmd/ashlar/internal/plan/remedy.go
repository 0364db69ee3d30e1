package plan

import (
	"fmt"
	"strings"

	"github.com/ashlar-dev/ashlar/cmd/ashlar/internal/cli"
	"github.com/ashlar-dev/ashlar/topology/memory/launch"
	memoryplan "github.com/ashlar-dev/ashlar/topology/memory/plan"
)

// remedyReport is a change with which a server fits, in -o json and yaml.
type remedyReport struct {
	Kind             memoryplan.RemedyKind `json:"kind"`
	GPUs             int64                 `json:"gpus"`
	TensorParallel   int64                 `json:"tensorParallel"`
	PipelineParallel int64                 `json:"pipelineParallel,omitempty"`
	// Scheme is the quantisation to state, Model the copy to serve instead.
	Scheme      string `json:"scheme,omitempty"`
	Model       string `json:"model,omitempty"`
	MaxModelLen int64  `json:"maxModelLen,omitempty"`
	// Bytes are for each GPU.
	WeightBytes int64 `json:"weightBytes"`
	KVBytes     int64 `json:"kvBytes"`
}

func newRemedyReports(remedies []memoryplan.FitRemedy) []remedyReport {
	var reports []remedyReport
	for _, r := range remedies {
		e := &r.Option.Estimate
		report := remedyReport{
			Kind: r.Kind, GPUs: r.Option.GPUs, TensorParallel: r.Option.TensorParallel, PipelineParallel: r.PipelineParallel,
			Scheme: r.Scheme, MaxModelLen: r.MaxModelLen, WeightBytes: int64(e.WeightBytes()), KVBytes: int64(e.KV),
		}
		if r.Copy != nil {
			report.Model = r.Copy.Name
		}
		reports = append(reports, report)
	}
	return reports
}

// writeRemedies says with which changes the server fits the GPU.
func (a *serverAnswer) writeRemedies(p *cli.Page, o *memoryplan.Option) {
	for _, remedy := range a.remedies[o] {
		p.Printf("  %s\n", a.remedyText(&remedy))
	}
}

// remedyText says what to change, and what each GPU holds then.
func (a *serverAnswer) remedyText(r *memoryplan.FitRemedy) string {
	o, each := r.Option, ""
	verb := "is enough"
	if o.GPUs > 1 {
		verb, each = "are enough", " on each"
	}
	text := fmt.Sprintf("%s %s", o.Title(), verb)
	var with []string
	switch r.Kind {
	case memoryplan.TensorParallelRemedy:
		with = append(with, fmt.Sprintf("%s %d", a.flagName(launch.FieldTensorParallel, "--tp"), o.TensorParallel))
	case memoryplan.PipelineParallelRemedy:
		with = append(with, fmt.Sprintf("%s %d", a.flagName(launch.FieldPipelineParallel, "--pp"), r.PipelineParallel))
	case memoryplan.QuantisationRemedy:
		flag := a.flagName(launch.FieldQuantisation, "--quantization")
		with = append(with, fmt.Sprintf("%s %s, which quantises while loading,", flag, r.Scheme))
	case memoryplan.UnflaggedRemedy:
		name, _ := launch.ArgumentName(a.Request.Launch.Engine, r.Unflagged)
		text += fmt.Sprintf(" without %s %s", name, r.Stated)
	case memoryplan.CopyRemedy:
		text += fmt.Sprintf(" for %s (%s)", r.Copy.Name, r.Copy.Quantisation)
	}
	if asked := a.Request.Launch.TensorParallel; asked > 0 && o.TensorParallel > asked && r.Kind != memoryplan.TensorParallelRemedy {
		with = append(with, fmt.Sprintf("%s %d", a.flagName(launch.FieldTensorParallel, "--tp"), o.TensorParallel))
	}
	if a.question.where != "" && o.GPUs > a.Request.Launch.GPUCount() {
		with = append(with, fmt.Sprintf("%d GPUs asked for", o.GPUs))
	}
	if r.MaxModelLen > 0 {
		with = append(with, fmt.Sprintf("%s %d or less", a.flagName(launch.FieldMaxModelLen, "--max-model-len"), r.MaxModelLen))
	}
	if len(with) > 0 {
		text += ", with " + strings.TrimSuffix(strings.Join(with, " and "), ",")
	}
	e := &o.Estimate
	text += fmt.Sprintf(": %s of weights%s", e.WeightBytes(), each)
	if e.KV > 0 && !a.Request.Launch.Engine.LoadsOnly() {
		text += fmt.Sprintf(", %s left for the KV cache", e.KV)
	}
	return text
}

// flagName is the flag that states a field: plan's own for a model that its arguments
// name, the engine's for a pod.
func (a *serverAnswer) flagName(field launch.Field, own string) string {
	if a.question.where == "" {
		return own
	}
	if name, known := launch.ArgumentName(a.Request.Launch.Engine, field); known {
		return name
	}
	return own
}
