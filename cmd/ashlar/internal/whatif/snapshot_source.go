package whatif

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/ashlar-dev/ashlar/cmd/ashlar/internal/cli"
	"github.com/ashlar-dev/ashlar/plugins/dryrun"
)

// snapshotSource says where the snapshot comes from.
type snapshotSource struct{ file, kubeconfig, context string }

func (s *snapshotSource) addTo(command *cobra.Command) {
	set := command.Flags()
	set.StringVar(&s.file, "snapshot", "", "read the cluster from this `FILE` or folder, - for standard input, instead of from an API server")
	set.StringVar(&s.kubeconfig, "kubeconfig", "", "the `FILE` that names the API server (default as for kubectl)")
	set.StringVar(&s.context, "context", "", "the kubeconfig's context to use (default the current one)")
}

func (s *snapshotSource) checkFlags() error {
	if s.file != "" && (s.kubeconfig != "" || s.context != "") {
		return cli.UsageErrorf("--snapshot and --kubeconfig or --context exclude each other: the cluster is read from one of them")
	}
	return nil
}

func (s *snapshotSource) clientConfig() clientcmd.ClientConfig {
	rules := clientcmd.NewDefaultClientConfigLoadingRules()
	rules.ExplicitPath = s.kubeconfig
	return clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules, &clientcmd.ConfigOverrides{CurrentContext: s.context})
}

// defaultNamespace is the one that kubectl would use.
func (s *snapshotSource) defaultNamespace() string {
	if s.file == "" {
		if namespace, _, err := s.clientConfig().Namespace(); err == nil && namespace != "" {
			return namespace
		}
	}
	return "default"
}

func (s *snapshotSource) readObjects(ctx context.Context, stdin io.Reader) (*dryrun.ClusterObjects, error) {
	if s.file != "" {
		return dryrun.ReadObjectFiles(s.file, stdin)
	}
	config, err := s.clientConfig().ClientConfig()
	if err != nil {
		return nil, fmt.Errorf("which API server to ask is not known: %w: name one with --kubeconfig, or a file with --snapshot", err)
	}
	config.QPS, config.Burst = 50, 100
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("connecting to %s: %w", config.Host, err)
	}
	cluster, err := dryrun.ReadLiveCluster(ctx, client)
	if err != nil {
		return nil, fmt.Errorf("the API server at %s: %w", config.Host, err)
	}
	return cluster, nil
}
