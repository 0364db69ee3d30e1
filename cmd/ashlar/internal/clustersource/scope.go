package clustersource

import (
	"github.com/spf13/cobra"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ashlar-dev/ashlar/cmd/ashlar/internal/cli"
)

// Scope is -n and -A, the namespaces whose objects a command shows, as kubectl has them.
type Scope struct {
	namespace string
	all       bool
}

// AddTo defines the flags for a command.
func (s *Scope) AddTo(command *cobra.Command) {
	set := command.Flags()
	set.StringVarP(&s.namespace, "namespace", "n", "", "the namespace to look at (default that of the kubeconfig)")
	set.BoolVarP(&s.all, "all-namespaces", "A", false, "look at all namespaces")
}

// CheckFlags refuses flags that contradict one another.
func (s *Scope) CheckFlags() error {
	if s.all && s.namespace != "" {
		return cli.UsageErrorf("-n %s and -A exclude each other: look at one namespace or at all", s.namespace)
	}
	return nil
}

// Namespace is the one to look at, "" for all.
func (s *Scope) Namespace(source *Source) string {
	switch {
	case s.all:
		return metav1.NamespaceAll
	case s.namespace != "":
		return s.namespace
	}
	return source.DefaultNamespace()
}

// IsAll reports whether -A was given.
func (s *Scope) IsAll() bool { return s.all }
