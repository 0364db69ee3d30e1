package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/ashlar-dev/ashlar/simulator/trace"
)

// The committed trace is what the generator writes, byte for byte, and small.
func TestCommittedTraceIsGenerated(t *testing.T) {
	folder := filepath.Join("..", "testdata", "small")
	size := 0
	files := traceFiles(defaultSeed)
	for name, want := range files {
		got, err := os.ReadFile(filepath.Join(folder, name))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s is not what go run ./bench/openb/generate writes: run it", name)
		}
		size += len(got)
	}
	if most := 300 << 10; size > most {
		t.Errorf("the trace has %d bytes, want at most %d", size, most)
	}
	committed, err := filepath.Glob(filepath.Join(folder, "*.csv"))
	if err != nil || len(committed) != len(files) {
		t.Errorf("%d lists in %s, %v, want %d", len(committed), folder, err, len(files))
	}
}

// Any seed gives lists that can be read, with their times too.
func TestGeneratedTraceIsRead(t *testing.T) {
	for seed := range uint64(5) {
		files := traceFiles(seed)
		nodes, err := trace.ReadNodes("nodes", bytes.NewReader(files["openb_node_list_gpu_node.csv"]))
		if err != nil || len(nodes) != 100 {
			t.Errorf("seed %d: %d nodes, %v", seed, len(nodes), err)
		}
		for _, list := range podLists {
			pods, err := trace.ReadTimedPods(list.name, bytes.NewReader(files["openb_pod_list_"+list.name+".csv"]))
			if err != nil || len(pods) != podsPerList {
				t.Errorf("seed %d: %d pods, %v", seed, len(pods), err)
			}
		}
	}
}
