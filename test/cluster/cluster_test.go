package cluster

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/ashlar-dev/ashlar/test/cluster/mark"
)

// ownerVariable makes the test binary start a cluster in the directory that it
// names and wait to be killed.
const ownerVariable = "CLUSTER_TEST_OWNER"

func TestMain(m *testing.M) {
	if dir := os.Getenv(ownerVariable); dir != "" {
		if err := own(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

func own(dir string) error {
	c, err := Start(context.Background(), Options{Dir: dir, Scheduler: NoScheduler})
	if err != nil {
		return err
	}
	// A process that does not listen, with a child of its own.
	if _, err := c.Run(context.Background(), "stubborn", "sh", "-c", "trap '' TERM; sleep 600 & wait; sleep 600"); err != nil {
		return err
	}
	fmt.Println("ready")
	select {}
}

// real skips a test that starts a cluster where only quick tests are wanted.
func needsControlPlane(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("starts a real control plane, which takes seconds; the first time it builds one, which takes minutes")
	}
}

func start(t *testing.T, options Options) *Cluster {
	t.Helper()
	options.Progress = func(line string) { t.Log(line) }
	if options.Dir == "" {
		options.Dir = filepath.Join(t.TempDir(), "cluster")
	}
	c, err := Start(t.Context(), options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Stop(); err != nil {
			t.Error(err)
		}
	})
	return c
}

// handWritten is a fake node as a user would add it.
const handWritten = `{"apiVersion": "v1", "kind": "Node",
	"metadata": {"name": "by-hand", "labels": {"type": "kwok"}},
	"status": {"capacity": {"cpu": "4", "memory": "16Gi", "pods": "10"}}}`

func TestLifeOfACluster(t *testing.T) {
	needsControlPlane(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	c := start(t, Options{})

	version, err := c.client.Discovery().ServerVersion()
	if err != nil {
		t.Fatal(err)
	}
	if version.GitVersion != KubernetesVersion {
		t.Errorf("the API server reports %s, want %s", version.GitVersion, KubernetesVersion)
	}

	err = c.AddNodes(ctx, []NodeSpec{
		{Name: "a"},
		{Name: "b", Labels: map[string]string{"zone": "far"}},
		{Name: "c", Capacity: corev1.ResourceList{"nvidia.com/gpu": resource.MustParse("8")}},
	})
	if err != nil {
		t.Fatal(err)
	}
	manifest := filepath.Join(c.Dir(), "node.yaml")
	if err := os.WriteFile(manifest, []byte(handWritten), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Kubectl(ctx, "create", "-f", manifest); err != nil {
		t.Fatal(err)
	}
	if err := c.WaitNodesReady(ctx); err != nil {
		t.Fatal(err)
	}
	address, err := c.Kubectl(ctx, "get", "node", "by-hand", "-o", `jsonpath={.status.addresses[?(@.type=="InternalIP")].address}`)
	if err != nil || address != "127.0.0.1" {
		t.Errorf("the node made by hand has address %q, %v", address, err)
	}

	gpus := container("gpus")
	gpus.Spec.Containers[0].Resources.Limits = corev1.ResourceList{"nvidia.com/gpu": resource.MustParse("8")}
	brief := container("brief")
	brief.Annotations = map[string]string{RunFor: "500ms"}
	brief.Spec.RestartPolicy = corev1.RestartPolicyNever
	brief.Spec.InitContainers = []corev1.Container{{Name: "first", Image: "none"}}
	for _, pod := range []*corev1.Pod{gpus, brief} {
		if _, err := c.client.CoreV1().Pods("default").Create(ctx, pod, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	running := phase(ctx, t, c, "gpus", corev1.PodRunning)
	if running.Spec.NodeName != "c" {
		t.Errorf("the pod that wants GPUs is on node %s, want c", running.Spec.NodeName)
	}
	phase(ctx, t, c, "brief", corev1.PodSucceeded)

	// kubectl deletes and waits until the pod is gone.
	if _, err := c.Kubectl(ctx, "delete", "pod", "gpus", "brief"); err != nil {
		t.Error(err)
	}
	names, err := c.Kubectl(ctx, "get", "nodes", "-l", "zone=far", "-o", "name")
	if err != nil || names != "node/b\n" {
		t.Errorf("kubectl get nodes: %q, %v", names, err)
	}
	if _, err := c.Kubectl(ctx, "get", "unicorns"); err == nil || !strings.Contains(err.Error(), `doesn't have a resource type "unicorns"`) {
		t.Errorf("kubectl's complaint is missing: %v", err)
	}

	path, err := c.KubeconfigFor(ctx, "kube-system", "default")
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("kubeconfig %s: %v, %v", path, info, err)
	}
	who, err := c.Kubectl(ctx, "--kubeconfig", path, "auth", "whoami", "-o", "jsonpath={.status.userInfo.username}")
	if err != nil || who != "system:serviceaccount:kube-system:default" {
		t.Errorf("the ServiceAccount's kubeconfig is for %q, %v", who, err)
	}

	r := c.run.record.Mark
	logMemory(t, c)
	if err := c.Stop(); err != nil {
		t.Fatal(err)
	}
	gone(t, r, c.Dir())
	if err := c.Stop(); err != nil {
		t.Errorf("stopping twice: %v", err)
	}
	if _, err := c.Run(ctx, "late", "true"); err == nil {
		t.Error("a process was started after Stop")
	}
}

func TestSilentKubelets(t *testing.T) {
	needsControlPlane(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	c := start(t, Options{Kubelets: SilentKubelets})
	var specs []NodeSpec
	for i := range 100 {
		specs = append(specs, NodeSpec{Name: fmt.Sprintf("node-%03d", i)})
	}
	if err := c.AddNodes(ctx, specs); err != nil {
		t.Fatal(err)
	}
	for _, node := range nodes(ctx, t, c) {
		if !isUsable(&node) {
			t.Fatalf("node %s cannot be used right after its creation: %+v", node.Name, node)
		}
	}
	if _, err := c.client.CoreV1().Pods("default").Create(ctx, container("pod"), metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	phase(ctx, t, c, "pod", corev1.PodRunning)
	leases, err := c.client.CoordinationV1().Leases(corev1.NamespaceNodeLease).List(ctx, metav1.ListOptions{})
	if err != nil || len(leases.Items) > 0 {
		t.Errorf("%d nodes renew leases, want none (%v)", len(leases.Items), err)
	}
}

func TestTwoClustersAtOnce(t *testing.T) {
	needsControlPlane(t)
	folder := t.TempDir()
	type result struct {
		c   *Cluster
		err error
	}
	results := make(chan result)
	for _, name := range []string{"one", "two"} {
		go func() {
			c, err := Start(t.Context(), Options{
				Dir: filepath.Join(folder, name), Scheduler: NoScheduler, Kubelets: NoKubelets})
			results <- result{c, err}
		}()
	}
	var clusters []*Cluster
	for range 2 {
		r := <-results
		if r.err != nil {
			t.Error(r.err)
			continue
		}
		defer r.c.Stop()
		clusters = append(clusters, r.c)
	}
	if len(clusters) < 2 {
		t.FailNow()
	}
	if err := clusters[0].AddNodes(t.Context(), []NodeSpec{{Name: "only-here"}}); err != nil {
		t.Fatal(err)
	}
	if got := nodes(t.Context(), t, clusters[1]); len(got) > 0 {
		t.Errorf("the other cluster has %d nodes", len(got))
	}

	// A directory in use is refused, and the next one's start leaves it alone.
	_, err := Start(t.Context(), Options{Dir: clusters[0].Dir()})
	if want := fmt.Sprintf("in use by process %d", os.Getpid()); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("starting in a directory in use: %v, want %q", err, want)
	}
	if err := Down(t.Context(), clusters[0].Dir()); err == nil {
		t.Error("a cluster whose owner lives was brought down")
	}
	for _, c := range clusters {
		if err := c.Err(); err != nil {
			t.Error(err)
		}
	}
}

func TestKilledOwnerLeavesNothing(t *testing.T) {
	needsControlPlane(t)
	dir := filepath.Join(t.TempDir(), "cluster")
	owner, r := startOwner(t, dir)
	if alive, err := r.Mark.Processes(); err != nil || len(alive) < 5 {
		t.Fatalf("processes before: %v, %v, want etcd, the API server, the controller-manager, KWOK and ours", alive, err)
	}
	if err := owner.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	owner.Wait()
	gone(t, r.Mark, dir)
}

func TestNextStartClearsUp(t *testing.T) {
	needsControlPlane(t)
	folder := t.TempDir()
	dir := filepath.Join(folder, "dead")
	owner, r := startOwner(t, dir)
	// The watchdog is the owner's only child without the mark.
	watchdog := watchdogOf(t, owner.Process.Pid)
	for _, pid := range []int{watchdog, owner.Process.Pid} {
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
	}
	owner.Wait()
	if alive, err := r.Mark.Processes(); err != nil || len(alive) == 0 {
		t.Fatalf("nothing was left behind: %v, %v", alive, err)
	}
	// The lock is free once the kernel is done with the watchdog.
	if lock, err := waitLock(t.Context(), dir+lockSuffix, func() {}); err != nil {
		t.Fatal(err)
	} else {
		lock.Close()
	}
	if err := sweepFolder(t.Context(), folder); err != nil {
		t.Fatal(err)
	}
	gone(t, r.Mark, dir)
}

func TestDetach(t *testing.T) {
	needsControlPlane(t)
	c := start(t, Options{Scheduler: NoScheduler, Kubelets: NoKubelets})
	r := c.run.record.Mark
	if err := c.Detach(); err != nil {
		t.Fatal(err)
	}
	if err := sweepFolder(t.Context(), filepath.Dir(c.Dir())); err != nil {
		t.Fatal(err)
	}
	if _, err := Start(t.Context(), Options{Dir: c.Dir()}); err == nil || !strings.Contains(err.Error(), "detached") {
		t.Errorf("starting where a detached cluster runs: %v", err)
	}
	if _, err := c.Kubectl(t.Context(), "get", "nodes"); err != nil {
		t.Errorf("the detached cluster does not answer: %v", err)
	}
	if err := Down(t.Context(), c.Dir()); err != nil {
		t.Fatal(err)
	}
	gone(t, r, c.Dir())
	if err := Down(t.Context(), c.Dir()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("bringing down what is gone: %v", err)
	}
}

func TestComponentThatCannotStart(t *testing.T) {
	needsControlPlane(t)
	cases := map[string]struct {
		flags map[string][]string
		want  []string
	}{
		"etcd": {map[string][]string{etcd: {"--colour=blue"}}, []string{"etcd ended early", "-colour"}},
		"API server": {map[string][]string{apiServer: {"--colour=blue"}},
			[]string{"kube-apiserver ended early (exit status 1): Error: unknown flag: --colour"}},
		"controller-manager": {map[string][]string{controllerManager: {"--colour=blue"}},
			[]string{"kube-controller-manager ended early", "unknown flag: --colour"}},
		"KWOK":              {map[string][]string{kwok: {"--config=/nowhere"}}, []string{"kwok ended early", "/nowhere: no such file"}},
		"no such component": {map[string][]string{"kubelet": {"--v=2"}}, []string{`unknown component "kubelet"`}},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "cluster")
			begin := time.Now()
			c, err := Start(t.Context(), Options{Dir: dir, Scheduler: NoScheduler, Flags: tc.flags})
			if err == nil {
				t.Error(c.Stop())
				t.Fatal("it started")
			}
			t.Logf("after %s: %v", time.Since(begin).Round(time.Millisecond), err)
			for _, want := range tc.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("the error lacks %q", want)
				}
			}
			if len(err.Error()) > 500 {
				t.Errorf("the error has %d characters", len(err.Error()))
			}
			if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("the state is still there: %v", err)
			}
		})
	}
}

