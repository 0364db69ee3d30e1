package main

import (
	"context"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ashlar-dev/ashlar/simulator/openb"
	"github.com/ashlar-dev/ashlar/simulator/openb/policy"
)

// traceAtHand is the public trace if it lies beside the repository, else the small one.
func traceAtHand(b *testing.B) *traceSet {
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
	t, err := readTraces("")
	if err != nil {
		b.Fatal(err)
	}
	b.Log(t.about)
	return t
}

var updateTable = flag.Bool("update", false, "write testdata/small/table.md anew")

// The table of the small trace, which anybody can redo, says what it said before.
func TestSmallTraceTable(t *testing.T) {
	small, err := readTraces("")
	if err != nil {
		t.Fatal(err)
	}
	fgd, err := (&benchmarkFlags{}).readReference(t.Context(), small)
	if err != nil {
		t.Fatal(err)
	}
	var got strings.Builder
	if err := qualityTable(t.Context(), &got, small, fgd); err != nil {
		t.Fatal(err)
	}
	const file = "testdata/small/table.md"
	if *updateTable {
		if err := os.WriteFile(file, []byte(got.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got.String()); diff != "" {
		t.Errorf("table (-want +got):\n%s", diff)
	}
}

// The published figures are never replaced by those of another trace.
func TestReadmeNeedsThePublicTrace(t *testing.T) {
	for _, flags := range []benchmarkFlags{{readme: "x"}, {readme: "x", traces: "x"}, {readme: "x", expected: "x"}} {
		if err := flags.runBenchmark(t.Context()); err == nil || !strings.Contains(err.Error(), "give -traces and -expected too") {
			t.Errorf("%+v: got %v", flags, err)
		}
	}
}

func benchmarkOne(b *testing.B, chosen policy.NodePolicy) {
	t := traceAtHand(b)
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

// One experiment with all curves: on the public trace 10,866 arrivals at 1213 nodes.
func BenchmarkOpenbFGD(b *testing.B)    { benchmarkOne(b, policy.FGD{}) }
func BenchmarkOpenbAshlar(b *testing.B) { benchmarkOne(b, policy.Ashlar{}) }

// One seed of ten of all experiments with a published order, on the traces at hand.
func BenchmarkAllPublishedExperiments(b *testing.B) {
	t := traceAtHand(b)
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
	s, err := newScaledCluster(traceAtHand(b), "default", policy.Ashlar{}, nodes)
	if err != nil {
		b.Fatal(err)
	}
	for s.cluster.Idle()*5 > s.cluster.Capacity() {
		if _, err := s.arriveOne(); err != nil {
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

func step(b *testing.B, s *scaledCluster) {
	placed, err := s.arriveOne()
	if err != nil {
		b.Fatal(err)
	}
	if placed {
		s.leaveOne()
	}
}

func BenchmarkNodes1k(b *testing.B)  { benchmarkNodes(b, 1_000) }
func BenchmarkNodes2k(b *testing.B)  { benchmarkNodes(b, 2_000) }
func BenchmarkNodes5k(b *testing.B)  { benchmarkNodes(b, 5_000) }
func BenchmarkNodes10k(b *testing.B) { benchmarkNodes(b, 10_000) }

// 100,000 pods arrive at 10,000 nodes and stay.
func Benchmark10kNodes100kArrivals(b *testing.B) {
	t := traceAtHand(b)
	b.ReportAllocs()
	for b.Loop() {
		s, err := newScaledCluster(t, "default", policy.Ashlar{}, 10_000)
		if err != nil {
			b.Fatal(err)
		}
		for range 100_000 {
			if _, err := s.arriveOne(); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(100*float64(s.cluster.Capacity()-s.cluster.Idle())/float64(s.cluster.Capacity()), "%alloc")
	}
}
