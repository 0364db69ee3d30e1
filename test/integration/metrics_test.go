package integration

import (
	"fmt"
	"testing"

	dto "github.com/prometheus/client_model/go"
)

// valueOf is the value of a metric with a label's value; false if there is none.
func valueOf(family *dto.MetricFamily, label, value string) (float64, bool) {
	for _, metric := range family.GetMetric() {
		for _, pair := range metric.GetLabel() {
			if pair.GetName() == label && pair.GetValue() == value {
				return metric.GetGauge().GetValue(), true
			}
		}
	}
	return 0, false
}

// The scheduler's metrics say why pods wait, and that a gang waits for its pods or for places.
func TestWaitingPodsAreMeasured(t *testing.T) {
	s := newSpace(t)
	s.create(s.pod("many", ashlar, "side-by-side"), request(whole, 8)) // of a node with four
	s.podGroup("short", 2)
	s.worker(0, "short", "side-by-side")
	for _, want := range []struct{ metric, cause string }{
		{"ashlar_pending_pods", "GPUsBusy"}, {"ashlar_pending_pods", "GroupWaits"}, {"ashlar_gangs_waiting", "MembersMissing"},
	} {
		s.until(want.metric+" with cause "+want.cause, func() error {
			families, err := world.installation.ReadSchedulerMetrics(s.ctx)
			if err != nil {
				return err
			}
			// Other tests may have pods that wait for the same.
			if count, found := valueOf(families[want.metric], "cause", want.cause); !found || count < 1 {
				return fmt.Errorf("it is %g (there: %t): %v", count, found, families[want.metric])
			}
			return nil
		})
	}
	families, err := world.installation.ReadSchedulerMetrics(s.ctx)
	if err != nil {
		t.Fatal(err)
	}
	for _, metric := range []string{"ashlar_pending_oldest_seconds", "ashlar_gangs_oldest_seconds"} {
		if families[metric] == nil {
			t.Errorf("%s is missing", metric)
		}
	}
}
