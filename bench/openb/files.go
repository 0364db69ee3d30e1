package main

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/ashlar-dev/ashlar/simulator/openb"
	"github.com/ashlar-dev/ashlar/simulator/openb/policy"
)

// traces is the node list and every pod list of a folder.
type traces struct {
	nodes []policy.NodeCapacity
	names []string
	pods  map[string][]policy.TracePod
}

const podListPrefix = "openb_pod_list_"

func readTraces(folder string) (*traces, error) {
	nodes, err := readFile(filepath.Join(folder, "openb_node_list_gpu_node.csv"), openb.ReadNodes)
	if err != nil {
		return nil, err
	}
	t := &traces{nodes: nodes, pods: map[string][]policy.TracePod{}}
	files, err := filepath.Glob(filepath.Join(folder, podListPrefix+"*.csv"))
	if err != nil {
		return nil, err
	}
	for _, file := range files {
		name := strings.TrimSuffix(strings.TrimPrefix(filepath.Base(file), podListPrefix), ".csv")
		if t.pods[name], err = readFile(file, openb.ReadPods); err != nil {
			return nil, err
		}
		t.names = append(t.names, name)
	}
	if len(t.names) == 0 {
		return nil, fmt.Errorf("%s has no %s*.csv", folder, podListPrefix)
	}
	slices.Sort(t.names)
	return t, nil
}

func readFile[T any](name string, read func(string, io.Reader) ([]T, error)) ([]T, error) {
	in, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	return read(name, in)
}

// run identifies an experiment; policy is as published, "" for bounds.
type runKey struct {
	trace, policy string
	seed          int64
}

// allocated is in percent of all GPUs, when 100 and 130 percent have arrived. NaN is
// never in it: what is not known has no entry.
type allocated struct{ at100, at130 float64 }

func readPublished(file string) (map[runKey]allocated, error) {
	rows, err := readRows(file)
	if err != nil {
		return nil, err
	}
	published := map[runKey]allocated{}
	for i, row := range rows {
		seed, err := strconv.ParseInt(row["seed"], 10, 64)
		at100, err100 := strconv.ParseFloat(row["alloc100"], 64)
		at130, err130 := strconv.ParseFloat(row["alloc130"], 64)
		if err := errors.Join(err, err100, err130); err != nil {
			return nil, fmt.Errorf("%s:%d: %w", file, i+2, err)
		}
		published[runKey{row["workload"], row["policy"], seed}] = allocated{at100, at130}
	}
	return published, nil
}

// bounds are by trace and seed.
type bounds struct{ at100, at130 map[runKey]float64 }

// readBounds reads upper bounds: at 100 % for any algorithm, at 130 % for those that,
// like FGD, fail nothing before FGD's first failure. No file gives no bounds.
func readBounds(file string) (*bounds, error) {
	b := &bounds{map[runKey]float64{}, map[runKey]float64{}}
	rows, err := readRows(file)
	if errors.Is(err, fs.ErrNotExist) {
		return b, nil
	}
	if err != nil {
		return nil, err
	}
	for i, row := range rows {
		seed, err := strconv.ParseInt(row["seed"], 10, 64)
		bound, errBound := strconv.ParseFloat(row["upper_bound_pct"], 64)
		if err := errors.Join(err, errBound); err != nil {
			return nil, fmt.Errorf("%s:%d: %w", file, i+2, err)
		}
		switch key := (runKey{trace: row["workload"], seed: seed}); row["bound_kind"] {
		case "free_at_100":
			b.at100[key] = bound
		case "fgd_prefix_at_130":
			b.at130[key] = bound
		}
	}
	return b, nil
}

// readRows reads a CSV file as rows by column.
func readRows(file string) ([]map[string]string, error) {
	in, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	lines, err := csv.NewReader(in).ReadAll()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	if len(lines) == 0 {
		return nil, fmt.Errorf("%s:1: is empty, want a header", file)
	}
	var rows []map[string]string
	for _, line := range lines[1:] {
		row := map[string]string{}
		for i, name := range lines[0] {
			row[name] = line[i]
		}
		rows = append(rows, row)
	}
	return rows, nil
}
