package coexistence

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	resourceapi "k8s.io/api/resource/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/utils/ptr"
)

// accountClient acts as a ServiceAccount, as its pod if that is not nil.
func accountClient(t *testing.T, space, account string, pod *corev1.Pod) kubernetes.Interface {
	t.Helper()
	request := &authenticationv1.TokenRequest{}
	if pod != nil {
		request.Spec.BoundObjectRef = &authenticationv1.BoundObjectReference{Kind: "Pod", APIVersion: "v1", Name: pod.Name, UID: pod.UID}
	}
	granted, err := world.client.CoreV1().ServiceAccounts(space).CreateToken(t.Context(), account, request, metav1.CreateOptions{})
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

// newClaim creates a claim, allocated devices of a driver if that is not empty.
func newClaim(t *testing.T, name, driver string) *resourceapi.ResourceClaim {
	t.Helper()
	claim := &resourceapi.ResourceClaim{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: namespace}}
	claim.Spec.Devices.Requests = []resourceapi.DeviceRequest{{Name: "gpu", Exactly: &resourceapi.ExactDeviceRequest{
		DeviceClassName: "gpu.ashlar.dev", AllocationMode: resourceapi.DeviceAllocationModeExactCount, Count: 1,
	}}}
	created, err := world.client.ResourceV1().ResourceClaims(namespace).Create(t.Context(), claim, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if driver == "" {
		return created
	}
	allocate(driver, "gpu-0")(created)
	updated, err := world.client.ResourceV1().ResourceClaims(namespace).UpdateStatus(t.Context(), created, metav1.UpdateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return updated
}

func allocate(driver, device string) func(*resourceapi.ResourceClaim) {
	return func(claim *resourceapi.ResourceClaim) {
		claim.Status.Allocation = &resourceapi.AllocationResult{Devices: resourceapi.DeviceAllocationResult{
			Results: []resourceapi.DeviceRequestAllocationResult{{Request: "gpu", Driver: driver, Pool: "node-0", Device: device}},
		}}
	}
}

func deallocate(claim *resourceapi.ResourceClaim) { claim.Status.Allocation = nil }

func reserve(claim *resourceapi.ResourceClaim) {
	claim.Status.ReservedFor = []resourceapi.ResourceClaimConsumerReference{{Resource: "pods", Name: "other", UID: "other"}}
}

// dryWrite writes a claim's status without effect.
func dryWrite(
	ctx context.Context, client kubernetes.Interface, claim *resourceapi.ResourceClaim, change func(*resourceapi.ResourceClaim),
) error {
	changed := claim.DeepCopy()
	change(changed)
	_, err := client.ResourceV1().ResourceClaims(namespace).UpdateStatus(ctx, changed,
		metav1.UpdateOptions{DryRun: []string{metav1.DryRunAll}})
	return err
}

// checkRefusal fails unless an error has the text, or is nil if that is empty.
func checkRefusal(t *testing.T, err error, want string) {
	t.Helper()
	if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
		t.Errorf("error %v, want %q", err, want)
	}
}

// Only Ashlar's scheduler allocates Ashlar's devices; everybody does all else.
func TestExclusiveAllocationPolicy(t *testing.T) {
	t.Cleanup(func() { deletePods(t) })
	free, held, theirs := newClaim(t, "free", ""), newClaim(t, "held", "gpu.ashlar.dev"), newClaim(t, "theirs", "gpu.example.com")
	applyPolicy(t, "exclusive-allocation")
	const refused = "devices of gpu.ashlar.dev are allocated by ashlar-scheduler only"
	ours := accountClient(t, systemNamespace, scheduler, nil)
	for name, tc := range map[string]struct {
		client kubernetes.Interface
		claim  *resourceapi.ResourceClaim
		change func(*resourceapi.ResourceClaim)
		want   string
	}{
		"allocation by ours":               {ours, free, allocate("gpu.ashlar.dev", "gpu-0"), ""},
		"allocation by another":            {world.client, free, allocate("gpu.ashlar.dev", "gpu-0"), refused},
		"another driver's by another":      {world.client, free, allocate("gpu.example.com", "gpu-0"), ""},
		"deallocation by another":          {world.client, held, deallocate, ""},
		"reservation of ours by another":   {world.client, held, reserve, ""},
		"reservation of theirs by another": {world.client, theirs, reserve, ""},
	} {
		t.Run(name, func(t *testing.T) { checkRefusal(t, dryWrite(t.Context(), tc.client, tc.claim, tc.change), tc.want) })
	}
}

// Of two replicas the one that holds the lease allocates; both give back.
func TestLeaderAllocationPolicy(t *testing.T) {
	t.Cleanup(func() { deletePods(t) })
	free, held := newClaim(t, "free", ""), newClaim(t, "held", "gpu.ashlar.dev")
	replicas := map[string]kubernetes.Interface{}
	for _, name := range []string{"scheduler-a", "scheduler-b"} {
		pod, err := world.client.CoreV1().Pods(systemNamespace).Create(t.Context(), &corev1.Pod{
			ObjectMeta: metav1.ObjectMeta{Name: name},
			Spec: corev1.PodSpec{
				NodeName: "node-0", ServiceAccountName: scheduler, Containers: []corev1.Container{{Name: "scheduler", Image: "none"}},
			},
		}, metav1.CreateOptions{})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			now := metav1.DeleteOptions{GracePeriodSeconds: ptr.To(int64(0))}
			if err := world.client.CoreV1().Pods(systemNamespace).Delete(context.Background(), name, now); err != nil {
				t.Error(err)
			}
		})
		replicas[name] = accountClient(t, systemNamespace, scheduler, pod)
	}
	leases := world.client.CoordinationV1().Leases(systemNamespace)
	lease, err := leases.Create(t.Context(), &coordinationv1.Lease{
		ObjectMeta: metav1.ObjectMeta{Name: scheduler}, Spec: coordinationv1.LeaseSpec{HolderIdentity: ptr.To("scheduler-a_1")},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := leases.Delete(context.Background(), scheduler, metav1.DeleteOptions{}); err != nil {
			t.Error(err)
		}
	})
	applyPolicy(t, "leader-allocation")
	give := allocate("gpu.ashlar.dev", "gpu-0")
	await(t, 20*time.Second, "the policy to be heeded", func(ctx context.Context) error {
		if err := dryWrite(ctx, replicas["scheduler-a"], free, give); err != nil {
			return err
		}
		if dryWrite(ctx, replicas["scheduler-b"], free, give) == nil {
			return fmt.Errorf("scheduler-b may allocate")
		}
		return nil
	})
	const refused = "pod scheduler-b does not hold lease ashlar-system/ashlar-scheduler, scheduler-a_1 does"
	checkRefusal(t, dryWrite(t.Context(), replicas["scheduler-b"], free, give), refused)
	checkRefusal(t, dryWrite(t.Context(), replicas["scheduler-b"], held, deallocate), "")
	checkRefusal(t, dryWrite(t.Context(), world.client, free, give), "")

	lease.Spec.HolderIdentity = ptr.To("scheduler-b_2")
	if _, err := leases.Update(t.Context(), lease, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	changed := time.Now()
	await(t, 10*time.Second, "the lease's new holder to be heeded", func(ctx context.Context) error {
		if err := dryWrite(ctx, replicas["scheduler-b"], free, give); err != nil {
			return err
		}
		if dryWrite(ctx, replicas["scheduler-a"], free, give) == nil {
			return fmt.Errorf("scheduler-a may allocate")
		}
		return nil
	})
	t.Logf("the API server heeds a new holder after %.0f ms", float64(time.Since(changed).Milliseconds()))
}
