package publish

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	corev1 "k8s.io/api/core/v1"
	resourceapi "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/client-go/kubernetes"
	"k8s.io/dynamic-resource-allocation/resourceslice"
	"k8s.io/klog/v2"

	"github.com/ashlar-dev/ashlar/topology/deviceapi"
)

// ResourceSink takes what a node publishes and brings the API server to show it, in the
// background. Each call replaces what the one before asked for.
//
// kubeletplugin.Helper is one, for nodes with a kubelet; NewControllerSink makes one for
// nodes without.
type ResourceSink interface {
	PublishResources(ctx context.Context, resources resourceslice.DriverResources) error
}

// Publication keeps the slices of one node published, or withdrawn.
type Publication struct {
	client   kubernetes.Interface
	watch    *RivalWatch
	sink     ResourceSink
	nodeName string
	cancel   context.CancelFunc
	ended    chan struct{}
	updated  chan struct{}

	// wanted is what the sink was last given.
	wanted atomic.Pointer[resourceslice.DriverResources]

	mutex     sync.Mutex
	resources resourceslice.DriverResources // what is to be published unless there is a rival

	// rival is why nothing is published, "" otherwise. Only follow uses it.
	rival string
}

// PublishSlices publishes the resources of one node, which watch must have been told of,
// and keeps them published: slices that somebody changes or deletes are put right. It
// returns once the API server shows all of them as they should be, and leaves them in
// place when it stops, so that a restart of the driver does not take devices away from
// running pods.
//
// While somebody else hands out the same GPUs, nothing is published, and what was is
// withdrawn: the log and an event on the node say so once, and it returns as if all were
// published. When the other one has gone, publishing begins.
//
// Problems after that are logged and tried again. ctx ends publishing, as does Stop.
func PublishSlices(ctx context.Context, client kubernetes.Interface, watch *RivalWatch, sink ResourceSink, nodeName string,
	resources resourceslice.DriverResources) (*Publication, error) {
	if _, err := getNode(ctx, client, nodeName); err != nil {
		return nil, err
	}
	logger := klog.LoggerWithValues(klog.FromContext(ctx), "node", nodeName)
	ctx, cancel := context.WithCancel(klog.NewContext(ctx, logger))
	p := &Publication{
		client: client, watch: watch, sink: sink, nodeName: nodeName, cancel: cancel,
		ended: make(chan struct{}), updated: make(chan struct{}, 1), resources: resources,
	}
	if p.rival = watch.rivalOf(nodeName, gpuIdentities(resources)); p.rival != "" {
		watch.sayRefused(ctx, nodeName, p.rival)
	}
	if err := p.hand(ctx, p.wantedNow(resources)); err != nil {
		cancel()
		return nil, fmt.Errorf("publishing the ResourceSlices of node %q: %w", nodeName, err)
	}
	go p.follow(ctx)
	if err := p.waitPublished(ctx); err != nil {
		p.Stop()
		return nil, fmt.Errorf("publishing the ResourceSlices of node %q: %w", nodeName, err)
	}
	if devices := CountDevices(*p.wanted.Load()); devices > 0 {
		logger.Info("published", "devices", devices)
	}
	return p, nil
}

// Update publishes other resources for the node from now on: devices that came or went, or
// other taints. It returns at once; of updates that follow each other quickly the last
// counts. Devices that are in both are never missing in between, see nextStep.
func (p *Publication) Update(resources resourceslice.DriverResources) {
	p.mutex.Lock()
	p.resources = resources
	p.mutex.Unlock()
	select {
	case p.updated <- struct{}{}:
	default: // it is awake
	}
}

// Stop ends publishing, and leaves what is published in place. It returns when nothing is
// given to the sink any more; the sink is the caller's to stop.
func (p *Publication) Stop() {
	p.cancel()
	<-p.ended
}

// wantedNow is everything, or an empty pool beside a rival. The controller empties a pool
// that is named at once, and one that is not named half a minute after it sees its slices.
func (p *Publication) wantedNow(resources resourceslice.DriverResources) resourceslice.DriverResources {
	if p.rival != "" {
		return resourceslice.DriverResources{Pools: map[string]resourceslice.Pool{p.nodeName: {}}}
	}
	return resources
}

