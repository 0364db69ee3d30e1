// Package podspec reads manifests: the Kubernetes objects in them, and the pods that those
// describe, each with the place where it stands.
//
//	text ── ReadObjects ──> Objects: documents, lists taken apart; AsJSON for typed clients
//	                            │
//	     └─ ReadPods ───────────┴─> Pods: every object with a list of containers
//
// Pods are found wherever they are nested, so that workloads that nobody has heard of here
// are read too. Text may come from anybody; package yamlfile bounds what it can cost.
package podspec
