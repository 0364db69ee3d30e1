package workload

import (
	"fmt"
	"os"
	"path/filepath"

	"sigs.k8s.io/yaml"
)

// StockConfiguration is kube-scheduler's default configuration with a client that is not the
// bottleneck.
func StockConfiguration(kubeconfig string) string {
	return fmt.Sprintf(`apiVersion: kubescheduler.config.k8s.io/v1
kind: KubeSchedulerConfiguration
leaderElection: {leaderElect: false}
clientConnection: {kubeconfig: %q, qps: 2000, burst: 4000}
profiles:
- schedulerName: %s
`, kubeconfig, SchedulerName)
}

// ShippedConfiguration is the configuration that manifests/scheduler of the repository at root
// installs, but for where the API server is, leader election, and the scheduler's name. The
// error names the file and what it lacks.
func ShippedConfiguration(root, kubeconfig string) (string, error) {
	file := filepath.Join(root, "manifests", "scheduler", "scheduler-config.yaml")
	text, err := os.ReadFile(file)
	if err != nil {
		return "", fmt.Errorf("reading the configuration of ashlar-scheduler: %w", err)
	}
	adapted, err := adaptConfiguration(text, kubeconfig)
	if err != nil {
		return "", fmt.Errorf("%s: %w", file, err)
	}
	return adapted, nil
}

func adaptConfiguration(text []byte, kubeconfig string) (string, error) {
	var config map[string]any
	if err := yaml.UnmarshalStrict(text, &config); err != nil {
		return "", err
	}
	connection, ok := config["clientConnection"].(map[string]any)
	if !ok {
		return "", fmt.Errorf("no clientConnection")
	}
	election, ok := config["leaderElection"].(map[string]any)
	if !ok {
		return "", fmt.Errorf("no leaderElection")
	}
	profiles, _ := config["profiles"].([]any)
	if len(profiles) != 1 {
		return "", fmt.Errorf("%d profiles, want 1", len(profiles))
	}
	profile, ok := profiles[0].(map[string]any)
	if !ok {
		return "", fmt.Errorf("the profile is a %T", profiles[0])
	}
	connection["kubeconfig"], election["leaderElect"], profile["schedulerName"] = kubeconfig, false, SchedulerName
	adapted, err := yaml.Marshal(config)
	return string(adapted), err
}