// hand gives resources to the sink.
func (p *Publication) hand(ctx context.Context, resources resourceslice.DriverResources) error {
	p.wanted.Store(&resources)
	return p.sink.PublishResources(ctx, resources)
}

// follow publishes updates, withdraws the slices when somebody else begins to hand the GPUs
// out, and publishes them again when nobody does any more, until ctx ends.
func (p *Publication) follow(ctx context.Context) {
	defer close(p.ended)
	reminder := time.NewTicker(remindAfter)
	defer reminder.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-reminder.C:
			if p.rival != "" {
				p.watch.sayRefused(ctx, p.nodeName, p.rival)
			}
		case <-p.watch.changesOf(p.nodeName):
			p.lookAgain(ctx, false)
		case <-p.updated:
			p.lookAgain(ctx, true)
		}
	}
}

// lookAgain publishes what is to be published at present, if that may be something else than
// before.
func (p *Publication) lookAgain(ctx context.Context, updated bool) {
	p.mutex.Lock()
	resources := p.resources
	p.mutex.Unlock()
	before := p.rival
	p.rival = p.watch.rivalOf(p.nodeName, gpuIdentities(resources))
	if p.rival != "" && p.rival != before {
		p.watch.sayRefused(ctx, p.nodeName, p.rival)
	}
	if !updated && (p.rival == "") == (before == "") {
		return
	}
	p.approach(ctx, p.wantedNow(resources))
	if p.rival == "" && before != "" {
		text := fmt.Sprintf("nobody else hands the GPUs out any more: %d device(s) are published", CountDevices(resources))
		klog.FromContext(ctx).Info(text)
		p.watch.RecordEvent(p.nodeName, corev1.EventTypeNormal, "GPUsPublished", text)
	}
}

// logProblem logs what went wrong in the background; it is tried again.
func logProblem(ctx context.Context, err error, message string) {
	logger := klog.FromContext(ctx)
	var dropped *resourceslice.DroppedFieldsError
	if errors.As(err, &dropped) {
		logger.Error(err, "The cluster lacks features that the devices need", "features", dropped.DisabledFeatures())
		return
	}
	logger.Error(err, "Publishing ResourceSlices failed, trying again", "during", message)
}

// waitPublished waits until the API server holds exactly the slices that were
// asked for. It looks often at first, then every few seconds.
func (p *Publication) waitPublished(ctx context.Context) error {
	const first, longest = 100 * time.Millisecond, 5 * time.Second
	return p.pollPublished(ctx, first, longest)
}

// pollPublished looks again and again, first after the pause and then less often.
func (p *Publication) pollPublished(ctx context.Context, pause, longest time.Duration) error {
	for ; ; pause = min(2*pause, longest) {
		done, err := isPublished(ctx, p.client, p.nodeName, *p.wanted.Load())
		if err != nil && ctx.Err() == nil {
			klog.FromContext(ctx).V(2).Info("Reading back the ResourceSlices failed, trying again", "err", err)
		}
		if done {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pause):
		}
	}
}

// isPublished compares what the API server holds for a node with what it should
// hold, but for names and pool generations.
func isPublished(ctx context.Context, client kubernetes.Interface, nodeName string,
	resources resourceslice.DriverResources) (bool, error) {
	list, err := client.ResourceV1().ResourceSlices().List(ctx, metav1.ListOptions{
		FieldSelector: fields.Set{
			resourceapi.ResourceSliceSelectorDriver:   deviceapi.Driver,
			resourceapi.ResourceSliceSelectorNodeName: nodeName,
		}.String(),
	})
	if err != nil {
		return false, plainError("listing ResourceSlices", err)
	}
	wanted := ResourceSlices(nodeName, resources)
	if len(list.Items) != len(wanted) {
		return false, nil
	}
	for _, want := range wanted {
		if !slices.ContainsFunc(list.Items, func(have resourceapi.ResourceSlice) bool {
			return have.Spec.Pool.ResourceSliceCount == want.Spec.Pool.ResourceSliceCount &&
				equality.Semantic.DeepEqual(have.Spec.SharedCounters, want.Spec.SharedCounters) &&
				resourceslice.DevicesDeepEqual(have.Spec.Devices, want.Spec.Devices)
		}) {
			return false, nil
		}
	}
	return true, nil
}
