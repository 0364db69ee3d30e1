package coexistence

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/yaml"

	"github.com/ashlar-dev/ashlar/manifests"
	"github.com/ashlar-dev/ashlar/test/cluster"
)

const (
	scheduler       = "ashlar-scheduler"
	systemNamespace = "ashlar-system"
	stock           = "default-scheduler"
)

// clientConfig is that of an administrator who is not held up.
func clientConfig() *rest.Config {
	config := world.cluster.RESTConfig()
	config.QPS, config.Burst = 1000, 2000
	return config
}

// startScheduler starts a process of ashlar-scheduler with the shipped configuration, which serves
// pods of a scheduler name and stands for a lease. It ends with the test.
func startScheduler(t *testing.T, process, name, lease string, change ...func(config map[string]any)) *cluster.Process {
	t.Helper()
	kubeconfig, err := world.cluster.KubeconfigFor(t.Context(), systemNamespace, scheduler)
	if err != nil {
		t.Fatal(err)
	}
	var config map[string]any
	if err := yaml.UnmarshalStrict([]byte(manifests.SchedulerConfig), &config); err != nil {
		t.Fatal(err)
	}
	config["clientConnection"].(map[string]any)["kubeconfig"] = kubeconfig
	config["leaderElection"].(map[string]any)["resourceName"] = lease
	config["profiles"].([]any)[0].(map[string]any)["schedulerName"] = name
	for _, c := range change {
		c(config)
	}
	text, err := yaml.Marshal(config)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "config.yaml")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	binary := *program
	if binary == "" {
		binary = world.cluster.Binaries().Command(scheduler)
	}
	started, err := world.cluster.Run(t.Context(), process, binary, "--config", file, "--secure-port", "0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		sendSignal(t, started, syscall.SIGCONT)
		if err := started.Kill(); err != nil {
			t.Error(err)
		}
	})
	return started
}

// startLeader starts a scheduler and waits until it leads.
func startLeader(t *testing.T, process, name, lease string, change ...func(config map[string]any)) *cluster.Process {
	t.Helper()
	started := startScheduler(t, process, name, lease, change...)
	await(t, time.Minute, process+" to lead", func(ctx context.Context) error {
		if err := started.Err(); err != nil {
			return err
		}
		if holder := holderOf(ctx, lease); holder == "" {
			return fmt.Errorf("nobody holds %s", lease)
		}
		return nil
	})
	return started
}

// holderOf is who holds a lease; empty if nobody does.
func holderOf(ctx context.Context, lease string) string {
	got, err := world.client.CoordinationV1().Leases(systemNamespace).Get(ctx, lease, metav1.GetOptions{})
	if err != nil {
		return ""
	}
	return ptr.Deref(got.Spec.HolderIdentity, "")
}

func sendSignal(t *testing.T, to *cluster.Process, signal syscall.Signal) {
	t.Helper()
	if err := syscall.Kill(to.PID(), signal); err != nil && err != syscall.ESRCH {
		t.Fatal(err)
	}
}

// await asks until ready returns nil.
func await(t *testing.T, limit time.Duration, what string, ready func(context.Context) error) {
	t.Helper()
	end := time.Now().Add(limit)
	for {
		err := ready(t.Context())
		if err == nil {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("waiting for %s for %s: %v", what, limit, err)
		}
		time.Sleep(20 * time.Millisecond)
	}
}
