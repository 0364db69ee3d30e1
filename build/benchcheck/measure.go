package main

import (
	"fmt"
	"io"
	"strings"

	"golang.org/x/perf/benchfmt"
	"golang.org/x/perf/benchmath"
)

// measureKey is what is measured: a benchmark of a package, in a unit.
type measureKey struct{ benchmark, unit string }

// measurements are the samples of a file.
type measurements struct {
	samples map[measureKey]*benchmath.Sample
	order   []measureKey
	cpu     string
}

// readMeasurements reads Go's benchmark format. Name is the file's, for errors.
func readMeasurements(file io.Reader, name string) (*measurements, error) {
	values := map[measureKey][]float64{}
	read := &measurements{samples: map[measureKey]*benchmath.Sample{}}
	reader := benchfmt.NewReader(file, name)
	for reader.Scan() {
		result, ok := reader.Result().(*benchfmt.Result)
		if !ok {
			continue
		}
		if cpu := result.GetConfig("cpu"); cpu != "" {
			read.cpu = cpu
		}
		folder := result.GetConfig("pkg")
		benchmark := folder[strings.LastIndex(folder, "/")+1:] + "." + benchmarkName(result.Name)
		for _, value := range result.Values {
			key := measureKey{benchmark: benchmark, unit: value.Unit}
			if values[key] == nil {
				read.order = append(read.order, key)
			}
			values[key] = append(values[key], value.Value)
		}
	}
	if err := reader.Err(); err != nil {
		return nil, fmt.Errorf("reading benchmarks: %w", err)
	}
	if len(values) == 0 {
		return nil, fmt.Errorf("%s holds no benchmark", name)
	}
	for key, sample := range values {
		read.samples[key] = benchmath.NewSample(sample, &benchmath.DefaultThresholds)
	}
	return read, nil
}

// benchmarkName is a benchmark's name without the number of processors at its end.
func benchmarkName(name benchfmt.Name) string {
	base, parts := name.Parts()
	out := string(base)
	for _, part := range parts {
		if part[0] != '-' {
			out += string(part)
		}
	}
	return out
}
