package deviceplugin

import (
	"math/rand/v2"
	"slices"
	"testing"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/types"

	"github.com/ashlar-dev/ashlar/topology"
)

// sharedGPU is what is on one GPU: the pods that NVIDIA's plugin put there.
type sharedGPU struct {
	pods map[types.UID]topology.Bytes
	// replicas are those in use, by pod.
	replicas map[types.UID]int
}

func (g *sharedGPU) held() topology.Bytes {
	sum := topology.Bytes(0)
	for _, takes := range g.pods {
		sum += takes
	}
	return sum
}

func (g *sharedGPU) inUse() int {
	sum := 0
	for _, count := range g.replicas {
		sum += count
	}
	return sum
}

// giveReplica gives a pod a replica of one of the GPUs with the fewest in use.
func giveReplica(gpus []sharedGPU, random *rand.Rand, pod types.UID) *sharedGPU {
	fewest := gpus[0].inUse()
	for i := range gpus {
		fewest = min(fewest, gpus[i].inUse())
	}
	var candidates []int
	for i := range gpus {
		if gpus[i].inUse() == fewest {
			candidates = append(candidates, i)
		}
	}
	chosen := &gpus[candidates[random.IntN(len(candidates))]]
	chosen.replicas[pod]++
	return chosen
}

// Whatever comes and goes, and whichever of the GPUs with the fewest pods the plugin
// takes, no GPU is promised more than it has: neither to pods that say what they take nor to
// those that count on the part that a replica stands for, of which they may have several.
func TestNoGPUIsPromisedTwice(t *testing.T) {
	const name = "nvidia.com/gpu"
	for seed := range uint64(200) {
		random := rand.New(rand.NewPCG(seed, 1))
		devices, replicas := 1+random.IntN(4), 2+random.IntN(7)
		node := nodeOf(labelsOf("NVIDIA-L40S-SHARED", "46068", "", "nvidia.com/gpu.replicas", resource.NewQuantity(int64(replicas), "").String()),
			map[string]string{name: resource.NewQuantity(int64(devices*replicas), "").String()})
		usable := ReadNode(node).Resources[0].Device.Total
		source := NewSource()
		gpus := make([]sharedGPU, devices)
		for i := range gpus {
			gpus[i] = sharedGPU{pods: map[types.UID]topology.Bytes{}, replicas: map[types.UID]int{}}
		}
		var running []*v1.Pod
		placed := 0
		for range 120 {
			if len(running) > 0 && random.IntN(3) == 0 {
				gone := random.IntN(len(running))
				for i := range gpus {
					delete(gpus[i].pods, running[gone].UID)
					delete(gpus[i].replicas, running[gone].UID)
				}
				running = slices.Delete(running, gone, gone+1)
				continue
			}
			inUse := 0
			for i := range gpus {
				inUse += gpus[i].inUse()
			}
			count := 1 + random.IntN(4)/2
			if inUse+count > devices*replicas {
				continue // the kubelet has too few left
			}
			takes := topology.Bytes(1+random.IntN(40)) * topology.GiB
			pod := stated(name, resource.NewQuantity(int64(takes), resource.BinarySI).String())
			known := random.IntN(3) > 0
			if !known {
				pod.Annotations = nil
			}
			pod.Spec.Containers[0].Resources.Requests[name] = *resource.NewQuantity(int64(count), resource.DecimalSI)
			request, err := ReadPod(pod)
			if err != nil {
				t.Fatal(err)
			}
			if source.RefusalOn(request, infoOf(node, running...)) != nil {
				continue
			}
			running, placed = append(running, pod), placed+1
			for range count {
				chosen := giveReplica(gpus, random, pod.UID)
				if chosen.pods[pod.UID] = takes; !known {
					chosen.pods[pod.UID] = topology.Bytes(chosen.replicas[pod.UID]) * (usable / topology.Bytes(replicas))
				}
				if held := chosen.held(); held > usable {
					t.Fatalf("seed %d: a GPU of %s is promised %s to %d pods", seed, usable, held, len(chosen.pods))
				}
			}
		}
		if placed == 0 {
			t.Fatalf("seed %d: no pod was placed", seed)
		}
	}
}
