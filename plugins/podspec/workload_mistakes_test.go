package podspec

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// What cannot be read is said with file, line and object, and no number is taken for another.
func TestWorkloadMistakes(t *testing.T) {
	const head, pod = "apiVersion: leaderworkerset.x-k8s.io/v1\nkind: LeaderWorkerSet\nmetadata: {name: b" +
		"ig}\n", "{spec: {containers: [{name: c}]}}"
	for name, tc := range map[string]struct{ text, want string }{
		"text for a number": {
			head + "spec:\n  replicas: two\n  leaderWorkerTemplate: {workerTemplate: " + pod + "}\n",
			`f:5: LeaderWorkerSet big: replicas: "two", want a whole number`,
		},
		"too many": {
			head + "spec:\n  leaderWorkerTemplate:\n    size: 9999999999\n    workerTemplate: " + pod + "\n",
			"f:6: LeaderWorkerSet big: size: 9999999999, which is more than",
		},
		"no template": {
			head + "spec: {replicas: 2}\n",
			"f:1: LeaderWorkerSet big: spec.leaderWorkerTemplate.leaderTemplate: want a pod template",
		},
		"no spec": {head, "f:1: LeaderWorkerSet big: spec.leaderWorkerTemplate.leaderTemplate: want a pod template"},
		"number in words": {
			head + "spec:\n  leaderWorkerTemplate:\n    workerTemplate:\n      spec:\n        containers: [{name: c, args: [1]}]\n",
			"f:8: LeaderWorkerSet big: args: 1 is no text",
		},
		"DaemonSet": {
			"apiVersion: apps/v1\nkind: DaemonSet\nmetadata: {name: d}\n",
			"f:1: DaemonSet d: a DaemonSet has a pod on every node",
		},
		"bound pod": {
			"apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  nodeName: n\n  containers: [{name: c}]\n",
			"f:5: Pod p: spec.nodeName is set",
		},
		"Knative": {
			"apiVersion: serving.knative.dev/v1\nkind: Service\nmetadata: {name: s}\nspec: {template: {" +
				"metadata: {annotations: {autoscaling.knative.dev/min-scale: many}}, spec: {}}}\n",
			`f:4: Service s: autoscaling.knative.dev/min-scale: "many", want a whole number`,
		},
		"empty predictor": {
			"apiVersion: serving.kserve.io/v1beta1\nkind: InferenceService\nmetadata: {name: s}\nspec:\n  predictor: {minReplicas: 1}\n",
			"f:5: InferenceService s: neither a model nor containers are in it",
		},
		"no predictor": {
			"apiVersion: serving.kserve.io/v1beta1\nkind: InferenceService\nmetadata: {name: s}\n",
			"f:1: InferenceService s: spec.predictor: no pods in it",
		},
		"predictor of a former version": {
			"apiVersion: serving.kserve.io/v1alpha2\nkind: InferenceService\nmetadata: {name: s}\nspec: {default: {predictor: {}}}\n",
			"f:1: InferenceService s: serving.kserve.io/v1alpha2 is not served for InferenceService any more: " +
				"write apiVersion: serving.kserve.io/v1beta1, with spec.predictor in place of spec.default.predictor",
		},
		"former group": {
			"apiVersion: serving.kubeflow.org/v1beta1\nkind: InferenceService\nmetadata: {name: s}\nspec: {predictor: {}}\n",
			"f:1: InferenceService s: serving.kubeflow.org/v1beta1 is not served for InferenceService any more: " +
				"write apiVersion: serving.kserve.io/v1beta1",
		},
		"no jobs": {
			"apiVersion: jobset.x-k8s.io/v1alpha2\nkind: JobSet\nmetadata: {name: s}\nspec: {replicatedJobs: []}\n",
			"f:4: JobSet s: spec.replicatedJobs: no jobs in it",
		},
		"no tasks": {
			"apiVersion: batch.volcano.sh/v1alpha1\nkind: Job\nmetadata: {name: s}\n", "f:1: Job s: spec.tasks: no tasks in it",
		},
		"no replica specs": {
			"apiVersion: kubeflow.org/v1\nkind: PyTorchJob\nmetadata: {name: s}\nspec: {}\n",
			"f:1: PyTorchJob s: spec.pytorchReplicaSpecs: no pods in it",
		},
		"no Ray cluster": {
			"apiVersion: ray.io/v1\nkind: RayJob\nmetadata: {name: s}\n",
			"f:1: RayJob s: spec.rayClusterSpec: no Ray cluster in it",
		},
	} {
		t.Run(name, func(t *testing.T) {
			objects, err := ReadObjects("f", []byte(tc.text))
			if err != nil || len(objects) != 1 {
				t.Fatalf("%d objects, %v", len(objects), err)
			}
			if _, _, err := objects[0].ReadWorkloads(); err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got  %v\nwant %s", err, tc.want)
			}
		})
	}
}

