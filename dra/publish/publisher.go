package publish

import (
	"context"
	"errors"
	"fmt"
	"slices"
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

// slicePublisher keeps the slices of one node published, or withdrawn.
type slicePublisher struct {
	client     kubernetes.Interface
	watch      *RivalWatch
	nodeName   string
	resources  resourceslice.DriverResources
	identities map[string]bool
	controller *resourceslice.Controller
	// wanted is what is published, or to be published, at present.
	wanted atomic.Pointer[resourceslice.DriverResources]
	rival  string // why nothing is, "" otherwise
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
// Problems after that are logged and tried again. ctx ends publishing, as does
// stop, which waits until nothing runs any more.
func PublishSlices(ctx context.Context, client kubernetes.Interface, watch *RivalWatch, nodeName string,
	resources resourceslice.DriverResources) (stop func(), err error) {
	node, err := getNode(ctx, client, nodeName)
	if err != nil {
		return nil, err
	}
	logger := klog.LoggerWithValues(klog.FromContext(ctx), "node", nodeName)
	ctx, cancel := context.WithCancel(klog.NewContext(ctx, logger))
	p := &slicePublisher{
		client: client, watch: watch, nodeName: nodeName, resources: resources, identities: gpuIdentities(resources),
	}
	p.rival = watch.rivalOf(nodeName, p.identities)
	p.wanted.Store(p.wantedNow())
	p.controller, err = resourceslice.StartController(ctx, resourceslice.Options{
		DriverName:   deviceapi.Driver,
		KubeClient:   client,
		Owner:        &resourceslice.Owner{APIVersion: "v1", Kind: "Node", Name: nodeName, UID: node.UID},
		Resources:    p.wanted.Load(),
		ErrorHandler: logProblem,
	})
	if err != nil {
		cancel()
		return nil, fmt.Errorf("publishing the ResourceSlices of node %q: %w", nodeName, err)
	}
	if p.rival != "" {
		watch.sayRefused(ctx, nodeName, p.rival)
	}
	followed := make(chan struct{})
	go func() {
		defer close(followed)
		p.followRivals(ctx)
	}()
	stop = func() {
		cancel()
		<-followed
		p.controller.Stop()
	}
	if err := p.waitPublished(ctx); err != nil {
		stop()
		return nil, fmt.Errorf("publishing the ResourceSlices of node %q: %w", nodeName, err)
	}
	if devices := CountDevices(*p.wanted.Load()); devices > 0 {
		logger.Info("published", "devices", devices)
	}
	return stop, nil
}

// wantedNow is everything, or an empty pool beside a rival. The controller empties a pool
// that is named at once, and one that is not named half a minute after it sees its slices.
func (p *slicePublisher) wantedNow() *resourceslice.DriverResources {
	if p.rival != "" {
		return &resourceslice.DriverResources{Pools: map[string]resourceslice.Pool{p.nodeName: {}}}
	}
	return &p.resources
}

// followRivals withdraws the slices when somebody else begins to hand the GPUs out, and
// publishes them when nobody does any more, until ctx ends.
func (p *slicePublisher) followRivals(ctx context.Context) {
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
			p.lookAgain(ctx)
		}
	}
}

func (p *slicePublisher) lookAgain(ctx context.Context) {
	before := p.rival
	p.rival = p.watch.rivalOf(p.nodeName, p.identities)
	if p.rival == before {
		return
	}
	if p.rival != "" {
		p.watch.sayRefused(ctx, p.nodeName, p.rival)
	}
	if (p.rival == "") == (before == "") {
		return
	}
	p.wanted.Store(p.wantedNow())
	p.controller.Update(p.wanted.Load())
	if p.rival == "" {
		text := fmt.Sprintf("nobody else hands the GPUs out any more: %d device(s) are published", CountDevices(p.resources))
		klog.FromContext(ctx).Info(text)
		p.watch.recordEvent(p.nodeName, corev1.EventTypeNormal, "GPUsPublished", text)
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
func (p *slicePublisher) waitPublished(ctx context.Context) error {
	const longest = 5 * time.Second
	for pause := 100 * time.Millisecond; ; pause = min(2*pause, longest) {
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
				equality.Semantic.DeepEqual(have.Spec.Devices, want.Spec.Devices)
		}) {
			return false, nil
		}
	}
	return true, nil
}
