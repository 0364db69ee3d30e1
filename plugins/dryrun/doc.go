// Package dryrun runs the scheduler on a copy of a cluster: what would become of pods,
// without a word to the cluster itself.
//
//	API server, files ──> ClusterObjects ─┐
//	manifests ──> AppliedManifest ────────┼─> Snapshot ──> PodOutcome ──> PlacementAnswer
//	scheduler-config.yaml of manifests ───┘   AdmitPod     bound, or       pods, devices,
//	                                          SchedulePod  refused with    what was opened,
//	                                          DrainNodes   the reasons     notes
//	                                          UnbindPods                  how far it scales
//
// ClusterObjects are nodes, pods, claims and devices, read from an API server
// (ReadLiveCluster) or from files (ReadObjectFiles), and written with SaveObjects in a
// form that can be shown to others. A Snapshot runs the scheduler's own cycles on them:
// kube-scheduler's framework with Ashlar's plugins and kube-scheduler's, in the profile
// that manifests/base installs, so that an answer is what the scheduler would have done
// and not an imitation of it. What a cycle allocates is booked in the copy instead of
// being written to the API server. AnswerQuestion puts a PlacementQuestion to a Snapshot.
//
// What concerns one object of a manifest or one pod is an answer of its own: an object that cannot
// be read is an error of the AppliedManifest, and a pod that the API server refuses, whose claim
// cannot be made or that a plugin fails on has a reason and no place. Quotas and limits are charged
// with Kubernetes' own code. Replicas that an autoscaler would add are tried after all pods and
// taken back.
//
// Left out is what the copy does not hold: volumes, admission webhooks,
// DeviceTaintRules and, but for defragmentation, disruption budgets. Nothing is preempted. The pods of a PodGroup
// are placed one by one and taken back if too few have a place. What the scheduler
// learned from pods that have ended since is not known either.
//
// Where to look:
//
//	cluster*.go, decode*.go        objects of a cluster: read, checked, saved
//	bare_pod.go, secrets.go        what of them is saved
//	manifest*.go, workload.go      objects that a user wants to apply, and their pods
//	resource_version.go            claims of earlier APIs, and what to write instead
//	compute_domain.go              the template that a ComputeDomain's controller makes
//	snapshot.go                    the copy
//	scheduler_profile.go           which plugins run, what is asked of deviceplacement
//	pending_pod.go                 a pod to place, and what became of it
//	scheduling_cycle.go            one pod: filter, score, reserve
//	claim_store.go                 claims in place of the API server's
//	admission*.go, validation.go,  what the API server does to new pods
//	quota.go, limit_range.go
//	drain.go, gang.go, history.go  emptied nodes, PodGroups, pods placed before
//	question.go, answer*.go        what is asked and answered
//	replay.go                      one pod of the cluster, as explain asks about it
//	ways_out.go                    what would let a model server start that starts nowhere
//	scale.go                       how far autoscalers could go
//	defrag.go, defrag_model.go     which pods to move: the core's plan on a model of the cluster,
//	defrag_confirm.go              carried out by the scheduler on a copy
//	defrag_consent.go              which pods may be moved
//	defrag_served.go               pods that have a place already
package dryrun
