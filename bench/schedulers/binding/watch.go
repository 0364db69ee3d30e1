package binding

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
)

// CPUTime is what a scheduler's process has used so far.
type CPUTime func() (time.Duration, error)

// Patience is how long to wait.
type Patience struct {
	// First is for the first pod to be bound, Limit from then on. A scheduler that has not
	// bound all by then is rated by what it has bound.
	First, Limit time.Duration
}

// Watch sees pods being bound. Measure may be called once.
type Watch struct {
	asked   int
	stop    context.CancelFunc
	factory informers.SharedInformerFactory

	mutex       sync.Mutex
	cpu         CPUTime
	seen        map[types.UID]bool
	first, last bindingMoment
	err         error
	// begun is closed with the first, done with the last pod, or with an error.
	begun, done chan struct{}
}

// NewWatch watches the pods that a label selects in a namespace, of which so many are to be
// bound. It returns once it sees them.
func NewWatch(ctx context.Context, client kubernetes.Interface, namespace, selector string, pods int) (*Watch, error) {
	ctx, stop := context.WithCancel(ctx)
	w := &Watch{asked: pods, stop: stop, seen: map[types.UID]bool{}, begun: make(chan struct{}), done: make(chan struct{})}
	w.factory = informers.NewSharedInformerFactoryWithOptions(client, 0, informers.WithNamespace(namespace),
		informers.WithTweakListOptions(func(options *metav1.ListOptions) { options.LabelSelector = selector }))
	informer := w.factory.Core().V1().Pods().Informer()
	if _, err := informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc: w.lookAt, UpdateFunc: func(_, object any) { w.lookAt(object) },
	}); err != nil {
		stop()
		return nil, fmt.Errorf("watching pods: %w", err)
	}
	w.factory.Start(ctx.Done())
	if !cache.WaitForCacheSync(ctx.Done(), informer.HasSynced) {
		w.Stop()
		return nil, fmt.Errorf("watching pods: %w", context.Cause(ctx))
	}
	return w, nil
}

// Subject is a scheduler that has been started.
type Subject struct {
	// CPU is what its process has used so far.
	CPU CPUTime
	// Failed says why it has ended, nil while it runs.
	Failed func() error
}

// Measure starts a scheduler and waits until all pods are bound, or patience ends. The error
// says why the scheduler did not start or has ended.
func (w *Watch) Measure(ctx context.Context, start func(context.Context) (Subject, error), patience Patience) (Result, error) {
	subject, err := w.startSubject(ctx, start)
	if err != nil {
		return Result{}, err
	}
	err = waitFor(ctx, w.begun, patience.First, subject.Failed)
	if err == nil {
		err = waitFor(ctx, w.done, patience.Limit, subject.Failed)
	}
	if err != nil && !errors.Is(err, errLate) {
		return Result{}, fmt.Errorf("waiting for %d pods to be bound: %w", w.asked, err)
	}
	w.mutex.Lock()
	defer w.mutex.Unlock()
	return resultOf(w.asked, len(w.seen), w.first, w.last), w.err
}

// startSubject starts the scheduler. No pod is looked at before it is known how to read the
// scheduler's CPU time.
func (w *Watch) startSubject(ctx context.Context, start func(context.Context) (Subject, error)) (Subject, error) {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	subject, err := start(ctx)
	w.cpu = subject.CPU
	return subject, err
}

// Stop ends the watch.
func (w *Watch) Stop() {
	w.stop()
	w.factory.Shutdown()
}

// lookAt notes a pod that is bound.
func (w *Watch) lookAt(object any) {
	pod, ok := object.(*corev1.Pod)
	if !ok || pod.Spec.NodeName == "" {
		return
	}
	w.mutex.Lock()
	defer w.mutex.Unlock()
	if w.seen[pod.UID] || w.err != nil {
		return
	}
	w.seen[pod.UID] = true
	now := bindingMoment{at: time.Now()}
	if w.cpu != nil { // otherwise the scheduler has been running before Measure
		now.cpu, w.err = w.cpu()
	}
	if len(w.seen) == 1 {
		w.first = now
		close(w.begun)
	}
	w.last = now
	if len(w.seen) == w.asked {
		close(w.done)
	}
}
