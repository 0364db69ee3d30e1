package podspec

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// describeWorkloads has a line for each template: title, replicas and scale, and the pods of the
// first two replicas with their containers.
func describeWorkloads(workloads []Workload) []string {
	var lines []string
	for i := range workloads {
		w := &workloads[i]
		line := fmt.Sprintf("%s x%d", w.Title(), w.Replicas)
		if w.Scale != nil {
			line += fmt.Sprintf(" (%d to %d)", w.Scale.Min, w.Scale.Max)
		}
		for j := range w.Templates {
			template := &w.Templates[j]
			var names []string
			for replica := range min(2, w.Replicas) {
				for pod := range template.PerReplica {
					names = append(names, template.PodName(replica, pod))
				}
			}
			for _, c := range template.Spec.Containers {
				limit := c.Resources.Limits["nvidia.com/gpu"]
				names = append(names, fmt.Sprintf("[%s %s gpu=%s]", c.Name, strings.Join(c.Args, " "), limit.String()))
			}
			line += "; " + strings.Join(names, " ")
		}
		for _, note := range w.Notes {
			line += "; note: " + note
		}
		lines = append(lines, line)
	}
	return lines
}

// Each kind of object makes as many pods as its controller would, named as it would name them.
func TestWorkloads(t *testing.T) {
	const pod = "{spec: {containers: [{name: c}]}}"
	head := func(apiVersion, kind string) string {
		return "apiVersion: " + apiVersion + "\nkind: " + kind + "\nmetadata: {name: big}\n"
	}
	for name, tc := range map[string]struct {
		text    string
		unknown bool
		want    []string
	}{
		"Pod": {text: head("v1", "Pod") + "spec: {containers: [{name: c}]}\n", want: []string{"Pod big x1; big-1 [c  gpu=0]"}},
		"Deployment": {
			text: head("apps/v1", "Deployment") + "spec: {replicas: 3, template: " + pod + "}\n",
			want: []string{"Deployment big x3; big-1 big-2 [c  gpu=0]"},
		},
		"StatefulSet": {
			text: head("apps/v1", "StatefulSet") + "spec: {ordinals: {start: 5}, template: " + pod + "}\n",
			want: []string{"StatefulSet big x1; big-5 [c  gpu=0]"},
		},
		"Job": {
			text: head("batch/v1", "Job") + "spec: {parallelism: 4, completions: 3, template: " + pod + "}\n",
			want: []string{"Job big x3; big-1 big-2 [c  gpu=0]"},
		},
		"Job of Volcano": {
			text: head("batch.volcano.sh/v1alpha1", "Job") +
				"spec: {tasks: [{name: ps, template: " + pod + "}, {name: w, replicas: 4, template: " + pod + "}]}\n",
			want: []string{"Job big, ps x1; big-ps-0 [c  gpu=0]", "Job big, w x4; big-w-0 big-w-1 [c  gpu=0]"},
		},
		"ScaledJob": {
			text: head("keda.sh/v1alpha1", "ScaledJob") + "spec: {maxReplicaCount: 9, jobTargetRef: {template: " + pod + "}}\n",
			want: []string{"ScaledJob big x1 (0 to 9); big-1 [c  gpu=0]"},
		},
		"Rollout of a Deployment": {
			text: head("argoproj.io/v1alpha1", "Rollout") +
				"spec: {replicas: 2, workloadRef: {apiVersion: apps/v1, kind: Deployment, name: web}}\n",
			want: []string{"Rollout big x0; note: its pods are those of Deployment web"},
		},
		"LeaderWorkerSet": {
			text: head("leaderworkerset.x-k8s.io/v1", "LeaderWorkerSet") +
				"spec: {replicas: 2, leaderWorkerTemplate: {size: 3, workerTemplate: " + pod + "}}\n",
			want: []string{"LeaderWorkerSet big x2; big-0 big-1 [c  gpu=0]; big-0-1 big-0-2 big-1-1 big-1-2 [c  gpu=0]"},
		},
		"LeaderWorkerSet of leaders": {
			text: head("leaderworkerset.x-k8s.io/v1", "LeaderWorkerSet") +
				"spec: {leaderWorkerTemplate: {workerTemplate: " + pod + "}}\n",
			want: []string{"LeaderWorkerSet big x1; big-0 [c  gpu=0]"},
		},
		"JobSet": {
			text: head("jobset.x-k8s.io/v1alpha2", "JobSet") +
				"spec: {replicatedJobs: [{name: w, replicas: 2, template: {spec: {parallelism: 2, completions: 2, template: " + pod + "}}}]}\n",
			want: []string{"JobSet big, w x2; big-w-0-0 big-w-0-1 big-w-1-0 big-w-1-1 [c  gpu=0]"},
		},
		"Knative": {
			text: head("serving.knative.dev/v1", "Service") + "spec:\n  template:\n    metadata:\n      annotations:\n" +
				"        autoscaling.knative.dev/min-scale: '2'\n        autoscaling.knative.dev/max-scale: '5'\n" +
				"    spec: {containerConcurrency: 4, containers: [{name: c}]}\n",
			want: []string{"Service big x2 (2 to 5); big-1 big-2 [c  gpu=0]"},
		},
		"PyTorchJob": {
			text: head("kubeflow.org/v1", "PyTorchJob") +
				"spec: {pytorchReplicaSpecs: {Master: {template: " + pod + "}, Worker: {replicas: 3, template: " + pod + "}}}\n",
			want: []string{
				"PyTorchJob big, master x1; big-master-0 [c  gpu=0]",
				"PyTorchJob big, worker x3; big-worker-0 big-worker-1 [c  gpu=0]",
			},
		},
		"suspended Job": {
			text: head("batch/v1", "Job") + "spec: {suspend: true, parallelism: 2, template: " + pod + "}\n",
			want: []string{"Job big x2; big-1 big-2 [c  gpu=0]; " +
				"note: spec.suspend is true: it makes no pods until that is changed, and these are those of then"},
		},
		"MPIJob": {
			text: head("kubeflow.org/v2beta1", "MPIJob") + "spec: {mpiReplicaSpecs: {Launcher: {template: " + pod + "}}}\n",
			want: []string{"MPIJob big, launcher x1; big-launcher-0 [c  gpu=0]"},
		},
		"RayCluster": {
			text: head("ray.io/v1", "RayCluster") + "spec: {enableInTreeAutoscaling: true, headGroupSpec: {template: " + pod + "},\n" +
				"  workerGroupSpecs: [{groupName: gpu, replicas: 2, maxReplicas: 6, numOfHosts: 2, template: " + pod + "}]}\n",
			want: []string{
				"RayCluster big, head x1; big-head [c  gpu=0]",
				"RayCluster big, gpu x2 (0 to 6); big-gpu-worker-0 big-gpu-worker-1 big-gpu-worker-2 big-gpu-worker-3 [c  gpu=0]",
			},
		},
		"RayJob": {
			text: head("ray.io/v1", "RayJob") + "spec: {rayClusterSpec: {headGroupSpec: {template: " + pod + "}}}\n",
			want: []string{"RayJob big, head x1; big-head [c  gpu=0]"},
		},
		"InferenceService": {
			text: head("serving.kserve.io/v1beta1", "InferenceService") +
				"spec: {predictor: {minReplicas: 0, maxReplicas: 3, model: {modelFormat: {name: huggingface},\n" +
				"  storageUri: 'hf://a/b', args: [--x=1], resources: {limits: {nvidia.com/gpu: 1}}}}}\n",
			want: []string{"InferenceService big x1 (0 to 3); big-predictor-1 [kserve-container --x=1 gpu=1]"},
		},
		"InferenceService with a transformer": {
			text: head("serving.kserve.io/v1beta1", "InferenceService") +
				"spec: {predictor: {containers: [{name: c}], nodeSelector: {a: b}}, transformer: {minReplicas: 2, containers: [{name: c}]}}\n",
			want: []string{
				"InferenceService big, predictor x1; big-predictor-1 [c  gpu=0]",
				"InferenceService big, transformer x2; big-transformer-1 big-transformer-2 [c  gpu=0]",
			},
		},
		"InferenceService over nodes": {
			text: head("serving.kserve.io/v1beta1", "InferenceService") +
				"spec: {predictor: {huggingface: {storageUri: 'hf://a/b'}, workerSpec: {pipelineParallelSize: 3, tensorParallelSize: 4}}}\n",
			want: []string{
				"InferenceService big x1; big-predictor-1 [kserve-container  gpu=4]; " +
					"big-predictor-worker-1 big-predictor-worker-2 [kserve-container  gpu=4]",
			},
		},
		"InferenceService over nodes with network devices": {
			text: head("serving.kserve.io/v1beta1", "InferenceService") +
				"spec: {predictor: {huggingface: {storageUri: 'hf://a/b', resources: {limits: {nvidia.com/hostdev: 1}}},\n" +
				"  workerSpec: {tensorParallelSize: 4}}}\n",
			want: []string{"InferenceService big x1; big-predictor-1 [kserve-container  gpu=4]; big-predictor-worker-1 [kserve-container  gpu=4]"},
		},
		"LLMInferenceService": {
			text: head("serving.kserve.io/v1alpha1", "LLMInferenceService") +
				"spec: {replicas: 2, model: {uri: 'hf://a/b'}, template: {containers: [{name: main,\n" +
				"  resources: {limits: {nvidia.com/gpu: 1}}, env: [{name: VLLM_ADDITIONAL_ARGS, value: '--max-model-len 4096'}]}]}}\n",
			want: []string{"LLMInferenceService big x2; big-1 big-2 [main --max-model-len 4096 gpu=1]"},
		},
		"LLMInferenceService in two parts": {
			text: head("serving.kserve.io/v1alpha2", "LLMInferenceService") +
				"spec: {model: {uri: 'hf://a/b'}, template: {containers: [{name: main, command: [serve]}]},\n" +
				"  baseRefs: [{name: x}], prefill: {scaling: {minReplicas: 2, maxReplicas: 4}, template: {containers: [{name: side}]}}}\n",
			want: []string{
				"LLMInferenceService big, decode x1; big-1 [main  gpu=0]; note: what its baseRefs x add to its pods was not looked at: " +
					"add the LLMInferenceServiceConfig to the file",
				"LLMInferenceService big, prefill x2 (2 to 4); big-prefill-1 big-prefill-2 [main  gpu=0] [side  gpu=0]; " +
					"note: what its baseRefs x add to its pods was not looked at: " +
					"add the LLMInferenceServiceConfig to the file",
			},
		},
		"LLMInferenceService over nodes": {
			text: head("serving.kserve.io/v1alpha1", "LLMInferenceService") +
				"spec: {replicas: 2, model: {uri: 'hf://a/b'}, parallelism: {data: 16, dataLocal: 8, tensor: 1},\n" +
				"  template: {containers: [{name: main}]}, worker: {containers: [{name: main, resources: {limits: {nvidia.com/gpu: 8}}}]}}\n",
			want: []string{"LLMInferenceService big x2; big-0 big-1 " +
				"[main --tensor-parallel-size=1 --data-parallel-size=16 --data-parallel-size-local=8 gpu=0]; " +
				"big-0-1 big-1-1 [main --tensor-parallel-size=1 --data-parallel-size=16 --data-parallel-size-local=8 gpu=8]"},
		},
		"InferenceService of a runtime beside it": {
			text: head("serving.kserve.io/v1beta1", "InferenceService") +
				"spec: {predictor: {model: {modelFormat: {name: vLLM}, runtime: mine, args: [--b], resources: {limits: {nvidia.com/gpu: 2}}}}}\n---\n" +
				"apiVersion: serving.kserve.io/v1alpha1\nkind: ServingRuntime\nmetadata: {name: mine}\n" +
				"spec: {containers: [{name: kserve-container, args: ['--name={{.Name}}'], resources: {limits: {cpu: 4}}}, {name: proxy}]}\n",
			want: []string{"InferenceService big x1; big-predictor-1 [kserve-container --name=big --b gpu=2] [proxy  gpu=0]"},
		},
		"InferenceService of a runtime that is selected": {
			text: head("serving.kserve.io/v1beta1", "InferenceService") + "spec: {predictor: {model: {modelFormat: {name: vLLM}}}}\n---\n" +
				"apiVersion: serving.kserve.io/v1alpha1\nkind: ClusterServingRuntime\nmetadata: {name: mine}\n" +
				"spec: {supportedModelFormats: [{name: vLLM, autoSelect: true}], containers: [{name: kserve-container, args: [--a]}]}\n",
			want: []string{"InferenceService big x1; big-predictor-1 [kserve-container --a gpu=0]"},
		},
		"InferenceService of a runtime elsewhere": {
			text: head("serving.kserve.io/v1beta1", "InferenceService") + "spec: {predictor: {model: {modelFormat: {name: vLLM}, runtime: mine}}}\n",
			want: []string{"InferenceService big x1; big-predictor-1 [kserve-container  gpu=0]; " +
				"note: what the runtime mine adds to its pods was not looked at, as it is not in the same file"},
		},
		"unknown with pods in it": {
			text:    head("example.org/v1", "Fleet") + "spec: {blue: " + pod + ", green: {template: " + pod + "}}\n",
			unknown: true, want: []string{"Fleet big, blue x1; big-blue-1 [c  gpu=0]", "Fleet big, green x1; big-green-1 [c  gpu=0]"},
		},
		"unknown with known in it": {
			text: head("workload.codeflare.dev/v1beta2", "AppWrapper") +
				"spec: {components: [{template: {apiVersion: batch/v1, kind: Job, metadata: {name: j}, spec: {parallelism: 2, template: " + pod + "" +
				"}}}]}\n",
			unknown: true, want: []string{"Job j x2; j-1 j-2 [c  gpu=0]"},
		},
		"unknown": {text: head("example.org/v1", "Thing") + "spec: {a: b}\n", unknown: true},
	} {
		t.Run(name, func(t *testing.T) {
			objects, err := ReadObjects("f", []byte(tc.text))
			if err != nil || len(objects) == 0 {
				t.Fatalf("%d objects, %v", len(objects), err)
			}
			workloads, known, err := objects[0].ReadWorkloads()
			if err != nil || known == tc.unknown {
				t.Fatalf("known %t, error %v", known, err)
			}
			if diff := cmp.Diff(tc.want, describeWorkloads(workloads)); diff != "" {
				t.Errorf("pods (-want +got):\n%s", diff)
			}
		})
	}
}

