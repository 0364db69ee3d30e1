package mixednodes

import (
	"fmt"
	"math/rand"
	"slices"

	corev1 "k8s.io/api/core/v1"
	resourceapi "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ashlar-dev/ashlar/test/cluster"
	"github.com/ashlar-dev/ashlar/topology"
)

const (
	namespace = "mixed"
	scheduler = "ashlar-scheduler"
	// requestAnnotation says how the pod asks for GPUs, hopelessAnnotation that it must
	// never be bound, and why.
	requestAnnotation  = "example.com/request"
	hopelessAnnotation = "example.com/hopeless"
	memoryAnnotation   = "ashlar.dev/gpu-memory"
	// urgent is the class of pods for which others are ended.
	urgent = "urgent"
)

// arrival is a pod of the stream, with the claim that it needs, if any.
type arrival struct {
	pod   *corev1.Pod
	claim *resourceapi.ResourceClaim
	// rounds is after how many rounds the pod is deleted, at once if abrupt says so and
	// with notice otherwise.
	rounds int
	abrupt bool
}

// newWorkload draws the stream of pods for a fleet.
func newWorkload(random *rand.Rand, fleet []*fleetNode, pods int) []*arrival {
	kinds, total := append(slices.Clone(requestKinds), slicesOn(fleet)), 0
	for _, kind := range kinds {
		total += kind.weight
	}
	var list []*arrival
	for i := range pods {
		at := random.Intn(total)
		for _, kind := range kinds {
			if at -= kind.weight; at < 0 {
				list = append(list, newArrival(random, fmt.Sprintf("pod-%04d", i), kind.draw(random)))
				break
			}
		}
	}
	return list
}

func newArrival(random *rand.Rand, name string, request *gpuRequest) *arrival {
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: namespace, Annotations: map[string]string{}}}
	pod.Spec.SchedulerName = scheduler
	pod.Spec.Containers = []corev1.Container{{Name: "main", Image: "example.com/training"}}
	pod.Spec.Containers[0].Resources.Requests = corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("100m")}
	a := &arrival{pod: pod, claim: request.apply(pod), rounds: 1 + int(random.ExpFloat64()*meanRounds), abrupt: random.Intn(2) == 0}
	if request.selector[twiceMark] != "" {
		a.rounds = 1 + random.Intn(3) // so that such nodes change hands
	}
	gpus := request.gpus()
	switch what := random.Intn(20); {
	case gpus == 0:
	case what == 0:
		contradict(random, pod, gpus)
	case what < 11 && servedModels[gpus] != nil:
		drawServer(random, gpus, request.divided).serve(pod)
	case what < 15:
		pod.Annotations[memoryAnnotation] = fmt.Sprintf("%dMi", drawMemory(random, request.divided)/topology.MiB)
	}
	if random.Intn(12) == 0 { // it ends by itself
		pod.Spec.RestartPolicy = corev1.RestartPolicyNever
		pod.Annotations[cluster.RunFor] = "2s"
	}
	if random.Intn(25) == 0 {
		pod.Spec.PriorityClassName = urgent
	}
	return a
}

// meanRounds is how many rounds a pod stays on average.
const meanRounds = 8

// drawMemory draws what a pod states to take of each GPU.
func drawMemory(random *rand.Rand, divided bool) topology.Bytes {
	memory := topology.Bytes(1+random.Intn(40)) * topology.GiB
	if divided {
		memory = topology.Bytes(1+random.Intn(24)) * topology.GiB / 2
	}
	return memory + topology.Bytes(random.Intn(1024))*topology.MiB
}

// contradict gives the pod settings with which no server starts.
func contradict(random *rand.Rand, pod *corev1.Pod, gpus int64) {
	switch random.Intn(3) {
	case 0:
		(&modelServer{Model: "Qwen/Qwen3-0.6B", Release: 11, MaxModelLen: 2048, TensorParallel: 2 * gpus}).serve(pod)
		pod.Annotations[hopelessAnnotation] = fmt.Sprintf("spans %d GPUs and asks for %d", 2*gpus, gpus)
	case 1:
		(&modelServer{Model: "Qwen/Qwen3-0.6B", Release: 11, MaxModelLen: 2048, Percent: 150}).serve(pod)
		pod.Annotations[hopelessAnnotation] = "takes 1.5 of each GPU"
	case 2:
		pod.Annotations[memoryAnnotation] = "lots"
		pod.Annotations[hopelessAnnotation] = "states no amount of memory"
	}
}
