package clustersource

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/ashlar-dev/ashlar/cmd/ashlar/internal/cli"
	"github.com/ashlar-dev/ashlar/plugins/dryrun"
)

// Source says where the objects of a cluster come from.
type Source struct {
	// File is "" for an API server.
	File      string
	rules     *clientcmd.ClientConfigLoadingRules
	overrides clientcmd.ConfigOverrides
	own       *pflag.FlagSet
}

// AddTo defines the flags for a command: --snapshot, and those by which kubectl is told of an API server.
// -n is a Scope's, or the command's own.
func (s *Source) AddTo(command *cobra.Command) {
	s.AddSnapshotTo(command, "context")
	names := clientcmd.RecommendedConfigOverrideFlags("")
	names.ContextOverrideFlags.Namespace = clientcmd.FlagInfo{}
	names.CurrentContext = clientcmd.FlagInfo{}
	clientcmd.BindOverrideFlags(&s.overrides, s.own, names)
	command.Flags().AddFlagSet(s.own)
}

// AddSnapshotTo defines --snapshot, --kubeconfig and a flag for the context alone, for a command whose own
// flags have names of kubectl's.
func (s *Source) AddSnapshotTo(command *cobra.Command, contextFlag string) {
	s.own = pflag.NewFlagSet("", pflag.ContinueOnError)
	s.own.StringVar(
		&s.File,
		"snapshot",
		"",
		"read the cluster from this `FILE` or folder, - for standard input, instead of from an API server",
	)
	s.rules = clientcmd.NewDefaultClientConfigLoadingRules()
	s.own.StringVar(&s.rules.ExplicitPath, "kubeconfig", "", "the `FILE` that names the API server (default as for kubectl)")
	s.own.StringVar(&s.overrides.CurrentContext, contextFlag, "", "the kubeconfig's context to use (default the current one)")
	command.Flags().AddFlagSet(s.own)
}

// isServerNamed reports whether a flag names an API server.
func (s *Source) isServerNamed() bool {
	o := &s.overrides
	return s.rules.ExplicitPath != "" || o.CurrentContext != "" || o.Context.Cluster != "" || o.Context.AuthInfo != "" ||
		o.ClusterInfo.Server != ""
}

func (s *Source) clientConfig() clientcmd.ClientConfig {
	return clientcmd.NewNonInteractiveDeferredLoadingClientConfig(s.rules, &s.overrides)
}

// CheckFlags refuses flags that contradict one another.
func (s *Source) CheckFlags() error {
	if s.File != "" && s.isServerNamed() {
		return cli.UsageErrorf("--snapshot and --kubeconfig or --context exclude each other, as do --cluster, --user and --server: " +
			"the cluster is read from one of them")
	}
	return nil
}

// DefaultNamespace is the one that kubectl would use.
func (s *Source) DefaultNamespace() string {
	if s.File == "" {
		if namespace, _, err := s.clientConfig().Namespace(); err == nil && namespace != "" {
			return namespace
		}
	}
	return metav1.NamespaceDefault
}

// ReadObjects reads the cluster.
func (s *Source) ReadObjects(ctx context.Context, stdin io.Reader) (*dryrun.ClusterObjects, error) {
	defer collectRarely()()
	if s.File != "" {
		objects, err := dryrun.ReadObjectFiles(s.File, stdin)
		return objects, cli.MistakenInput(err)
	}
	client, host, err := s.ConnectCluster()
	if err != nil {
		return nil, err
	}
	cluster, err := dryrun.ReadLiveCluster(ctx, client)
	if err != nil {
		return nil, fmt.Errorf("the API server at %s: %w", host, err)
	}
	return cluster, nil
}

// ConnectCluster is a client of the API server, and where that is.
func (s *Source) ConnectCluster() (client kubernetes.Interface, host string, err error) {
	config, err := s.RESTConfig()
	if err != nil {
		return nil, "", err
	}
	// In the API server's own encoding objects are read in a third of the time. What has none, such as PodGroups,
	// comes as JSON.
	config.ContentType, config.AcceptContentTypes = runtime.ContentTypeProtobuf, runtime.ContentTypeProtobuf+","+runtime.ContentTypeJSON
	if client, err = kubernetes.NewForConfig(config); err != nil {
		return nil, "", fmt.Errorf("connecting to %s: %w", config.Host, err)
	}
	return client, config.Host, nil
}

// RESTConfig says how to reach the API server.
func (s *Source) RESTConfig() (*rest.Config, error) {
	config, err := s.clientConfig().ClientConfig()
	if err != nil {
		return nil, cli.UsageErrorf("which API server to ask is not known: %w: name one with --kubeconfig, or a file with --snapshot", err)
	}
	config.QPS, config.Burst = 50, 100
	return config, nil
}
