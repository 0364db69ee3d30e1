package main

import (
	"embed"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/ashlar-dev/ashlar/simulator/openb"
	"github.com/ashlar-dev/ashlar/simulator/openb/policy"
)

// traceSet is the node list and every pod list of a folder.
type traceSet struct {
	// about says which trace it is.
	about string
	nodes []policy.NodeCapacity
	names []string
	pods  map[string][]policy.TracePod
}

const (
	nodeListName  = "openb_node_list_gpu_node.csv"
	podListPrefix = "openb_pod_list_"
)

// smallTrace is the generated trace, which is there for everybody; see its README.
//
//go:embed testdata/small/*.csv
var smallTrace embed.FS

const smallFolder = "testdata/small"

// readTraces reads the trace in a folder, "" for the small one of this repository.
func readTraces(folder string) (*traceSet, error) {
	if folder != "" {
		t, err := readTraceFiles(os.DirFS(folder), folder)
		if err == nil {
			t.about = fmt.Sprintf("The trace in %s: %d nodes.", folder, len(t.nodes))
		}
		return t, err
	}
	files, err := fs.Sub(smallTrace, smallFolder)
	if err != nil {
		return nil, err
	}
	t, err := readTraceFiles(files, path.Join("bench/openb", smallFolder))
	if err == nil {
		t.about = fmt.Sprintf("The small generated trace of bench/openb/%s (%d nodes), since -traces names no folder with the public "+
			"trace openb. The figures of docs/results/openb.md are of the public one.", smallFolder, len(t.nodes))
	}
	return t, err
}

// readTraceFiles reads the lists of a folder; errors call it by its name.
func readTraceFiles(files fs.FS, folder string) (*traceSet, error) {
	nodes, err := readFile(files, folder, nodeListName, openb.ReadNodes)
	if err != nil {
		return nil, err
	}
	t := &traceSet{nodes: nodes, pods: map[string][]policy.TracePod{}}
	lists, err := fs.Glob(files, podListPrefix+"*.csv")
	if err != nil {
		return nil, err
	}
	for _, list := range lists {
		name := strings.TrimSuffix(strings.TrimPrefix(list, podListPrefix), ".csv")
		if t.pods[name], err = readFile(files, folder, list, openb.ReadPods); err != nil {
			return nil, err
		}
		t.names = append(t.names, name)
	}
	if len(t.names) == 0 {
		return nil, fmt.Errorf("%s has no pod list: want one or more files %s*.csv", folder, podListPrefix)
	}
	slices.Sort(t.names)
	return t, nil
}

func readFile[T any](files fs.FS, folder, name string, read func(string, io.Reader) ([]T, error)) ([]T, error) {
	in, err := files.Open(name)
	if err != nil {
		return nil, fmt.Errorf("reading the trace in %s: %w", folder, err)
	}
	defer in.Close()
	return read(path.Join(folder, name), in)
}

// runKey identifies an experiment; policy is as published, "" for bounds.
type runKey struct {
	trace, policy string
	seed          int64
}

// allocatedPercent is in percent of all GPUs, when 100 and 130 percent have arrived. NaN
// is never in it: what is not known has no entry.
type allocatedPercent struct{ at100, at130 float64 }

func readPublished(file string) (map[runKey]allocatedPercent, error) {
	rows, err := readRows(file)
	if err != nil {
		return nil, err
	}
	published := map[runKey]allocatedPercent{}
	for i, row := range rows {
		seed, err := strconv.ParseInt(row["seed"], 10, 64)
		at100, err100 := strconv.ParseFloat(row["alloc100"], 64)
		at130, err130 := strconv.ParseFloat(row["alloc130"], 64)
		if err := errors.Join(err, err100, err130); err != nil {
			return nil, fmt.Errorf("%s:%d: %w", file, i+2, err)
		}
		published[runKey{row["workload"], row["policy"], seed}] = allocatedPercent{at100, at130}
	}
	return published, nil
}

// upperBounds are by trace and seed.
type upperBounds struct{ at100, at130 map[runKey]float64 }

// readBounds reads upper bounds: at 100 % for any algorithm, at 130 % for those that,
// like FGD, fail nothing before FGD's first failure. No file gives no bounds.
func readBounds(file string) (*upperBounds, error) {
	b := &upperBounds{map[runKey]float64{}, map[runKey]float64{}}
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
