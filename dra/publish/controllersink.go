package publish

import (
	"context"
	"sync"

	"k8s.io/client-go/kubernetes"
	"k8s.io/dynamic-resource-allocation/resourceslice"

	"github.com/ashlar-dev/ashlar/topology/deviceapi"
)

// ControllerSink is a ResourceSink for a node without a kubelet that prepares claims, as
// simulated nodes are.
type ControllerSink struct {
	client   kubernetes.Interface
	nodeName string

	mutex      sync.Mutex
	controller *resourceslice.Controller
}

var _ ResourceSink = (*ControllerSink)(nil)

// NewControllerSink makes a sink for one node. The slices belong to the node, and are deleted
// with it.
func NewControllerSink(client kubernetes.Interface, nodeName string) *ControllerSink {
	return &ControllerSink{client: client, nodeName: nodeName}
}

// PublishResources replaces what is published. The context of the first call ends
// publishing, as does Stop. The error says why publishing cannot begin; what goes wrong
// later is logged and tried again.
func (s *ControllerSink) PublishResources(ctx context.Context, resources resourceslice.DriverResources) error {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if s.controller != nil {
		s.controller.Update(&resources)
		return nil
	}
	controller, err := resourceslice.StartController(ctx, resourceslice.Options{
		DriverName:   deviceapi.Driver,
		KubeClient:   s.client,
		Owner:        &resourceslice.Owner{APIVersion: "v1", Kind: "Node", Name: s.nodeName},
		Resources:    &resources,
		ErrorHandler: logProblem,
	})
	s.controller = controller
	return err
}

// Stop ends publishing and waits until nothing runs any more. What is published stays.
func (s *ControllerSink) Stop() {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if s.controller != nil {
		s.controller.Stop()
		s.controller = nil
	}
}
