// Package deviceplacement is the scheduler plugin that decides which devices a
// pod's ResourceClaims, or its plain extended resources, get.
//
// The in-tree DynamicResources plugin allocates devices by first fit in the order
// in which they are published, and knows nothing of links or MIG geometry. This
// plugin embeds it unchanged and steers it. What a node's GPUs look like to the pod is
// for package nodeview to say; here is one file for each extension point:
//
//	prefilter.go   the in-tree PreFilter runs on placeholders; the pod is read, and the few
//	               nodes found that are asked about it (candidates.go, admission.go)
//	filter.go      placement.Place chooses devices on the node; the in-tree Filter is
//	               shown just those and has the last word on whether they fit
//	prescore.go    the in-tree Reserve, asked but not acted upon, tells which devices each
//	               node would really give; they are rated
//	score.go       nodes are scored by rank, in the one order of nodes (package cluster)
//	postfilter.go  why nothing fits, and the smallest change after which it would
//	reserve.go     what the pod takes is noted for the steps below
//	bound.go       what was reserved is kept if the pod may be bound after all
//	prebind.go     the forecast learns it, before the claims are written
//	guard.go       the guard against double allocations, asked once they are
//	postbind.go    an event says what the pod got
//	preemption.go  AddPod and RemovePod: the devices of victims count as free while
//	               kube-scheduler's DefaultPreemption looks for pods to end
//	gang_room.go   whether a gang could start at all if others ended
//	requeue.go     events after which a pod that was refused is tried again
//
// PreEnqueue is the in-tree plugin's own.
//
// The pods of a PodGroup are placed together:
//
//	group_solve.go     the first pod has the places of all chosen, over a fork of the snapshot
//	group_members.go   what the members ask for, and which of them ask alike
//	group_levels.go    what they share: racks, zones, NVLink domains, one product
//	group_plan.go      the plans, which hold their places until they are used or end
//	group_reserve.go   places that are kept for a group whose turn it is
//	group_priority.go  whether a group would fit if others were gone
//	group_cycle.go     what the extension points ask of all this
//	group_words.go     what a group lacks, in words
//
// GPUs that a device plugin hands out are counted by kube-scheduler and picked by the
// kubelet; counted.go adds whether a node has the memory, and which node is best.
//
// Devices of other drivers are the in-tree code's to choose; a claim's constraints tie the
// GPUs to them. Whatever is not understood passes through as it is: the plugin
// never places a pod that in-tree would refuse, and refuses on its own account
// only requests that it understands completely.
//
// Two plugins are registered: Name for placement and ScoreName for scoring, which
// has a weight of its own. The arguments of the former are DevicePlacementArgs of package
// plugins/apis/config/v1.
//
// The rest: cyclestate.go (what steps of one cycle hand on), verdict.go (one node's
// answer), refusals.go (the answer of nodes that are alike), node_reasons.go (why a node is
// refused, in words), explain.go and explanation.go (why a pod fits nowhere, and the same in words), cut.go (words that are too many),
// counted_explanation.go (the same of a device plugin's GPUs), elsewhere.go (nodes that
// other plugins refused), unserved.go (resources and classes that are not there), sign.go
// (which pods are alike), forecast.go, recall.go (what it must not forget by a restart),
// trace.go (spans of its cycles), pending.go (why pods wait, in a word), untold.go (pods that
// nobody has told why they wait), unended.go (pods that could end others once those have a node),
// events.go, recent.go (pods about which something was said already), options.go, dryrun.go
// (for programs that run cycles on a copy of a cluster).
package deviceplacement
