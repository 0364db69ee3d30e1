package clustersource

import (
	"fmt"
	"path/filepath"

	"github.com/spf13/pflag"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes"
)

// ConnectWatcher is a client for reading much at once: objects come in the API server's own encoding,
// which is read with half the memory. host is where the API server is.
func (s *Source) ConnectWatcher() (client kubernetes.Interface, host string, err error) {
	config, err := s.clientConfig().ClientConfig()
	if err != nil {
		return nil, "", fmt.Errorf("which API server to ask is not known: %w: name one with --kubeconfig, or a file with --snapshot", err)
	}
	config.ContentType, config.AcceptContentTypes = runtime.ContentTypeProtobuf, runtime.ContentTypeProtobuf+","+runtime.ContentTypeJSON
	if client, err = kubernetes.NewForConfig(config); err != nil {
		return nil, "", fmt.Errorf("connecting to %s: %w", config.Host, err)
	}
	return client, config.Host, nil
}

// ClusterName is what its user calls the cluster: the kubeconfig's context, or the snapshot's file.
func (s *Source) ClusterName() string {
	if s.File == "-" {
		return "a snapshot"
	}
	if s.File != "" {
		return filepath.Base(s.File)
	}
	if s.overrides.CurrentContext != "" {
		return s.overrides.CurrentContext
	}
	if config, err := s.clientConfig().RawConfig(); err == nil && config.CurrentContext != "" {
		return config.CurrentContext
	}
	return "this cluster"
}

// FlagArguments are the flags, as they were given, with which another command reads the same cluster.
func (s *Source) FlagArguments() []string {
	var args []string
	s.own.VisitAll(func(flag *pflag.Flag) {
		if !flag.Changed {
			return
		}
		values := []string{flag.Value.String()}
		if list, ok := flag.Value.(pflag.SliceValue); ok {
			values = list.GetSlice()
		}
		for _, value := range values {
			args = append(args, "--"+flag.Name+"="+value)
		}
	})
	return args
}
