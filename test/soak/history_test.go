package soak

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
	watchtools "k8s.io/client-go/tools/watch"
)

// history is all that became of the namespace's pods and claims, and of all slices. It is
// safe for concurrent use.
type history struct {
	mutex   sync.Mutex
	changes []change
	// pods are the newest versions of those that are there, last those of all that were.
	pods, last map[string]*podRecord
	claims     map[string]*claimRecord
	// decided are the pods that were bound or told why not, ever; bound those that were bound.
	decided, bound map[string]bool
	// onAllocation is called with a pod that is not bound yet when a claim of it is allocated.
	onAllocation func(pod string)
	failed       error
}

type watchFunc = func(context.Context, metav1.ListOptions) (watch.Interface, error)

// recordHistory begins to watch. It ends with the context.
func recordHistory(ctx context.Context, client kubernetes.Interface) (*history, error) {
	h := &history{
		pods: map[string]*podRecord{}, last: map[string]*podRecord{}, claims: map[string]*claimRecord{},
		decided: map[string]bool{}, bound: map[string]bool{},
	}
	published, err := client.ResourceV1().ResourceSlices().List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, err
	}
	for i := range published.Items {
		next, err := readChange(&published.Items[i])
		if err != nil {
			return nil, err
		}
		h.add(next)
	}
	for _, open := range []watchFunc{
		client.CoreV1().Pods(namespace).Watch, client.ResourceV1().ResourceClaims(namespace).Watch, client.ResourceV1().ResourceSlices().Watch,
	} {
		// A watch that ends, as with the API server, goes on where it was.
		events, err := watchtools.NewRetryWatcherWithContext(ctx, published.ResourceVersion, &cache.ListWatch{WatchFuncWithContext: open})
		if err != nil {
			return nil, err
		}
		go h.record(ctx, events)
	}
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
			case !open && ctx.Err() != nil:
				return
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

func (h *history) add(next change) {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	h.changes = append(h.changes, next)
	switch {
	case next.pod != nil:
		h.addPod(next.pod, next.gone)
	case next.claim != nil && next.gone:
		delete(h.claims, next.claim.name)
	case next.claim != nil:
		before := h.claims[next.claim.name]
		h.claims[next.claim.name] = next.claim
		if h.onAllocation != nil && len(next.claim.devices) > 0 && (before == nil || len(before.devices) == 0) {
			h.announce(next.claim)
		}
	}
}

func (h *history) addPod(pod *podRecord, gone bool) {
	if pod.node != "" || pod.waits != "" || gone {
		h.decided[pod.name] = true
	}
	if pod.node != "" {
		h.bound[pod.name] = true
	}
	h.last[pod.name] = pod
	if gone {
		delete(h.pods, pod.name)
		return
	}
	h.pods[pod.name] = pod
}

// announce tells that a claim was allocated whose pod is not bound.
func (h *history) announce(claim *claimRecord) {
	for _, pod := range h.pods {
		if pod.node == "" && slices.Contains(claim.reservedFor, pod.uid) {
			h.onAllocation(pod.name)
			return
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

// current are the pods that are there now, by name.
func (h *history) current() map[string]podRecord {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	pods := map[string]podRecord{}
	for name, pod := range h.pods {
		pods[name] = *pod
	}
	return pods
}

// countUndecided is how many pods that are there the scheduler has neither bound nor found
// not to fit.
func (h *history) countUndecided() (int, error) {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	n := 0
	for name := range h.pods {
		if !h.decided[name] {
			n++
		}
	}
	return n, h.failed
}

// describeMismatch reads what the scheduler writes of pods and nodes that its cache lacks or has
// in excess. Pods of other namespaces and schedulers are none of its business.
func (h *history) describeMismatch(line string) (differences []string) {
	if strings.Contains(line, "missedNodes") {
		return []string{strings.TrimSpace(line)}
	}
	h.mutex.Lock()
	defer h.mutex.Unlock()
	for _, pod := range h.last {
		if strings.Contains(line, string(pod.uid)) {
			what := "is not in the cache"
			if strings.Contains(line[strings.Index(line, "redundantPods"):], string(pod.uid)) {
				what = "is in the cache"
			}
			differences = append(differences, fmt.Sprintf("pod %s on %q, ended: %t, deleted: %t, %s", pod.name, pod.node, pod.over, pod.ending, what))
		}
	}
	return differences
}
