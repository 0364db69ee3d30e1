package deviceplacement

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	v1 "k8s.io/api/core/v1"
	resourceapi "k8s.io/api/resource/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"
	fwk "k8s.io/kube-scheduler/framework"
)

// claimServer answers an in-tree plugin's calls about claims as a test says. The watch shows none
// of it.
type claimServer struct {
	mutex sync.Mutex
	// down says that no call is answered.
	down bool
	// has are the claims that are read.
	has map[string]*resourceapi.ResourceClaim
	// refuse are the errors of writes: of the next one, and those after it.
	refuse []error
	// written are the claims that were written, also where the answer was an error.
	written []*resourceapi.ResourceClaim
	// onDelete is called before a claim is deleted.
	onDelete func()
}

var errReset = errors.New("read: connection reset by peer")

// serveClaims answers the scheduler's calls about claims.
func serveClaims(s *fakeScheduler, has ...*resourceapi.ResourceClaim) *claimServer {
	s.t.Helper()
	server := &claimServer{has: map[string]*resourceapi.ResourceClaim{}}
	for _, claim := range has {
		server.has[claim.Name] = claim
	}
	client, ok := s.client.(*fake.Clientset)
	if !ok {
		s.t.Fatalf("the client is a %T", s.client)
	}
	client.PrependReactor("*", "resourceclaims", server.answer)
	return server
}

func (c *claimServer) answer(action clienttesting.Action) (bool, runtime.Object, error) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	switch action := action.(type) {
	case clienttesting.CreateActionImpl:
		claim, ok := action.GetObject().DeepCopyObject().(*resourceapi.ResourceClaim)
		if !ok {
			return false, nil, nil
		}
		claim.Name, claim.UID, claim.ResourceVersion = claim.GenerateName+"made", "claim-made", "10"
		c.has[claim.Name] = claim
		return true, claim.DeepCopy(), nil
	case clienttesting.UpdateActionImpl:
		claim, ok := action.GetObject().DeepCopyObject().(*resourceapi.ResourceClaim)
		if !ok {
			return false, nil, nil
		}
		claim.ResourceVersion = "20"
		var err error
		if action.GetSubresource() == "status" {
			c.written = append(c.written, claim)
			if len(c.refuse) > 0 {
				err, c.refuse = c.refuse[0], c.refuse[1:]
			}
		}
		return true, claim.DeepCopy(), err
	case clienttesting.GetActionImpl:
		if c.down {
			return true, nil, errReset
		}
		if claim := c.has[action.GetName()]; claim != nil {
			return true, claim.DeepCopy(), nil
		}
		return true, nil, apierrors.NewNotFound(resourceapi.Resource("resourceclaims"), action.GetName())
	case clienttesting.DeleteActionImpl:
		if c.onDelete != nil {
			c.onDelete()
		}
		delete(c.has, action.GetName())
		return true, nil, nil
	}
	return false, nil, nil
}

// setDown says whether calls are answered.
func (c *claimServer) setDown(down bool) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.down = down
}

// put is the claim that is read from now on.
func (c *claimServer) put(claim *resourceapi.ResourceClaim) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.has[claim.Name] = claim
}

// version gives a claim a resource version.
func version(of string) func(*resourceapi.ResourceClaim) {
	return func(claim *resourceapi.ResourceClaim) { claim.ResourceVersion = of }
}

// fits reports whether there is a node for a pod.
func (s *fakeScheduler) fits(pod *v1.Pod) bool {
	s.t.Helper()
	feasible, _ := s.filterAll(s.preFilter(pod), pod)
	return len(feasible) > 0
}

// reserveOn takes a pod to where its claims are to be written.
func (s *fakeScheduler) reserveOn(pod *v1.Pod, node string) fwk.CycleState {
	s.t.Helper()
	state := s.preFilter(pod)
	if feasible, refused := s.filterAll(state, pod); len(feasible) == 0 {
		s.t.Fatal(refused.Get(node))
	}
	if status := s.Reserve(context.Background(), state, pod, node); !status.IsSuccess() {
		s.t.Fatal(status)
	}
	return state
}

// untilLanded waits until it is known what claims have whose devices were given back.
func (s *fakeScheduler) untilLanded(woken *v1.Pod) {
	s.t.Helper()
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
		s.activating.Lock()
		landed := !s.source.IsLanding() && slices.Contains(s.activated, woken)
		s.activating.Unlock()
		if landed {
			return
		}
		if time.Now().After(deadline) {
			s.t.Fatalf("landing: %t; the pod that waits is not tried again", s.source.IsLanding())
		}
	}
}

