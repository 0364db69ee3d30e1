package main

import (
	"fmt"
	"os"
	"slices"

	"github.com/spf13/cobra"
	"k8s.io/component-base/cli"
	_ "k8s.io/component-base/logs/json/register"
	_ "k8s.io/component-base/metrics/prometheus/clientgo"
	_ "k8s.io/component-base/metrics/prometheus/version"
	"k8s.io/kubernetes/pkg/scheduler/framework/runtime"
	_ "sigs.k8s.io/scheduler-plugins/apis/config/scheme" // arguments of the plugins below
	"sigs.k8s.io/scheduler-plugins/pkg/noderesourcetopology"

	"github.com/ashlar-dev/ashlar/internal/buildinfo"
	"github.com/ashlar-dev/ashlar/plugins/deviceplacement"
	"github.com/ashlar-dev/ashlar/plugins/gang"
	"github.com/ashlar-dev/ashlar/plugins/preemption"
)

func main() {
	if err := cli.RunNoErrOutput(newCommand()); err != nil {
		fmt.Fprintln(os.Stderr, "ashlar-scheduler:", oneLine(err))
		os.Exit(1)
	}
}

func newCommand() *cobra.Command {
	command := newSchedulerCommand(runtime.Registry{
		deviceplacement.Name:      deviceplacement.New,
		deviceplacement.ScoreName: deviceplacement.NewScore,
		preemption.Name:           preemption.New,
		gang.Name:                 gang.New,
		noderesourcetopology.Name: noderesourcetopology.New,
	})
	command.Use = "ashlar-scheduler"
	command.Short = "Place GPU pods by memory, MIG profile and NVLink topology"
	command.Long = `ashlar-scheduler is kube-scheduler with plugins that place GPU pods by memory, MIG
profile and NVLink topology. It runs beside kube-scheduler and serves the pods
that name it in schedulerName. It takes kube-scheduler's flags; --config, a
KubeSchedulerConfiguration, is required. Its plugins:

  ` + deviceplacement.Name + `            which devices a pod's claims get; replaces DynamicResources
  ` + deviceplacement.ScoreName + `       ranks nodes by those devices
  ` + preemption.Name + `                 ends pods of lower priority; replaces DefaultPreemption
  ` + gang.Name + `               pods of a PodGroup start together or not at all
  ` + noderesourcetopology.Name + `  NUMA-aware CPU and memory, from scheduler-plugins`
	command.SilenceUsage = true
	command.CompletionOptions.DisableDefaultCmd = true // it is run in containers
	buildinfo.AddVersion(command, nil)
	run := command.RunE
	command.RunE = func(cmd *cobra.Command, args []string) error {
		setup, err := runPreflight(cmd)
		if err != nil {
			return err
		}
		if slices.Contains(setup.plugins, gang.Name) {
			startGroupStatus(cmd.Context(), setup.connection, statusElection(cmd, setup.config.LeaderElection))
		}
		return run(cmd, args)
	}
	return command
}
