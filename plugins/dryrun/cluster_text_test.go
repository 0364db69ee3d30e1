package dryrun

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/ashlar-dev/ashlar/topology/placement"
)

// gpuClasses are a class of GPUs that stands behind nvidia.com/gpu, and one of another driver.
const gpuClasses = `
apiVersion: resource.k8s.io/v1
kind: DeviceClass
metadata: {name: gpu.nvidia.com}
spec:
  extendedResourceName: nvidia.com/gpu
  selectors: [{cel: {expression: "device.driver == 'gpu.nvidia.com'"}}]
---
apiVersion: resource.k8s.io/v1
kind: DeviceClass
metadata: {name: fpga.example.org}
spec: {selectors: [{cel: {expression: "device.driver == 'fpga.example.org'"}}]}
---
apiVersion: resource.k8s.io/v1
kind: DeviceClass
metadata: {name: compute-domain-default-channel.nvidia.com}
spec: {selectors: [{cel: {expression: "device.driver == 'compute-domain.nvidia.com'"}}]}
`

// nodeText is a node with as many CPUs.
func nodeText(name string, cpus int) string {
	return fmt.Sprintf("---\napiVersion: v1\nkind: Node\nmetadata: {name: %[1]s, labels: {kubernetes.io/hostname: %[1]s}}\n"+
		"status: {capacity: {cpu: %[2]d, memory: 64Gi, pods: 110}, allocatable: {cpu: %[2]d, memory: 64Gi, pods: 110}}\n", name, cpus)
}

// sliceText is a ResourceSlice of a node with devices as they are.
func sliceText(node, driver string, devices ...string) string {
	return fmt.Sprintf("---\napiVersion: resource.k8s.io/v1\nkind: ResourceSlice\nmetadata: {name: %[1]s-%[2]s}\n"+
		"spec:\n  driver: %[2]s\n  nodeName: %[1]s\n  pool: {name: %[1]s, generation: 1, resourceSliceCount: 1}\n  devices:\n  - %[3]s\n",
		node, driver, strings.Join(devices, "\n  - "))
}

// nvidiaText is a whole GPU of NVIDIA's driver.
func nvidiaText(index int, product string, gib int) string {
	return fmt.Sprintf("{name: gpu-%[1]d, attributes: {type: {string: gpu}, uuid: {string: GPU-%[1]d}, productName: {string: %[2]s}, "+
		"architecture: {string: Ada}, cudaComputeCapability: {version: 8.9.0}, driverVersion: {version: 580.1.0}, "+
		"'resource.kubernetes.io/pciBusID': {string: '0000:%02[1]x:00.0'}, 'resource.kubernetes.io/pcieRoot': {string: 'pci0000:%02[1]x'}}, "+
		"capacity: {memory: {value: %[3]dGi}}}", index, product, gib)
}

// clusterFrom reads a snapshot from text.
func clusterFrom(t *testing.T, documents ...string) *ClusterObjects {
	t.Helper()
	cluster, err := ReadObjectFiles("-", strings.NewReader(strings.Join(documents, "")))
	if err != nil {
		t.Fatal(err)
	}
	return cluster
}

// answerTo puts a question about a manifest to a cluster. What of the manifest cannot be read is
// left out.
func answerTo(t *testing.T, cluster *ClusterObjects, manifest string, drain ...string) (*PlacementAnswer, *PlacementQuestion) {
	t.Helper()
	q := &PlacementQuestion{Manifest: &AppliedManifest{}, Scheduler: "ashlar-scheduler", Drain: drain}
	if err := q.Manifest.ReadObjects("pods.yaml", []byte(manifest), "default"); err != nil {
		t.Log(err)
	}
	return answerQuestion(t, cluster, q), q
}

func answerQuestion(t *testing.T, cluster *ClusterObjects, q *PlacementQuestion) *PlacementAnswer {
	t.Helper()
	answer, err := AnswerQuestion(context.Background(), cluster, q, placement.KeepPlaceable{})
	if err != nil {
		t.Fatal(err)
	}
	return answer
}

// describePods has a line for each pod: where it is and what it got, or why it waits.
func describePods(a *PlacementAnswer) []string {
	var lines []string
	for _, pod := range a.Pods {
		switch {
		case pod.Node != "":
			lines = append(lines, strings.TrimRight(fmt.Sprintf("%s on %s: %s %s", pod.Name, pod.Node, pod.Product, pod.Got), ": "))
		case pod.Rejected:
			lines = append(lines, fmt.Sprintf("%s refused: %s", pod.Name, pod.Reason))
		default:
			lines = append(lines, fmt.Sprintf("%s waits: %s", pod.Name, pod.Reason))
		}
	}
	return lines
}
