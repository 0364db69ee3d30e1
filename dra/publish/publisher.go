package publish

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
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

// SliceSink takes what a node is to publish, and keeps it published: slices that somebody
// changes or deletes are put right. kubeletplugin.Helper is one.
type SliceSink interface {
	PublishResources(ctx context.Context, resources resourceslice.DriverResources) error
}

// Publisher keeps the slices of one node published, or withdrawn. It is safe for concurrent
// use.
type Publisher struct {
	client   kubernetes.Interface
	watch    *RivalWatch
	nodeName string
	sink     SliceSink
	stop     func()

	mutex      sync.Mutex
	resources  resourceslice.DriverResources
	identities map[string]bool
	rival      string // why nothing is published, "" otherwise
}

// StartPublisher publishes the resources of one node, which watch must have been told of,
// through the sink; without one, through a controller of its own. It
// returns once the API server shows all of them as they should be, and leaves them in
// place when it stops, so that a restart of the driver does not take devices away from
// running pods.
//
// While somebody else hands out the same GPUs, nothing is published, and what was is
// withdrawn: the log and an event on the node say so once, and it returns as if all were
// published. When the other one has gone, publishing begins.
//
// Problems after that are logged and tried again. ctx ends publishing, as does Stop.
func StartPublisher(ctx context.Context, client kubernetes.Interface, watch *RivalWatch, nodeName string,
	resources resourceslice.DriverResources, sink SliceSink) (*Publisher, error) {
	node, err := getNode(ctx, client, nodeName)
	if err != nil {
		return nil, err
	}
	logger := klog.LoggerWithValues(klog.FromContext(ctx), "node", nodeName)
	ctx, cancel := context.WithCancel(klog.NewContext(ctx, logger))
	p := &Publisher{
		client: client, watch: watch, nodeName: nodeName, sink: sink, resources: resources, identities: gpuIdentities(resources),
	}
	p.stop = cancel
	if sink == nil {
		own := &controllerSink{background: ctx, options: resourceslice.Options{
			DriverName:   deviceapi.Driver,
			KubeClient:   client,
			Owner:        &resourceslice.Owner{APIVersion: "v1", Kind: "Node", Name: nodeName, UID: node.UID},
			ErrorHandler: logProblem,
		}}
		p.sink = own
		p.stop = func() {
			cancel()
			own.stop()
		}
	}
	p.rival = watch.rivalOf(nodeName, p.identities)
	if err := p.sink.PublishResources(ctx, p.wanted()); err != nil {
		p.stop()
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
	end := p.stop
	p.stop = func() {
		cancel()
		<-followed
		end()
	}
	if err := p.waitPublished(ctx); err != nil {
		p.Stop()
		return nil, fmt.Errorf("publishing the ResourceSlices of node %q: %w", nodeName, err)
	}
	if devices := CountDevices(p.wanted()); devices > 0 {
		logger.Info("published", "devices", devices)
	}
	return p, nil
}

// Stop ends publishing and waits until nothing runs any more. The slices stay.
func (p *Publisher) Stop() { p.stop() }

// Update publishes other resources from now on.
func (p *Publisher) Update(ctx context.Context, resources resourceslice.DriverResources) error {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	p.resources, p.identities = resources, gpuIdentities(resources)
	if err := p.sink.PublishResources(ctx, p.wantedLocked()); err != nil {
		return fmt.Errorf("publishing the ResourceSlices of node %q: %w", p.nodeName, err)
	}
	return nil
}

// wanted is what is published, or to be published, at present.
func (p *Publisher) wanted() resourceslice.DriverResources {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	return p.wantedLocked()
}

// wantedLocked is everything, or an empty pool beside a rival. The controller empties a pool
// that is named at once, and one that is not named half a minute after it sees its slices.
func (p *Publisher) wantedLocked() resourceslice.DriverResources {
	if p.rival != "" {
		return resourceslice.DriverResources{Pools: map[string]resourceslice.Pool{p.nodeName: {}}}
	}
	return p.resources
}

// controllerSink publishes through a controller, for nodes without a kubelet.
type controllerSink struct {
	background context.Context //nolint:containedctx // the controller runs until it ends
	options    resourceslice.Options

	mutex      sync.Mutex
	controller *resourceslice.Controller
}

// PublishResources implements SliceSink.
func (s *controllerSink) PublishResources(_ context.Context, resources resourceslice.DriverResources) error {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if s.controller != nil {
		s.controller.Update(&resources)
		return nil
	}
	s.options.Resources = &resources
	var err error
	s.controller, err = resourceslice.StartController(s.background, s.options)
	return err
}

func (s *controllerSink) stop() {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if s.controller != nil {
		s.controller.Stop()
	}
}

// followRivals withdraws the slices when somebody else begins to hand the GPUs out, and
// publishes them when nobody does any more, until ctx ends.
func (p *Publisher) followRivals(ctx context.Context) {
	reminder := time.NewTicker(remindAfter)
	defer reminder.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-reminder.C:
			if rival := p.rivalNow(); rival != "" {
				p.watch.sayRefused(ctx, p.nodeName, rival)
			}
		case <-p.watch.changesOf(p.nodeName):
			p.lookAgain(ctx)
		}
	}
}

func (p *Publisher) rivalNow() string {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	return p.rival
}

func (p *Publisher) lookAgain(ctx context.Context) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
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
	if err := p.sink.PublishResources(ctx, p.wantedLocked()); err != nil {
		logProblem(ctx, err, "publishing after another driver came or went")
		p.rival = before // the next change tries again
		return
	}
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
func (p *Publisher) waitPublished(ctx context.Context) error {
	const longest = 5 * time.Second
	for pause := 100 * time.Millisecond; ; pause = min(2*pause, longest) {
		done, err := isPublished(ctx, p.client, p.nodeName, p.wanted())
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
