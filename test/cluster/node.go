package cluster

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/ashlar-dev/ashlar/test/cluster/cgroups"
)

// Folders on a real node, as programs see them that Node.Run starts there. They are
// where a kubelet and containerd have them on any node.
const (
	KubeletFolder = "/var/lib/kubelet"
	// PluginFolder is where a DRA driver keeps its socket, in a folder of its name.
	PluginFolder = KubeletFolder + "/plugins"
	// RegistryFolder is where a kubelet looks for plugins.
	RegistryFolder = KubeletFolder + "/plugins_registry"
	// CDIFolder is where containerd looks for CDI specifications.
	CDIFolder = "/var/run/cdi"
)

const (
	// nodeIP is the address of every real node in its own network, which no packet
	// leaves (RFC 2544: for tests). A kubelet refuses to have a loopback address only.
	nodeIP = "198.18.0.1"
	// nodeStartLimit is far more than a node takes on a busy machine.
	nodeStartLimit = 2 * time.Minute
)

// NodeOptions says what StartNode starts.
type NodeOptions struct {
	// Name is the node's name, and its host name.
	Name   string
	Labels map[string]string
	// FeatureGates are the kubelet's.
	FeatureGates map[string]bool
}

// Node is a real node: a kubelet and containerd in namespaces of their own, on which pods
// with hostNetwork run. It is safe for concurrent use.
type Node struct {
	cluster *Cluster
	name    string
	dir     string
	cgroup  string
	process *Process
}

// MissingNodeSupport says why no real node can run on this machine, in one line, or
// nothing if one can: a reason to skip a test. It tries, which takes a moment.
func (b *Binaries) MissingNodeSupport(ctx context.Context) (reason string, err error) {
	if runtime.GOOS != "linux" {
		return "a real node needs Linux, this is " + runtime.GOOS, nil
	}
	if err := b.ensurePrograms(ctx, nil, []builtProgram{b.nodeProgram()}); err != nil {
		return "", err
	}
	var stdout, stderr bytes.Buffer
	command := exec.CommandContext(ctx, b.nodePath(), "check")
	command.Stdout, command.Stderr = &stdout, &stderr
	if err := command.Run(); err != nil {
		return "", fmt.Errorf("looking whether a real node can run here: %w: %s", err, bytes.TrimSpace(stderr.Bytes()))
	}
	return strings.TrimSpace(stdout.String()), nil
}

// StartNode starts a real node beside the fake ones and returns once it is Ready. It ends
// with the cluster, if not before. The context bounds the start only. It needs what
// MissingNodeSupport looks for. If it fails, the node's object and its logs stay.
func (c *Cluster) StartNode(ctx context.Context, options NodeOptions) (*Node, error) {
	if !clusterName.MatchString(options.Name) {
		return nil, fmt.Errorf("starting a node: name %q: must be lower-case letters, digits and inner dashes", options.Name)
	}
	if err := c.options.Binaries.EnsureNode(ctx, c.options.Progress); err != nil {
		return nil, err
	}
	n := &Node{
		cluster: c,
		name:    options.Name,
		dir:     filepath.Join(c.dir, "nodes", options.Name),
		cgroup:  cgroups.RunGroup(c.run.record.Mark) + "/" + options.Name,
	}
	ctx, cancel := context.WithTimeoutCause(ctx, nodeStartLimit, fmt.Errorf("not ready after %s", nodeStartLimit))
	defer cancel()
	start := time.Now()
	if err := n.startNode(ctx, options); err != nil {
		return nil, fmt.Errorf("starting node %s: %w", n.name, err)
	}
	c.options.Progress(fmt.Sprintf("node %s is ready after %.1f s", n.name, time.Since(start).Seconds()))
	return n, nil
}

func (n *Node) startNode(ctx context.Context, options NodeOptions) error {
	if err := os.Mkdir(n.dir, 0o755); errors.Is(err, os.ErrExist) {
		return errors.New("the cluster has had a node of that name")
	}
	if err := os.MkdirAll(filepath.Join(n.dir, "logs"), 0o755); err != nil {
		return fmt.Errorf("making its folder: %w", err)
	}
	if err := n.registerNode(ctx, options); err != nil {
		return err
	}
	program := n.cluster.options.Binaries.probePath()
	if err := writeImage(filepath.Join(n.dir, "pause.tar"), pauseImage, program, "pause"); err != nil {
		return err
	}
	if err := writeImage(filepath.Join(n.dir, "probe.tar"), ProbeImage, program); err != nil {
		return err
	}
	for attempt := 1; ; attempt++ {
		err := n.runNode(ctx, options)
		if err == nil {
			n.cluster.adoptProcess(n.process)
			return nil
		}
		if n.process == nil {
			return err
		}
		err = errors.Join(err, n.process.Stop())
		if attempt == portAttempts || !n.process.lostPort() {
			return err
		}
	}
}

