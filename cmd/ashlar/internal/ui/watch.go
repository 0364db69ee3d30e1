package ui

import (
	"context"
	"errors"
	"fmt"
	"sync"

	corev1 "k8s.io/api/core/v1"
	resourceapi "k8s.io/api/resource/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
)

// watchedKind is a kind of objects that is watched.
type watchedKind struct {
	name   string
	object runtime.Object
	list   func(context.Context, metav1.ListOptions) (runtime.Object, error)
	open   func(context.Context, metav1.ListOptions) (watch.Interface, error)
}

// watchedKinds are all of them.
func watchedKinds(client kubernetes.Interface) []watchedKind {
	core, resource := client.CoreV1(), client.ResourceV1()
	return []watchedKind{
		{"nodes", &corev1.Node{}, anyList(core.Nodes().List), core.Nodes().Watch},
		{"deviceclasses.resource.k8s.io", &resourceapi.DeviceClass{}, anyList(resource.DeviceClasses().List), resource.DeviceClasses().Watch},
		{"resourceslices.resource.k8s.io", &resourceapi.ResourceSlice{},
			anyList(resource.ResourceSlices().List), resource.ResourceSlices().Watch},
		{"resourceclaims.resource.k8s.io", &resourceapi.ResourceClaim{},
			anyList(resource.ResourceClaims("").List), resource.ResourceClaims("").Watch},
		{"pods", &corev1.Pod{}, anyList(core.Pods("").List), core.Pods("").Watch},
	}
}

// anyList turns the List of one kind into one of any.
func anyList[L runtime.Object](
	list func(context.Context, metav1.ListOptions) (L, error),
) func(context.Context, metav1.ListOptions) (runtime.Object, error) {
	return func(ctx context.Context, options metav1.ListOptions) (runtime.Object, error) {
		return list(ctx, options)
	}
}

// checkReadable says which of the objects cannot be listed, and what to do about it.
func checkReadable(ctx context.Context, client kubernetes.Interface) error {
	for _, kind := range watchedKinds(client) {
		if _, err := kind.list(ctx, metav1.ListOptions{Limit: 1}); err != nil {
			return explainRefusal(kind.name, err)
		}
	}
	return nil
}

// watchObjects keeps objects as the API server has them until the context ends. It returns when all
// of them were read once.
func watchObjects(ctx context.Context, client kubernetes.Interface, objects *clusterObjects, feed *mapFeed) {
	troubles := &watchTroubles{feed: feed, kinds: map[string]string{}, reading: true}
	troubles.tellPages()
	var stores []*objectStore
	for _, kind := range watchedKinds(client) {
		store := newStore(objects)
		stores = append(stores, store)
		watcher := cache.ToListWatcherWithWatchListSemantics(troubles.listWatch(kind), client)
		go cache.NewReflectorWithOptions(watcher, kind.object, store, cache.ReflectorOptions{Name: kind.name}).RunWithContext(ctx)
	}
	for _, store := range stores {
		select {
		case <-store.read:
		case <-ctx.Done():
			return
		}
	}
	troubles.mu.Lock()
	defer troubles.mu.Unlock()
	troubles.reading = false
	troubles.tellPages()
}

// explainRefusal says what to do about an API server that does not list a kind.
func explainRefusal(kind string, err error) error {
	switch {
	case apierrors.IsForbidden(err):
		return fmt.Errorf("listing %s: %w: ask for a role that may list and watch them, or for a snapshot that somebody else saved", kind, err)
	case apierrors.IsNotFound(err):
		return fmt.Errorf("listing %s: %w: want Kubernetes 1.34 or later with DynamicResourceAllocation", kind, err)
	}
	return fmt.Errorf("listing %s: %w", kind, err)
}

// watchTroubles are the kinds of objects that cannot be read now, and why.
type watchTroubles struct {
	mu    sync.Mutex
	feed  *mapFeed
	kinds map[string]string
	// reading says that not all was read yet.
	reading bool
}

func (t *watchTroubles) noteTrouble(kind string, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.kinds, kind)
	if err != nil && !errors.Is(err, context.Canceled) {
		t.kinds[kind] = fmt.Sprintf("reading %s: %v", kind, err)
	}
	t.tellPages()
}

// tellPages tells pages; t.mu is held, or nobody else knows of t.
func (t *watchTroubles) tellPages() {
	text := ""
	for _, one := range t.kinds {
		text = max(text, "what is shown may be old: "+one)
	}
	if text == "" && t.reading {
		text = "reading the cluster"
	}
	t.feed.setTrouble(text)
}

// listWatch reads a kind, and notes whether that works.
func (t *watchTroubles) listWatch(kind watchedKind) *cache.ListWatch {
	return &cache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, options metav1.ListOptions) (runtime.Object, error) {
			list, err := kind.list(ctx, options)
			t.noteTrouble(kind.name, err)
			return list, err
		},
		WatchFuncWithContext: func(ctx context.Context, options metav1.ListOptions) (watch.Interface, error) {
			opened, err := kind.open(ctx, options)
			if !apierrors.IsInvalid(err) && !apierrors.IsResourceExpired(err) { // or else it lists
				t.noteTrouble(kind.name, err)
			}
			return opened, err
		},
	}
}
