package deviceplacement

import (
	"cmp"
	"strings"
	"testing"
	"time"

	v1 "k8s.io/api/core/v1"
	resourceapi "k8s.io/api/resource/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/ashlar-dev/ashlar/topology/deviceapi"
)

// changingClass is the DeviceClass of claims that one case changes.
const changingClass = "changing"

// A group that was refused is answered anew once anything has changed that its place depends on,
// though nothing has changed of devices and nodes.
func TestRefusedGroupIsAskedAnew(t *testing.T) {
	const waits = "they wait for devices to be released"
	for name, tc := range map[string]struct {
		// made are the claims that there are at first, for so many GPUs each.
		made map[string]int64
		// refusal is what the group is told then.
		refusal string
		change  func(*fakeGroup)
		// tainted says that one of the nodes is, class is that of the claims.
		tainted bool
		class   string
	}{
		"the last claim is made": {
			made: map[string]int64{"gang-0": 4}, refusal: "the ResourceClaims of pod gang-1",
			change: func(g *fakeGroup) { g.makeClaim(newClaim("gang-1", gpuClass, 4)) },
		},
		"a claim is made again and asks for less": {
			made: map[string]int64{"gang-0": 4, "gang-1": 8}, refusal: waits,
			change: func(g *fakeGroup) {
				g.removeClaim("gang-1")
				g.makeClaim(newClaim("gang-1", gpuClass, 4, func(claim *resourceapi.ResourceClaim) { claim.UID = "another" }))
			},
		},
		"as many pods that ask for less replace those": {
			made: map[string]int64{"gang-0": 8, "gang-1": 8, "small-0": 4, "small-1": 4}, refusal: waits,
			change: func(g *fakeGroup) { g.group.Pending = []*v1.Pod{newPod("small-0"), newPod("small-1")} },
		},
		"a pod tolerates a node's taint": {
			tainted: true,
			made:    map[string]int64{"gang-0": 4, "gang-1": 4, "any": 4}, refusal: waits,
			change: func(g *fakeGroup) {
				tolerant := newPod("gang-1")
				tolerant.Generation = 2
				tolerant.Spec.Tolerations = []v1.Toleration{{Operator: v1.TolerationOpExists}}
				g.group.Pending = []*v1.Pod{g.group.Pending[0], tolerant}
			},
		},
		"a DeviceClass has more devices": {
			class: changingClass,
			made:  map[string]int64{"gang-0": 4, "gang-1": 4}, refusal: waits,
			change: func(g *fakeGroup) { g.makeClass(newClass("2", hasType(deviceapi.TypeGPU))) },
		},
	} {
		t.Run(name, func(t *testing.T) {
			nodes := []*v1.Node{hostNode("a"), hostNode("b")}
			if tc.tainted {
				nodes[1].Spec.Taints = []v1.Taint{{Key: "reserved", Effect: v1.TaintEffectNoSchedule}}
			}
			g := newFakeGroup(t, nodes, []*v1.Pod{newPod("gang-0"), newPod("gang-1")}, publish("a", fourGPUs()...), publish("b", fourGPUs()...))
			g.makeClass(newClass("1", "false"))
			for claim, count := range tc.made {
				g.makeClaim(newClaim(claim, cmp.Or(tc.class, gpuClass), count))
			}
			for range 2 {
				if got := g.placeMember(g.group.Pending[0]); !strings.Contains(got, tc.refusal) {
					t.Fatalf("at first: got %q, want a refusal with %q", got, tc.refusal)
				}
			}
			tc.change(g)
			if got := g.placeMember(g.group.Pending[0]); got != "a" {
				t.Errorf("afterwards: got %q, want node a", got)
			}
		})
	}
}

// newClass is a DeviceClass of the devices for which an expression holds.
func newClass(version, expression string) *resourceapi.DeviceClass {
	return &resourceapi.DeviceClass{
		ObjectMeta: metav1.ObjectMeta{Name: changingClass, ResourceVersion: version},
		Spec: resourceapi.DeviceClassSpec{Selectors: []resourceapi.DeviceSelector{
			{CEL: &resourceapi.CELDeviceSelector{Expression: expression}},
		}},
	}
}

// makeClaim makes a claim, and removeClaim removes one; both return when the scheduler knows.
func (g *fakeGroup) makeClaim(claim *resourceapi.ResourceClaim) {
	g.t.Helper()
	if _, err := g.client.ResourceV1().ResourceClaims(space).Create(g.t.Context(), claim, metav1.CreateOptions{}); err != nil {
		g.t.Fatal(err)
	}
	g.await(func() bool { return g.claimUID(claim.Name) == claim.UID })
}

func (g *fakeGroup) removeClaim(name string) {
	g.t.Helper()
	if err := g.client.ResourceV1().ResourceClaims(space).Delete(g.t.Context(), name, metav1.DeleteOptions{}); err != nil {
		g.t.Fatal(err)
	}
	g.await(func() bool { return g.claimUID(name) == "" })
}

func (g *fakeGroup) claimUID(name string) types.UID {
	if claim, err := g.claims.Get(space, name); err == nil {
		return claim.UID
	}
	return ""
}

// makeClass makes or changes a DeviceClass, and returns when the scheduler knows.
func (g *fakeGroup) makeClass(class *resourceapi.DeviceClass) {
	g.t.Helper()
	classes := g.client.ResourceV1().DeviceClasses()
	_, err := classes.Create(g.t.Context(), class, metav1.CreateOptions{})
	if apierrors.IsAlreadyExists(err) {
		_, err = classes.Update(g.t.Context(), class, metav1.UpdateOptions{})
	}
	if err != nil {
		g.t.Fatal(err)
	}
	g.await(func() bool {
		known, err := g.classes.Get(class.Name)
		return err == nil && known.ResourceVersion == class.ResourceVersion
	})
}

// await returns once something has come to be so.
func (g *fakeGroup) await(isSo func() bool) {
	g.t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !isSo(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			g.t.Fatal("the scheduler does not hear of it")
		}
	}
}
