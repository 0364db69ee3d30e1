package dra

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"time"

	authorizationapi "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	resourceapi "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/client-go/kubernetes"
	"k8s.io/dynamic-resource-allocation/resourceslice"
	"k8s.io/klog/v2"

	"github.com/ashlar-dev/ashlar/internal/apiserver"
	"github.com/ashlar-dev/ashlar/topology/deviceapi"
)

// callTimeout is how long CheckCluster waits for each answer of the API server.
const callTimeout = 10 * time.Second

// CheckCluster finds out whether the slices of the given nodes can be published,
// without writing anything: whether the API server answers within ten seconds,
// whether it serves ResourceSlices of resource.k8s.io/v1, whether the nodes
// exist, and whether this client may do everything that publishing needs. The
// error names the first thing that is wrong, in one line. What an older API
// server lacks is logged, one line each: some devices can be published all the
// same.
func CheckCluster(ctx context.Context, client kubernetes.Interface, nodeNames []string) error {
	if err := checkAPI(ctx, client); err != nil {
		return err
	}
	if err := logMissingFeatures(ctx, client); err != nil {
		return err
	}
	for _, verb := range []string{"list", "watch", "create", "update", "delete"} {
		if err := checkAccess(ctx, client, verb); err != nil {
			return err
		}
	}
	for _, nodeName := range nodeNames {
		if _, err := getNode(ctx, client, nodeName); err != nil {
			return err
		}
	}
	return nil
}

// checkAPI asks for one ResourceSlice, which also shows whether anyone answers.
func checkAPI(ctx context.Context, client kubernetes.Interface) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	_, err := client.ResourceV1().ResourceSlices().List(ctx, metav1.ListOptions{Limit: 1})
	if apierrors.IsNotFound(err) {
		return errors.New("the API server has no ResourceSlices of resource.k8s.io/v1: Kubernetes 1.34 or later is needed")
	}
	return plainError("listing ResourceSlices", err)
}

// logMissingFeatures logs what the API server lacks that devices may need.
func logMissingFeatures(ctx context.Context, client kubernetes.Interface) error {
	bounded, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	server, err := apiserver.DiscoverServer(bounded, client.Discovery(), apiserver.DriverFeatures())
	if err != nil {
		return plainError("finding out what the API server lacks", err)
	}
	for _, feature := range apiserver.MissingFeatures(server, apiserver.DriverFeatures()) {
		klog.FromContext(ctx).Info(apiserver.DescribeMissing(server, feature))
	}
	return nil
}

// checkAccess asks whether this client may do one thing with ResourceSlices.
func checkAccess(ctx context.Context, client kubernetes.Interface, verb string) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	review := &authorizationapi.SelfSubjectAccessReview{Spec: authorizationapi.SelfSubjectAccessReviewSpec{
		ResourceAttributes: &authorizationapi.ResourceAttributes{
			Verb: verb, Group: resourceapi.GroupName, Resource: "resourceslices",
		},
	}}
	result, err := client.AuthorizationV1().SelfSubjectAccessReviews().Create(ctx, review, metav1.CreateOptions{})
	if err != nil {
		return plainError("asking for permission to "+verb+" ResourceSlices", err)
	}
	if !result.Status.Allowed {
		return fmt.Errorf("this client may not %s ResourceSlices (resourceslices.%s)", verb, resourceapi.GroupName)
	}
	return nil
}

func getNode(ctx context.Context, client kubernetes.Interface, nodeName string) (*corev1.Node, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	node, err := client.CoreV1().Nodes().Get(ctx, nodeName, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil, fmt.Errorf("node %q does not exist in the cluster", nodeName)
	}
	return node, plainError(fmt.Sprintf("reading node %q", nodeName), err)
}

// plainError says what went wrong in one line, without the request's URL.
func plainError(attempt string, err error) error {
	if err == nil {
		return nil
	}
	var request *url.Error
	if !errors.As(err, &request) {
		return fmt.Errorf("%s: %w", attempt, err)
	}
	server := "the API server"
	if target, parseErr := url.Parse(request.URL); parseErr == nil {
		server += " " + target.Scheme + "://" + target.Host
	}
	if request.Timeout() {
		return fmt.Errorf("%s: %s did not answer within %s", attempt, server, callTimeout)
	}
	return fmt.Errorf("%s: %s cannot be reached: %w", attempt, server, request.Err)
}

// PublishSlices publishes the resources of one node and keeps them published: slices
// that somebody changes or deletes are put right. It returns once the API server
// shows all of them as they should be, and leaves them in place when it stops,
// so that a restart of the driver does not take devices away from running pods.
//
// Problems after that are logged and tried again. ctx ends publishing, as does
// stop, which waits until nothing runs any more.
func PublishSlices(ctx context.Context, client kubernetes.Interface, nodeName string,
	resources resourceslice.DriverResources) (stop func(), err error) {
	node, err := getNode(ctx, client, nodeName)
	if err != nil {
		return nil, err
	}
	logger := klog.LoggerWithValues(klog.FromContext(ctx), "node", nodeName)
	ctx, cancel := context.WithCancel(klog.NewContext(ctx, logger))
	controller, err := resourceslice.StartController(ctx, resourceslice.Options{
		DriverName:   deviceapi.Driver,
		KubeClient:   client,
		Owner:        &resourceslice.Owner{APIVersion: "v1", Kind: "Node", Name: nodeName, UID: node.UID},
		Resources:    &resources,
		ErrorHandler: logProblem,
	})
	if err != nil {
		cancel()
		return nil, fmt.Errorf("publishing the ResourceSlices of node %q: %w", nodeName, err)
	}
	stop = func() {
		cancel()
		controller.Stop()
	}
	if err := waitPublished(ctx, client, nodeName, resources); err != nil {
		stop()
		return nil, fmt.Errorf("publishing the ResourceSlices of node %q: %w", nodeName, err)
	}
	logger.Info("published", "devices", CountDevices(resources))
	return stop, nil
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
func waitPublished(ctx context.Context, client kubernetes.Interface, nodeName string,
	resources resourceslice.DriverResources) error {
	const longest = 5 * time.Second
	for pause := 100 * time.Millisecond; ; pause = min(2*pause, longest) {
		done, err := isPublished(ctx, client, nodeName, resources)
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
