// Package deviceplugin views nodes whose GPUs a device plugin hands out: NVIDIA's, under
// nvidia.com/gpu, nvidia.com/gpu.shared and nvidia.com/mig-PROFILE.
//
//	allocatable, labels of GPU feature discovery ──> Node       what is handed out, of which GPUs
//	pod ──> PodRequest                                          counts, model server
//	Node × pods on it ──> ledger                                who holds how much memory
//	Node × ledger × PodRequest ──> NodeRefusal, NodeChoice
//
// kube-scheduler counts the devices, and the kubelet picks among them, so that the choice
// here is the node's alone. What is added to counting is memory. A device that one pod has
// to itself must be large enough for the pod's model server; one that several pods share
// must have room for what all of them take. The pods on a node are those of the
// scheduler's cache, from which the ledger is derived anew: it survives a restart, and
// what is assumed, nominated or preempted is in it as kube-scheduler has it.
//
// Which of several GPUs a shared pod gets is the plugin's choice. NVIDIA's takes the GPU
// with the fewest pods on it (GetPreferredAllocation of
// NVIDIA/k8s-device-plugin), which bounds what is there already whatever happened before:
// ledger.go.
//
//	node.go      what a node hands out, read from its allocatable amounts and labels
//	label.go     labels of GPU feature discovery
//	models.go    nodes with GPUs of several models, of which labels describe one
//	product.go   GPU models by the product that a label names
//	machine.go   machine types that a node's labels prove
//	request.go   what a pod asks for
//	ledger.go    what the pods on a node take of each kind of device
//	refusal.go   why a pod does not fit although there are devices enough
//	choice.go    what a pod would get, for ranking nodes
//	offers.go    kinds of devices and who has them, for explanations
//	twice.go     nodes that hand out the same GPUs through slices, too
//	source.go    what outlives cycles: nodes and pods that were read before
package deviceplugin
