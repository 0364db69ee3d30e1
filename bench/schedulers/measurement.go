package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ashlar-dev/ashlar/bench/schedulers/binding"
	"github.com/ashlar-dev/ashlar/bench/schedulers/workload"
	"github.com/ashlar-dev/ashlar/test/cluster"
)

const (
	// startsWithin is how long a scheduler may take to read the cluster and bind its first pod.
	startsWithin = 5 * time.Minute
	// clearsWithin is how long pods and claims may take to be created and to go.
	clearsWithin = 5 * time.Minute
)

// bindingMeasurement is pods of one form for one scheduler.
type bindingMeasurement struct {
	scheduler schedulerName
	form      workload.Form
	pods      int
	limit     time.Duration
	// after is done once the pods are bound, while the scheduler runs; may be nil. Pods that were
	// not bound in time are removed before.
	after func(context.Context) error
}

// String is the measurement in words.
func (m bindingMeasurement) String() string {
	return fmt.Sprintf("%s, pods of form %s", m.scheduler, m.form.Name)
}

// measureBinding binds pods by a scheduler of its own.
func (s *benchmarkSession) measureBinding(ctx context.Context, m bindingMeasurement) (result binding.Result, err error) {
	ctx, cancel := context.WithTimeout(ctx, clearsWithin+startsWithin+m.limit+clearsWithin)
	defer cancel()
	s.runs++
	run := fmt.Sprintf("run-%d", s.runs)
	if err := s.createPods(ctx, m.form, run, m.pods); err != nil {
		return binding.Result{}, fmt.Errorf("%s: %w", m, err)
	}
	watch, err := binding.NewWatch(ctx, s.client, workload.Namespace, selectRun(run), m.pods)
	if err != nil {
		return binding.Result{}, fmt.Errorf("%s: %w", m, err)
	}
	defer watch.Stop()
	var process *cluster.Process
	result, err = watch.Measure(ctx, func(ctx context.Context) (binding.Subject, error) {
		started, err := s.startScheduler(ctx, m.scheduler)
		if err != nil {
			return binding.Subject{}, err
		}
		process = started
		return s.subjectOf(started), nil
	}, binding.Patience{First: startsWithin, Limit: m.limit})
	if err == nil && m.after != nil {
		err = errors.Join(s.removeWaiting(ctx), m.after(ctx))
	}
	if process != nil {
		err = errors.Join(err, s.endScheduler(process))
	}
	if err == nil {
		err = s.clearPods(ctx)
	}
	if err != nil {
		return binding.Result{}, fmt.Errorf("%s: %w", m, err)
	}
	s.say(fmt.Sprintf("%s: %d of %d pods in %.1f s, %.1f pods/s, %.1f ms of CPU each",
		m, result.Bound, result.Asked, result.Seconds, result.PodsPerSecond(), result.MillisecondsPerPod()))
	return result, nil
}
