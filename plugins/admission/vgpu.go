package admission

import (
	"math/big"
	"strings"

	v1 "k8s.io/api/core/v1"

	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/deviceapi"
)

// vgpuDialect is how HAMi and Volcano, which took over its virtual GPUs, name the same things.
type vgpuDialect struct {
	scheduler string
	// count, memory in MiB, memory and multiprocessors in percent: of each GPU.
	count, memory, percent, cores string
	// counts are the keys that ask for a GPU where no count is stated: then for one.
	counts []string
	// mode is hami-core, mig or mps.
	mode                                string
	useType, noType, useUUID, noUUID    string
	numaBind                            string
	notKeptAnnotations, notKeptResource []keyReason
}

var hamiDialect = vgpuDialect{
	scheduler: "hami-scheduler",
	count:     deviceapi.GPUResource, memory: "nvidia.com/gpumem", percent: "nvidia.com/gpumem-percentage", cores: "nvidia.com/gpucores",
	counts: []string{"nvidia.com/gpumem", "nvidia.com/gpumem-percentage", "nvidia.com/gpucores"},
	mode:   "nvidia.com/vgpu-mode", numaBind: "nvidia.com/numa-bind",
	useType: "nvidia.com/use-gputype", noType: "nvidia.com/nouse-gputype",
	useUUID: "nvidia.com/use-gpuuuid", noUUID: "nvidia.com/nouse-gpuuuid",
	notKeptAnnotations: []keyReason{
		{"hami.io/node-scheduler-policy", "Ashlar's scheduler chooses by what stays placeable"},
		{"hami.io/gpu-scheduler-policy", "Ashlar's scheduler chooses by what stays placeable"},
		{"hami.io/device-scoring-weights", "Ashlar's scheduler chooses by what stays placeable"},
	},
	notKeptResource: []keyReason{{"nvidia.com/priority", "shares take turns without priorities"}},
}

var volcanoDialect = vgpuDialect{
	scheduler: "volcano",
	count:     "volcano.sh/vgpu-number", memory: "volcano.sh/vgpu-memory", percent: "volcano.sh/vgpu-memory-percentage",
	cores: "volcano.sh/vgpu-cores", counts: []string{"volcano.sh/vgpu-memory"},
	mode: "volcano.sh/vgpu-mode", useType: "nvidia.com/use-gputype", noType: "nvidia.com/nouse-gputype",
	useUUID: "volcano.sh/vgpu-use-gpuuuid", noUUID: "volcano.sh/vgpu-nouse-gpuuuid",
	notKeptAnnotations: []keyReason{
		{"scheduling.k8s.io/group-name", "state the gang with label scheduling.x-k8s.io/pod-group"},
		{"scheduling.volcano.sh/queue-name", "Ashlar has no queues: put Kueue in front"},
		{"volcano.sh/vgpu-podgroup-policy", "state what must differ within a PodGroup with ashlar.dev/required-topology"},
		{"volcano.sh/numa-topology-policy", "it is about CPUs: the kubelet's topology manager does that"},
	},
}

// Volcano's keys from before it had virtual GPUs: MiB of one GPU, and whole GPUs.
const (
	volcanoOldMemory = "volcano.sh/gpu-memory"
	volcanoOldNumber = "volcano.sh/gpu-number"
)

// hasKeys reports whether a pod has keys by which the dialect is told.
func (d *vgpuDialect) hasKeys(r *peerReading) bool {
	found := r.isFor(d.scheduler)
	for _, key := range []string{d.mode, d.useType, d.noType, d.useUUID, d.noUUID} {
		_, stated := r.pod.Annotations[key]
		found = found || stated
	}
	_ = eachContainer(r.pod, func(c *v1.Container, _ bool) error {
		keys := containerKeys{c}
		found = found || keys.hasAny(d.memory, d.percent, d.cores) || d.count != deviceapi.GPUResource && keys.hasAny(d.count)
		return nil
	})
	return found
}

func readHAMi(r *peerReading) error {
	if !hamiDialect.hasKeys(r) {
		return nil
	}
	return hamiDialect.readPod(r)
}

func readVolcano(r *peerReading) error {
	if volcanoDialect.hasKeys(r) {
		if err := volcanoDialect.readPod(r); err != nil {
			return err
		}
	}
	return eachContainer(r.pod, func(c *v1.Container, init bool) error {
		if hasClaims(c) {
			return nil
		}
		return r.readOldVolcano(c, init)
	})
}

// readPod reads all containers.
func (d *vgpuDialect) readPod(r *peerReading) error {
	common, err := d.readAnnotations(r)
	if err != nil {
		return err
	}
	before := len(r.asks)
	defer func() {
		if len(r.asks) > before {
			r.schedulers = append(r.schedulers, d.scheduler)
			r.noteAnnotations(r.pod.Annotations, d.notKeptAnnotations)
		}
	}()
	return eachContainer(r.pod, func(c *v1.Container, init bool) error {
		if hasClaims(c) {
			return nil
		}
		keys := containerKeys{c}
		ask, stated, err := d.readContainer(r, keys, common)
		if err != nil || ask == nil {
			return err
		}
		for _, reason := range d.notKeptResource {
			if _, value, found, _ := keys.amountOf(reason.key); found {
				r.addNote("%s is not kept: %s", value, reason.because)
			}
		}
		r.asks = append(r.asks, containerAsk{containers: []*v1.Container{c}, init: init, ask: *ask, stated: stated})
		return nil
	})
}

