package policy

import (
	"fmt"
	"math/rand"
	"testing"

	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/forecast"
)

// randomNodes are nodes of a few makes, so that many score the same.
func randomNodes(rng *rand.Rand, n int) []NodeCapacity {
	makes := []NodeCapacity{
		{CPU: 96_000, GPUs: 8, Model: "B"}, {CPU: 64_000, GPUs: 2, Model: "A"}, {CPU: 8_000, GPUs: 1, Model: "C"},
		{CPU: 128_000, GPUs: 8, Model: "A"}, {CPU: 32_000},
	}
	nodes := make([]NodeCapacity, n)
	for i := range nodes {
		nodes[i] = makes[rng.Intn(len(makes))]
		nodes[i].Name = fmt.Sprintf("node-%d", i)
		nodes[i].Memory = topology.Bytes(64+rng.Intn(64)) * topology.GiB
		nodes[i].Pods = int64(5 + rng.Intn(20))
	}
	return nodes
}

// randomPods draws pods of up to n classes.
func randomPods(rng *rand.Rand, n, classes int) []TracePod {
	kinds := make([]forecast.PodClass, classes)
	for i := range kinds {
		kinds[i] = forecast.PodClass{CPU: int64(rng.Intn(16)) * 1000}
		switch rng.Intn(6) {
		case 0:
		case 1:
			kinds[i].GPUs, kinds[i].PerGPU = 1<<rng.Intn(4), topology.WholeGPU
		default:
			kinds[i].GPUs, kinds[i].PerGPU = 1, topology.MilliGPU(50*(1+rng.Intn(20)))
		}
		if kinds[i].GPUs > 0 {
			kinds[i].Models = []string{"", "", "A", "A|C", "B|A", "unknown"}[rng.Intn(6)]
		}
	}
	pods := make([]TracePod, n)
	for i := range pods {
		pods[i] = TracePod{PodClass: kinds[rng.Intn(classes)], Memory: topology.Bytes(rng.Intn(30)) * topology.GiB}
	}
	return pods
}

func demandOf(pods []TracePod) *forecast.ClassDemand {
	classes := make([]forecast.PodClass, len(pods))
	for i := range pods {
		classes[i] = pods[i].PodClass
	}
	return forecast.NewClassDemand(classes)
}

// newState is a cluster of exactly these nodes.
func newState(t testing.TB, nodes []NodeCapacity) *ClusterState {
	t.Helper()
	c, err := NewClusterState(nodes)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// newCluster is a cluster of these nodes, with enough memory and pods where none is
// stated.
func newCluster(t testing.TB, nodes ...NodeCapacity) *ClusterState {
	t.Helper()
	for i := range nodes {
		if nodes[i].Pods == 0 {
			nodes[i].Pods = 100
		}
		if nodes[i].Memory == 0 {
			nodes[i].Memory = topology.GiB
		}
	}
	return newState(t, nodes)
}

func share(cpu int64, of topology.MilliGPU) forecast.PodClass {
	return forecast.PodClass{CPU: cpu, GPUs: 1, PerGPU: of}
}

func whole(cpu, gpus int64) forecast.PodClass {
	return forecast.PodClass{CPU: cpu, GPUs: gpus, PerGPU: topology.WholeGPU}
}
