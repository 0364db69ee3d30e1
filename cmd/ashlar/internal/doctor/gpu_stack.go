package doctor

import (
	"fmt"

	"github.com/ashlar-dev/ashlar/plugins/gpuchain"
)

// checkGPUStack names what is broken first on nodes that have NVIDIA hardware and offer no GPU.
func checkGPUStack(e *Evidence) checkOutcome {
	evidence := gpuchain.Evidence{
		Nodes: e.Nodes, Pods: e.Pods, ResourceSlices: e.Slices, DeviceClasses: e.Classes, PodsComplete: e.Live != nil,
	}
	if e.Live != nil {
		evidence.DaemonSets, evidence.RuntimeClasses = e.Live.DaemonSets, e.Live.RuntimeClasses
	} else {
		// Conditions of nodes and pods are not in a snapshot: a pod that is not known to be ready is no
		// sign of trouble.
		evidence.Pods = nil
	}
	o := checkOutcome{well: fmt.Sprintf("every node with NVIDIA hardware offers GPUs (%d nodes looked at)", len(e.Nodes))}
	for _, broken := range gpuchain.BrokenLinks(evidence) {
		o.findings = append(o.findings, ClusterFinding{
			Severity: Broken, Object: objectName("Node", "", broken.Nodes[0]), Cause: broken.Cause, Remedy: broken.Command,
		})
	}
	return o
}