func TestTakenPort(t *testing.T) {
	needsControlPlane(t)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	_, port, err := net.SplitHostPort(listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "cluster")
	// Every attempt is made to take the same port.
	c, err := Start(t.Context(), Options{Dir: dir, Keep: true, Flags: map[string][]string{apiServer: {"--secure-port=" + port}}})
	if err == nil {
		t.Error(c.Stop())
		t.Fatal("it started")
	}
	if !strings.Contains(err.Error(), "address already in use") {
		t.Errorf("the error does not say so: %v", err)
	}
	log, err := os.ReadFile(filepath.Join(dir, "logs", apiServer+".log"))
	if err != nil {
		t.Fatalf("Keep did not keep the log: %v", err)
	}
	if got := strings.Count(string(log), "address already in use"); got != portAttempts {
		t.Errorf("%d attempts, want %d", got, portAttempts)
	}
}

func TestCancelledStart(t *testing.T) {
	needsControlPlane(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	dir := filepath.Join(t.TempDir(), "cluster")
	if _, err := Start(ctx, Options{Dir: dir}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the state is still there: %v", err)
	}
}

func TestOwnProcess(t *testing.T) {
	needsControlPlane(t)
	c := start(t, Options{Scheduler: NoScheduler, Kubelets: NoKubelets})
	brief, err := c.Run(t.Context(), "brief", "sh", "-c", "echo error: no luck today; exit 3")
	if err != nil {
		t.Fatal(err)
	}
	err = brief.Until(t.Context(), "luck", func(context.Context) error { return errors.New("none yet") })
	want := "waiting for luck: brief ended early (exit status 3): error: no luck today"
	if err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	if err := c.Err(); err == nil || !strings.Contains(err.Error(), "brief ended early") {
		t.Errorf("the cluster does not report it: %v", err)
	}
	if err := brief.Stop(); err != nil {
		t.Errorf("stopping what has ended: %v", err)
	}
	long, err := c.Run(t.Context(), "long", "sleep", "600")
	if err != nil {
		t.Fatal(err)
	}
	if err := long.Stop(); err != nil {
		t.Error(err)
	}
	if err := c.Err(); err != nil {
		t.Errorf("what was stopped counts as failed: %v", err)
	}
}

func container(name string) *corev1.Pod {
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "main", Image: "none"}}},
	}
}

