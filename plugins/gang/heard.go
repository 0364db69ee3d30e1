package gang

import (
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/resourceversion"
	"k8s.io/utils/clock"
	"sigs.k8s.io/scheduler-plugins/apis/scheduling/v1alpha1"
)

// heardGroups are PodGroups as the queue has heard of them. The queue hears of changes from an
// informer of its own, and a pod that is tried because of one must not be refused for what was before:
// nothing would have it tried once more. Safe for concurrent use.
type heardGroups struct {
	clock  clock.PassiveClock
	mutex  sync.RWMutex
	groups map[groupKey]heardGroup
}

type heardGroup struct {
	group *v1alpha1.PodGroup
	until time.Time
}

// heardTTL is how long what was heard is believed: two informers are never that far apart.
const heardTTL = 30 * time.Second

func newHeardGroups(clock clock.PassiveClock) *heardGroups {
	return &heardGroups{clock: clock, groups: map[groupKey]heardGroup{}}
}

// noteGroup takes a group from an event; one that cannot be read is left to the informer.
func (h *heardGroups) noteGroup(object *unstructured.Unstructured) {
	group := &v1alpha1.PodGroup{}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(object.Object, group); err != nil {
		return
	}
	now := h.clock.Now()
	h.mutex.Lock()
	defer h.mutex.Unlock()
	for key, heard := range h.groups {
		if now.After(heard.until) {
			delete(h.groups, key)
		}
	}
	h.groups[groupKey{Namespace: group.Namespace, Name: group.Name}] = heardGroup{group, now.Add(heardTTL)}
}

// newestGroup is a group as the informer knows it, nil if it does not, or as was heard since.
func (h *heardGroups) newestGroup(key groupKey, known *v1alpha1.PodGroup) *v1alpha1.PodGroup {
	h.mutex.RLock()
	heard, there := h.groups[key]
	h.mutex.RUnlock()
	if !there || h.clock.Now().After(heard.until) {
		return known
	}
	if known == nil {
		return heard.group
	}
	if order, err := resourceversion.CompareResourceVersion(known.ResourceVersion, heard.group.ResourceVersion); err != nil || order >= 0 {
		return known
	}
	return heard.group
}

// forgetGroup forgets a group that is gone.
func (h *heardGroups) forgetGroup(key groupKey) {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	delete(h.groups, key)
}
