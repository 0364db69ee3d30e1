package forecast

import (
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ashlar-dev/ashlar/topology"
)

func share(cpu int64, of topology.MilliGPU) PodClass {
	return PodClass{CPU: cpu, GPUs: 1, PerGPU: of}
}

func whole(cpu, gpus int64) PodClass {
	return PodClass{CPU: cpu, GPUs: gpus, PerGPU: topology.WholeGPU}
}

func TestTypicalClasses(t *testing.T) {
	a, b, large, rare := whole(1, 1), share(1, 500), whole(9, 1), share(2, 100)
	var pods []PodClass
	for class, n := range map[PodClass]int{a: 50, b: 23, large: 23, rare: 4} {
		for range n {
			pods = append(pods, class)
		}
	}
	demand := NewClassDemand(pods)
	typical := demand.TypicalClasses(TypicalPercent)
	var got []PodClass
	for _, class := range typical {
		got = append(got, class.PodClass)
	}
	// The three cover 96 %; of equally many the larger comes first.
	if diff := cmp.Diff([]PodClass{a, large, b}, got); diff != "" {
		t.Errorf("typical classes (-want +got):\n%s", diff)
	}
	if got, want := typical[0].Probability, 50.0/96; math.Abs(got-want) > 1e-15 {
		t.Errorf("probability of the first: got %v, want %v", got, want)
	}
	for percent, want := range map[int64]int{50: 1, 100: 4} {
		if got := len(demand.TypicalClasses(percent)); got != want {
			t.Errorf("%d %%: got %d classes, want %d", percent, got, want)
		}
	}
	if got := NewClassDemand(nil).TypicalClasses(95); len(got) != 0 {
		t.Errorf("of no pods: got %v, want none", got)
	}
}

func TestValidateRefusesWhatNoPodAsksFor(t *testing.T) {
	for name, class := range map[string]PodClass{
		"negative CPU":   {CPU: -1},
		"too much CPU":   {CPU: MaxCPU + 1},
		"too many GPUs":  whole(0, topology.MaxGPUs+1),
		"share of two":   {GPUs: 2, PerGPU: 500},
		"nothing of one": {GPUs: 1},
		"more than one":  share(0, topology.WholeGPU+1),
		"model, no GPU":  {Models: "A"},
	} {
		if class.Validate() == nil {
			t.Errorf("%s: %+v is accepted", name, class)
		}
	}
	for _, class := range []PodClass{{}, share(1, 1), whole(1, topology.MaxGPUs)} {
		if err := class.Validate(); err != nil {
			t.Errorf("%+v: %v", class, err)
		}
	}
}
