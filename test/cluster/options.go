package cluster

import (
	"crypto/rand"
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
)

// Kubelets says who plays the kubelets of the cluster's nodes.
type Kubelets string

const (
	// FakeKubelets is KWOK with node leases: nodes become Ready and stay so as
	// long as KWOK runs, and the controller-manager watches over them.
	FakeKubelets Kubelets = ""

	// SilentKubelets is KWOK without any heartbeat, for thousands of nodes: a
	// lease per node every few seconds costs more than all that is measured. Nodes
	// are Ready from their creation and for ever: the controller-manager runs
	// without its node lifecycle controller, and the API server without the
	// admission plugin that taints new nodes, since nobody would untaint them.
	SilentKubelets Kubelets = "silent"

	// NoKubelets leaves nodes and pods to the caller.
	NoKubelets Kubelets = "none"
)

// Scheduler says who serves pods that name no scheduler.
type Scheduler string

const (
	// StockScheduler is the unmodified kube-scheduler.
	StockScheduler Scheduler = ""
	// NoScheduler leaves pods pending; the caller may run its own scheduler.
	NoScheduler Scheduler = "none"
)

// Options says what Start starts. The zero value is a whole cluster under a name
// of its own.
type Options struct {
	// Name names the default Dir. Two living clusters cannot share a name; if it
	// is empty a new one is made up.
	Name string
	// Dir is where the cluster keeps its state. It must be empty, absent, or left
	// over from an earlier cluster. By default <repository>/.ashlar/clusters/<Name>.
	Dir string
	// Keep leaves Dir behind on Stop, to read logs and data afterwards.
	Keep bool

	Kubelets  Kubelets
	Scheduler Scheduler

	// Audit has the API server write down every request; AuditedCalls reads them.
	Audit bool

	// Flags are appended to a component's own, by its name: etcd, kube-apiserver,
	// kube-controller-manager, kube-scheduler, kwok.
	Flags map[string][]string

	// Binaries are those of the checkout around the working directory by default.
	Binaries *Binaries
	// Progress is told what is being done, one line at a time; may be nil.
	Progress func(string)
}

var clusterName = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]*[a-z0-9])?$`)

// withDefaults checks the options and fills in defaults.
func (o Options) withDefaults() (Options, error) {
	switch o.Kubelets {
	case FakeKubelets, SilentKubelets, NoKubelets:
	default:
		return o, fmt.Errorf("unknown kind of kubelets %q", o.Kubelets)
	}
	switch o.Scheduler {
	case StockScheduler, NoScheduler:
	default:
		return o, fmt.Errorf("unknown kind of scheduler %q", o.Scheduler)
	}
	for component := range o.Flags {
		switch component {
		case etcd, apiServer, controllerManager, scheduler, kwok:
		default:
			return o, fmt.Errorf("flags for unknown component %q", component)
		}
	}
	if o.Progress == nil {
		o.Progress = func(string) {}
	}
	if o.Binaries == nil {
		binaries, err := FindBinaries()
		if err != nil {
			return o, err
		}
		o.Binaries = binaries
	}
	if o.Name == "" {
		o.Name = "run-" + strings.ToLower(rand.Text()[:8])
	}
	if !clusterName.MatchString(o.Name) {
		return o, fmt.Errorf("cluster name %q: must be lower-case letters, digits and inner dashes", o.Name)
	}
	if o.Dir == "" {
		o.Dir = filepath.Join(o.Binaries.root, stateFolder, "clusters", o.Name)
	}
	dir, err := filepath.Abs(o.Dir)
	if err != nil {
		return o, fmt.Errorf("finding state directory %s: %w", o.Dir, err)
	}
	o.Dir = dir
	return o, nil
}
