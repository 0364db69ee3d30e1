package clustersource

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/ashlar-dev/ashlar/cmd/ashlar/internal/cli"
	"github.com/ashlar-dev/ashlar/plugins/dryrun"
)

// Source says where the objects of a cluster come from.
type Source struct {
	// File is "" for an API server.
	File string
	// kube are kubectl's own flags.
	kube *genericclioptions.ConfigFlags
}

// AddTo defines the flags for a command: --snapshot, and those by which kubectl is told of an API server.
// -n is a Scope's, or the command's own.
func (s *Source) AddTo(command *cobra.Command) {
	set := command.Flags()
	set.StringVar(&s.File, "snapshot", "", "read the cluster from this `FILE` or folder, - for standard input, instead of from an API server")
	s.kube = genericclioptions.NewConfigFlags(true)
	s.kube.Namespace = nil
	s.kube.AddFlags(set)
}

// isServerNamed reports whether a flag names an API server.
func (s *Source) isServerNamed() bool {
	for _, flag := range []*string{s.kube.KubeConfig, s.kube.Context, s.kube.ClusterName, s.kube.AuthInfoName, s.kube.APIServer} {
		if *flag != "" {
			return true
		}
	}
	return false
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
		if namespace, _, err := s.kube.ToRawKubeConfigLoader().Namespace(); err == nil && namespace != "" {
			return namespace
		}
	}
	return metav1.NamespaceDefault
}

// ReadObjects reads the cluster.
func (s *Source) ReadObjects(ctx context.Context, stdin io.Reader) (*dryrun.ClusterObjects, error) {
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
	if client, err = kubernetes.NewForConfig(config); err != nil {
		return nil, "", fmt.Errorf("connecting to %s: %w", config.Host, err)
	}
	return client, config.Host, nil
}

// RESTConfig says how to reach the API server.
func (s *Source) RESTConfig() (*rest.Config, error) {
	config, err := s.kube.ToRESTConfig()
	if err != nil {
		return nil, cli.UsageErrorf("which API server to ask is not known: %w: name one with --kubeconfig, or a file with --snapshot", err)
	}
	config.QPS, config.Burst = 50, 100
	return config, nil
}
