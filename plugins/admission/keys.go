package admission

import (
	"slices"

	"github.com/ashlar-dev/ashlar/topology/deviceapi"
)

// Key is one key of another scheduler, and what becomes of it.
type Key struct {
	// System is whose key it is, Place where a pod has it: resource, annotation, label.
	System, Place, Key string
	// Unit is what its value counts.
	Unit string
	// Becomes is what it is in a claim; "" if it is not kept, for Because.
	Becomes, Because string
}

// unkeptResources are resources that are taken out of containers beside those of a claim: they
// only qualify it, and no node offers them.
var unkeptResources = []string{"nvidia.com/priority"}

// KeyTable is all keys of other schedulers that are read.
func KeyTable() []Key { return slices.Concat(kaiTable(), hamiTable(), volcanoTable(), koordTable()) }

const (
	shareBecomes  = "share.gpu.ashlar.dev with so much memory of each GPU"
	wholeBecomes  = "number of devices of gpu.ashlar.dev"
	coresBecomes  = "at 100 beside a part of the memory: the GPU alone; below 100: the thread percentage under MPS, else not kept"
	typeBecomes   = "selector on productName (contains, letter case ignored)"
	uuidBecomes   = "selector on the GPU's UUID"
	countBecomes  = "number of GPUs, whole ones without memory or with 100 percent"
	percentShare  = "an alternative for each size of GPU in the cluster, with that part of its memory"
	modeBecomes   = "hami-core: a share; mps: a share under MPS; mig: a MIG slice with at least the memory"
	hundredths    = "hundredths of GPUs, over all of the pod's"
	placeAnnotate = "annotation"
	placeResource = "resource"
	placeLabel    = "label"
)

func notKeptRows(system, place string, reasons []keyReason) []Key {
	rows := make([]Key, 0, len(reasons))
	for _, reason := range reasons {
		rows = append(rows, Key{System: system, Place: place, Key: reason.key, Because: reason.because})
	}
	return rows
}

func kaiTable() []Key {
	const system = "KAI"
	rows := []Key{
		{System: system, Place: placeAnnotate, Key: kaiFraction, Unit: "part of one GPU's memory, 0 to 1", Becomes: percentShare},
		{System: system, Place: placeAnnotate, Key: kaiMemory, Unit: "MiB of each GPU", Becomes: shareBecomes},
		{System: system, Place: placeAnnotate, Key: kaiDevices, Unit: "GPUs", Becomes: "number of shares, on different GPUs"},
		{System: system, Place: placeAnnotate, Key: kaiContainer, Unit: "name",
			Becomes: "the container that has the claim, else the first"},
		{System: system, Place: placeAnnotate, Key: kaiMPS, Unit: "true or false", Becomes: "a share under MPS"},
		{System: system, Place: placeAnnotate, Key: kaiMemoryPrefix + "<name>" + kaiRequestSuffix, Unit: "quantity of bytes",
			Becomes: "a share for that container, where request and limit are equal or one is missing"},
		{System: system, Place: placeAnnotate, Key: kaiMemoryPrefix + "<name>" + kaiLimitSuffix, Unit: "quantity of bytes",
			Becomes: "the same as its request"},
		{System: system, Place: placeAnnotate, Key: kaiMemoryPrefix + "<name>" + kaiModeSuffix, Unit: "time-slicing or sm-sharing",
			Becomes: "time-slicing: what shares do anyway; sm-sharing is not kept"},
		{System: system, Place: placeResource, Key: deviceapi.GPUResource, Unit: "GPUs",
			Becomes: wholeBecomes + ", for schedulerName kai-scheduler"},
		{System: system, Place: placeResource, Key: deviceapi.MIGResourcePrefix + "<profile>", Unit: "MIG slices",
			Becomes: "devices of mig.gpu.ashlar.dev of that profile, for schedulerName kai-scheduler"},
	}
	rows = append(rows, notKeptRows(system, placeAnnotate, kaiNotKept)...)
	return append(rows, notKeptRows(system, placeLabel, kaiLabelsNotKept)...)
}

func (d *vgpuDialect) tableRows(system string) []Key {
	rows := []Key{
		{System: system, Place: placeResource, Key: d.count, Unit: "GPUs", Becomes: countBecomes},
		{System: system, Place: placeResource, Key: d.memory, Unit: "MiB of each GPU", Becomes: shareBecomes},
		{System: system, Place: placeResource, Key: d.percent, Unit: "percent of each GPU's memory", Becomes: percentShare},
		{System: system, Place: placeResource, Key: d.cores, Unit: "percent of each GPU's multiprocessors", Becomes: coresBecomes},
		{System: system, Place: placeAnnotate, Key: d.mode, Unit: "hami-core, mig or mps", Becomes: modeBecomes},
		{System: system, Place: placeAnnotate, Key: d.useType, Unit: "parts of names", Becomes: typeBecomes},
		{System: system, Place: placeAnnotate, Key: d.noType, Unit: "parts of names", Becomes: typeBecomes + ", none of them"},
		{System: system, Place: placeAnnotate, Key: d.useUUID, Unit: "UUIDs", Becomes: uuidBecomes},
		{System: system, Place: placeAnnotate, Key: d.noUUID, Unit: "UUIDs", Becomes: uuidBecomes + ", none of them"},
	}
	if d.numaBind != "" {
		rows = append(rows, Key{System: system, Place: placeAnnotate, Key: d.numaBind, Unit: "true",
			Becomes: "matchAttribute resource.kubernetes.io/numaNode, for several GPUs"})
	}
	rows = append(rows, notKeptRows(system, placeAnnotate, d.notKeptAnnotations)...)
	return append(rows, notKeptRows(system, placeResource, d.notKeptResource)...)
}

func hamiTable() []Key { return hamiDialect.tableRows("HAMi") }

func volcanoTable() []Key {
	const system = "Volcano"
	return append(volcanoDialect.tableRows(system),
		Key{System: system, Place: placeResource, Key: volcanoOldMemory, Unit: "MiB of one GPU", Becomes: shareBecomes},
		Key{System: system, Place: placeResource, Key: volcanoOldNumber, Unit: "GPUs", Becomes: wholeBecomes})
}

func koordTable() []Key {
	const system = "Koordinator"
	rows := []Key{
		{System: system, Place: placeResource, Key: koordGPU, Unit: hundredths,
			Becomes: "gpu-memory-ratio of the same; the multiprocessors below 100 are not kept"},
		{System: system, Place: placeResource, Key: koordShared, Unit: "GPUs", Becomes: "number of GPUs, among which the rest is divided"},
		{System: system, Place: placeResource, Key: koordCore, Unit: hundredths,
			Becomes: "at 100 for each GPU nothing more; below, it is not kept"},
		{System: system, Place: placeResource, Key: koordMemory, Unit: "bytes, over all of the pod's GPUs", Becomes: shareBecomes},
		{System: system, Place: placeResource, Key: koordRatio, Unit: hundredths,
			Becomes: "100 for each GPU: whole GPUs; below: " + percentShare},
		{System: system, Place: placeResource, Key: deviceapi.GPUResource, Unit: "GPUs",
			Becomes: wholeBecomes + ", for schedulerName koord-scheduler"},
	}
	rows = append(rows, notKeptRows(system, placeAnnotate, koordNotKept)...)
	return append(rows, notKeptRows(system, placeLabel, koordLabelsNotKept)...)
}
