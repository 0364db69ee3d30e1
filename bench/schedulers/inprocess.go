package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"runtime/debug"
	"strings"

	"github.com/ashlar-dev/ashlar/bench/schedulers/inprocess"
	"github.com/ashlar-dev/ashlar/bench/schedulers/workload"
)

// inProcessArgument, alone, makes the command measure what is told on its standard input. Each
// measurement is a process, so that CPU time and memory are its own.
const inProcessArgument = "measure-in-process"

// memoryLimit is above what 5,000 nodes of 160 devices need, in bytes; the garbage collector
// works harder near it.
const memoryLimit = 12 << 30

// runInProcessChild reads a job and writes what was measured.
func runInProcessChild(ctx context.Context) error {
	debug.SetMemoryLimit(memoryLimit)
	var job inprocess.Job
	if err := json.NewDecoder(os.Stdin).Decode(&job); err != nil {
		return fmt.Errorf("reading what to measure: %w", err)
	}
	outcome, err := inprocess.MeasureBinding(ctx, job)
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(outcome)
}

// measureInProcess measures both schedulers on clusters in process.
func measureInProcess(ctx context.Context, options *benchmarkOptions, root string, say func(string)) ([]inProcessPoint, error) {
	shipped, err := workload.ShippedConfiguration(root, "")
	if err != nil {
		return nil, err
	}
	classes, err := workload.ReadDeviceClasses(root)
	if err != nil {
		return nil, err
	}
	var points []inProcessPoint
	for _, size := range options.inProcess {
		for _, subject := range []struct {
			name          schedulerName
			configuration string
		}{{stockScheduler, workload.StockConfiguration("")}, {ashlarScheduler, shipped}} {
			say(fmt.Sprintf("in process, %s: %s", size, subject.name))
			outcome, err := runChild(ctx, inprocess.Job{
				Size: size, Configuration: subject.configuration, Classes: classes, Pods: options.podsAt(size), Limit: options.limit,
				Explains: subject.name == ashlarScheduler,
			})
			if err != nil {
				return nil, fmt.Errorf("in process, %s, %s: %w", size, subject.name, err)
			}
			result := outcome.Binding
			say(fmt.Sprintf("%d of %d pods in %.1f s, %.1f pods/s, %.1f ms of CPU each, %d MiB",
				result.Bound, result.Asked, result.Seconds, result.PodsPerSecond(), result.MillisecondsPerPod(), outcome.PeakMiB))
			points = append(points, inProcessPoint{
				Size: size, Scheduler: subject.name, Binding: result, Refusals: outcome.Refusals, PeakMiB: outcome.PeakMiB,
			})
		}
	}
	return points, nil
}

// runChild runs this program for one job. What the scheduler logs goes nowhere; the error has
// the end of it.
func runChild(ctx context.Context, job inprocess.Job) (inprocess.Outcome, error) {
	var outcome inprocess.Outcome
	program, err := os.Executable()
	if err != nil {
		return outcome, err
	}
	text, err := json.Marshal(job)
	if err != nil {
		return outcome, err
	}
	command := exec.CommandContext(ctx, program, inProcessArgument)
	command.Stdin = strings.NewReader(string(text))
	var log logTail
	command.Stderr = &log
	answer, err := command.Output()
	if err != nil {
		return outcome, fmt.Errorf("%w: %s", err, log.lastLine())
	}
	return outcome, json.Unmarshal(answer, &outcome)
}
