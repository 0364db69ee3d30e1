package doctor

import (
	"fmt"

	"github.com/ashlar-dev/ashlar/plugins/nodeview/deviceplugin"
	"github.com/ashlar-dev/ashlar/topology/deviceapi"
)

// driverLabel is the label of nodes that Ashlar's driver is to serve.
const driverLabel = "ashlar.dev/driver"

const productLabel = "nvidia.com/gpu.product"

// checkNodeLabels looks for nodes whose labels say too little, or something that is not so.
func checkNodeLabels(e *Evidence) checkOutcome {
	published := map[string]bool{}
	for _, slice := range e.Slices {
		if slice.Spec.Driver == deviceapi.Driver && slice.Spec.NodeName != nil {
			published[*slice.Spec.NodeName] = true
		}
	}
	var o checkOutcome
	served, counted := 0, 0
	for _, node := range e.Nodes {
		label, labelled := node.Labels[driverLabel]
		name := objectName("Node", "", node.Name)
		switch {
		case labelled && label != "true":
			o.findings = append(o.findings, ClusterFinding{
				Severity: Warning, Object: name,
				Cause:  fmt.Sprintf("label %s is %q, and the driver runs where it is \"true\"", driverLabel, label),
				Remedy: fmt.Sprintf("kubectl label node %s %s=true --overwrite", node.Name, driverLabel),
			})
		case labelled && !published[node.Name]:
			o.findings = append(o.findings, ClusterFinding{
				Severity: Broken, Object: name,
				Cause:  fmt.Sprintf("label %s=true asks for the driver, which publishes no ResourceSlice of the node", driverLabel),
				Remedy: fmt.Sprintf("kubectl logs -A -l app.kubernetes.io/name=%s --prefix --tail=20", driverName),
			})
		}
		if labelled {
			served++
		}
		if plugin := deviceplugin.ReadNode(node); plugin != nil {
			counted++
			if node.Labels[productLabel] == "" {
				o.findings = append(o.findings, ClusterFinding{
					Severity: Warning, Object: name,
					Cause: fmt.Sprintf("it hands out %d of %s and label %s is missing: its GPUs are counted, and their memory is not checked",
						plugin.Resources[0].Count, plugin.Resources[0].Name, productLabel),
					Remedy: "install GPU feature discovery, which is in the GPU Operator: kubectl get pods -A -l app=gpu-feature-discovery",
				})
			}
		}
	}
	o.well = fmt.Sprintf("%d nodes for the driver, %d with a device plugin, as their labels say", served, counted)
	return o
}