// phase waits until a pod is in a phase.
func phase(ctx context.Context, t *testing.T, c *Cluster, name string, want corev1.PodPhase) *corev1.Pod {
	t.Helper()
	var pod *corev1.Pod
	err := c.Until(ctx, fmt.Sprintf("pod %s to be %s", name, want), func(ctx context.Context) (err error) {
		pod, err = c.client.CoreV1().Pods("default").Get(ctx, name, metav1.GetOptions{})
		if err == nil && pod.Status.Phase != want {
			err = fmt.Errorf("it is %s: %+v", pod.Status.Phase, pod.Status.Conditions)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return pod
}

// nodes lists the nodes with a client of the public configuration.
func nodes(ctx context.Context, t *testing.T, c *Cluster) []corev1.Node {
	t.Helper()
	client, err := kubernetes.NewForConfig(c.RESTConfig())
	if err != nil {
		t.Fatal(err)
	}
	list, err := client.CoreV1().Nodes().List(ctx, metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return list.Items
}

// startOwner starts a cluster in a process of its own.
func startOwner(t *testing.T, dir string) (*exec.Cmd, runRecord) {
	t.Helper()
	owner := exec.Command(os.Args[0])
	owner.Env = append(os.Environ(), ownerVariable+"="+dir)
	owner.Stderr = os.Stderr
	stdout, err := owner.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := owner.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { owner.Process.Kill() })
	if _, err := stdout.Read(make([]byte, 16)); err != nil {
		t.Fatalf("the owner did not start its cluster: %v", err)
	}
	text, err := os.ReadFile(filepath.Join(dir, recordFile))
	if err != nil {
		t.Fatal(err)
	}
	var r runRecord
	if err := json.Unmarshal(text, &r); err != nil {
		t.Fatal(err)
	}
	return owner, r
}

// watchdogOf finds the watchdog among the children of an owner.
func watchdogOf(t *testing.T, owner int) int {
	t.Helper()
	children, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range children {
		var pid, parent int
		var name, state string
		text, err := os.ReadFile(path)
		if err != nil {
			continue // it has ended
		}
		if _, err := fmt.Sscan(string(text), &pid, &name, &state, &parent); err == nil && parent == owner && name == "(watchdog)" {
			return pid
		}
	}
	t.Fatal("the owner has no watchdog")
	return 0
}

// gone fails the test unless a cluster's processes and files are gone soon.
func gone(t *testing.T, m mark.Mark, dir string) {
	t.Helper()
	begin := time.Now()
	for {
		alive, err := m.Processes()
		if err != nil {
			t.Fatal(err)
		}
		_, dirErr := os.Stat(dir)
		_, lockErr := os.Stat(dir + lockSuffix)
		if len(alive) == 0 && errors.Is(dirErr, os.ErrNotExist) && errors.Is(lockErr, os.ErrNotExist) {
			t.Logf("gone after %s", time.Since(begin).Round(time.Millisecond))
			return
		}
		if time.Since(begin) > 5*time.Second {
			t.Fatalf("left behind: processes %v, state directory (%v), lock (%v)", alive, dirErr, lockErr)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// logMemory logs how much memory the processes of a cluster use.
func logMemory(t *testing.T, c *Cluster) {
	t.Helper()
	for _, p := range c.Processes() {
		status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.PID()))
		if err != nil {
			t.Error(err)
			continue
		}
		for line := range strings.Lines(string(status)) {
			if strings.HasPrefix(line, "VmRSS") || strings.HasPrefix(line, "RssAnon") {
				t.Logf("%s %s", p.Name(), strings.Join(strings.Fields(line), " "))
			}
		}
	}
}
