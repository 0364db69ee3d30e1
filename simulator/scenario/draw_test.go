package scenario

import (
	"math"
	"reflect"
	"slices"
	"testing"

	"github.com/ashlar-dev/ashlar/simulator"
	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/catalogue"
	"github.com/ashlar-dev/ashlar/topology/placement"
	"github.com/google/go-cmp/cmp"
)

const hour = Span(simulator.Hour)

// one is a scenario with one workload.
func one(arrivals Arrivals, duration Duration, requests ...Request) *Scenario {
	return &Scenario{
		Name: "test", Horizon: 1000 * hour,
		Nodes:     []Pool{{Name: "n", Machine: "dgx-a100", Count: 2}},
		Workloads: []Workload{{Name: "w", Arrivals: arrivals, Duration: duration, Requests: requests}},
	}
}

func build(t *testing.T, s *Scenario, seed int64) *simulator.Input {
	t.Helper()
	in, err := s.Build(catalogue.Default(), seed)
	if err != nil {
		t.Fatal(err)
	}
	return in
}

// What is drawn is distributed as stated.
func TestDistributions(t *testing.T) {
	for name, tc := range map[string]struct {
		duration Duration
		want     map[int]simulator.Time // by percent
	}{
		"fixed":       {Duration{Fixed: hour}, map[int]simulator.Time{1: simulator.Hour, 99: simulator.Hour}},
		"exponential": {Duration{Exponential: hour}, map[int]simulator.Time{50: 2_495_330, 90: 8_289_306}},
		"lognormal": {Duration{Lognormal: &Lognormal{Median: hour, P90: 10 * hour}},
			map[int]simulator.Time{50: simulator.Hour, 90: 10 * simulator.Hour}},
		// facts of openb: median 616 s, p90 2.2 h, p95 5 h, p99 1.3 d
		"quantiles": {Duration{Quantiles: &Quantiles{P50: 616_000, P90: 22 * hour / 10, P95: 5 * hour, P99: 312 * hour / 10}},
			map[int]simulator.Time{50: 616_000, 90: 22 * simulator.Hour / 10, 95: 5 * simulator.Hour, 99: 312 * simulator.Hour / 10}},
	} {
		t.Run(name, func(t *testing.T) {
			rate := Rate{PerHour: 40}
			in := build(t, one(Arrivals{Poisson: &rate}, tc.duration, Request{GPUs: 1}), 1)
			if math.Abs(float64(len(in.Jobs))-40_000) > 1000 {
				t.Fatalf("arrivals in 1000 hours: len(in.Jobs) = %v, want %v within %v", len(in.Jobs), 40_000, 1000)
			}
			var runs []simulator.Time
			for i := range in.Jobs {
				runs = append(runs, in.Jobs[i].Runs)
			}
			slices.Sort(runs)
			for percent, want := range tc.want {
				if got := float64(runs[len(runs)*percent/100]); math.Abs(got-float64(want))/math.Abs(float64(want)) > 0.08 {
					t.Fatalf("p%d: float64(runs[len(runs)*percent/100]) = %v, want %v within a part of %v", percent, got, float64(want), 0.08)
				}
			}
		})
	}
}

// Weights are how often a request is drawn.
func TestWeights(t *testing.T) {
	in := build(t, one(Arrivals{Every: hour / 10}, Duration{Fixed: hour}, Request{GPUs: 1, Weight: 3}, Request{GPUs: 2}), 1)
	count := map[string]int{}
	for i := range in.Jobs {
		count[in.Jobs[i].Template.Name]++
	}
	if math.Abs(float64(count["1 GPU"])-7500) > 200 {
		t.Fatalf("count[\"1 GPU\"] = %v, want %v within %v", count["1 GPU"], 7500, 200)
	}
	if count["1 GPU"]+count["2 GPUs"] != 10_001 {
		t.Fatalf("count[\"1 GPU\"] + count[\"2 GPUs\"] = %v, want %v", count["1 GPU"]+count["2 GPUs"], 10_001)
	}
}

