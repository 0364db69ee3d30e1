package podspec

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	kubejson "sigs.k8s.io/json"
)

// What cannot be read is named by its field, and by what YAML calls the things.
func TestExplainDecoding(t *testing.T) {
	for name, tc := range map[string]struct{ text, want string }{
		"number for text": {`{"metadata":{"labels":{"a":1}}}`, "metadata.labels: a number, want text: put it in quotes"},
		"number for list": {`{"spec":{"containers":7}}`, "spec.containers: a number, want a list"},
		"text for number": {`{"spec":{"priority":"high"}}`, "spec.priority: text, want a whole number"},
		"text for bool":   {`{"spec":{"hostIPC":"yes"}}`, "spec.hostIPC: text, want true or false"},
		"list for mapping": {
			`{"spec":{"nodeSelector":["a"]}}`, "spec.nodeSelector: a list, want a mapping",
		},
		"word for an amount": {
			`{"spec":{"containers":[{"name":"a"},{"resources":{"limits":{"cpu":2,"nvidia.com/gpu":"one"}}}]}}`,
			`spec.containers[1].resources.limits.nvidia.com/gpu: "one", want an amount such as 2, 500m or 16Gi`,
		},
		"unit of nobody": {
			`{"spec":{"overhead":{"memory":"4GB"}}}`, `spec.overhead.memory: "4GB", want an amount such as 2, 500m or 16Gi`,
		},
		"size of a volume": {
			`{"spec":{"volumes":[{"emptyDir":{"sizeLimit":"8 Gi"}}]}}`,
			`spec.volumes[0].emptyDir.sizeLimit: "8 Gi", want an amount such as 2, 500m or 16Gi`,
		},
		"nothing wrong": {`{"spec":{"containers":[{"resources":{"limits":{"cpu":"500m"}}}]}}`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			for decoder, decode := range map[string]func([]byte, any) error{
				"encoding/json": json.Unmarshal, "Kubernetes": kubejson.UnmarshalCaseSensitivePreserveInts,
			} {
				got := ""
				if err := ExplainDecoding([]byte(tc.text), decode([]byte(tc.text), &corev1.Pod{})); err != nil {
					got = err.Error()
				}
				if diff := cmp.Diff(tc.want, got); diff != "" {
					t.Errorf("%s (-want +got):\n%s", decoder, diff)
				}
			}
		})
	}
}