// Whatever stands where something else is wanted is an error or passed over, and no more.
func TestWorkloadsOfStrangeShapes(t *testing.T) {
	shapes := []string{
		"", "~", "5", "text", "[]", "[1, ~, {a: b}]", "{}", "{containers: 7}", "{containers: [~]}", "{template: ~}", "{metadata: 3, spec: [x]}",
	}
	fields := []string{
		"template", "jobTemplate", "jobTargetRef", "workloadRef", "leaderWorkerTemplate", "replicatedJobs", "tasks", "predictor", "worker",
		"prefill", "parallelism", "scaling", "model", "baseRefs", "pytorchReplicaSpecs", "headGroupSpec", "workerGroupSpecs", "rayClusterSpec",
		"scaleTargetRef", "replicas", "roles", "resource", "inference", "services", "components", "image", "multiNode", "storage",
		"deploymentConfig", "serveConfigV2", "resourceProfile", "speculator", "scale", "multinode",
	}
	runtime := "---\napiVersion: serving.kserve.io/v1alpha1\nkind: ServingRuntime\nmetadata: {name: r}\n"
	for kind := range workloadKinds {
		group, name, _ := strings.Cut(kind, "/")
		for _, shape := range shapes {
			texts := []string{"spec: " + shape}
			for _, field := range fields {
				texts = append(texts, "spec: {"+field+": "+shape+"}")
				if strings.HasPrefix(kind, "serving.") {
					texts = append(texts, "spec: {predictor: {model: {modelFormat: {name: x}, "+field+": "+shape+"}}}")
				}
			}
			for _, text := range texts {
				objects, err := ReadObjects("f", []byte("apiVersion: "+group+"/v1\nkind: "+name+"\nmetadata: {name: n}\n"+text+"\n"+runtime))
				if err != nil {
					continue
				}
				for i := range objects {
					workloads, _, err := objects[i].ReadWorkloads()
					if err == nil && kind == "/Pod" && len(workloads) > 1 {
						t.Errorf("%s with %s: %d workloads", kind, text, len(workloads))
					}
					_, _ = objects[i].ReadAutoscaler()
					_, _ = objects[i].Pods()
				}
			}
		}
	}
}

// Fields that pods do not have are named with their place.
func TestTemplateFaults(t *testing.T) {
	const text = "apiVersion: jobset.x-k8s.io/v1alpha2\nkind: JobSet\nmetadata: {name: s}\nspec:\n  replicatedJobs:\n  - name: w\n" +
		"    template: {spec: {template: {spec: {containers: [{name: c, imag: i}]}}}}\n"
	objects, err := ReadObjects("f", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	workloads, _, err := objects[0].ReadWorkloads()
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, fault := range workloads[0].Templates[0].Faults {
		got = append(got, fault.Error())
	}
	want := []string{`f:7: JobSet s: spec.replicatedJobs[0].template.spec.template: unknown field "spec.containers[0].imag"`}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("faults (-want +got):\n%s", diff)
	}
}
