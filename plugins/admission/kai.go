package admission

import (
	"fmt"
	"math/big"
	"slices"
	"strconv"
	"strings"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/deviceapi"
)

// The keys of KAI.
const (
	kaiScheduler = "kai-scheduler"

	kaiFraction      = "gpu-fraction"
	kaiMemory        = "gpu-memory"
	kaiDevices       = "gpu-fraction-num-devices"
	kaiContainer     = "gpu-fraction-container-name"
	kaiMPS           = "mps"
	kaiMemoryPrefix  = "nvidia.com/container."
	kaiRequestSuffix = ".gpu-memory.request"
	kaiLimitSuffix   = ".gpu-memory.limit"
	kaiModeSuffix    = ".gpu-compute.mode"
	kaiPortionPrefix = "kai.scheduler/container."
)

var kaiNotKept = []keyReason{
	{"pod-group-name", "state the gang with label scheduling.x-k8s.io/pod-group"},
	{"kai.scheduler/batch-min-member", "state it as minMember of a scheduling.x-k8s.io PodGroup"},
	{"kai.scheduler/topology", "state ashlar.dev/required-topology instead"},
	{"kai.scheduler/topology-required-placement", "state ashlar.dev/required-topology instead"},
	{"kai.scheduler/topology-preferred-placement", "state ashlar.dev/preferred-topology instead"},
	{"kai.scheduler/segment-size", "gangs are not divided into segments"},
	{"kai.scheduler/segment-topology-required-placement", "gangs are not divided into segments"},
	{"kai.scheduler/segment-topology-preferred-placement", "gangs are not divided into segments"},
	{"kai.scheduler/preemption-delay", "preemption goes by priority alone"},
	{"kai.scheduler/task-priority", "state a PriorityClass"},
	{"gpu-memory.limit", "a share's memory is its limit"},
	{"gpu-fraction.limit", "a share's memory is its limit"},
	{"gpu-sm-percentage", "only MPS limits multiprocessors, and KAI's mps does not say by how much"},
	{"gpu-sm-cores", "only MPS limits multiprocessors, and KAI's mps does not say by how much"},
	{"kai.scheduler/staleness-grace-period", "gangs are held as their PodGroup says"},
}

var kaiLabelsNotKept = []keyReason{
	{"kai.scheduler/queue", "Ashlar has no queues: put Kueue in front"},
	{"kai.scheduler/node-pool", "state it in nodeSelector"},
	{"kai.scheduler/preemptibility", "state a PriorityClass with preemptionPolicy"},
	{"kai.scheduler/subgroup-name", "a gang has no groups within"},
	{"priorityClassName", "state it in spec.priorityClassName"},
}

// readKAI reads the keys of KAI, which are annotations that count for one container, and for
// pods that name its scheduler the resources of whole GPUs and MIG slices too.
func readKAI(r *peerReading) error {
	before := len(r.asks)
	if err := r.readKAIShare(); err != nil {
		return err
	}
	if err := r.readKAIContainers(); err != nil {
		return err
	}
	if r.isFor(kaiScheduler) {
		if err := r.readWholeGPUs(); err != nil {
			return err
		}
	}
	if len(r.asks) == before && !r.isFor(kaiScheduler) {
		return nil
	}
	r.schedulers = append(r.schedulers, kaiScheduler)
	r.noteAnnotations(r.pod.Annotations, kaiNotKept)
	r.noteAnnotations(r.pod.Labels, kaiLabelsNotKept)
	return nil
}

// readKAIShare reads gpu-fraction and gpu-memory.
func (r *peerReading) readKAIShare() error {
	stated := func(key string) (statedKey, bool) {
		value, found := r.pod.Annotations[key]
		return statedKey{key, shortValue(value)}, found
	}
	fraction, hasFraction := stated(kaiFraction)
	memory, hasMemory := stated(kaiMemory)
	devices, hasDevices := stated(kaiDevices)
	ask := gpuAsk{count: 1, form: shareForm}
	all := containerAsk{}
	switch {
	case hasFraction && hasMemory:
		return refuseContradiction("", fraction, memory, "each says how much of a GPU: keep one")
	case hasFraction:
		part, err := parseFraction(r.pod.Annotations[kaiFraction])
		if err != nil {
			return refusePod("annotation %s: %v", fraction, err)
		}
		ask.percent = new(big.Rat).Mul(part, big.NewRat(100, 1))
		all.stated = append(all.stated, fraction)
	case hasMemory:
		n, err := strconv.ParseInt(r.pod.Annotations[kaiMemory], 10, 64)
		if err != nil || n < 1 || n > int64(mostMemory/topology.MiB) {
			return refusePod("annotation %s: want a whole number of MiB, such as 8192 for 8Gi", memory)
		}
		ask.memory = topology.Bytes(n) * topology.MiB
		all.stated = append(all.stated, memory)
	case hasDevices:
		return refusePod("annotation %s: it counts the GPUs of %s or %s, and neither is there", devices, kaiFraction, kaiMemory)
	default:
		return nil
	}
	if hasDevices {
		n, err := strconv.ParseInt(r.pod.Annotations[kaiDevices], 10, 64)
		if err != nil || n < 1 || n > mostGPUs {
			return refusePod("annotation %s: want a number of GPUs, 1 or more", devices)
		}
		ask.count = n
		all.stated = append(all.stated, devices)
	}
	if mps, found := stated(kaiMPS); found {
		switch mps.value {
		case "true":
			ask.mps = true
			all.stated = append(all.stated, mps)
		case "false":
		default:
			return refusePod("annotation %s: want true or false", mps)
		}
	}
	container, init, err := r.kaiContainer()
	if err != nil || hasClaims(container) {
		return err
	}
	all.containers, all.init, all.ask = []*v1.Container{container}, init, ask
	r.asks = append(r.asks, all)
	return nil
}

