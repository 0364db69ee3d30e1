package forecast

import (
	"cmp"
	"slices"
)

// ClassDemand is which pods to expect: classes and how often they occur, in what was
// seen so far or in a trace.
type ClassDemand struct {
	// Classes come most frequent first, equally frequent ones largest first.
	Classes []WeightedClass
	// Pods is the sum of the counts.
	Pods int64
}

// WeightedClass is a class and how often it is expected.
type WeightedClass struct {
	PodClass
	// Count is how often it was seen.
	Count int64
	// Probability is that of the class among those it is listed with.
	Probability float64
}

// NewClassDemand counts the classes of pods.
func NewClassDemand(pods []PodClass) *ClassDemand {
	count := map[PodClass]int64{}
	for _, class := range pods {
		count[class]++
	}
	return demandFrom(count)
}

func demandFrom(count map[PodClass]int64) *ClassDemand {
	demand := &ClassDemand{}
	for _, n := range count {
		demand.Pods += n
	}
	for class, n := range count {
		demand.Classes = append(demand.Classes, WeightedClass{PodClass: class, Count: n, Probability: float64(n) / float64(demand.Pods)})
	}
	slices.SortFunc(demand.Classes, func(a, b WeightedClass) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), a.compareClass(b.PodClass))
	})
	return demand
}

// TypicalPercent is how much of the pods the typical classes of FGD cover: "we take
// those that cover 95 %" (Weng et al., USENIX ATC 2023, and its simulator).
const TypicalPercent = 95

// TypicalClasses is the most frequent classes that together cover at least the given part
// of the pods, with probabilities that add up to 1. It keeps a measure over classes
// cheap where a long tail hardly matters.
func (d *ClassDemand) TypicalClasses(percent int64) []WeightedClass {
	var covered int64
	end := 0
	for end < len(d.Classes) && covered*100 < percent*d.Pods {
		covered += d.Classes[end].Count
		end++
	}
	typical := slices.Clone(d.Classes[:end])
	total := float64(d.Pods)
	for i := range typical {
		// Two divisions, as FGD's authors do it: the last bit decides between equals.
		typical[i].Probability = float64(typical[i].Count) / total / (float64(covered) / total)
	}
	return typical
}

// mostPerGPU bounds cpuPerGPU, so that 16 GPUs' worth of it, in millionths, fits in an
// int64. It is a hundred million cores.
const mostPerGPU = 100 * MaxCPU

// cpuPerGPU is the milli-CPU that GPU pods ask for beside each GPU, 0 without any.
func (d *ClassDemand) cpuPerGPU() int64 {
	var cpu, gpu float64
	for _, class := range d.Classes {
		if class.GPUs > 0 {
			cpu += float64(class.Count) * float64(class.CPU)
			gpu += float64(class.Count) * float64(class.AllGPUs())
		}
	}
	if gpu == 0 {
		return 0
	}
	return int64(min(cpu/gpu*1000, mostPerGPU))
}
