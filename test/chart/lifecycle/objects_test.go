package lifecycle

import (
	"slices"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/metadata"

	"github.com/ashlar-dev/ashlar/test/cluster"
)

// passing are the resources whose objects come and go by themselves: of events, and of what
// the control plane keeps of its own.
var passing = []string{"events", "leases", "endpointslices", "endpoints", "componentstatuses", "ipaddresses"}

// listObjects lists every object of a cluster, as resource namespace/name.
func listObjects(t *testing.T, c *cluster.Cluster) []string {
	t.Helper()
	client, err := discovery.NewDiscoveryClientForConfig(c.RESTConfig())
	if err != nil {
		t.Fatal(err)
	}
	lists, err := client.ServerPreferredResources()
	if err != nil {
		t.Fatal(err)
	}
	objects, err := metadata.NewForConfig(c.RESTConfig())
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, list := range lists {
		version, err := schema.ParseGroupVersion(list.GroupVersion)
		if err != nil {
			t.Fatal(err)
		}
		for _, resource := range list.APIResources {
			if !slices.Contains(resource.Verbs, "list") || slices.Contains(passing, resource.Name) && version.Group != "scheduling.x-k8s.io" {
				continue
			}
			found, err := objects.Resource(version.WithResource(resource.Name)).List(t.Context(), metav1.ListOptions{})
			if err != nil {
				if version.Group == "scheduling.x-k8s.io" || version.Group == "topology.node.k8s.io" {
					continue // the definition is being removed
				}
				t.Fatalf("listing %s: %v", resource.Name, err)
			}
			for _, object := range found.Items {
				names = append(names, strings.Join([]string{resource.Name, version.Group, object.Namespace, object.Name}, "/"))
			}
		}
	}
	leases, err := objects.Resource(schema.GroupVersionResource{Group: "coordination.k8s.io", Version: "v1", Resource: "leases"}).
		Namespace(namespace).List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, lease := range leases.Items {
		names = append(names, "leases/"+lease.Name)
	}
	slices.Sort(names)
	return names
}
