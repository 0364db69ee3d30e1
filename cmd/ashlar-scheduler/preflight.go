package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	utilfeature "k8s.io/apiserver/pkg/util/feature"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/klog/v2"
	"k8s.io/kubernetes/cmd/kube-scheduler/app/options"
	"k8s.io/kubernetes/pkg/scheduler/apis/config"
	"k8s.io/kubernetes/pkg/scheduler/framework/plugins/names"
	"sigs.k8s.io/scheduler-plugins/pkg/noderesourcetopology"

	"github.com/ashlar-dev/ashlar/plugins/deviceplacement"
	"github.com/ashlar-dev/ashlar/plugins/gang"
)

// answerWithin is how long the API server may take to answer the preflight.
const answerWithin = 10 * time.Second

// needed are the API resources without which a plugin would hang or fail late.
var needed = map[string]struct{ groupVersion, resource, from string }{
	deviceplacement.Name:      {"resource.k8s.io/v1", "resourceclaims", "Kubernetes 1.34 or later with DynamicResourceAllocation"},
	gang.Name:                 {"scheduling.x-k8s.io/v1alpha1", "podgroups", "manifests/crds"},
	noderesourcetopology.Name: {"topology.node.k8s.io/v1alpha2", "noderesourcetopologies", "manifests/crds"},
}

// checkedSetup is what the preflight found: a configuration and a connection that work.
type checkedSetup struct {
	config     *config.KubeSchedulerConfiguration
	plugins    []string // that any profile enables
	connection *rest.Config
}

// runPreflight refuses at once what would otherwise fail late, hang, or end in a
// stack trace: a configuration that cannot work, an API server that does not
// answer, a CRD that is missing. What an older API server lacks it says in one line
// each, and switches off what would wait for it.
func runPreflight(cmd *cobra.Command) (*checkedSetup, error) {
	file, err := cmd.Flags().GetString("config")
	if err != nil || file == "" {
		return nil, errors.New("no configuration: pass --config with a KubeSchedulerConfiguration " +
			"(see manifests/scheduler/scheduler-config.yaml)")
	}
	cfg, err := options.LoadConfigFromFile(klog.Background(), file)
	if err != nil {
		return nil, fmt.Errorf("configuration %s: %w", file, err)
	}
	enabled, err := enabledPlugins(cfg)
	if err != nil {
		return nil, fmt.Errorf("configuration %s: %w", file, err)
	}
	connection, err := connectionFor(cfg)
	if err != nil {
		return nil, err
	}
	client, err := discoveryFor(connection)
	if err != nil {
		return nil, err
	}
	if err := checkServer(client, enabled); err != nil {
		return nil, err
	}
	lacks, err := adaptToServer(cmd.Context(), client, utilfeature.DefaultMutableFeatureGate)
	if err != nil {
		return nil, err
	}
	if slices.Contains(enabled, deviceplacement.Name) {
		lacks = append(lacks, driverLacks(cmd.Context(), connection)...)
	}
	for _, lack := range lacks {
		fmt.Fprintln(cmd.ErrOrStderr(), cmd.Name()+": "+lack)
	}
	return &checkedSetup{config: cfg, plugins: enabled, connection: connection}, nil
}

// enabledPlugins collects the names that any profile enables, and checks that
// DevicePlacement stands in for DynamicResources and not beside it.
func enabledPlugins(cfg *config.KubeSchedulerConfiguration) ([]string, error) {
	var enabled []string
	for i := range cfg.Profiles {
		profile := &cfg.Profiles[i]
		if profile.Plugins == nil {
			continue
		}
		var own []string
		for _, plugin := range slices.Concat(profile.Plugins.MultiPoint.Enabled, profile.Plugins.Filter.Enabled, profile.Plugins.Score.Enabled) {
			own = append(own, plugin.Name)
		}
		if slices.Contains(own, deviceplacement.Name) && slices.Contains(own, names.DynamicResources) {
			return nil, fmt.Errorf("profile %s enables both %s and %s: disable %s under plugins.multiPoint.disabled",
				profile.SchedulerName, deviceplacement.Name, names.DynamicResources, names.DynamicResources)
		}
		enabled = append(enabled, own...)
	}
	return enabled, nil
}

func connectionFor(cfg *config.KubeSchedulerConfiguration) (*rest.Config, error) {
	connection, err := clientcmd.BuildConfigFromFlags("", cfg.ClientConnection.Kubeconfig)
	if err != nil {
		if cfg.ClientConnection.Kubeconfig == "" {
			return nil, fmt.Errorf("not running in a cluster and no clientConnection.kubeconfig in the configuration: %w", err)
		}
		return nil, fmt.Errorf("kubeconfig %s: %w", cfg.ClientConnection.Kubeconfig, err)
	}
	return connection, nil
}

func discoveryFor(connection *rest.Config) (*discovery.DiscoveryClient, error) {
	connection = rest.CopyConfig(connection)
	connection.Timeout = answerWithin
	client, err := discovery.NewDiscoveryClientForConfig(connection)
	if err != nil {
		return nil, fmt.Errorf("connecting to %s: %w", connection.Host, err)
	}
	return client, nil
}

func checkServer(client *discovery.DiscoveryClient, enabled []string) error {
	host := client.RESTClient().Get().URL().Host
	if _, err := client.ServerVersion(); err != nil {
		return fmt.Errorf("the API server at %s does not answer: %w", host, err)
	}
	for _, plugin := range enabled {
		api, checked := needed[plugin]
		if !checked {
			continue
		}
		resources, err := client.ServerResourcesForGroupVersion(api.groupVersion)
		switch {
		case apierrors.IsNotFound(err):
			return fmt.Errorf("plugin %s needs %s, which the API server at %s does not serve: install it from %s",
				plugin, api.groupVersion, host, api.from)
		case err != nil:
			return fmt.Errorf("asking the API server at %s for %s: %w", host, api.groupVersion, err)
		}
		served := false
		for i := range resources.APIResources {
			served = served || resources.APIResources[i].Name == api.resource
		}
		if !served {
			return fmt.Errorf("plugin %s needs %s of %s, which the API server at %s does not serve: install it from %s",
				plugin, api.resource, api.groupVersion, host, api.from)
		}
	}
	return nil
}

// oneLine keeps an error that spans lines readable as one.
func oneLine(err error) string { return strings.Join(strings.Fields(err.Error()), " ") }