// Autoscalers say how far they scale what.
func TestAutoscaler(t *testing.T) {
	for name, tc := range map[string]struct {
		text, want, wantError string
	}{
		"HorizontalPodAutoscaler": {
			text: "apiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata: {name: a}\n" +
				"spec: {scaleTargetRef: {apiVersion: apps/v1, kind: StatefulSet, name: x}, minReplicas: 2, maxReplicas: 8}\n",
			want: "2 to 8 of apps StatefulSet x",
		},
		"no least": {
			text: "apiVersion: autoscaling/v1\nkind: HorizontalPodAutoscaler\nmetadata: {name: a}\nspec: {" +
				"scaleTargetRef: {kind: Deployment, name: x}, maxReplicas: 3}\n",
			want: "1 to 3 of  Deployment x",
		},
		"ScaledObject": {
			text: "apiVersion: keda.sh/v1alpha1\nkind: ScaledObject\nmetadata: {name: a}\nspec: {scaleTargetRef: {name: x}}\n",
			want: "0 to 100 of  Deployment x",
		},
		"another": {text: "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n", want: "none"},
		"more at least than at most": {
			text: "apiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata: {name: a}\n" +
				"spec: {scaleTargetRef: {kind: Deployment, name: x}, minReplicas: 4, maxReplicas: 3}\n",
			wantError: "f:4: HorizontalPodAutoscaler a: at least 4 replicas and at most 3: want the former no larger",
		},
		"no target": {
			text: "apiVersion: keda.sh/v1alpha1\nkind: ScaledObject\nmetadata: {name: a}\nspec: {" +
				"}\n", wantError: "f:4: ScaledObject a: spec.scaleTargetRef: want kind and name",
		},
	} {
		t.Run(name, func(t *testing.T) {
			objects, err := ReadObjects("f", []byte(tc.text))
			if err != nil {
				t.Fatal(err)
			}
			a, err := objects[0].ReadAutoscaler()
			switch {
			case tc.wantError != "":
				if err == nil || !strings.Contains(err.Error(), tc.wantError) {
					t.Errorf("got %v, want %s", err, tc.wantError)
				}
				return
			case err != nil:
				t.Fatal(err)
			}
			got := "none"
			if a != nil {
				got = fmt.Sprintf("%d to %d of %s %s %s", a.Min, a.Max, a.TargetGroup, a.TargetKind, a.TargetName)
			}
			if got != tc.want {
				t.Errorf("got %s, want %s", got, tc.want)
			}
		})
	}
}

// By what LeaderWorkerSet adds to containers a server is known to be spread over several pods.
func TestGroupEnvironment(t *testing.T) {
	objects, err := ReadObjects("f", []byte("apiVersion: leaderworkerset.x-k8s.io/v1\nkind: LeaderWorkerSet\nmetadata: {name: big}\n"+
		"spec: {leaderWorkerTemplate: {size: 2, workerTemplate: {spec: {containers: [{name: c, env: [{name: A, value: b}]}]}}}}\n"))
	if err != nil {
		t.Fatal(err)
	}
	workloads, _, err := objects[0].ReadWorkloads()
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"A=b", "LWS_GROUP_SIZE=2", "LWS_LEADER_ADDRESS=big-0.big"}
	for _, template := range workloads[0].Templates {
		var got []string
		for _, variable := range template.Spec.Containers[0].Env {
			got = append(got, variable.Name+"="+variable.Value)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("environment (-want +got):\n%s", diff)
		}
	}
	if len(workloads[0].Templates) != 2 {
		t.Errorf("%d templates, want leader and worker", len(workloads[0].Templates))
	}
}
