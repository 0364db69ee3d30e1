package openb

import (
	"context"
	"errors"
	"fmt"
	"math/rand"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ashlar-dev/ashlar/simulator/openb/policy"
	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/forecast"
)

func someNodes(n int) []policy.NodeCapacity {
	nodes := make([]policy.NodeCapacity, n)
	for i := range nodes {
		nodes[i] = policy.NodeCapacity{
			Name: fmt.Sprintf("n%03d", i), CPU: 32_000, Memory: 64 * topology.GiB, Pods: podsPerNode, GPUs: 4, Model: "A",
		}
	}
	return nodes
}

func pod(cpu, gpus int64, perGPU topology.MilliGPU) policy.TracePod {
	return policy.TracePod{PodClass: forecast.PodClass{CPU: cpu, GPUs: gpus, PerGPU: perGPU}}
}

// A trace of whole GPUs fills the cluster, and what comes then fails.
func TestExperimentFillsCluster(t *testing.T) {
	for _, chosen := range policy.All() {
		e := &Experiment{Nodes: someNodes(10), Pods: []policy.TracePod{pod(1000, 1, 1000)}, Policy: chosen, Seed: 42}
		result, err := e.Run(context.Background())
		if err != nil {
			t.Fatalf("%s: %v", chosen.Name(), err)
		}
		// 130 % of 40 GPUs arrive.
		if result.Arrived != 52 || result.Failed != 12 || result.Allocated != 40_000 {
			t.Errorf("%s: %d arrived, %d failed, %d allocated, want 52, 12 and 40000",
				chosen.Name(), result.Arrived, result.Failed, result.Allocated)
		}
		// Every GPU can be used by the only class. Beyond the last column is the last.
		for percent, want := range map[int]CurvePoint{50: {Allocated: 50}, 130: {Allocated: 100}, 1000: {Allocated: 100}} {
			if got := result.At(percent); got != want {
				t.Errorf("%s at %d %%: got %+v, want %+v", chosen.Name(), percent, got, want)
			}
		}
	}
}

// CPU runs out first: half of the GPUs stay idle, all of them fragments.
func TestExperimentWithoutCPU(t *testing.T) {
	e := &Experiment{Nodes: someNodes(10), Pods: []policy.TracePod{pod(16_000, 1, 1000)}, Policy: policy.FGD{}, Seed: 42}
	result, err := e.Run(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if got, want := result.At(130), (CurvePoint{Allocated: 50, Fragment: 50, FragmentOfIdle: 100}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if result.Failed != 32 {
		t.Errorf("%d failed, want 32", result.Failed)
	}
}

func TestExperimentStops(t *testing.T) {
	ctx, stop := context.WithCancel(context.Background())
	stop()
	e := &Experiment{Nodes: someNodes(1), Pods: []policy.TracePod{pod(1, 1, 1)}, Policy: policy.FGD{}}
	_, err := e.Run(ctx)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want %v", err, context.Canceled)
	}
}

func TestArriveRefuses(t *testing.T) {
	for want, nodes := range map[string][]policy.NodeCapacity{
		"the nodes have no GPUs": {{Name: "n"}},
		"use fewer nodes":        slices.Repeat(someNodes(1), 2000),
	} {
		_, err := DrawArrivals(nodes, []policy.TracePod{pod(1, 1, 1)}, 1)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

// A demand above the target is cut by removing random pods one by one, here in the
// plain way.
func TestArrivalsAreCut(t *testing.T) {
	nodes := someNodes(2)
	var pods []policy.TracePod
	for range 40 {
		pods = append(pods, pod(1, 1, 700), pod(1, 2, 1000), pod(1, 0, 0))
	}
	for seed := range int64(20) {
		got, err := DrawArrivals(nodes, pods, seed)
		if err != nil {
			t.Fatal(err)
		}

		rng := rand.New(rand.NewSource(seed))
		rng.Int()
		list := make([]int, len(pods))
		for i := range list {
			list[i] = i
		}
		rng.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
		for demand := topology.MilliGPU(40 * 2700); demand > 10_400; {
			i := rng.Intn(len(list))
			demand -= pods[list[i]].AllGPUs()
			list = slices.Delete(list, i, i+1)
		}
		if diff := cmp.Diff(list, got.Pods); diff != "" {
			t.Errorf("seed %d: pods (-want +got):\n%s", seed, diff)
		}
		if diff := cmp.Diff([]int{0, 1}, slices.Sorted(slices.Values(got.Nodes))); diff != "" {
			t.Errorf("seed %d: nodes (-want +got):\n%s", seed, diff)
		}
	}
}

// Pods without GPUs alone are not inflated: they have no GPU demand to raise.
func TestArrivalsWithoutGPUs(t *testing.T) {
	got, err := DrawArrivals(someNodes(1), []policy.TracePod{pod(1, 0, 0), pod(2, 0, 0)}, 1)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]int{0, 1}, slices.Sorted(slices.Values(got.Pods))); diff != "" {
		t.Errorf("pods (-want +got):\n%s", diff)
	}
}

func TestCurves(t *testing.T) {
	c := newCurves(1000)
	c.addSample(494, 600, 60)   // column 49
	c.addSample(500, 500, 50)   // column 50
	c.addSample(505, 480, 48)   // 50.5 is rounded to the even 50
	c.addSample(1309, 0, 0)     // column 131 is beyond
	c.addSample(1304, 1000, 10) // column 130
	at50 := CurvePoint{Allocated: 51, Fragment: 4.9, FragmentOfIdle: 10}
	for column, want := range map[int]CurvePoint{
		0: {}, 49: {Allocated: 40, Fragment: 6, FragmentOfIdle: 10}, 50: at50,
		51:  at50, // without samples the neighbours' count
		100: at50, // long without samples things stand as they stood
	} {
		if got := c.pointAt(column); got != want {
			t.Errorf("column %d: got %+v, want %+v", column, got, want)
		}
	}
	if got := c.pointAt(130).Fragment; got != 1 {
		t.Errorf("column 130: got fragment %v, want 1", got)
	}
}
