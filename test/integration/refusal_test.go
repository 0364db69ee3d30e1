package integration

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ashlar-dev/ashlar/test/cluster"
)

// schedulerConfig is a configuration with one profile and the given plugins.
func schedulerConfig(kubeconfig string, plugins ...string) string {
	text := fmt.Sprintf(`apiVersion: kubescheduler.config.k8s.io/v1
kind: KubeSchedulerConfiguration
leaderElection: {leaderElect: false}
clientConnection: {kubeconfig: %q}
profiles:
- schedulerName: ashlar-scheduler
  plugins:
    multiPoint:
      disabled: [{name: DynamicResources}]
      enabled:
`, kubeconfig)
	for _, plugin := range plugins {
		text += "      - name: " + plugin + "\n"
	}
	return text
}

// unreachable is a kubeconfig of an API server that is not there.
func unreachable(t *testing.T) string {
	port, err := cluster.FreePort()
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "kubeconfig")
	if err := os.WriteFile(file, fmt.Appendf(nil, `apiVersion: v1
kind: Config
clusters: [{name: c, cluster: {server: "https://127.0.0.1:%d"}}]
users: [{name: u, user: {token: t}}]
contexts: [{name: x, context: {cluster: c, user: u}}]
current-context: x
`, port), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// refuses runs a command that must fail within seconds, with one line that says
// what is wrong and no stack trace.
func refuses(t *testing.T, want, command string, args ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	run := exec.CommandContext(ctx, world.cluster.Binaries().Command(command), args...)
	run.Env = append(os.Environ(), "KUBECONFIG=", "NODE_NAME=")
	var stderr bytes.Buffer
	run.Stderr = &stderr
	err := run.Run()
	if err == nil {
		t.Fatal("no error")
	}
	if err := ctx.Err(); err != nil {
		t.Fatalf("it hangs: %s: %v", stderr.String(), err)
	}
	if got := run.ProcessState.ExitCode(); got <= 0 {
		t.Fatalf("%v: run.ProcessState.ExitCode() = %v, want more than 0", stderr.String(), got)
	}
	if got := stderr.String(); strings.Contains(got, "goroutine ") {
		t.Fatalf("%q contains %q", got, "goroutine ")
	}
	lines := strings.Split(strings.TrimSpace(stderr.String()), "\n")
	last := lines[len(lines)-1]
	if !strings.HasPrefix(last, command+": ") {
		t.Fatalf("%v: strings.HasPrefix(last, command+\": \") is false", stderr.String())
	}
	if !strings.Contains(last, want) {
		t.Fatalf("%q does not contain %q", last, want)
	}
	for _, line := range lines[:len(lines)-1] {
		if strings.Contains(line, "anic") {
			t.Fatalf("a panic before the message: %q contains %q", line, "anic")
		}
	}
}

func TestSchedulerRefusesBadInput(t *testing.T) {
	write := func(text string) string {
		file := filepath.Join(t.TempDir(), "config.yaml")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	kubeconfig := world.cluster.Kubeconfig()
	for name, tc := range map[string]struct{ config, want string }{
		"unknown field": {"apiVersion: kubescheduler.config.k8s.io/v1\nkind: KubeSchedulerConfiguration\nprofils: []\n",
			`unknown field "profils"`},
		"not YAML":       {"{", "configuration"},
		"unreachable":    {schedulerConfig(unreachable(t), "DevicePlacement"), "does not answer"},
		"no kubeconfig":  {schedulerConfig("/does/not/exist", "DevicePlacement"), "/does/not/exist"},
		"unknown plugin": {schedulerConfig(kubeconfig, "NoSuchPlugin"), "NoSuchPlugin"},
		"both plugins": {schedulerConfig(kubeconfig, "DevicePlacement", "DynamicResources"),
			"enables both DevicePlacement and DynamicResources"},
		"negative patience": {schedulerConfig(kubeconfig, "Coscheduling") +
			"  pluginConfig:\n  - name: Coscheduling\n    args: {permitWaitingTimeSeconds: -1}\n", "permitWaitingTimeSeconds"},
	} {
		t.Run(name, func(t *testing.T) {
			refuses(t, tc.want, "ashlar-scheduler", "--config", write(tc.config), "--secure-port", "0")
		})
	}
	refuses(t, "no configuration", "ashlar-scheduler")
	refuses(t, "no such file", "ashlar-scheduler", "--config", "/does/not/exist")
}

// On a cluster without the CRDs the plugins that need them say so, instead of
// waiting for caches that never fill.
func TestSchedulerNamesMissingCRDs(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	bare, err := cluster.Start(ctx, cluster.Options{Kubelets: cluster.NoKubelets, Scheduler: cluster.NoScheduler})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := bare.Stop(); err != nil {
			t.Fatal(err)
		}
	}()
	for plugin, want := range map[string]string{
		"Coscheduling":              "plugin Coscheduling needs scheduling.x-k8s.io/v1alpha1",
		"NodeResourceTopologyMatch": "plugin NodeResourceTopologyMatch needs topology.node.k8s.io/v1alpha2",
	} {
		t.Run(plugin, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "config.yaml")
			if err := os.WriteFile(file, []byte(schedulerConfig(bare.Kubeconfig(), plugin)), 0o600); err != nil {
				t.Fatal(err)
			}
			refuses(t, want, "ashlar-scheduler", "--config", file, "--secure-port", "0")
		})
	}
}

func TestDriverRefusesBadInput(t *testing.T) {
	kubeconfig := world.cluster.Kubeconfig()
	nodesFile := func(text string) string {
		file := filepath.Join(t.TempDir(), "nodes.yaml")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	const (
		malformed = "- name: a\n  machine: dgx-h100\n  colour: red\n"
		twice     = "- {name: a, machine: dgx-h100}\n- {name: a, machine: dgx-a100}\n"
	)
	for name, tc := range map[string]struct {
		args []string
		want string
	}{
		"unknown machine type": {[]string{"--kubeconfig", kubeconfig, "--node-name", "explain", "--machine", "dgx-h10"}, "dgx-h100"},
		"missing node":         {[]string{"--kubeconfig", kubeconfig, "--node-name", "nowhere", "--machine", "dgx-h100"}, "nowhere"},
		"malformed nodes file": {[]string{"--kubeconfig", kubeconfig, "--nodes", nodesFile(malformed)}, "colour"},
		"node given twice":     {[]string{"--kubeconfig", kubeconfig, "--nodes", nodesFile(twice)}, "a"},
		"unreachable": {[]string{"--kubeconfig", unreachable(t), "--node-name", "explain", "--machine", "dgx-h100"},
			"connection refused"},
		"no NVIDIA driver": {[]string{"--kubeconfig", kubeconfig, "--node-name", "explain"}, "libnvidia-ml.so.1"},
	} {
		t.Run(name, func(t *testing.T) { refuses(t, tc.want, "ashlar-dra-driver", tc.args...) })
	}
}
