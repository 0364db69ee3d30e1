package publish_test

import (
	"context"
	"errors"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-logr/logr/funcr"
	authorizationapi "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	resourceapi "k8s.io/api/resource/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	apiversion "k8s.io/apimachinery/pkg/version"
	fakediscovery "k8s.io/client-go/discovery/fake"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/fake"
	ktesting "k8s.io/client-go/testing"
	"k8s.io/dynamic-resource-allocation/resourceslice"
	"k8s.io/klog/v2"

	"github.com/ashlar-dev/ashlar/dra/discovery"
	"github.com/ashlar-dev/ashlar/dra/publish"
	"github.com/ashlar-dev/ashlar/dra/simulated/simulatedtest"
	"github.com/ashlar-dev/ashlar/topology"
	"github.com/ashlar-dev/ashlar/topology/catalogue"
	"github.com/ashlar-dev/ashlar/topology/deviceapi"
)

// newClient is a cluster with one node, in which everything is permitted but
// the given verb on ResourceSlices. Unlike the plain fake it makes up names.
func newClient(refused string) *fake.Clientset {
	client := fake.NewClientset(&corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "node-0", UID: "uid-0"}})
	var created atomic.Int64
	client.PrependReactor("create", "resourceslices", func(action ktesting.Action) (bool, runtime.Object, error) {
		slice := action.(ktesting.CreateAction).GetObject().(*resourceapi.ResourceSlice)
		slice.Name = slice.GenerateName + strconv.FormatInt(created.Add(1), 10)
		return false, nil, nil
	})
	client.PrependReactor("create", "selfsubjectaccessreviews", func(action ktesting.Action) (bool, runtime.Object, error) {
		review := action.(ktesting.CreateAction).GetObject().(*authorizationapi.SelfSubjectAccessReview).DeepCopy()
		review.Status.Allowed = review.Spec.ResourceAttributes.Verb != refused
		return true, review, nil
	})
	return client
}

// dropTaints makes the cluster one that does not know taints of devices.
func dropTaints(client *fake.Clientset) {
	client.PrependReactor("update", "resourceslices", func(action ktesting.Action) (bool, runtime.Object, error) {
		slice := action.(ktesting.UpdateAction).GetObject().(*resourceapi.ResourceSlice)
		for i := range slice.Spec.Devices {
			slice.Spec.Devices[i].Taints = nil
		}
		return false, nil, nil
	})
}

// watchRivals watches node-0 until the test ends.
func watchRivals(t *testing.T, client kubernetes.Interface) *publish.RivalWatch {
	t.Helper()
	watch, err := publish.WatchRivals(t.Context(), client, []string{"node-0"})
	if err != nil {
		t.Fatal(err)
	}
	return watch
}

// startPublishing publishes for node-0 as for a node without a kubelet.
func startPublishing(ctx context.Context, t *testing.T, client kubernetes.Interface, resources resourceslice.DriverResources) (
	stop func(), err error) {
	t.Helper()
	publication, sink, err := startPublication(ctx, t, client, resources)
	if err != nil {
		return nil, err
	}
	return func() { publication.Stop(); sink.Stop() }, nil
}

func startPublication(ctx context.Context, t *testing.T, client kubernetes.Interface, resources resourceslice.DriverResources) (
	*publish.Publication, *publish.ControllerSink, error) {
	t.Helper()
	sink := publish.NewControllerSink(client, "node-0")
	publication, err := publish.PublishSlices(ctx, client, watchRivals(t, client), sink, "node-0", resources)
	if err != nil {
		sink.Stop()
	}
	return publication, sink, err
}

// resourcesOn is what a simulated node-0 of a machine publishes.
func resourcesOn(t *testing.T, machine *topology.MachineType) resourceslice.DriverResources {
	t.Helper()
	node := simulatedtest.ReadNode(t, machine)
	return publish.DriverResources("node-0", node, node.ListDevices(discovery.DeviceOptions{AnyMode: true}), nil)
}

// resourcesOf is what a simulated node-0 publishes.
func resourcesOf(t *testing.T, name string) resourceslice.DriverResources {
	t.Helper()
	machine, err := catalogue.Default().Machine(name)
	if err != nil {
		t.Fatal(err)
	}
	return resourcesOn(t, machine)
}

