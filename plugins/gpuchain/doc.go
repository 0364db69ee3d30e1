// Package gpuchain says why a cluster with NVIDIA hardware offers no GPU. A GPU is
// offered at the end of a chain, and each link needs those before it:
//
//	node ready -> NFD labels the hardware -> GPU Operator deploys -> driver -> container
//	toolkit -> MIG manager -> device plugin or DRA driver -> GPU feature discovery ->
//	ResourceSlices -> taints of devices -> validator -> DeviceClass
//
// A pod that waits for GPUs when none is offered reads "Insufficient nvidia.com/gpu",
// whichever link is broken. FirstBrokenLink names the link, on how many nodes, and the
// command that shows it:
//
//	finding, found := gpuchain.FirstBrokenLink(gpuchain.Evidence{
//		Pod: pod, Claims: itsClaims,
//		Nodes: nodes, Pods: allPods, PodsComplete: true,
//		ResourceSlices: slices, DeviceClasses: classes,
//	})
//	if found {
//		message = finding.String() // one sentence of cause, then a command; at most 400 characters
//	}
//
// It reports nothing for a pod that asks for no GPU, and nothing where some node offers
// GPUs in the way that the pod asks for: then the nodes themselves say why not. So it may
// be asked about every pod that fits nowhere, and costs one look at the nodes in the
// common case. BrokenLinks lists what is broken on every node with hardware that offers
// no GPU, whoever asks.
//
// Only what was read is evidence. DaemonSets and RuntimeClasses may be nil, "not read"; pods that
// are not in Pods are missing only if PodsComplete is set. Where the evidence does not
// decide between links, the cause lists the candidates in the order of the chain and
// Finding.Link is the first of them. Texts name no pods and no counts that change from
// one attempt to the next, so that equal events merge.
//
//	evidence.go    Evidence; link.go Link, Finding
//	asked.go       what of GPUs a pod asks for
//	hardware.go    which nodes have NVIDIA hardware, by their labels
//	offered.go     what a node offers, by its device plugin and in slices
//	components.go  the pods and DaemonSets of each link, by their labels
//	podstate.go    what is wrong with a pod that is not ready
//	checks.go      one node, link by link; checks_offer.go the links that offer GPUs
//	daemonset.go   why a DaemonSet has no pod on a node
//	walk.go        all nodes, counted by what is broken
//	mismatch.go    GPUs that are offered in another way than asked
package gpuchain