// Whether an allocation was written whose answer is lost nobody knows before the API server is
// asked. Until then nobody gets its devices; after that whoever waits is tried again, and gets them if
// they are free.
func TestGivenBackLands(t *testing.T) {
	again := func(claim *resourceapi.ResourceClaim) { claim.UID = "again" }
	for name, tc := range map[string]struct {
		has  *resourceapi.ResourceClaim // nil: it is gone
		fits bool
	}{
		"it was written":              {held("n", newClaim("pod", gpuClass, 1, version("20")), "gpu-0"), false},
		"it was not":                  {newClaim("pod", gpuClass, 1, version("15")), true},
		"the claim was deleted":       {nil, true},
		"the claim was made again":    {newClaim("pod", gpuClass, 1, version("15"), again), true},
		"other devices were written":  {held("n", newClaim("pod", gpuClass, 1, version("20")), "gpu-1"), true},
		"another scheduler was first": {held("n", newClaim("pod", gpuClass, 1, version("12")), "gpu-0"), false},
	} {
		t.Run(name, func(t *testing.T) {
			pod, other := newPod("pod"), newPod("other")
			gpus := publish("n", wholeGPU(0, "X"), wholeGPU(1, "SYS X"))
			s := newFakeScheduler(t, nil, []*v1.Node{newNode("n")}, gpus, held("n", newClaim("taken", gpuClass, 1, version("3")), "gpu-1"),
				newClaim("pod", gpuClass, 1, version("5")), newClaim("other", gpuClass, 1, version("6")))
			server := serveClaims(s)
			server.refuse = []error{errReset}
			state := s.reserveOn(pod, "n")
			server.setDown(true)
			if status := s.PreBind(context.Background(), state, pod, "n"); status.IsSuccess() {
				t.Fatal("bound without its claim")
			}
			s.Unreserve(context.Background(), state, pod, "n")
			time.Sleep(30 * time.Millisecond) // for some questions without an answer
			if s.fits(other) {
				t.Fatal("another pod gets the device while it is not known whether it is free")
			}
			if tc.has != nil {
				server.put(tc.has)
			}
			server.setDown(false)
			s.untilLanded(other)
			if got := s.fits(other); got != tc.fits {
				t.Errorf("another pod gets the device: %t, want %t", got, tc.fits)
			}
			if pending := s.claims.GetPendingAllocation("claim-pod"); pending != nil {
				t.Errorf("still in flight: %v", pending)
			}
		})
	}
}

// What was never begun to be written is free at once.
func TestGivenBackBeforeWriting(t *testing.T) {
	pod, other := newPod("pod"), newPod("other")
	s := newFakeScheduler(t, nil, []*v1.Node{newNode("n")}, publish("n", wholeGPU(0, "X")),
		newClaim("pod", gpuClass, 1, version("5")), newClaim("other", gpuClass, 1, version("6")))
	serveClaims(s).setDown(true)
	state := s.reserveOn(pod, "n")
	if s.fits(other) {
		t.Error("another pod gets a device that is reserved")
	}
	s.Unreserve(context.Background(), state, pod, "n")
	if !s.fits(other) {
		t.Error("another pod does not get what was given back")
	}
}

// A pod that gives back what it never wrote leaves the scheduler with all that the API server has said.
func TestGivenBackKeepsWhatIsKnown(t *testing.T) {
	pod := newPod("pod")
	s := newFakeScheduler(t, nil, []*v1.Node{newNode("n")}, publish("n", wholeGPU(0, "X")), newClaim("pod", gpuClass, 1, version("5")))
	state := s.reserveOn(pod, "n")
	if err := s.claims.AssumeClaimAfterAPICall(newClaim("pod", gpuClass, 1, version("15"))); err != nil {
		t.Fatal(err)
	}
	s.Unreserve(context.Background(), state, pod, "n")
	if claim, err := s.claims.Get(space, "pod"); err != nil || claim.ResourceVersion != "15" {
		t.Errorf("the scheduler has version %s of the claim, error %v; the API server has said 15", claim.ResourceVersion, err)
	}
}

// Of a pod's two claims the first was written, as the API server has said and the watch has not shown. The
// second is not: the devices of the first stay what the API server said.
func TestGivenBackBesideWritten(t *testing.T) {
	pod := newPod("pod", func(pod *v1.Pod) {
		second := "second"
		pod.Spec.ResourceClaims = append(pod.Spec.ResourceClaims, v1.PodResourceClaim{Name: "second", ResourceClaimName: &second})
	})
	other := newPod("other")
	s := newFakeScheduler(t, nil, []*v1.Node{newNode("n")}, publish("n", wholeGPU(0, "X"), wholeGPU(1, "SYS X")),
		newClaim("pod", gpuClass, 1, version("5")), newClaim("second", gpuClass, 1, version("6")),
		newClaim("other", gpuClass, 2, version("7")))
	server := serveClaims(s, newClaim("second", gpuClass, 1, version("15")))
	server.refuse = []error{nil, errReset}
	state := s.reserveOn(pod, "n")
	server.setDown(true)
	if status := s.PreBind(context.Background(), state, pod, "n"); status.IsSuccess() {
		t.Fatal("bound without its claim")
	}
	server.put(server.written[0])
	s.Unreserve(context.Background(), state, pod, "n")
	if s.fits(other) {
		t.Fatal("another pod gets both devices")
	}
	server.setDown(false)
	s.untilLanded(other)
	if s.fits(other) {
		t.Error("another pod gets both devices")
	}
}

