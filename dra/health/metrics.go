package health

import (
	"strings"
	"sync"

	"k8s.io/component-base/metrics"
	"k8s.io/component-base/metrics/legacyregistry"
	"k8s.io/dynamic-resource-allocation/kubeletplugin"
)

const subsystem = "ashlar_driver"

var (
	deviceGauge = metrics.NewGaugeVec(&metrics.GaugeOpts{
		Subsystem: subsystem, Name: "devices", StabilityLevel: metrics.ALPHA,
		Help: "Devices that the node hands out, by form (gpu, mig or share) and state (healthy, unhealthy or unknown).",
	}, []string{"form", "state"})
	errorCounter = metrics.NewCounterVec(&metrics.CounterOpts{
		Subsystem: subsystem, Name: "gpu_errors_total", StabilityLevel: metrics.ALPHA,
		Help: "Errors that GPUs reported, by code: xid-<number>, xid-unknown or double-bit-ecc.",
	}, []string{"code"})
	throttledGauge = metrics.NewGaugeVec(&metrics.GaugeOpts{
		Subsystem: subsystem, Name: "gpus_throttled", StabilityLevel: metrics.ALPHA,
		Help: "GPUs whose clocks are held down, by reason: heat or power.",
	}, []string{"reason"})
	rowsPendingGauge = metrics.NewGauge(&metrics.GaugeOpts{
		Subsystem: subsystem, Name: "gpus_rows_pending", StabilityLevel: metrics.ALPHA,
		Help: "GPUs with memory rows that wait for a reset to be remapped.",
	})
)

// RegisterMetrics registers the metrics of health, once. Before that nothing is counted.
var RegisterMetrics = sync.OnceFunc(func() {
	legacyregistry.MustRegister(deviceGauge, errorCounter, throttledGauge, rowsPendingGauge)
})

// publishMetrics sets the metrics to what is known at present.
func (m *Monitor) publishMetrics() {
	type state struct{ form, health string }
	states := map[state]int{}
	for _, form := range []string{"gpu", "mig", "share"} {
		for _, health := range []kubeletplugin.HealthStatus{
			kubeletplugin.HealthStatusHealthy, kubeletplugin.HealthStatusUnhealthy, kubeletplugin.HealthStatusUnknown,
		} {
			states[state{form, strings.ToLower(string(health))}] = 0
		}
	}
	devices := m.options.Devices()
	for i, health := range m.healthReport(devices).Devices {
		states[state{string(devices[i].Form), strings.ToLower(string(health.Health))}]++
	}
	for at, number := range states {
		deviceGauge.WithLabelValues(at.form, at.health).Set(float64(number))
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	heat, power, rows := 0, 0, 0
	total := map[string]uint64{}
	for _, g := range m.machine.gpus {
		heat += countIf(g.condition.ThermalSlowdown)
		power += countIf(g.condition.PowerBrake)
		rows += countIf(g.condition.RowsPending)
		for code, number := range g.errors {
			total[code] += number
		}
	}
	throttledGauge.WithLabelValues("heat").Set(float64(heat))
	throttledGauge.WithLabelValues("power").Set(float64(power))
	rowsPendingGauge.Set(float64(rows))
	for code, number := range total {
		errorCounter.WithLabelValues(code).Add(float64(number - m.counted[code]))
		m.counted[code] = number
	}
}

func countIf(is bool) int {
	if is {
		return 1
	}
	return 0
}
