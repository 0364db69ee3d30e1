package main

import (
	"github.com/ashlar-dev/ashlar/bench/schedulers/binding"
	"github.com/ashlar-dev/ashlar/bench/schedulers/workload"
)

// benchmarkReport is all that was measured.
type benchmarkReport struct {
	Date       string           `json:"date"`
	Go         string           `json:"go"`
	Kubernetes string           `json:"kubernetes"`
	Cores      int              `json:"cores"`
	Limit      float64          `json:"limitSeconds"`
	Clusters   []clusterReport  `json:"clusters,omitempty"`
	InProcess  []inProcessPoint `json:"inProcess,omitempty"`
	Gangs      []gangReport     `json:"gangs,omitempty"`
	Against    *againstReport   `json:"against,omitempty"`
	// DevicePlugin has nodes whose GPUs a device plugin hands out.
	DevicePlugin *clusterReport `json:"devicePlugin,omitempty"`
}

// clusterReport is what was measured on one control plane.
type clusterReport struct {
	Size workload.Size `json:"size"`
	// PublishSeconds is how long it took to create its nodes and slices.
	PublishSeconds float64           `json:"publishSeconds"`
	Runs           []bindingRuns     `json:"runs"`
	Refusals       []binding.Refusal `json:"refusals,omitempty"`
	Memory         []processMemory   `json:"memory"`
}

// bindingRuns are the rounds of one scheduler with one form of pods.
type bindingRuns struct {
	Scheduler schedulerName    `json:"scheduler"`
	Form      string           `json:"form"`
	Rounds    []binding.Result `json:"rounds"`
}

// processMemory is the most memory that a process had.
type processMemory struct {
	Process string `json:"process"`
	PeakMiB int    `json:"peakMiB"`
}

// inProcessPoint is what one scheduler reached in process.
type inProcessPoint struct {
	Size      workload.Size     `json:"size"`
	Scheduler schedulerName     `json:"scheduler"`
	Binding   binding.Result    `json:"binding"`
	Refusals  []binding.Refusal `json:"refusals,omitempty"`
	PeakMiB   int               `json:"peakMiB"`
}

// gangReport is how one gang fared.
type gangReport struct {
	Size workload.Size `json:"size"`
	Pods int           `json:"pods"`
	// CreateSeconds is how long it took to create the pods, Seconds from then until all were
	// bound.
	CreateSeconds float64 `json:"createSeconds"`
	Seconds       float64 `json:"seconds"`
}

// againstReport is an earlier stock scheduler and Ashlar on a control plane of its version.
type againstReport struct {
	Version string        `json:"version"`
	Cluster clusterReport `json:"cluster"`
}

// findRuns are the runs of a scheduler with a form, nil if there are none.
func (r *clusterReport) findRuns(scheduler schedulerName, form string) *bindingRuns {
	for i := range r.Runs {
		if r.Runs[i].Scheduler == scheduler && r.Runs[i].Form == form {
			return &r.Runs[i]
		}
	}
	return nil
}

// addRound notes one round.
func (r *clusterReport) addRound(scheduler schedulerName, form string, result binding.Result) {
	runs := r.findRuns(scheduler, form)
	if runs == nil {
		r.Runs = append(r.Runs, bindingRuns{Scheduler: scheduler, Form: form})
		runs = &r.Runs[len(r.Runs)-1]
	}
	runs.Rounds = append(runs.Rounds, result)
}
