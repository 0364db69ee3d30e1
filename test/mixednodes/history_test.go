package mixednodes

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	resourceapi "k8s.io/api/resource/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
	watchtools "k8s.io/client-go/tools/watch"
)

// change is a version of a pod or a claim, or its end.
type change struct {
	// revision is the API server's, which orders changes of all objects.
	revision int64
	pod      *podRecord
	claim    *claimRecord
	gone     bool
}

// history is all that became of the namespace's pods and claims. It is safe for
// concurrent use.
type history struct {
	mutex   sync.Mutex
	changes []change
	// newest is each pod's last version, waited why it was not bound when that was last said.
	newest map[string]*podRecord
	waited map[string]string
	// decided are the pods that were bound or told why not, ever.
	decided map[string]bool
	failed  error
}

// recordHistory begins to watch. It ends with the context.
func recordHistory(ctx context.Context, client kubernetes.Interface) (*history, error) {
	h := &history{newest: map[string]*podRecord{}, waited: map[string]string{}, decided: map[string]bool{}}
	pods, err := client.CoreV1().Pods(namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, err
	}
	// A watch that the API server ends under load goes on where it was.
	podEvents, err := watchtools.NewRetryWatcherWithContext(ctx, pods.ResourceVersion, &cache.ListWatch{
		WatchFuncWithContext: func(ctx context.Context, options metav1.ListOptions) (watch.Interface, error) {
			return client.CoreV1().Pods(namespace).Watch(ctx, options)
		},
	})
	if err != nil {
		return nil, err
	}
	claimEvents, err := watchtools.NewRetryWatcherWithContext(ctx, pods.ResourceVersion, &cache.ListWatch{
		WatchFuncWithContext: func(ctx context.Context, options metav1.ListOptions) (watch.Interface, error) {
			return client.ResourceV1().ResourceClaims(namespace).Watch(ctx, options)
		},
	})
	if err != nil {
		return nil, err
	}
	go h.record(ctx, podEvents)
	go h.record(ctx, claimEvents)
	return h, nil
}

func (h *history) record(ctx context.Context, events watch.Interface) {
	defer events.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case event, open := <-events.ResultChan():
			var err error
			switch {
			case !open:
				err = fmt.Errorf("a watch ended")
			case event.Type == watch.Bookmark:
				continue
			case event.Type == watch.Error:
				err = fmt.Errorf("a watch failed: %v", event.Object)
			default:
				var next change
				if next, err = readChange(event.Object); err == nil {
					next.gone = event.Type == watch.Deleted
					h.add(next)
				}
			}
			if err != nil {
				h.mutex.Lock()
				h.failed = err
				h.mutex.Unlock()
				return
			}
		}
	}
}

func readChange(object runtime.Object) (change, error) {
	switch object := object.(type) {
	case *corev1.Pod:
		revision, err := strconv.ParseInt(object.ResourceVersion, 10, 64)
		if err != nil {
			return change{}, err
		}
		pod, err := readPod(object)
		return change{revision: revision, pod: pod}, err
	case *resourceapi.ResourceClaim:
		revision, err := strconv.ParseInt(object.ResourceVersion, 10, 64)
		return change{revision: revision, claim: readClaim(object)}, err
	}
	return change{}, fmt.Errorf("a watch brought %T", object)
}

func (h *history) add(next change) {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	h.changes = append(h.changes, next)
	if next.pod != nil && (next.pod.node != "" || next.pod.waits != "" || next.gone) {
		h.decided[next.pod.name] = true
	}
	switch {
	case next.pod == nil:
	case next.gone:
		delete(h.newest, next.pod.name)
	default:
		h.newest[next.pod.name] = next.pod
		if next.pod.waits != "" {
			h.waited[next.pod.name] = next.pod.waits
		}
	}
}

// inOrder are the changes so far, by revision.
func (h *history) inOrder() []change {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	list := slices.Clone(h.changes)
	slices.SortStableFunc(list, func(a, b change) int { return cmp.Compare(a.revision, b.revision) })
	return list
}

// undecided are those of the pods that the scheduler has neither bound nor found not to fit.
func (h *history) undecided(pods []string) ([]string, error) {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	return slices.DeleteFunc(slices.Clone(pods), func(name string) bool { return h.decided[name] }), h.failed
}

// awaitDecided waits until the scheduler has decided about the pods.
func (h *history) awaitDecided(ctx context.Context, pods []string) error {
	begin := time.Now()
	for {
		left, err := h.undecided(pods)
		if err != nil || len(left) == 0 {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("after %s the scheduler has not decided about %d of %d pods, such as %s: %w", time.Since(begin).Round(time.Second),
				len(left), len(pods), left[0], ctx.Err())
		case <-time.After(20 * time.Millisecond):
		}
	}
}
