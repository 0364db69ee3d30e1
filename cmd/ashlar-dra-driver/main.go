package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
	"k8s.io/klog/v2"

	"github.com/ashlar-dev/ashlar/dra"
	"github.com/ashlar-dev/ashlar/dra/cdi"
	"github.com/ashlar-dev/ashlar/dra/discovery"
	"github.com/ashlar-dev/ashlar/dra/simulated"
	"github.com/ashlar-dev/ashlar/internal/buildinfo"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(runCommand(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// The exit codes.
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2
)

// usageError is a mistake on the command line, as opposed to one in what the
// command line refers to.
type usageError struct{ error }

// runCommand is the command. What goes wrong is one line on stderr.
func runCommand(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	command := newCommand(stdout)
	command.SetArgs(args)
	command.SetOut(stdout)
	command.SetErr(stderr)
	err := command.ExecuteContext(ctx)
	if err == nil {
		return exitOK
	}
	fmt.Fprintf(stderr, "%s: %s\n", command.Name(), strings.Join(strings.Fields(err.Error()), " "))
	if errors.As(err, &usageError{}) {
		return exitUsage
	}
	return exitFailed
}

// driverOptions are the flags.
type driverOptions struct {
	kubeconfig, nodeName, machine, nodesFile, output, healthz string
	dryRun                                                    bool
	formNames                                                 []string
	forms                                                     []dra.DeviceForm
	node                                                      nodeOptions
}

func newCommand(stdout io.Writer) *cobra.Command {
	var o driverOptions
	command := &cobra.Command{
		Use:   "ashlar-dra-driver",
		Short: "Publish the GPUs of a node, real or simulated, and prepare them for pods",
		Long: `Publish the GPUs of a node, real or simulated, as ResourceSlices, and prepare for the
kubelet what is allocated: MIG instances, time slices, MPS, and CDI specs, by which
containers get their devices. When the driver stops, the slices stay (they go with the
node's object), and so does what is prepared: pods run on.

Simulated nodes (--machine, --nodes) are published only, unless --simulated-state names a
directory for the state of their GPUs.

Beside a device plugin (nvidia.com/gpu or nvidia.com/mig-* in the node's allocatable), or
where gpu.nvidia.com publishes the same GPUs, nothing is published and what was is
withdrawn, so that no GPU is handed out twice. The log and an event on the node say so.

The driver must be allowed to get, list and watch nodes, and to list, watch, create,
update and delete resourceslices.resource.k8s.io. All of that is checked before it writes
anything. To record events it must be allowed to create and patch events, and to prepare
claims, to get resourceclaims.resource.k8s.io.`,
		Example: `  # the GPUs of this machine, in a pod of a DaemonSet
  ashlar-dra-driver --node-name $(NODE_NAME)
  # beside a kubelet, with simulated GPUs on which claims are prepared
  ashlar-dra-driver --node-name $(hostname) --machine dgx-h100 --simulated-state /var/lib/ashlar/gpus
  # one simulated node
  ashlar-dra-driver --kubeconfig ~/.kube/config --node-name gpu-0 --machine dgx-h100
  # what would be published, without a cluster
  ashlar-dra-driver --node-name gpu-0 --machine dgx-h100 --dry-run -o yaml`,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usageError{fmt.Errorf("unexpected argument %q", args[0])}
			}
			return nil
		},
		RunE: func(command *cobra.Command, _ []string) error {
			if err := o.validateFlags(); err != nil {
				return usageError{err}
			}
			return o.runDriver(command.Context(), stdout)
		},
	}
	command.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	flags := command.Flags()
	flags.StringVar(&o.kubeconfig, "kubeconfig", "", "file with the API server's address and credentials (default: those of the pod)")
	flags.StringVar(&o.nodeName, "node-name", os.Getenv("NODE_NAME"),
		"name of the node whose GPUs are published (default: the environment's NODE_NAME)")
	flags.StringVar(&o.machine, "machine", "", "machine type to simulate, for example dgx-h100 (default: the GPUs of this machine)")
	flags.StringVar(&o.nodesFile, "nodes", "",
		"YAML file with a list of simulated nodes, [{name: gpu-0, machine: dgx-h100}], all served by this process")
	flags.BoolVar(&o.dryRun, "dry-run", false, "print the ResourceSlices and publish nothing; needs no cluster")
	flags.StringVarP(&o.output, "output", "o", "yaml", "format of --dry-run: yaml or json")
	flags.StringVar(&o.healthz, "healthz-bind-address", "",
		"address on which /readyz answers once all nodes are published, and /metrics, for example :8081 (default: off)")
	flags.StringVar(&o.node.grpcHealth, "grpc-health-bind-address", "",
		"address for gRPC health checks, services liveness and readiness, for example :8082 (default: off)")
	flags.StringVar(
		&o.node.kubeletDirectory,
		"kubelet-directory",
		"/var/lib/kubelet",
		"the kubelet's directory, with plugins and plugins_registry in it",
	)
	flags.StringVar(&o.node.specDirectory, "cdi-directory", cdi.DefaultDirectory, "where the container runtime looks for CDI specs")
	flags.StringVar(&o.node.driverRoot, "driver-root", "/", "root directory of the GPU driver's installation, as this process sees it")
	flags.StringVar(&o.node.hostDriverRoot, "host-driver-root", "/", "the same directory, as the host sees it")
	flags.StringVar(&o.node.hook, "cdi-hook", "",
		"path on the host of nvidia-cdi-hook (default: the one beside this program, copied to the driver's directory)")
	flags.StringSliceVar(&o.node.reserved, "reserved-gpus", nil, "UUIDs of GPUs that are left to others, separated by commas")
	flags.StringSliceVar(&o.formNames, "forms", []string{"whole", "mig", "share"},
		"forms in which GPUs are published, separated by commas: whole, mig, share; what is allocated in another stays prepared")
	flags.StringVar(&o.node.mpsImage, "mps-image", "",
		"image of the pods in which MPS control daemons run; it needs a chroot program (default: daemons are processes of this one)")
	flags.StringVar(
		&o.node.simulatedState,
		"simulated-state",
		"",
		"directory for the state of simulated GPUs, on which claims are then prepared",
	)
	flags.StringVar(&o.node.unhealthyEffect, "unhealthy-effect", "NoSchedule",
		"taint of the devices of unhealthy GPUs: NoSchedule, NoExecute, which ends their pods, or None")
	logging := flag.NewFlagSet("", flag.ContinueOnError)
	klog.InitFlags(logging)
	flags.AddGoFlag(logging.Lookup("v"))
	flags.AddGoFlag(logging.Lookup("vmodule"))
	command.CompletionOptions.DisableDefaultCmd = true // it is run in containers
	buildinfo.AddVersion(command, func(err error) error { return usageError{err} })
	return command
}

// validateFlags finds flags that do not go together.
func (o *driverOptions) validateFlags() error {
	var err error
	if o.forms, err = discovery.ParseForms(o.formNames); err != nil {
		return fmt.Errorf("--forms: %w", err)
	}
	switch {
	case o.nodesFile != "" && o.machine != "":
		return errors.New("--nodes and --machine exclude each other: the file names each node's machine")
	case o.nodesFile == "" && o.nodeName == "":
		return errors.New("--node-name is missing (or NODE_NAME in the environment, or --nodes)")
	case o.output != "yaml" && o.output != "json":
		return fmt.Errorf("--output %s: want yaml or json", o.output)
	case o.output == "json" && !o.dryRun:
		return errors.New("--output needs --dry-run")
	case o.nodesFile == "":
		if err := simulated.CheckName(o.nodeName); err != nil {
			return err
		}
	}
	return o.node.validate(o)
}
