package metrics

import (
	"sync"

	"k8s.io/component-base/metrics"
	"k8s.io/component-base/metrics/legacyregistry"

	"github.com/ashlar-dev/ashlar/topology/forecast"
)

var (
	demandDesc = metrics.NewDesc("ashlar_forecast_pods_ratio",
		"Part of the pods with GPUs that take so much: quarter, half or part of a GPU, one, 2-4, 5-8 or more; expected by the forecast, "+
			"or recent, of the last 128 that were placed.", []string{"shape", "of"}, nil, metrics.ALPHA, "")
	driftDesc = metrics.NewDesc("ashlar_forecast_drift_ratio",
		"Part of the recent pods that came in other shapes than the forecast expected: 0 if all came as expected, 1 if none did.",
		nil, nil, metrics.ALPHA, "")
)

// driftCollector measures when it is asked.
type driftCollector struct {
	metrics.BaseStableCollector
	measure func() (forecast.DemandDrift, bool)
}

var registerDrift sync.Once

// RegisterDrift registers the metrics of how well the forecast foresees, which are measured when
// somebody asks; there are none as long as measure says that nothing is expected yet. Of several
// profiles of a scheduler the first measures.
func RegisterDrift(measure func() (forecast.DemandDrift, bool)) {
	registerDrift.Do(func() { legacyregistry.CustomMustRegister(&driftCollector{measure: measure}) })
}

// DescribeWithStability implements metrics.StableCollector.
func (*driftCollector) DescribeWithStability(to chan<- *metrics.Desc) {
	to <- demandDesc
	to <- driftDesc
}

// CollectWithStability implements metrics.StableCollector.
func (c *driftCollector) CollectWithStability(to chan<- metrics.Metric) {
	drift, known := c.measure()
	if !known {
		return
	}
	for shape := range drift.Expected {
		name := forecast.DemandShape(shape).String()
		to <- metrics.NewLazyConstMetric(demandDesc, metrics.GaugeValue, drift.Expected[shape], name, "expected")
		to <- metrics.NewLazyConstMetric(demandDesc, metrics.GaugeValue, drift.Recent[shape], name, "recent")
	}
	to <- metrics.NewLazyConstMetric(driftDesc, metrics.GaugeValue, drift.DriftRatio())
}