// registerNode creates the node's object, as the cloud's controller would that knows its
// address: the API server reaches the kubelet by the machine's loopback interface.
func (n *Node) registerNode(ctx context.Context, options NodeOptions) error {
	user := "system:node:" + n.name
	certificate, key, err := n.cluster.credentials.signClient(user, "system:nodes")
	if err != nil {
		return fmt.Errorf("making its certificate: %w", err)
	}
	proof := &clientcmdapi.AuthInfo{ClientCertificateData: certificate, ClientKeyData: key}
	if err := n.cluster.writeKubeconfigOf("node."+n.name, metav1.NamespaceDefault, proof); err != nil {
		return err
	}
	labels := map[string]string{corev1.LabelHostname: n.name}
	maps.Copy(labels, options.Labels)
	_, err = n.cluster.client.CoreV1().Nodes().Create(ctx, &corev1.Node{
		ObjectMeta: metav1.ObjectMeta{Name: n.name, Labels: labels},
		Status: corev1.NodeStatus{Addresses: []corev1.NodeAddress{
			{Type: corev1.NodeInternalIP, Address: "127.0.0.1"},
			{Type: corev1.NodeHostName, Address: n.name},
		}},
	}, metav1.CreateOptions{})
	if err != nil {
		return fmt.Errorf("creating its object: %w", err)
	}
	return nil
}

// runNode starts the node's processes and waits until it is Ready.
func (n *Node) runNode(ctx context.Context, options NodeOptions) error {
	port, err := FreePort()
	if err != nil {
		return err
	}
	if err := n.writeFiles(port, options); err != nil {
		return err
	}
	api, err := url.Parse(n.cluster.server)
	if err != nil {
		return fmt.Errorf("reading the API server's address: %w", err)
	}
	binaries := n.cluster.options.Binaries
	containerd, runc := binaries.containerFolders()
	args := []string{"run",
		"-dir", n.dir, "-name", n.name, "-cgroup", n.cgroup,
		"-programs", containerd + ":" + runc, "-kubelet", binaries.kubeletPath(),
		"-api", api.Host, "-service-ip", firstServiceIP, "-node-ip", nodeIP, "-kubelet-port", strconv.Itoa(port),
		"-image", filepath.Join(n.dir, "pause.tar"), "-image", filepath.Join(n.dir, "probe.tar"),
	}
	for _, folder := range n.visibleFolders() {
		args = append(args, "-keep", folder)
	}
	args = append(args, "--",
		"--config="+filepath.Join(n.dir, "kubelet.yaml"),
		"--kubeconfig="+n.cluster.kubeconfigPath("node."+n.name),
		"--hostname-override="+n.name,
		"--node-ip="+nodeIP,
		"--cloud-provider=external", // leaves the addresses in the node's object alone
		"--v=2",
	)
	command := exec.Command(binaries.nodePath(), args...)
	command.Env = n.cluster.privateEnviron()
	if n.process, err = launchProcess("node "+n.name, filepath.Join(n.dir, "logs", "node.log"), ownGrace, command); err != nil {
		return err
	}
	return n.process.Until(ctx, "node "+n.name+" to be ready", func(ctx context.Context) error {
		node, err := n.cluster.client.CoreV1().Nodes().Get(ctx, n.name, metav1.GetOptions{})
		if err != nil {
			return err
		}
		if !isUsable(node) {
			return fmt.Errorf("%s, see %s", readyMessage(node), n.Logs())
		}
		return nil
	})
}

// readyMessage is what the kubelet says of a node that is not Ready.
func readyMessage(node *corev1.Node) string {
	for _, condition := range node.Status.Conditions {
		if condition.Type == corev1.NodeReady && condition.Message != "" {
			return condition.Message
		}
	}
	return "the kubelet has not said anything yet"
}

// visibleFolders are what programs on the node need of the machine, wherever it lies.
func (n *Node) visibleFolders() []string {
	folders := []string{n.cluster.dir, n.cluster.options.Binaries.dir}
	if program, err := os.Executable(); err == nil {
		folders = append(folders, filepath.Dir(program))
	}
	for i, folder := range folders {
		if real, err := filepath.EvalSymlinks(folder); err == nil {
			folders[i] = real
		}
	}
	return folders
}

// Name returns the node's name.
func (n *Node) Name() string { return n.name }

// Process returns the process in which the node runs: it ends with it.
func (n *Node) Process() *Process { return n.process }

// Logs returns the folder with the logs of the node's kubelet and containerd.
func (n *Node) Logs() string { return filepath.Join(n.dir, "logs") }

// HostPath returns where a file of the node lies on the machine: its /var and /run are
// the node's own, all others are the machine's.
func (n *Node) HostPath(path string) string {
	path = filepath.Clean(path)
	if path == "/var/run" || strings.HasPrefix(path, "/var/run/") { // a link, on any node
		path = strings.TrimPrefix(path, "/var")
	}
	for _, own := range []string{"/var", "/run"} {
		if path == own || strings.HasPrefix(path, own+"/") {
			return filepath.Join(n.dir, path)
		}
	}
	return path
}

// Run starts a program on the node, as Cluster.Run does beside it: it sees the node's
// processes, its network and its folders, and is root there. The API server has the same
// address.
func (n *Node) Run(ctx context.Context, name, command string, args ...string) (*Process, error) {
	return n.cluster.Run(ctx, name, n.cluster.options.Binaries.nodePath(), append([]string{"enter", n.dir, command}, args...)...)
}

// Stop ends the node at once, like a machine whose power is cut, and leaves its object.
func (n *Node) Stop() error { return n.process.Stop() }
