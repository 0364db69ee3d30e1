package doctor

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
)

const (
	nameLabel     = "app.kubernetes.io/name"
	driverName    = "ashlar-dra-driver"
	schedulerName = "ashlar-scheduler"
	webhookName   = "ashlar-webhook"
)

// checkDriverPods looks for nodes that are labelled for the driver and have no ready pod of it.
func checkDriverPods(e *Evidence) checkOutcome {
	if e.Live == nil {
		return notChecked("a snapshot does not hold the state of pods: run it on the cluster, without --snapshot")
	}
	ready, there := map[string]bool{}, map[string]*corev1.Pod{}
	for _, pod := range e.Pods {
		if pod.Labels[nameLabel] == driverName {
			there[pod.Spec.NodeName] = pod
			ready[pod.Spec.NodeName] = ready[pod.Spec.NodeName] || isReady(pod)
		}
	}
	var o checkOutcome
	labelled := 0
	for _, node := range e.Nodes {
		if node.Labels[driverLabel] != "true" {
			continue
		}
		labelled++
		pod := there[node.Name]
		switch {
		case pod == nil:
			o.findings = append(o.findings, ClusterFinding{
				Severity: Broken, Object: objectName("Node", "", node.Name),
				Cause:  fmt.Sprintf("it is labelled for the driver and has no pod of %s", driverName),
				Remedy: fmt.Sprintf("kubectl get daemonsets -A -l %s=%s", nameLabel, driverName),
			})
		case !ready[node.Name]:
			o.findings = append(o.findings, ClusterFinding{
				Severity: Broken, Object: objectName("Pod", pod.Namespace, pod.Name),
				Cause:  fmt.Sprintf("the driver's pod on node %s is not ready: no claim is prepared there", node.Name),
				Remedy: fmt.Sprintf("kubectl -n %s describe pod %s", pod.Namespace, pod.Name),
			})
		}
	}
	o.well = fmt.Sprintf("ready on %d of %d labelled nodes", labelled, labelled)
	if labelled == 0 {
		o.well = "none wanted: no node has label " + driverLabel
	}
	return o
}
