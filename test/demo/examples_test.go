package demo

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/ashlar-dev/ashlar/test/cluster"
	"github.com/ashlar-dev/ashlar/test/install"
)

var update = flag.Bool("update", false, "write expected/whatif.txt of the examples instead of comparing it")

// exampleCluster is the demo's cluster with the nodes that only examples need.
type exampleCluster struct {
	root         string
	cluster      *cluster.Cluster
	client       kubernetes.Interface
	installation *install.Installation
}

// Every folder of manifests/examples does what its README says, on the demo's nodes: `whatif`
// answers as in expected/whatif.txt, and pods get what expected/pods.yaml says.
func TestExamplesHold(t *testing.T) {
	if testing.Short() {
		t.Skip("the examples need a control plane: skipped in short mode")
	}
	ctx, cancel := context.WithTimeout(context.Background(), 8*time.Minute)
	defer cancel()
	c := startExampleCluster(ctx, t)
	folders, err := filepath.Glob(filepath.Join(c.root, "manifests", "examples", "*", "README.md"))
	if err != nil || len(folders) == 0 {
		t.Fatalf("no examples found: %v", err)
	}
	for _, readme := range folders {
		folder := filepath.Dir(readme)
		if isThere(filepath.Join(folder, "expected", "webhook.yaml")) {
			continue // test/webhook applies it
		}
		t.Run(filepath.Base(folder), func(t *testing.T) { c.checkExample(ctx, t, folder) })
	}
}

func startExampleCluster(ctx context.Context, t *testing.T) *exampleCluster {
	t.Helper()
	binaries, err := cluster.FindBinaries()
	if err != nil {
		t.Fatal(err)
	}
	say := func(what string) { t.Log(what) }
	if err := binaries.Ensure(ctx, say, append([]string{"ashlar"}, install.Commands...)...); err != nil {
		t.Fatal(err)
	}
	c := &exampleCluster{root: filepath.Dir(filepath.Dir(binaries.Dir()))}
	var nodes []install.Node
	for _, file := range []string{"demo/nodes.yaml", "examples/nodes.yaml"} {
		more, err := install.ReadNodes(filepath.Join(c.root, "manifests", filepath.FromSlash(file)))
		if err != nil {
			t.Fatal(err)
		}
		nodes = append(nodes, more...)
	}
	labelForDriver(nodes)
	if c.cluster, err = cluster.Start(ctx, cluster.Options{Binaries: binaries, Progress: say}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.cluster.Stop(); err != nil {
			t.Error(err)
		}
	})
	if c.client, err = kubernetes.NewForConfig(c.cluster.RESTConfig()); err != nil {
		t.Fatal(err)
	}
	if c.installation, err = install.Install(ctx, c.cluster, c.root, nodes, say); err != nil {
		t.Fatal(err)
	}
	return c
}

// checkExample applies an example in a namespace of its own, and takes it away again.
func (c *exampleCluster) checkExample(ctx context.Context, t *testing.T, folder string) {
	namespace := "example-" + filepath.Base(folder)
	setup := filepath.Join(folder, "setup")
	if isThere(setup) {
		if _, err := c.cluster.Kubectl(ctx, "apply", "-f", setup); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if _, err := c.cluster.Kubectl(ctx, "delete", "-f", setup, "--wait=false"); err != nil {
				t.Error(err)
			}
		})
	}
	answer, pods := filepath.Join(folder, "expected", "whatif.txt"), isThere(filepath.Join(folder, "expected", "pods.yaml"))
	if isThere(answer) || *update && !pods {
		c.compareWhatif(ctx, t, folder, answer)
	} else if !pods {
		t.Fatalf("%s expects nothing: want expected/pods.yaml or expected/whatif.txt", folder)
	}
	if !pods {
		return
	}
	t.Cleanup(func() { c.removeNamespace(ctx, t, namespace) })
	expected, err := readExpectation(folder)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.installation.Examples(ctx, namespace, filepath.Base(folder)); err != nil {
		t.Fatal(err)
	}
	if err := awaitExpectations(ctx, c.cluster, c.client, namespace, expected.Pods); err != nil {
		t.Error(err)
	}
}

// compareWhatif compares what whatif says of an example's manifests with a file.
func (c *exampleCluster) compareWhatif(ctx context.Context, t *testing.T, folder, answer string) {
	t.Helper()
	manifests, err := filepath.Glob(filepath.Join(folder, "*.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	arguments := []string{"whatif", "--kubeconfig", c.cluster.Kubeconfig()}
	for _, manifest := range manifests {
		relative, err := filepath.Rel(c.root, manifest)
		if err != nil {
			t.Fatal(err)
		}
		arguments = append(arguments, "-f", relative)
	}
	command := exec.CommandContext(ctx, c.cluster.Binaries().Command("ashlar"), arguments...)
	command.Dir = c.root
	var stdout, stderr bytes.Buffer
	command.Stdout, command.Stderr = &stdout, &stderr
	// Pods that do not fit are an answer too; what it is, is compared.
	if err := command.Run(); err != nil && stdout.Len() == 0 {
		t.Fatalf("ashlar %s: %v: %s", strings.Join(arguments, " "), err, stderr.String())
	}
	if *update {
		if err := os.WriteFile(answer, stdout.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(answer)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), stdout.String()); diff != "" {
		t.Errorf("%s (-want +got), after a change that is meant run the test with -update:\n%s", answer, diff)
	}
}

// removeNamespace deletes a namespace, and waits until no claim of it has devices.
func (c *exampleCluster) removeNamespace(ctx context.Context, t *testing.T, namespace string) {
	now := *metav1.NewDeleteOptions(0)
	if err := c.client.CoreV1().Namespaces().Delete(ctx, namespace, now); err != nil {
		t.Error(err)
		return
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if err := c.cluster.Until(ctx, "the devices of "+namespace+" to be given back", func(ctx context.Context) error {
		if err := c.client.CoreV1().Pods(namespace).DeleteCollection(ctx, now, metav1.ListOptions{}); err != nil {
			return err
		}
		pods, err := c.client.CoreV1().Pods(namespace).List(ctx, metav1.ListOptions{})
		if err != nil {
			return err
		}
		claims, err := c.client.ResourceV1().ResourceClaims(namespace).List(ctx, metav1.ListOptions{})
		if err != nil {
			return err
		}
		if len(pods.Items)+len(claims.Items) > 0 {
			return fmt.Errorf("%d pods and %d claims are left", len(pods.Items), len(claims.Items))
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
}

func isThere(path string) bool {
	_, err := os.Stat(path)
	return !errors.Is(err, os.ErrNotExist)
}