// The load is what is asked for of the GPU time that there is.
func TestLoad(t *testing.T) {
	for _, request := range []Request{{GPUs: 4}, {MIG: "1g.10gb"}, {Share: &Share{Part: 500}}} {
		in := build(t, one(Arrivals{Load: 0.5}, Duration{Exponential: hour}, request), 1)
		part := map[string]float64{"4 GPUs": 4, "mig 1g.10gb": 1.0 / 8, "share 500m": 0.5}[request.titleText()]
		work := 0.0
		for i := range in.Jobs {
			work += part * in.Jobs[i].Runs.Hours()
		}
		if math.Abs(work-(0.5*16*1000))/math.Abs(0.5*16*1000) > 0.1 {
			t.Fatalf("%v: work = %v, want %v within a part of %v", request.titleText(), work, 0.5*16*1000, 0.1)
		}
	}
}

// The same seed draws the same, another seed something else; policies and sharing
// change nothing about the jobs, and one workload nothing about another.
func TestSeeds(t *testing.T) {
	times := func(s *Scenario, seed int64) []simulator.Time {
		var all []simulator.Time
		for _, j := range build(t, s, seed).Jobs {
			if j.Class == "w" {
				all = append(all, j.Arrives, j.Runs)
			}
		}
		return all
	}
	s := one(Arrivals{Load: 0.5}, Duration{Exponential: 100 * hour}, Request{GPUs: 1}, Request{GPUs: 2})
	first := times(s, 1)
	if diff := cmp.Diff(first, times(s, 1)); diff != "" {
		t.Fatalf("times(s, 1) (-want +got):\n%s", diff)
	}
	if reflect.DeepEqual(first, times(s, 2)) {
		t.Fatalf("times(s, 2) = %+v, want anything else", times(s, 2))
	}
	changed := s.With(Variant{Policy: "random", Sharing: "time-slicing/4"})
	if diff := cmp.Diff(first, times(&changed, 1)); diff != "" {
		t.Fatalf("times(&changed, 1) (-want +got):\n%s", diff)
	}
	changed = *s
	changed.Workloads = append(changed.Workloads,
		Workload{Name: "other", Arrivals: Arrivals{Every: hour}, Duration: Duration{Fixed: hour}, Requests: []Request{{CPUOnly: true}}})
	if diff := cmp.Diff(first, times(&changed, 1)); diff != "" {
		t.Fatalf("times(&changed, 1) (-want +got):\n%s", diff)
	}
}

// What each request becomes under each way of sharing, on a DGX A100 of 80 GB GPUs.
func TestSharing(t *testing.T) {
	const gib = topology.GiB
	requests := map[string]Request{
		"gpus":  {GPUs: 2},
		"mig":   {MIG: "3g.40gb"},
		"share": {Share: &Share{Memory: Memory(20 * gib)}},
		"model": {Model: &Model{Name: "meta-llama/Llama-3.1-8B-Instruct", MaxModelLen: 8192, Concurrency: 4}},
	}
	for sharing, want := range map[Sharing]map[string][]placement.Form{
		ByRequest: {"gpus": {placement.Whole}, "mig": {placement.MIG}, "share": {placement.Share},
			"model": {placement.Whole, placement.MIG, placement.Share}},
		WholeGPUs:        {"gpus": {placement.Whole}, "mig": {placement.Whole}, "share": {placement.Whole}, "model": {placement.Whole}},
		"time-slicing/4": {"gpus": {placement.Share}, "mig": {placement.Share}, "share": {placement.Share}, "model": {placement.Share}},
	} {
		for name, request := range requests {
			s := one(Arrivals{Every: hour, Count: 1}, Duration{Fixed: hour}, request)
			s.Sharing = sharing
			in := build(t, s, 1)
			inv := in.Nodes[0].Inventory
			terms := in.Jobs[0].Template.For(inv)
			var forms []placement.Form
			for i := range inv.Devices {
				if form := inv.Devices[i].Form; terms.Request.Parts[0].Accepts.Has(i) && !slices.Contains(forms, form) {
					forms = append(forms, form)
				}
			}
			slices.Sort(forms)
			if diff := cmp.Diff(want[name], forms); diff != "" {
				t.Fatalf("%s under %s: forms (-want +got):\n%s", name, sharing, diff)
			}
			if got, want := terms.Replica, (sharing.replicaTerms().replicas > 0); got != want {
				t.Fatalf("terms.Replica = %v, want %v", got, want)
			}
		}
	}
}
