package health

import (
	"context"
	"time"

	"k8s.io/dynamic-resource-allocation/kubeletplugin"

	"github.com/ashlar-dev/ashlar/dra"
)

// The kubelet takes health that is older than reportTimeout for unknown; it is sent again
// every resendInterval.
const (
	resendInterval = 10 * time.Second
	reportTimeout  = 30 * time.Second
)

// WatchHealthStatus sends the health of all devices at once, then whenever it
// changes and every 10 s, until ctx ends, as kubeletplugin.DRAPlugin wants it. Health that
// could not be read for three intervals is told as unknown.
func (m *Monitor) WatchHealthStatus(ctx context.Context, reports chan<- kubeletplugin.DeviceHealthReport) error {
	changed := make(chan struct{}, 1)
	m.mu.Lock()
	m.watchers[changed] = true
	m.mu.Unlock()
	defer func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		delete(m.watchers, changed)
	}()
	ticker := m.options.Clock.NewTicker(resendInterval)
	defer ticker.Stop()
	for {
		select {
		case reports <- m.healthReport(m.options.Devices()):
		case <-ctx.Done():
			return nil
		}
		select {
		case <-changed:
		case <-ticker.C():
		case <-ctx.Done():
			return nil
		}
	}
}

// healthReport is the health of devices at present, in their order.
func (m *Monitor) healthReport(devices []dra.Device) kubeletplugin.DeviceHealthReport {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := m.options.Clock.Now()
	report := kubeletplugin.DeviceHealthReport{Devices: make([]kubeletplugin.DeviceHealth, 0, len(devices))}
	for _, device := range devices {
		health := m.machine.DeviceHealth(device, now, m.freshness())
		health.PoolName, health.HealthCheckTimeout = m.options.Pool, reportTimeout
		report.Devices = append(report.Devices, health)
	}
	return report
}
