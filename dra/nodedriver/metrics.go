package nodedriver

import (
	"errors"
	"math/bits"
	"sync"
	"time"

	"k8s.io/component-base/metrics"
	"k8s.io/component-base/metrics/legacyregistry"

	"github.com/ashlar-dev/ashlar/dra"
	"github.com/ashlar-dev/ashlar/dra/checkpoint"
	"github.com/ashlar-dev/ashlar/dra/hardware"
	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/mig"
)

const subsystem = "ashlar_driver"

var (
	operationDuration = metrics.NewHistogramVec(&metrics.HistogramOpts{
		Subsystem: subsystem, Name: "operation_duration_seconds", StabilityLevel: metrics.ALPHA,
		Help:    "Time to prepare or unprepare a claim, by operation and by form of its first device: gpu, mig, share, or none if unknown.",
		Buckets: metrics.ExponentialBuckets(1e-3, 2, 16), // 1 ms to 33 s
	}, []string{"operation", "form"})
	operationErrors = metrics.NewCounterVec(&metrics.CounterOpts{
		Subsystem: subsystem, Name: "errors_total", StabilityLevel: metrics.ALPHA,
		Help: "Claims that could not be prepared or unprepared, by operation and by NVML's code, other for what NVML did not refuse.",
	}, []string{"operation", "code"})
	preparedDevices = metrics.NewGaugeVec(&metrics.GaugeOpts{
		Subsystem: subsystem, Name: "prepared_devices", StabilityLevel: metrics.ALPHA,
		Help: "Devices that are prepared for claims, by form: gpu, mig or share.",
	}, []string{"form"})
	memoryBytes = metrics.NewGaugeVec(&metrics.GaugeOpts{
		Subsystem:      subsystem,
		Name:           "memory_bytes",
		StabilityLevel: metrics.ALPHA,
		Help: "Memory of the node's GPUs by state: allocated to claims, free, or stranded: on memory slices to which no MIG " +
			"instance fits any more.",
	}, []string{"state"})

	registerMetrics = sync.OnceFunc(func() {
		legacyregistry.MustRegister(operationDuration, operationErrors, preparedDevices, memoryBytes)
	})
)

// observe counts each prepare and unprepare.
func (d *driver) observe(operation string, form dra.DeviceForm, took time.Duration, err error) {
	if form == "" {
		form = "none"
	}
	operationDuration.WithLabelValues(operation, string(form)).Observe(took.Seconds())
	if err != nil {
		code := "other"
		if refused := (*hardware.CallError)(nil); errors.As(err, &refused) {
			code = refused.Code.Error()
		}
		operationErrors.WithLabelValues(operation, code).Inc()
	}
	d.countDevices()
}

// countDevices sets the gauges.
func (d *driver) countDevices() {
	claims := d.store.PreparedClaims()
	prepared := map[dra.DeviceForm]int{}
	var held []checkpoint.Device
	for _, claim := range claims {
		if claim.HoldsDevices() {
			for _, device := range claim.Devices {
				prepared[device.Form]++
				if !device.Admin {
					held = append(held, device)
				}
			}
		}
	}
	for _, form := range []dra.DeviceForm{dra.FormGPU, dra.FormMIG, dra.FormShare} {
		preparedDevices.WithLabelValues(string(form)).Set(float64(prepared[form]))
	}
	var allocated, free, stranded topology.Bytes
	for i := range d.options.Node.GPUs {
		gpu := &d.options.Node.GPUs[i]
		taken, lost := memoryOf(gpu.Table, d.options.Node.Topology.GPUs[i].Model.Usable(), gpu.UUID, held)
		total := d.options.Node.Topology.GPUs[i].Model.Usable()
		allocated, stranded, free = allocated+taken, stranded+lost, free+max(0, total-taken-lost)
	}
	memoryBytes.WithLabelValues("allocated").Set(float64(allocated))
	memoryBytes.WithLabelValues("free").Set(float64(free))
	memoryBytes.WithLabelValues("stranded").Set(float64(stranded))
}

// memoryOf is how much of a GPU's memory devices hold, and how much lies on memory slices
// where no MIG instance fits any more.
func memoryOf(table *mig.Table, total topology.Bytes, uuid string, held []checkpoint.Device) (taken, stranded topology.Bytes) {
	var occupied []mig.Placement
	for _, device := range held {
		if device.GPU != uuid {
			continue
		}
		taken += device.Bytes
		if device.Form == dra.FormMIG {
			occupied = append(occupied, device.Placement())
		}
	}
	if len(occupied) == 0 || table == nil || table.MemorySlices == 0 {
		return min(taken, total), 0
	}
	var usable, inUse mig.Slices
	for _, placement := range occupied {
		inUse |= placement.Slices()
	}
	for i := range table.Profiles {
		for _, placement := range table.Profiles[i].Placements {
			if placement.Slices()&inUse == 0 {
				usable |= placement.Slices()
			}
		}
	}
	lost := table.MemorySlices - int64(bits.OnesCount16(uint16(usable|inUse)))
	return min(taken, total), total / topology.Bytes(table.MemorySlices) * topology.Bytes(lost)
}
