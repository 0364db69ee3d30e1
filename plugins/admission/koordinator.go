package admission

import (
	"math/big"

	v1 "k8s.io/api/core/v1"

	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/deviceapi"
)

// The keys of Koordinator. All of them are of the whole pod, over all its GPUs.
const (
	koordScheduler = "koord-scheduler"

	koordGPU    = "koordinator.sh/gpu"              // hundredths of GPUs: multiprocessors and memory
	koordShared = "koordinator.sh/gpu.shared"       // number of GPUs among which the rest is divided
	koordCore   = "koordinator.sh/gpu-core"         // hundredths of GPUs: multiprocessors
	koordMemory = "koordinator.sh/gpu-memory"       // bytes
	koordRatio  = "koordinator.sh/gpu-memory-ratio" // hundredths of GPUs: memory
)

var koordKeys = []string{koordGPU, koordShared, koordCore, koordMemory, koordRatio}

var koordNotKept = []keyReason{
	{"scheduling.koordinator.sh/device-joint-allocate", "claim GPU and adapter together, see docs"},
	{"scheduling.koordinator.sh/gpu-partition-spec", "NVLink islands are preferred; a claim can insist on nvlinkIsland"},
	{"scheduling.koordinator.sh/device-allocate-hint", "a claim selects devices by attributes"},
	{"gang.scheduling.koordinator.sh/name", "state the gang with label scheduling.x-k8s.io/pod-group"},
	{"gang.scheduling.koordinator.sh/min-available", "state it as minMember of a scheduling.x-k8s.io PodGroup"},
	{"gang.scheduling.koordinator.sh/network-topology-spec", "state ashlar.dev/required-topology instead"},
}

var koordLabelsNotKept = []keyReason{
	{"koordinator.sh/gpu-isolation-provider", "Ashlar's shares are isolated as its driver does"},
	{"quota.scheduling.koordinator.sh/name", "Ashlar has no queues: put Kueue in front"},
}

// koordAmounts are amounts of a pod, each with the key that states it.
type koordAmounts struct {
	amount map[string]int64
	stated map[string]statedKey
}

func (k *koordAmounts) hasAmount(key string) bool { return k.amount[key] > 0 }

// readKoordinator reads the keys of Koordinator: what all containers ask for together.
func readKoordinator(r *peerReading) error {
	keys := koordKeys
	if r.isFor(koordScheduler) {
		keys = append([]string{deviceapi.GPUResource}, koordKeys...)
	}
	amounts, containers, err := r.sumKoordinator(keys)
	if err != nil || len(containers) == 0 {
		return err
	}
	ask, stated, err := amounts.gpuAsk(r)
	if err != nil || ask == nil {
		return err
	}
	r.schedulers = append(r.schedulers, koordScheduler)
	r.noteAnnotations(r.pod.Annotations, koordNotKept)
	r.noteAnnotations(r.pod.Labels, koordLabelsNotKept)
	r.asks = append(r.asks, containerAsk{containers: containers, ask: *ask, stated: stated})
	return nil
}

// sumKoordinator adds up what containers ask for, as the pod's request is reckoned: what those that
// run together ask for, or what one that runs before them does if that is more.
func (r *peerReading) sumKoordinator(keys []string) (*koordAmounts, []*v1.Container, error) {
	sums := &koordAmounts{amount: map[string]int64{}, stated: map[string]statedKey{}}
	before := map[string]int64{}
	var containers []*v1.Container
	err := eachContainer(r.pod, func(c *v1.Container, init bool) error {
		if hasClaims(c) || !(containerKeys{c}).hasAny(keys...) {
			return nil
		}
		containers = append(containers, c)
		for _, key := range keys {
			n, stated, found, err := containerKeys{c}.amountOf(key)
			if err != nil {
				return err
			}
			if !found {
				continue
			}
			most := int64(100 * mostGPUs)
			if key == koordMemory {
				most = int64(mostMemory)
			}
			if n > most {
				return refusePod("container %s: %s is out of bounds: it is in %s", c.Name, stated, koordUnit(key))
			}
			if _, known := sums.stated[key]; !known {
				sums.stated[key] = stated
			}
			if init {
				before[key] = max(before[key], n)
			} else {
				sums.amount[key] += n
			}
		}
		return nil
	})
	for key, n := range before {
		sums.amount[key] = max(sums.amount[key], n)
	}
	return sums, containers, err
}