func TestPublish(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	client := newClient("")
	resources := resourcesOf(t, "dgx-h100")
	if err := publish.CheckCluster(ctx, client, []string{"node-0"}); err != nil {
		t.Fatal(err)
	}
	stop, err := startPublishing(ctx, t, client, resources)
	if err != nil {
		t.Fatal(err)
	}
	stop()
	list, err := client.ResourceV1().ResourceSlices().List(ctx, metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if want := len(publish.ResourceSlices("node-0", resources)); len(list.Items) != want {
		t.Errorf("%d slices remain after stopping, want %d", len(list.Items), want)
	}
	for _, slice := range list.Items {
		if slice.Spec.Driver != deviceapi.Driver || slice.Spec.NodeName == nil || *slice.Spec.NodeName != "node-0" {
			t.Errorf("%s: driver %s, node %v", slice.Name, slice.Spec.Driver, slice.Spec.NodeName)
		}
		if owners := slice.OwnerReferences; len(owners) != 1 || owners[0].Kind != "Node" || owners[0].UID != "uid-0" {
			t.Errorf("%s: owners %v, want the node", slice.Name, owners)
		}
		if !strings.Contains(slice.GenerateName, "-gpu.ashlar.dev-node-0-") {
			t.Errorf("%s: generated from %q", slice.Name, slice.GenerateName)
		}
	}
}

// A restart finds its slices and writes nothing; a changed node rewrites them.
func TestPublishAgain(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	client := newClient("")
	for _, tc := range []struct {
		machine    string
		wantWrites bool
	}{{"8xL40S-2socket-node", true}, {"8xL40S-2socket-node", false}, {"4xA30-pcie", true}} {
		client.ClearActions()
		stop, err := startPublishing(ctx, t, client, resourcesOf(t, tc.machine))
		if err != nil {
			t.Fatal(err)
		}
		stop()
		writes := false
		for _, action := range client.Actions() {
			writes = writes || action.GetVerb() != "get" && action.GetVerb() != "list" && action.GetVerb() != "watch"
		}
		if writes != tc.wantWrites {
			t.Errorf("%s: writes %v, want %v", tc.machine, writes, tc.wantWrites)
		}
	}
}

func TestPublishStopsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
	defer cancel()
	client := newClient("")
	client.PrependReactor("create", "resourceslices", func(ktesting.Action) (bool, runtime.Object, error) {
		return true, nil, apierrors.NewServiceUnavailable("not now")
	})
	_, err := startPublishing(ctx, t, client, resourcesOf(t, "4xA30-pcie"))
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v, want the context's", err)
	}
}

func TestCheckCluster(t *testing.T) {
	slices := schema.GroupResource{Group: "resource.k8s.io", Resource: "resourceslices"}
	for name, tc := range map[string]struct {
		refused string // verb
		listing error
		nodes   []string
		want    string
	}{
		"in order": {nodes: []string{"node-0"}},
		"no node":  {nodes: []string{"node-0", "node-1"}, want: `node "node-1" does not exist in the cluster`},
		"may not":  {refused: "update", want: "this client may not update ResourceSlices (resourceslices.resource.k8s.io)"},
		"forbidden": {listing: apierrors.NewForbidden(slices, "", errors.New("no")),
			want: "listing ResourceSlices: resourceslices.resource.k8s.io is forbidden: no"},
		"old cluster": {listing: apierrors.NewNotFound(slices, ""),
			want: "the API server has no ResourceSlices of resource.k8s.io/v1: Kubernetes 1.34 or later is needed"},
		"unreachable": {
			listing: &url.Error{Op: "Get", URL: "https://10.0.0.1:6443/apis", Err: errors.New("connection refused")},
			want:    "listing ResourceSlices: the API server https://10.0.0.1:6443 cannot be reached: connection refused",
		},
		"silent": {
			listing: &url.Error{Op: "Get", URL: "https://10.0.0.1:6443/apis", Err: context.DeadlineExceeded},
			want:    "listing ResourceSlices: the API server https://10.0.0.1:6443 did not answer within 10s",
		},
	} {
		t.Run(name, func(t *testing.T) {
			client := newClient(tc.refused)
			if tc.listing != nil {
				client.PrependReactor("list", "resourceslices", func(ktesting.Action) (bool, runtime.Object, error) {
					return true, nil, tc.listing
				})
			}
			got := ""
			if err := publish.CheckCluster(t.Context(), client, tc.nodes); err != nil {
				got = err.Error()
			}
			if strings.TrimSpace(got) != tc.want && !strings.HasPrefix(got, tc.want+" ") {
				t.Errorf("error %q, want %q", got, tc.want)
			}
		})
	}
}

// An older API server is told of in the log, one line for each lack; the driver goes on.
func TestCheckClusterLogsMissingFeatures(t *testing.T) {
	for version, want := range map[string][]string{
		"v1.37.2": nil,
		"v1.36.4": nil,
		"v1.35.1": {"DRAPartitionableDevices", "DRAConsumableCapacity"},
	} {
		t.Run(version, func(t *testing.T) {
			var lines []string
			logger := funcr.New(func(_, line string) { lines = append(lines, line) }, funcr.Options{})
			client := newClient("")
			client.Discovery().(*fakediscovery.FakeDiscovery).FakedServerVersion = &apiversion.Info{GitVersion: version}
			if err := publish.CheckCluster(klog.NewContext(t.Context(), logger), client, []string{"node-0"}); err != nil {
				t.Fatal(err)
			}
			if len(lines) != len(want) {
				t.Fatalf("logged %q, want a line about each of %v", lines, want)
			}
			for i, gate := range want {
				if !strings.Contains(lines[i], "the API server ("+version+") has no "+gate) {
					t.Errorf("line %d: %q does not name %s", i, lines[i], gate)
				}
			}
		})
	}
}
