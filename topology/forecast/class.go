package forecast

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/ashlar-dev/ashlar/topology"
)

// AnyModel separates nothing and stands for every GPU model.
const AnyModel = ""

// ModelSeparator stands between the names of the models that a class accepts.
const ModelSeparator = "|"

// MaxCPU bounds the CPU of a class and of a node, in milli-CPU: a million cores. Sums
// over a million nodes still fit in an int64.
const MaxCPU = 1_000_000_000

// PodClass is what the forecast knows of a pod. Pods of one class are alike to it.
type PodClass struct {
	// CPU is in milli-CPU.
	CPU int64
	// GPUs is how many GPUs the pod takes, 0 for none.
	GPUs int64
	// PerGPU is what it takes of each: all of it, or less of exactly one GPU.
	PerGPU topology.MilliGPU
	// Models names the GPU models it accepts, with "|" between them, in the order in
	// which it asked for them; AnyModel accepts all.
	Models string
}

// Validate refuses what no pod can ask for.
func (c PodClass) Validate() error {
	switch {
	case c.CPU < 0 || c.CPU > MaxCPU:
		return fmt.Errorf("CPU: %d milli, want 0 to %d", c.CPU, int64(MaxCPU))
	case c.GPUs < 0 || c.GPUs > topology.MaxGPUs:
		return fmt.Errorf("GPUs: %d, want 0 to %d", c.GPUs, topology.MaxGPUs)
	case c.GPUs == 0 && (c.PerGPU != 0 || c.Models != AnyModel):
		return fmt.Errorf("GPUs: none, but %d thousandths of models %q: leave these empty", c.PerGPU, c.Models)
	case c.GPUs > 0 && (c.PerGPU < 1 || c.PerGPU > topology.WholeGPU):
		return fmt.Errorf("GPU share: %d thousandths, want 1 to %d", c.PerGPU, topology.WholeGPU)
	case c.GPUs > 1 && c.PerGPU < topology.WholeGPU:
		return fmt.Errorf("GPU share: %d thousandths of each of %d GPUs: only pods with one GPU may share it", c.PerGPU, c.GPUs)
	}
	return nil
}

// SharesGPU reports whether pods of the class take a part of one GPU.
func (c PodClass) SharesGPU() bool { return c.GPUs == 1 && c.PerGPU < topology.WholeGPU }

// AllGPUs is what the class takes of all its GPUs together.
func (c PodClass) AllGPUs() topology.MilliGPU { return topology.MilliGPU(c.GPUs) * c.PerGPU }

// compareClass orders classes, the larger first.
func (c PodClass) compareClass(other PodClass) int {
	return cmp.Or(
		cmp.Compare(other.CPU, c.CPU), cmp.Compare(other.PerGPU, c.PerGPU),
		cmp.Compare(other.GPUs, c.GPUs), strings.Compare(other.Models, c.Models),
	)
}
