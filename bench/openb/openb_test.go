package main

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/ashlar-dev/ashlar/simulator/openb"
	"github.com/ashlar-dev/ashlar/simulator/openb/policy"
)

// given reads the traces, which lie beside the repository.
func given(b *testing.B) *traces {
	b.Helper()
	folder, err := os.Getwd()
	if err != nil {
		b.Fatal(err)
	}
	for ; folder != filepath.Dir(folder); folder = filepath.Dir(folder) {
		shared := filepath.Join(folder, "shared", "traces", "openb")
		if _, err := os.Stat(shared); err == nil {
			t, err := readTraces(shared)
			if err != nil {
				b.Fatal(err)
			}
			return t
		}
	}
	b.Skip("no folder shared/traces/openb beside the repository: nothing to run")
	return nil
}

func benchmarkOne(b *testing.B, chosen policy.NodePolicy) {
	t := given(b)
	b.ReportAllocs()
	for b.Loop() {
		e := openb.Experiment{Nodes: t.nodes, Pods: t.pods["default"], Policy: chosen, Seed: 42}
		result, err := e.Run(context.Background())
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(result.At(130).Allocated, "%alloc130")
	}
}

// One experiment of 10,866 arrivals at 1213 nodes, with all curves.
func BenchmarkOpenbFGD(b *testing.B)    { benchmarkOne(b, policy.FGD{}) }
func BenchmarkOpenbAshlar(b *testing.B) { benchmarkOne(b, policy.Ashlar{}) }

// One seed of ten of all experiments with a published order, on the traces at hand.
func BenchmarkAllPublishedExperiments(b *testing.B) {
	t := given(b)
	for b.Loop() {
		runs := 0
		for _, chosen := range published {
			for _, trace := range t.names {
				if _, err := runSeeds(context.Background(), t, trace, chosen, []int64{42}); err != nil {
					b.Fatal(err)
				}
				runs++
			}
		}
		b.ReportMetric(float64(runs), "experiments/op")
	}
}

// One pod comes and one goes in a cluster that is 80 % full: the cost must depend on
// how much changes, not on how many nodes there are.
func benchmarkNodes(b *testing.B, nodes int) {
	s, err := newScaled(given(b), "default", policy.Ashlar{}, nodes)
	if err != nil {
		b.Fatal(err)
	}
	for s.cluster.Idle()*5 > s.cluster.Capacity() {
		if _, err := s.arrive(); err != nil {
			b.Fatal(err)
		}
	}
	for range 20_000 { // let every class come by
		step(b, s)
	}
	for b.Loop() {
		step(b, s)
	}
}

func step(b *testing.B, s *scaled) {
	placed, err := s.arrive()
	if err != nil {
		b.Fatal(err)
	}
	if placed {
		s.leave()
	}
}

func BenchmarkNodes1k(b *testing.B)  { benchmarkNodes(b, 1_000) }
func BenchmarkNodes2k(b *testing.B)  { benchmarkNodes(b, 2_000) }
func BenchmarkNodes5k(b *testing.B)  { benchmarkNodes(b, 5_000) }
func BenchmarkNodes10k(b *testing.B) { benchmarkNodes(b, 10_000) }

// 100,000 pods arrive at 10,000 nodes and stay.
func Benchmark10kNodes100kArrivals(b *testing.B) {
	t := given(b)
	b.ReportAllocs()
	for b.Loop() {
		s, err := newScaled(t, "default", policy.Ashlar{}, 10_000)
		if err != nil {
			b.Fatal(err)
		}
		for range 100_000 {
			if _, err := s.arrive(); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(100*float64(s.cluster.Capacity()-s.cluster.Idle())/float64(s.cluster.Capacity()), "%alloc")
	}
}
