package openb

import (
	"context"
	"fmt"
	"math/rand"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/forecast"
)

func someNodes(n int) []forecast.Capacity {
	nodes := make([]forecast.Capacity, n)
	for i := range nodes {
		nodes[i] = forecast.Capacity{
			Name: fmt.Sprintf("n%03d", i), CPU: 32_000, Memory: 64 * topology.GiB, Pods: podsPerNode, GPUs: 4, Model: "A",
		}
	}
	return nodes
}

func pod(cpu, gpus int64, perGPU topology.MilliGPU) forecast.Pod {
	return forecast.Pod{Class: forecast.Class{CPU: cpu, GPUs: gpus, PerGPU: perGPU}}
}

// A trace of whole GPUs fills the cluster, and what comes then fails.
func TestExperimentFillsCluster(t *testing.T) {
	for _, policy := range forecast.Policies() {
		e := &Experiment{Nodes: someNodes(10), Pods: []forecast.Pod{pod(1000, 1, 1000)}, Policy: policy, Seed: 42}
		result, err := e.Run(context.Background())
		require.NoError(t, err)
		require.Equal(t, 52, result.Arrived, "130 %% of 40 GPUs")
		require.Equal(t, 12, result.Failed)
		require.Equal(t, topology.MilliGPU(40_000), result.Allocated)
		require.Equal(t, Point{Allocated: 50}, result.At(50), "%s: every GPU can be used by the only class", policy.Name())
		require.Equal(t, 100.0, result.At(130).Allocated)
		require.Equal(t, 100.0, result.At(1000).Allocated, "beyond the last column is the last")
	}
}

// CPU runs out first: half of the GPUs stay idle, all of them fragments.
func TestExperimentWithoutCPU(t *testing.T) {
	e := &Experiment{Nodes: someNodes(10), Pods: []forecast.Pod{pod(16_000, 1, 1000)}, Policy: forecast.FGD{}, Seed: 42}
	result, err := e.Run(context.Background())
	require.NoError(t, err)
	require.Equal(t, Point{Allocated: 50, Fragment: 50, FragmentOfIdle: 100}, result.At(130))
	require.Equal(t, 32, result.Failed)
}

func TestExperimentStops(t *testing.T) {
	ctx, stop := context.WithCancel(context.Background())
	stop()
	e := &Experiment{Nodes: someNodes(1), Pods: []forecast.Pod{pod(1, 1, 1)}, Policy: forecast.FGD{}}
	_, err := e.Run(ctx)
	require.ErrorIs(t, err, context.Canceled)
}

func TestArriveRefuses(t *testing.T) {
	_, err := Arrive([]forecast.Capacity{{Name: "n"}}, []forecast.Pod{pod(1, 1, 1)}, 1)
	require.ErrorContains(t, err, "the nodes have no GPUs")
	_, err = Arrive(slices.Repeat(someNodes(1), 2000), []forecast.Pod{pod(1, 1, 1)}, 1)
	require.ErrorContains(t, err, "use fewer nodes")
}

// A demand above the target is cut by removing random pods one by one, here in the
// plain way.
func TestArrivalsAreCut(t *testing.T) {
	nodes := someNodes(2)
	var pods []forecast.Pod
	for range 40 {
		pods = append(pods, pod(1, 1, 700), pod(1, 2, 1000), pod(1, 0, 0))
	}
	for seed := range int64(20) {
		got, err := Arrive(nodes, pods, seed)
		require.NoError(t, err)

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
		require.Equal(t, list, got.Pods)
		require.ElementsMatch(t, []int{0, 1}, got.Nodes)
	}
}

// Pods without GPUs alone are not inflated: they have no GPU demand to raise.
func TestArrivalsWithoutGPUs(t *testing.T) {
	got, err := Arrive(someNodes(1), []forecast.Pod{pod(1, 0, 0), pod(2, 0, 0)}, 1)
	require.NoError(t, err)
	require.ElementsMatch(t, []int{0, 1}, got.Pods)
}

func TestCurves(t *testing.T) {
	c := newCurves(1000)
	c.sample(494, 600, 60)   // column 49
	c.sample(500, 500, 50)   // column 50
	c.sample(505, 480, 48)   // 50.5 is rounded to the even 50
	c.sample(1309, 0, 0)     // column 131 is beyond
	c.sample(1304, 1000, 10) // column 130
	require.Equal(t, Point{Allocated: 40, Fragment: 6, FragmentOfIdle: 10}, c.at(49))
	require.Equal(t, Point{Allocated: 51, Fragment: 4.9, FragmentOfIdle: 10}, c.at(50))
	require.Equal(t, c.at(50), c.at(51), "without samples the neighbours' count")
	require.Equal(t, c.at(50), c.at(100), "long without samples things stand as they stood")
	require.Equal(t, Point{}, c.at(0))
	require.Equal(t, 1.0, c.at(130).Fragment)
}
