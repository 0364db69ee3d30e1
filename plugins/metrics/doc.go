// Package metrics holds Ashlar's own Prometheus metrics of the scheduler. They stand
// beside kube-scheduler's on its /metrics.
//
//	ashlar_decisions_total{outcome}            nodes asked whether they serve a pod
//	    fits         devices were chosen
//	    refused      no choice on the node serves the pod
//	    undecided    the search was cut short
//	    unsupported  the pod asks for something that is left to the in-tree code
//	ashlar_decision_duration_seconds           time to choose devices on one node
//	ashlar_refusals_total{reason}              reasons of refusals, a refusal may have several:
//	    NoMatch, GPUsBusy, SlicesTaken, MemoryShort, Unlike, Unsupplied, Together, Unresolved, and
//	    ModelTooLarge for a model server that no device is large enough for
//	ashlar_explanations_total{complete}        explanations why a pod fits nowhere; complete
//	    is false for one that ran out of time or of nodes that it may look at
//	ashlar_explanation_duration_seconds        time to find one
//	ashlar_snapshot_classes                    kinds of node, by make and by what is in use,
//	    among those that the last explanation was about
//	ashlar_forecast_updates_total              placed pods that the forecast learned from
//	ashlar_allocations_given_back_total        allocations given back before the pod was bound,
//	    since another scheduler has the device
//	ashlar_double_allocations                  allocations that hold what an older one holds
//	ashlar_double_allocations_total            such allocations found; 0 in a healthy cluster
//	ashlar_gpus{product,state}                 GPUs by state: free, whole, mig or share
//	ashlar_gpu_memory_bytes{product,state}     their memory: held as whole, mig or share, free, or
//	                                           stranded: free and out of reach
//	ashlar_gpus_compactable{product}           most GPUs that packing more tightly could free
//	ashlar_pending_pods{cause}                 pods without a node, each under one of PendingCauses
//	ashlar_pending_oldest_seconds{cause}       age of the oldest of them
//	ashlar_gangs_waiting{cause}                PodGroups that have not started: MembersMissing or
//	                                           PlacesMissing
//	ashlar_gangs_oldest_seconds{cause}         age of the oldest pod of theirs
//	ashlar_forecast_pods_ratio{shape,of}       pods by how much of GPUs they take, expected and recent
//	ashlar_forecast_drift_ratio                how far the two are apart, 0 to 1
//
// From ashlar_gpus on they are measured when somebody asks: those of GPUs from a snapshot that
// follows what changed (usage.go), without nodes whose GPUs a device plugin hands out; those of what
// waits (pending.go, gangs.go) by the replica that schedules; those of the forecast (forecast.go)
// once it expects anything.
//
// All are of stability level ALPHA.
package metrics