// The devices of an extended resource are nobody else's before their claim is deleted.
func TestExtendedResourceGivenBack(t *testing.T) {
	pod := newPod("pod", func(pod *v1.Pod) {
		pod.Spec.ResourceClaims = nil
		pod.Spec.Containers[0].Resources.Requests = v1.ResourceList{gpuResource: resource.MustParse("1")}
	})
	other := newPod("other")
	s := newFakeScheduler(t, nil, []*v1.Node{newNode("n")}, publish("n", wholeGPU(0, "X")), newClaim("other", gpuClass, 1, version("6")))
	server := serveClaims(s)
	server.refuse = []error{errReset}
	state := s.reserveOn(pod, "n")
	ctx, stop := context.WithTimeout(context.Background(), 50*time.Millisecond) // the in-tree plugin waits for the watch
	defer stop()
	if status := s.PreBind(ctx, state, pod, "n"); status.IsSuccess() {
		t.Fatal("bound without its claim")
	}
	if len(server.written) != 1 {
		t.Fatalf("%d writes, want 1", len(server.written))
	}
	server.put(server.written[0])
	deleted := false
	server.onDelete = func() {
		deleted = true
		if allocated, err := s.claims.GatherAllocatedState(); err != nil || len(allocated.AllocatedDevices) != 1 {
			t.Errorf("%v is allocated before the claim is deleted, error %v", allocated.AllocatedDevices, err)
		}
	}
	s.Unreserve(context.Background(), state, pod, "n")
	if !deleted {
		t.Fatal("the claim was not deleted")
	}
	for deadline := time.Now().Add(10 * time.Second); s.source.IsLanding() && time.Now().Before(deadline); {
		time.Sleep(time.Millisecond)
	}
	if !s.fits(other) {
		t.Error("another pod does not get what was given back")
	}
}

// What a pod was placed for is written to the claim for which it was: not to one that was made again
// under the name, nor beside devices that another scheduler chose.
func TestWritesWhatWasChosen(t *testing.T) {
	conflict := apierrors.NewConflict(resourceapi.Resource("resourceclaims"), "pod", errors.New("it was changed"))
	again := func(claim *resourceapi.ResourceClaim) { claim.UID = types.UID("again") }
	for name, tc := range map[string]struct {
		was, is *resourceapi.ResourceClaim
		writes  int
		because string
	}{
		"something else was changed": {newClaim("pod", gpuClass, 1, version("5")), newClaim("pod", gpuClass, 1, version("6")), 2, ""},
		"it was made again": {
			newClaim("pod", gpuClass, 1, version("5")), newClaim("pod", gpuClass, 1, version("6"), again), 1,
			"claim default/pod was deleted and made again after its devices were chosen; the pod is tried again with the new claim",
		},
		"it was allocated elsewhere": {
			held("n", newClaim("pod", gpuClass, 1, version("5")), "gpu-0"), held("far", newClaim("pod", gpuClass, 1, version("6")), "gpu-0"), 1,
			"claim default/pod was allocated other devices after the pod's node was chosen; the pod is tried again where they are",
		},
	} {
		t.Run(name, func(t *testing.T) {
			pod := newPod("pod")
			tc.was.Status.ReservedFor = nil
			s := newFakeScheduler(t, nil, []*v1.Node{newNode("n")}, publish("n", wholeGPU(0, "X")), tc.was)
			server := serveClaims(s, tc.is)
			server.refuse = []error{conflict}
			state := s.reserveOn(pod, "n")
			ctx, stop := context.WithTimeout(context.Background(), 50*time.Millisecond) // the guard waits for the watch
			defer stop()
			status := s.PreBind(ctx, state, pod, "n")
			if len(server.written) != tc.writes {
				t.Errorf("%d writes, want %d", len(server.written), tc.writes)
			}
			if tc.because != "" && !strings.Contains(status.Message(), tc.because) {
				t.Errorf("status %q, want %q in it", status.Message(), tc.because)
			}
		})
	}
}
