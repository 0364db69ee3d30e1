package podspec

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Beside containers, a pod has volumes and the like, and its object says how many there are.
func TestReadBesideContainers(t *testing.T) {
	const spec = "spec: {containers: [{name: c}], hostIPC: true, enableServiceLinks: false, volumes: [" +
		"{name: shm, emptyDir: {medium: Memory, sizeLimit: 2Gi}}, {name: odd, emptyDir: 7}, " +
		"{name: cache, persistentVolumeClaim: {claimName: models}}]}"
	for name, tc := range map[string]struct{ text, want string }{
		"pod": {"apiVersion: v1\nkind: Pod\nmetadata: {name: a}\n" + spec, "0 replicas, host IPC true, links false, [shm cache]"},
		"deployment": {
			"apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a}\nspec: {replicas: 3, template: {" + spec + "}}",
			"3 replicas, host IPC true, links false, [shm cache]",
		},
		"scaled predictor": {
			"apiVersion: serving.kserve.io/v1beta1\nkind: InferenceService\nmetadata: {name: a}\n" +
				"spec: {predictor: {minReplicas: 1, maxReplicas: 4, containers: [{name: c}]}}",
			"4 replicas, host IPC false, links true, []",
		},
		"one after another": {
			"apiVersion: v1\nkind: List\nitems:\n- {apiVersion: apps/v1, kind: Deployment, spec: {replicas: 2}}\n" +
				"- {apiVersion: v1, kind: Pod, spec: {containers: [{name: c}]}}",
			"0 replicas, host IPC false, links true, []",
		},
	} {
		t.Run(name, func(t *testing.T) {
			pods, err := ReadPods("f", []byte(tc.text))
			if err != nil || len(pods) != 1 {
				t.Fatalf("%d pods, error %v", len(pods), err)
			}
			p := &pods[0]
			names := []string{}
			for i := range p.Spec.Volumes {
				names = append(names, p.Spec.Volumes[i].Name)
			}
			links := p.Spec.EnableServiceLinks == nil || *p.Spec.EnableServiceLinks
			got := fmt.Sprintf("%d replicas, host IPC %v, links %v, %v", p.Replicas, p.Spec.HostIPC, links, names)
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("pod (-want +got):\n%s", diff)
			}
		})
	}
}
