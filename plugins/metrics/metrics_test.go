package metrics

import (
	"strings"
	"testing"
	"time"

	"k8s.io/component-base/metrics/legacyregistry"
	"k8s.io/component-base/metrics/testutil"

	"github.com/ashlar-dev/ashlar/topology/placement"
)

// What is counted is found on the scheduler's /metrics under the documented names.
func TestMetrics(t *testing.T) {
	Register()
	Register() // of a second profile
	ObserveDecision(&placement.Verdict{Outcome: placement.Fits}, 3*time.Microsecond)
	ObserveDecision(
		&placement.Verdict{Outcome: placement.Refused, Reasons: []placement.Reason{{Code: placement.GPUsBusy}, {Code: placement.NoMatch}}},
		time.Millisecond,
	)
	ObserveDecision(&placement.Verdict{Outcome: placement.Refused, Reasons: []placement.Reason{{Code: placement.GPUsBusy}}}, time.Millisecond)
	ObserveDecision(&placement.Verdict{Outcome: placement.Undecided}, time.Millisecond)
	CountUnsupported()
	CountModelTooLarge()
	ObserveExplanation(true, 20*time.Millisecond, 3)
	ObserveExplanation(false, time.Second, 7)
	CountForecastUpdate()
	CountGivenBack()
	CountDoubleAllocation()
	SetDoubleAllocations(2)
	want := `
# HELP ashlar_allocations_given_back_total [ALPHA] Allocations that were given back before the pod was bound, since another scheduler has the device.
# TYPE ashlar_allocations_given_back_total counter
ashlar_allocations_given_back_total 1
# HELP ashlar_decisions_total [ALPHA] Nodes asked whether they serve a pod, by outcome: fits, refused, undecided or unsupported.
# TYPE ashlar_decisions_total counter
ashlar_decisions_total{outcome="fits"} 1
ashlar_decisions_total{outcome="refused"} 2
ashlar_decisions_total{outcome="undecided"} 1
ashlar_decisions_total{outcome="unsupported"} 1
# HELP ashlar_double_allocations [ALPHA] Allocations that hold what an older one holds.
# TYPE ashlar_double_allocations gauge
ashlar_double_allocations 2
# HELP ashlar_double_allocations_total [ALPHA] Allocations that were found to hold what an older one holds, and that lasted.
# TYPE ashlar_double_allocations_total counter
ashlar_double_allocations_total 1
# HELP ashlar_explanations_total [ALPHA] Explanations why a pod fits nowhere, and whether everything was looked at.
# TYPE ashlar_explanations_total counter
ashlar_explanations_total{complete="false"} 1
ashlar_explanations_total{complete="true"} 1
# HELP ashlar_forecast_updates_total [ALPHA] Placed pods that the forecast learned from.
# TYPE ashlar_forecast_updates_total counter
ashlar_forecast_updates_total 1
# HELP ashlar_refusals_total [ALPHA] Reasons why nodes were refused.
# TYPE ashlar_refusals_total counter
ashlar_refusals_total{reason="GPUsBusy"} 2
ashlar_refusals_total{reason="ModelTooLarge"} 1
ashlar_refusals_total{reason="NoMatch"} 1
# HELP ashlar_snapshot_classes [ALPHA] Kinds of node, by make and by what is in use, among those of the last explanation.
# TYPE ashlar_snapshot_classes gauge
ashlar_snapshot_classes 7
`
	counted := []string{
		"ashlar_decisions_total", "ashlar_refusals_total", "ashlar_explanations_total", "ashlar_snapshot_classes",
		"ashlar_forecast_updates_total", "ashlar_allocations_given_back_total", "ashlar_double_allocations", "ashlar_double_allocations_total",
	}
	if err := testutil.GatherAndCompare(legacyregistry.DefaultGatherer, strings.NewReader(want), counted...); err != nil {
		t.Error(err)
	}
	for name, wantCount := range map[string]uint64{"ashlar_decision_duration_seconds": 4, "ashlar_explanation_duration_seconds": 2} {
		got, err := testutil.GetHistogramVecFromGatherer(legacyregistry.DefaultGatherer, name, nil)
		if err != nil {
			t.Fatal(err)
		}
		if got.GetAggregatedSampleCount() != wantCount {
			t.Errorf("%s observed %d times, want %d", name, got.GetAggregatedSampleCount(), wantCount)
		}
	}
}
