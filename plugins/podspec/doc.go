// Package podspec reads manifests: the Kubernetes objects in them, and the pods that those
// describe, each with the place where it stands.
//
//	text ── ReadObjects ──> Objects: documents, lists taken apart; AsJSON for typed clients
//	                            │
//	     ├─ ReadPods ───────────┼─> Pods: every object with a list of containers
//	     │                      ├─> Workloads: which pods an object makes, how many, and how far
//	     │                      │   it says that it scales
//	     └                      └─> Autoscaler: how far an object scales another
//
// Pods are found wherever they are nested, so that workloads that nobody has heard of here
// are read too. How many pods there are is known for the kinds in workload_kinds.go. Text may
// come from anybody; package yamlfile bounds what it can cost.
//
//	object.go, pod.go, walk.go             objects; pods wherever they are
//	workload.go, workload_reader.go        what makes pods, and how it is read
//	workload_kinds.go, knative.go          the kinds that are known
//	composed.go, inner_text.go,            pods that operators make of fields of their own; YAML within
//	overlay_node.go                        text; one object above another
//	kserve.go, inference_service.go,       what KServe makes of its objects
//	serving_runtime.go,
//	llm_inference_service.go
//	leader_worker_set.go, ray_cluster.go,  groups; Ray clusters, and what Ray Serve runs in them
//	ray_serve.go
//	kaito.go, nim.go, dynamo.go,           Kaito, NIM, Dynamo, the production stack and KubeAI
//	vllm_runtime.go
//	autoscaler.go                          HorizontalPodAutoscaler, ScaledObject
//	decode_fault.go                        which field could not be read
package podspec
