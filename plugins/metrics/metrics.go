package metrics

import (
	"strconv"
	"sync"
	"time"

	"k8s.io/component-base/metrics"
	"k8s.io/component-base/metrics/legacyregistry"

	"github.com/ashlar-dev/ashlar/topology/placement"
)

const subsystem = "ashlar"

// Unsupported is the outcome of a decision that was left to the in-tree code.
const Unsupported = "unsupported"

// ModelTooLarge is the reason of a refusal because of a model server's memory.
const ModelTooLarge = "ModelTooLarge"

var (
	decisions = metrics.NewCounterVec(&metrics.CounterOpts{
		Subsystem: subsystem, Name: "decisions_total", StabilityLevel: metrics.ALPHA,
		Help: "Nodes asked whether they serve a pod, by outcome: fits, refused, undecided or unsupported.",
	}, []string{"outcome"})
	decisionDuration = metrics.NewHistogram(&metrics.HistogramOpts{
		Subsystem: subsystem, Name: "decision_duration_seconds", StabilityLevel: metrics.ALPHA,
		Help:    "Time to choose devices on one node.",
		Buckets: metrics.ExponentialBuckets(1e-6, 4, 10), // 1 µs to 0.26 s
	})
	refusals = metrics.NewCounterVec(&metrics.CounterOpts{
		Subsystem: subsystem, Name: "refusals_total", StabilityLevel: metrics.ALPHA,
		Help: "Reasons why nodes were refused.",
	}, []string{"reason"})
	explanations = metrics.NewCounterVec(&metrics.CounterOpts{
		Subsystem: subsystem, Name: "explanations_total", StabilityLevel: metrics.ALPHA,
		Help: "Explanations why a pod fits nowhere, and whether everything was looked at.",
	}, []string{"complete"})
	explanationDuration = metrics.NewHistogram(&metrics.HistogramOpts{
		Subsystem: subsystem, Name: "explanation_duration_seconds", StabilityLevel: metrics.ALPHA,
		Help:    "Time to find out why a pod fits nowhere and what would help.",
		Buckets: metrics.ExponentialBuckets(1e-3, 2, 14), // 1 ms to 8 s
	})
	snapshotClasses = metrics.NewGauge(&metrics.GaugeOpts{
		Subsystem: subsystem, Name: "snapshot_classes", StabilityLevel: metrics.ALPHA,
		Help: "Kinds of node, by make and by what is in use, among those of the last explanation.",
	})
	forecastUpdates = metrics.NewCounter(&metrics.CounterOpts{
		Subsystem: subsystem, Name: "forecast_updates_total", StabilityLevel: metrics.ALPHA,
		Help: "Placed pods that the forecast learned from.",
	})
	givenBack = metrics.NewCounter(&metrics.CounterOpts{
		Subsystem: subsystem, Name: "allocations_given_back_total", StabilityLevel: metrics.ALPHA,
		Help: "Allocations that were given back before the pod was bound, since another scheduler has the device.",
	})
	doubleFound = metrics.NewCounter(&metrics.CounterOpts{
		Subsystem: subsystem, Name: "double_allocations_total", StabilityLevel: metrics.ALPHA,
		Help: "Allocations that were found to hold what an older one holds, and that lasted.",
	})
	doubleCurrent = metrics.NewGauge(&metrics.GaugeOpts{
		Subsystem: subsystem, Name: "double_allocations", StabilityLevel: metrics.ALPHA,
		Help: "Allocations that hold what an older one holds.",
	})
)

// Register registers the metrics with the scheduler's registry, once. Before that
// nothing is counted.
var Register = sync.OnceFunc(func() {
	legacyregistry.MustRegister(decisions, decisionDuration, refusals, explanations, explanationDuration, snapshotClasses, forecastUpdates,
		givenBack, doubleFound, doubleCurrent)
})

// ObserveDecision counts the answer of one node, and how long it took.
func ObserveDecision(verdict *placement.Verdict, took time.Duration) {
	decisions.WithLabelValues(verdict.Outcome.String()).Inc()
	decisionDuration.Observe(took.Seconds())
	for _, reason := range verdict.Reasons {
		refusals.WithLabelValues(string(reason.Code)).Inc()
	}
}

// CountUnsupported counts a node that was not asked, because of what the pod asks for.
func CountUnsupported() { decisions.WithLabelValues(Unsupported).Inc() }

// CountModelTooLarge counts a node that has no device large enough for a model server.
func CountModelTooLarge() { refusals.WithLabelValues(ModelTooLarge).Inc() }

// ObserveExplanation counts an explanation, how long it took, and how many classes the
// nodes were of.
func ObserveExplanation(complete bool, took time.Duration, classes int) {
	explanations.WithLabelValues(strconv.FormatBool(complete)).Inc()
	explanationDuration.Observe(took.Seconds())
	snapshotClasses.Set(float64(classes))
}

// CountForecastUpdate counts a pod that the forecast learned from.
func CountForecastUpdate() { forecastUpdates.Inc() }

// CountGivenBack counts an allocation that was given back before its pod was bound.
func CountGivenBack() { givenBack.Inc() }

// CountDoubleAllocation counts an allocation that holds what an older one holds.
func CountDoubleAllocation() { doubleFound.Inc() }

// SetDoubleAllocations says how many such allocations there are.
func SetDoubleAllocations(count int) { doubleCurrent.Set(float64(count)) }
