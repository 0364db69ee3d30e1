package soak

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes"
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

// recordHistory begins to watch. It ends with the context.
func recordHistory(ctx context.Context, client kubernetes.Interface) (*history, error) {
	h := &history{
		pods: map[string]*podRecord{}, last: map[string]*podRecord{}, claims: map[string]*claimRecord{},
		decided: map[string]bool{}, bound: map[string]bool{},
	}
	pods, claims := client.CoreV1().Pods(namespace), client.ResourceV1().ResourceClaims(namespace)
	published := client.ResourceV1().ResourceSlices()
	for _, f := range []*follower{
		{watch: pods.Watch, list: func(ctx context.Context, options metav1.ListOptions) (runtime.Object, error) {
			return pods.List(ctx, options)
		}},
		{watch: claims.Watch, list: func(ctx context.Context, options metav1.ListOptions) (runtime.Object, error) {
			return claims.List(ctx, options)
		}},
		{watch: published.Watch, list: func(ctx context.Context, options metav1.ListOptions) (runtime.Object, error) {
			return published.List(ctx, options)
		}},
	} {
		f.history, f.known = h, map[string]change{}
		if err := f.catchUp(ctx); err != nil {
			return nil, err
		}
		go f.follow(ctx)
	}
	return h, nil
}

// fail notes that the history is not whole.
func (h *history) fail(err error) {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	h.failed = err
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
			differences = append(differences, fmt.Sprintf("pod %s on %q %s; ended: %t, deleted: %t", pod.name, pod.node, what, pod.over,
				pod.ending))
		}
	}
	return differences
}
