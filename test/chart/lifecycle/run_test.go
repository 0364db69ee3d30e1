package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"sigs.k8s.io/yaml"

	"github.com/ashlar-dev/ashlar/test/cluster"
)

const (
	schedulerName = "ashlar-scheduler"
	driverName    = "ashlar-dra-driver"
	webhookName   = "ashlar-webhook"
	nameLabel     = "app.kubernetes.io/name"
)

// podRunner runs, for each pod of the release that is on a node, the pod's program beside the
// control plane: with the configuration that is mounted into the pod and the token that the
// kubelet would mount. KWOK only says that the pods run.
type podRunner struct {
	cluster *cluster.Cluster
	client  kubernetes.Interface
	// machines are the machine types of the nodes that have GPUs.
	machines map[string]string

	mu      sync.Mutex
	running map[types.UID]*cluster.Process
	// started counts the programs that were started, by their name.
	started map[string]int
	// ports are those of the programs that were started last, by their name.
	ports  map[string]int
	failed error // read after runPods
}

// lastPort is the port of the program of that name that was started last.
func (r *podRunner) lastPort(program string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.ports[program]
}

func (r *podRunner) startedCount(program string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.started[program]
}

func (r *podRunner) runningCount() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.running)
}

// runPods starts and ends programs until the context ends.
func (r *podRunner) runPods(ctx context.Context) {
	for ctx.Err() == nil {
		if err := r.syncPods(ctx); err != nil && ctx.Err() == nil {
			r.failed = errors.Join(r.failed, err)
			return
		}
		time.Sleep(200 * time.Millisecond)
	}
}

func (r *podRunner) syncPods(ctx context.Context) error {
	list, err := r.client.CoreV1().Pods(namespace).List(ctx, metav1.ListOptions{LabelSelector: "app.kubernetes.io/part-of=ashlar"})
	if err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	present := map[types.UID]bool{}
	for i := range list.Items {
		pod := &list.Items[i]
		if pod.Spec.NodeName == "" || pod.DeletionTimestamp != nil {
			continue
		}
		present[pod.UID] = true
		if r.running[pod.UID] != nil {
			continue
		}
		process, err := r.startPod(ctx, pod)
		if err != nil {
			return fmt.Errorf("running pod %s: %w", pod.Name, err)
		}
		r.running[pod.UID] = process
		r.started[pod.Labels[nameLabel]]++
	}
	for uid, process := range r.running {
		if !present[uid] {
			if err := process.Stop(); err != nil {
				return fmt.Errorf("ending %s: %w", process.Name(), err)
			}
			delete(r.running, uid)
		}
	}
	return nil
}

// startPod starts the program of one pod.
func (r *podRunner) startPod(ctx context.Context, pod *corev1.Pod) (*cluster.Process, error) {
	folder := filepath.Join(r.cluster.Dir(), "pods", pod.Name)
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, err
	}
	shared, err := r.cluster.KubeconfigOf(ctx, pod)
	if err != nil {
		return nil, err
	}
	kubeconfig := filepath.Join(folder, "kubeconfig")
	if err := os.Rename(shared, kubeconfig); err != nil {
		return nil, err
	}
	program := pod.Labels[nameLabel]
	var args []string
	switch program {
	case schedulerName:
		args, err = r.schedulerArgs(ctx, pod, folder, kubeconfig)
	case driverName:
		args, err = r.driverArgs(pod, folder, kubeconfig)
	case webhookName:
		args, err = r.webhookArgs(pod, kubeconfig)
	default:
		err = fmt.Errorf("no program is known for pods of %q", program)
	}
	if err != nil {
		return nil, err
	}
	return r.cluster.Run(ctx, pod.Name, r.cluster.Binaries().Command(program), args...)
}

// schedulerArgs are those of the pod, with the configuration that the cluster has for it, which
// is told where the API server is.
func (r *podRunner) schedulerArgs(ctx context.Context, pod *corev1.Pod, folder, kubeconfig string) ([]string, error) {
	source, err := r.client.CoreV1().ConfigMaps(namespace).Get(ctx, pod.Spec.Volumes[0].ConfigMap.Name, metav1.GetOptions{})
	if err != nil {
		return nil, err
	}
	var config map[string]any
	if err := yaml.UnmarshalStrict([]byte(source.Data["scheduler-config.yaml"]), &config); err != nil {
		return nil, err
	}
	connection, ok := config["clientConnection"].(map[string]any)
	if !ok {
		return nil, errors.New("the configuration has no clientConnection")
	}
	connection["kubeconfig"] = kubeconfig
	text, err := yaml.Marshal(config)
	if err != nil {
		return nil, err
	}
	file := filepath.Join(folder, "scheduler-config.yaml")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		return nil, err
	}
	port, err := cluster.FreePort()
	if err != nil {
		return nil, err
	}
	r.ports[schedulerName] = port
	args := []string{"--config", file, "--authentication-kubeconfig", kubeconfig, "--authorization-kubeconfig", kubeconfig,
		"--bind-address", "127.0.0.1", "--secure-port", strconv.Itoa(port), "--cert-dir", filepath.Join(folder, "certificates")}
	return append(args, pod.Spec.Containers[0].Args[1:]...), nil
}

// driverArgs have the driver simulate the GPUs of the pod's node.
func (r *podRunner) driverArgs(pod *corev1.Pod, folder, kubeconfig string) ([]string, error) {
	text, err := yaml.Marshal([]map[string]string{{"name": pod.Spec.NodeName, "machine": r.machines[pod.Spec.NodeName]}})
	if err != nil {
		return nil, err
	}
	file := filepath.Join(folder, "nodes.yaml")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		return nil, err
	}
	return []string{"--kubeconfig", kubeconfig, "--nodes", file}, nil
}

// webhookArgs are those of the pod, on loopback. What it made goes soon after it was wanted.
func (r *podRunner) webhookArgs(pod *corev1.Pod, kubeconfig string) ([]string, error) {
	port, err := cluster.FreePort()
	if err != nil {
		return nil, err
	}
	r.ports[webhookName] = port
	return append(slices.Clone(pod.Spec.Containers[0].Args), "--kubeconfig", kubeconfig, "--bind-address", "127.0.0.1",
		"--port", strconv.Itoa(port), "--extra-names", "127.0.0.1", "--metrics-bind-address", "0",
		"--health-probe-bind-address", "127.0.0.1:0", "--template-age", "2s", "--sweep-period", "1s"), nil
}