// kaiContainer is the container that gets the GPU, the first one where none is named.
func (r *peerReading) kaiContainer() (container *v1.Container, init bool, err error) {
	if len(r.pod.Spec.Containers) == 0 {
		return nil, false, refusePod("the pod has no containers")
	}
	name, named := r.pod.Annotations[kaiContainer]
	if !named {
		return &r.pod.Spec.Containers[0], false, nil
	}
	err = eachContainer(r.pod, func(c *v1.Container, isInit bool) error {
		if c.Name == name && container == nil {
			container, init = c, isInit
		}
		return nil
	})
	if err == nil && container == nil {
		err = refusePod("annotation %s: the pod has no such container", statedKey{kaiContainer, shortValue(name)})
	}
	return container, init, err
}

// readKAIContainers reads the memory that annotations state for each container.
func (r *peerReading) readKAIContainers() error {
	return eachContainer(r.pod, func(c *v1.Container, init bool) error {
		prefix := kaiMemoryPrefix + c.Name
		request, hasRequest, err := r.kaiQuantity(prefix + kaiRequestSuffix)
		if err != nil {
			return err
		}
		limit, hasLimit, err := r.kaiQuantity(prefix + kaiLimitSuffix)
		if err != nil {
			return err
		}
		r.noteAnnotations(r.pod.Annotations, []keyReason{
			{kaiPortionPrefix + c.Name + ".gpu-memory.portion.limit", "a share's memory is its limit"},
		})
		if !hasRequest && !hasLimit || hasClaims(c) {
			return nil
		}
		statedRequest := statedKey{prefix + kaiRequestSuffix, r.pod.Annotations[prefix+kaiRequestSuffix]}
		statedLimit := statedKey{prefix + kaiLimitSuffix, r.pod.Annotations[prefix+kaiLimitSuffix]}
		var stated []statedKey
		switch {
		case !hasRequest:
			request, stated = limit, []statedKey{statedLimit}
		case !hasLimit:
			stated = []statedKey{statedRequest}
		case request > limit:
			return refuseContradiction("", statedRequest, statedLimit, "the request is more than the limit")
		case request < limit:
			r.addNote("%s and %s are not kept: a share has one amount, which is both", statedRequest, statedLimit)
			return nil
		default:
			stated = []statedKey{statedRequest, statedLimit}
		}
		ask := gpuAsk{count: 1, form: shareForm, memory: request}
		switch mode := (statedKey{prefix + kaiModeSuffix, shortValue(r.pod.Annotations[prefix+kaiModeSuffix])}); mode.value {
		case "", "time-slicing":
		default:
			r.addNote("%s is not kept: shares take turns", mode)
		}
		r.asks = append(r.asks, containerAsk{containers: []*v1.Container{c}, init: init, ask: ask, stated: stated})
		return nil
	})
}

func (r *peerReading) kaiQuantity(key string) (topology.Bytes, bool, error) {
	text, found := r.pod.Annotations[key]
	if !found {
		return 0, false, nil
	}
	var bytes int64
	q, err := resource.ParseQuantity(text)
	if err == nil {
		bytes = q.Value()
	}
	if err != nil || bytes < 1 || bytes > int64(mostMemory) {
		return 0, true, refusePod("annotation %s: want a quantity of memory, such as 8Gi", statedKey{key, shortValue(text)})
	}
	return topology.Bytes(bytes), true, nil
}

// readWholeGPUs reads nvidia.com/gpu and nvidia.com/mig-* of containers whose asks are not
// read yet.
func (r *peerReading) readWholeGPUs() error {
	return eachContainer(r.pod, func(c *v1.Container, init bool) error {
		isAsked := func(a containerAsk) bool { return slices.Contains(a.containers, c) }
		if hasClaims(c) || slices.ContainsFunc(r.asks, isAsked) {
			return nil
		}
		keys := containerKeys{c}
		n, stated, _, err := keys.countOf(deviceapi.GPUResource)
		if err != nil {
			return err
		}
		ask, migStated, err := migAsk(keys)
		switch {
		case err != nil:
			return err
		case n > 0 && ask != nil:
			r.addNote("container %s: %s and %s stay as they are: a container gets one claim", c.Name, stated, migStated)
			return nil
		case n > 0:
			ask = &gpuAsk{count: n, form: wholeForm}
		case ask != nil:
			stated = migStated
		default:
			return nil
		}
		r.asks = append(r.asks, containerAsk{containers: []*v1.Container{c}, init: init, ask: *ask, stated: []statedKey{stated}})
		return nil
	})
}

// isContainerKey reports whether a key of KAI is about one container, and about which.
func isContainerKey(key string) (container string, ok bool) {
	rest, found := strings.CutPrefix(key, kaiMemoryPrefix)
	if !found {
		return "", false
	}
	for _, suffix := range []string{kaiRequestSuffix, kaiLimitSuffix, kaiModeSuffix} {
		if name, ends := strings.CutSuffix(rest, suffix); ends {
			return name, true
		}
	}
	return "", false
}

// noteStrayKeys notes annotations about containers that the pod does not have.
func (r *peerReading) noteStrayKeys() {
	known := map[string]bool{}
	_ = eachContainer(r.pod, func(c *v1.Container, _ bool) error { known[c.Name] = true; return nil })
	var stray []string
	for key := range r.pod.Annotations {
		if name, ok := isContainerKey(key); ok && !known[name] {
			stray = append(stray, fmt.Sprintf("annotation %s is not read: the pod has no container %s", key, shortValue(name)))
		}
	}
	slices.Sort(stray)
	for _, text := range stray {
		r.addNote("%s", text)
	}
}
