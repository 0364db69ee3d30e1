package clustersource

import (
	"path/filepath"

	"github.com/spf13/pflag"
)

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
