package launch

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ashlar-dev/ashlar/topology/memory"
)

// severalNodes are flags of servers that span Nodes.
var severalNodes = []string{"--headless", "--data-parallel-rank", "--data-parallel-start-rank", "--data-parallel-hybrid-lb", "--data-parallel-external-lb"}

// inGroup reports whether the container's pod is one of a LeaderWorkerSet's group,
// over whose GPUs a server may be spread.
func (c Container) inGroup() bool {
	return slices.ContainsFunc(c.Env, func(v Variable) bool { return strings.HasPrefix(v.Name, "LWS_") })
}

// contradict compares the GPUs that the container asks for with those that the
// server spans.
func (a *application) contradict(gpus int64) {
	if gpus <= 0 || a.Launch.Engine == memory.Plain || a.Launch.Engine == "" {
		return
	}
	for _, field := range []string{"TensorParallel", "PipelineParallel", "DataParallel"} {
		if !a.Settled(field) {
			return
		}
	}
	for _, flag := range severalNodes {
		if _, found := a.given[flag]; found {
			return
		}
	}
	if nodes, found := a.given["--nnodes"]; found && nodes.text != "1" {
		return
	}
	if executor := a.given["--distributed-executor-backend"].text; executor == "ray" || a.given["--data-parallel-backend"].text == "ray" {
		return
	}
	l := a.Launch
	data := max(l.DataParallel, 1)
	if local, found := a.given["--data-parallel-size-local"]; found {
		n, err := whole(local.text)
		if err != nil || n < 1 || n > maxDegree {
			return
		}
		data = n
	}
	spans := max(l.TensorParallel, 1) * max(l.PipelineParallel, 1) * data * max(a.prefillContext(), 1)
	switch {
	case spans > gpus:
		a.Contradictions = append(a.Contradictions, fmt.Sprintf("%s spans %d GPUs (tensor parallel %d, pipeline parallel %d, data parallel %d), the container asks for %d: ask for %d",
			a.Server, spans, max(l.TensorParallel, 1), max(l.PipelineParallel, 1), data, gpus, spans))
	case spans < gpus:
		a.Contradictions = append(a.Contradictions, fmt.Sprintf("the container asks for %d GPUs, of which %s uses %d: ask for %d, or raise tensor parallel", gpus, a.Server, spans, spans))
	}
}

// prefillContext is vLLM's degree of context parallel that takes GPUs of its own.
func (a *application) prefillContext() int64 {
	g, found := a.given["--prefill-context-parallel-size"]
	if !found {
		return 1
	}
	n, err := whole(g.text)
	if err != nil {
		return 1
	}
	return n
}
