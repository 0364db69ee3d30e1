package ui

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	resourceapi "k8s.io/api/resource/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/utils/ptr"

	"github.com/ashlar-dev/ashlar/dra/discovery"
	"github.com/ashlar-dev/ashlar/dra/publish"
	"github.com/ashlar-dev/ashlar/dra/simulated"
	"github.com/ashlar-dev/ashlar/plugins/clustermap"
	"github.com/ashlar-dev/ashlar/topology/catalogue"
	"github.com/ashlar-dev/ashlar/topology/deviceapi"
)

// What a thousand nodes may take.
const (
	manyNodes  = 1000
	mostMemory = 200 << 20
	// mostLatency is until a change is known to the page.
	mostLatency = 2 * time.Second
)

func nodeName(i int) string { return fmt.Sprintf("h100-%04d", i) }

// publishedSlices are those of a DGX H100 that offers all of its 216 devices.
func publishedSlices(t testing.TB) []*resourceapi.ResourceSlice {
	t.Helper()
	machine, err := catalogue.Default().Machine("dgx-h100")
	if err != nil {
		t.Fatal(err)
	}
	inventory, err := simulated.Node{Name: "node", Machine: machine}.Discover(catalogue.Default().MIG)
	if err != nil {
		t.Fatal(err)
	}
	offered := inventory.ListDevices(discovery.DeviceOptions{AnyMode: true})
	return publish.ResourceSlices("node", publish.DriverResources("node", inventory, offered, nil))
}

// allocatedClaim has a GPU of a node.
func allocatedClaim(node int, device string) *resourceapi.ResourceClaim {
	return &resourceapi.ResourceClaim{
		ObjectMeta: metav1.ObjectMeta{Namespace: "training", Name: fmt.Sprintf("claim-%d-%s", node, device)},
		Status: resourceapi.ResourceClaimStatus{
			Allocation: &resourceapi.AllocationResult{Devices: resourceapi.DeviceAllocationResult{
				Results: []resourceapi.DeviceRequestAllocationResult{
					{Request: "gpu", Driver: deviceapi.Driver, Pool: nodeName(node), Device: device}}}},
			ReservedFor: []resourceapi.ResourceClaimConsumerReference{
				{Resource: "pods", Name: fmt.Sprintf("worker-%d", node), UID: "1"}},
		},
	}
}

// A process that shows a thousand nodes of eight GPUs stays small, and a page is told of a change soon.
func TestManyNodes(t *testing.T) {
	if testing.Short() {
		t.Skip("a thousand nodes are left out of -short")
	}
	cost := showManyNodes(t)
	t.Logf("all nodes after %.1f s; a change is known to the page after %s at most; %d MB at most",
		cost.all.Seconds(), cost.change.Round(time.Millisecond), cost.memory/1e6)
	if cost.change > mostLatency {
		t.Errorf("a change took %s, want at most %s", cost.change, mostLatency)
	}
	if cost.memory > mostMemory {
		t.Errorf("the process took %d MB, want at most %d", cost.memory/1e6, mostMemory/1_000_000)
	}
}

// What showing a thousand nodes costs: wanted are at most 200 MiB and 2 s for a change.
func BenchmarkManyNodes(b *testing.B) {
	for b.Loop() {
		cost := showManyNodes(b)
		b.ReportMetric(cost.all.Seconds(), "s/all-nodes")
		b.ReportMetric(cost.change.Seconds(), "s/change")
		b.ReportMetric(float64(cost.memory)/1e6, "MB")
	}
}

// showCost is what showing many nodes costs: how long until all are told to a page, how long a change takes at most,
// and the most memory of the process in bytes.
type showCost struct {
	all, change time.Duration
	memory      int
}

// showManyNodes shows a thousand nodes to a page, and changes ten of them.
func showManyNodes(t testing.TB) (cost showCost) {
	t.Helper()
	if _, err := os.Stat("/proc/self/status"); err != nil {
		t.Skip("how much memory a process has is read from /proc, which is not here")
	}
	slices := publishedSlices(t)
	server := startAPIServer(t, map[string]func(func(runtime.Object)){
		"nodes": func(send func(runtime.Object)) {
			for i := range manyNodes {
				send(&corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: nodeName(i)}})
			}
		},
		"resourceslices": func(send func(runtime.Object)) {
			for i := range manyNodes {
				for k, slice := range slices {
					slice.Name, slice.Spec.NodeName, slice.Spec.Pool.Name = fmt.Sprintf("%s-%d", nodeName(i), k), ptr.To(nodeName(i)), nodeName(i)
					send(slice)
				}
			}
		},
		"resourceclaims": func(send func(runtime.Object)) {
			for i := range manyNodes {
				for gpu := range 4 {
					send(allocatedClaim(i, fmt.Sprintf("gpu-%d", gpu)))
				}
			}
		},
		"pods": func(send func(runtime.Object)) {
			for i := range 20 * manyNodes {
				send(&corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "web", Name: fmt.Sprintf("pod-%d", i)},
					Spec: corev1.PodSpec{NodeName: nodeName(i % manyNodes), Containers: []corev1.Container{{Name: "c", Image: "example.com/image"}}}})
			}
		},
	})
	from := time.Now()
	address, process := startProgram(t, "--kubeconfig", server.kubeconfig(t))
	changes := readChanges(t, address)
	seen := map[string]bool{}
	for len(seen) < manyNodes {
		change := <-changes
		for _, node := range change.Nodes {
			seen[node.Name] = true
		}
	}
	cost.all = time.Since(from)
	for i := range 10 {
		node := i * manyNodes / 10
		from := time.Now()
		server.change("resourceclaims", allocatedClaim(node, "gpu-7"))
		for told := false; !told; {
			select {
			case change := <-changes:
				for _, n := range change.Nodes {
					told = told || n.Name == nodeName(node) && len(n.GPUs) == 8 && len(n.GPUs[7].Holders) == 1
				}
			case <-time.After(30 * time.Second):
				t.Fatalf("no word of %s after 30 s", nodeName(node))
			}
		}
		cost.change = max(cost.change, time.Since(from))
	}
	cost.memory = peakMemory(t, process.Pid)
	return cost
}

// toldChange is a mapChange as a page reads it.
type toldChange struct {
	Nodes []clustermap.Node
}

// readChanges reads what the server tells a page.
func readChanges(t testing.TB, address string) <-chan toldChange {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address+"/events", nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	changes := make(chan toldChange, 10_000)
	go func() {
		defer response.Body.Close()
		lines := bufio.NewReader(response.Body)
		for {
			line, err := lines.ReadString('\n')
			if err != nil {
				return
			}
			text, found := strings.CutPrefix(line, "data: {")
			if !found {
				continue
			}
			change := toldChange{}
			if json.Unmarshal([]byte("{"+text), &change) == nil {
				changes <- change
			}
		}
	}()
	return changes
}

// peakMemory is the most memory that a process had, in bytes.
func peakMemory(t testing.TB, pid int) int {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(`VmHWM:\s+(\d+) kB`).FindSubmatch(text)
	if found == nil {
		t.Fatalf("no VmHWM in %s", text)
	}
	kilobytes, err := strconv.Atoi(string(found[1]))
	if err != nil {
		t.Fatal(err)
	}
	return kilobytes << 10
}