// koordUnit is a key's unit, for people.
func koordUnit(key string) string {
	switch key {
	case koordMemory:
		return "bytes"
	case koordShared, deviceapi.GPUResource:
		return "GPUs"
	}
	return "hundredths of GPUs"
}

// gpuAsk is what the amounts mean, nil if they ask for nothing. The rules are those of
// Koordinator's device plugin of its scheduler (ValidateDeviceRequest): others are refused there too.
func (k *koordAmounts) gpuAsk(r *peerReading) (*gpuAsk, []statedKey, error) {
	var stated []statedKey
	for _, key := range append([]string{deviceapi.GPUResource}, koordKeys...) {
		if k.hasAmount(key) {
			stated = append(stated, k.stated[key])
		}
	}
	if shared, found := k.stated[koordShared]; found && !k.hasAmount(koordShared) && len(stated) > 0 {
		return nil, nil, refuseContradiction("", shared, stated[0], "the one asks for no GPU, the other for part of one")
	}
	for _, alone := range []string{deviceapi.GPUResource, koordGPU} {
		if !k.hasAmount(alone) {
			continue
		}
		for _, other := range stated {
			if other.key != alone {
				return nil, nil, refuseContradiction("", k.stated[alone], other, "each says how much of how many GPUs: keep one")
			}
		}
	}
	switch {
	case len(stated) == 0:
		return nil, nil, nil
	case k.hasAmount(deviceapi.GPUResource):
		return &gpuAsk{count: min(k.amount[deviceapi.GPUResource], mostGPUs), form: wholeForm}, stated, nil
	case k.hasAmount(koordGPU):
		k.amount[koordCore], k.amount[koordRatio] = k.amount[koordGPU], k.amount[koordGPU]
		k.stated[koordCore], k.stated[koordRatio] = k.stated[koordGPU], k.stated[koordGPU]
	case k.hasAmount(koordMemory) && k.hasAmount(koordRatio):
		return nil, nil, refuseContradiction("", k.stated[koordMemory], k.stated[koordRatio], "each says how much memory: keep one")
	case !k.hasAmount(koordMemory) && !k.hasAmount(koordRatio):
		return nil, nil, refusePod("%s says nothing of memory: state %s or %s beside it", stated[0], koordMemory, koordRatio)
	}
	ask, err := k.divideAmounts(r)
	return ask, stated, err
}

// divideAmounts divides the pod's amounts among its GPUs.
func (k *koordAmounts) divideAmounts(r *peerReading) (*gpuAsk, error) {
	count := max(1, k.amount[koordShared])
	for _, key := range []string{koordCore, koordRatio} {
		n := k.amount[key]
		switch {
		case k.hasAmount(koordShared) && (n%count != 0 || n/count > 100):
			return nil, refuseContradiction("", k.stated[koordShared], k.stated[key], "want a multiple of the GPUs, at most 100 for each")
		case !k.hasAmount(koordShared) && n > 100 && n%100 != 0:
			return nil, refusePod("%s: more than one GPU is asked for in multiples of 100, or with %s", k.stated[key], koordShared)
		}
	}
	if !k.hasAmount(koordShared) {
		count = max(1, k.amount[koordRatio]/100)
	}
	if count > mostGPUs {
		return nil, refusePod("a pod can have at most %d GPUs, and it asks for %d", mostGPUs, count)
	}
	cores := k.amount[koordCore] / count
	if cores > 100 {
		memory := k.stated[koordMemory]
		if k.hasAmount(koordRatio) {
			memory = k.stated[koordRatio]
		}
		return nil, refuseContradiction("", k.stated[koordCore], memory, "the one asks for more GPUs than the other")
	}
	if cores > 0 && cores < 100 {
		r.addNote("%s is not kept: a share's multiprocessors are not limited", k.stated[koordCore])
	}
	ask := &gpuAsk{count: count, form: shareForm}
	switch ratio := k.amount[koordRatio] / count; {
	case k.hasAmount(koordMemory):
		ask.memory = (topology.Bytes(k.amount[koordMemory]) + topology.Bytes(count) - 1) / topology.Bytes(count)
		if k.amount[koordMemory] < int64(topology.MiB) {
			r.addNote("%s is in bytes: write 8192 MiB as 8Gi", k.stated[koordMemory])
		}
	case ratio == 100:
		ask.form = wholeForm
	default:
		ask.percent = big.NewRat(ratio, 1)
	}
	return ask, nil
}
