package main

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
)

// traceFiles are the files of the trace by name.
func traceFiles(seed uint64) map[string][]byte {
	files := map[string][]byte{"openb_node_list_gpu_node.csv": csvOf(nodeRows())}
	for i, list := range podLists {
		rng := rand.New(rand.NewPCG(seed, uint64(i))) //nolint:gosec // not for secrets
		files["openb_pod_list_"+list.name+".csv"] = csvOf(podRows(list, rng))
	}
	return files
}

func csvOf(rows [][]string) []byte {
	var text bytes.Buffer
	if err := csv.NewWriter(&text).WriteAll(rows); err != nil {
		panic(err) // a buffer takes all
	}
	return text.Bytes()
}

func nodeRows() [][]string {
	rows := [][]string{{"sn", "cpu_milli", "memory_mib", "gpu", "model"}}
	for _, kind := range nodeKinds {
		for range kind.count {
			rows = append(rows, []string{
				fmt.Sprintf("node-%03d", len(rows)-1),
				formatNumber(kind.cpu * 1000), formatNumber(kind.memory * 1024), formatNumber(kind.gpus), kind.model,
			})
		}
	}
	return rows
}

// podRows draws a pod list, in the order of arrival.
func podRows(list podList, rng *rand.Rand) [][]string {
	arrivals := make([]int64, podsPerList)
	for i := range arrivals {
		arrivals[i] = rng.Int64N(windowSeconds)
	}
	slices.Sort(arrivals)
	rows := [][]string{{
		"name", "cpu_milli", "memory_mib", "num_gpu", "gpu_milli", "gpu_spec", "qos", "pod_phase",
		"creation_time", "deletion_time", "scheduled_time",
	}}
	for i, created := range arrivals {
		kind := drawKind(list, rng)
		units := max(1, kind.gpus)
		cpu, memory := units*drawFrom(kind.cpu, rng), units*drawFrom(kind.memory, rng)
		milli, models := "0", ""
		if kind.gpus > 0 {
			milli = formatNumber(drawFrom(kind.milli, rng))
			if rng.Int64N(100) < list.namesModels {
				models = drawFrom(kind.models, rng)
			}
		}
		waited, ran := int64(0), drawRunTime(kind.quantiles, rng)
		if rng.Int64N(100) < waitingPercent {
			waited = rng.Int64N(maxWaitSeconds)
		}
		phase, scheduled, deleted := "Succeeded", formatNumber(created+waited), created+waited+ran
		if rng.Int64N(100) < neverPercent {
			phase, scheduled, deleted = "Failed", "", created+waited
		}
		rows = append(rows, []string{
			fmt.Sprintf("pod-%04d", i), formatNumber(cpu * 1000), formatNumber(memory * 1024), formatNumber(kind.gpus), milli, models,
			kind.qos, phase, formatNumber(created), formatNumber(deleted), scheduled,
		})
	}
	return rows
}

// drawKind draws a kind of pod by the weights of a list.
func drawKind(list podList, rng *rand.Rand) *podKind {
	weightOf := func(kind *podKind) int64 {
		switch {
		case kind.gpus > 1:
			return kind.weight * list.multiples
		case kind.gpus == 1 && kind.milli[0] == 1000:
			return kind.weight * list.singles
		case kind.gpus == 1:
			return kind.weight * list.shares
		}
		return kind.weight
	}
	sum := int64(0)
	for i := range podKinds {
		sum += weightOf(&podKinds[i])
	}
	at := rng.Int64N(sum)
	for i := range podKinds {
		if at -= weightOf(&podKinds[i]); at < 0 {
			return &podKinds[i]
		}
	}
	panic("the weights of all kinds are more than their sum")
}

func drawFrom[T any](values []T, rng *rand.Rand) T { return values[rng.IntN(len(values))] }

// drawRunTime draws a run time in seconds from quantiles at 0, 50, 90 and 100 percent.
func drawRunTime(quantiles [4]int64, rng *rand.Rand) int64 {
	bounds := [4]int64{0, 50, 90, 100}
	part := 1
	at := rng.Int64N(100)
	for at >= bounds[part] {
		part++
	}
	low, high := quantiles[part-1], quantiles[part]
	return low + rng.Int64N(high-low)
}

func formatNumber(n int64) string { return strconv.FormatInt(n, 10) }
