package e2e

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ashlar-dev/ashlar/test/cluster"
)

// ownerVariable makes the test binary start a cluster with a node in the directory that
// it names, and wait to be killed.
const ownerVariable = "E2E_TEST_OWNER"

func ownNode(dir string) error {
	ctx := context.Background()
	c, err := cluster.Start(ctx, cluster.Options{Dir: dir, Kubelets: cluster.NoKubelets, Scheduler: cluster.NoScheduler})
	if err != nil {
		return err
	}
	node, err := c.StartNode(ctx, cluster.NodeOptions{Name: "owned"})
	if err != nil {
		return errors.Join(err, c.Stop())
	}
	// A container is not marked as the cluster's: it must end all the same.
	pod := filepath.Join(dir, "pod.json")
	err = os.WriteFile(pod, fmt.Appendf(nil, `{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "owned"}, "spec":
		{"nodeName": %q, "containers": [{"name": "probe", "image": %q}]}}`, node.Name(), cluster.ProbeImage), 0o600)
	if err == nil {
		_, err = c.Kubectl(ctx, "create", "-f", pod)
	}
	if err == nil {
		_, err = c.Kubectl(ctx, "wait", "--timeout=60s", "--for=condition=Ready", "pod/owned")
	}
	if err != nil {
		return errors.Join(err, c.Stop())
	}
	fmt.Println("ready")
	select {}
}

// Nothing of a node outlives an owner that is killed: no process, mount or control group.
func TestNodeEndsWithKilledOwner(t *testing.T) {
	needsNode(t)
	before := machineState(t)
	// The node hides /var and must see its own folder there all the same.
	dir, err := os.MkdirTemp("/var/tmp", "ashlar-e2e-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	state := filepath.Join(dir, "cluster")
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	owner := exec.Command(program)
	owner.Env = append(os.Environ(), ownerVariable+"="+state)
	owner.Stderr = os.Stderr
	output, err := owner.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := owner.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(output).ReadString('\n')
	if err != nil || line != "ready\n" {
		t.Fatalf("the owner said %q (%v), want ready", line, errors.Join(err, owner.Wait()))
	}
	during := machineState(t)
	if during.containers == before.containers || during.groups == before.groups {
		t.Errorf("the pod of the owner is not to be seen: before %+v, now %+v", before, during)
	}
	during.containers, during.groups = before.containers, before.groups
	if during != before {
		t.Errorf("the node changed the machine: before %+v, now %+v", before, during)
	}

	if err := owner.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = owner.Wait() // it was killed
	var after machine
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		after = machineState(t)
		_, err := os.Stat(state)
		if after == before && os.IsNotExist(err) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("30 s after its owner was killed, the machine is %+v, want %+v as before; state directory: %v", after, before, err)
		}
	}
}

// machine is what a node could leave behind on its machine, or change.
type machine struct {
	containers, groups int
	mounts, sysctls    string
}

func machineState(t *testing.T) machine {
	t.Helper()
	var now machine
	found, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range found {
		text, err := os.ReadFile(path)
		if err == nil && bytes.HasPrefix(text, []byte("/program\x00")) { // that of the images
			now.containers++
		}
	}
	groups, err := filepath.Glob("/sys/fs/cgroup/*/ashlar-*")
	if err != nil {
		t.Fatal(err)
	}
	now.groups = len(groups)
	mounts, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		t.Fatal(err)
	}
	now.mounts = string(mounts)
	for _, name := range []string{"vm/overcommit_memory", "vm/panic_on_oom", "kernel/panic", "kernel/panic_on_oops"} {
		text, err := os.ReadFile(filepath.Join("/proc/sys", name))
		if err != nil {
			t.Fatal(err)
		}
		now.sysctls += name + "=" + strings.TrimSpace(string(text)) + " "
	}
	return now
}

// A node that ends is told as the end of a process of the cluster; another node goes on.
func TestNodesEndApart(t *testing.T) {
	needsNode(t)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	c, err := cluster.Start(ctx, cluster.Options{Kubelets: cluster.NoKubelets, Scheduler: cluster.NoScheduler})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Stop(); err != nil {
			t.Error(err)
		}
	})
	var nodes []*cluster.Node
	for _, name := range []string{"first", "second"} {
		node, err := c.StartNode(ctx, cluster.NodeOptions{Name: name, Labels: map[string]string{"e2e": name}})
		if err != nil {
			t.Fatal(err)
		}
		nodes = append(nodes, node)
	}
	if _, err := c.StartNode(ctx, cluster.NodeOptions{Name: "first"}); err == nil || !strings.Contains(err.Error(), "a node of that name") {
		t.Errorf("a second node of one name: got %v", err)
	}
	out, err := c.Kubectl(ctx, "get", "nodes", "-l", "e2e", "-o", "jsonpath={.items[*].status.nodeInfo.kubeletVersion}")
	if want := cluster.KubernetesVersion + " " + cluster.KubernetesVersion; err != nil || out != want {
		t.Errorf("the kubelets report %q, %v; want %q", out, err, want)
	}

	if err := nodes[0].Stop(); err != nil {
		t.Fatal(err)
	}
	if err := c.Err(); err != nil {
		t.Errorf("a node that was stopped counts as a failure: %v", err)
	}
	kubelet, err := nodes[1].Run(ctx, "end-kubelet", "sh", "-c", `kill -9 $(pidof kubelet-`+cluster.KubernetesVersion+`)`)
	if err != nil {
		t.Fatal(err)
	}
	err = nodes[1].Process().Until(ctx, "never", func(context.Context) error { return errors.New("the node goes on") })
	if err == nil || !strings.Contains(err.Error(), "kubelet ended (killed)") {
		t.Errorf("got %v, want that the kubelet was killed", err)
	}
	_ = kubelet.Stop()
}

// A command on the node is in the node's namespaces, with the machine's files.
func TestRunOnNode(t *testing.T) {
	needsNode(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	process, err := world.node.Run(ctx, "look", "bash", "-c", `hostname
		cat /proc/1/comm
		ls -d /var/lib/kubelet/pods /run/containerd
		(: <>/dev/tcp/10.96.0.1/443) && echo reaches the API server
		echo there >/run/e2e-mark
		exec sleep 600`)
	if err != nil {
		t.Fatal(err)
	}
	want := nodeName + "\nnode\n/run/containerd\n/var/lib/kubelet/pods\nreaches the API server\n"
	err = process.Until(ctx, "what the command prints", func(context.Context) error {
		text, err := os.ReadFile(process.Logs())
		if err == nil && string(text) != want {
			err = fmt.Errorf("got %q, want %q", text, want)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
	if text, err := os.ReadFile(world.node.HostPath("/var/run/e2e-mark")); err != nil || string(text) != "there\n" {
		t.Errorf("the file that the command wrote holds %q, %v", text, err)
	}
	if err := process.Kill(); err != nil {
		t.Fatal(err)
	}
	node, err := world.client.CoreV1().Nodes().Get(ctx, nodeName, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := node.Status.NodeInfo.ContainerRuntimeVersion, "containerd://"; !strings.HasPrefix(got, want) {
		t.Errorf("the runtime is %s, want %s", got, want)
	}
	if address := node.Status.Addresses[0]; address.Type != corev1.NodeInternalIP || address.Address != "127.0.0.1" {
		t.Errorf("the node's address is %v, want the machine's loopback address", address)
	}
}
