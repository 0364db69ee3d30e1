package launch

import (
	"fmt"
	"slices"
	"strings"
)

// multiNodeFlags are flags of servers that span Nodes.
var multiNodeFlags = []string{"--headless", "--data-parallel-rank", "--data-parallel-start-rank", "--data-parallel-hybrid-lb",
	"--data-parallel-external-lb"}

// inWorkerGroup reports whether the container's pod is one of a LeaderWorkerSet's group,
// over whose GPUs a server may be spread.
func (c Container) inWorkerGroup() bool {
	return slices.ContainsFunc(c.Env, func(v EnvVar) bool { return strings.HasPrefix(v.Name, "LWS_") })
}

// compareGPUs compares the GPUs that the container asks for with those that the
// server spans.
func (a *flagReader) compareGPUs(gpus int64) {
	if gpus <= 0 || a.reading.Launch.Engine.LoadsOnly() || a.reading.Launch.Engine == "" {
		return
	}
	for _, field := range []Field{FieldTensorParallel, FieldPipelineParallel, FieldDataParallel} {
		if !a.reading.IsKnown(field) {
			return
		}
	}
	for _, flag := range multiNodeFlags {
		if _, found := a.flags[flag]; found {
			return
		}
	}
	if nodes, found := a.flags["--nnodes"]; found && nodes.text != "1" {
		return
	}
	if executor := a.flags["--distributed-executor-backend"].text; executor == "ray" || a.flags["--data-parallel-backend"].text == "ray" {
		return
	}
	l := a.reading.Launch
	data := max(l.DataParallel, 1)
	if local, found := a.flags["--data-parallel-size-local"]; found {
		n, err := parseWhole(local.text)
		if err != nil || n < 1 || n > maxDegree {
			return
		}
		data = n
	}
	spans := max(l.TensorParallel, 1) * max(l.PipelineParallel, 1) * data * max(a.prefillContext(), 1)
	switch {
	case spans > gpus:
		a.reading.TooFewGPUs = fmt.Sprintf(
			"%s spans %d GPUs (tensor parallel %d, pipeline parallel %d, data parallel %d), the container asks for %d: ask for %d",
			a.reading.Server, spans, max(l.TensorParallel, 1), max(l.PipelineParallel, 1), data, gpus, spans)
		a.reading.Contradictions = append(a.reading.Contradictions, a.reading.TooFewGPUs)
	case spans < gpus:
		a.reading.Contradictions = append(a.reading.Contradictions,
			fmt.Sprintf("the container asks for %d GPUs, of which %s uses %d: ask for %d, or raise tensor parallel", gpus, a.reading.Server,
				spans, spans))
	}
}

// prefillContext is vLLM's degree of context parallel that takes GPUs of its own.
func (a *flagReader) prefillContext() int64 {
	g, found := a.flags["--prefill-context-parallel-size"]
	if !found {
		return 1
	}
	n, err := parseWhole(g.text)
	if err != nil {
		return 1
	}
	return n
}
