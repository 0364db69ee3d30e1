package forecast

import (
	"fmt"
	"math/rand"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ashlar-dev/ashlar/topology"
)

// randomNodes are nodes of a few makes, so that many rate the same.
func randomNodes(rng *rand.Rand, n int) []Capacity {
	makes := []Capacity{
		{CPU: 96_000, GPUs: 8, Model: "B"}, {CPU: 64_000, GPUs: 2, Model: "A"}, {CPU: 8_000, GPUs: 1, Model: "C"},
		{CPU: 128_000, GPUs: 8, Model: "A"}, {CPU: 32_000},
	}
	nodes := make([]Capacity, n)
	for i := range nodes {
		nodes[i] = makes[rng.Intn(len(makes))]
		nodes[i].Name = fmt.Sprintf("node-%d", i)
		nodes[i].Memory = topology.Bytes(64+rng.Intn(64)) * topology.GiB
		nodes[i].Pods = int64(5 + rng.Intn(20))
	}
	return nodes
}

// randomPods draws pods of up to n classes.
func randomPods(rng *rand.Rand, n, classes int) []Pod {
	kinds := make([]Class, classes)
	for i := range kinds {
		kinds[i] = Class{CPU: int64(rng.Intn(16)) * 1000}
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
	pods := make([]Pod, n)
	for i := range pods {
		pods[i] = Pod{Class: kinds[rng.Intn(classes)], Memory: topology.Bytes(rng.Intn(30)) * topology.GiB}
	}
	return pods
}

func demandOf(pods []Pod) *Demand {
	classes := make([]Class, len(pods))
	for i := range pods {
		classes[i] = pods[i].Class
	}
	return NewDemand(classes)
}

func newCluster(t testing.TB, nodes ...Capacity) *Cluster {
	t.Helper()
	for i := range nodes {
		if nodes[i].Pods == 0 {
			nodes[i].Pods = 100
		}
		if nodes[i].Memory == 0 {
			nodes[i].Memory = topology.GiB
		}
	}
	c, err := New(nodes)
	require.NoError(t, err)
	return c
}

func share(cpu int64, of topology.MilliGPU) Class { return Class{CPU: cpu, GPUs: 1, PerGPU: of} }

func whole(cpu, gpus int64) Class {
	return Class{CPU: cpu, GPUs: gpus, PerGPU: topology.WholeGPU}
}
