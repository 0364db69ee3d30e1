package main

import (
	"bytes"
	"context"
	"encoding/csv"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"syscall"
)

// benchmarkRunner runs a scenario's file in a process, which prints CSV with a column "arrived".
type benchmarkRunner struct {
	name string
	// heading is what a scenario's file begins with.
	heading string
	command func(file string) []string
}

// runMeasurement is one run.
type runMeasurement struct {
	runner, scenario string
	nodes            int
	jobs             int64
	// cpu is in seconds, of all threads, memory the most that was held, in MiB.
	cpu, memory float64
}

// perJob is the CPU time for a job, in microseconds.
func (m *runMeasurement) perJob() float64 { return m.cpu * 1e6 / float64(m.jobs) }

// measureSizes runs a scenario at each size.
func (r *benchmarkReport) measureSizes(ctx context.Context, folder string, by benchmarkRunner, of sizedScenario, sizes []int) error {
	for _, nodes := range sizes {
		file, err := of.writeSized(folder, by.heading, nodes, r.hours)
		if err != nil {
			return err
		}
		m, err := measureRun(ctx, by.command(file))
		if err != nil {
			return fmt.Errorf("%s at %d nodes, %s: %w", of.name, nodes, by.name, err)
		}
		m.runner, m.scenario, m.nodes = by.name, of.name, nodes
		fmt.Fprintf(os.Stderr, "measured: %s, %d nodes, %s: %d jobs, %.1f us each, %.0f MiB\n",
			of.name, nodes, by.name, m.jobs, m.perJob(), m.memory)
		r.runs = append(r.runs, m)
	}
	return nil
}

// measureRun runs a command and reads what it took from the kernel.
func measureRun(ctx context.Context, words []string) (*runMeasurement, error) {
	command := exec.CommandContext(ctx, words[0], words[1:]...)
	var out bytes.Buffer
	command.Stdout, command.Stderr = &out, os.Stderr
	if err := command.Run(); err != nil {
		return nil, err
	}
	used, ok := command.ProcessState.SysUsage().(*syscall.Rusage)
	if !ok {
		return nil, fmt.Errorf("the system does not say what %s used", words[0])
	}
	jobs, err := readArrived(&out)
	if err != nil {
		return nil, fmt.Errorf("reading what %s printed: %w", words[0], err)
	}
	return &runMeasurement{
		jobs: jobs, cpu: float64(used.Utime.Nano()+used.Stime.Nano()) / 1e9,
		memory: float64(used.Maxrss) / 1024, // Linux counts KiB
	}, nil
}

// readArrived reads the column "arrived" of the first row.
func readArrived(out *bytes.Buffer) (int64, error) {
	rows, err := csv.NewReader(out).ReadAll()
	if err != nil {
		return 0, err
	}
	if len(rows) < 2 {
		return 0, fmt.Errorf("%d lines, want a heading and a row", len(rows))
	}
	for column, name := range rows[0] {
		if name == "arrived" {
			return strconv.ParseInt(rows[1][column], 10, 64)
		}
	}
	return 0, fmt.Errorf("no column %q in %q", "arrived", rows[0])
}
