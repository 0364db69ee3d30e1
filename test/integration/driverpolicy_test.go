package integration

import (
	"strings"
	"testing"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	resourceapi "k8s.io/api/resource/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/utils/ptr"

	"github.com/ashlar-dev/ashlar/topology/deviceapi"
)

const (
	driverNamespace = "ashlar-system"
	driverAccount   = "ashlar-dra-driver"
)

// driverClient acts as the driver's ServiceAccount: as its pod on a node, or as nobody's pod.
func driverClient(t *testing.T, node string) kubernetes.Interface {
	t.Helper()
	request := &authenticationv1.TokenRequest{}
	if node != "" {
		pod, err := world.client.CoreV1().Pods(driverNamespace).Create(t.Context(), &corev1.Pod{
			ObjectMeta: metav1.ObjectMeta{Name: "driver-on-" + node},
			Spec: corev1.PodSpec{
				NodeName: node, ServiceAccountName: driverAccount, Containers: []corev1.Container{{Name: "driver", Image: "none"}},
			},
		}, metav1.CreateOptions{})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			now := metav1.DeleteOptions{GracePeriodSeconds: ptr.To(int64(0))}
			if err := world.client.CoreV1().Pods(driverNamespace).Delete(t.Context(), pod.Name, now); err != nil && t.Context().Err() == nil {
				t.Error(err)
			}
		})
		request.Spec.BoundObjectRef = &authenticationv1.BoundObjectReference{Kind: "Pod", APIVersion: "v1", Name: pod.Name, UID: pod.UID}
	}
	granted, err := world.client.CoreV1().
		ServiceAccounts(driverNamespace).
		CreateToken(t.Context(), driverAccount, request, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	config := rest.AnonymousClientConfig(world.cluster.RESTConfig())
	config.BearerToken = granted.Status.Token
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// A node's driver writes the ResourceSlices of its own node and driver, and no others. All
// writes are dry runs.
func TestDriverWritesItsOwnNodeOnly(t *testing.T) {
	const own, other = "exclusion", "extended"
	onNode, nowhere := driverClient(t, own), driverClient(t, "")
	list, err := world.client.ResourceV1().
		ResourceSlices().
		List(t.Context(), metav1.ListOptions{FieldSelector: "spec.driver=" + deviceapi.Driver})
	if err != nil {
		t.Fatal(err)
	}
	published := map[string]*resourceapi.ResourceSlice{}
	for i := range list.Items {
		published[ptr.Deref(list.Items[i].Spec.NodeName, "")] = &list.Items[i]
	}
	if published[own] == nil || published[other] == nil {
		t.Fatalf("nothing is published for %s or %s", own, other)
	}
	dry := []string{metav1.DryRunAll}
	create := func(driver string, node *string) func(kubernetes.Interface) error {
		return func(client kubernetes.Interface) error {
			slice := &resourceapi.ResourceSlice{
				ObjectMeta: metav1.ObjectMeta{GenerateName: "policy-"},
				Spec: resourceapi.ResourceSliceSpec{
					Driver: driver, NodeName: node, Pool: resourceapi.ResourcePool{Name: "policy", ResourceSliceCount: 1},
				},
			}
			if node == nil {
				slice.Spec.AllNodes = ptr.To(true)
			}
			_, err := client.ResourceV1().ResourceSlices().Create(t.Context(), slice, metav1.CreateOptions{DryRun: dry})
			return err
		}
	}
	update := func(node string) func(kubernetes.Interface) error {
		return func(client kubernetes.Interface) error {
			slice := published[node].DeepCopy()
			metav1.SetMetaDataAnnotation(&slice.ObjectMeta, "example.com/changed", "yes")
			_, err := client.ResourceV1().ResourceSlices().Update(t.Context(), slice, metav1.UpdateOptions{DryRun: dry})
			return err
		}
	}
	remove := func(node string) func(kubernetes.Interface) error {
		return func(client kubernetes.Interface) error {
			return client.ResourceV1().ResourceSlices().Delete(t.Context(), published[node].Name, metav1.DeleteOptions{DryRun: dry})
		}
	}
	const elsewhere = "the driver's pod on node " + own + " may write ResourceSlices of that node only, not of "
	for name, tc := range map[string]struct {
		client kubernetes.Interface
		write  func(kubernetes.Interface) error
		want   string // "" if it may
	}{
		"create on its node":     {onNode, create(deviceapi.Driver, ptr.To(own)), ""},
		"update on its node":     {onNode, update(own), ""},
		"delete on its node":     {onNode, remove(own), ""},
		"create on another node": {onNode, create(deviceapi.Driver, ptr.To(other)), elsewhere + other},
		"update on another node": {onNode, update(other), elsewhere + other},
		"delete on another node": {onNode, remove(other), elsewhere + other},
		"create for all nodes":   {onNode, create(deviceapi.Driver, nil), elsewhere + "several nodes"},
		"of another driver":      {onNode, create(deviceapi.NVIDIADriver, ptr.To(own)), "of driver gpu.ashlar.dev only"},
		"in no pod":              {nowhere, create(deviceapi.Driver, ptr.To(own)), "the token does not say on which node the pod runs"},
		"as administrator":       {world.client, create(deviceapi.Driver, ptr.To(other)), ""},
	} {
		t.Run(name, func(t *testing.T) {
			err := tc.write(tc.client)
			if tc.want == "" && err != nil || tc.want != "" && (err == nil || !strings.Contains(err.Error(), tc.want)) {
				t.Errorf("error %v, want %q", err, tc.want)
			}
		})
	}
}
