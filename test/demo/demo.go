package demo

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"k8s.io/client-go/kubernetes"

	"github.com/ashlar-dev/ashlar/test/cluster"
	"github.com/ashlar-dev/ashlar/test/install"
)

// Namespace is where the examples are applied.
const Namespace = "demo"

// examples are the folders of manifests/examples that the demo applies, in order:
// what needs the rarest GPUs last, so that choosing well early matters.
var examples = []string{
	"whole-gpu", "device-plugin", "nvidia-dra-driver", "extended-mig", "vllm-8b-mig", "vllm-8b-share", "seven-slices", "gang",
	"llama-70b-nvlink", "cannot-fit",
}

// patience is how long the demo waits for the expectations to hold.
const patience = 90 * time.Second

// AfterRun is what becomes of the cluster when the demo ends.
type AfterRun string

// The choices.
const (
	StopCluster AfterRun = "stop"
	KeepCluster AfterRun = "keep"
)

// Options says how to run the demo.
type Options struct {
	Out   io.Writer
	After AfterRun
}

// Run runs the demo. Its error is one that a user can act on.
func Run(ctx context.Context, o Options) error {
	c, runErr := runOnCluster(ctx, o.Out)
	if c == nil {
		return runErr
	}
	if o.After == KeepCluster {
		return errors.Join(runErr, keepCluster(c, o.Out))
	}
	return errors.Join(runErr, c.Stop())
}

// StartCluster runs the demo and leaves its cluster to the caller, who stops it. After an error
// there is none.
func StartCluster(ctx context.Context, out io.Writer) (*cluster.Cluster, error) {
	c, err := runOnCluster(ctx, out)
	if err != nil && c != nil {
		return nil, errors.Join(err, c.Stop())
	}
	return c, err
}

// runOnCluster runs the demo on a cluster of its own, which it returns if it was started.
func runOnCluster(ctx context.Context, out io.Writer) (*cluster.Cluster, error) {
	binaries, err := cluster.FindBinaries()
	if err != nil {
		return nil, err
	}
	root := filepath.Dir(filepath.Dir(binaries.Dir()))
	nodes, err := install.ReadNodes(filepath.Join(root, "manifests", "demo", "nodes.yaml"))
	if err != nil {
		return nil, err
	}
	labelForDriver(nodes)
	progress := newProgress(out)
	if err := binaries.Ensure(ctx, progress.sayWhat, install.Commands...); err != nil {
		return nil, err
	}
	progress.sayWhat("starting etcd, kube-apiserver, kube-controller-manager, kube-scheduler and KWOK")
	c, err := cluster.Start(ctx, cluster.Options{Name: clusterName(), Binaries: binaries, Progress: progress.sayWhat})
	if err != nil {
		return nil, err
	}
	if err := runDemo(ctx, c, root, nodes, progress, out); err != nil {
		return c, fmt.Errorf("%w\n%s", err, logTails(c))
	}
	return c, nil
}

func runDemo(ctx context.Context, c *cluster.Cluster, root string, nodes []install.Node, progress *demoProgress, out io.Writer) error {
	installation, err := install.Install(ctx, c, root, nodes, progress.sayWhat)
	if err != nil {
		return err
	}
	client, err := kubernetes.NewForConfig(c.RESTConfig())
	if err != nil {
		return err
	}
	var wanted []podExpectation
	for _, example := range examples {
		folder := filepath.Join(root, "manifests", "examples", example)
		expected, err := readExpectation(folder)
		if err != nil {
			return err
		}
		progress.sayWhat("applying manifests/examples/" + example)
		if err := installation.Examples(ctx, Namespace, example); err != nil {
			return err
		}
		wanted = append(wanted, expected.Pods...)
		if err := awaitExpectations(ctx, c, client, Namespace, wanted); err != nil {
			rows, listErr := readRows(ctx, client, Namespace)
			return errors.Join(err, listErr, printTable(out, rows))
		}
	}
	rows, err := readRows(ctx, client, Namespace)
	if err != nil {
		return err
	}
	fmt.Fprintln(out)
	if err := printTable(out, rows); err != nil {
		return err
	}
	fmt.Fprintln(out)
	if err := printKinds(ctx, out, client, nodes); err != nil {
		return err
	}
	fmt.Fprintln(out)
	if err := printContrast(ctx, c, client, out); err != nil {
		return err
	}
	fmt.Fprintf(out, "\n%d nodes, %d pods, all %d expectations of %d examples held (%s)\n",
		len(nodes), len(rows), len(wanted), len(examples), progress.elapsedTime())
	return nil
}

// awaitExpectations waits until all expectations hold in a namespace.
func awaitExpectations(
	ctx context.Context, c *cluster.Cluster, client kubernetes.Interface, namespace string, wanted []podExpectation,
) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	last := ""
	err := c.Until(ctx, "what the examples expect", func(ctx context.Context) error {
		rows, err := readRows(ctx, client, namespace)
		if err != nil {
			return err
		}
		var wrong []string
		for i := range wanted {
			if text := wanted[i].differenceIn(rows); text != "" {
				wrong = append(wrong, text)
			}
		}
		if last = strings.Join(wrong, "; "); last != "" {
			return errors.New(last)
		}
		return nil
	})
	if err != nil && last != "" {
		return fmt.Errorf("%w (%s)", err, last)
	}
	return err
}

// logTails shows where to look after a failure.
func logTails(c *cluster.Cluster) string {
	var text strings.Builder
	for _, name := range install.Commands {
		for _, p := range c.Processes() {
			if p.Name() != name {
				continue
			}
			content, err := os.ReadFile(p.Logs())
			if err != nil {
				continue
			}
			lines := strings.Split(strings.TrimSpace(string(content)), "\n")
			fmt.Fprintf(&text, "last lines of %s:\n  %s\n", name, strings.Join(lines[max(0, len(lines)-5):], "\n  "))
		}
	}
	return text.String()
}

// clusterName is a new name each time, so that a kept cluster is not in the way.
func clusterName() string { return clusterPrefix + "-" + strings.ToLower(rand.Text()[:6]) }
