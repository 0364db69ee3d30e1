package main

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/tools/cache"

	"github.com/ashlar-dev/ashlar/test/cluster"
	"github.com/ashlar-dev/ashlar/test/install"
)

// rounds is how often each scheduler binds each kind of pod, in turn, so that what else
// the machine does strikes both.
const rounds = 5

// podKind is a kind of pod to bind.
type podKind struct {
	name string
	gpus string // "" for none
}

var podKinds = []podKind{{"without GPUs", ""}, {"with one GPU", "1"}}

// bindingRate is what one scheduler reached with one kind of pod, in pods per second, a
// figure for each round.
type bindingRate map[podKind]map[string][]float64

// runDevicePlugin measures on nodes whose GPUs a device plugin hands out. Pods are created
// before a scheduler starts, which is then timed from the first that it binds to the last:
// creating pods takes the API server longer than binding them.
func (b *schedulerBenchmark) runDevicePlugin(ctx context.Context, nodes, pods int) (string, error) {
	if err := b.setUpDevicePlugin(ctx, nodes); err != nil {
		return "", err
	}
	stock, ours := "kube-scheduler "+cluster.KubernetesVersion, "ashlar-scheduler"
	rates := bindingRate{}
	for round := range rounds {
		for _, kind := range podKinds {
			for _, subject := range []struct {
				name  string
				start func(context.Context) (*cluster.Process, error)
			}{{stock, b.startStock}, {ours, b.startAshlar}} {
				rate, err := b.measureBinding(ctx, kind, pods, subject.start)
				if err != nil {
					return "", fmt.Errorf("%s, pods %s: %w", subject.name, kind.name, err)
				}
				if rates[kind] == nil {
					rates[kind] = map[string][]float64{}
				}
				rates[kind][subject.name] = append(rates[kind][subject.name], rate)
				b.say(fmt.Sprintf("round %d: %s binds %.0f pods/s %s", round+1, subject.name, rate, kind.name))
			}
		}
	}
	return rates.describeTable(nodes, pods, stock, ours), nil
}

// setUpDevicePlugin adds nodes of eight GPUs each, with the labels of GPU feature discovery.
func (b *schedulerBenchmark) setUpDevicePlugin(ctx context.Context, nodes int) error {
	if err := install.EnsureNamespace(ctx, b.cluster, b.client, namespace); err != nil {
		return err
	}
	b.say(fmt.Sprintf("adding %d nodes", nodes))
	var specs []cluster.NodeSpec
	for i := range nodes {
		specs = append(specs, cluster.NodeSpec{
			Name: fmt.Sprintf("node-%d", i),
			Labels: map[string]string{
				"nvidia.com/gpu.present": "true", "nvidia.com/gpu.product": "NVIDIA-H100-80GB-HBM3", "nvidia.com/gpu.memory": "81559",
				"nvidia.com/gpu.count": "8", "nvidia.com/gpu.replicas": "1", "nvidia.com/gpu.sharing-strategy": "none",
			},
			Capacity: corev1.ResourceList{"nvidia.com/gpu": resource.MustParse("8")},
		})
	}
	return b.cluster.AddNodes(ctx, specs)
}

// measureBinding is how many pods a second a scheduler binds.
func (b *schedulerBenchmark) measureBinding(
	ctx context.Context, kind podKind, pods int, start func(context.Context) (*cluster.Process, error),
) (float64, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	b.runs++
	run := fmt.Sprintf("run-%d", b.runs)
	group, groupCtx := errgroup.WithContext(ctx)
	group.SetLimit(writers)
	for i := range pods {
		group.Go(func() error {
			_, err := b.client.CoreV1().Pods(namespace).Create(groupCtx, plainPod(fmt.Sprintf("%s-%d", run, i), run, kind), metav1.CreateOptions{})
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return 0, err
	}
	bound := make(chan []time.Time, 1)
	defer b.watchBinding(run, pods, bound)()
	scheduler, err := start(ctx)
	if err != nil {
		return 0, err
	}
	var times []time.Time
	select {
	case times = <-bound:
	case <-ctx.Done():
		return 0, ctx.Err()
	}
	if err := scheduler.Stop(); err != nil {
		return 0, err
	}
	return float64(len(times)-1) / times[len(times)-1].Sub(times[0]).Seconds(), b.clearCluster(ctx)
}

// watchBinding sends when each pod of a run was seen to be bound, once all are. The
// function that it returns ends the watch.
func (b *schedulerBenchmark) watchBinding(run string, pods int, bound chan<- []time.Time) func() {
	var mutex sync.Mutex
	seen := map[types.UID]bool{}
	var times []time.Time
	look := func(object any) {
		pod, ok := object.(*corev1.Pod)
		if !ok || pod.Spec.NodeName == "" {
			return
		}
		mutex.Lock()
		defer mutex.Unlock()
		if seen[pod.UID] {
			return
		}
		seen[pod.UID] = true
		if times = append(times, time.Now()); len(times) == pods {
			bound <- times
		}
	}
	factory := informers.NewSharedInformerFactoryWithOptions(b.client, 0, informers.WithNamespace(namespace),
		informers.WithTweakListOptions(func(options *metav1.ListOptions) { options.LabelSelector = "run=" + run }))
	informer := factory.Core().V1().Pods().Informer()
	_, _ = informer.AddEventHandler(cache.ResourceEventHandlerFuncs{AddFunc: look, UpdateFunc: func(_, object any) { look(object) }})
	stop := make(chan struct{})
	factory.Start(stop)
	factory.WaitForCacheSync(stop)
	return func() {
		close(stop)
		factory.Shutdown()
	}
}

func plainPod(name, run string, kind podKind) *corev1.Pod {
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{"run": run}},
		Spec: corev1.PodSpec{SchedulerName: "measured", Containers: []corev1.Container{{
			Name: "c", Image: "example.com/none",
			Resources: corev1.ResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("100m")}},
		}}},
	}
	if kind.gpus != "" {
		pod.Spec.Containers[0].Resources.Limits = corev1.ResourceList{"nvidia.com/gpu": resource.MustParse(kind.gpus)}
	}
	return pod
}

// describeTable is the table: the median of the rounds, and the median of their ratios.
func (r bindingRate) describeTable(nodes, pods int, stock, ours string) string {
	var text strings.Builder
	fmt.Fprintf(&text, "%d nodes of 8 GPUs behind a device plugin, %d pods at a time, median of %d rounds in turn; %d cores shared with etcd "+
		"and the API server, %s, %s\n\n", nodes, pods, rounds, runtime.NumCPU(), runtime.Version(), time.Now().UTC().Format(time.DateOnly))
	fmt.Fprintf(&text, "| pods | %s, pods/s | %s, pods/s | ratio |\n| --- | ---: | ---: | ---: |\n", stock, ours)
	for _, kind := range podKinds {
		var ratios []float64
		for i, rate := range r[kind][stock] {
			ratios = append(ratios, r[kind][ours][i]/rate)
		}
		fmt.Fprintf(&text, "| %s | %.0f | %.0f | %.2f |\n", kind.name, medianOf(r[kind][stock]), medianOf(r[kind][ours]), medianOf(ratios))
	}
	return strings.TrimSpace(text.String())
}

// medianOf is the middle of an odd number of values.
func medianOf(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}