// readAnnotations is what the pod's annotations say of all its GPUs.
func (d *vgpuDialect) readAnnotations(r *peerReading) (ask gpuAsk, err error) {
	if ask.products, err = r.productChoice(d.useType, d.noType); err != nil {
		return ask, err
	}
	if ask.uuids, err = r.readChoice(d.useUUID, d.noUUID); err != nil {
		return ask, err
	}
	if d.numaBind != "" {
		ask.sameNUMA = r.pod.Annotations[d.numaBind] == "true"
	}
	switch mode := (statedKey{d.mode, shortValue(r.pod.Annotations[d.mode])}); mode.value {
	case "", "hami-core":
		ask.form = shareForm
	case "mig":
		ask.form = migForm
	case "mps":
		ask.form, ask.mps = shareForm, true
	default:
		return ask, refusePod("annotation %s: want hami-core, mig or mps", mode)
	}
	return ask, nil
}

// readContainer is what a container asks for, nil if nothing.
func (d *vgpuDialect) readContainer(r *peerReading, keys containerKeys, ask gpuAsk) (*gpuAsk, []statedKey, error) {
	var stated []statedKey
	count, countStated, hasCount, err := keys.countOf(d.count)
	if err != nil {
		return nil, nil, err
	}
	memory, memoryStated, hasMemory, err := keys.mebibytesOf(d.memory)
	if err != nil {
		return nil, nil, err
	}
	percent, percentStated, hasPercent, err := keys.percentOf(d.percent, 1)
	if err != nil {
		return nil, nil, err
	}
	cores, coresStated, hasCores, err := keys.percentOf(d.cores, 0)
	if err != nil {
		return nil, nil, err
	}
	for _, one := range []struct {
		found  bool
		stated statedKey
	}{{hasCount, countStated}, {hasMemory, memoryStated}, {hasPercent, percentStated}, {hasCores, coresStated}} {
		if !one.found {
			continue
		}
		if stated = append(stated, one.stated); hasCount && count == 0 && one.stated != countStated && one.stated.value != "0" {
			return nil, nil, refuseContradiction(keys.placeText(), countStated, one.stated, "the one asks for no GPU, the other for part of one")
		}
	}
	hasMemory = hasMemory && memory > 0 // none is not stated
	switch {
	case len(stated) == 0 || hasCount && count == 0:
		return nil, nil, nil
	case hasMemory && hasPercent:
		return nil, nil, refuseContradiction(keys.placeText(), memoryStated, percentStated, "each says how much of a GPU: keep one")
	case !hasCount && !keys.hasAny(d.counts...):
		r.addNote("container %s: %s asks for no GPU without %s, and stays as it is", keys.container.Name, stated[0], d.count)
		return nil, nil, nil
	}
	ask.count = max(1, count)
	if ask.form == migForm {
		return d.sliceAsk(r, keys, ask, stated, memory, hasPercent)
	}
	whole := !hasMemory && (!hasPercent || percent == 100)
	switch {
	case whole, cores == 100: // all multiprocessors are nobody else's
		ask.form, ask.memory, ask.mps = wholeForm, memory, false
	case hasMemory:
		ask.memory = memory
	default:
		ask.percent = big.NewRat(percent, 1)
	}
	switch {
	case cores == 0 || cores == 100:
	case ask.mps:
		ask.threads = cores
	default:
		r.addNote("%s is not kept: only MPS limits multiprocessors, annotation %s: mps", coresStated, d.mode)
	}
	return &ask, stated, nil
}

// sliceAsk is what a container asks for that is to run in MIG slices.
func (d *vgpuDialect) sliceAsk(r *peerReading, keys containerKeys, ask gpuAsk, stated []statedKey, memory topology.Bytes,
	hasPercent bool) (*gpuAsk, []statedKey, error) {
	if hasPercent || memory == 0 {
		r.addNote("container %s: %s with %s: mig stays as it is: state the slice's memory in %s", keys.container.Name, stated[0], d.mode,
			d.memory)
		return nil, nil, nil
	}
	ask.memory = memory
	return &ask, stated, nil
}

// readOldVolcano reads Volcano's older keys.
func (r *peerReading) readOldVolcano(c *v1.Container, init bool) error {
	keys := containerKeys{c}
	memory, memoryStated, hasMemory, err := keys.mebibytesOf(volcanoOldMemory)
	if err != nil {
		return err
	}
	count, countStated, hasCount, err := keys.countOf(volcanoOldNumber)
	hasMemory, hasCount = hasMemory && memory > 0, hasCount && count > 0
	one := containerAsk{containers: []*v1.Container{c}, init: init}
	switch {
	case err != nil:
		return err
	case hasMemory && hasCount:
		return refuseContradiction(keys.placeText(), memoryStated, countStated,
			"the one asks for a part of a GPU, the other for whole ones: keep one")
	case hasMemory:
		one.ask, one.stated = gpuAsk{count: 1, form: shareForm, memory: memory}, []statedKey{memoryStated}
	case hasCount:
		one.ask, one.stated = gpuAsk{count: count, form: wholeForm}, []statedKey{countStated}
	default:
		return nil
	}
	r.asks = append(r.asks, one)
	if !strings.Contains(strings.Join(r.schedulers, " "), volcanoDialect.scheduler) {
		r.schedulers = append(r.schedulers, volcanoDialect.scheduler)
	}
	return nil
}
