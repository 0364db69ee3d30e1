package main

import (
	"github.com/prometheus/client_golang/prometheus"
	"sigs.k8s.io/controller-runtime/pkg/metrics"
)

// reviewedPods counts pods by what became of them.
var reviewedPods = prometheus.NewCounterVec(prometheus.CounterOpts{
	Name: "ashlar_webhook_pods_total",
	Help: "Pods reviewed, by outcome: claimed (it was given a claim), unchanged, refused (its keys contradict one another), " +
		"failed (it was created as it was, because something went wrong).",
}, []string{"outcome"})

// Outcomes of reviews.
const (
	podClaimed   = "claimed"
	podUnchanged = "unchanged"
	podRefused   = "refused"
	podFailed    = "failed"
)

func init() {
	for _, outcome := range []string{podClaimed, podUnchanged, podRefused, podFailed} {
		reviewedPods.WithLabelValues(outcome)
	}
	metrics.Registry.MustRegister(reviewedPods)
}
