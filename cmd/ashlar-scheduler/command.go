package main

import (
	"context"
	"fmt"
	"os"

	"github.com/spf13/cobra"
	"k8s.io/apiserver/pkg/server"
	"k8s.io/client-go/tools/cache"
	cliflag "k8s.io/component-base/cli/flag"
	"k8s.io/component-base/cli/globalflag"
	basecompatibility "k8s.io/component-base/compatibility"
	"k8s.io/component-base/featuregate"
	"k8s.io/component-base/logs"
	logsapi "k8s.io/component-base/logs/api/v1"
	"k8s.io/component-base/term"
	"k8s.io/kubernetes/cmd/kube-scheduler/app"
	"k8s.io/kubernetes/cmd/kube-scheduler/app/options"
	"k8s.io/kubernetes/pkg/scheduler/framework/runtime"
)

// newSchedulerCommand is app.NewSchedulerCommand, whose scheduler is built by newScheduler:
// kube-scheduler's own leaves no place between its configuration and its clients.
func newSchedulerCommand(registry runtime.Registry) *cobra.Command {
	opts, traces := options.NewOptions(), &tracingFlags{}
	command := &cobra.Command{
		PersistentPreRunE: func(*cobra.Command, []string) error {
			return opts.ComponentGlobalsRegistry.Set() // feature gates, before anything asks for one
		},
		RunE: func(command *cobra.Command, _ []string) error { return runScheduler(command, opts, traces, registry) },
		Args: func(command *cobra.Command, args []string) error {
			for _, arg := range args {
				if arg != "" {
					return fmt.Errorf("%q does not take any arguments, got %q", command.CommandPath(), args)
				}
			}
			return nil
		},
	}
	sections := opts.Flags
	sections.FlagSet("global").Bool("version", false, "print the version and the commit, and exit; so does the command version")
	traces.addTo(sections.FlagSet("tracing"))
	globalflag.AddGlobalFlags(sections.FlagSet("global"), "kube-scheduler", logs.SkipLoggingConfigurationFlags())
	for _, section := range sections.FlagSets {
		command.Flags().AddFlagSet(section)
	}
	columns, _, err := term.TerminalSize(command.OutOrStdout())
	if err != nil {
		columns = 0 // no terminal: lines are not wrapped
	}
	cliflag.SetUsageAndHelpFunc(command, *sections, columns)
	return command
}

// runScheduler runs the scheduler until a signal ends it or it loses its lease.
func runScheduler(command *cobra.Command, opts *options.Options, traces *tracingFlags, registry runtime.Registry) error {
	gates := opts.ComponentGlobalsRegistry.FeatureGateFor(basecompatibility.DefaultKubeComponent)
	if err := logsapi.ValidateAndApply(opts.Logs, gates); err != nil {
		fmt.Fprintf(os.Stderr, "%v\n", err)
		os.Exit(1)
	}
	cliflag.PrintFlags(command.Flags())
	if opts.InformerName == nil {
		name, err := cache.NewInformerName("kube-scheduler")
		if err != nil {
			return err
		}
		opts.InformerName = name
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	flushTraces, err := traces.startTracing(ctx)
	if err != nil {
		return err
	}
	defer flushTraces()
	go func() {
		<-server.SetupSignalHandler()
		flushTraces() // a leader exits as soon as it has given its lease back
		cancel()
	}()
	completed, scheduler, err := newScheduler(ctx, opts, registry)
	if err != nil {
		return err
	}
	if mutable, ok := gates.(featuregate.MutableFeatureGate); ok {
		mutable.AddMetrics()
	}
	opts.ComponentGlobalsRegistry.AddMetrics()
	return app.Run(ctx, completed, scheduler)
}
