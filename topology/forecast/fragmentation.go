package forecast

import (
	"slices"

	"github.com/ashlar-dev/ashlar/topology"
)

// Fragmentation measures how much of a node's idle GPUs the next pod is expected not
// to be able to use, in thousandths of a GPU. Source: Weng et al., "Beware of
// Fragmentation", USENIX ATC 2023, section 4; the sums are in the order of its
// simulator, whose results this reproduces to the last bit.
//
// A class that does not fit on a node, or takes no GPU, leaves all of the idle GPUs
// unused; one that fits leaves those unused that have too little left for it.
type Fragmentation struct {
	classes []classNeeds
	// sizes are the distinct amounts per GPU that classes ask for, ascending; below[x]
	// is how many of them are at most x.
	sizes []topology.MilliGPU
	below [topology.WholeGPU + 1]int16
	// Of one node: enough[i] is how many GPUs have the i smallest sizes left, short[i]
	// what those have left together that have less than sizes[i].
	enough, short []int64
}

// classNeeds is a class as Fragmentation looks at it.
type classNeeds struct {
	cpu, gpus int64
	// size is the index of what it takes per GPU among the sizes.
	size        int
	models      modelSet
	probability float64
}

// NewFragmentation prepares the measure for a cluster and the pods to expect there.
func NewFragmentation(c *ClusterAmounts, expected []WeightedClass) *Fragmentation {
	f := &Fragmentation{}
	for _, class := range expected {
		if class.GPUs > 0 {
			f.sizes = append(f.sizes, class.PerGPU)
		}
	}
	slices.Sort(f.sizes)
	f.sizes = slices.Compact(f.sizes)
	for left := range f.below {
		for _, size := range f.sizes {
			if size <= topology.MilliGPU(left) {
				f.below[left]++
			}
		}
	}
	for _, class := range expected {
		size, _ := slices.BinarySearch(f.sizes, class.PerGPU)
		f.classes = append(f.classes, classNeeds{
			class.CPU, class.GPUs, size, c.models.acceptedModels(class.Models), class.Probability,
		})
	}
	f.enough, f.short = make([]int64, len(f.sizes)+1), make([]int64, len(f.sizes)+1)
	return f
}

// FragmentOf is the fragment of a node as it is.
func (f *Fragmentation) FragmentOf(n *NodeAmounts) float64 {
	return f.fragmentOf(n.model, n.CPU, n.GPUs())
}

// fragmentOf is the fragment of a node of the model with that much CPU and GPU left.
func (f *Fragmentation) fragmentOf(model int, cpu int64, gpus []topology.MilliGPU) float64 {
	idle := f.countGPUs(gpus)
	if idle == 0 {
		return 0
	}
	all := float64(idle)
	// Seven cases, summed one by one: lackGPU holds what classes that fit leave, too.
	// The conversions keep compilers from fusing a product with its sum.
	var lackBoth, lackGPU, lackCPU, cpuOnly, cpuOnlyLack, noAccess float64
	for i := range f.classes {
		class := &f.classes[i]
		enoughCPU := cpu >= class.cpu
		if class.gpus == 0 {
			if enoughCPU {
				cpuOnly += float64(class.probability * all)
			} else {
				cpuOnlyLack += float64(class.probability * all)
			}
			continue
		}
		if !class.models.hasModel(model) {
			noAccess += float64(class.probability * all)
			continue
		}
		switch enoughGPU := f.enough[class.size+1] >= class.gpus; {
		case enoughGPU && enoughCPU:
			lackGPU += float64(class.probability * float64(f.short[class.size]))
		case enoughGPU:
			lackCPU += float64(class.probability * all)
		case enoughCPU:
			lackGPU += float64(class.probability * all)
		default:
			lackBoth += float64(class.probability * all)
		}
	}
	return lackBoth + lackGPU + lackCPU + cpuOnly + cpuOnlyLack + noAccess
}

// countGPUs fills enough and short, and returns what is left of all GPUs.
func (f *Fragmentation) countGPUs(gpus []topology.MilliGPU) int64 {
	clear(f.enough)
	clear(f.short)
	var idle int64
	for _, left := range gpus {
		i := f.below[left]
		f.enough[i]++
		f.short[i] += int64(left)
		idle += int64(left)
	}
	for i := range f.sizes {
		f.short[i+1] += f.short[i]
	}
	for i := len(f.sizes); i > 0; i-- {
		f.enough[i-1] += f.enough[i]
	}
	return idle
}
