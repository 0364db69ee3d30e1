package install

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"sigs.k8s.io/yaml"

	"github.com/ashlar-dev/ashlar/test/cluster"
	"github.com/ashlar-dev/ashlar/topology/deviceapi"
)

// Node is one entry of a nodes file.
type Node struct {
	Name    string            `json:"name"`
	Machine string            `json:"machine"`
	Offer   GPUOffer          `json:"offer,omitempty"`
	Labels  map[string]string `json:"labels,omitempty"`
	// Clique is the NVLink domain of several nodes, "" for none.
	Clique string `json:"clique,omitempty"`
}

// Commands are the programs of cmd/ that an installation runs.
var Commands = []string{"ashlar-scheduler", "ashlar-dra-driver"}

const (
	namespace = "ashlar-system"
	scheduler = "ashlar-scheduler"
	driver    = "ashlar-dra-driver"
)

// startsWithin is how long the driver and the scheduler may take to be at work.
const startsWithin = 3 * time.Minute

// Installation is Ashlar on a cluster.
type Installation struct {
	cluster *cluster.Cluster
	root    string // of the repository
	nodes   []Node
	port    int // of the scheduler's health check
}

// manifestFolder is what is applied: base, and the component that puts its devices behind
// nvidia.com/gpu and nvidia.com/mig-*, which examples and tests ask for too.
const manifestFolder = "manifests/overlays/extended-resources"

// Install applies manifestFolder, adds the nodes with the GPUs of their machine
// type, and starts the driver and the scheduler. It returns once every node's
// devices are published and the scheduler schedules.
func Install(ctx context.Context, c *cluster.Cluster, root string, nodes []Node, progress func(string)) (*Installation, error) {
	i := &Installation{cluster: c, root: root, nodes: nodes}
	for _, step := range []struct {
		what string
		do   func(context.Context) error
	}{
		{"applying " + manifestFolder, i.applyManifests},
		{fmt.Sprintf("adding %d nodes", len(nodes)), i.addNodes},
		{"starting the driver and the scheduler", i.startPrograms},
		{"publishing devices", i.waitReady},
	} {
		progress(step.what)
		if err := step.do(ctx); err != nil {
			return nil, fmt.Errorf("%s: %w", step.what, err)
		}
	}
	return i, nil
}

// ReadNodes reads a nodes file.
func ReadNodes(path string) ([]Node, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var nodes []Node
	if err := yaml.UnmarshalStrict(text, &nodes); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return nodes, nil
}

func (i *Installation) applyManifests(ctx context.Context) error {
	folder := filepath.Join(i.root, filepath.FromSlash(manifestFolder))
	if _, err := i.cluster.Kubectl(ctx, "apply", "--server-side", "-k", folder); err != nil {
		return err
	}
	_, err := i.cluster.Kubectl(ctx, "wait", "--for=condition=Established", "--timeout=60s", "crd/podgroups.scheduling.x-k8s.io",
		"crd/noderesourcetopologies.topology.node.k8s.io")
	return err
}

func (i *Installation) addNodes(ctx context.Context) error {
	var specs []cluster.NodeSpec
	for _, node := range i.nodes {
		spec, err := node.specOf()
		if err != nil {
			return err
		}
		specs = append(specs, spec)
	}
	if err := i.cluster.AddNodes(ctx, specs); err != nil {
		return err
	}
	if err := i.publishForNVIDIA(ctx); err != nil {
		return err
	}
	return i.cluster.WaitNodesReady(ctx)
}

// labelValue makes a machine type with a model ("machine/model") fit for a label.
func labelValue(machine string) string {
	text := []byte(machine)
	for at, b := range text {
		if b == '/' {
			text[at] = '.'
		}
	}
	return string(text)
}

func (i *Installation) startPrograms(ctx context.Context) error {
	if err := i.startDriver(ctx); err != nil {
		return err
	}
	return i.startScheduler(ctx)
}

func (i *Installation) startDriver(ctx context.Context) error {
	var own []map[string]string // as the driver reads them
	for _, node := range i.nodes {
		if node.Offer == OfferedByAshlar {
			entry := map[string]string{"name": node.Name, "machine": node.Machine}
			if node.Clique != "" {
				entry["clique"] = node.Clique
			}
			own = append(own, entry)
		}
	}
	if len(own) == 0 {
		return nil
	}
	if err := i.createSimulator(ctx); err != nil {
		return err
	}
	kubeconfig, err := i.cluster.KubeconfigFor(ctx, namespace, simulator)
	if err != nil {
		return err
	}
	text, err := yaml.Marshal(own)
	if err != nil {
		return fmt.Errorf("writing nodes: %w", err)
	}
	file := filepath.Join(i.cluster.Dir(), "nodes.yaml")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		return err
	}
	_, err = i.cluster.Run(ctx, driver, i.cluster.Binaries().Command(driver), "--kubeconfig", kubeconfig, "--nodes", file)
	return err
}

