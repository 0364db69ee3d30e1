package publish

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	resourceapi "k8s.io/api/resource/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	coreinformers "k8s.io/client-go/informers/core/v1"
	resourceinformers "k8s.io/client-go/informers/resource/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/scheme"
	typedcorev1 "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/record"
	"k8s.io/klog/v2"

	"github.com/ashlar-dev/ashlar/topology/deviceapi"
)

// RivalWatch knows who else hands out GPUs of the nodes that a driver serves: a device
// plugin, by what the node can allocate, or NVIDIA's DRA driver, by its ResourceSlices.
type RivalWatch struct {
	nodes    cache.SharedIndexInformer
	slices   cache.SharedIndexInformer
	recorder record.EventRecorder

	mutex    sync.Mutex
	notified map[string]chan struct{} // by node
}

const byNodeName = "node"

// WatchRivals begins to watch the given nodes, until ctx ends. It returns once it knows
// the present state. Events about the nodes are recorded through the client.
func WatchRivals(ctx context.Context, client kubernetes.Interface, nodeNames []string) (*RivalWatch, error) {
	var nodeOptions, sliceOptions func(*metav1.ListOptions)
	sliceFields := fields.Set{resourceapi.ResourceSliceSelectorDriver: deviceapi.NVIDIADriver}
	if len(nodeNames) == 1 {
		nodeOptions = selectFields(fields.Set{metav1.ObjectNameField: nodeNames[0]})
		sliceFields[resourceapi.ResourceSliceSelectorNodeName] = nodeNames[0]
	}
	sliceOptions = selectFields(sliceFields)
	broadcaster := record.NewBroadcaster(record.WithContext(ctx))
	broadcaster.StartRecordingToSink(&typedcorev1.EventSinkImpl{Interface: client.CoreV1().Events(metav1.NamespaceAll)})
	w := &RivalWatch{
		nodes: coreinformers.NewFilteredNodeInformer(client, 0, cache.Indexers{}, nodeOptions),
		slices: resourceinformers.NewFilteredResourceSliceInformer(client, 0, cache.Indexers{byNodeName: func(object any) ([]string, error) {
			if slice, ok := object.(*resourceapi.ResourceSlice); ok && slice.Spec.NodeName != nil {
				return []string{*slice.Spec.NodeName}, nil
			}
			return nil, nil
		}}, sliceOptions),
		recorder: broadcaster.NewRecorder(scheme.Scheme, corev1.EventSource{Component: deviceapi.Driver}),
		notified: map[string]chan struct{}{},
	}
	for _, name := range nodeNames {
		w.notified[name] = make(chan struct{}, 1)
	}
	for _, informer := range []cache.SharedIndexInformer{w.nodes, w.slices} {
		if _, err := informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
			AddFunc: w.noteChange, UpdateFunc: func(_, object any) { w.noteChange(object) }, DeleteFunc: w.noteChange,
		}); err != nil {
			return nil, fmt.Errorf("watching for other drivers: %w", err)
		}
		go informer.RunWithContext(ctx)
	}
	if !cache.WaitForCacheSync(ctx.Done(), w.nodes.HasSynced, w.slices.HasSynced) {
		return nil, errors.Join(errors.New("watching for other drivers"), context.Cause(ctx))
	}
	return w, nil
}

func selectFields(set fields.Set) func(*metav1.ListOptions) {
	return func(options *metav1.ListOptions) { options.FieldSelector = set.String() }
}

// noteChange wakes the publisher of the node that an object is about.
func (w *RivalWatch) noteChange(object any) {
	if gone, ok := object.(cache.DeletedFinalStateUnknown); ok {
		object = gone.Obj
	}
	name := ""
	switch object := object.(type) {
	case *corev1.Node:
		name = object.Name
	case *resourceapi.ResourceSlice:
		if object.Spec.NodeName != nil {
			name = *object.Spec.NodeName
		}
	}
	w.mutex.Lock()
	defer w.mutex.Unlock()
	if channel := w.notified[name]; channel != nil {
		select {
		case channel <- struct{}{}:
		default: // it is awake
		}
	}
}

// changesOf is where a node's publisher is woken.
func (w *RivalWatch) changesOf(nodeName string) <-chan struct{} {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	return w.notified[nodeName]
}

// rivalOf says who else hands out GPUs of a node at present, "" if nobody does.
func (w *RivalWatch) rivalOf(nodeName string, own map[string]bool) string {
	node := w.nodeOf(nodeName)
	if node == nil {
		return ""
	}
	objects, err := w.slices.GetIndexer().ByIndex(byNodeName, nodeName)
	if err != nil {
		return ""
	}
	list := make([]*resourceapi.ResourceSlice, 0, len(objects))
	for _, object := range objects {
		if slice, ok := object.(*resourceapi.ResourceSlice); ok {
			list = append(list, slice)
		}
	}
	return findRival(node, list, own)
}

func (w *RivalWatch) nodeOf(nodeName string) *corev1.Node {
	object, exists, err := w.nodes.GetStore().GetByKey(nodeName)
	if err != nil || !exists {
		return nil
	}
	node, _ := object.(*corev1.Node)
	return node
}

// remindAfter is how often an event says again that nothing is published: the API server
// forgets events after an hour.
const remindAfter = 30 * time.Minute

// sayRefused says in the log and in an event on the node why nothing is published.
func (w *RivalWatch) sayRefused(ctx context.Context, nodeName, rival string) {
	const consequence = ": no GPU is published by " + deviceapi.Driver + ", or GPUs would be handed out twice"
	klog.FromContext(ctx).Info("nothing is published: " + rival)
	w.RecordEvent(nodeName, corev1.EventTypeWarning, "GPUsNotPublished", rival+consequence)
}

// RecordEvent records an event about a node: kind is corev1.EventTypeNormal or
// corev1.EventTypeWarning.
func (w *RivalWatch) RecordEvent(nodeName, kind, reason, text string) {
	if node := w.nodeOf(nodeName); node != nil {
		w.recorder.Event(node, kind, reason, text)
	}
}
