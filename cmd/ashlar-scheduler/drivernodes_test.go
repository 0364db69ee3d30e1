package main

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	resourceapi "k8s.io/api/resource/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/fake"
)

func TestIdleDriver(t *testing.T) {
	const line = "no node carries ashlar.dev/driver=true: Ashlar's driver runs nowhere and gpu.ashlar.dev has no devices; label the nodes " +
		"whose GPUs " +
		"it is to publish, where no device plugin and no other DRA driver hands them out: kubectl label node NAME ashlar.dev/driver=true"
	class := &resourceapi.DeviceClass{ObjectMeta: metav1.ObjectMeta{Name: "gpu.ashlar.dev"}}
	node := func(labels map[string]string) *corev1.Node {
		return &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "n", Labels: labels}}
	}
	slice := &resourceapi.ResourceSlice{ObjectMeta: metav1.ObjectMeta{Name: "s"},
		Spec: resourceapi.ResourceSliceSpec{Driver: "gpu.ashlar.dev"}}
	for name, tc := range map[string]struct {
		objects []runtime.Object
		want    string
	}{
		"the scheduler alone": {objects: []runtime.Object{node(nil)}},
		"no node labelled":    {objects: []runtime.Object{class, node(map[string]string{"nvidia.com/gpu.present": "true"})}, want: line},
		"labelled otherwise":  {objects: []runtime.Object{class, node(map[string]string{"ashlar.dev/driver": "false"})}, want: line},
		"a node labelled":     {objects: []runtime.Object{class, node(map[string]string{"ashlar.dev/driver": "true"})}},
		"run by other means":  {objects: []runtime.Object{class, node(nil), slice}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := idleDriver(t.Context(), fake.NewClientset(tc.objects...))
			if err != nil || got != tc.want {
				t.Errorf("got %q, %v\nwant %q", got, err, tc.want)
			}
		})
	}
}
