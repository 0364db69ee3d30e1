package publish

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"time"

	authorizationapi "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	resourceapi "k8s.io/api/resource/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes"
	"k8s.io/klog/v2"

	"github.com/ashlar-dev/ashlar/internal/apiserver"
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
	for _, access := range neededAccess {
		for _, verb := range access.verbs {
			if err := checkAccess(ctx, client, access, verb); err != nil {
				return err
			}
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

// resourceAccess is what is done with a kind of object.
type resourceAccess struct {
	kind, group, resource string
	verbs                 []string
}

// neededAccess is what publishing needs. Events are not: without them the log says why
// nothing is published.
var neededAccess = []resourceAccess{
	{"ResourceSlices", resourceapi.GroupName, "resourceslices", []string{"list", "watch", "create", "update", "delete"}},
	{"Nodes", corev1.GroupName, "nodes", []string{"get", "list", "watch"}},
}

// checkAccess asks whether this client may do one thing with a resource.
func checkAccess(ctx context.Context, client kubernetes.Interface, access resourceAccess, verb string) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	review := &authorizationapi.SelfSubjectAccessReview{Spec: authorizationapi.SelfSubjectAccessReviewSpec{
		ResourceAttributes: &authorizationapi.ResourceAttributes{Verb: verb, Group: access.group, Resource: access.resource},
	}}
	result, err := client.AuthorizationV1().SelfSubjectAccessReviews().Create(ctx, review, metav1.CreateOptions{})
	if err != nil {
		return plainError("asking for permission to "+verb+" "+access.kind, err)
	}
	if !result.Status.Allowed {
		return fmt.Errorf("this client may not %s %s (%s)", verb, access.kind,
			schema.GroupResource{Group: access.group, Resource: access.resource})
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
