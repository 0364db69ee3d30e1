package metrics

import (
	"strings"
	"testing"

	"k8s.io/component-base/metrics"
	"k8s.io/component-base/metrics/testutil"

	"github.com/ashlar-dev/ashlar/topology/forecast"
)

func TestDriftCollector(t *testing.T) {
	known := false
	registry := metrics.NewKubeRegistry()
	registry.CustomMustRegister(&driftCollector{measure: func() (forecast.DemandDrift, bool) {
		return forecast.DemandDrift{
			Expected: forecast.ShapeShares{forecast.OneGPU: 1},
			Recent:   forecast.ShapeShares{forecast.OneGPU: 0.75, forecast.HalfShare: 0.25},
		}, known
	}})
	if err := testutil.GatherAndCompare(registry, strings.NewReader("")); err != nil {
		t.Errorf("before anything is expected: %v", err)
	}
	known = true
	if err := testutil.GatherAndCompare(registry, strings.NewReader(`
# HELP ashlar_forecast_drift_ratio [ALPHA] Part of the recent pods that came in other shapes than the forecast expected: 0 if all came as expected, 1 if none did.
# TYPE ashlar_forecast_drift_ratio gauge
ashlar_forecast_drift_ratio 0.25
# HELP ashlar_forecast_pods_ratio [ALPHA] Part of the pods with GPUs that take so much: quarter, half or part of a GPU, one, 2-4, 5-8 or more; expected by the forecast, or recent, of the last 128 that were placed.
# TYPE ashlar_forecast_pods_ratio gauge
ashlar_forecast_pods_ratio{of="expected",shape="quarter"} 0
ashlar_forecast_pods_ratio{of="expected",shape="half"} 0
ashlar_forecast_pods_ratio{of="expected",shape="part"} 0
ashlar_forecast_pods_ratio{of="expected",shape="one"} 1
ashlar_forecast_pods_ratio{of="expected",shape="2-4"} 0
ashlar_forecast_pods_ratio{of="expected",shape="5-8"} 0
ashlar_forecast_pods_ratio{of="expected",shape="more"} 0
ashlar_forecast_pods_ratio{of="recent",shape="quarter"} 0
ashlar_forecast_pods_ratio{of="recent",shape="half"} 0.25
ashlar_forecast_pods_ratio{of="recent",shape="part"} 0
ashlar_forecast_pods_ratio{of="recent",shape="one"} 0.75
ashlar_forecast_pods_ratio{of="recent",shape="2-4"} 0
ashlar_forecast_pods_ratio{of="recent",shape="5-8"} 0
ashlar_forecast_pods_ratio{of="recent",shape="more"} 0
`)); err != nil {
		t.Error(err)
	}
}