func (i *Installation) startScheduler(ctx context.Context) error {
	kubeconfig, err := i.cluster.KubeconfigFor(ctx, namespace, scheduler)
	if err != nil {
		return err
	}
	config, err := i.schedulerConfig(kubeconfig)
	if err != nil {
		return err
	}
	if i.port, err = cluster.FreePort(); err != nil {
		return err
	}
	_, err = i.cluster.Run(ctx, scheduler, i.cluster.Binaries().Command(scheduler), "--config", config,
		"--authentication-kubeconfig", kubeconfig, "--authorization-kubeconfig", kubeconfig,
		"--bind-address", "127.0.0.1", "--secure-port", strconv.Itoa(i.port), "--cert-dir", filepath.Join(i.cluster.Dir(), scheduler+"-certs"))
	return err
}

// schedulerConfig is the configuration of manifests/base, told where the API
// server is: a pod finds it by itself.
func (i *Installation) schedulerConfig(kubeconfig string) (string, error) {
	source := filepath.Join(i.root, "manifests", "scheduler", "scheduler-config.yaml")
	text, err := os.ReadFile(source)
	if err != nil {
		return "", err
	}
	var config map[string]any
	if err := yaml.UnmarshalStrict(text, &config); err != nil {
		return "", fmt.Errorf("%s: %w", source, err)
	}
	connection, ok := config["clientConnection"].(map[string]any)
	if !ok {
		return "", fmt.Errorf("%s: no clientConnection", source)
	}
	connection["kubeconfig"] = kubeconfig
	if text, err = yaml.Marshal(config); err != nil {
		return "", fmt.Errorf("writing scheduler configuration: %w", err)
	}
	file := filepath.Join(i.cluster.Dir(), "scheduler-config.yaml")
	return file, os.WriteFile(file, text, 0o600)
}

func (i *Installation) waitReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startsWithin)
	defer cancel()
	client, err := kubernetes.NewForConfig(i.cluster.RESTConfig())
	if err != nil {
		return err
	}
	return errors.Join(
		i.cluster.Until(ctx, "the driver to publish every node", func(ctx context.Context) error { return i.checkPublished(ctx, client) }),
		i.cluster.Until(ctx, "the scheduler to lead", func(ctx context.Context) error { return i.checkLeading(ctx, client) }),
	)
}

// checkPublished checks that each node's pool is complete.
func (i *Installation) checkPublished(ctx context.Context, client kubernetes.Interface) error {
	list, err := client.ResourceV1().ResourceSlices().List(ctx, metav1.ListOptions{FieldSelector: "spec.driver=" + deviceapi.Driver})
	if err != nil {
		return err
	}
	have, want := map[string]int64{}, map[string]int64{}
	for _, slice := range list.Items {
		have[slice.Spec.Pool.Name]++
		want[slice.Spec.Pool.Name] = slice.Spec.Pool.ResourceSliceCount
	}
	for _, node := range i.nodes {
		if node.Offer != OfferedByAshlar {
			continue
		}
		if have[node.Name] == 0 || have[node.Name] != want[node.Name] {
			return fmt.Errorf("node %s has %d of %d slices", node.Name, have[node.Name], want[node.Name])
		}
	}
	return nil
}

func (i *Installation) checkLeading(ctx context.Context, client kubernetes.Interface) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, fmt.Sprintf("https://127.0.0.1:%d/readyz", i.port), nil)
	if err != nil {
		return err
	}
	response, err := insecureClient().Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("readyz answers %s", response.Status)
	}
	lease, err := client.CoordinationV1().Leases(namespace).Get(ctx, scheduler, metav1.GetOptions{})
	if err != nil {
		return err
	}
	if lease.Spec.HolderIdentity == nil || *lease.Spec.HolderIdentity == "" {
		return errors.New("no leader yet")
	}
	return nil
}

// Examples applies folders of manifests/examples to a namespace, which it creates.
func (i *Installation) Examples(ctx context.Context, namespace string, folders ...string) error {
	client, err := kubernetes.NewForConfig(i.cluster.RESTConfig())
	if err != nil {
		return err
	}
	if err := EnsureNamespace(ctx, i.cluster, client, namespace); err != nil {
		return err
	}
	for _, folder := range folders {
		// The command of the example's README.
		if _, err := i.cluster.Kubectl(ctx, "apply", "-n", namespace, "-f", filepath.Join(i.root, "manifests", "examples", folder)); err != nil {
			return err
		}
	}
	return nil
}

// EnsureNamespace creates a namespace and waits until pods can be created in it.
func EnsureNamespace(ctx context.Context, c *cluster.Cluster, client kubernetes.Interface, name string) error {
	_, err := client.CoreV1().Namespaces().Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}, metav1.CreateOptions{})
	if err != nil {
		if _, existing := client.CoreV1().Namespaces().Get(ctx, name, metav1.GetOptions{}); existing != nil {
			return fmt.Errorf("creating namespace %s: %w", name, err)
		}
	}
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	return c.Until(ctx, "the default ServiceAccount of namespace "+name, func(ctx context.Context) error {
		_, err := client.CoreV1().ServiceAccounts(name).Get(ctx, "default", metav1.GetOptions{})
		return err
	})
}

// AddNodes adds nodes with the GPUs of their machine types, without installing anything.
func AddNodes(ctx context.Context, c *cluster.Cluster, nodes []Node) error {
	return (&Installation{cluster: c, nodes: nodes}).addNodes(ctx)
}
