package dra

import (
	"sync/atomic"
	"time"

	"k8s.io/client-go/tools/cache"
	fwk "k8s.io/kube-scheduler/framework"
)

// settlingTime is how long after an event about slices they are looked at in every cycle: the
// scheduler's own cache hears of the event at about the same time.
const settlingTime = 10 * time.Second

// sliceEvents knows whether the published slices may have changed. Looking at all of them
// costs more than choosing devices.
type sliceEvents struct {
	// last is when something happened, in nanoseconds since the epoch; 0 if nothing is
	// followed.
	last *atomic.Int64
	// looked is when the slices were last looked at.
	looked atomic.Int64
}

// followSlices begins to follow slices, and rules that taint their devices.
func followSlices(h fwk.Handle, follow, taintRules bool) (*sliceEvents, error) {
	e := &sliceEvents{last: &atomic.Int64{}}
	if !follow {
		return e, nil
	}
	e.last.Store(time.Now().UnixNano())
	note := func() { e.last.Store(time.Now().UnixNano()) }
	handler := cache.ResourceEventHandlerFuncs{
		AddFunc: func(any) { note() }, UpdateFunc: func(before, after any) {
			if before != after {
				note()
			}
		}, DeleteFunc: func(any) { note() },
	}
	informers := []cache.SharedIndexInformer{h.SharedInformerFactory().Resource().V1().ResourceSlices().Informer()}
	if taintRules {
		informers = append(informers, h.SharedInformerFactory().Resource().V1().DeviceTaintRules().Informer())
	}
	for _, informer := range informers {
		if _, err := informer.AddEventHandler(handler); err != nil {
			return nil, err
		}
	}
	return e, nil
}

// settled reports whether the slices are as they were when it was last asked: nothing has
// happened since, nor for a while before.
func (e *sliceEvents) settled() bool {
	last := e.last.Load()
	if last == 0 {
		return false
	}
	now := time.Now().UnixNano()
	looked := e.looked.Swap(now)
	return looked > last+settlingTime.Nanoseconds()
}
