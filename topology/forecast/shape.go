package forecast

import "github.com/ashlar-dev/ashlar/topology"

// DemandShape is how much of GPUs a pod takes, roughly: what a forecast and the pods that
// came are compared by. Classes tell apart too much for that.
type DemandShape int

// The shapes, the smallest first. MIG instances are shares here.
const (
	QuarterShare DemandShape = iota // up to a quarter of a GPU
	HalfShare                       // more, up to half of one
	LargeShare                      // more, but not all of one
	OneGPU
	FewGPUs  // two to four
	ManyGPUs // five to eight
	MoreGPUs
	shapeCount
)

// String is the shape as a label of a metric.
func (s DemandShape) String() string {
	return [shapeCount]string{"quarter", "half", "part", "one", "2-4", "5-8", "more"}[s]
}

// shapeOf is the shape of a class with GPUs.
func shapeOf(c PodClass) DemandShape {
	switch {
	case c.GPUs > 8:
		return MoreGPUs
	case c.GPUs > 4:
		return ManyGPUs
	case c.GPUs > 1:
		return FewGPUs
	case c.PerGPU == topology.WholeGPU:
		return OneGPU
	case c.PerGPU*2 > topology.WholeGPU:
		return LargeShare
	case c.PerGPU*4 > topology.WholeGPU:
		return HalfShare
	}
	return QuarterShare
}

// ShapeShares is the part of pods, 0 to 1, that are of each shape.
type ShapeShares [shapeCount]float64

// shapeShares are those of a demand.
func (d *ClassDemand) shapeShares() (shares ShapeShares) {
	for _, class := range d.Classes {
		if class.GPUs > 0 {
			shares[shapeOf(class.PodClass)] += float64(class.Count)
		}
	}
	return shares.toParts()
}

// toParts has numbers of pods add up to 1, unless there are none.
func (s ShapeShares) toParts() ShapeShares {
	total := 0.0
	for _, count := range s {
		total += count
	}
	for i := range s {
		if total > 0 {
			s[i] /= total
		}
	}
	return s
}
