package plan

import (
	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/memory"
	"github.com/ashlar-dev/ashlar/topology/memory/model"
)

// Share is a part of a GPU's memory with which a server holds what is asked of it, its
// margin included.
type Share struct {
	// Memory is what to ask for, rounded up by topology.RoundShare.
	Memory topology.Bytes
	// Utilisation is the share of the GPU that the engine must be told to take, 0 if it
	// need not be told.
	Utilisation float64
	Estimate    memory.Estimate
}

// mostPercent is the largest share of a GPU that is worth sharing: what is nearly the
// whole GPU may as well be had whole.
const mostPercent = 90

// ShareFor is the smallest share of a whole GPU with which the server holds the demand if it is
// told to keep to that. ok is false if there is none: several GPUs are needed, the engine
// cannot be kept to a part, or it would be nearly all of the GPU. What the launch states
// about the engine's memory is kept to.
func ShareFor(m *model.Model, l memory.Launch, d memory.Demand, gpu *topology.Model) (share Share, ok bool) {
	if l.TensorParallel > 1 || l.PipelineParallel > 1 || !CanShare(l.Engine) {
		return Share{}, false
	}
	pinned := l.Utilisation > 0 || l.KVMemory > 0
	l.TensorParallel = 1
	whole := memory.WholeGPU(gpu)
	for percent := int64(1); percent <= mostPercent; percent++ {
		if !pinned {
			l.Utilisation = float64(percent) / 100
		}
		server, err := memory.NewServer(m, l)
		if err != nil {
			return Share{}, false
		}
		if e := server.On(whole, d); e.Holds() && !isClose(&e) {
			share = shareOf(&e)
			if share.Utilisation > 0 {
				// The engine takes its part of what the driver leaves it, which differs by
				// driver: the share is enough even if that is all of the GPU.
				most := server.On(memory.GPU{Name: whole.Name, Total: gpu.Memory, Compute: whole.Compute}, d)
				share.Memory = max(share.Memory, topology.RoundShare(most.Claims()))
			}
			return share, share.Memory <= gpu.Usable()*mostPercent/100
		}
		if pinned || l.Engine.LoadsOnly() {
			break // more would be the same
		}
	}
	return Share{}, false
}

// CanShare reports whether an engine keeps to a part of a GPU, whatever the others on
// it do. SGLang and TensorRT-LLM reckon with what is free when they start.
func CanShare(engine memory.Engine) bool {
	return engine == memory.VLLM || engine == memory.TGI || engine.LoadsOnly()
}

// shareOf is what a server with the given account takes of the GPU.
func shareOf(e *memory.Estimate) Share {
	share := Share{Memory: e.Claims(), Estimate: *e} // with graphs that the engine does not count
	if e.Utilisation < 1 {
		share.Utilisation = e.Utilisation
	} else {
		share.Memory = e.Need().Wanted
		if !e.GraphsInBudget {
			share.Memory += e.Graphs
		}
	}
	share.Memory = topology.RoundShare(share.Memory)
	return share
}
