package scenario

import (
	"errors"
	"fmt"
	"math"

	"github.com/ashlar-dev/ashlar/simulator"
)

// SlowDown is how much longer work takes for jobs that share a GPU, or a MIG slice of one:
// either measured, or one's own points. Without it every job runs as if it were alone.
type SlowDown struct {
	// Measured is a published measurement: nos-yolos (1, 3, 5 and 7 pods that
	// constantly run a YOLOS-small detector on one GPU, which had MIG profile 1g.10gb, by
	// time-slicing and by MPS; source:
	// github.com/nebuly-ai/nos, demos/gpu-sharing-comparison/README.md).
	Measured string `json:"measured,omitempty"`
	// TimeSlicing is of GPUs in time-sliced replicas and of shares, MPS of the clients of an MPS
	// server. Between points, and past the last two, the curve is a straight line; it begins at
	// one holder, whose work takes its time.
	TimeSlicing []SlowDownPoint `json:"timeSlicing,omitempty"`
	MPS         []SlowDownPoint `json:"mps,omitempty"`
}

// SlowDownPoint says that with so many holders, each of which keeps the GPU busy all the time,
// work takes so many times as long as alone. Holders with a busy of half their time count half.
type SlowDownPoint struct {
	Holders float64 `json:"holders"`
	Times   float64 `json:"times"`
}

// nosYolos is the mean seconds of one inference by the number of pods, over that of one pod.
// Time-slicing: 0.08815, 0.29314, 0.48895, 0.68488; MPS: 0.08796, 0.16400, 0.24086, 0.31982.
const nosYolos = "nos-yolos"

func measuredContention(name string) (simulator.GPUContention, bool) {
	if name != nosYolos {
		return simulator.GPUContention{}, false
	}
	return simulator.GPUContention{
		TimeSlicing: simulator.SlowDownCurve{{Busy: 3000, Times: 3325}, {Busy: 5000, Times: 5547}, {Busy: 7000, Times: 7769}},
		MPS:         simulator.SlowDownCurve{{Busy: 3000, Times: 1864}, {Busy: 5000, Times: 2738}, {Busy: 7000, Times: 3636}},
	}, true
}

// Bounds of a point.
const (
	maxHolders = 1000
	maxTimes   = 1000
	maxPoints  = 100
)

func (s *SlowDown) checkFields(path string) error {
	if s == nil {
		return nil
	}
	if s.Measured != "" {
		if len(s.TimeSlicing)+len(s.MPS) > 0 {
			return fieldErrorf(path+".measured", "does not go with points of one's own")
		}
		if _, known := measuredContention(s.Measured); !known {
			return fieldErrorf(path+".measured", "%q, want %s", s.Measured, nosYolos)
		}
		return nil
	}
	if len(s.TimeSlicing)+len(s.MPS) == 0 {
		return fieldErrorf(path, "want measured, or points of timeSlicing or mps")
	}
	return errors.Join(checkPoints(path+".timeSlicing", s.TimeSlicing), checkPoints(path+".mps", s.MPS))
}

func checkPoints(path string, points []SlowDownPoint) error {
	problems := []error{checkRange(path, int64(len(points)), 0, maxPoints)}
	last := SlowDownPoint{Holders: 1, Times: 1}
	for i, p := range points {
		at := fmt.Sprintf("%s[%d]", path, i)
		if !(p.Holders >= last.Holders+0.001 && p.Holders <= maxHolders) {
			problems = append(problems, fieldErrorf(at+".holders", "%v, want more than %v and up to %d", p.Holders, last.Holders, maxHolders))
			break
		}
		if !(p.Times >= last.Times && p.Times <= maxTimes) {
			const slower = "%v, want %v to %d: more holders do not make work faster"
			problems = append(problems, fieldErrorf(at+".times", slower, p.Times, last.Times, maxTimes))
			break
		}
		last = p
	}
	return errors.Join(problems...)
}

// buildInput is what the simulator goes by, nil without.
func (s *SlowDown) buildInput() *simulator.GPUContention {
	if s == nil {
		return nil
	}
	if measured, known := measuredContention(s.Measured); known {
		return &measured
	}
	curve := func(points []SlowDownPoint) simulator.SlowDownCurve {
		var c simulator.SlowDownCurve
		for _, p := range points {
			c = append(c, simulator.SlowDownPoint{Busy: int64(math.Round(p.Holders * 1000)), Times: int64(math.Round(p.Times * 1000))})
		}
		return c
	}
	return &simulator.GPUContention{TimeSlicing: curve(s.TimeSlicing), MPS: curve(s.MPS)}
}

// MemoryGrowth is memory that a pod allocates while it runs: from uses, or what it asks for, to To on
// each of its GPUs, slices or shares, evenly over the time Over from when it is ready. Caching
// allocators keep what was once needed (source: PyTorch, CUDA semantics, "Memory management");
// vLLM takes all of its memory at the start and does not grow.
type MemoryGrowth struct {
	To   Memory `json:"to"`
	Over Span   `json:"over"`
}

func (g *MemoryGrowth) checkFields(path string) error {
	if g == nil {
		return nil
	}
	return errors.Join(checkRange(path+".to", int64(g.To), 1, maxMemory), g.Over.checkPositive(path+".over"))
}
